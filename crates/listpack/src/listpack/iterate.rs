//! Iterators over a listpack, from either end.

use std::iter::FusedIterator;

use super::read::{Position, decode, previous_offset};
use crate::value::ListpackValue;

/// The values of a listpack.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    /// Offset of the next entry from the front.
    front: usize,
    /// Offset behind the next entry from the back.
    back: usize,
}

impl<'a> Iter<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], front: usize, back: usize) -> Self {
        Self { bytes, front, back }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = ListpackValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<ListpackValue<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (value, size) = decode(self.bytes, self.front);
        self.front += size;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let bytes = self.back.saturating_sub(self.front);
        // The smallest entry has two bytes.
        (usize::from(bytes > 0), Some(bytes / 2))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = previous_offset(self.bytes, self.back);
        Some(decode(self.bytes, self.back).0)
    }
}

impl FusedIterator for Iter<'_> {}

/// The values of a listpack with their positions.
#[derive(Debug, Clone)]
pub struct Entries<'a>(Iter<'a>);

impl<'a> Entries<'a> {
    #[inline]
    pub(crate) fn new(values: Iter<'a>) -> Self {
        Self(values)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Position, ListpackValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let position = Position::new(self.0.front);
        self.0.next().map(|value| (position, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.0.next_back()?;
        Some((Position::new(self.0.back), value))
    }
}

impl FusedIterator for Entries<'_> {}

/// The values of a listpack two by two: fields and values, or members and scores.
#[derive(Debug, Clone)]
pub struct Pairs<'a>(Iter<'a>);

impl<'a> Pairs<'a> {
    #[inline]
    pub(crate) fn new(values: Iter<'a>) -> Self {
        Self(values)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (ListpackValue<'a>, ListpackValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    /// The last pair; only meaningful when the number of entries is even.
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let second = self.0.next_back()?;
        Some((self.0.next_back()?, second))
    }
}

impl FusedIterator for Pairs<'_> {}
