//! The simulated file system as the code under test sees it: an implementation of [`Storage`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::clock::SimulatedClock;
use super::file::SimulatedFile;
use super::handle::Handle;
use super::world::{FILE_BYTES_MAX, InodeId, Permit, ROOT, World};
use crate::Errno;
use crate::error::{Cause, Operation, Result, StorageError};
use crate::file::File;
use crate::storage::{DirectoryEntry, LockGuard, Metadata, OpenOptions, Space, Storage};

/// A simulated, seeded, deterministic file system; see the [module](crate::sim) for what it does to unsynced data.
///
/// Clones are handles to the same machine. The methods beside those of [`Storage`] are for the test that drives it;
/// they never fail, are not counted and work after a crash as well.
#[derive(Clone, Debug)]
pub struct SimulatedStorage {
    handle: Handle,
    path: PathBuf,
}

impl SimulatedStorage {
    /// An empty machine. Everything random that happens to it follows from the seed and the sequence of calls.
    pub fn new(seed: u64) -> Self {
        Self::with_clock(seed, SimulatedClock::new())
    }

    /// An empty machine that shares a clock with the rest of the test.
    pub fn with_clock(seed: u64, clock: SimulatedClock) -> Self {
        Self::of(World::new(seed, clock))
    }

    /// The top directory of a machine.
    pub(super) fn of(world: World) -> Self {
        Self { handle: Handle::new(&Arc::new(Mutex::new(world)), ROOT), path: PathBuf::from("/") }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.handle.world()
    }

    pub(super) fn base(&self) -> InodeId {
        self.handle.inode()
    }

    pub(super) fn handle_of(&self, inode: InodeId) -> Handle {
        Handle::new(self.handle.shared_world(), inode)
    }

    /// [`open`](Storage::open), with what only a simulated file can do.
    pub fn open_file(&self, path: &Path, options: &OpenOptions) -> Result<SimulatedFile> {
        let inode = self.change(options.operation(), path, |world, base| {
            if !options.is_valid() {
                return Err(Errno::INVALID);
            }
            let inode = world.open(base, path, options)?;
            world.inode_mut(inode).handles += 1;
            Ok(inode)
        })?;
        let handle = Handle::adopt(self.handle.shared_world(), inode);
        Ok(SimulatedFile::new(handle, self.shown(path), options))
    }

    fn shown(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(path) }
    }

    fn error(&self, operation: Operation, path: &Path, cause: Cause) -> StorageError {
        StorageError::new(operation, self.shown(path), cause)
    }

    fn begin(&self, operation: Operation, path: &Path) -> Result<(MutexGuard<'_, World>, Permit)> {
        let mut world = self.world();
        let permit = world.begin(operation, &self.shown(path), None, 0, 0)?;
        Ok((world, permit))
    }

    /// An operation on names, which the crash may interrupt: then it was done or not, and fails.
    fn change<T>(
        &self,
        operation: Operation,
        path: &Path,
        change: impl FnOnce(&mut World, InodeId) -> Result<T, Errno>,
    ) -> Result<T> {
        let (mut world, permit) = self.begin(operation, path)?;
        let outcome = world.was_done(&permit).then(|| change(&mut world, self.base()));
        match outcome {
            Some(outcome) if !permit.in_flight => {
                outcome.map_err(|errno| self.error(operation, path, Cause::System(errno)))
            }
            _ => Err(self.error(operation, path, Cause::Crashed)),
        }
    }

    /// An operation that changes nothing.
    fn look<T>(
        &self,
        operation: Operation,
        path: &Path,
        look: impl FnOnce(&mut World, InodeId) -> Result<T, Errno>,
    ) -> Result<T> {
        let (mut world, _) = self.begin(operation, path)?;
        look(&mut world, self.base()).map_err(|errno| self.error(operation, path, Cause::System(errno)))
    }
}

impl Storage for SimulatedStorage {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.open_file(path, options)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.change(Operation::Rename, to, |world, base| world.rename(base, from, to))
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        self.change(Operation::Unlink, path, |world, base| world.unlink(base, path))
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.change(Operation::HardLink, new, |world, base| world.hard_link(base, existing, new))
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        self.change(Operation::CreateDirectory, path, |world, base| world.create_directory(base, path))
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.change(Operation::RemoveDirectory, path, |world, base| world.remove_directory(base, path))
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        let (mut world, permit) = self.begin(Operation::SyncDirectory, path)?;
        let failed = |cause| self.error(Operation::SyncDirectory, path, cause);
        if permit.in_flight {
            return Err(failed(Cause::Crashed)); // what got done by then is for the crash to decide
        }
        let inode = world.resolve(self.base(), path).map_err(|errno| failed(Cause::System(errno)))?;
        if world.directory(inode).is_none() {
            return Err(failed(Cause::System(Errno::NOT_DIRECTORY)));
        }
        if permit.pretends {
            return Ok(());
        }
        // A journal that could not be written does not forget: the entries stay unsynced.
        match permit.failure {
            Some(errno) => Err(failed(Cause::System(errno))),
            None => {
                world.sync_names(inode);
                Ok(())
            }
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>> {
        self.look(Operation::List, path, |world, base| world.list(base, path))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.look(Operation::Inspect, path, |world, base| Ok(world.metadata(world.resolve(base, path)?)))
    }

    fn lock(&self, path: &Path) -> Result<LockGuard> {
        let options = OpenOptions::read_write().create(true);
        let inode = self.look(Operation::Lock, path, |world, base| {
            let inode = match world.open(base, path, &options) {
                Err(Errno::IS_DIRECTORY) => world.resolve(base, path)?,
                other => other?,
            };
            if !world.locks.insert(inode) {
                return Err(Errno::WOULD_BLOCK);
            }
            world.inode_mut(inode).handles += 1;
            Ok(inode)
        })?;
        Ok(LockGuard::new(Locked(Handle::adopt(self.handle.shared_world(), inode))))
    }

    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>> {
        let inode = self.look(Operation::OpenDirectory, path, |world, base| {
            let inode = world.resolve(base, path)?;
            world.directory(inode).ok_or(Errno::NOT_DIRECTORY)?;
            world.inode_mut(inode).handles += 1;
            Ok(inode)
        })?;
        let handle = Handle::adopt(self.handle.shared_world(), inode);
        Ok(Arc::new(Self { handle, path: self.shown(path) }))
    }

    fn space(&self) -> Result<Space> {
        self.look(Operation::Space, Path::new(""), |world, _| {
            let total_bytes = world.capacity.map_or(FILE_BYTES_MAX, |(bytes, _)| bytes);
            Ok(Space { available_bytes: total_bytes.saturating_sub(world.used_bytes()), total_bytes })
        })
    }
}

/// A lock that is held.
struct Locked(Handle);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.world().locks.remove(&self.0.inode());
    }
}
