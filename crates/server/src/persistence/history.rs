//! Deleting or retaining the files that rewrites have replaced, away from the executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Persistence;
use super::jobs::WakeExecutor;

/// Between looks at the age of what is retained.
const COLLECTION_INTERVAL_MS: i64 = 10_000;

/// Deletions under way.
#[derive(Debug, Default)]
pub(super) struct HistoryCollection {
    under_way: Arc<AtomicUsize>,
}

impl HistoryCollection {
    /// Whether superseded files are being deleted, or still are in the manifest for that.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    fn begin(&self, wake: WakeExecutor) -> Deletion {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Deletion { under_way: Arc::clone(&self.under_way), wake }
    }
}

/// One deletion; it is over when this is dropped, whatever came of it.
struct Deletion {
    under_way: Arc<AtomicUsize>,
    wake: WakeExecutor,
}

impl Drop for Deletion {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::Release);
        (self.wake)();
    }
}

impl Persistence {
    /// Retains or deletes superseded files, and gives up what was retained long enough. Counts as under way meanwhile.
    pub(super) fn collect_history(&mut self) {
        let deletion = self.history.begin(self.jobs.waker());
        self.collect(Some(deletion));
    }

    /// The same by the way: nobody waits for it.
    pub(super) fn collect_history_quietly(&mut self) {
        self.collect(None);
    }

    /// Gives up what has been retained for too long in the meantime; called by cron.
    pub(super) fn collect_history_when_due(&mut self, now_ms: i64) {
        let is_due = now_ms - self.last_collection_ms >= COLLECTION_INTERVAL_MS;
        if is_due && self.settings.retention.age_seconds > 0 {
            self.collect_history_quietly();
        }
    }

    fn collect(&mut self, deletion: Option<Deletion>) {
        let now_ms = self.now_ms();
        self.last_collection_ms = now_ms;
        if self.settings.keep_history {
            return;
        }
        let (directory, retention) = (Arc::clone(&self.directory), self.settings.retention);
        let now_ms = u64::try_from(now_ms).unwrap_or(0);
        self.jobs.run_aside(Box::new(move || {
            match directory.collect_history(&retention, now_ms) {
                Ok(notices) => super::log_notices(notices),
                Err(error) => tracing::warn!("Can't remove the history of the append only file: {error}"),
            }
            drop(deletion);
        }));
    }
}
