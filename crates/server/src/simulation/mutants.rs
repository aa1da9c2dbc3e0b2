//! The campaign tests itself: promises that are broken on purpose, each of which it must notice.

use lastsave_aof::set_mutant;
use lastsave_storage::Operation;

use super::backups::BACKUPS;
use super::campaign::{Sabotage, run_seed_with};
use super::machine::GateFault;
use super::report::SeedReport;

/// A promise that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Syncs of the log's increments are skipped.
    SyncSkipped,
    /// No directory is synced, neither after a rename nor after a creation.
    DirectoryUnsynced,
    /// A manifest gets its name before its bytes are durable.
    ManifestUnsynced,
    /// A base gets its name before its bytes are durable.
    BaseUnsynced,
    /// Replies leave at once.
    RepliesNotHeld,
    /// A connection that has asked for `always` gets its replies as the policy has it.
    RaisedDurabilityIgnored,
    /// A backup's directories are not synced.
    BackupUnsynced,
    /// A frame closes its block whatever is in it.
    FrameUnchecked,
    /// The old increment is not synced before the next one is listed.
    OldIncrementUnsynced,
    /// A long frame declares durable what it has only just closed.
    MarkTooEarly,
    /// A file that was torn is written on.
    TornFileContinued,
    /// What was loaded is not made durable before the first reply.
    LoadedUnsynced,
}

impl Mutant {
    /// All of them; the last one needs more than a few seeds to be noticed.
    pub const ALL: [Self; 12] = [
        Self::SyncSkipped,
        Self::DirectoryUnsynced,
        Self::ManifestUnsynced,
        Self::BaseUnsynced,
        Self::RepliesNotHeld,
        Self::RaisedDurabilityIgnored,
        Self::BackupUnsynced,
        Self::FrameUnchecked,
        Self::OldIncrementUnsynced,
        Self::MarkTooEarly,
        Self::LoadedUnsynced,
        Self::TornFileContinued,
    ];

    /// Those that are noticed within a few seeds.
    pub const QUICK: &[Self] = Self::ALL.split_at(11).0;

    /// Lives the lives of one seed with the promise broken.
    #[must_use]
    pub fn run_seed(self, seed: u64, verbose: bool) -> SeedReport {
        let in_the_log = match self {
            Self::FrameUnchecked => Some(lastsave_aof::Mutant::FrameUnchecked),
            Self::OldIncrementUnsynced => Some(lastsave_aof::Mutant::OldIncrementUnsynced),
            Self::MarkTooEarly => Some(lastsave_aof::Mutant::MarkTooEarly),
            Self::TornFileContinued => Some(lastsave_aof::Mutant::TornFileContinued),
            Self::LoadedUnsynced => Some(lastsave_aof::Mutant::LoadedUnsynced),
            _ => None,
        };
        set_mutant(in_the_log);
        let report = run_seed_with(seed, verbose, self.sabotage());
        set_mutant(None);
        report
    }

    fn sabotage(self) -> Sabotage {
        let lies = match self {
            Self::SyncSkipped => vec![(Operation::Datasync, "incr"), (Operation::Sync, "incr")],
            Self::DirectoryUnsynced => vec![(Operation::SyncDirectory, "")],
            Self::ManifestUnsynced => vec![(Operation::Datasync, "manifest")],
            Self::BaseUnsynced => vec![(Operation::Datasync, "temp-rewriteaof")],
            Self::BackupUnsynced => vec![(Operation::SyncDirectory, BACKUPS)],
            _ => Vec::new(),
        };
        let gate_fault = match self {
            Self::RepliesNotHeld => Some(GateFault::RepliesNotHeld),
            Self::RaisedDurabilityIgnored => Some(GateFault::RaisedDurabilityIgnored),
            _ => None,
        };
        Sabotage { lies, gate_fault, without_backups: self != Self::BackupUnsynced }
    }
}
