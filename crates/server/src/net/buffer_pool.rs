//! Query buffers that are shared by all clients.
//!
//! An idle client holds no buffer: it takes one when its socket is readable and gives it back when everything in
//! it was executed. A few buffers therefore serve any number of clients and stay in the cache.

/// Bytes asked from a socket at once.
pub(crate) const READ_CHUNK_BYTES: usize = 16 * 1024;

/// Buffers kept for reuse at most.
const KEPT_MAX: usize = 64;

/// A stack of empty buffers of [`READ_CHUNK_BYTES`].
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    buffers: Vec<Vec<u8>>,
}

impl BufferPool {
    /// An empty buffer with room for one chunk.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(READ_CHUNK_BYTES))
    }

    /// Takes a buffer back. Buffers that have grown, or that are too many, are freed.
    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() == READ_CHUNK_BYTES && self.buffers.len() < KEPT_MAX {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}
