//! The leaves of an ordered map: keys and values side by side.

use std::borrow::Borrow;

use super::Part;
use crate::tree::{Leaf, Place};

/// Bytes of keys and values that a leaf has at most, without what they have allocated.
const LEAF_BYTES: usize = 2048;

/// Some consecutive keys with their values.
#[derive(Debug)]
pub(super) struct MapLeaf<K, V> {
    entries: Vec<(K, V)>,
}

impl<K: Clone, V: Clone> Clone for MapLeaf<K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<K, V> Default for MapLeaf<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Part + Ord, V: Part> MapLeaf<K, V> {
    const ENTRIES_MAX: usize = {
        let fitting = LEAF_BYTES / size_of::<(K, V)>();
        if fitting < 8 { 8 } else { fitting }
    };

    /// Where a key is, or where it would be.
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.entries.binary_search_by(|(other, _)| other.borrow().cmp(key))
    }

    pub(super) fn value(&self, at: usize) -> &V {
        &self.entries[at].1
    }

    pub(super) fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.entries[at].1
    }

    pub(super) fn get(&self, at: usize) -> Option<(&K, &V)> {
        self.entries.get(at).map(|(key, value)| (key, value))
    }

    pub(super) fn last(&self) -> Option<(&K, &V)> {
        self.entries.last().map(|(key, value)| (key, value))
    }

    pub(super) fn last_key(&self) -> Option<&K> {
        self.entries.last().map(|(key, _)| key)
    }

    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < Self::ENTRIES_MAX
    }

    /// Adds a key that is greater than all others.
    pub(super) fn push(&mut self, key: K, value: V) {
        self.make_room();
        self.entries.push((key, value));
    }

    /// Sets the value of a key. Gives the value it had.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(self.value_mut(at), value)),
            Err(at) => {
                self.make_room();
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes a key. Gives the value it had.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        let (_, value) = self.entries.remove(at);
        if self.entries.len() * 4 < self.entries.capacity() {
            self.entries.shrink_to(self.entries.len() * 2);
        }
        Some(value)
    }

    /// Makes room for one more, doubling up to the most that a leaf can have.
    fn make_room(&mut self) {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            let wanted = (len * 2).clamp(1, Self::ENTRIES_MAX.max(len + 1));
            self.entries.reserve_exact(wanted - len);
        }
    }
}

impl<K: Part + Ord, V: Part> Leaf for MapLeaf<K, V> {
    type Key = K;
    type Limits = ();

    #[inline]
    fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        let inside: usize =
            self.entries.iter().map(|(key, value)| key.heap_bytes() + value.heap_bytes()).sum();
        self.entries.capacity() * size_of::<(K, V)>() + inside
    }

    fn cloned_bytes(&self) -> usize {
        // Keys are small or shared, and values are maps, or maps of maps, which are shared.
        self.entries.len() * size_of::<(K, V)>()
    }

    fn lower_bound(&self) -> K {
        self.entries.first().expect("a leaf that is divided or added has elements").0.clone()
    }

    fn is_over(&self, (): &()) -> bool {
        self.entries.len() > Self::ENTRIES_MAX
    }

    fn is_under(&self, (): &()) -> bool {
        self.entries.len() < Self::ENTRIES_MAX / 4
    }

    fn split(&mut self, place: Place, (): &()) -> Option<Self> {
        let len = self.entries.len();
        let at = match place {
            Place::Only | Place::Last => len - 1,
            Place::First | Place::Middle => len / 2,
        };
        let upper = self.entries.split_off(at);
        self.entries.shrink_to_fit();
        Some(Self { entries: upper })
    }

    fn can_absorb(&self, next: &Self, (): &()) -> bool {
        self.entries.len() + next.entries.len() <= Self::ENTRIES_MAX * 3 / 4
    }

    fn absorb(&mut self, next: &Self) {
        self.entries.reserve_exact(next.entries.len());
        self.entries.extend_from_slice(&next.entries);
    }
}
