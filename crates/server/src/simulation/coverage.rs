//! What a campaign has hit, and what it has not.

use std::collections::BTreeMap;
use std::fmt;

use lastsave_storage::sim::{CallSite, SimulatedStorage};

use super::damage::DAMAGE;

/// Rows of the decision table for damaged logs, `docs/formats/aof.md`.
const ROWS: [&str; 20] = [
    "A1", "C1", "C2", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "H1", "M1", "M2", "R1", "R2",
    "R3", "R4", "R5",
];

/// How the log names the row by which a start is refused.
const CASE: &str = "(case ";

/// Refusals whose lines are those of Redis and name no row.
const REFUSALS: [(&str, &str); 2] = [("but no manifest", "M1"), ("Unable to obtain the AOF file", "M2")];

/// The call sites that a long campaign reaches: who, which operation, which file.
const KNOWN_SITES: &str = include_str!("known_sites.txt");

/// How often a row of the decision table was applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RowHits {
    started: u64,
    refused: u64,
}

/// How often a call site was reached, and interrupted by a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SiteHits {
    reached: u64,
    interrupted: u64,
}

/// Counts of one seed or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<&'static str, u64>,
    commands: BTreeMap<String, u64>,
    rows: BTreeMap<String, RowHits>,
    sites: BTreeMap<String, SiteHits>,
}

/// Machines that were crashed and looked at afterwards.
pub(super) const CRASH_POINTS: &str = "crash points";
pub(super) const VIOLATIONS: &str = "promises broken";
pub(super) const SEEDS: &str = "seeds";
pub(super) const LIVES: &str = "lives";
pub(super) const STARTS: &str = "starts";
pub(super) const REFUSED_STARTS: &str = "starts refused for a reason";
pub(super) const CRASHED_STARTS: &str = "starts crashed";
pub(super) const INTERRUPTED: &str = "operations interrupted";
pub(super) const UNITS: &str = "units";
pub(super) const REPLIES: &str = "replies";
pub(super) const SAVES: &str = "saves";
pub(super) const REWRITES: &str = "rewrites asked for";
pub(super) const DURABILITIES: &str = "durabilities chosen by clients";
pub(super) const BACKUPS_MADE: &str = "backups made";
pub(super) const BACKUPS_DELETED: &str = "backups deleted";
pub(super) const BACKUPS_RESTORED: &str = "backups restored";
pub(super) const SERVED_WAITS: &str = "waiting clients served";

impl Coverage {
    /// Counts something once.
    pub(super) fn count(&mut self, what: &'static str) {
        self.count_many(what, 1);
    }

    /// Counts something several times.
    pub(super) fn count_many(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Promises that were found broken.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.counted(VIOLATIONS)
    }

    /// Seeds run.
    #[must_use]
    pub fn seeds(&self) -> u64 {
        self.counted(SEEDS)
    }

    /// Machines that were crashed and looked at afterwards.
    #[must_use]
    pub fn crash_points(&self) -> u64 {
        self.counted(CRASH_POINTS)
    }

    /// A command has changed something.
    pub(super) fn note_command(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        *self.commands.entry(name).or_default() += 1;
    }

    /// A log was loaded, and its files were judged by these rows of the decision table.
    pub(super) fn note_load(&mut self, rows: &[&'static str]) {
        for row in rows {
            self.rows.entry((*row).to_owned()).or_default().started += 1;
        }
    }

    /// A start was refused with these lines; gives the row that they name.
    pub(super) fn note_refusal(&mut self, lines: &[String]) -> Option<&'static str> {
        let start =
            lines.iter().rposition(|line| line.starts_with("--") || line.starts_with("==")).unwrap_or(0);
        let row = lines[start..].iter().rev().find_map(|line| row_named_by(line))?;
        self.rows.entry(row.to_owned()).or_default().refused += 1;
        Some(row)
    }

    /// A machine is done with: what its disk was asked for, and which operation the crash interrupted.
    pub(super) fn note_disk(&mut self, storage: &SimulatedStorage) {
        for (site, count) in storage.call_sites().into_iter().filter(|(site, _)| site.caller != DAMAGE) {
            self.site(&site).reached += count;
        }
        if let Some(site) = storage.interrupted_site() {
            self.site(&site).interrupted += 1;
            self.count(INTERRUPTED);
        }
    }

    fn site(&mut self, site: &CallSite) -> &mut SiteHits {
        self.sites.entry(site.to_string()).or_default()
    }

    /// Takes in the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (name, count) in &other.commands {
            *self.commands.entry(name.clone()).or_default() += count;
        }
        for (row, hits) in &other.rows {
            let sum = self.rows.entry(row.clone()).or_default();
            sum.started += hits.started;
            sum.refused += hits.refused;
        }
        for (site, hits) in &other.sites {
            let sum = self.sites.entry(site.clone()).or_default();
            sum.reached += hits.reached;
            sum.interrupted += hits.interrupted;
        }
    }

    /// Rows of the decision table that no load has come to.
    #[must_use]
    pub fn rows_never_hit(&self) -> Vec<&'static str> {
        ROWS.into_iter().filter(|row| !self.rows.contains_key(*row)).collect()
    }

    /// Known call sites that were not reached.
    #[must_use]
    pub fn sites_never_hit(&self) -> Vec<&'static str> {
        KNOWN_SITES.lines().filter(|site| !self.sites.contains_key(*site)).collect()
    }

    /// Call sites that were reached and are not among the known ones: new code, which the list should name.
    #[must_use]
    pub fn unknown_sites(&self) -> Vec<&str> {
        let is_known = |site: &str| KNOWN_SITES.lines().any(|known| known == site);
        self.sites.keys().map(String::as_str).filter(|site| !is_known(site)).collect()
    }

    /// All that was counted, in lines that [`Coverage::add_line`] takes in again.
    #[must_use]
    pub fn to_lines(&self) -> Vec<String> {
        let counts = self.counts.iter().map(|(what, count)| format!("count {count} 0 {what}"));
        let commands = self.commands.iter().map(|(name, count)| format!("command {count} 0 {name}"));
        let rows = self.rows.iter().map(|(row, hits)| format!("row {} {} {row}", hits.started, hits.refused));
        let sites = self.sites.iter();
        let sites = sites.map(|(site, hits)| format!("site {} {} {site}", hits.reached, hits.interrupted));
        counts.chain(commands).chain(rows).chain(sites).collect()
    }

    /// Adds a line of another process.
    pub fn add_line(&mut self, line: &str) -> Option<()> {
        let mut words = line.splitn(4, ' ');
        let kind = words.next()?;
        let (first, second): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let name = words.next()?;
        match kind {
            "count" => {
                let what = COUNTS.into_iter().find(|what| *what == name)?;
                self.count_many(what, first);
            }
            "command" => *self.commands.entry(name.to_owned()).or_default() += first,
            "row" => {
                let hits = self.rows.entry(name.to_owned()).or_default();
                hits.started += first;
                hits.refused += second;
            }
            "site" => {
                let hits = self.sites.entry(name.to_owned()).or_default();
                hits.reached += first;
                hits.interrupted += second;
            }
            _ => return None,
        }
        Some(())
    }
}

const COUNTS: [&str; 17] = [
    VIOLATIONS,
    SEEDS,
    LIVES,
    CRASH_POINTS,
    INTERRUPTED,
    CRASHED_STARTS,
    STARTS,
    REFUSED_STARTS,
    UNITS,
    SERVED_WAITS,
    REPLIES,
    SAVES,
    REWRITES,
    DURABILITIES,
    BACKUPS_MADE,
    BACKUPS_DELETED,
    BACKUPS_RESTORED,
];

fn row_named_by(line: &str) -> Option<&'static str> {
    if let Some(at) = line.find(CASE) {
        let named = line[at + CASE.len()..].split(')').next()?;
        return ROWS.into_iter().find(|row| *row == named);
    }
    REFUSALS.iter().find(|(part, _)| line.contains(part)).map(|(_, row)| *row)
}

/// Whether an operation at this call site changes the disk, so that a crash can interrupt it.
fn changes_the_disk(site: &str) -> bool {
    let operation = site.split_once(": ").map_or(site, |(_, operation)| operation);
    ["create", "write", "truncate", "datasync", "sync", "rename", "unlink"]
        .iter()
        .any(|name| operation.starts_with(name))
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in COUNTS {
            writeln!(out, "  {what:<28} {:>10}", self.counted(what))?;
        }
        let commands: Vec<String> =
            self.commands.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(out, "  commands that changed something: {}", commands.join(", "))?;
        writeln!(out, "  rows of the decision table: started, refused")?;
        for (row, hits) in &self.rows {
            writeln!(out, "    {row:<4} {:>10} {:>10}", hits.started, hits.refused)?;
        }
        writeln!(out, "  call sites: reached, interrupted by a crash")?;
        for (site, hits) in &self.sites {
            writeln!(out, "    {site:<76} {:>10} {:>8}", hits.reached, hits.interrupted)?;
        }
        for row in self.rows_never_hit() {
            writeln!(out, "  NEVER HIT: row {row} of the decision table")?;
        }
        for site in self.sites_never_hit() {
            writeln!(out, "  NEVER HIT: call site {site}")?;
        }
        for (site, _) in
            self.sites.iter().filter(|(site, hits)| hits.interrupted == 0 && changes_the_disk(site))
        {
            writeln!(out, "  NEVER INTERRUPTED: call site {site}")?;
        }
        for site in self.unknown_sites() {
            writeln!(out, "  NOT IN known_sites.txt: call site {site}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_travel_in_lines() {
        let mut coverage = Coverage::default();
        coverage.count_many(CRASH_POINTS, 7);
        coverage.note_command(b"SET");
        coverage.note_load(&["C1", "F7"]);
        assert_eq!(coverage.note_refusal(&["# no frames (case R4)".to_owned()]), Some("R4"));
        let mut other = Coverage::default();
        for line in coverage.to_lines() {
            assert_eq!(other.add_line(&line), Some(()), "{line}");
        }
        assert_eq!(coverage, other);
        assert_eq!(other.add_line("nonsense"), None);
    }
}
