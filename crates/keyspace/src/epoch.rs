//! Epochs: which nodes a live snapshot can still see, and what becomes of nodes that were replaced.
//!
//! Every node carries the epoch of its birth. A cut gives the current epoch `s` to the snapshot and starts the next one,
//! so the snapshot sees exactly the nodes with birth <= `s` that were not replaced before the cut. A writer may change a
//! node in place when no live snapshot can still read it: it was born after the youngest cut, or every snapshot old
//! enough to see it has read past its place. Any other node is copied first, and the old one is retired.
//!
//! A node born in `b` and retired in `r` can be freed when no live snapshot `s` with `b <= s < r` remains, or those that
//! do have read past its place. Retired nodes wait with the youngest snapshot; when it has passed them, or has ended, those
//! that an older one can see wait with that one (`reclaim.rs`).

use std::sync::Arc;

use crate::cursor::{Cursor, Place};
use crate::directory::{CHUNK_BYTES, ChunkPtr, RootPtr};
use crate::entry_pointer::EntryPtr;
use crate::reclaim::{Reclaimer, Retired};
use crate::segment::SegmentPtr;

/// The clock of births. One step per snapshot; 2^32 snapshots, one a second, last 136 years, and it never wraps.
pub(crate) type Epoch = u32;

/// Retired nodes are handed to the reclaim thread in batches of this many.
const RETIRED_BATCH: usize = 1024;

/// A table as one snapshot sees it: which position in its reading order a hash has there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LiveTable {
    pub(crate) table: u64,
    pub(crate) ordinal: usize,
    pub(crate) segment_count: usize,
}

struct Live {
    epoch: Epoch,
    cursor: Arc<Cursor>,
    tables: Vec<LiveTable>,
}

impl Live {
    /// Where this snapshot reads what `hash` has in `table`, if it reads that table at all.
    fn place(&self, table: u64, hash: u64) -> Option<Place> {
        let seen = self.tables.iter().find(|seen| seen.table == table)?;
        Some(Place::new(seen.ordinal, bucket(hash, seen.segment_count)))
    }
}

/// The bucket of `hash` in a table of `segment_count` buckets: linear hashing, where the buckets below the split point
/// and above the last power of two are addressed with one more bit than the others.
#[inline]
pub(crate) fn bucket(hash: u64, segment_count: usize) -> usize {
    let high = 1_u64 << (usize::BITS - 1 - segment_count.leading_zeros());
    let index = hash & (2 * high - 1);
    (if index < segment_count as u64 { index } else { index & (high - 1) }) as usize
}

/// The executor's side of all snapshots.
pub(crate) struct Epochs {
    current: Epoch,
    /// Nodes born from here on are visible to no live snapshot.
    exclusive_from: Epoch,
    live: Vec<Live>,
    retired: Vec<(Place, Retired)>,
    reclaimer: Reclaimer,
    live_bytes: usize,
    retired_bytes_peak: usize,
    /// Bytes that changes of collections copied since the oldest live snapshot was cut.
    copied_bytes: usize,
}

impl Epochs {
    pub(crate) fn new() -> Self {
        Self {
            current: 1,
            exclusive_from: 0,
            live: Vec::new(),
            retired: Vec::new(),
            reclaimer: Reclaimer::spawn(),
            live_bytes: 0,
            retired_bytes_peak: 0,
            copied_bytes: 0,
        }
    }

    pub(crate) fn current(&self) -> Epoch {
        self.current
    }

    /// Whether no live snapshot was cut since the birth.
    #[inline]
    pub(crate) fn is_exclusive(&self, birth: Epoch) -> bool {
        birth >= self.exclusive_from
    }

    /// Whether no live snapshot can still read a node born in `birth` at the place that `hash` has in `table`.
    ///
    /// Only for segments and entries: other nodes have no single place. A segment older than a snapshot has not moved
    /// since its cut, so any hash of its bucket, the bucket's number included, gives its place.
    #[inline]
    pub(crate) fn is_unseen(&self, birth: Epoch, table: u64, hash: u64) -> bool {
        self.is_exclusive(birth) || self.is_passed(birth, table, hash)
    }

    #[cold]
    fn is_passed(&self, birth: Epoch, table: u64, hash: u64) -> bool {
        self.live.iter().filter(|live| live.epoch >= birth).all(|live| {
            live.cursor.is_finished()
                || live.place(table, hash).is_none_or(|place| live.cursor.has_passed(place))
        })
    }

    /// Where the youngest snapshot reads what `hash` has in `table`.
    fn place_in_youngest(&self, table: u64, hash: u64) -> Place {
        self.live.last().and_then(|live| live.place(table, hash)).unwrap_or(Place::LAST)
    }

    /// Registers a cut. Gives the snapshot's epoch; nodes born from now on are not part of it.
    pub(crate) fn cut(&mut self, cursor: Arc<Cursor>, tables: Vec<LiveTable>) -> (Epoch, Reclaimer) {
        self.reap();
        self.hand_over_retired();
        let epoch = self.current;
        self.current = epoch.checked_add(1).expect("2^32 snapshots were taken");
        self.exclusive_from = self.current;
        self.retired_bytes_peak = self.retired_bytes();
        self.reclaimer.started(epoch, Arc::clone(&cursor));
        self.live.push(Live { epoch, cursor, tables });
        (epoch, self.reclaimer.clone())
    }

    /// Forgets snapshots whose readers are done.
    pub(crate) fn reap(&mut self) {
        if self.live.iter().any(|live| live.cursor.is_finished()) {
            self.hand_over_retired();
            self.live.retain(|live| !live.cursor.is_finished());
            self.exclusive_from = self.live.last().map_or(0, |live| live.epoch + 1);
            if self.live.is_empty() {
                self.retired_bytes_peak = self.retired_bytes_peak();
                self.copied_bytes = 0;
            }
        }
    }

    pub(crate) fn live_snapshots(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn charge(&mut self, bytes: usize) {
        self.live_bytes += bytes;
    }

    pub(crate) fn credit(&mut self, bytes: usize) {
        self.live_bytes -= bytes;
    }

    pub(crate) fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// Notes that a change of a collection copied nodes which a snapshot, or a copy of the key, shares.
    pub(crate) fn note_copied(&mut self, bytes: usize) {
        if !self.live.is_empty() {
            self.copied_bytes += bytes;
        }
    }

    /// Bytes of nodes that only snapshots or the reclaim thread still hold. What collections had copied counts until no
    /// snapshot is left.
    pub(crate) fn retired_bytes(&self) -> usize {
        self.reclaimer.retired_bytes() + self.copied_bytes
    }

    /// Keys that the reclaim thread is freeing, and keys it has freed.
    pub(crate) fn lazily_freed_keys(&self) -> (u64, u64) {
        self.reclaimer.lazily_freed_keys()
    }

    /// The part of [`Self::retired_bytes`] that is there because of snapshots.
    pub(crate) fn held_bytes(&self) -> usize {
        self.reclaimer.held_bytes() + self.copied_bytes
    }

    /// The highest [`Self::retired_bytes`] since the last cut.
    pub(crate) fn retired_bytes_peak(&self) -> usize {
        self.retired_bytes_peak.max(self.retired_bytes())
    }

    /// Gives up an entry that its table no longer holds.
    pub(crate) fn drop_entry(&mut self, entry: EntryPtr, table: u64, hash: u64) {
        self.credit(entry.allocated_bytes());
        let bytes = entry.retired_bytes();
        if !self.is_unseen(entry.birth(), table, hash) {
            self.retire(self.place_in_youngest(table, hash), Retired::entry(entry), bytes);
        } else if entry.is_freed_slowly() {
            self.reclaimer.free(Retired::entry(entry), bytes, 1);
        } else {
            // SAFETY: the table let go of it and no snapshot can read it.
            unsafe { entry.free() }
        }
    }

    /// Gives up a segment, not its entries, that its table no longer holds at `index`.
    pub(crate) fn drop_segment(&mut self, segment: SegmentPtr, table: u64, index: usize) {
        let bytes = segment.allocated_bytes();
        self.credit(bytes);
        if self.is_unseen(segment.birth(), table, index as u64) {
            // SAFETY: the table let go of it and no snapshot can read it.
            unsafe { segment.free() }
        } else {
            self.retire(self.place_in_youngest(table, index as u64), Retired::segment(segment), bytes);
        }
    }

    pub(crate) fn retire_chunk(&mut self, chunk: ChunkPtr) {
        self.credit(CHUNK_BYTES);
        self.retire(Place::LAST, Retired::chunk(chunk), CHUNK_BYTES);
    }

    pub(crate) fn retire_root(&mut self, root: RootPtr) {
        let bytes = root.bytes();
        self.credit(bytes);
        self.retire(Place::LAST, Retired::root(root), bytes);
    }

    /// Gives up a whole table's nodes, `bytes` in all, with so many keys.
    pub(crate) fn drop_tree(&mut self, root: RootPtr, bytes: usize, keys: u64) {
        self.credit(bytes);
        if self.live.is_empty() {
            self.reclaimer.free(Retired::tree(root), bytes, keys);
        } else {
            self.retire(Place::LAST, Retired::tree(root), bytes);
        }
    }

    fn retire(&mut self, place: Place, node: Retired, bytes: usize) {
        self.reclaimer.retired_grew(bytes);
        self.retired.push((place, node));
        if self.retired.len() >= RETIRED_BATCH {
            self.hand_over_retired();
        }
    }

    /// Waits until the reclaim thread has worked off everything sent to it.
    pub(crate) fn wait_for_reclaim(&mut self) {
        self.hand_over_retired();
        self.reclaimer.wait();
    }

    fn hand_over_retired(&mut self) {
        if self.retired.is_empty() {
            return;
        }
        let youngest = self.live.last().expect("nodes are retired only while a snapshot lives").epoch;
        self.retired_bytes_peak = self.retired_bytes_peak();
        let batch = std::mem::replace(&mut self.retired, Vec::with_capacity(RETIRED_BATCH));
        self.reclaimer.retire(youngest, batch);
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        self.hand_over_retired();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_linear_hashing() {
        for count in 1..200_usize {
            let high = count.next_power_of_two() / if count.is_power_of_two() { 1 } else { 2 };
            for hash in 0..1000_u64 {
                let narrow = hash as usize % high;
                let wide = hash as usize % (2 * high);
                let expected = if narrow < count - high { wide } else { narrow };
                assert_eq!(bucket(hash, count), expected, "hash {hash}, {count} buckets");
            }
        }
    }
}
