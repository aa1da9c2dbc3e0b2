//! What a snapshot job tells the executor while it runs, and the wish to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a job and the executor. The values say how far the job is; nothing is ordered by them.
#[derive(Debug)]
pub(crate) struct Progress {
    keys_total: u64,
    keys_done: AtomicU64,
    cancelled: AtomicBool,
    hurries: AtomicBool,
}

impl Progress {
    pub(crate) fn new(keys_total: u64) -> Self {
        Self {
            keys_total,
            keys_done: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            hurries: AtomicBool::new(false),
        }
    }

    pub(crate) fn keys_total(&self) -> u64 {
        self.keys_total
    }

    pub(crate) fn keys_done(&self) -> u64 {
        self.keys_done.load(Ordering::Relaxed)
    }

    pub(crate) fn add_keys(&self, keys: u64) {
        self.keys_done.fetch_add(keys, Ordering::Relaxed);
    }

    /// Asks the job to stop. It does so before its file gets its final name, or not at all.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Asks the job to do without what can be done without. Gives whether nobody has asked before.
    pub(crate) fn hurry(&self) -> bool {
        !self.hurries.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn hurries(&self) -> bool {
        self.hurries.load(Ordering::Relaxed)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
