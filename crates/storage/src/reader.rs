//! Reading a file from start to end, from the page cache or past it.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use crate::error::{Operation, Result, StorageError};
use crate::file::File;

/// Bytes fetched by one system call.
const BUFFER_BYTES: usize = 256 * 1024;

/// Read bytes after which an uncached reader drops them from the page cache.
const DROP_BEHIND_BYTES: u64 = 4 * 1024 * 1024;

/// A sequential, buffered reader over a [`File`].
///
/// Errors come out as [`io::Error`]s that carry a [`StorageError`]; [`error_from`](Self::error_from) gets it back.
#[derive(Debug)]
pub struct FileReader {
    file: Arc<dyn File>,
    buffer: Box<[u8]>,
    /// The unread part of `buffer`.
    unread: std::ops::Range<usize>,
    /// The offset in the file of the byte after `unread`.
    fetched: u64,
    uncached: bool,
    dropped: u64,
}

impl FileReader {
    /// A reader that begins at the start of the file.
    pub fn new(file: Arc<dyn File>) -> Self {
        Self::starting_at(file, 0)
    }

    /// A reader that begins at `offset`.
    pub fn starting_at(file: Arc<dyn File>, offset: u64) -> Self {
        Self {
            file,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            unread: 0..0,
            fetched: offset,
            uncached: false,
            dropped: offset,
        }
    }

    /// A reader that reads what the device has, not what the page cache remembers: for verifying what was written.
    ///
    /// Drops the file from the page cache first, and again behind itself. Dirty pages cannot be dropped, so the file
    /// must have been synced. (After a failed sync this is how the loss shows: the pages were clean, and wrong.)
    pub fn uncached(file: Arc<dyn File>) -> Result<Self> {
        let len = file.len()?;
        file.advise_dont_need(0, len)?;
        Ok(Self { uncached: true, ..Self::new(file) })
    }

    /// The offset in the file of the next byte.
    pub fn position(&self) -> u64 {
        self.fetched - self.unread.len() as u64
    }

    /// Goes on at another offset.
    pub fn seek_to(&mut self, offset: u64) {
        self.unread = 0..0;
        self.fetched = offset;
        self.dropped = self.dropped.min(offset);
    }

    /// The file under the reader.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Recovers the typed error of a failed [`Read`] call on this reader.
    pub fn error_from(&self, error: io::Error) -> StorageError {
        StorageError::from_io(Operation::Read, self.file.path(), error)
    }

    fn drop_behind(&mut self) {
        if self.uncached && self.fetched - self.dropped >= DROP_BEHIND_BYTES {
            // Only a hint: reading goes on right whether it works or not.
            let _ = self.file.advise_dont_need(self.dropped, self.fetched - self.dropped);
            self.dropped = self.fetched;
        }
    }
}

impl BufRead for FileReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let moved = self.file.read_at(&mut self.buffer, self.fetched)?;
            self.fetched += moved as u64;
            self.unread = 0..moved;
            self.drop_behind();
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    fn consume(&mut self, amount: usize) {
        self.unread.start = (self.unread.start + amount).min(self.unread.end);
    }
}

impl Read for FileReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && target.len() >= BUFFER_BYTES {
            let moved = self.file.read_at(target, self.fetched)?;
            self.fetched += moved as u64;
            self.drop_behind();
            return Ok(moved);
        }
        let available = self.fill_buf()?;
        let moved = available.len().min(target.len());
        target[..moved].copy_from_slice(&available[..moved]);
        self.consume(moved);
        Ok(moved)
    }
}
