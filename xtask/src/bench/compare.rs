//! CPU per command and throughput of both servers.
//!
//! Both run at the same time, one of them idle, and take turns workload by workload, so that whatever else the machine
//! does meanwhile hits both. Each round starts with the other server.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::Contestants;
use super::load::{self, Measured, Workload};
use super::report::{Table, median};
use super::server::Server;
use crate::shell::heading;

/// A test of redis-benchmark and what selects it.
type Test = (&'static str, &'static [&'static str]);

const SET: Test = ("SET", &["-t", "set"]);
const GET: Test = ("GET", &["-t", "get"]);

/// What is kept of writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Setting {
    NoLog,
    Everysec,
    Always,
}

pub(super) struct Plan {
    pub(super) rounds: usize,
    /// Commands per pipelined run.
    pub(super) requests: u64,
    /// Commands per run without a pipeline.
    pub(super) requests_unpipelined: u64,
    /// Empty: all.
    pub(super) settings: Vec<Setting>,
}

impl Setting {
    fn name(self) -> &'static str {
        match self {
            Self::NoLog => "no log",
            Self::Everysec => "everysec",
            Self::Always => "always",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::NoLog => &["--appendonly", "no"],
            Self::Everysec => &["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::Always => &["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}

impl Plan {
    /// Writes before reads, so that the first GET finds keys.
    fn workloads(&self) -> Vec<Workload> {
        let mut workloads = Vec::new();
        for (pipeline, requests) in [(32, self.requests), (1, self.requests_unpipelined)] {
            workloads.extend([SET, GET].map(|(name, arguments)| Workload {
                name,
                arguments,
                pipeline,
                requests,
            }));
        }
        workloads
    }
}

/// All rounds of one workload, ours and the reference's.
struct Rounds {
    workload: Workload,
    of: [Vec<Measured>; 2],
}

pub(super) fn run(contestants: &Contestants, directory: &Path, plan: &Plan) -> Result<Value> {
    let mut table = Table::new(&[
        "log",
        "workload",
        "CPU us/cmd ours",
        "redis",
        "ratio",
        "commands/s ours",
        "redis",
        "ratio",
        "p99 ms ours",
        "redis",
    ]);
    let mut results = Vec::new();
    for setting in Setting::value_variants() {
        if !plan.settings.is_empty() && !plan.settings.contains(setting) {
            continue;
        }
        heading(&format!("{}: {} rounds", setting.name(), plan.rounds));
        for rounds in measure(contestants, directory, plan, *setting)? {
            add_row(&mut table, *setting, &rounds);
            results.push(to_json(contestants, *setting, &rounds));
        }
    }
    heading(&format!("medians of {} rounds, {} clients", plan.rounds, load::CLIENTS));
    println!("{table}");
    Ok(json!({
        "rounds": plan.rounds,
        "clients": load::CLIENTS,
        "keys": load::KEYS,
        "value_bytes": load::VALUE_BYTES,
        "workloads": results,
    }))
}

fn measure(
    contestants: &Contestants,
    directory: &Path,
    plan: &Plan,
    setting: Setting,
) -> Result<Vec<Rounds>> {
    let servers = [
        Server::start(&contestants.ours, setting.options(), directory)?,
        Server::start(&contestants.reference, setting.options(), directory)?,
    ];
    let mut all: Vec<Rounds> = plan
        .workloads()
        .into_iter()
        .map(|workload| Rounds { workload, of: [Vec::new(), Vec::new()] })
        .collect();
    // Not measured: fills most of the keys, and memory is touched for the first time.
    for server in &servers {
        let (name, arguments) = SET;
        load::run(server, Workload { name, arguments, pipeline: 32, requests: 2 * load::KEYS })?;
    }
    for round in 0..plan.rounds {
        for rounds in &mut all {
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                let measured = load::run(&servers[side], rounds.workload)?;
                println!(
                    "round {} {:<9} {:<9} {:>6.3} us CPU per command, {:>9.0} commands/s",
                    round + 1,
                    rounds.workload.title(),
                    contestants.both()[side].name,
                    measured.cpu_us_per_command,
                    measured.commands_per_second,
                );
                rounds.of[side].push(measured);
            }
        }
    }
    Ok(all)
}

fn medians(rounds: &Rounds, value: fn(&Measured) -> f64) -> [f64; 2] {
    [0, 1].map(|side| median(rounds.of[side].iter().map(value).collect()))
}

fn add_row(table: &mut Table, setting: Setting, rounds: &Rounds) {
    let cpu = medians(rounds, |measured| measured.cpu_us_per_command);
    let rate = medians(rounds, |measured| measured.commands_per_second);
    let p99 = medians(rounds, |measured| measured.latency_p99_ms);
    table.row(vec![
        setting.name().to_owned(),
        rounds.workload.title(),
        format!("{:.3}", cpu[0]),
        format!("{:.3}", cpu[1]),
        format!("{:.2}", cpu[0] / cpu[1]),
        format!("{:.0}", rate[0]),
        format!("{:.0}", rate[1]),
        format!("{:.2}", rate[0] / rate[1]),
        format!("{:.2}", p99[0]),
        format!("{:.2}", p99[1]),
    ]);
}

fn to_json(contestants: &Contestants, setting: Setting, rounds: &Rounds) -> Value {
    let mut result = json!({
        "log": setting.name(),
        "test": rounds.workload.name,
        "pipeline": rounds.workload.pipeline,
        "requests": rounds.workload.requests,
    });
    for (contestant, measured) in contestants.both().into_iter().zip(&rounds.of) {
        let list = |value: fn(&Measured) -> f64| measured.iter().map(value).collect::<Vec<_>>();
        result[contestant.name] = json!({
            "cpu_us_per_command": list(|measured| measured.cpu_us_per_command),
            "commands_per_second": list(|measured| measured.commands_per_second),
            "latency_p50_ms": list(|measured| measured.latency_p50_ms),
            "latency_p99_ms": list(|measured| measured.latency_p99_ms),
        });
    }
    let cpu = medians(rounds, |measured| measured.cpu_us_per_command);
    let rate = medians(rounds, |measured| measured.commands_per_second);
    result["median_cpu_ratio"] = json!(cpu[0] / cpu[1]);
    result["median_throughput_ratio"] = json!(rate[0] / rate[1]);
    result
}
