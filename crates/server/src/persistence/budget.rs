//! The memory that a snapshot may cost: `snapshot-max-extra-memory`, and what happens near it and at it.

use super::Persistence;
use super::rewrite::RewriteKind;
use crate::dataset::Dataset;
use lastsave_config::SnapshotOverBudget;
use lastsave_fsync_scheduler::Switch;

/// From this share of the budget on a snapshot hurries; writers that wait go on below it.
const NEAR_PERCENT: u64 = 90;

/// How much a snapshot may keep alive beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// `snapshot-max-extra-memory`; 0 means no limit.
    pub(crate) max_bytes: u64,
    /// `snapshot-over-budget`.
    pub(crate) when_over: SnapshotOverBudget,
}

/// How near a snapshot has come to its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pressure {
    Low,
    Near,
    Reached,
}

impl Budget {
    fn pressure(self, extra_bytes: u64) -> Pressure {
        if self.max_bytes == 0 {
            Pressure::Low
        } else if extra_bytes >= self.max_bytes {
            Pressure::Reached
        } else if u128::from(extra_bytes) * 100 >= u128::from(self.max_bytes) * u128::from(NEAR_PERCENT) {
            Pressure::Near
        } else {
            Pressure::Low
        }
    }
}

impl Persistence {
    /// Whether writers have to wait because a snapshot has used up its memory.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.is_over_budget
    }

    /// Compares what snapshots hold with what they may. Called once per turn.
    pub(super) fn watch_budget(&mut self, dataset: &Dataset) {
        let budget = self.settings.budget;
        if budget.max_bytes == 0 || !self.is_snapshot_under_way() {
            self.is_over_budget = false;
            return;
        }
        let extra_bytes = dataset.keyspace.memory().held_bytes as u64;
        let pressure = budget.pressure(extra_bytes);
        if pressure >= Pressure::Near {
            self.hurry(extra_bytes);
        }
        match (pressure, budget.when_over) {
            (Pressure::Reached, SnapshotOverBudget::SlowWriters) => self.is_over_budget = true,
            (Pressure::Reached, SnapshotOverBudget::Cancel) => {
                self.is_over_budget = false;
                self.cancel_over_budget(extra_bytes);
            }
            (Pressure::Near, SnapshotOverBudget::SlowWriters) => {}
            (Pressure::Near, SnapshotOverBudget::Cancel) | (Pressure::Low, _) => self.is_over_budget = false,
        }
    }

    fn hurry(&self, extra_bytes: u64) {
        let Some(progress) = self.running_progress() else { return };
        if progress.hurry() {
            tracing::info!(
                "The snapshot holds {} MB beside the data, near snapshot-max-extra-memory ({} MB): it goes on without \
                 compression and delays",
                extra_bytes >> 20,
                self.settings.budget.max_bytes >> 20
            );
        }
    }

    fn cancel_over_budget(&mut self, extra_bytes: u64) {
        let is_rewrite = self.saves.running.is_none();
        if is_rewrite {
            let Some(rewrite) = &self.rewrite else { return };
            // Without its base a log that has failed stays failed; and while it does nobody writes.
            let is_needed = rewrite.kind == RewriteKind::Log(Switch::Rebase);
            if rewrite.job_is_done || rewrite.conclusion.is_some() || is_needed {
                return;
            }
        }
        if self.running_progress().is_none_or(super::progress::Progress::is_cancelled) {
            return;
        }
        tracing::warn!(
            "The snapshot holds {} MB beside the data and is cancelled: snapshot-max-extra-memory is {} MB \
             (snapshot-over-budget cancel)",
            extra_bytes >> 20,
            self.settings.budget.max_bytes >> 20
        );
        if is_rewrite {
            tracing::warn!("Background AOF rewrite terminated with error");
            self.give_up_rewrite(true);
        } else if let Some(running) = &self.saves.running {
            running.progress.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_rises_at_nine_tenths_and_at_the_budget() {
        let budget = Budget { max_bytes: 1000, when_over: SnapshotOverBudget::Cancel };
        let seen = [0, 899, 900, 999, 1000, 5000].map(|bytes| budget.pressure(bytes));
        use Pressure::{Low, Near, Reached};
        assert_eq!(seen, [Low, Low, Near, Near, Reached, Reached]);
        let without = Budget { max_bytes: 0, ..budget };
        assert_eq!(without.pressure(u64::MAX), Low);
    }
}
