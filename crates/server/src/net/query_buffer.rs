//! The bytes a client has sent and that are not yet executed.
//!
//! Growth follows the bytes that have arrived, never the bytes that a length prefix declares: a client that
//! announces 512 MB and sends nothing costs nothing. A big argument ends up in an allocation of exactly its
//! command's size, so that it can become a value without a copy.

use std::io;
use std::os::fd::AsFd;

use bytes::Bytes;
use rustix::net::RecvFlags;

use super::buffer_pool::{BufferPool, READ_CHUNK_BYTES};

/// Commands at least this long get an allocation of their own and are passed on by reference.
pub(crate) const BIG_FRAME_BYTES: usize = 32 * 1024;

/// Room for less than this is not worth a system call.
const ROOM_MIN_BYTES: usize = 4 * 1024;

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// That many bytes; the buffer had room for more, so the socket is drained.
    Drained(usize),
    /// That many bytes, and perhaps there is more.
    Filled(usize),
    /// Nothing to read now.
    WouldBlock,
    /// The peer has closed its end.
    Closed,
}

/// Unexecuted input of one client.
#[derive(Debug, Default)]
pub(crate) struct QueryBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl QueryBuffer {
    /// The bytes that are not yet executed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How many bytes are not yet executed.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether everything was executed.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the allocation that are free.
    pub(crate) fn free_bytes(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Bytes allocated.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Reads once. `wanted` is how many bytes the command under way still misses, 0 when that is not known.
    pub(crate) fn read_from(
        &mut self,
        socket: impl AsFd,
        wanted: usize,
        pool: &mut BufferPool,
    ) -> io::Result<ReadOutcome> {
        self.make_room(wanted, pool);
        let room = self.free_bytes();
        let spare = rustix::buffer::spare_capacity(&mut self.bytes);
        match rustix::net::recv(socket, spare, RecvFlags::empty()).map(|(count, _length)| count) {
            Ok(0) => Ok(ReadOutcome::Closed),
            Ok(count) if count < room => Ok(ReadOutcome::Drained(count)),
            Ok(count) => Ok(ReadOutcome::Filled(count)),
            Err(rustix::io::Errno::AGAIN) => Ok(ReadOutcome::WouldBlock),
            Err(rustix::io::Errno::INTR) => Ok(ReadOutcome::Filled(0)),
            Err(error) => Err(error.into()),
        }
    }

    fn make_room(&mut self, wanted: usize, pool: &mut BufferPool) {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
            self.start = 0;
        }
        let held = self.len();
        let total = held.saturating_add(wanted);
        if wanted > 0 && total >= BIG_FRAME_BYTES {
            let capacity = total.min((held * 2).max(BIG_FRAME_BYTES * 2));
            if self.start > 0 || self.bytes.capacity() < capacity {
                self.compact();
                self.bytes.reserve_exact(capacity - held);
            }
            return;
        }
        if self.free_bytes() < ROOM_MIN_BYTES {
            self.compact();
            if self.free_bytes() < ROOM_MIN_BYTES {
                self.bytes.reserve(READ_CHUNK_BYTES);
            }
        }
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Forgets the first `count` unread bytes; an empty buffer goes back to the pool.
    pub(crate) fn consume(&mut self, count: usize, pool: &mut BufferPool) {
        debug_assert!(count <= self.len(), "more consumed than there is");
        self.start += count;
        if self.start >= self.bytes.len() {
            self.start = 0;
            pool.give_back(std::mem::take(&mut self.bytes));
        }
    }

    /// Takes the unread bytes out as one shared buffer, without a copy; the buffer is empty afterwards.
    pub(crate) fn take_shared(&mut self) -> Bytes {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        bytes.slice(std::mem::take(&mut self.start)..)
    }

    /// Takes the buffer out, so that its bytes can be borrowed while its client is changed.
    pub(crate) fn detach(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Puts bytes back that were not executed after all. The buffer must be empty.
    pub(crate) fn restore(&mut self, bytes: &[u8]) {
        debug_assert!(self.is_empty(), "bytes would be put behind others");
        self.bytes.clear();
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::{BIG_FRAME_BYTES, BufferPool, QueryBuffer, ReadOutcome};

    fn pair() -> (UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (near, far)
    }

    #[test]
    fn an_executed_buffer_returns_to_the_pool() {
        let (near, mut far) = pair();
        let (mut pool, mut buffer) = (BufferPool::default(), QueryBuffer::default());
        far.write_all(b"PING\r\n").unwrap();
        assert_eq!(buffer.read_from(&near, 0, &mut pool).unwrap(), ReadOutcome::Drained(6));
        assert_eq!(buffer.unread(), b"PING\r\n");
        buffer.consume(6, &mut pool);
        assert_eq!(buffer.allocated_bytes(), 0);
        assert_eq!(buffer.read_from(&near, 0, &mut pool).unwrap(), ReadOutcome::WouldBlock);
    }

    #[test]
    fn declared_bytes_are_not_allocated() {
        let (near, mut far) = pair();
        let (mut pool, mut buffer) = (BufferPool::default(), QueryBuffer::default());
        far.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n").unwrap();
        buffer.read_from(&near, 0, &mut pool).unwrap();
        buffer.read_from(&near, 512 << 20, &mut pool).unwrap();
        assert!(buffer.allocated_bytes() <= 4 * BIG_FRAME_BYTES);
    }

    #[test]
    fn a_big_command_fills_its_allocation_exactly() {
        let (near, mut far) = pair();
        let (mut pool, mut buffer) = (BufferPool::default(), QueryBuffer::default());
        let total = 300_000;
        let writer = std::thread::spawn(move || far.write_all(&vec![b'x'; total]).unwrap());
        while buffer.len() < total {
            let wanted = total - buffer.len();
            buffer.read_from(&near, wanted, &mut pool).unwrap();
        }
        writer.join().unwrap();
        assert_eq!(buffer.allocated_bytes(), total);
        let shared = buffer.take_shared();
        assert_eq!(shared.len(), total);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_closed_peer_is_noticed() {
        let (near, far) = pair();
        drop(far);
        let outcome = QueryBuffer::default().read_from(&near, 0, &mut BufferPool::default()).unwrap();
        assert_eq!(outcome, ReadOutcome::Closed);
    }
}
