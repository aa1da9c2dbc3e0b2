//! Why reading ends before the end.

use lastsave_aof::AofError;
use lastsave_rdb::Error as RdbError;
use lastsave_storage::StorageError;

use super::super::log_notices;

/// Why the reader stopped.
pub(super) enum Stop {
    /// The executor is gone, or has found the data unusable and said so.
    NobodyListens,
    /// The reasons are in the log.
    Failed,
}

impl From<AofError> for Stop {
    fn from(error: AofError) -> Self {
        log_notices(error.report());
        Stop::Failed
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        tracing::warn!("{error}");
        Stop::Failed
    }
}

/// Why an RDB was not read to its end.
pub(super) enum RdbStop {
    Stopped(Stop),
    Bad(RdbError),
}

impl From<Stop> for RdbStop {
    fn from(stop: Stop) -> Self {
        RdbStop::Stopped(stop)
    }
}

impl From<RdbError> for RdbStop {
    fn from(error: RdbError) -> Self {
        RdbStop::Bad(error)
    }
}
