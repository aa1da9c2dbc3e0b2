//! `cargo xtask crash`: the crash campaign, the whole persistence stack on the simulated disk.
//!
//! Optimized, because the number of crash points per second is what it is about. It prints the seed of a failure and the
//! command that replays it.

use anyhow::Result;
use clap::Args;

use crate::shell::Tool;

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
    /// Do not stop at the first broken promise.
    #[arg(long)]
    keep_going: bool,
    /// Tell the story of every seed.
    #[arg(long)]
    verbose: bool,
}

impl Arguments {
    /// A short campaign of `seconds`: always the same seeds, as many as fit.
    pub(crate) fn smoke(seconds: u64) -> Self {
        Self { seconds: Some(seconds), ..Self::default() }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut tool = Tool::cargo().args([
        "run",
        "--release",
        "--package",
        "lastsave-server",
        "--example",
        "crash_campaign",
        "--",
    ]);
    if let Some(seed) = arguments.seed {
        tool = tool.args(["--seed", &seed.to_string()]);
    }
    if let Some(seeds) = &arguments.seeds {
        tool = tool.args(["--seeds", seeds]);
    }
    if let Some(seconds) = arguments.seconds {
        tool = tool.args(["--seconds", &seconds.to_string()]);
    }
    if arguments.keep_going {
        tool = tool.arg("--keep-going");
    }
    if arguments.verbose {
        tool = tool.arg("--verbose");
    }
    tool.run()
}
