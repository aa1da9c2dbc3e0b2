//! What is told about a seed, and about a promise that it broke.

use std::fmt;

use lastsave_storage::sim::SimulatedStorage;

use super::campaign::Run;
use super::coverage::Coverage;
use super::log_lines;

/// Log lines and operations in a report.
const REPORT_LINES: usize = 120;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Replays it.
    pub seed: u64,
    /// Which life of the server, from 0.
    pub life: usize,
    /// State-changing operations of the disk in that life.
    pub operation: u64,
    /// What was broken.
    pub what: String,
    /// The last operations of the disk and lines of the log.
    pub details: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "VIOLATION: seed {}, life {}, operation {}: {}",
            self.seed, self.life, self.operation, self.what
        )?;
        for line in &self.details {
            writeln!(out, "  | {line}")?;
        }
        write!(out, "  replay: cargo xtask crash --seed {} --verbose", self.seed)
    }
}

/// How one seed went.
#[derive(Clone, Debug)]
pub struct SeedReport {
    /// Stands for everything that happened: equal for every run of the seed.
    pub trace_hash: u64,
    /// What was hit.
    pub coverage: Coverage,
    /// The first promise that was broken, if any.
    pub violation: Option<Violation>,
    /// What happened, for people; empty unless asked for.
    pub story: Vec<String>,
}

impl SeedReport {
    /// Nothing has happened yet.
    pub(super) fn empty() -> Self {
        Self { trace_hash: 0, coverage: Coverage::default(), violation: None, story: Vec::new() }
    }
}

impl Run {
    pub(super) fn violation(&self, what: String) -> Violation {
        let mut details = Vec::new();
        let mut tell = |title: &str, disk: &SimulatedStorage| {
            details.push(title.to_owned());
            details.extend(disk.trace().iter().rev().take(REPORT_LINES).rev().map(ToString::to_string));
            details.push(format!("files: {:?}", disk.files()));
        };
        if let Some(disk) = self.before.as_ref().filter(|_| self.looked_at.is_none()) {
            tell("the last operations of the machine before:", disk);
        }
        tell("the last operations of the disk:", &self.storage);
        if let Some(disk) = &self.looked_at {
            tell("the operations of the start after the crash:", disk);
        }
        details.push("the last lines of the log:".to_owned());
        details.extend(log_lines::last(REPORT_LINES));
        Violation { seed: self.seed, life: self.life, operation: self.storage.operations(), what, details }
    }
}
