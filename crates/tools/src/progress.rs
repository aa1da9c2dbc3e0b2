//! A progress bar on standard error, moved by what is read from files.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lastsave_storage::{
    DirectoryEntry, File, LockGuard, Metadata, OpenOptions, Result, Space, Storage, StorageError,
};

/// A bar over `total_bytes`, hidden when standard error is no terminal or `wanted` is false.
pub(crate) fn bar(total_bytes: u64, wanted: bool) -> ProgressBar {
    if !wanted || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::stderr_with_hz(10));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A storage whose reads move a bar.
#[derive(Debug)]
pub(crate) struct Watched {
    storage: Arc<dyn Storage>,
    bar: ProgressBar,
}

impl Watched {
    pub(crate) fn new(storage: Arc<dyn Storage>, bar: ProgressBar) -> Self {
        Self { storage, bar }
    }
}

impl Storage for Watched {
    fn path(&self) -> &Path {
        self.storage.path()
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        let file = self.storage.open(path, options)?;
        Ok(Arc::new(WatchedFile { file, bar: self.bar.clone() }))
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
        self.storage.open_directory(path)
    }

    fn space(&self) -> Result<Space> {
        self.storage.space()
    }
}

#[derive(Debug)]
struct WatchedFile {
    file: Arc<dyn File>,
    bar: ProgressBar,
}

impl File for WatchedFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let moved = self.file.read_at(buffer, offset)?;
        // Several passes over a file go beyond the total; the bar stops there.
        self.bar.inc(moved as u64);
        Ok(moved)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn write_vectored_at(&self, slices: &[std::io::IoSlice<'_>], offset: u64) -> Result<usize> {
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
        self.file.datasync()
    }

    fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    fn advise_dont_need(&self, offset: u64, len: u64) -> Result<()> {
        self.file.advise_dont_need(offset, len)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> Result<(), StorageError> {
        self.file.start_writeback(offset, len)
    }
}
