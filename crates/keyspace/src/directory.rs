//! The two levels above the segments: a root of chunks, each chunk with 512 segment pointers.
//!
//! Two levels keep a snapshot's cut cheap: it takes the root's address, and the first write after it copies one root of
//! 8 bytes per 10 000 keys and one chunk of 4 KiB.

use std::ptr::NonNull;

use crate::epoch::{Epoch, Epochs};
use crate::segment::SegmentPtr;

/// Segments per chunk.
pub(crate) const CHUNK_SEGMENTS: usize = 512;

/// A run of segment pointers.
#[derive(Clone)]
pub(crate) struct Chunk {
    birth: Epoch,
    segments: [Option<SegmentPtr>; CHUNK_SEGMENTS],
}

/// The top of a table's tree.
#[derive(Clone)]
pub(crate) struct Root {
    birth: Epoch,
    segment_count: usize,
    chunks: Vec<ChunkPtr>,
}

/// An owned pointer to a chunk; aliasing as for `EntryPtr`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkPtr(NonNull<Chunk>);

/// An owned pointer to a root; aliasing as for `EntryPtr`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RootPtr(NonNull<Root>);

// SAFETY: the pointers are plain addresses; which thread may use them for what is decided by the epochs.
unsafe impl Send for RootPtr {}
// SAFETY: as above.
unsafe impl Send for ChunkPtr {}

fn leak<T>(value: Box<T>) -> NonNull<T> {
    NonNull::from(Box::leak(value))
}

impl ChunkPtr {
    fn new(birth: Epoch) -> Self {
        Self(leak(Box::new(Chunk { birth, segments: [None; CHUNK_SEGMENTS] })))
    }

    fn get(&self) -> &Chunk {
        // SAFETY: the pointer came from a box and is reachable, so it is not freed; writers change a chunk only when no
        // other thread can read it and no such borrow is alive.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn address(self) -> NonNull<u8> {
        self.0.cast()
    }

    pub(crate) fn from_address(address: NonNull<u8>) -> Self {
        Self(address.cast())
    }

    pub(crate) fn birth(&self) -> Epoch {
        self.get().birth
    }

    /// # Safety
    /// Nobody, in any thread, uses this chunk again.
    pub(crate) unsafe fn free(self) {
        // SAFETY: it came from a box; the caller's promise.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl RootPtr {
    /// A root with one empty segment.
    pub(crate) fn new(birth: Epoch) -> Self {
        let mut chunk = ChunkPtr::new(birth);
        // SAFETY: the chunk is fresh and this function's own.
        unsafe { chunk.0.as_mut() }.segments[0] = Some(SegmentPtr::new(birth, 1, 0));
        Self(leak(Box::new(Root { birth, segment_count: 1, chunks: vec![chunk] })))
    }

    fn get(&self) -> &Root {
        // SAFETY: as for `ChunkPtr::get`.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn address(self) -> NonNull<u8> {
        self.0.cast()
    }

    pub(crate) fn from_address(address: NonNull<u8>) -> Self {
        Self(address.cast())
    }

    pub(crate) fn birth(&self) -> Epoch {
        self.get().birth
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.get().segment_count
    }

    /// Chunks of the directory, for freeing a whole tree.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = ChunkPtr> + '_ {
        self.get().chunks.iter().copied()
    }

    #[inline]
    pub(crate) fn segment(&self, index: usize) -> SegmentPtr {
        let chunk = self.get().chunks[index / CHUNK_SEGMENTS];
        chunk.get().segments[index % CHUNK_SEGMENTS].expect("every index below the count has a segment")
    }

    /// A root that the executor may change: this one, or a copy of it that takes its place.
    fn exclusive(self, epochs: &mut Epochs) -> Self {
        if epochs.is_exclusive(self.birth()) {
            return self;
        }
        let copy = Root { birth: epochs.current(), ..self.get().clone() };
        epochs.charge(copy.bytes());
        epochs.retire_root(self);
        Self(leak(Box::new(copy)))
    }

    /// A chunk that the executor may change, in `self`, which is exclusive.
    fn exclusive_chunk(self, number: usize, epochs: &mut Epochs) -> ChunkPtr {
        let old = self.get().chunks[number];
        if epochs.is_exclusive(old.birth()) {
            return old;
        }
        let copy = ChunkPtr(leak(Box::new(Chunk { birth: epochs.current(), ..old.get().clone() })));
        epochs.charge(size_of::<Chunk>());
        // SAFETY: `self` is exclusive by this function's contract, and no borrow of it is alive.
        unsafe { (&mut (*self.0.as_ptr()).chunks)[number] = copy };
        epochs.retire_chunk(old);
        copy
    }

    /// Puts `segment` at `index`, which exists or is the next one. Gives the root that holds afterwards.
    pub(crate) fn set_segment(self, index: usize, segment: SegmentPtr, epochs: &mut Epochs) -> Self {
        assert!(index <= self.segment_count(), "segments are added in order");
        if index < self.segment_count() && epochs.is_exclusive(self.birth()) {
            let chunk = self.get().chunks[index / CHUNK_SEGMENTS];
            if epochs.is_exclusive(chunk.birth()) {
                // SAFETY: the chunk is exclusive, and no borrow of it is alive.
                unsafe { (*chunk.0.as_ptr()).segments[index % CHUNK_SEGMENTS] = Some(segment) };
                return self;
            }
        }
        let root = self.exclusive(epochs);
        // SAFETY: `root` is exclusive, and this is the only borrow of it.
        let inside = unsafe { &mut *root.0.as_ptr() };
        if index == inside.segment_count {
            if index / CHUNK_SEGMENTS == inside.chunks.len() {
                let before = inside.bytes();
                inside.chunks.push(ChunkPtr::new(epochs.current()));
                epochs.charge(size_of::<Chunk>() + inside.bytes() - before);
            }
            inside.segment_count += 1;
        }
        let chunk = root.exclusive_chunk(index / CHUNK_SEGMENTS, epochs);
        // SAFETY: the chunk is exclusive, and no borrow of it is alive.
        unsafe { (*chunk.0.as_ptr()).segments[index % CHUNK_SEGMENTS] = Some(segment) };
        root
    }

    /// Drops the last index. The caller has moved its keys and retires its segment.
    pub(crate) fn pop_segment(self, epochs: &mut Epochs) -> Self {
        let root = self.exclusive(epochs);
        let last = root.segment_count() - 1;
        assert!(last > 0, "a table keeps its first segment");
        let chunk = root.exclusive_chunk(last / CHUNK_SEGMENTS, epochs);
        // SAFETY: chunk and root are exclusive, and no borrow of them is alive.
        unsafe {
            (*chunk.0.as_ptr()).segments[last % CHUNK_SEGMENTS] = None;
            (*root.0.as_ptr()).segment_count = last;
        }
        if last.is_multiple_of(CHUNK_SEGMENTS) {
            // SAFETY: the root is exclusive; the chunk has no segments left and is exclusive, so nobody reads it.
            unsafe {
                (*root.0.as_ptr()).chunks.pop();
                chunk.free();
            }
            epochs.credit(size_of::<Chunk>());
        }
        root
    }

    /// Bytes of the root itself.
    pub(crate) fn bytes(&self) -> usize {
        self.get().bytes()
    }

    /// # Safety
    /// Nobody, in any thread, uses this root again.
    pub(crate) unsafe fn free(self) {
        // SAFETY: it came from a box; the caller's promise.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Root {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.chunks.capacity() * size_of::<ChunkPtr>()
    }
}

/// Bytes of one chunk.
pub(crate) const CHUNK_BYTES: usize = size_of::<Chunk>();
