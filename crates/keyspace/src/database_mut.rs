//! Writing to a database: every change copies what a snapshot can still see, and nothing else.

use std::ops::Deref;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};

use crate::database::{Database, Found};
use crate::directory::{CHUNK_BYTES, RootPtr};
use crate::entry_pointer::{Editable, EntryPtr};
use crate::epoch::{Epochs, bucket};
use crate::key::{Hasher, Key};
use crate::segment::{SegmentPtr, tag_of};
use crate::stored::Stored;
use crate::value::{Expiry, INLINE_LEN_MAX, IntegerBuffer, NewValue, StringValue, Value};

/// Keys per segment above which the table gets one more segment.
pub(crate) const MEAN_KEYS_MAX: u64 = 20;

/// Keys per segment below which the table gets one segment less.
const MEAN_KEYS_MIN: u64 = 8;

/// Free slots above which a segment is reallocated smaller.
const SPARE_SLOTS_MAX: usize = 16;

/// What every write of one unit needs, beside the table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stamp {
    /// Log position to mark written segments with.
    pub(crate) mark: u64,
    /// Access word of new entries.
    pub(crate) access: u32,
    /// Whether an entry that is set again gets the access word too.
    pub(crate) access_on_overwrite: bool,
}

/// What became of a collection that was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited<R> {
    /// What the edit gave.
    pub result: R,
    /// Nothing was left in the collection, so its key was removed.
    pub is_removed: bool,
}

/// A database borrowed for writing.
pub struct DatabaseMut<'a> {
    pub(crate) database: &'a mut Database,
    pub(crate) epochs: &'a mut Epochs,
    pub(crate) hasher: &'a Hasher,
    scratch: &'a mut Vec<u8>,
    stamp: Stamp,
    bytes_before: usize,
}

impl Deref for DatabaseMut<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database
    }
}

impl Drop for DatabaseMut<'_> {
    fn drop(&mut self) {
        let bytes_now = self.epochs.live_bytes();
        self.database.bytes = (self.database.bytes + bytes_now) - self.bytes_before;
    }
}

impl<'a> DatabaseMut<'a> {
    pub(crate) fn new(
        database: &'a mut Database,
        epochs: &'a mut Epochs,
        hasher: &'a Hasher,
        scratch: &'a mut Vec<u8>,
        stamp: Stamp,
    ) -> Self {
        let bytes_before = epochs.live_bytes();
        Self { database, epochs, hasher, scratch, stamp, bytes_before }
    }

    /// Sets `key`. Gives whether it existed before. For its access word see [`crate::Keyspace::set_access_clock`].
    pub fn set(&mut self, key: &Key<'_>, value: NewValue<'_>, expiry: Expiry) -> bool {
        let Some(found) = self.database.find(key) else {
            let expires_at_ms = match expiry {
                Expiry::At(at) => Some(at),
                Expiry::Clear | Expiry::Keep => None,
            };
            let entry = self.new_entry(key, value, expires_at_ms, self.stamp.access);
            self.insert(key.hash(), entry, expires_at_ms.is_some());
            return false;
        };
        let expires_at_ms = match expiry {
            Expiry::At(at) => Some(at),
            Expiry::Clear => None,
            Expiry::Keep => found.entry.expires_at_ms(),
        };
        let access = if self.stamp.access_on_overwrite { self.stamp.access } else { access_of(found.entry) };
        self.overwrite(key, found, value, expires_at_ms, access);
        true
    }

    /// Removes `key`. Gives whether it existed.
    pub fn remove(&mut self, key: &Key<'_>) -> bool {
        let Some(found) = self.database.find(key) else { return false };
        self.remove_found(key, found);
        true
    }

    /// Sets or clears the expiry of `key`. Gives whether the key exists.
    pub fn set_expiry(&mut self, key: &Key<'_>, expires_at_ms: Option<i64>) -> bool {
        let Some(found) = self.database.find(key) else { return false };
        let segment = self.writable(found.index, key.hash());
        if self.epochs.is_unseen(found.entry.birth(), self.database.id, key.hash()) {
            // SAFETY: no snapshot can read the entry, so it is the executor's alone; no reference into it is alive.
            if unsafe { found.entry.try_set_expiry(self.epochs.current(), expires_at_ms) } {
                self.replace(segment, found, expires_at_ms.is_some(), found.entry);
                return true;
            }
        }
        let value = found.entry.value().to_new(found.entry.encoding());
        let entry = self.new_entry(key, value, expires_at_ms, access_of(found.entry));
        self.replace(segment, found, expires_at_ms.is_some(), entry);
        self.epochs.drop_entry(found.entry, self.database.id, key.hash());
        true
    }

    /// Gives `from`'s value and expiry to `to`, replacing it, and removes `from`. Gives whether `from` existed.
    pub fn rename(&mut self, from: &Key<'_>, to: &Key<'_>) -> bool {
        let Some(found) = self.database.find(from) else { return false };
        if from.bytes() == to.bytes() {
            return true;
        }
        let entry = self.moved(found.entry, to);
        self.place(to, entry);
        let found = self.database.find(from).expect("placing one key does not remove another");
        self.remove_found(from, found);
        true
    }

    /// Gives the collection at `key` to `edit`; if nothing is left in it afterwards, the key is removed. What a snapshot
    /// can still see stays as it is: the collection's own nodes are copied where they change. Gives nothing when the key
    /// does not exist or holds another type.
    pub fn edit<T: Stored, R>(&mut self, key: &Key<'_>, edit: impl FnOnce(&mut T) -> R) -> Option<Edited<R>> {
        let mut found = self.database.find(key)?;
        T::of(found.entry.value())?;
        let segment = self.writable(found.index, key.hash());
        if !self.epochs.is_unseen(found.entry.birth(), self.database.id, key.hash()) {
            let entry = self.moved(found.entry, key);
            self.replace(segment, found, entry.expires_at_ms().is_some(), entry);
            self.epochs.drop_entry(found.entry, self.database.id, key.hash());
            found.entry = entry;
        }
        let epochs = &mut *self.epochs;
        // SAFETY: no snapshot can read the entry, so it is the executor's alone; no reference into it is alive; the type
        // was checked.
        let (result, is_empty) = unsafe {
            found.entry.edit_collection(epochs.current(), |collection: &mut T| {
                // The entry's own allocation stays as it is.
                let bytes_before = collection.heap_bytes();
                let result = edit(collection);
                epochs.charge(collection.heap_bytes());
                epochs.credit(bytes_before);
                epochs.note_copied(collection.take_copied_bytes());
                (result, collection.is_empty())
            })
        };
        if is_empty {
            self.remove_found(key, found);
        }
        Some(Edited { result, is_removed: is_empty })
    }

    /// Appends to a string value; it becomes `raw`. Gives the new length, or nothing when the key does not exist.
    pub fn append(&mut self, key: &Key<'_>, tail: &[u8]) -> Option<usize> {
        let len = self.string_len(key)?;
        self.write_range(key, len, tail)
    }

    /// Writes `bytes` at `offset` of a string value, with zero bytes between its end and the offset; it becomes `raw`.
    /// Gives the new length, or nothing when the key does not exist.
    pub fn write_range(&mut self, key: &Key<'_>, offset: usize, bytes: &[u8]) -> Option<usize> {
        let found = self.database.find(key)?;
        let Value::String(value) = found.entry.value() else { return None };
        let (len, new_len) = (value.len(), value.len().max(offset + bytes.len()));
        let unseen = self.epochs.is_unseen(found.entry.birth(), self.database.id, key.hash());
        if unseen && !matches!(value, StringValue::Integer(_)) {
            let segment = self.writable(found.index, key.hash());
            let mut done = false;
            // SAFETY: no snapshot can read the entry, so it is the executor's alone; `value` is not used again.
            unsafe {
                found.entry.edit(self.epochs.current(), |stored| match stored {
                    Editable::Integer => {}
                    Editable::Inline(stored) => {
                        if new_len == len {
                            stored[offset..offset + bytes.len()].copy_from_slice(bytes);
                            done = true;
                        }
                    }
                    Editable::Shared(stored) => {
                        let mut edited = editable(std::mem::take(stored), new_len);
                        write_into(&mut edited, offset, bytes);
                        *stored = edited.freeze();
                        done = true;
                    }
                });
            }
            if done {
                self.epochs.charge(new_len - len);
                self.replace(segment, found, found.entry.expires_at_ms().is_some(), found.entry);
                return Some(new_len);
            }
        }
        let Value::String(value) = found.entry.value() else { return None };
        if new_len > INLINE_LEN_MAX {
            let mut edited = BytesMut::with_capacity(new_len);
            edited.extend_from_slice(value.to_text(&mut IntegerBuffer::new()));
            write_into(&mut edited, offset, bytes);
            let access = access_of(found.entry);
            self.overwrite(
                key,
                found,
                NewValue::Shared(edited.freeze()),
                found.entry.expires_at_ms(),
                access,
            );
        } else {
            let mut edited = std::mem::take(self.scratch);
            edited.clear();
            edited.extend_from_slice(value.to_text(&mut IntegerBuffer::new()));
            edited.resize(new_len, 0);
            edited[offset..offset + bytes.len()].copy_from_slice(bytes);
            let access = access_of(found.entry);
            self.overwrite(key, found, NewValue::Raw(&edited), found.entry.expires_at_ms(), access);
            *self.scratch = edited;
        }
        Some(new_len)
    }

    /// Replaces the value by an integer and keeps the expiry. Gives whether the key exists.
    pub fn set_integer(&mut self, key: &Key<'_>, number: i64) -> bool {
        let Some(found) = self.database.find(key) else { return false };
        let access = access_of(found.entry);
        self.overwrite(key, found, NewValue::Integer(number), found.entry.expires_at_ms(), access);
        true
    }

    fn string_len(&self, key: &Key<'_>) -> Option<usize> {
        let Value::String(value) = self.database.find(key)?.entry.value() else { return None };
        Some(value.len())
    }

    fn new_entry(
        &mut self,
        key: &Key<'_>,
        value: NewValue<'_>,
        expires_at_ms: Option<i64>,
        access: u32,
    ) -> EntryPtr {
        let entry = EntryPtr::new(self.epochs.current(), access, key.bytes(), value, expires_at_ms);
        self.epochs.charge(entry.allocated_bytes());
        entry
    }

    /// An entry for `key` with another one's value, encoding, expiry and access word.
    pub(crate) fn moved(&mut self, from: EntryPtr, key: &Key<'_>) -> EntryPtr {
        self.new_entry(key, from.value().to_new(from.encoding()), from.expires_at_ms(), access_of(from))
    }

    /// Puts an entry that this database's `moved` made under its key, replacing what is there.
    pub(crate) fn place(&mut self, key: &Key<'_>, entry: EntryPtr) {
        match self.database.find(key) {
            Some(found) => {
                let segment = self.writable(found.index, key.hash());
                self.replace(segment, found, entry.expires_at_ms().is_some(), entry);
                self.epochs.drop_entry(found.entry, self.database.id, key.hash());
            }
            None => self.insert(key.hash(), entry, entry.expires_at_ms().is_some()),
        }
    }

    /// The first node of the table: a root with one empty segment.
    pub(crate) fn make_root(&mut self) -> RootPtr {
        let root = RootPtr::new(self.epochs.current());
        self.epochs.charge(root.bytes() + CHUNK_BYTES + root.segment(0).allocated_bytes());
        self.database.root = Some(root);
        root
    }

    fn overwrite(
        &mut self,
        key: &Key<'_>,
        found: Found,
        value: NewValue<'_>,
        expires_at_ms: Option<i64>,
        access: u32,
    ) {
        let segment = self.writable(found.index, key.hash());
        let mut value = value;
        if self.epochs.is_unseen(found.entry.birth(), self.database.id, key.hash()) {
            let before = found.entry.allocated_bytes();
            // Freeing a big value in place would be the executor's work; the reclaim thread does it in `drop_entry`.
            let in_place = found.entry.is_plain()
                // SAFETY: no snapshot can read the entry, so it is the executor's alone; no reference into it is alive.
                && unsafe { found.entry.try_set_expiry(self.epochs.current(), expires_at_ms) };
            if in_place {
                // SAFETY: as above.
                match unsafe { found.entry.try_set_value(self.epochs.current(), value) } {
                    Ok(()) => {
                        self.epochs.charge(found.entry.allocated_bytes());
                        self.epochs.credit(before);
                        found.entry.access().store(access, Ordering::Relaxed);
                        self.replace(segment, found, expires_at_ms.is_some(), found.entry);
                        return;
                    }
                    Err(unused) => value = unused,
                }
            }
        }
        let entry = self.new_entry(key, value, expires_at_ms, access);
        self.replace(segment, found, expires_at_ms.is_some(), entry);
        self.epochs.drop_entry(found.entry, self.database.id, key.hash());
    }

    /// Puts `entry` where `found` is, in `segment`, which `writable` gave.
    pub(crate) fn replace(&mut self, segment: SegmentPtr, found: Found, expires: bool, entry: EntryPtr) {
        let expired_before = segment.expires(found.slot);
        // SAFETY: `writable` gave the segment, so no other thread can read it.
        unsafe { segment.replace(found.slot, expires, entry) };
        if expired_before != expires {
            if expires {
                self.database.expiring += 1;
                self.database.note_expiring(found.index, true);
            } else {
                self.database.expiring -= 1;
                self.database.note_expiring(found.index, segment.any_expires());
            }
        }
    }

    pub(crate) fn insert(&mut self, hash: u64, entry: EntryPtr, expires: bool) {
        let root = self.database.root.unwrap_or_else(|| self.make_root());
        let index = bucket(hash, root.segment_count());
        let mut segment = self.writable(index, hash);
        if segment.is_full() {
            segment = self.reallocate(index, segment, segment.len() + 1);
        }
        // SAFETY: `writable` or `reallocate` gave the segment, so no other thread can read it.
        unsafe { segment.push(tag_of(hash), expires, entry) };
        if expires {
            self.database.expiring += 1;
            self.database.note_expiring(index, true);
        }
        self.database.len += 1;
        if self.database.len > MEAN_KEYS_MAX * self.database.segment_count() as u64 {
            self.split_one();
        }
    }

    fn remove_found(&mut self, key: &Key<'_>, found: Found) {
        let segment = self.writable(found.index, key.hash());
        let expires = segment.expires(found.slot);
        // SAFETY: `writable` gave the segment, so no other thread can read it.
        unsafe { segment.swap_remove(found.slot) };
        if expires {
            self.database.expiring -= 1;
            self.database.note_expiring(found.index, segment.any_expires());
        }
        self.database.len -= 1;
        self.epochs.drop_entry(found.entry, self.database.id, key.hash());
        if segment.capacity() - segment.len() >= SPARE_SLOTS_MAX {
            self.reallocate(found.index, segment, segment.len());
        }
        if self.is_sparse() {
            self.merge_one();
        }
    }

    /// Whether the table has more segments than its keys need.
    pub(crate) fn is_sparse(&self) -> bool {
        let count = self.database.segment_count();
        count > 1 && self.database.len < MEAN_KEYS_MIN * count as u64
    }

    /// The segment at `index`, copied first if a snapshot can still read it; stamped with this unit's mark.
    pub(crate) fn writable(&mut self, index: usize, hash: u64) -> SegmentPtr {
        let root = self.database.root.expect("a key's segment exists");
        let mut segment = root.segment(index);
        if !self.epochs.is_unseen(segment.birth(), self.database.id, hash) {
            segment = self.reallocate(index, segment, segment.capacity());
        }
        self.database.newest_mark = self.database.newest_mark.max(self.stamp.mark);
        // SAFETY: no snapshot can read the segment, so it is the executor's alone.
        unsafe { segment.stamp(self.epochs.current(), self.stamp.mark) };
        segment
    }

    /// Replaces the segment at `index` by a copy with `slots` slots.
    fn reallocate(&mut self, index: usize, old: SegmentPtr, slots: usize) -> SegmentPtr {
        let new = old.copy(self.epochs.current(), slots);
        self.put_segment(index, new);
        self.epochs.drop_segment(old, self.database.id, index);
        new
    }

    pub(crate) fn put_segment(&mut self, index: usize, segment: SegmentPtr) {
        self.epochs.charge(segment.allocated_bytes());
        let root = self.database.root.expect("the table has a root");
        self.database.root = Some(root.set_segment(index, segment, self.epochs));
    }

    /// Adds one segment: the next one in order is split in two.
    fn split_one(&mut self) {
        let root = self.database.root.expect("a table that grows has a root");
        let count = root.segment_count();
        let high = 1_usize << count.ilog2();
        let index = count - high;
        let old = root.segment(index);
        for slot in 0..old.len() {
            old.entry(slot).prefetch();
        }
        let goes_up = |entry: EntryPtr| self.hasher.hash(entry.key()) & high as u64 != 0;
        let moving: Vec<bool> = (0..old.len()).map(|slot| goes_up(old.entry(slot))).collect();
        let up_len = moving.iter().filter(|moves| **moves).count();
        let low = SegmentPtr::new(self.epochs.current(), old.len() - up_len, old.mark());
        let up = SegmentPtr::new(self.epochs.current(), up_len, old.mark());
        for (slot, moves) in moving.iter().enumerate() {
            let target = if *moves { up } else { low };
            // SAFETY: both segments are fresh and in no table yet.
            unsafe { target.push(old.tag(slot), old.expires(slot), old.entry(slot)) };
        }
        self.put_segment(index, low);
        self.put_segment(count, up);
        self.database.note_expiring(index, low.any_expires());
        self.database.note_expiring(count, up.any_expires());
        self.epochs.drop_segment(old, self.database.id, index);
    }

    /// Removes the last segment: its keys go back to the one it was split from.
    pub(crate) fn merge_one(&mut self) {
        let root = self.database.root.expect("a table that shrinks has a root");
        let last = root.segment_count() - 1;
        let index = last - (1 << last.ilog2());
        let (low, up) = (root.segment(index), root.segment(last));
        let merged = low.copy(self.epochs.current(), low.len() + up.len());
        for slot in 0..up.len() {
            // SAFETY: the segment is fresh and in no table yet, and has room for both.
            unsafe { merged.push(up.tag(slot), up.expires(slot), up.entry(slot)) };
        }
        // SAFETY: as above.
        unsafe { merged.stamp(self.epochs.current(), up.mark()) };
        self.put_segment(index, merged);
        let root = self.database.root.expect("the table has a root");
        self.database.root = Some(root.pop_segment(self.epochs));
        self.database.note_expiring(index, merged.any_expires());
        self.database.note_expiring(last, false);
        self.epochs.drop_segment(low, self.database.id, index);
        self.epochs.drop_segment(up, self.database.id, last);
    }
}

fn access_of(entry: EntryPtr) -> u32 {
    entry.access().load(Ordering::Relaxed)
}

/// The value's buffer itself when nobody shares it, else a copy with room for `len` bytes.
fn editable(bytes: Bytes, len: usize) -> BytesMut {
    bytes.try_into_mut().unwrap_or_else(|shared| {
        let mut copy = BytesMut::with_capacity(len);
        copy.extend_from_slice(&shared);
        copy
    })
}

fn write_into(target: &mut BytesMut, offset: usize, bytes: &[u8]) {
    if offset == target.len() {
        target.extend_from_slice(bytes);
        return;
    }
    if target.len() < offset + bytes.len() {
        target.resize(offset + bytes.len(), 0);
    }
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}
