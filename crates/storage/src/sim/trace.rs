//! What was done to a simulated disk: numbered operations, and the distinct call sites they came from.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Operation;

/// Entries kept; older ones are forgotten.
const TRACE_ENTRIES_MAX: usize = 10_000;

/// One operation of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Its number among the operations that change state, or none if it does not.
    pub number: Option<u64>,
    /// What was done.
    pub operation: Operation,
    /// To what.
    pub path: PathBuf,
    /// Where in the file, for reads, writes and ranges.
    pub offset: u64,
    /// How many bytes were asked for, or the new length.
    pub len: u64,
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(out, "{number:>6} ")?,
            None => write!(out, "     - ")?,
        }
        write!(out, "{} '{}'", self.operation.name(), self.path.display())?;
        if self.offset != 0 || self.len != 0 {
            write!(out, " {}+{}", self.offset, self.len)?;
        }
        Ok(())
    }
}

/// A kind of place in the code that touches the disk: who does it, the operation, and the file's name with its numbers
/// blotted out.
///
/// A crash campaign that has hit every call site has interrupted everything the code does to the disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallSite {
    /// Who does it, as [`set_caller`](crate::sim::SimulatedStorage::set_caller) said.
    pub caller: &'static str,
    /// What is done.
    pub operation: Operation,
    /// To which kind of file, for example `appendonly.aof.#.incr.aof`.
    pub pattern: Arc<str>,
}

impl fmt::Display for CallSite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.caller.is_empty() {
            write!(out, "{}: ", self.caller)?;
        }
        out.write_str(self.operation.name())?;
        if !self.pattern.is_empty() {
            write!(out, " {}", self.pattern)?;
        }
        Ok(())
    }
}

/// The pattern of a path: its last component with each run of digits replaced by `#`.
pub(super) fn pattern_of(path: &Path) -> Arc<str> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let mut pattern = String::with_capacity(name.len());
    for character in name.chars() {
        if !character.is_ascii_digit() {
            pattern.push(character);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern.into()
}

/// The record of one simulated machine.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    entries: VecDeque<TraceEntry>,
    sites: BTreeMap<CallSite, u64>,
    last: Option<CallSite>,
    interrupted: Option<CallSite>,
    recording: bool,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            sites: BTreeMap::new(),
            last: None,
            interrupted: None,
            recording: true,
        }
    }

    pub(super) fn set_recording(&mut self, recording: bool) {
        self.recording = recording;
        if !recording {
            self.entries.clear();
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording
    }

    pub(super) fn count_site(&mut self, caller: &'static str, operation: Operation, pattern: &Arc<str>) {
        let site = CallSite { caller, operation, pattern: Arc::clone(pattern) };
        self.last = Some(site.clone());
        *self.sites.entry(site).or_default() += 1;
    }

    /// The machine has crashed in the middle of the last operation counted.
    pub(super) fn note_interruption(&mut self) {
        self.interrupted.clone_from(&self.last);
    }

    pub(super) fn interrupted(&self) -> Option<CallSite> {
        self.interrupted.clone()
    }

    pub(super) fn record(&mut self, entry: TraceEntry) {
        if self.entries.len() == TRACE_ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn entries(&self) -> Vec<TraceEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn sites(&self) -> BTreeMap<CallSite, u64> {
        self.sites.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_blot_out_numbers() {
        let pattern = |path| pattern_of(Path::new(path)).to_string();
        assert_eq!(pattern("dir/appendonly.aof.12.incr.aof"), "appendonly.aof.#.incr.aof");
        assert_eq!(pattern("temp-4711.rdb"), "temp-#.rdb");
        assert_eq!(pattern(""), "");
    }

    #[test]
    fn a_trace_line_says_it_all() {
        let entry = TraceEntry {
            number: Some(3),
            operation: Operation::Write,
            path: "a.aof".into(),
            offset: 10,
            len: 5,
        };
        assert_eq!(entry.to_string(), "     3 write 'a.aof' 10+5");
    }
}
