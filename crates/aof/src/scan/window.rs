//! A bounded view of a file that moves forward, keeps what it is told to hold, and checksums what it passes.

use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use crate::checksum::BlockChecksum;

/// Bytes fetched by one read.
const READ_BYTES: usize = 256 * 1024;

/// Moves over the bytes of a file up to a limit.
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn File>,
    /// The file counts up to here.
    limit: u64,
    buffer: Vec<u8>,
    /// File offset of the first byte of `buffer`.
    buffer_start: u64,
    /// Index in `buffer` of the next byte.
    cursor: usize,
    /// Index in `buffer` of the first byte to keep; never behind `cursor`.
    held: Option<usize>,
    checksum: Option<BlockChecksum>,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn File>, offset: u64, limit: u64) -> Self {
        Self { file, limit, buffer: Vec::new(), buffer_start: offset, cursor: 0, held: None, checksum: None }
    }

    pub(crate) fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// File offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.buffer_start + self.cursor as u64
    }

    /// Bytes between the next byte and the limit.
    pub(crate) fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.offset())
    }

    /// What has been fetched from the next byte on.
    pub(crate) fn available(&self) -> &[u8] {
        &self.buffer[self.cursor..]
    }

    /// Checksums everything passed from here on, seeded by `segment_id`; restarts a checksum under way.
    pub(crate) fn start_checksum(&mut self, segment_id: u64) {
        self.checksum = Some(BlockChecksum::new(segment_id));
    }

    /// The checksum of what was passed since it was started.
    pub(crate) fn checksum(&self) -> Option<&BlockChecksum> {
        self.checksum.as_ref()
    }

    pub(crate) fn stop_checksum(&mut self) {
        self.checksum = None;
    }

    /// Keeps everything from the next byte on until told otherwise.
    pub(crate) fn hold(&mut self) {
        self.held = Some(self.cursor);
    }

    /// Keeps nothing any more.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// Bytes kept before the next byte.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.map_or(0, |held| self.cursor - held)
    }

    /// What is kept, up to everything fetched.
    pub(crate) fn held(&self) -> &[u8] {
        &self.buffer[self.held.unwrap_or(self.cursor)..]
    }

    /// Fetches until at least `wanted` bytes are available or the limit is reached; returns how many are.
    pub(crate) fn fill(&mut self, wanted: usize) -> Result<usize, StorageError> {
        while self.available().len() < wanted {
            let fetched_to = self.buffer_start + self.buffer.len() as u64;
            let left = self.limit.saturating_sub(fetched_to);
            if left == 0 {
                break;
            }
            self.compact();
            let missing = wanted - self.available().len();
            let room = (missing.max(READ_BYTES) as u64).min(left) as usize;
            let filled = self.buffer.len();
            self.buffer.resize(filled + room, 0);
            let outcome = self.file.read_at(&mut self.buffer[filled..], fetched_to);
            self.buffer.truncate(filled + *outcome.as_ref().unwrap_or(&0));
            if outcome? == 0 {
                // The file is shorter than it was.
                self.limit = fetched_to;
            }
        }
        Ok(self.available().len())
    }

    /// Drops what is neither held nor to come.
    fn compact(&mut self) {
        let keep_from = self.held.unwrap_or(self.cursor);
        if keep_from == 0 {
            return;
        }
        self.buffer.drain(..keep_from);
        self.buffer_start += keep_from as u64;
        self.cursor -= keep_from;
        if let Some(held) = &mut self.held {
            *held = 0;
        }
        if self.buffer.capacity() > 4 * READ_BYTES && self.buffer.len() < READ_BYTES {
            self.buffer.shrink_to(2 * READ_BYTES);
        }
    }

    /// Passes `count` fetched bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        let passed = &self.buffer[self.cursor..self.cursor + count];
        if let Some(checksum) = &mut self.checksum {
            checksum.update(passed);
        }
        self.cursor += count;
    }

    /// Passes `count` bytes, fetched or not, without holding any of them; returns how many there were.
    pub(crate) fn skip(&mut self, count: u64) -> Result<u64, StorageError> {
        self.release();
        let mut left = count;
        while left > 0 {
            let available = self.fill(1)?;
            if available == 0 {
                break;
            }
            let step = (available as u64).min(left) as usize;
            self.advance(step);
            left -= step as u64;
        }
        Ok(count - left)
    }
}
