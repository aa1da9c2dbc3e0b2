//! A disk whose syncs take a fixed time: what is measured on it is the program's, not the machine's.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lastsave_storage::{DirectoryEntry, File, LockGuard, Metadata, OpenOptions, Result, Space, Storage};

/// Passes everything on to another storage, but for syncs of files, which only wait.
#[derive(Debug)]
pub struct SteadyDisk {
    storage: Arc<dyn Storage>,
    sync_time: Duration,
}

impl SteadyDisk {
    /// A disk whose syncs take `sync_time`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, sync_time: Duration) -> Self {
        Self { storage, sync_time }
    }
}

impl Storage for SteadyDisk {
    fn path(&self) -> &Path {
        self.storage.path()
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        let file = self.storage.open(path, options)?;
        Ok(Arc::new(SteadyFile { file, sync_time: self.sync_time }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.storage.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        self.storage.unlink(path)
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.storage.hard_link(existing, new)
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        self.storage.create_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.storage.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.storage.sync_directory(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>> {
        self.storage.list(path)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.storage.metadata(path)
    }

    fn lock(&self, path: &Path) -> Result<LockGuard> {
        self.storage.lock(path)
    }

    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(Self { storage: self.storage.open_directory(path)?, sync_time: self.sync_time }))
    }

    fn space(&self) -> Result<Space> {
        self.storage.space()
    }
}

#[derive(Debug)]
struct SteadyFile {
    file: Arc<dyn File>,
    sync_time: Duration,
}

impl File for SteadyFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn write_vectored_at(&self, slices: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        self.file.write_vectored_at(slices, offset)
    }

    fn metadata(&self) -> Result<Metadata> {
        self.file.metadata()
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.file.truncate(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<()> {
        self.file.allocate(offset, len)
    }

    fn datasync(&self) -> Result<()> {
        std::thread::sleep(self.sync_time);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.datasync()
    }

    fn advise_dont_need(&self, offset: u64, len: u64) -> Result<()> {
        self.file.advise_dont_need(offset, len)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> Result<()> {
        self.file.start_writeback(offset, len)
    }
}
