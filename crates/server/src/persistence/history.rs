//! Deleting the files that rewrites have replaced, away from the executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Persistence;
use super::api::{Answer, Notice};
use super::jobs::WakeExecutor;

/// Deletions under way, and who waits for their end.
#[derive(Debug, Default)]
pub(super) struct HistoryCollection {
    under_way: Arc<AtomicUsize>,
    tickets: Vec<u64>,
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

    /// A ticket for who wants to wait until superseded files are gone; `None` when there are none to wait for.
    pub(crate) fn history_ticket(&mut self) -> Option<u64> {
        if !self.history.is_under_way() {
            return None;
        }
        let ticket = self.next_ticket();
        self.history.tickets.push(ticket);
        Some(ticket)
    }

    /// Answers who waits, once everything is gone.
    pub(super) fn answer_after_deletion(&mut self) {
        if self.history.tickets.is_empty() || self.history.is_under_way() {
            return;
        }
        for ticket in std::mem::take(&mut self.history.tickets) {
            self.notices.push(Notice::JobDone { ticket, answer: Answer::status("OK") });
        }
    }
}
