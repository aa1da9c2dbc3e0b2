//! Work that blocks, for a thread other than the one that steps the core.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::{Cause, LogError, PrepareJob, SyncHandle};

/// Something that takes the disk's time.
pub enum Work {
    /// A sync of everything written so far.
    Sync {
        /// What to sync.
        handle: Arc<dyn SyncHandle>,
        /// Under `always`: nothing can be written before it is done, so a hand-over to another thread buys nothing.
        inline: bool,
    },
    /// Preparation of space ahead of the writer.
    Prepare(PrepareJob),
}

/// The result of [`Work`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkDone {
    /// Of [`Work::Sync`].
    Sync(Result<(), LogError>),
    /// Of [`Work::Prepare`].
    Prepare(Result<(), LogError>),
}

impl Work {
    /// Does it. A panic in it counts as a failure of the device: nobody knows what it left undone.
    #[must_use]
    pub fn run(self) -> WorkDone {
        let panicked = |operation: &str| {
            LogError::Failed(Cause::new(operation, 0, "panicked: this is a bug, please report it"))
        };
        match self {
            Work::Sync { handle, .. } => WorkDone::Sync(
                catch_unwind(AssertUnwindSafe(|| handle.sync())).unwrap_or_else(|_| Err(panicked("sync"))),
            ),
            Work::Prepare(job) => WorkDone::Prepare(
                catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(panicked("prepare"))),
            ),
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Sync { inline, .. } => formatter.debug_struct("Sync").field("inline", inline).finish(),
            Work::Prepare(_) => formatter.write_str("Prepare"),
        }
    }
}
