//! Reading an intset in borrowed bytes.

use std::{cmp::Ordering, iter::FusedIterator};

use super::HEADER_BYTES;

/// An intset in borrowed bytes, for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntsetRef<'a> {
    pub(crate) bytes: &'a [u8],
}

impl<'a> IntsetRef<'a> {
    /// The bytes, header included.
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of each member: 2, 4 or 8.
    #[must_use]
    #[inline]
    pub fn width(self) -> usize {
        usize::from(self.bytes[0])
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        // Widths are powers of two.
        (self.bytes.len() - HEADER_BYTES) >> self.width().trailing_zeros()
    }

    /// Whether there are no members.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The member number `index` in ascending order.
    #[must_use]
    #[inline]
    pub fn get(self, index: usize) -> Option<i64> {
        let members = &self.bytes[HEADER_BYTES..];
        match self.width() {
            2 => chunks::<2>(members).get(index).map(read),
            4 => chunks::<4>(members).get(index).map(read),
            _ => chunks::<8>(members).get(index).map(read),
        }
    }

    /// The smallest member.
    #[must_use]
    #[inline]
    pub fn min(self) -> Option<i64> {
        self.get(0)
    }

    /// The greatest member.
    #[must_use]
    #[inline]
    pub fn max(self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Whether `member` is in the set.
    #[must_use]
    #[inline]
    pub fn contains(self, member: i64) -> bool {
        self.rank(member).is_ok()
    }

    /// How many members are smaller than `member`: its index, as an error if it is not in the set.
    ///
    /// # Errors
    ///
    /// The index that it would have.
    #[inline]
    pub fn rank(self, member: i64) -> Result<usize, usize> {
        let members = &self.bytes[HEADER_BYTES..];
        match self.width() {
            2 => search::<2>(members, member),
            4 => search::<4>(members, member),
            _ => search::<8>(members, member),
        }
    }

    /// The members in ascending order, from either end.
    #[must_use]
    pub fn iter(self) -> IntsetIter<'a> {
        IntsetIter { set: self, front: 0, back: self.len() }
    }
}

impl<'a> IntoIterator for IntsetRef<'a> {
    type Item = i64;
    type IntoIter = IntsetIter<'a>;

    fn into_iter(self) -> IntsetIter<'a> {
        self.iter()
    }
}

/// The members of an intset in ascending order.
#[derive(Debug, Clone)]
pub struct IntsetIter<'a> {
    set: IntsetRef<'a>,
    front: usize,
    back: usize,
}

impl Iterator for IntsetIter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        if self.front == self.back {
            return None;
        }
        self.front += 1;
        self.set.get(self.front - 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.back - self.front;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for IntsetIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        self.set.get(self.back)
    }
}

impl ExactSizeIterator for IntsetIter<'_> {}
impl FusedIterator for IntsetIter<'_> {}

#[inline]
pub(super) fn chunks<const N: usize>(members: &[u8]) -> &[[u8; N]] {
    members.as_chunks().0
}

/// The member in `N` bytes, its sign extended.
#[inline]
pub(super) fn read<const N: usize>(member: &[u8; N]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - N..].copy_from_slice(member);
    i64::from_le_bytes(wide) >> (64 - 8 * N)
}

#[inline]
fn search<const N: usize>(members: &[u8], wanted: i64) -> Result<usize, usize> {
    let members = chunks::<N>(members);
    // Numbers are often added and asked for in order, so the ends come first.
    match (members.first(), members.last()) {
        (Some(first), _) if wanted < read(first) => Err(0),
        (_, Some(last)) => match wanted.cmp(&read(last)) {
            Ordering::Greater => Err(members.len()),
            Ordering::Equal => Ok(members.len() - 1),
            Ordering::Less => members.binary_search_by(|member| read(member).cmp(&wanted)),
        },
        _ => Err(0),
    }
}
