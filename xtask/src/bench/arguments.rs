//! What `cargo xtask bench` can be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::load::{Content, Distribution, Pace, Target, Workload};
use super::scenarios::{Policy, Scenario};

/// Commands a second that every policy should keep up with on a disk that deserves the name.
const OPEN_LOOP_RATE: f64 = 2000.0;

#[derive(Args)]
pub(crate) struct Arguments {
    /// What is measured (several with commas).
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "policies")]
    pub(super) scenario: Vec<Scenario>,
    /// Measure these Redis-compatible programs too, in turns with ours (several with commas).
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    pub(super) against: Vec<PathBuf>,
    /// Small and short: shows that everything runs, and roughly what it says.
    #[arg(long)]
    pub(super) quick: bool,
    /// Show what changed since an earlier run that was written with --json.
    #[arg(long, value_name = "FILE")]
    pub(super) compare: Option<PathBuf>,
    /// Write the results here (default: bench/results.json in the target directory).
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the page here (default: bench/results.html in the target directory).
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write every drawing into this folder too, as a picture.
    #[arg(long, value_name = "FOLDER")]
    pub(super) pictures: Option<PathBuf>,
    /// Measure this program instead of building ours.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) server: Option<PathBuf>,
    /// Where the servers keep their files; must be on the disk to be measured.
    #[arg(long, value_name = "FOLDER")]
    pub(super) directory: Option<PathBuf>,
    /// Interleaved rounds; medians are taken over them (default: 3, with --quick 1).
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement under load (default: by scenario).
    #[arg(long)]
    seconds: Option<f64>,
    /// Keys in the servers (default: by scenario); in `growth` the most.
    #[arg(long)]
    keys: Option<u64>,
    /// In `bgsave-hashes`: so many hashes (default: 100).
    #[arg(long)]
    hashes: Option<u64>,
    /// In `bgsave-hashes`: fields of each hash (default: 1 million).
    #[arg(long)]
    fields: Option<u64>,
    /// Only these policies (several with commas; default: all).
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    policy: Vec<Policy>,
    /// Clients of the load generator.
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// Threads of the load generator.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Commands that a client in a closed loop sends at once.
    #[arg(long, default_value_t = 1)]
    pipeline: usize,
    /// Commands a second in open loops (default: 2000; under snapshots half of what the slowest server can do).
    #[arg(long, value_name = "COMMANDS")]
    pub(super) rate: Option<f64>,
    /// Percentage of GET; the other commands are SET.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    reads: u8,
    /// How commands spread over the keys.
    #[arg(long, value_name = "NAME", default_value = "uniform")]
    distribution: Distribution,
    /// Bytes of a value.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(super) value_bytes: usize,
    /// How well values compress (default: incompressible; snapshots and loading measure both).
    #[arg(long, value_name = "CONTENT")]
    values: Option<Content>,
    /// In `always`: every sync takes so much longer, as on a slower disk (a sync of many disks takes 1 to 10 ms).
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0.0)]
    sync_delay_ms: f64,
    /// Passed to the criterion benches of the scenario `functions`: a filter, `--save-baseline` ...
    #[arg(last = true)]
    pub(super) passed_on: Vec<String>,
}

impl Arguments {
    pub(super) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 }).max(1)
    }

    /// How long a measurement under load takes.
    pub(super) fn load_time(&self, quick: f64, full: f64) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { quick } else { full }).max(0.1))
    }

    /// What every sync takes longer than it would.
    pub(super) fn sync_delay(&self) -> Duration {
        Duration::try_from_secs_f64(self.sync_delay_ms / 1000.0).unwrap_or(Duration::ZERO)
    }

    pub(super) fn keys(&self, quick: u64, full: u64) -> u64 {
        self.keys.unwrap_or(if self.quick { quick } else { full }).max(1)
    }

    /// How many hashes there are, and fields in each.
    pub(super) fn hashes(&self) -> (u64, u64) {
        let (hashes, fields) = if self.quick { (4, 10_000) } else { (100, 1_000_000) };
        (self.hashes.unwrap_or(hashes).max(1), self.fields.unwrap_or(fields).max(1))
    }

    pub(super) fn policies(&self) -> Vec<Policy> {
        if self.policy.is_empty() { Policy::value_variants().to_vec() } else { self.policy.clone() }
    }

    /// Content of values where one kind is enough.
    pub(super) fn content(&self) -> Content {
        self.values.unwrap_or(Content::Noise)
    }

    /// Kinds of content where compression matters.
    pub(super) fn contents(&self) -> Vec<Content> {
        match self.values {
            Some(content) => vec![content],
            None if self.quick => vec![Content::Noise],
            None => Content::value_variants().to_vec(),
        }
    }

    /// The load that these arguments describe, in a closed loop.
    pub(super) fn closed_loop(&self, duration: Duration, keys: u64) -> Workload {
        Workload {
            pace: Pace::Closed,
            duration,
            clients: self.clients.max(1),
            threads: self.threads,
            pipeline: self.pipeline.max(1),
            read_share: f64::from(self.reads.min(100)) / 100.0,
            target: Target::Any(self.distribution),
            keys,
            first_key: 0,
            value_bytes: self.value_bytes,
            content: self.content(),
        }
    }

    /// The same in an open loop.
    pub(super) fn open_loop(&self, duration: Duration, keys: u64) -> Workload {
        let per_second = self.rate.unwrap_or(OPEN_LOOP_RATE).max(1.0);
        Workload { pace: Pace::Open { per_second }, ..self.closed_loop(duration, keys) }
    }
}
