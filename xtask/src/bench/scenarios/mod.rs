//! The scenarios: servers, a load, and what is measured under it.

mod advice;
mod always;
mod commands;
mod elements;
mod exposure;
mod growth;
mod hot_path;
mod latency_chart;
mod loading;
mod loss;
mod memory;
mod policies;
mod policy;
mod redis_benchmark;
mod snapshots;
mod stall;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

pub(super) use policy::Policy;

use super::arguments::Arguments;
use super::contestant::Contestant;
use super::results::Outcome;
use super::sync_watch::SyncWatcher;
use crate::shell::Tool;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// What each way of keeping writes costs, and what it loses.
    Policies,
    /// What waiting for the disk costs: always with 1 to 200 clients beside everysec, GETs beside its SETs, frames.
    Always,
    /// BGSAVE under load: stall, extra memory, time, latency of others.
    Bgsave,
    /// BGSAVE of big hashes while their fields are written.
    BgsaveHashes,
    /// BGREWRITEAOF under load, measured as BGSAVE is.
    Rewrite,
    /// How long a restart takes, from a snapshot and from a log.
    Load,
    /// Resident bytes per key, and per element of each type.
    Memory,
    /// Cost of a command as the number of keys grows.
    Growth,
    /// What clients notice when the disk becomes slow, or busy with somebody else's file.
    DiskStall,
    /// Instructions and processor time per command, with and without a pipeline.
    HotPath,
    /// Every test of redis-benchmark.
    Commands,
    /// Criterion's benches of single functions.
    Functions,
}

/// What scenarios run with.
pub(super) struct Context<'a> {
    pub(super) arguments: &'a Arguments,
    /// Ours first.
    pub(super) contestants: &'a [Contestant],
    /// Where the servers keep their files.
    pub(super) directory: PathBuf,
    /// `None` where there is no C compiler.
    pub(super) watcher: Option<SyncWatcher>,
}

impl Context<'_> {
    /// All contestants, beginning with another one each round: whatever the machine does at regular times hits all.
    pub(super) fn in_turn(&self, round: usize) -> impl Iterator<Item = &Contestant> {
        let count = self.contestants.len();
        (0..count).map(move |index| &self.contestants[(index + round) % count])
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.contestants.iter().map(|contestant| contestant.name.as_str()).collect()
    }
}

impl Scenario {
    /// Runs it. Criterion reports by itself.
    pub(super) fn run(self, context: &Context<'_>) -> Result<Option<Outcome>> {
        let outcome = match self {
            Self::Policies => policies::run(context)?,
            Self::Always => always::run(context)?,
            Self::Bgsave => snapshots::run(context, &snapshots::BGSAVE)?,
            Self::BgsaveHashes => snapshots::run_hashes(context)?,
            Self::Rewrite => snapshots::run(context, &snapshots::REWRITE)?,
            Self::Load => loading::run(context)?,
            Self::Memory => memory::run(context)?,
            Self::Growth => growth::run(context)?,
            Self::DiskStall => stall::run(context)?,
            Self::HotPath => hot_path::run(context)?,
            Self::Commands => commands::run(context)?,
            Self::Functions => {
                run_functions(context.arguments)?;
                return Ok(None);
            }
        };
        Ok(Some(outcome))
    }
}

/// Criterion's benches, which need no server.
pub(super) fn run_functions(arguments: &Arguments) -> Result<()> {
    Tool::cargo()
        .args(["bench", "--package", "lastsave-benches", "--benches", "--"])
        .args(arguments.quick.then_some("--quick"))
        .args(&arguments.passed_on)
        .run()
}
