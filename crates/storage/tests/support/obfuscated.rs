//! An odd implementation of the storage traits: one byte at a time, and every byte scrambled on its way to the disk.
//!
//! Whoever assumes that a read or write is complete, or gets at the bytes by another way than the traits, fails on it.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{DirectoryEntry, File, LockGuard, Metadata, OpenOptions, Result, Space, Storage};

const SCRAMBLE: u8 = 0x5a;

#[derive(Debug)]
pub(crate) struct ObfuscatedStorage(pub(crate) Arc<dyn Storage>);

#[derive(Debug)]
struct ObfuscatedFile(Arc<dyn File>);

impl Storage for ObfuscatedStorage {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        Ok(Arc::new(ObfuscatedFile(self.0.open(path, options)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.0.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        self.0.unlink(path)
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.0.hard_link(existing, new)
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        self.0.create_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.0.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.0.sync_directory(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>> {
        self.0.list(path)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.0.metadata(path)
    }

    fn lock(&self, path: &Path) -> Result<LockGuard> {
        self.0.lock(path)
    }

    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(Self(self.0.open_directory(path)?)))
    }

    fn space(&self) -> Result<Space> {
        self.0.space()
    }
}

impl File for ObfuscatedFile {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let most = buffer.len().min(1);
        let moved = self.0.read_at(&mut buffer[..most], offset)?;
        buffer[..moved].iter_mut().for_each(|byte| *byte ^= SCRAMBLE);
        Ok(moved)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        match bytes.first() {
            Some(byte) => self.0.write_at(&[byte ^ SCRAMBLE], offset),
            None => Ok(0),
        }
    }

    fn write_vectored_at(&self, slices: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        first.map_or(Ok(0), |slice| self.write_at(slice, offset))
    }

    fn metadata(&self) -> Result<Metadata> {
        self.0.metadata()
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.0.truncate(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<()> {
        self.0.allocate(offset, len)
    }

    fn datasync(&self) -> Result<()> {
        self.0.datasync()
    }

    fn sync(&self) -> Result<()> {
        self.0.sync()
    }

    fn advise_dont_need(&self, offset: u64, len: u64) -> Result<()> {
        self.0.advise_dont_need(offset, len)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> Result<()> {
        self.0.start_writeback(offset, len)
    }
}
