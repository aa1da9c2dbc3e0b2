//! Deleting the files that rewrites have replaced, away from the executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Persistence;
use super::jobs::WakeExecutor;

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
    /// Deletes superseded files.
    pub(super) fn delete_history(&mut self) {
        if self.settings.keep_history {
            return;
        }
        let directory = Arc::clone(&self.directory);
        let deletion = self.history.begin(self.jobs.waker());
        self.jobs.run_aside(Box::new(move || {
            match directory.delete_history() {
                Ok(notices) => super::log_notices(notices),
                Err(error) => tracing::warn!("Can't remove the history of the append only file: {error}"),
            }
            drop(deletion);
        }));
    }
}
