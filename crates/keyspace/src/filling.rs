//! Filling a database in bulk: room for all keys at once, and entries that were made elsewhere.

use std::vec::IntoIter;

use crate::database_mut::{DatabaseMut, MEAN_KEYS_MAX};
use crate::epoch::bucket;
use crate::made_entry::MadeEntry;
use crate::segment::SegmentPtr;

/// Entries whose memory is asked for together, before the first of them is put in.
const WINDOW: usize = 16;

impl DatabaseMut<'_> {
    /// Makes room for `keys` keys in an empty database, at most `segments_max` segments in this call. Gives whether that
    /// is done; a database with keys grows by itself and is done at once.
    ///
    /// If fewer keys come, [`Self::trim`] gives the room back.
    pub fn reserve(&mut self, keys: u64, segments_max: usize) -> bool {
        let wanted = usize::try_from(keys.div_ceil(MEAN_KEYS_MAX)).unwrap_or(usize::MAX);
        let count = self.segment_count();
        if !self.is_empty() || count >= wanted {
            return true;
        }
        if count == 0 {
            self.make_root();
        }
        let end = wanted.min(count.max(1) + segments_max);
        for index in count.max(1)..end {
            let slots = expected_keys(keys, wanted, index);
            // A little too small is better: what comes grows it, what does not come would be lost.
            let segment = SegmentPtr::new(self.epochs.current(), slots / 8 * 8, 0);
            self.put_segment(index, segment);
        }
        end == wanted
    }

    /// Gives back room that [`Self::reserve`] made and no key has come for, at most `segments_max` segments in this call.
    /// Gives whether that is done.
    pub fn trim(&mut self, segments_max: usize) -> bool {
        for _ in 0..segments_max {
            if !self.is_sparse() {
                return true;
            }
            self.merge_one();
        }
        false
    }

    /// Puts the next `count` of `entries` in, in order; each replaces the key that is there, if any. Gives the index of
    /// the first for which there was one, and its key.
    pub fn put_made(&mut self, entries: &mut IntoIter<MadeEntry>, count: usize) -> Option<(usize, Vec<u8>)> {
        let mut first_existing = None;
        let count = count.min(entries.len());
        self.prefetch_buckets(&entries.as_slice()[..count.min(WINDOW)]);
        for index in 0..count {
            if index.is_multiple_of(WINDOW) {
                let left = &entries.as_slice()[..count - index];
                let (window, behind) = left.split_at(left.len().min(WINDOW));
                self.prefetch_buckets(&behind[..behind.len().min(WINDOW)]);
                window.iter().for_each(|entry| self.prefetch_likely(entry.hash()));
            }
            let Some(entry) = entries.next() else { break };
            let pointer = entry.pointer();
            if self.put_one(entry) && first_existing.is_none() {
                first_existing = Some((index, pointer.key().to_vec()));
            }
        }
        first_existing
    }

    /// Puts an entry that was made elsewhere under its key. Gives whether it replaced one.
    fn put_one(&mut self, made: MadeEntry) -> bool {
        let (hash, entry, expires) = (made.hash(), made.pointer(), made.expires());
        debug_assert_eq!(hash, self.hasher.hash(entry.key()), "the entry was made for this keyspace");
        self.epochs.charge(made.bytes());
        let found = self.database.find_hashed(hash, |other| other.key() == entry.key());
        match found {
            Some(found) => {
                let segment = self.writable(found.index, hash);
                self.replace(segment, found, expires, entry);
                self.epochs.drop_entry(found.entry, self.database.id, hash);
            }
            None => self.insert(hash, entry, expires),
        }
        made.release();
        found.is_some()
    }

    fn prefetch_buckets(&self, entries: &[MadeEntry]) {
        entries.iter().for_each(|entry| self.prefetch_bucket(entry.hash()));
    }
}

/// How many of `keys` keys fall to the bucket at `index` of `count`: those that are addressed with one more bit get half
/// as many.
fn expected_keys(keys: u64, count: usize, index: usize) -> usize {
    let high = 1_usize << count.ilog2();
    let is_narrow = index < high && index + high >= count;
    let share = if is_narrow { high } else { 2 * high };
    debug_assert_eq!(bucket(index as u64, count), index);
    (keys / share as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expiry, Keyspace, KeyspaceOptions, NewValue};

    fn keyspace() -> Keyspace {
        Keyspace::new(&KeyspaceOptions { databases: 1, hash_seed: Some([1, 2, 3, 4]) })
    }

    fn made(keyspace: &Keyspace, numbers: std::ops::Range<i64>) -> Vec<MadeEntry> {
        let maker = keyspace.entry_maker();
        let make = |number: i64| {
            let expires_at_ms = (number % 3 == 0).then_some(number);
            maker.make(format!("key:{number}").as_bytes(), NewValue::Integer(number), expires_at_ms, 7)
        };
        numbers.map(make).collect()
    }

    fn reserve_all(keyspace: &mut Keyspace, keys: u64) {
        while !keyspace.db_mut(0).reserve(keys, 100) {}
    }

    #[test]
    fn made_entries_are_like_those_set() {
        for reserved in [0, 1, 500, 10_000, 77_777] {
            let (mut filled, mut set) = (keyspace(), keyspace());
            reserve_all(&mut filled, reserved);
            let entries = made(&filled, 0..10_000);
            assert_eq!(filled.db_mut(0).put_made(&mut entries.into_iter(), 10_000), None);
            while !filled.db_mut(0).trim(50) {}
            for number in 0..10_000 {
                let name = format!("key:{number}");
                let key = set.key(name.as_bytes());
                set.set_access_clock(7, true);
                let expiry = if number % 3 == 0 { Expiry::At(number) } else { Expiry::Clear };
                set.db_mut(0).set(&key, NewValue::Integer(number), expiry);
                let entry = filled.db(0).get(&filled.key(name.as_bytes())).expect("it was put in");
                assert_eq!(entry.access(), 7);
                assert_eq!(entry.expires_at_ms(), (number % 3 == 0).then_some(number));
            }
            assert_eq!(filled.db(0).len(), 10_000);
            assert_eq!(filled.db(0).expires_len(), set.db(0).expires_len());
            let mean = filled.db(0).len() / filled.db(0).segment_count() as u64;
            assert!((8..=20).contains(&mean), "{mean} keys per segment after room for {reserved}");
            let (filled_bytes, set_bytes) = (filled.memory().live_bytes, set.memory().live_bytes);
            assert!(filled_bytes <= set_bytes + set_bytes / 8, "{filled_bytes} beside {set_bytes} bytes");
            // Removing all of them takes every byte back that was counted.
            for number in 0..10_000 {
                let name = format!("key:{number}");
                let key = filled.key(name.as_bytes());
                assert!(filled.db_mut(0).remove(&key));
            }
            assert_eq!(filled.db(0).expires_len(), 0);
            filled.flush_all();
            assert_eq!(filled.memory().live_bytes, 0);
        }
    }

    #[test]
    fn room_for_as_many_keys_as_come_is_as_much_as_they_would_take() {
        let mut filled = keyspace();
        reserve_all(&mut filled, 10_000);
        let before = filled.db(0).segment_count();
        let entries = made(&filled, 0..10_000);
        filled.db_mut(0).put_made(&mut entries.into_iter(), 10_000);
        assert_eq!((before, filled.db(0).segment_count()), (500, 500));
        assert!(filled.db_mut(0).reserve(1_000_000, 1), "a database with keys grows by itself");
        assert_eq!(filled.db(0).segment_count(), 500);
    }

    #[test]
    fn the_first_key_that_was_there_is_told_and_the_last_one_stays() {
        let mut filled = keyspace();
        let first = made(&filled, 40..50);
        assert_eq!(filled.db_mut(0).put_made(&mut first.into_iter(), 10), None);
        let mut entries = made(&filled, 0..60).into_iter();
        assert_eq!(filled.db_mut(0).put_made(&mut entries, 10), None);
        assert_eq!(filled.db_mut(0).put_made(&mut entries, 100), Some((30, b"key:40".to_vec())));
        assert_eq!((filled.db(0).len(), entries.len()), (60, 0));
        // What nobody puts in is freed with its list.
        drop(made(&filled, 0..10));
    }

    #[test]
    fn snapshots_do_not_see_what_is_put_in_after_them() {
        let mut filled = keyspace();
        let entries = made(&filled, 0..100);
        filled.db_mut(0).put_made(&mut entries.into_iter(), 100);
        let late = made(&filled, 50..200);
        let mut snapshot = filled.snapshot();
        filled.db_mut(0).put_made(&mut late.into_iter(), 150);
        let key = filled.key(b"key:3");
        filled.db_mut(0).set(&key, NewValue::Integer(-3), Expiry::Clear);
        let mut sum = 0;
        while snapshot
            .visit_next(|entry| {
                let crate::Value::String(value) = entry.value() else { unreachable!("only integers") };
                sum += value.parse_integer().expect("only integers");
                Ok::<_, std::convert::Infallible>(())
            })
            .expect("nothing fails")
            .is_some()
        {}
        assert_eq!(sum, (0..100).sum());
        drop(snapshot);
        filled.reap_snapshots();
        assert_eq!(filled.db(0).len(), 200);
    }
}
