//! Walking through an ordered map.

use std::iter::FusedIterator;

use super::Part;
use super::leaf::MapLeaf;
use crate::tree::Cursor;

/// Keys with their values, in order.
#[derive(Debug, Clone)]
pub(crate) struct OrderedIter<'a, K: Part + Ord, V: Part> {
    cursor: Cursor<'a, MapLeaf<K, V>>,
    /// Index of the next in the cursor's leaf.
    at: usize,
}

impl<'a, K: Part + Ord, V: Part> OrderedIter<'a, K, V> {
    pub(super) fn new(cursor: Cursor<'a, MapLeaf<K, V>>, at: usize) -> Self {
        Self { cursor, at }
    }
}

impl<'a, K: Part + Ord, V: Part> Iterator for OrderedIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.cursor.leaf().get(self.at) {
                self.at += 1;
                return Some(entry);
            }
            if !self.cursor.move_next() {
                return None;
            }
            self.at = 0;
        }
    }
}

impl<K: Part + Ord, V: Part> FusedIterator for OrderedIter<'_, K, V> {}
