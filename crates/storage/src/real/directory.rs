//! A directory handle of the real file system and everything that is done by name.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, flock, fstatvfs, fsync, linkat, mkdirat,
    openat, renameat, statat, unlinkat,
};
use rustix::io::Errno as SystemErrno;

use super::file::RealFile;
use super::{metadata_of, uninterrupted};
use crate::error::{Operation, Result, StorageError};
use crate::file::File;
use crate::storage::{DirectoryEntry, EntryKind, FileMode, LockGuard, Metadata, OpenOptions, Space, Storage};

/// The real file system, seen from one directory.
///
/// Every path is resolved with the `*at` system calls against a descriptor of the directory, so a later `chdir` or
/// rename of the directory does not move it. Every descriptor is closed on exec. Linux only: datasync, preallocation
/// and page cache advice are those of Linux.
///
/// ```
/// use std::path::Path;
/// use lastsave_storage::{OpenOptions, RealStorage, Storage};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// let storage = RealStorage::open(temporary.path())?;
/// let file = storage.open(Path::new("greeting"), &OpenOptions::create_new())?;
/// file.write_all_at(b"hello", 0)?;
/// file.datasync()?;
/// storage.sync_directory(Path::new(""))?; // now the name is durable as well
/// assert_eq!(storage.metadata(Path::new("greeting"))?.len, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RealStorage {
    handle: OwnedFd,
    path: PathBuf,
}

impl RealStorage {
    /// Opens a directory; a relative path is resolved against the working directory of this moment.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        open_directory_at(CWD, path, path.to_path_buf())
    }

    /// One system call, with its error dressed up.
    fn call<T>(
        &self,
        operation: Operation,
        path: &Path,
        call: impl FnMut() -> rustix::io::Result<T>,
    ) -> Result<T> {
        uninterrupted(call).map_err(|errno| self.error(operation, path, errno))
    }

    fn error(&self, operation: Operation, path: &Path, errno: SystemErrno) -> StorageError {
        StorageError::system(operation, self.shown(path), errno)
    }

    /// The path as messages show it.
    fn shown(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(path) }
    }

    /// Another descriptor of a directory, with its own position for listing.
    fn open_for(&self, operation: Operation, path: &Path) -> Result<OwnedFd> {
        self.call(operation, path, || openat(&self.handle, named(path), DIRECTORY_FLAGS, Mode::empty()))
    }
}

const DIRECTORY_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The system calls do not take an empty path for the directory itself; we do.
fn named(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn open_directory_at(base: impl rustix::fd::AsFd, path: &Path, shown: PathBuf) -> Result<RealStorage> {
    match uninterrupted(|| openat(&base, named(path), DIRECTORY_FLAGS, Mode::empty())) {
        Ok(handle) => Ok(RealStorage { handle, path: shown }),
        Err(errno) => Err(StorageError::system(Operation::OpenDirectory, shown, errno)),
    }
}

fn flags_of(options: &OpenOptions) -> OFlags {
    let mut flags = OFlags::CLOEXEC;
    flags |= match (options.read, options.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    flags.set(OFlags::CREATE, options.creates());
    flags.set(OFlags::EXCL, options.create_new);
    flags.set(OFlags::TRUNC, options.truncate);
    flags
}

impl Storage for RealStorage {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        let operation = options.operation();
        if !options.is_valid() {
            return Err(self.error(operation, path, SystemErrno::INVAL));
        }
        let mode = Mode::from_raw_mode(options.mode.bits());
        let flags = flags_of(options);
        let handle = self.call(operation, path, || openat(&self.handle, named(path), flags, mode))?;
        let file = RealFile::new(handle, self.shown(path));
        // The kernel lets a directory be opened for reading, and fails the reads.
        if !options.write && file.metadata()?.kind == EntryKind::Directory {
            return Err(self.error(operation, path, SystemErrno::ISDIR));
        }
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.call(Operation::Rename, to, || renameat(&self.handle, named(from), &self.handle, named(to)))
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        self.call(Operation::Unlink, path, || unlinkat(&self.handle, named(path), AtFlags::empty()))
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.call(Operation::HardLink, new, || {
            linkat(&self.handle, named(existing), &self.handle, named(new), AtFlags::empty())
        })
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        let mode = Mode::from_raw_mode(FileMode::DIRECTORY.bits());
        self.call(Operation::CreateDirectory, path, || mkdirat(&self.handle, named(path), mode))
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.call(Operation::RemoveDirectory, path, || {
            unlinkat(&self.handle, named(path), AtFlags::REMOVEDIR)
        })
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        let directory = self.open_for(Operation::SyncDirectory, path)?;
        match uninterrupted(|| fsync(&directory)) {
            // Some file systems (network and FUSE ones) cannot sync a directory at all and say so with these;
            // there is nothing that could be done for durability there, so this is no failure. Redis agrees.
            Ok(()) | Err(SystemErrno::INVAL | SystemErrno::BADF) => Ok(()),
            Err(errno) => Err(self.error(Operation::SyncDirectory, path, errno)),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>> {
        let handle = self.open_for(Operation::List, path)?;
        let reader = Dir::new(handle).map_err(|errno| self.error(Operation::List, path, errno))?;
        let mut entries = Vec::new();
        for entry in reader {
            let entry = entry.map_err(|errno| self.error(Operation::List, path, errno))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::RegularFile => EntryKind::File,
                FileType::Directory => EntryKind::Directory,
                FileType::Symlink => EntryKind::Symlink,
                // A file system may leave the kind out of its listing.
                FileType::Unknown => {
                    let full = path.join(name);
                    match uninterrupted(|| statat(&self.handle, &full, AtFlags::SYMLINK_NOFOLLOW)) {
                        Ok(stat) => metadata_of(&stat).kind,
                        Err(SystemErrno::NOENT) => continue, // gone since
                        Err(errno) => return Err(self.error(Operation::List, &full, errno)),
                    }
                }
                _ => EntryKind::Other,
            };
            entries.push(DirectoryEntry { name: name.to_os_string(), kind });
        }
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        let stat =
            self.call(Operation::Inspect, path, || statat(&self.handle, named(path), AtFlags::empty()))?;
        Ok(metadata_of(&stat))
    }

    fn lock(&self, path: &Path) -> Result<LockGuard> {
        let base = OFlags::CLOEXEC;
        let create = base | OFlags::RDWR | OFlags::CREATE;
        let mode = Mode::from_raw_mode(FileMode::DATA.bits());
        let attempt = uninterrupted(|| openat(&self.handle, named(path), create, mode));
        let handle = match attempt {
            Err(SystemErrno::ISDIR) => self.open_for(Operation::Lock, path)?,
            Err(errno) => return Err(self.error(Operation::Lock, path, errno)),
            Ok(handle) => handle,
        };
        self.call(Operation::Lock, path, || flock(&handle, FlockOperation::NonBlockingLockExclusive))?;
        Ok(LockGuard::new(handle))
    }

    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(open_directory_at(&self.handle, path, self.shown(path))?))
    }

    fn space(&self) -> Result<Space> {
        let found = self.call(Operation::Space, Path::new(""), || fstatvfs(&self.handle))?;
        Ok(Space {
            available_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }
}
