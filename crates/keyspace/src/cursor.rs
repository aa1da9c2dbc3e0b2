//! The hand-over between the executor and one snapshot's reader: how far the reader has come.
//!
//! The reader stores the position behind everything it has read with release; the executor loads it with acquire. So
//! when the executor sees a node behind the cursor, the reader's last access to it happened before, and the node may be
//! changed or freed in place as far as this snapshot is concerned.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bits of a position that number the segment inside its table.
const SEGMENT_BITS: u32 = 44;

/// A place in a snapshot's reading order: table by table, segment by segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Place {
    pub(crate) fn new(ordinal: usize, segment: usize) -> Self {
        debug_assert!((segment as u64) < 1 << SEGMENT_BITS);
        Self(((ordinal as u64) << SEGMENT_BITS) | segment as u64)
    }
}

/// How far a snapshot's reader has come. Shared by the reader and the executor.
#[derive(Debug)]
pub(crate) struct Cursor {
    next: AtomicU64,
    finished: AtomicBool,
}

impl Cursor {
    pub(crate) fn new() -> Self {
        Self { next: AtomicU64::new(0), finished: AtomicBool::new(false) }
    }

    /// Reader: everything before `place` will not be read again.
    pub(crate) fn advance(&self, place: Place) {
        self.next.store(place.0, Ordering::Release);
    }

    /// Executor: whether the reader is done with what lies at `place`.
    pub(crate) fn has_passed(&self, place: Place) -> bool {
        self.next.load(Ordering::Acquire) > place.0
    }

    /// Reader: nothing at all will be read again.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
    }

    /// Executor: whether the reader is done with everything.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    /// Two nodes stand for two segments. The reader reads both in order; the executor overwrites each in place once the
    /// cursor has passed it. Loom fails the model if a read and a write of one node are not ordered.
    #[test]
    fn nodes_behind_the_cursor_belong_to_the_executor() {
        loom::model(|| {
            let cursor = Arc::new(Cursor::new());
            let nodes = Arc::new([UnsafeCell::new(1_u32), UnsafeCell::new(2)]);
            let reader = {
                let (cursor, nodes) = (Arc::clone(&cursor), Arc::clone(&nodes));
                thread::spawn(move || {
                    for (index, expected) in [(0, 1), (1, 2)] {
                        // SAFETY: loom checks exactly this claim.
                        let seen = nodes[index].with(|node| unsafe { *node });
                        assert_eq!(seen, expected, "the point in time was disturbed");
                        cursor.advance(Place::new(0, index + 1));
                    }
                    cursor.finish();
                })
            };
            for index in 0..2 {
                if cursor.has_passed(Place::new(0, index)) || cursor.is_finished() {
                    // SAFETY: loom checks exactly this claim.
                    nodes[index].with_mut(|node| unsafe { *node = 9 });
                }
            }
            reader.join().expect("the reader does not panic");
        });
    }
}
