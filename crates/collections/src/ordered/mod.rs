//! A map ordered by key, in a tree that is copied on write.

mod iterate;
mod leaf;

pub(crate) use iterate::OrderedIter;

use std::borrow::Borrow;
use std::fmt::Debug;

use crate::tree::Tree;
use leaf::MapLeaf;

/// A key or value of a map.
pub(crate) trait Part: Clone + Debug + Send + Sync {
    /// Bytes that it has allocated.
    #[inline]
    fn heap_bytes(&self) -> usize {
        0
    }

    /// Bytes that changes of it had to copy because a clone shared them, since the last call.
    #[inline]
    fn take_copied_bytes(&mut self) -> usize {
        0
    }
}

impl Part for () {}
impl Part for u64 {}

/// The map. Cloning it is O(1); a change of one of two clones copies one path.
#[derive(Debug)]
pub(crate) struct OrderedMap<K: Part + Ord, V: Part> {
    tree: Tree<MapLeaf<K, V>>,
    /// What changes inside of values had to copy.
    copied_bytes: usize,
}

impl<K: Part + Ord, V: Part> Clone for OrderedMap<K, V> {
    fn clone(&self) -> Self {
        Self { tree: self.tree.clone(), copied_bytes: 0 }
    }
}

impl<K: Part + Ord, V: Part> Default for OrderedMap<K, V> {
    fn default() -> Self {
        Self { tree: Tree::new(MapLeaf::default()), copied_bytes: 0 }
    }
}

impl<K: Part + Ord, V: Part> OrderedMap<K, V> {
    /// Number of keys.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Bytes of everything inside, what is shared with clones included.
    #[inline]
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tree.heap_bytes()
    }

    /// Bytes copied because a clone shared them, since the last call.
    pub(crate) fn take_copied_bytes(&mut self) -> usize {
        self.tree.take_copied_bytes() + std::mem::take(&mut self.copied_bytes)
    }

    /// The value of a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let leaf = self.tree.leaf_by(|bound| bound.borrow() <= key);
        leaf.find(key).ok().map(|at| leaf.value(at))
    }

    /// Sets the value of a key. Gives the value it had.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        // What comes in order is appended without a search.
        let last = self.tree.last_leaf();
        if last.last_key().is_some_and(|last| *last < key) && last.has_room() {
            self.tree.edit_last(|leaf| leaf.push(key, value));
            return None;
        }
        let bound = key.clone();
        self.tree.edit_by(&(), |other| *other <= bound, |leaf| leaf.insert(key, value))
    }

    /// Removes a key. Gives the value it had.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        self.tree.edit_by(&(), |bound| bound.borrow() <= key, |leaf| leaf.remove(key))
    }

    /// Changes the value of a key. Gives nothing when there is no such key.
    pub(crate) fn edit<Q: Ord + ?Sized, R>(&mut self, key: &Q, edit: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        let edited = self.tree.edit_by(
            &(),
            |bound| bound.borrow() <= key,
            |leaf| {
                let at = leaf.find(key).ok()?;
                let value = leaf.value_mut(at);
                let result = edit(value);
                Some((result, value.take_copied_bytes()))
            },
        );
        let (result, copied_bytes) = edited?;
        self.copied_bytes += copied_bytes;
        Some(result)
    }

    /// All keys with their values, in order.
    pub(crate) fn iter(&self) -> OrderedIter<'_, K, V> {
        OrderedIter::new(self.tree.cursor_at(0), 0)
    }

    /// The keys from `start` on with their values, in order.
    pub(crate) fn iter_from<Q: Ord + ?Sized>(&self, start: &Q) -> OrderedIter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let cursor = self.tree.cursor_by(|bound| bound.borrow() <= start);
        let at = cursor.leaf().find(start).unwrap_or_else(|at| at);
        OrderedIter::new(cursor, at)
    }

    /// The greatest key and its value.
    pub(crate) fn last(&self) -> Option<(&K, &V)> {
        self.tree.last_leaf().last()
    }
}

#[cfg(test)]
mod tests;
