//! What a simulation sees of the inside, to know what has been promised.

use lastsave_fsync_scheduler::LogHandle;

use super::Persistence;
use super::jobs::JobId;
use super::log_state::LogState;

/// A look at the state between two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Observation {
    /// Whether effects are logged.
    pub(crate) log_state: LogState,
    /// Snapshots ever taken.
    pub(crate) cuts: u64,
    /// The save under way.
    pub(crate) save: Option<JobId>,
    /// Saves that have put their file in place.
    pub(crate) saves_succeeded: u64,
    /// The rewrite under way.
    pub(crate) rewrite: Option<JobId>,
    /// Whether the log cannot be written at present.
    pub(crate) log_fails: bool,
}

impl Persistence {
    /// Looks at the state.
    pub(crate) fn observe(&self) -> Observation {
        Observation {
            log_state: self.log_state,
            cuts: self.cuts,
            save: self.saves.running.as_ref().map(|running| running.job),
            saves_succeeded: self.saves.succeeded,
            rewrite: self.rewrite.as_ref().map(|rewrite| rewrite.job),
            log_fails: self.log.as_ref().and_then(LogHandle::failure).is_some(),
        }
    }

    /// Rows of the decision table by which the last load judged the log's files.
    pub(crate) fn rows(&self) -> &[&'static str] {
        &self.load_statistics.rows
    }
}
