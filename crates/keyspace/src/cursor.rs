//! The hand-over between the executor and one snapshot's reader: how far the reader has come.
//!
//! The reader stores the position behind everything it has read with release; the executor loads it with acquire. So
//! when the executor sees a node behind the cursor, the reader's last access to it happened before, and the node may be
//! changed or freed in place as far as this snapshot is concerned. The reclaim thread loads it the same way before it
//! frees what the executor has retired.

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

    /// The place of what is read until the end: no cursor passes it.
    pub(crate) const LAST: Self = Self(u64::MAX);

    /// The last place of the run of `1 << bits` places that this one belongs to.
    pub(crate) fn end_of_run(self, bits: u32) -> Self {
        Self(self.0 | ((1 << bits) - 1))
    }
}

/// How far a snapshot's reader has come. Shared by the reader, the executor and the reclaim thread.
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

    /// Whether the reader is done with what lies at `place`.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_passed_with_its_last_place_or_with_its_table() {
        let cursor = Cursor::new();
        let run = Place::new(0, 70).end_of_run(6);
        assert_eq!(run, Place::new(0, 127));
        cursor.advance(Place::new(0, 127));
        assert!(!cursor.has_passed(run));
        cursor.advance(Place::new(0, 128));
        assert!(cursor.has_passed(run));
        cursor.advance(Place::new(1, 0));
        assert!(cursor.has_passed(run));
        assert!(!cursor.has_passed(Place::new(1, 3).end_of_run(6)));
        assert!(!cursor.has_passed(Place::LAST.end_of_run(6)));
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

    /// The executor copies a node that the reader has not passed and retires it; a third thread frees what was retired
    /// once the cursor is beyond it.
    #[test]
    fn retired_nodes_are_freed_after_the_reader_has_left_them() {
        loom::model(|| {
            let cursor = Arc::new(Cursor::new());
            let node = Arc::new(UnsafeCell::new(1_u32));
            let reader = {
                let (cursor, node) = (Arc::clone(&cursor), Arc::clone(&node));
                thread::spawn(move || {
                    // SAFETY: loom checks exactly this claim.
                    assert_eq!(node.with(|node| unsafe { *node }), 1, "the point in time was disturbed");
                    cursor.advance(Place::new(0, 1));
                })
            };
            let (retired, receiver) = loom::sync::mpsc::channel();
            let reclaimer = {
                let (cursor, node) = (Arc::clone(&cursor), Arc::clone(&node));
                thread::spawn(move || {
                    let place: Place = receiver.recv().expect("the executor sends one");
                    if cursor.has_passed(place) {
                        // SAFETY: loom checks exactly this claim.
                        node.with_mut(|node| unsafe { *node = 9 });
                    }
                })
            };
            // The executor still reads the node to copy it, before it retires it.
            // SAFETY: loom checks exactly this claim.
            assert_eq!(node.with(|node| unsafe { *node }), 1);
            retired.send(Place::new(0, 0)).expect("the reclaim thread listens");
            reader.join().expect("the reader does not panic");
            reclaimer.join().expect("the reclaim thread does not panic");
        });
    }
}
