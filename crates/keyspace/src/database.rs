//! One database: a table of keys under linear hashing, as its readers see it.

use crate::directory::RootPtr;
use crate::entry::Entry;
use crate::entry_pointer::EntryPtr;
use crate::epoch::bucket;
use crate::key::Key;
use crate::segment::{SegmentPtr, tag_of};

/// One database's keys. Reading takes a shared borrow; writing goes through [`crate::DatabaseMut`].
#[derive(Debug)]
pub struct Database {
    /// Names this table in snapshots; a flush starts a new one, SWAPDB moves it along.
    pub(crate) id: u64,
    pub(crate) root: Option<RootPtr>,
    pub(crate) len: u64,
    pub(crate) expiring: u64,
    /// One bit per segment that has a key which expires.
    pub(crate) expiring_segments: Vec<u64>,
    /// Log position of the last write to the database as a whole: flush, swap.
    pub(crate) table_mark: u64,
    /// Log position of the last write to any of its keys, or to it as a whole.
    pub(crate) newest_mark: u64,
    /// Bytes of all nodes.
    pub(crate) bytes: usize,
}

/// Where a key was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) index: usize,
    pub(crate) slot: usize,
    pub(crate) entry: EntryPtr,
}

impl Database {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            root: None,
            len: 0,
            expiring: 0,
            expiring_segments: Vec::new(),
            table_mark: 0,
            newest_mark: 0,
            bytes: 0,
        }
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.root.map_or(0, |root| root.segment_count())
    }

    #[inline]
    pub(crate) fn segment_of(&self, hash: u64) -> Option<(usize, SegmentPtr)> {
        let root = self.root?;
        let index = bucket(hash, root.segment_count());
        Some((index, root.segment(index)))
    }

    #[inline]
    pub(crate) fn find(&self, key: &Key<'_>) -> Option<Found> {
        self.find_hashed(key.hash(), |entry| entry.key() == key.bytes())
    }

    /// The entry with this hash that `is_it` says is the one.
    #[inline]
    pub(crate) fn find_hashed(&self, hash: u64, mut is_it: impl FnMut(EntryPtr) -> bool) -> Option<Found> {
        let (index, segment) = self.segment_of(hash)?;
        let mut hit = None;
        let slot = segment.find(tag_of(hash), |entry| {
            hit = Some(entry);
            is_it(entry)
        })?;
        hit.map(|entry| Found { index, slot, entry })
    }

    /// Number of keys, expired ones that were not removed yet included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the database has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of keys that have an expiry.
    #[must_use]
    pub fn expires_len(&self) -> u64 {
        self.expiring
    }

    /// The entry of `key`, also when it has expired.
    #[must_use]
    pub fn get(&self, key: &Key<'_>) -> Option<Entry<'_>> {
        self.find(key).map(|found| Entry::new(found.entry))
    }

    /// The log position that the presence, absence or value of `key` depends on: an upper bound for the last write to
    /// it, shared with the other keys of its segment.
    #[must_use]
    pub fn mark(&self, key: &Key<'_>) -> u64 {
        self.segment_of(key.hash()).map_or(0, |(_, segment)| segment.mark()).max(self.table_mark)
    }

    /// The log position of the last write anywhere in the database.
    #[must_use]
    pub fn table_mark(&self) -> u64 {
        self.newest_mark.max(self.table_mark)
    }

    /// Asks for the memory that a lookup of `key` reads first. For a batch of keys: this for all of them, then
    /// [`Self::prefetch_entry`] for all of them, then the lookups.
    #[inline]
    pub fn prefetch_segment(&self, key: &Key<'_>) {
        self.prefetch_bucket(key.hash());
    }

    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64) {
        if let Some((_, segment)) = self.segment_of(hash) {
            segment.prefetch();
        }
    }

    /// Asks for the memory of the entry that `key` probably has.
    #[inline]
    pub fn prefetch_entry(&self, key: &Key<'_>) {
        self.prefetch_likely(key.hash());
    }

    #[inline]
    pub(crate) fn prefetch_likely(&self, hash: u64) {
        if let Some((_, segment)) = self.segment_of(hash) {
            segment.find(tag_of(hash), |entry| {
                entry.prefetch();
                false
            });
        }
    }

    /// Every entry, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> + '_ {
        (0..self.segment_count()).flat_map(move |index| self.segment_entries(index))
    }

    pub(crate) fn segment_entries(&self, index: usize) -> impl Iterator<Item = Entry<'_>> + '_ {
        let segment = self.root.expect("an index below the count has a segment").segment(index);
        (0..segment.len()).map(move |slot| Entry::new(segment.entry(slot)))
    }

    /// Visits the entries of one bucket and gives the cursor of the next; starts with cursor 0, and 0 means the end.
    ///
    /// A key present from the first call to the last is visited at least once, whatever is written in between and
    /// however the table grows or shrinks: buckets are visited in the order of their reversed bits, in which both halves
    /// of a bucket that splits follow each other.
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Entry<'a>)) -> u64 {
        let count = self.segment_count();
        if count == 0 {
            return 0;
        }
        let index = bucket(cursor, count);
        for entry in self.segment_entries(index) {
            visit(entry);
        }
        let high = 1_usize << count.ilog2();
        let wide = index < count - high || index >= high;
        let mask = (if wide { 2 * high } else { high } as u64).wrapping_sub(1);
        (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits()
    }

    /// A key chosen at random, each with the same chance; `random` gives random numbers.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<Entry<'_>> {
        if self.is_empty() {
            return None;
        }
        let root = self.root?;
        // Rejection: a slot number beyond the segment's length is drawn again, with another segment. Segments average
        // ten or more keys once there are several of them.
        let slots = if root.segment_count() == 1 { root.segment(0).len() } else { 64 } as u64;
        loop {
            let segment = root.segment((random() % root.segment_count() as u64) as usize);
            let slot = (random() % slots.max(segment.len() as u64)) as usize;
            if slot < segment.len() {
                return Some(Entry::new(segment.entry(slot)));
            }
        }
    }

    /// Visits up to about `max` entries that have an expiry, going on at `cursor`, which wraps around at the table's
    /// end. Keys without an expiry cost nothing: their entries are not touched and their segments are skipped 64 at a
    /// time. Gives how many were visited.
    pub fn sample_expiring<'a>(
        &'a self,
        cursor: &mut u64,
        max: usize,
        mut visit: impl FnMut(Entry<'a>),
    ) -> usize {
        let Some(root) = self.root.filter(|_| self.expiring > 0) else { return 0 };
        let count = root.segment_count();
        let mut visited = 0;
        let mut index = if *cursor < count as u64 { *cursor as usize } else { 0 };
        let mut looked_at = 0;
        while visited < max && looked_at < count {
            let word = self.expiring_segments.get(index / 64).map_or(0, |word| word >> (index % 64));
            if word == 0 {
                let skipped = 64 - index % 64;
                looked_at += skipped;
                index = if index + skipped < count { index + skipped } else { 0 };
                continue;
            }
            let skipped = word.trailing_zeros() as usize;
            looked_at += skipped + 1;
            index += skipped;
            let segment = root.segment(index);
            for slot in (0..segment.len()).filter(|slot| segment.expires(*slot)) {
                visited += 1;
                visit(Entry::new(segment.entry(slot)));
            }
            index = if index + 1 < count { index + 1 } else { 0 };
        }
        *cursor = index as u64;
        visited
    }

    pub(crate) fn note_expiring(&mut self, index: usize, any: bool) {
        let word = index / 64;
        if word >= self.expiring_segments.len() {
            if !any {
                return;
            }
            self.expiring_segments.resize(word + 1, 0);
        }
        let bit = 1 << (index % 64);
        if any {
            self.expiring_segments[word] |= bit;
        } else {
            self.expiring_segments[word] &= !bit;
        }
    }
}
