//! The bytes on their way to one client.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Values of at least this many bytes are chained by reference instead of copied: below, the copy is cheaper than a
/// further slice to send and the reference count.
pub const SHARED_BYTES_MIN: usize = 4096;
/// Slices handed out by one call of [`crate::ReplyBuffer::io_slices`].
pub const IO_SLICES_MAX: usize = 64;

/// Capacity kept by an emptied buffer; a huge reply gives the rest back.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// Sent bytes that are dragged along before what follows is moved down.
const SENT_BYTES_MAX: usize = 64 * 1024;

/// Small bytes in one contiguous buffer, and references to big ones at the places where they go between them. So
/// nothing is allocated per reply, and what is not shared goes out as one slice.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) small: Vec<u8>,
    /// Bytes of `small` that are sent.
    head: usize,
    /// Small bytes that were sent and dropped: the number of `small[0]`.
    base: u64,
    splices: VecDeque<Splice>,
    /// Bytes in `splices`.
    shared_bytes: usize,
    /// Bytes sent, of both kinds.
    consumed: u64,
}

#[derive(Debug)]
struct Splice {
    /// The number of the small byte it goes before.
    before: u64,
    bytes: Bytes,
}

impl Output {
    pub(crate) fn pending(&self) -> usize {
        self.small.len() - self.head + self.shared_bytes
    }

    pub(crate) fn produced(&self) -> u64 {
        self.consumed + self.pending() as u64
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.small.capacity() + self.shared_bytes + self.splices.capacity() * size_of::<Splice>()
    }

    pub(crate) fn push_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            self.small.extend_from_slice(bytes);
            return;
        }
        self.shared_bytes += bytes.len();
        self.splices.push_back(Splice { before: self.small_end(), bytes: bytes.clone() });
    }

    /// Appends slices that cover what is pending before stream position `limit`, from its start, at most
    /// [`IO_SLICES_MAX`].
    pub(crate) fn io_slices<'a>(&'a self, limit: u64, slices: &mut impl Extend<IoSlice<'a>>) {
        let mut allowed = usize::try_from(limit.saturating_sub(self.consumed)).unwrap_or(usize::MAX);
        let mut room = IO_SLICES_MAX;
        let mut from = self.head;
        for splice in &self.splices {
            let to = self.index_of(splice.before);
            for bytes in [&self.small[from..to], &splice.bytes] {
                let bytes = &bytes[..bytes.len().min(allowed)];
                if room > 0 && !bytes.is_empty() {
                    slices.extend([IoSlice::new(bytes)]);
                    room -= 1;
                    allowed -= bytes.len();
                }
            }
            if room == 0 || allowed == 0 {
                return;
            }
            from = to;
        }
        let rest = &self.small[from..];
        if !rest.is_empty() && allowed > 0 {
            slices.extend([IoSlice::new(&rest[..rest.len().min(allowed)])]);
        }
    }

    /// Drops `count` bytes from the start: they are sent.
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.pending(), "invariant: only pending bytes are sent");
        self.consumed += count as u64;
        let mut left = count;
        while let Some(splice) = self.splices.front_mut() {
            let small = (splice.before - self.base) as usize - self.head;
            if left < small {
                break;
            }
            self.head += small;
            left -= small;
            let shared = left.min(splice.bytes.len());
            splice.bytes.advance(shared);
            self.shared_bytes -= shared;
            left -= shared;
            if !splice.bytes.is_empty() {
                break;
            }
            self.splices.pop_front();
        }
        self.head += left;
        if self.head == self.small.len() && self.splices.is_empty() {
            self.drop_sent();
            if self.small.capacity() > KEPT_BYTES_MAX {
                self.small = Vec::new();
            }
        } else if self.head > SENT_BYTES_MAX && self.head > self.small.len() / 2 {
            self.drop_sent();
        }
    }

    fn drop_sent(&mut self) {
        self.base += self.head as u64;
        self.small.drain(..self.head);
        self.head = 0;
    }

    /// Gives back the memory of an empty buffer.
    pub(crate) fn release_memory(&mut self) {
        if self.pending() == 0 {
            self.drop_sent();
            self.small = Vec::new();
            self.splices = VecDeque::new();
        }
    }

    /// Drops what was produced at stream position `mark` and later, unless it was sent.
    pub(crate) fn truncate_to(&mut self, mark: u64) {
        let mark = mark.max(self.consumed);
        let mut end = self.produced();
        while mark < end {
            let excess = usize::try_from(end - mark).unwrap_or(usize::MAX);
            let tail_start = self.splices.back().map_or(self.head, |splice| self.index_of(splice.before));
            let tail = self.small.len() - tail_start;
            self.small.truncate(self.small.len() - tail.min(excess));
            end -= tail.min(excess) as u64;
            if excess <= tail {
                return;
            }
            let excess = excess - tail;
            let Some(splice) = self.splices.back_mut() else { return };
            let cut = splice.bytes.len().min(excess);
            splice.bytes.truncate(splice.bytes.len() - cut);
            self.shared_bytes -= cut;
            end -= cut as u64;
            if splice.bytes.is_empty() {
                self.splices.pop_back();
            }
        }
    }

    /// Inserts bytes at stream position `mark`, which must be pending and not within a shared value.
    pub(crate) fn insert(&mut self, mark: u64, bytes: &[u8]) {
        assert!(self.consumed <= mark && mark <= self.produced(), "invariant: the mark is of pending bytes");
        let mut behind = (self.produced() - mark) as usize;
        let mut run_end = self.small.len();
        let mut moved = self.splices.len();
        loop {
            let run_start = match moved.checked_sub(1) {
                Some(last) => self.index_of(self.splices[last].before),
                None => self.head,
            };
            if behind <= run_end - run_start {
                break;
            }
            behind -= run_end - run_start;
            run_end = run_start;
            moved -= 1;
            let shared = self.splices[moved].bytes.len();
            assert!(behind >= shared, "invariant: the mark is not within a shared value");
            behind -= shared;
        }
        let at = run_end - behind;
        for splice in self.splices.range_mut(moved..) {
            splice.before += bytes.len() as u64;
        }
        self.small.splice(at..at, bytes.iter().copied());
    }

    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.pending());
        let mut from = self.head;
        for splice in &self.splices {
            let to = self.index_of(splice.before);
            out.extend_from_slice(&self.small[from..to]);
            out.extend_from_slice(&splice.bytes);
            from = to;
        }
        out.extend_from_slice(&self.small[from..]);
        out
    }

    fn small_end(&self) -> u64 {
        self.base + self.small.len() as u64
    }

    fn index_of(&self, number: u64) -> usize {
        (number - self.base) as usize
    }
}

#[cfg(test)]
mod tests;
