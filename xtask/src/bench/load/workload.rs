//! What the clients do.

use std::time::Duration;

use super::commands::Content;
use super::keys::Distribution;

/// When commands are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::bench) enum Pace {
    /// Each client sends when it has its replies.
    Closed,
    /// So many commands a second from all clients together, whatever comes back.
    Open { per_second: f64 },
}

/// What is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Target {
    /// One of `keys`.
    Any(Distribution),
    /// One of `keys` fields, spread evenly over so many hashes: writes are HSET, reads are not possible.
    Fields { hashes: u64 },
    /// Every client counts its own keys up and writes each once, so that it can be asked later which of them are there.
    /// When each reply came is kept. The death of the server ends the load and is no failure.
    Own,
}

/// What the clients do, for how long.
#[derive(Clone, Debug)]
pub(in crate::bench) struct Workload {
    pub(in crate::bench) pace: Pace,
    /// Until it is stopped, at the latest.
    pub(in crate::bench) duration: Duration,
    pub(in crate::bench) clients: usize,
    /// Threads of the generator.
    pub(in crate::bench) threads: usize,
    /// Commands that a client in a closed loop sends at once.
    pub(in crate::bench) pipeline: usize,
    /// The share of commands that are GET; the others are SET.
    pub(in crate::bench) read_share: f64,
    pub(in crate::bench) target: Target,
    pub(in crate::bench) keys: u64,
    /// The number of the first of `keys`, so that two loads can keep out of each other's way.
    pub(in crate::bench) first_key: u64,
    pub(in crate::bench) value_bytes: usize,
    pub(in crate::bench) content: Content,
}

impl Workload {
    /// In one line.
    pub(in crate::bench) fn describe(&self) -> String {
        let pace = match self.pace {
            Pace::Closed => format!("closed loop, pipeline {}", self.pipeline),
            Pace::Open { per_second } => format!("open loop at {per_second:.0} commands/s"),
        };
        let what = match self.target {
            Target::Any(distribution) => self.describe_keys(distribution.name()),
            Target::Own => self.describe_keys("own"),
            Target::Fields { hashes } => format!("HSET of {} fields in {hashes} hashes", self.keys),
        };
        format!(
            "{} clients, {pace}, {what}, values of {} B, {}",
            self.clients,
            self.value_bytes,
            self.content.name()
        )
    }

    fn describe_keys(&self, spread: &str) -> String {
        format!("{:.0} % GET, {} {spread} keys", 100.0 * self.read_share, self.keys)
    }
}
