//! `cargo xtask bench`: criterion's benches, scenarios, and comparisons with redis-server on the same machine in the same
//! minutes.

mod client;
mod compare;
mod elements;
mod info;
mod load;
mod memory;
mod report;
mod server;
mod sets;
mod snapshot;
mod suite;
mod usage;
mod writers;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::shell::Tool;
use crate::workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Measure CPU per command and throughput beside redis-server.
    #[arg(long)]
    compare_redis: bool,
    /// Measure every test of redis-benchmark beside redis-server.
    #[arg(long)]
    suite: bool,
    /// Measure resident bytes per key, and per element of collections, beside redis-server.
    #[arg(long)]
    memory: bool,
    /// Run a scenario: a server, a load, and what is measured under it.
    #[arg(long, value_name = "NAME")]
    scenario: Option<Scenario>,
    /// Run the scenario with this program too, a redis-server.
    #[arg(long, value_name = "PROGRAM", requires = "scenario")]
    against: Option<PathBuf>,
    /// A small scenario that shows that it still runs.
    #[arg(long, requires = "scenario")]
    quick: bool,
    /// Keys in the scenario's servers.
    #[arg(long, default_value_t = 3_000_000, requires = "scenario")]
    keys: u64,
    /// Write the results here as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Interleaved rounds of every workload; medians are taken over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Commands per pipelined run.
    #[arg(long, default_value_t = 2_000_000)]
    requests: u64,
    /// Commands per run without a pipeline.
    #[arg(long, default_value_t = 300_000)]
    requests_unpipelined: u64,
    /// Only this log setting (may be repeated).
    #[arg(long, value_name = "SETTING")]
    setting: Vec<compare::Setting>,
    /// Measure this program instead of building ours.
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Compare with this program.
    #[arg(long, value_name = "PROGRAM", default_value = "redis-server")]
    reference: PathBuf,
    /// Where the servers keep their files; must be on the disk to be measured.
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
    /// Passed to the criterion benches: a filter, `--quick`, `--save-baseline` ...
    #[arg(last = true)]
    passed_on: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scenario {
    /// BGSAVE and BGREWRITEAOF under full write load: stall, extra memory, time.
    Snapshot,
}

/// The two servers of a comparison.
struct Contestants {
    ours: Contestant,
    reference: Contestant,
}

struct Contestant {
    name: &'static str,
    program: PathBuf,
}

impl Contestants {
    fn both(&self) -> [&Contestant; 2] {
        [&self.ours, &self.reference]
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(scenario) = arguments.scenario {
        return run_scenario(scenario, arguments);
    }
    if !arguments.compare_redis && !arguments.suite && !arguments.memory {
        return Tool::cargo()
            .args(["bench", "--package", "lastsave-benches", "--benches", "--"])
            .args(&arguments.passed_on)
            .run();
    }
    if workspace::find_program("redis-benchmark").is_none() {
        bail!("redis-benchmark is missing; it is in Debian's package redis-tools");
    }
    let contestants = contestants(arguments)?;
    let directory = directory(arguments)?;

    let mut results = json!({ "machine": machine(), "versions": versions(&contestants)? });
    if arguments.compare_redis {
        let plan = compare::Plan {
            rounds: arguments.rounds.max(1),
            requests: arguments.requests,
            requests_unpipelined: arguments.requests_unpipelined,
            settings: arguments.setting.clone(),
        };
        results["comparison"] = compare::run(&contestants, &directory, &plan)?;
    }
    if arguments.suite {
        let plan = suite::Plan {
            rounds: arguments.rounds.max(1),
            requests: arguments.requests,
            requests_unpipelined: arguments.requests_unpipelined,
        };
        results["suite"] = suite::run(&contestants, &directory, &plan)?;
    }
    if arguments.memory {
        results["memory"] = memory::run(&contestants, &directory)?;
        results["elements"] = elements::run(&contestants, &directory)?;
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{results:#}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("results written to {}", file.display());
    }
    Ok(())
}

fn run_scenario(scenario: Scenario, arguments: &Arguments) -> Result<()> {
    let ours = ours(arguments)?;
    let other = match &arguments.against {
        Some(program) => Some(Contestant { name: "redis", program: located(program)? }),
        None => None,
    };
    let contestants: Vec<&Contestant> = std::iter::once(&ours).chain(&other).collect();
    let directory = directory(arguments)?;
    match scenario {
        Scenario::Snapshot => {
            let plan = if arguments.quick {
                snapshot::Plan { keys: 50_000, rounds: 1 }
            } else {
                snapshot::Plan { keys: arguments.keys, rounds: arguments.rounds.max(1) }
            };
            snapshot::run(&contestants, &directory, &plan)
        }
    }
}

/// Where servers keep their files.
fn directory(arguments: &Arguments) -> Result<PathBuf> {
    let directory =
        arguments.directory.clone().unwrap_or_else(|| workspace::target_directory().join("bench"));
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    warn_about_memory_file_system(&directory);
    Ok(directory)
}

fn contestants(arguments: &Arguments) -> Result<Contestants> {
    let reference = Contestant { name: "redis", program: located(&arguments.reference)? };
    Ok(Contestants { ours: ours(arguments)?, reference })
}

fn ours(arguments: &Arguments) -> Result<Contestant> {
    let program = match &arguments.server {
        Some(program) => located(program)?,
        None => {
            Tool::cargo().args(["build", "--release", "--package", "lastsave"]).run()?;
            workspace::target_directory().join("release").join("lastsave-server")
        }
    };
    Ok(Contestant { name: "lastsave", program })
}

/// A path as it is; a bare name as `PATH` has it.
fn located(program: &Path) -> Result<PathBuf> {
    let is_bare = program.components().count() == 1;
    let found = if is_bare {
        program.to_str().and_then(workspace::find_program)
    } else {
        program.is_file().then(|| program.to_owned())
    };
    found.with_context(|| format!("there is no program {}", program.display()))
}

fn versions(contestants: &Contestants) -> Result<Value> {
    let mut versions = json!({});
    for contestant in contestants.both() {
        let text = Tool::new(&contestant.program).arg("--version").output()?;
        versions[contestant.name] = json!(text.trim());
    }
    Ok(versions)
}

fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    json!({
        "cpu": model.map_or("unknown", |(_, model)| model),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}

/// Numbers of a log on a file system in memory say nothing about disks.
fn warn_about_memory_file_system(directory: &Path) {
    let kind = Tool::new("stat").args(["--file-system", "--format=%T"]).arg(directory).output();
    if kind.is_ok_and(|kind| matches!(kind.trim(), "tmpfs" | "ramfs")) {
        println!("warning: {} is in memory; syncs cost nothing there (--directory)", directory.display());
    }
}
