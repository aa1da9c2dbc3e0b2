//! Writing a file from start to end, without filling the page cache or piling work up for the final sync.

use std::io::{self, Write};
use std::sync::Arc;

use crate::error::{Operation, Result, StorageError};
use crate::file::File;

/// Bytes collected before a system call.
const BUFFER_BYTES: usize = 256 * 1024;

/// Written bytes after which their writeback is started.
const WRITEBACK_BYTES: u64 = 4 * 1024 * 1024;

/// The unit of the page cache.
const PAGE_BYTES: u64 = 4096;

/// A sequential, buffered writer over a [`File`].
///
/// Every 4 MiB it starts writing those back, and drops the 4 MiB before them from the page cache, which by then are
/// mostly on disk: the final sync has little left to do, and a big snapshot does not push the machine's working set
/// out of memory.
///
/// The first error sticks: every later call returns it again, so that it cannot be lost in an encoder. Dropping the
/// writer discards what is still in the buffer; only [`finish`](Self::finish) makes a complete file.
#[derive(Debug)]
pub struct FileWriter {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    /// Where the first byte of `buffer` goes.
    flushed: u64,
    /// Up to where writeback has been started.
    written_back: u64,
    /// Up to where the page cache has been asked to let go.
    dropped: u64,
    incremental: bool,
    failure: Option<StorageError>,
}

impl FileWriter {
    /// A writer that begins at the start of the file.
    pub fn new(file: Arc<dyn File>) -> Self {
        Self::starting_at(file, 0)
    }

    /// A writer that begins at `offset`.
    pub fn starting_at(file: Arc<dyn File>, offset: u64) -> Self {
        Self {
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            flushed: offset,
            written_back: offset,
            dropped: offset,
            incremental: true,
            failure: None,
        }
    }

    /// Whether to start writeback on the way (`rdb-save-incremental-fsync`, `aof-rewrite-incremental-fsync`). On
    /// unless turned off.
    pub fn set_incremental_writeback(&mut self, incremental: bool) {
        self.incremental = incremental;
    }

    /// The offset in the file of the next byte.
    pub fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// The file under the writer.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Takes all of `bytes`; like [`Write::write_all`] with this crate's error.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.check()?;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush_buffer()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            return self.write_through(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands what is in the buffer to the operating system; makes nothing durable.
    pub fn flush_buffer(&mut self) -> Result<()> {
        self.check()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.write_through(&buffer);
        buffer.clear();
        self.buffer = buffer;
        outcome
    }

    /// Writes what is left, makes bytes and length durable, and gives the file back. The file's *name* still has to
    /// be made durable.
    pub fn finish(mut self) -> Result<Arc<dyn File>> {
        self.flush_buffer()?;
        self.file.datasync()?;
        if self.incremental {
            // Only a hint; the file is complete and durable whatever comes of it.
            let _ = self.file.advise_dont_need(self.dropped, self.flushed.saturating_sub(self.dropped));
        }
        Ok(self.file)
    }

    /// Writes past the buffer, which must be empty or be `bytes` itself.
    fn write_through(&mut self, bytes: &[u8]) -> Result<()> {
        // In pieces, so that one huge value cannot dirty more than a window before its writeback starts.
        for piece in bytes.chunks(WRITEBACK_BYTES as usize) {
            if let Err(error) = self.file.write_all_at(piece, self.flushed) {
                self.failure = Some(error.clone());
                return Err(error);
            }
            self.flushed += piece.len() as u64;
            self.advance_writeback();
        }
        Ok(())
    }

    /// Starts writeback of full windows. Hints, whose failure does no harm: a lost write shows at the sync.
    fn advance_writeback(&mut self) {
        if !self.incremental || self.flushed - self.written_back < WRITEBACK_BYTES {
            return;
        }
        // Not the page that is only partly filled: it would be written twice.
        let whole_pages = self.flushed - self.flushed % PAGE_BYTES;
        let _ = self.file.start_writeback(self.written_back, whole_pages - self.written_back);
        let _ = self.file.advise_dont_need(self.dropped, self.written_back - self.dropped);
        self.dropped = self.written_back;
        self.written_back = whole_pages;
    }

    fn check(&self) -> Result<()> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Ok(self.append(bytes)?)
    }

    /// Hands what is in the buffer to the operating system; makes nothing durable.
    fn flush(&mut self) -> io::Result<()> {
        Ok(self.flush_buffer()?)
    }
}

impl FileWriter {
    /// Recovers the typed error of a failed [`Write`] call on this writer.
    pub fn error_from(&self, error: io::Error) -> StorageError {
        StorageError::from_io(Operation::Write, self.file.path(), error)
    }
}
