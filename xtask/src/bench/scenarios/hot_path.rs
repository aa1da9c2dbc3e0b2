//! What one command costs the server: instructions where the kernel counts them, and processor time.
//!
//! Instructions hardly depend on what else the machine does, so that small changes show. Time does, and what instructions
//! do not show is in it: waiting for memory, and the kernel's work.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::load::{Commands, Running, Workload};
use crate::bench::page::{BarChart, Chart};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::{Higher, Lower, Neither};
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;
use crate::shell::Tool;
use crate::workspace;

const METRICS: &[Metric] = &[
    Metric::new("instructions", "instructions per command", Lower, 0),
    Metric::new("cpu_us", "CPU us per command", Lower, 3),
    Metric::new("per_second", "commands/s", Higher, 0),
    Metric::new("p99_ms", "p99 ms", Lower, 2),
    Metric::new("generator_percent", "generator CPU %", Neither, 0),
];

/// Commands: name and percentage of GET.
const COMMANDS: [(&str, f64); 2] = [("SET", 0.0), ("GET", 1.0)];
const PIPELINES: [usize; 2] = [32, 1];

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let arguments = context.arguments;
    let keys = arguments.keys(100_000, 1_000_000);
    // A snapshot is no part of a command's path, and `no` differs from everysec by one sync a second.
    let policies: Vec<Policy> = arguments
        .policies()
        .into_iter()
        .filter(|policy| matches!(policy, Policy::Off | Policy::Everysec | Policy::Always))
        .collect();
    let counts_instructions = can_count_instructions();
    let mut table = Measurements::new("hot path", METRICS);
    let rounds = arguments.rounds();
    let progress = Progress::new(policies.len() * rounds * COMMANDS.len() * PIPELINES.len());
    for policy in &policies {
        // All run at once, one of them busy, so that each round has all of them in the same seconds.
        let servers = context
            .contestants
            .iter()
            .map(|contestant| {
                let server = Server::start(contestant, policy.options(), &context.directory)?;
                let mut commands = Commands::new(1, arguments.content(), arguments.value_bytes);
                Client::connect(server.address())?.fill(keys, &mut commands)?;
                Ok((contestant, server))
            })
            .collect::<Result<Vec<_>>>()?;
        for round in 0..rounds {
            for pipeline in PIPELINES {
                for (name, read_share) in COMMANDS {
                    let what = format!("{name}, pipeline {pipeline}");
                    progress.step(&format!("{}, round {}: {what}", policy.name(), round + 1));
                    let load = Workload {
                        pipeline,
                        read_share,
                        ..arguments.closed_loop(arguments.load_time(0.5, 3.0), keys)
                    };
                    for index in 0..servers.len() {
                        let (contestant, server) = &servers[(index + round) % servers.len()];
                        let values = measure(server, &load, counts_instructions)?;
                        table.record(
                            &[("policy", policy.name()), ("command", &what)],
                            &contestant.name,
                            values,
                        );
                    }
                }
            }
        }
    }
    drop(progress);
    let chart = BarChart::of_medians(
        "Processor time",
        "microseconds per command, less is better",
        &context.names(),
        &table.medians("cpu_us"),
    );
    let mut notes = vec![format!(
        "SET and GET in a closed loop with and without a pipeline; {} clients, {keys} keys, values of {} B. The server's own \
         time and instructions, all threads, kernel included.",
        arguments.closed_loop(Duration::ZERO, keys).clients,
        arguments.value_bytes
    )];
    if !counts_instructions {
        notes.push(
            "Instructions are not counted: perf is missing, or this machine does not let it.".to_owned(),
        );
    }
    Ok(Outcome {
        title: "The hot path".to_owned(),
        notes,
        tables: vec![table],
        charts: vec![Chart::Bars(chart)],
    })
}

fn measure(server: &Server, load: &Workload, counts_instructions: bool) -> Result<[Option<f64>; 5]> {
    let counter = if counts_instructions { Some(count_instructions(server.process_id())?) } else { None };
    let cpu_before = process::cpu_time(server.process_id())?;
    let measured = Running::run(server.address(), load)?;
    let cpu = process::cpu_time(server.process_id())? - cpu_before;
    let instructions = counter.map(end_count).transpose()?;
    let commands = measured.latency.count() as f64;
    Ok([
        instructions.map(|instructions| instructions / commands),
        Some(cpu.as_secs_f64() * 1e6 / commands),
        Some(measured.per_second()),
        Some(measured.latency.quantile_ms(0.99)),
        Some(100.0 * measured.generator_share),
    ])
}

/// Virtual machines often have no counter, and then perf succeeds and says so.
fn can_count_instructions() -> bool {
    let perf = || Command::new("perf").args(["stat", "-x", ",", "-e", "instructions", "true"]).output();
    workspace::find_program("perf").is_some()
        && Tool::new("perf").arg("--version").succeeds()
        && perf().is_ok_and(|output| instructions(&String::from_utf8_lossy(&output.stderr)).is_some())
}

fn count_instructions(process_id: u32) -> Result<Child> {
    let child = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "instructions", "-p", &process_id.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start perf")?;
    // It attaches to each thread of the server first.
    std::thread::sleep(Duration::from_millis(200));
    Ok(child)
}

fn end_count(child: Child) -> Result<f64> {
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT)?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    instructions(&text).with_context(|| format!("perf says nothing about instructions: {text}"))
}

/// The number in the line about instructions, in user space, the kernel or both.
fn instructions(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::instructions;

    #[test]
    fn perf_is_understood() {
        assert_eq!(instructions("1234567,,instructions,1000,100.00,,\n"), Some(1_234_567.0));
        assert_eq!(instructions("<not supported>,,instructions,0,100.00,,\n"), None);
        assert_eq!(instructions("Error: no permission"), None);
    }
}
