//! The contract that every storage meets, real or simulated: a tree of files seen from one directory.

use std::any::Any;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Operation, Result};
use crate::file::File;

/// A directory, and what can be done to the files in and below it.
///
/// A storage is rooted at a directory *handle*: relative paths are resolved against it, and stay valid when the
/// working directory or the `dir` directive changes. The empty path (or `.`) is the directory itself; an absolute
/// path is taken as it is.
///
/// A change of a name (create, rename, unlink, link) survives the death of the process at once, and the death of the
/// machine after [`sync_directory`](Self::sync_directory) on the directory that holds the name.
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// The path of the directory for messages, as far as it is known.
    fn path(&self) -> &Path;

    /// Opens a file, and creates it if the options say so. A directory is refused.
    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>>;

    /// Gives a file or directory another name, replacing what had it, in one step.
    ///
    /// Not for use outside this crate's crash-safe helpers: a rename without the syncs around it is how
    /// acknowledged data gets lost.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a name of a file. The bytes stay until the last name and the last handle are gone.
    fn unlink(&self, path: &Path) -> Result<()>;

    /// Gives the file at `existing` another name; fails if it is taken.
    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()>;

    /// Makes a directory with mode 0755.
    fn create_directory(&self, path: &Path) -> Result<()>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_directory(&self, path: &Path) -> Result<()>;

    /// The entries of a directory, without `.` and `..`, sorted by name.
    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>>;

    /// Length, kind, mode and times of what a path names; symbolic links are followed.
    fn metadata(&self, path: &Path) -> Result<Metadata>;

    /// Takes an exclusive advisory lock, so that two servers cannot work on one directory. Never waits: if it is
    /// taken, fails with [`StorageError::is_locked`](crate::StorageError::is_locked).
    ///
    /// The path names a directory, which is locked itself and gets no extra file, or a file, which is created when
    /// missing. The lock ends with the guard or the process.
    fn lock(&self, path: &Path) -> Result<LockGuard>;

    /// A storage rooted at another directory.
    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>>;

    /// How much space the file system has.
    fn space(&self) -> Result<Space>;

    /// Whether the path names something. An error other than "not found" is an error, not a "no".
    fn exists(&self, path: &Path) -> Result<bool> {
        match self.metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// How to open a file.
///
/// ```
/// use lastsave_storage::{FileMode, OpenOptions};
/// let temporary = OpenOptions::create_new().read(true).mode(FileMode::DUMP);
/// assert!(temporary.write && temporary.create_new && temporary.read);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// Allow reading.
    pub read: bool,
    /// Allow writing, truncating and allocating.
    pub write: bool,
    /// Create the file if it is missing. Needs `write`.
    pub create: bool,
    /// Create the file and fail if it is there. Needs `write`.
    pub create_new: bool,
    /// Cut the file to zero bytes. Needs `write`.
    pub truncate: bool,
    /// The permissions of a created file, from which the process' umask is taken away.
    pub mode: FileMode,
}

impl OpenOptions {
    /// An existing file, for reading.
    pub const fn read_only() -> Self {
        Self {
            read: true,
            write: false,
            create: false,
            create_new: false,
            truncate: false,
            mode: FileMode::DATA,
        }
    }

    /// An existing file, for reading and writing.
    pub const fn read_write() -> Self {
        Self { write: true, ..Self::read_only() }
    }

    /// A new file, for writing; an error if it is there.
    pub const fn create_new() -> Self {
        Self { read: false, write: true, create_new: true, ..Self::read_only() }
    }

    /// A file for writing, created if missing and cut to zero bytes.
    pub const fn create_or_truncate() -> Self {
        Self { read: false, write: true, create: true, truncate: true, ..Self::read_only() }
    }

    /// Allow reading, or not.
    #[must_use]
    pub const fn read(self, read: bool) -> Self {
        Self { read, ..self }
    }

    /// Create the file if it is missing, or not.
    #[must_use]
    pub const fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// The permissions of a created file.
    #[must_use]
    pub const fn mode(self, mode: FileMode) -> Self {
        Self { mode, ..self }
    }

    /// Whether the flags make sense together.
    pub(crate) const fn is_valid(&self) -> bool {
        let changes = self.create || self.create_new || self.truncate;
        self.write || (self.read && !changes)
    }

    /// Whether opening may make a file.
    pub(crate) const fn creates(&self) -> bool {
        self.create || self.create_new
    }

    /// What opening like this counts as.
    pub(crate) const fn operation(&self) -> Operation {
        if self.creates() || self.truncate { Operation::Create } else { Operation::Open }
    }
}

/// Permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileMode(u32);

impl FileMode {
    /// 0644: logs, manifests, configuration files.
    pub const DATA: Self = Self(0o644);
    /// 0666: snapshots, which Redis creates with all that the umask allows.
    pub const DUMP: Self = Self(0o666);
    /// 0755: directories.
    pub const DIRECTORY: Self = Self(0o755);

    /// Keeps the nine permission bits of `bits`.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0o777)
    }

    /// The permission bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// What kind of thing a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (only when listing).
    Symlink,
    /// Anything else: socket, pipe, device.
    Other,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name, without its directory.
    pub name: OsString,
    /// What it names.
    pub kind: EntryKind,
}

/// What is known about a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Length in bytes.
    pub len: u64,
    /// File, directory or something else.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: FileMode,
    /// Last change of the contents, in milliseconds since 1970.
    pub modified_ms: i64,
    /// How many names the file has.
    pub links: u64,
}

/// The size of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this process may still use, in bytes.
    pub available_bytes: u64,
    /// All there is, in bytes.
    pub total_bytes: u64,
}

/// Holds the lock taken by [`Storage::lock`] until it is dropped.
#[must_use = "the lock ends when the guard is dropped"]
pub struct LockGuard {
    _held: Box<dyn Any + Send + Sync>,
}

impl LockGuard {
    /// A guard whose lock ends when `held` is dropped.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LockGuard")
    }
}
