//! `cargo xtask crash`: the crash campaign, the whole persistence stack on the simulated disk.
//!
//! Optimized, because the number of crash points per second is what it is about. It prints the seed of a failure and the
//! command that replays it, and says what was never hit. Promises that are broken on purpose show that it would notice.

use anyhow::Result;
use clap::Args;

use crate::shell::Tool;

const POWER_LOSS_SMOKE_SECONDS: u64 = 15;

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Replay this one seed.
    #[arg(long, conflicts_with_all = ["seeds", "seconds"])]
    seed: Option<u64>,
    /// These seeds: `A..B`, B excluded.
    #[arg(long, value_name = "A..B")]
    seeds: Option<String>,
    /// Stop after this many seconds; without seeds, go on until then, from seed 0.
    #[arg(long)]
    seconds: Option<u64>,
    /// Processes that share the work; as many as there are processors unless told.
    #[arg(long)]
    jobs: Option<usize>,
    /// Do not stop at the first broken promise.
    #[arg(long)]
    keep_going: bool,
    /// Tell the story of every seed.
    #[arg(long)]
    verbose: bool,
    /// Fail as well if a row of the decision table or a known call site was never hit. For long runs.
    #[arg(long)]
    complete: bool,
    /// Break promises on purpose, one after the other, until each was noticed.
    #[arg(long)]
    mutants: bool,
    /// The same, without those that take thousands of seeds.
    #[arg(long, conflicts_with = "mutants")]
    quick_mutants: bool,
    /// Run seeds with this promise broken.
    #[arg(long, value_name = "NAME", conflicts_with = "mutants")]
    mutant: Option<String>,
    /// Instead of seeds: every crash point of every history of this many actions. 3 takes minutes, 4 an hour.
    #[arg(long, value_name = "LENGTH", conflicts_with_all = ["seed", "seeds", "mutants", "mutant"])]
    exhaustive: Option<usize>,
    /// Instead of simulating: kill the real server with SIGKILL for this long, under every policy, and look for what it
    /// acknowledged.
    #[arg(long, value_name = "SECONDS", exclusive = true)]
    kill9: Option<u64>,
    /// Instead of simulating: record the real server's system calls, kill it, cut the power of the disk they led to at
    /// many moments, and look for what was promised, for this long.
    #[arg(long, value_name = "SECONDS", exclusive = true)]
    power_loss: Option<u64>,
}

impl Arguments {
    /// A short campaign of `seconds`: always the same seeds, as many as fit.
    fn smoke(seconds: u64) -> Self {
        Self { seconds: Some(seconds), ..Self::default() }
    }
}

/// For CI: whether broken promises are noticed, all short histories, `seconds` of the campaign, and power cuts below the
/// real program.
pub(crate) fn run_smoke(seconds: u64) -> Result<()> {
    run(&Arguments { quick_mutants: true, ..Arguments::default() })?;
    run(&Arguments { exhaustive: Some(2), ..Arguments::default() })?;
    run(&Arguments::smoke(seconds))?;
    POWER_LOSS.run(POWER_LOSS_SMOKE_SECONDS, Build::OfTests)
}

/// A campaign with the real program: a test that goes on for as long as a variable says.
struct RealProgram {
    test: &'static str,
    seconds_variable: &'static str,
}

const KILL9: RealProgram =
    RealProgram { test: "kill9_loses_nothing_acknowledged", seconds_variable: "LASTSAVE_KILL9_SECONDS" };
const POWER_LOSS: RealProgram = RealProgram {
    test: "power_loss_leaves_what_was_promised",
    seconds_variable: "LASTSAVE_POWER_LOSS_SECONDS",
};

/// Which build of the real program.
#[derive(Clone, Copy)]
enum Build {
    /// The one that the tests have made already.
    OfTests,
    Optimized,
}

impl RealProgram {
    fn run(&self, seconds: u64, build: Build) -> Result<()> {
        let profile = match build {
            Build::OfTests => "test",
            Build::Optimized => "release",
        };
        Tool::cargo()
            .args(["test", "--profile", profile, "--package", "lastsave", "--test", self.test])
            .args(["for_as_long_as_there_is_time", "--", "--exact", "--nocapture"])
            .env(self.seconds_variable, seconds.to_string())
            .run()
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(seconds) = arguments.kill9 {
        return KILL9.run(seconds, Build::Optimized);
    }
    if let Some(seconds) = arguments.power_loss {
        return POWER_LOSS.run(seconds, Build::Optimized);
    }
    let mut tool = Tool::cargo().args([
        "run",
        "--release",
        "--package",
        "lastsave-server",
        "--features",
        "mutants",
        "--example",
        "crash_campaign",
        "--",
    ]);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if arguments.seed.is_some() { 1 } else { arguments.jobs.unwrap_or(processors) };
    let values = [
        ("--seed", arguments.seed.map(|seed| seed.to_string())),
        ("--seeds", arguments.seeds.clone()),
        ("--seconds", arguments.seconds.map(|seconds| seconds.to_string())),
        ("--jobs", Some(jobs.to_string())),
        ("--mutant", arguments.mutant.clone()),
        ("--exhaustive", arguments.exhaustive.map(|length| length.to_string())),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            tool = tool.args([name, &value]);
        }
    }
    let switches = [
        ("--keep-going", arguments.keep_going),
        ("--verbose", arguments.verbose),
        ("--complete", arguments.complete),
        ("--mutants", arguments.mutants),
        ("--quick-mutants", arguments.quick_mutants),
    ];
    for (name, _) in switches.into_iter().filter(|(_, is_on)| *is_on) {
        tool = tool.arg(name);
    }
    tool.run()
}
