//! What a campaign has hit.

use std::collections::BTreeMap;
use std::fmt;

use lastsave_storage::sim::{CallSite, SimulatedStorage};

/// Rows of the decision table for damaged logs.
const ROWS: [&str; 18] = [
    "C", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "H1", "M1", "M2", "R1", "R2", "R3", "R4", "R5",
];

/// What a line of the log says about the row by which a start was refused. `F9` stands for `R2` as well.
const REFUSALS: [(&str, &str); 10] = [
    ("declares everything before", "F4"),
    ("bytes of valid frames follow", "F5"),
    ("the file is not the last one of the log", "F6"),
    ("bytes are on record as durable", "F8"),
    ("Unexpected end of file reading", "F9"),
    ("the header line is synced", "H1"),
    ("but no manifest", "M1"),
    ("Unable to obtain the AOF file", "M2"),
    ("the truncated file is not the last file", "R3"),
    ("Bad file format reading", "R4"),
];

/// Counts of one seed or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Seeds run.
    pub seeds: u64,
    /// Lives lived.
    pub lives: u64,
    /// Machines that were crashed and looked at afterwards.
    pub crash_points: u64,
    /// Those of them in which an operation was interrupted.
    pub interrupted_operations: u64,
    /// Crashes while a server was starting.
    pub crashed_starts: u64,
    /// Servers started, probes included.
    pub starts: u64,
    /// Starts that were refused although nothing was wrong with the disk, all of them for a reason that is no fault.
    pub refused_starts: u64,
    /// Units executed.
    pub units: u64,
    /// Commands that had waited for a key and were executed then.
    pub served_waits: u64,
    /// Replies that left.
    pub replies: u64,
    /// Snapshots that were written, and those that could not be.
    pub saves: u64,
    /// Rewrites begun.
    pub rewrites: u64,
    commands: BTreeMap<String, u64>,
    rows: BTreeMap<&'static str, u64>,
    reached: BTreeMap<CallSite, u64>,
    interrupted: BTreeMap<CallSite, u64>,
}

impl Coverage {
    /// A command has changed something.
    pub(super) fn note_command(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        *self.commands.entry(name).or_default() += 1;
    }

    /// A log was loaded, and these rows of the decision table were applied.
    pub(super) fn note_load(&mut self, rows: &[&'static str]) {
        for row in rows {
            *self.rows.entry(row).or_default() += 1;
        }
        if rows.is_empty() {
            *self.rows.entry("C").or_default() += 1;
        }
        if rows.len() > 1 {
            *self.rows.entry("F7").or_default() += 1;
        }
    }

    /// A start was refused with these lines; gives the row that they name.
    pub(super) fn note_refusal(&mut self, lines: &[String], unframed: bool) -> Option<&'static str> {
        let start =
            lines.iter().rposition(|line| line.starts_with("--") || line.starts_with("==")).unwrap_or(0);
        let lines = &lines[start..];
        let named = REFUSALS.iter().filter_map(|(part, row)| {
            let line = lines.iter().rposition(|line| line.contains(part))?;
            Some((line, *row))
        });
        let (_, row) = named.max()?;
        let row = if row == "F9" && unframed { "R2" } else { row };
        *self.rows.entry(row).or_default() += 1;
        Some(row)
    }

    /// A machine is done with: what its disk was asked for.
    pub(super) fn note_disk(&mut self, storage: &SimulatedStorage) {
        for (site, count) in storage.call_sites() {
            *self.reached.entry(site).or_default() += count;
        }
    }

    /// The machine crashed in the middle of its last operation.
    pub(super) fn note_interruption(&mut self, storage: &SimulatedStorage) {
        let Some(last) = storage.trace().pop() else { return };
        let sites = storage.call_sites();
        let pattern = pattern_of(&last.path.to_string_lossy());
        let site =
            sites.into_keys().find(|site| site.operation == last.operation && *site.pattern == *pattern);
        if let Some(site) = site {
            *self.interrupted.entry(site).or_default() += 1;
        }
        self.interrupted_operations += 1;
    }

    /// Takes in the counts of another run.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.lives += other.lives;
        self.crash_points += other.crash_points;
        self.interrupted_operations += other.interrupted_operations;
        self.crashed_starts += other.crashed_starts;
        self.starts += other.starts;
        self.refused_starts += other.refused_starts;
        self.units += other.units;
        self.served_waits += other.served_waits;
        self.replies += other.replies;
        self.saves += other.saves;
        self.rewrites += other.rewrites;
        for (name, count) in &other.commands {
            *self.commands.entry(name.clone()).or_default() += count;
        }
        for (row, count) in &other.rows {
            *self.rows.entry(row).or_default() += count;
        }
        for (into, from) in [(&mut self.reached, &other.reached), (&mut self.interrupted, &other.interrupted)]
        {
            for (site, count) in from {
                *into.entry(site.clone()).or_default() += count;
            }
        }
    }

    /// Rows of the decision table that no load has come to.
    #[must_use]
    pub fn rows_never_hit(&self) -> Vec<&'static str> {
        ROWS.into_iter().filter(|row| !self.rows.contains_key(row)).collect()
    }
}

/// The last part of a path, with its numbers blotted out.
fn pattern_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut pattern = String::new();
    for character in name.chars() {
        if !character.is_ascii_digit() {
            pattern.push(character);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "  {} lives, {} starts ({} refused with a reason), {} units, {} replies, {} saves, {} rewrites",
            self.lives, self.starts, self.refused_starts, self.units, self.replies, self.saves, self.rewrites
        )?;
        writeln!(
            out,
            "  {} crashes in the middle of an operation, {} of a start",
            self.interrupted_operations, self.crashed_starts
        )?;
        let commands: Vec<String> =
            self.commands.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(out, "  commands that changed something: {}", commands.join(", "))?;
        writeln!(out, "  rows of the decision table:")?;
        for (row, count) in &self.rows {
            writeln!(out, "    {row:<10} {count:>9}")?;
        }
        writeln!(out, "    never: {:?}", self.rows_never_hit())?;
        writeln!(out, "  call sites: reached, interrupted by a crash")?;
        for (site, count) in &self.reached {
            let interrupted = self.interrupted.get(site).copied().unwrap_or(0);
            writeln!(out, "    {:<56} {count:>10} {interrupted:>8}", site.to_string())?;
        }
        Ok(())
    }
}
