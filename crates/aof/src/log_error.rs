//! Storage errors as the scheduler sorts them.

use lastsave_fsync_scheduler::{Cause, LogError};
use lastsave_storage::{Cause as StorageCause, StorageError};

use crate::error::AofError;

/// What the operating system said, for the scheduler.
pub(crate) fn cause(error: &StorageError) -> Cause {
    let errno = error.errno().map_or(0, lastsave_storage::Errno::raw);
    let name = error.path().file_name().unwrap_or_default().to_string_lossy();
    Cause::new(format!("{} '{name}'", error.operation().name()), errno, error.reason())
}

/// An error after which the increment is never trusted again.
pub(crate) fn failed(error: &StorageError) -> LogError {
    LogError::Failed(cause(error))
}

/// An error before anything was touched.
pub(crate) fn refused(error: &StorageError) -> LogError {
    if error.is_full() { LogError::Full(cause(error)) } else { LogError::Refused(cause(error)) }
}

/// An error of a write that has been rolled back: no room, or the device.
pub(crate) fn write_error(error: &StorageError) -> LogError {
    if error.is_full() || error.cause() == StorageCause::WriteZero {
        LogError::Full(cause(error))
    } else {
        LogError::Failed(cause(error))
    }
}

/// An error of the directory's own, for the scheduler.
pub(crate) fn directory_error(error: &AofError) -> LogError {
    match error {
        AofError::Storage(error) => refused(error),
        other => LogError::Refused(Cause::new("open the log", 0, other.to_string())),
    }
}
