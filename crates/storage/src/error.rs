//! The one error of this crate: which operation failed, on what, and why.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::Errno;

/// The result of a storage call.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// What was being done to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a file as it is.
    Open,
    /// Opening a file in a way that may create or cut it.
    Create,
    /// Reading bytes of a file.
    Read,
    /// Writing bytes of a file, one slice or many.
    Write,
    /// Asking a file for its length or its other attributes.
    Inspect,
    /// Setting the length of a file.
    Truncate,
    /// Reserving space for a file.
    Allocate,
    /// Making a file's bytes and length durable.
    Datasync,
    /// Making a file's bytes and all its attributes durable.
    Sync,
    /// Telling the page cache that a range is not needed.
    Advise,
    /// Starting to write back a range of a file.
    Writeback,
    /// Renaming.
    Rename,
    /// Removing a name of a file.
    Unlink,
    /// Giving a file another name.
    HardLink,
    /// Making a directory.
    CreateDirectory,
    /// Removing an empty directory.
    RemoveDirectory,
    /// Making a directory's entries durable.
    SyncDirectory,
    /// Listing a directory.
    List,
    /// Opening a directory as the root of a storage.
    OpenDirectory,
    /// Taking the lock that keeps two servers apart.
    Lock,
    /// Asking how much space is left.
    Space,
}

impl Operation {
    /// The operation as error messages name it, for example `write`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Inspect => "inspect",
            Self::Truncate => "truncate",
            Self::Allocate => "allocate space for",
            Self::Datasync => "datasync",
            Self::Sync => "sync",
            Self::Advise => "advise the page cache about",
            Self::Writeback => "start writeback of",
            Self::Rename => "rename",
            Self::Unlink => "unlink",
            Self::HardLink => "hard-link",
            Self::CreateDirectory => "create directory",
            Self::RemoveDirectory => "remove directory",
            Self::SyncDirectory => "sync directory",
            Self::List => "list directory",
            Self::OpenDirectory => "open directory",
            Self::Lock => "lock",
            Self::Space => "ask for the space of",
        }
    }

    /// Whether this makes something durable. A failed one must never be retried as if the retry's success
    /// could make up for it: the kernel has marked the pages clean.
    pub const fn is_sync(self) -> bool {
        matches!(self, Self::Datasync | Self::Sync | Self::SyncDirectory)
    }

    /// Whether this can change what a crash leaves behind. Only these are counted as points to crash at.
    pub const fn changes_state(self) -> bool {
        match self {
            Self::Create
            | Self::Write
            | Self::Truncate
            | Self::Allocate
            | Self::Datasync
            | Self::Sync
            | Self::Rename
            | Self::Unlink
            | Self::HardLink
            | Self::CreateDirectory
            | Self::RemoveDirectory
            | Self::SyncDirectory => true,
            Self::Open
            | Self::Read
            | Self::Inspect
            | Self::Advise
            | Self::Writeback
            | Self::List
            | Self::OpenDirectory
            | Self::Lock
            | Self::Space => false,
        }
    }
}

/// Why a storage call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The environment refused: the operating system's error number.
    System(Errno),
    /// The file ended before the bytes that the caller knows must be there.
    UnexpectedEnd {
        /// Where reading began.
        offset: u64,
        /// How many bytes were asked for.
        wanted: u64,
        /// How many there were.
        found: u64,
    },
    /// The file is longer than the caller is willing to read.
    TooLong {
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A write of a non-empty buffer took nothing, so that trying again could go on for ever.
    WriteZero,
    /// The simulated machine has crashed; nothing more can be done with this storage.
    Crashed,
    /// A caller's own failure that passed through a storage call as an [`io::Error`].
    Foreign(io::ErrorKind),
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(errno) => write!(out, "{errno}"),
            Self::UnexpectedEnd { offset, wanted, found } => {
                write!(out, "unexpected end of file: {wanted} bytes wanted at offset {offset}, {found} found")
            }
            Self::TooLong { length, limit } => {
                write!(out, "{length} bytes are more than the limit of {limit}")
            }
            Self::WriteZero => out.write_str("the write took no bytes"),
            Self::Crashed => out.write_str("the simulated machine has crashed"),
            Self::Foreign(kind) => write!(out, "{kind}"),
        }
    }
}

/// A failed storage call. One pointer wide, so that the results of the hot path stay small.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {} '{}': {}", .0.operation.name(), .0.path.display(), .0.cause)]
pub struct StorageError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    operation: Operation,
    path: PathBuf,
    cause: Cause,
}

impl StorageError {
    /// An error with any cause.
    pub fn new(operation: Operation, path: impl Into<PathBuf>, cause: Cause) -> Self {
        Self(Box::new(Inner { operation, path: path.into(), cause }))
    }

    /// An error that the operating system reported.
    pub fn system(operation: Operation, path: impl Into<PathBuf>, errno: impl Into<Errno>) -> Self {
        Self::new(operation, path, Cause::System(errno.into()))
    }

    /// Recovers the error that travelled through a [`std::io::Read`] or [`std::io::Write`] interface.
    ///
    /// An [`io::Error`] that did not come from this crate keeps its number, or else its kind.
    pub fn from_io(operation: Operation, path: &Path, error: io::Error) -> Self {
        let cause = match error.raw_os_error() {
            Some(raw) => Cause::System(Errno::from_raw(raw)),
            None => Cause::Foreign(error.kind()),
        };
        match error.into_inner().map(|inner| inner.downcast::<Self>()) {
            Some(Ok(error)) => *error,
            Some(Err(_)) | None => Self::new(operation, path, cause),
        }
    }

    /// What was being done.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What it was done to; for a rename or hard link, the new name.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Why it failed.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The operating system's error number, when there is one.
    pub fn errno(&self) -> Option<Errno> {
        match self.0.cause {
            Cause::System(errno) => Some(errno),
            _ => None,
        }
    }

    /// The reason alone, as `strerror` prints it: what Redis puts at the end of a log line.
    pub fn reason(&self) -> String {
        self.0.cause.to_string()
    }

    /// No space left, or the quota used up: nothing is damaged, and the call may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self.errno(), Some(Errno::NO_SPACE | Errno::QUOTA_EXCEEDED))
    }

    /// The device failed (`EIO`).
    pub fn is_io_error(&self) -> bool {
        self.errno() == Some(Errno::IO)
    }

    /// The simulated machine has crashed. Code under test must pass this on, not handle it.
    pub fn is_crash(&self) -> bool {
        self.0.cause == Cause::Crashed
    }

    /// No such file or directory.
    pub fn not_found(&self) -> bool {
        self.errno() == Some(Errno::NOT_FOUND)
    }

    /// The name is taken.
    pub fn already_exists(&self) -> bool {
        self.errno() == Some(Errno::EXISTS)
    }

    /// Somebody else holds the lock.
    pub fn is_locked(&self) -> bool {
        self.0.operation == Operation::Lock && self.errno() == Some(Errno::WOULD_BLOCK)
    }

    /// The file system cannot do this at all; the caller may go on without, when it was an optimisation.
    pub fn is_unsupported(&self) -> bool {
        self.errno() == Some(Errno::NOT_SUPPORTED)
    }
}

impl fmt::Debug for StorageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StorageError")
            .field("operation", &self.0.operation)
            .field("path", &self.0.path)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl From<StorageError> for io::Error {
    fn from(error: StorageError) -> Self {
        let kind = match error.0.cause {
            Cause::System(errno) => match errno.kind() {
                // `read_exact`, `write_all` and `copy` of the standard library retry on this kind for ever.
                io::ErrorKind::Interrupted => io::ErrorKind::Other,
                kind => kind,
            },
            Cause::UnexpectedEnd { .. } => io::ErrorKind::UnexpectedEof,
            Cause::TooLong { .. } => io::ErrorKind::FileTooLarge,
            Cause::WriteZero => io::ErrorKind::WriteZero,
            Cause::Crashed => io::ErrorKind::Other,
            Cause::Foreign(kind) => kind,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_operation_path_and_reason() {
        let error = StorageError::system(Operation::Write, "appendonlydir/a.aof", Errno::NO_SPACE);
        assert_eq!(error.to_string(), "cannot write 'appendonlydir/a.aof': No space left on device");
        assert_eq!(error.reason(), "No space left on device");
        assert!(error.is_full() && !error.is_io_error() && !error.is_crash());
    }

    #[test]
    fn survives_the_trip_through_io_error() {
        let error = StorageError::system(Operation::Datasync, "dump.rdb", Errno::IO);
        let as_io = io::Error::from(error.clone());
        assert_eq!(StorageError::from_io(Operation::Write, Path::new("other"), as_io), error);

        let foreign = io::Error::from_raw_os_error(Errno::NO_SPACE.raw());
        let error = StorageError::from_io(Operation::Write, Path::new("x"), foreign);
        assert_eq!(error, StorageError::system(Operation::Write, "x", Errno::NO_SPACE));

        let kind_only = io::Error::new(io::ErrorKind::InvalidData, "bad");
        let error = StorageError::from_io(Operation::Write, Path::new("x"), kind_only);
        assert_eq!(error.cause(), Cause::Foreign(io::ErrorKind::InvalidData));
    }

    #[test]
    fn is_one_pointer_wide() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
