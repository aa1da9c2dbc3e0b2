//! A leaf of a table: elements ordered by the hash of their keys, in one run of bytes.
//!
//! The run is `hash` (4 bytes) of each element, then `end` (2 bytes) of each element's record counted from the first
//! record, then the records. The highest bit of an end says that the record has a part outside.

use std::ops::Range;

use bytes::Bytes;

use super::outside::Outside;
use super::record::{self, Element, NewRecord, Shape, Stored};
use crate::tree::{Leaf, Place};

/// Bytes of a leaf above which it is divided.
const BYTES_MAX: usize = 1024;

/// Bytes of a leaf below which it is united with a neighbour.
const BYTES_MIN: usize = BYTES_MAX / 4;

/// Bytes that two leaves have together at most when they are united.
const UNITED_BYTES_MAX: usize = BYTES_MAX * 3 / 4;

/// Bytes of hash and end.
const HEAD_BYTES: usize = 6;

/// Set in an end: the record has a part outside.
const OUTSIDE_FLAG: u16 = 0x8000;

/// Bytes of records above which further elements go outside. Reached only if thousands of elements share one hash.
const CROWDED_BYTES: usize = 0x4000;

/// Elements in the order of their hashes.
#[derive(Debug, Clone)]
pub(crate) struct TableLeaf {
    run: Vec<u8>,
    outside: Option<Box<Outside>>,
    len: u32,
    shape: Shape,
}

impl TableLeaf {
    pub(super) fn new(shape: Shape) -> Self {
        Self { run: Vec::new(), outside: None, len: 0, shape }
    }

    #[inline]
    fn count(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn hashes(&self) -> &[[u8; 4]] {
        self.run[..4 * self.count()].as_chunks().0
    }

    #[inline]
    fn ends(&self) -> &[[u8; 2]] {
        self.run[4 * self.count()..HEAD_BYTES * self.count()].as_chunks().0
    }

    /// The hash of the element at `index`.
    #[inline]
    pub(super) fn hash_at(&self, index: usize) -> u32 {
        u32::from_le_bytes(self.hashes()[index])
    }

    /// The first element with this hash or a higher one.
    #[inline]
    pub(super) fn first_at_or_above(&self, hash: u32) -> usize {
        self.hashes().partition_point(|other| u32::from_le_bytes(*other) < hash)
    }

    /// Where the record of the element lies, counted from the first record, and whether it has a part outside.
    #[inline]
    fn bounds(&self, index: usize) -> (Range<usize>, bool) {
        let ends = self.ends();
        let end = u16::from_le_bytes(ends[index]);
        let start = if index == 0 { 0 } else { u16::from_le_bytes(ends[index - 1]) & !OUTSIDE_FLAG };
        (usize::from(start)..usize::from(end & !OUTSIDE_FLAG), end & OUTSIDE_FLAG != 0)
    }

    fn record_mut(&mut self, bounds: Range<usize>) -> &mut [u8] {
        let start = HEAD_BYTES * self.count();
        &mut self.run[start..][bounds]
    }

    /// The element at `index`.
    #[inline]
    pub(super) fn element(&self, index: usize) -> Element<'_> {
        let (bounds, has_outside) = self.bounds(index);
        let record = &self.run[HEAD_BYTES * self.count()..][bounds];
        match &self.outside {
            Some(outside) if has_outside => record::read_outside(record, outside),
            _ => record::read(self.shape, record),
        }
    }

    /// Where the key is, or where it belongs.
    #[inline]
    pub(super) fn find(&self, hash: u32, key: &[u8]) -> Result<usize, usize> {
        let mut index = self.first_at_or_above(hash);
        while index < self.count() && self.hash_at(index) == hash {
            if self.element(index).key == key {
                return Ok(index);
            }
            index += 1;
        }
        Err(index)
    }

    /// Inserts an element before the one at `index`.
    pub(super) fn insert(&mut self, index: usize, hash: u32, key: &[u8], value: Stored<'_>) {
        let count = self.count();
        let heads = HEAD_BYTES * count;
        let is_crowded = self.run.len() - heads > CROWDED_BYTES;
        let record = NewRecord::new(self.shape, key, value, is_crowded, &mut self.outside);
        let start = if index == 0 { 0 } else { self.bounds(index - 1).0.end };
        let (old_len, record_len) = (self.run.len(), record.len());
        let end = start + record_len;
        assert!(old_len - heads + record_len < usize::from(OUTSIDE_FLAG), "too many elements share one hash");

        self.reserve(old_len + HEAD_BYTES + record_len);
        self.run.resize(old_len + HEAD_BYTES + record_len, 0);
        // Everything moves up, the last first: by a hash, by a hash and an end, or by all of the new element.
        let run = &mut self.run;
        run.copy_within(heads + start..old_len, heads + HEAD_BYTES + end);
        run.copy_within(heads..heads + start, heads + HEAD_BYTES);
        run.copy_within(4 * count + 2 * index..heads, 4 * count + 2 * index + HEAD_BYTES);
        run.copy_within(4 * count..4 * count + 2 * index, 4 * count + 4);
        run.copy_within(4 * index..4 * count, 4 * index + 4);

        self.len += 1;
        run[4 * index..4 * index + 4].copy_from_slice(&hash.to_le_bytes());
        let flag = if record.has_outside() { OUTSIDE_FLAG } else { 0 };
        let end_at = 4 * (count + 1) + 2 * index;
        run[end_at..end_at + 2].copy_from_slice(&(end as u16 | flag).to_le_bytes());
        record.write(self.record_mut(start..end));
        self.move_ends(index + 1, record_len as u16);
    }

    /// Removes the element at `index`.
    pub(super) fn remove(&mut self, index: usize) {
        self.free_outside(index);
        let count = self.count();
        let heads = HEAD_BYTES * count;
        let bounds = self.bounds(index).0;
        self.move_ends(index + 1, (bounds.len() as u16).wrapping_neg());

        let run = &mut self.run;
        let left = run.len() - HEAD_BYTES - bounds.len();
        run.copy_within(4 * (index + 1)..4 * count + 2 * index, 4 * index);
        run.copy_within(4 * count + 2 * (index + 1)..heads + bounds.start, 4 * (count - 1) + 2 * index);
        run.copy_within(heads + bounds.end.., heads - HEAD_BYTES + bounds.start);
        run.truncate(left);
        self.len -= 1;
        if self.run.capacity() > 2 * capacity_for(left) {
            self.run.shrink_to(capacity_for(left));
        }
        self.drop_unused_outside();
    }

    /// Gives the element at `index`, whose key this is, another value.
    pub(super) fn set_value(&mut self, index: usize, key: &[u8], value: Stored<'_>) {
        let had_outside = self.bounds(index).1;
        self.free_outside(index);
        let is_crowded = self.run.len() - HEAD_BYTES * self.count() > CROWDED_BYTES;
        let record = NewRecord::new(self.shape, key, value, is_crowded, &mut self.outside);
        let bounds = self.resize_record(index, record.len());
        record.write(self.record_mut(bounds));
        if had_outside != record.has_outside() {
            let end_at = 4 * self.count() + 2 * index;
            self.run[end_at + 1] ^= (OUTSIDE_FLAG >> 8) as u8;
        }
        self.drop_unused_outside();
    }

    /// Makes the record at `index` longer or shorter. Gives its new bounds.
    fn resize_record(&mut self, index: usize, len: usize) -> Range<usize> {
        let bounds = self.bounds(index).0;
        if len != bounds.len() {
            let old_end = HEAD_BYTES * self.count() + bounds.end;
            let old_len = self.run.len();
            let new_len = old_len - bounds.len() + len;
            if len > bounds.len() {
                self.reserve(new_len);
                self.run.resize(new_len, 0);
            }
            self.run.copy_within(old_end..old_len, old_end - bounds.len() + len);
            self.run.truncate(new_len);
            self.move_ends(index, (len as u16).wrapping_sub(bounds.len() as u16));
        }
        bounds.start..bounds.start + len
    }

    /// Adds `by` to the ends from that of the element at `index` on. Their flags stay.
    #[inline]
    fn move_ends(&mut self, index: usize, by: u16) {
        let count = self.count();
        for end in self.run[4 * count + 2 * index..HEAD_BYTES * count].as_chunks_mut().0 {
            let old = u16::from_le_bytes(*end);
            *end = (old & OUTSIDE_FLAG | old.wrapping_add(by) & !OUTSIDE_FLAG).to_le_bytes();
        }
    }

    fn free_outside(&mut self, index: usize) {
        let (bounds, has_outside) = self.bounds(index);
        if has_outside && let Some(outside) = &mut self.outside {
            record::free_outside(&self.run[HEAD_BYTES * self.len as usize..][bounds], outside);
        }
    }

    fn drop_unused_outside(&mut self) {
        if self.outside.as_ref().is_some_and(|outside| outside.is_empty()) {
            self.outside = None;
        }
    }

    /// Makes room for `len` bytes in the run, and not for much more.
    #[inline]
    fn reserve(&mut self, len: usize) {
        if len > self.run.capacity() {
            self.run.reserve_exact(capacity_for(len) - self.run.len());
        }
    }

    /// A leaf of the elements of `self` in `first`, then those of `next` in `second`.
    fn join(&self, first: Range<usize>, next: &Self, second: Range<usize>) -> Self {
        let parts = [(self, first), (next, second)];
        let count = parts.iter().map(|(_, range)| range.len()).sum::<usize>();
        let bytes = parts.iter().map(|(leaf, range)| leaf.record_bounds(range).len()).sum::<usize>();
        let mut run = Vec::with_capacity(capacity_for(HEAD_BYTES * count + bytes));
        for (leaf, range) in &parts {
            run.extend_from_slice(leaf.hashes()[range.clone()].as_flattened());
        }
        let mut moved = 0;
        for (leaf, range) in &parts {
            let bounds = leaf.record_bounds(range);
            for end in &leaf.ends()[range.clone()] {
                let end = u16::from_le_bytes(*end);
                let joined = (end & !OUTSIDE_FLAG) - bounds.start as u16 + moved;
                run.extend_from_slice(&(end & OUTSIDE_FLAG | joined).to_le_bytes());
            }
            moved += bounds.len() as u16;
        }
        for (leaf, range) in &parts {
            run.extend_from_slice(&leaf.run[HEAD_BYTES * leaf.count()..][leaf.record_bounds(range)]);
        }
        let mut joined = Self { run, outside: None, len: count as u32, shape: self.shape };
        let mut at = 0;
        for (leaf, range) in parts {
            joined.adopt_outside(at..at + range.len(), leaf);
            at += range.len();
        }
        joined
    }

    /// Makes the records in `range`, which were copied from another leaf, refer to parts outside of their own.
    fn adopt_outside(&mut self, range: Range<usize>, from: &Self) {
        let Some(from) = &from.outside else { return };
        for index in range {
            let (bounds, has_outside) = self.bounds(index);
            if has_outside {
                let start = HEAD_BYTES * self.count();
                let to = self.outside.get_or_insert_default();
                record::move_outside(&mut self.run[start..][bounds], from, to);
            }
        }
    }

    /// Where the records of these elements lie.
    fn record_bounds(&self, range: &Range<usize>) -> Range<usize> {
        let end_before = |index: usize| if index == 0 { 0 } else { self.bounds(index - 1).0.end };
        end_before(range.start)..end_before(range.end)
    }

    /// The element to divide at: near the middle of the bytes, and never between two of the same hash. The last leaf is
    /// divided near its end: elements that come in order leave full leaves behind.
    fn division(&self, place: Place) -> Option<usize> {
        let bytes = self.run.len() - HEAD_BYTES * self.count();
        let middle = if place == Place::Last { bytes / 8 * 7 } else { bytes / 2 };
        let is_boundary = |index: &usize| self.hash_at(index - 1) != self.hash_at(*index);
        let at = (1..self.count()).find(|index| self.bounds(*index - 1).0.end >= middle);
        let at = at.unwrap_or(self.count());
        (at..self.count()).find(is_boundary).or_else(|| (1..at).rev().find(is_boundary))
    }
}

/// Allocators give sizes in steps; asking for one in between would waste the rest.
fn capacity_for(len: usize) -> usize {
    len.next_multiple_of(if len <= 256 {
        32
    } else if len <= 1024 {
        128
    } else {
        256
    })
}

impl Leaf for TableLeaf {
    type Key = u32;
    type Limits = ();

    fn len(&self) -> usize {
        self.count()
    }

    fn heap_bytes(&self) -> usize {
        let outside = self.outside.as_ref();
        self.run.capacity() + outside.map_or(0, |outside| size_of::<Outside>() + outside.heap_bytes())
    }

    fn lower_bound(&self) -> u32 {
        if self.count() == 0 { 0 } else { self.hash_at(0) }
    }

    fn is_over(&self, _limits: &()) -> bool {
        self.run.len() > BYTES_MAX
    }

    fn is_under(&self, _limits: &()) -> bool {
        self.run.len() < BYTES_MIN
    }

    fn split(&mut self, place: Place, _limits: &()) -> Option<Self> {
        let at = self.division(place)?;
        let count = self.count();
        let upper = self.join(at..count, self, count..count);
        *self = self.join(0..at, self, at..at);
        Some(upper)
    }

    fn can_absorb(&self, next: &Self, _limits: &()) -> bool {
        self.run.len() + next.run.len() <= UNITED_BYTES_MAX
    }

    fn absorb(&mut self, next: &Self) {
        *self = self.join(0..self.count(), next, 0..next.count());
    }
}

/// A value that a caller has as shared bytes need not be copied when it is long.
impl<'a> From<&'a Bytes> for Stored<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Self::Shared(bytes)
    }
}

impl<'a> From<&'a [u8]> for Stored<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Inside(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Stored<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Inside(bytes)
    }
}
