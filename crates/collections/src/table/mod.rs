//! The map from bytes to bytes that hashes and sets keep their elements in when they are big.
//!
//! A tree whose leaves hold elements in the order of their keys' hashes. Elements whose hashes are equal lie in one
//! leaf, so that a scan, whose cursor is a hash, visits them together. An element's position is as good as random, and
//! a random position gives a fair random element.

mod hashing;
mod leaf;
mod order;
mod outside;
mod record;

pub(crate) use hashing::hash;
pub use hashing::set_hash_seed;
use leaf::TableLeaf;
pub use order::TableOrder;
pub(crate) use record::{Element, Shape, Stored};

use crate::tree::{Cursor, Leaf, Tree};

/// The map. Cloning it is O(1); a change to one of two clones copies one path of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    tree: Tree<TableLeaf>,
}

impl Table {
    /// An empty table whose values have this shape.
    pub(crate) fn new(shape: Shape) -> Self {
        Self { tree: Tree::new(TableLeaf::new(shape)) }
    }

    /// Number of elements.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there are no elements.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all nodes, those shared with clones included.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tree.heap_bytes()
    }

    /// Bytes copied because a clone shared them, since the last call.
    pub(crate) fn take_copied_bytes(&mut self) -> usize {
        self.tree.take_copied_bytes()
    }

    /// The value under `key` as it is stored.
    #[inline]
    pub(crate) fn get_stored(&self, key: &[u8]) -> Option<Stored<'_>> {
        let hash = hashing::hash(key);
        let leaf = self.tree.leaf_by(|lower| *lower <= hash);
        let index = leaf.find(hash, key).ok()?;
        Some(leaf.element(index).value)
    }

    /// The value under `key`.
    #[inline]
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.get_stored(key).map(Stored::as_slice)
    }

    /// Whether there is an element with this key.
    #[inline]
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.get_stored(key).is_some()
    }

    /// Puts an element in place, or gives the one that is there another value. Gives whether the key is new. The value
    /// has the length that the table's shape says.
    pub(crate) fn insert<'v>(&mut self, key: &[u8], value: impl Into<Stored<'v>>) -> bool {
        let value = value.into();
        let hash = hashing::hash(key);
        if value.as_slice().is_empty() && self.tree.leaf_by(|lower| *lower <= hash).find(hash, key).is_ok() {
            // Most likely a set that has the member: nothing is to be copied for that.
            if self.get(key).is_some_and(<[u8]>::is_empty) {
                return false;
            }
        }
        self.tree.edit_by(
            &(),
            |lower| *lower <= hash,
            |leaf| match leaf.find(hash, key) {
                Ok(index) => {
                    leaf.set_value(index, key, value);
                    false
                }
                Err(index) => {
                    leaf.insert(index, hash, key, value);
                    true
                }
            },
        )
    }

    /// Removes the element with this key. Gives whether there was one; callers ask [`Self::contains`] before if it may
    /// not be there, so that nothing is copied for nothing.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let hash = hashing::hash(key);
        self.tree.edit_by(
            &(),
            |lower| *lower <= hash,
            |leaf| {
                let found = leaf.find(hash, key);
                if let Ok(index) = found {
                    leaf.remove(index);
                }
                found.is_ok()
            },
        )
    }

    /// Removes the element at `index`, which is below the length.
    pub(crate) fn remove_at(&mut self, index: usize) {
        self.tree.edit_at(&(), index, |leaf, index| leaf.remove(index));
    }

    /// The element at `index`, which is below the length. Positions hold until the next change.
    pub(crate) fn element_at(&self, index: usize) -> Element<'_> {
        let (leaf, index) = self.tree.leaf_at(index);
        leaf.element(index)
    }

    /// All elements, in the order of their positions.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { cursor: self.tree.cursor_at(0), index: 0, left: self.len() }
    }

    /// Visits some elements from `cursor` on: `count` of them, and those of the same hash as the last one. Gives the
    /// cursor to go on with, or 0 at the end. Begun with 0 and gone on with what it gives, it visits everything that is
    /// there all the time, whatever else comes and goes.
    pub(crate) fn scan<'t>(&'t self, cursor: u64, count: usize, mut visit: impl FnMut(Element<'t>)) -> u64 {
        // No element has a hash that high.
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let mut place = self.tree.cursor_by(|lower| *lower <= from);
        let mut index = place.leaf().first_at_or_above(from);
        let mut visited = 0;
        let mut last_hash = 0;
        loop {
            let leaf = place.leaf();
            while index < leaf.len() {
                let hash = leaf.hash_at(index);
                if visited >= count && hash != last_hash {
                    return hash.into();
                }
                visit(leaf.element(index));
                visited += 1;
                last_hash = hash;
                index += 1;
            }
            if !place.move_next() {
                return 0;
            }
            index = 0;
        }
    }
}

/// All elements of a table.
#[derive(Debug, Clone)]
pub(crate) struct Iter<'a> {
    cursor: Cursor<'a, TableLeaf>,
    index: usize,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        self.left = self.left.checked_sub(1)?;
        while self.index == self.cursor.leaf().len() {
            self.cursor.move_next();
            self.index = 0;
        }
        self.index += 1;
        Some(self.cursor.leaf().element(self.index - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests;
