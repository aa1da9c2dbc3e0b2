//! Syncs that take time: what is changed while one is under way is not covered by it.

use std::path::Path;

use super::file::SimulatedFile;
use super::handle::Handle;
use super::storage::SimulatedStorage;
use crate::error::{Operation, Result, StorageError};

/// A sync of a file or directory that has begun. Dropped without [`complete`](Self::complete), it never ends: nothing
/// is durable through it.
///
/// ```
/// use std::path::Path;
/// use lastsave_storage::{File, OpenOptions, StorageError};
/// use lastsave_storage::sim::SimulatedStorage;
///
/// let storage = SimulatedStorage::new(1);
/// let file = storage.open_file(Path::new("log"), &OpenOptions::create_new())?;
/// file.write_all_at(b"before", 0)?;
/// let sync = file.begin_sync();
/// file.write_all_at(b", during", 6)?;
/// storage.begin_directory_sync(Path::new(""))?.complete();
/// sync.complete();
/// assert_eq!(storage.durable_contents("log").unwrap(), b"before");
/// # Ok::<(), StorageError>(())
/// ```
#[derive(Debug)]
#[must_use = "only the end of a sync makes anything durable"]
pub struct SlowSync {
    handle: Handle,
    /// Changes, of the file's content or of names, when it began.
    change_count: u64,
}

impl SimulatedFile {
    /// Begins a sync that covers what was written so far. Not counted as an operation, and no fault strikes it.
    pub fn begin_sync(&self) -> SlowSync {
        SlowSync::begin(self.handle().clone())
    }
}

impl SimulatedStorage {
    /// Begins a sync of a directory that covers the changes of names so far. Not counted as an operation, and no fault
    /// strikes it.
    pub fn begin_directory_sync(&self, path: &Path) -> Result<SlowSync> {
        let inode = self.world().resolve(self.base(), path);
        let inode = inode.map_err(|errno| StorageError::system(Operation::SyncDirectory, path, errno))?;
        Ok(SlowSync::begin(self.handle_of(inode)))
    }
}

impl SlowSync {
    fn begin(handle: Handle) -> Self {
        let world = handle.world();
        let change_count = match world.content(handle.inode()) {
            Some(content) => content.change_count(),
            None => world.name_change_count,
        };
        drop(world);
        Self { handle, change_count }
    }

    /// What it covers is durable from now on.
    pub fn complete(self) {
        let mut world = self.handle.world();
        match world.content_mut(self.handle.inode()) {
            Some(content) => content.sync_until(self.change_count),
            None => world.sync_names_until(self.handle.inode(), self.change_count),
        }
    }
}
