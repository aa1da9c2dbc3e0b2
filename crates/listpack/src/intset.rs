//! The intset: integers in ascending order, all in the width that the widest of them needs.
//!
//! Layout, little-endian: width in bytes (32 bits: 2, 4 or 8), number of members (32 bits), members. The width never
//! shrinks, as in Redis.

mod read;

use std::{fmt, mem};

pub use read::{IntsetIter, IntsetRef};
use read::{chunks, read};

use crate::error::{Fault, ListpackError, Packing};

/// Bytes before the first member.
const HEADER_BYTES: usize = 8;

/// A set of integers that owns its bytes, which are exactly those of Redis.
#[derive(Clone, PartialEq, Eq)]
pub struct Intset {
    pub(crate) bytes: Box<[u8]>,
}

impl Intset {
    /// A set without members.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Box::new([2, 0, 0, 0, 0, 0, 0, 0]) }
    }

    /// Takes `bytes` over after checking width, size and order. A set without members is accepted.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, ListpackError> {
        let bytes = bytes.into();
        let refuse = |offset, fault| Err(ListpackError::new(Packing::Intset, offset, fault));
        let got = bytes.len() as u64;
        let Some((header, members)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return refuse(0, Fault::TooShort { expected: HEADER_BYTES as u64, got });
        };
        let [w0, w1, w2, w3, c0, c1, c2, c3] = *header;
        let width = u32::from_le_bytes([w0, w1, w2, w3]);
        let count = u32::from_le_bytes([c0, c1, c2, c3]);
        if !matches!(width, 2 | 4 | 8) {
            return refuse(0, Fault::WrongWidth { got: width.into() });
        }
        let expected = HEADER_BYTES as u64 + u64::from(width) * u64::from(count);
        if expected != got {
            return refuse(4, Fault::WrongSize { expected, got });
        }
        let width = width as usize;
        let unordered = match width {
            2 => first_unordered::<2>(members),
            4 => first_unordered::<4>(members),
            _ => first_unordered::<8>(members),
        };
        if let Some((index, previous, got)) = unordered {
            return refuse(HEADER_BYTES + index * width, Fault::NotAscending { previous, got });
        }
        Ok(Self { bytes })
    }

    /// The set of `members`, in any order and with repetitions.
    #[must_use]
    pub fn from_members(mut members: Vec<i64>) -> Self {
        members.sort_unstable();
        members.dedup();
        let width = members.first().into_iter().chain(members.last()).map(|member| width_of(*member)).max();
        let width = width.unwrap_or(2);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + width * members.len());
        bytes.extend_from_slice(&header(width, members.len()));
        for member in members {
            bytes.extend_from_slice(&member.to_le_bytes()[..width]);
        }
        Self { bytes: bytes.into_boxed_slice() }
    }

    /// The set for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> IntsetRef<'_> {
        IntsetRef { bytes: &self.bytes }
    }

    /// The bytes, header included.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, header included.
    #[must_use]
    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    /// Number of bytes, which is also what the set has allocated.
    #[must_use]
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of each member: 2, 4 or 8.
    #[must_use]
    #[inline]
    pub fn width(&self) -> usize {
        self.view().width()
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no members.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// The member number `index` in ascending order.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        self.view().get(index)
    }

    /// The smallest member.
    #[must_use]
    pub fn min(&self) -> Option<i64> {
        self.view().min()
    }

    /// The greatest member.
    #[must_use]
    pub fn max(&self) -> Option<i64> {
        self.view().max()
    }

    /// Whether `member` is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, member: i64) -> bool {
        self.view().contains(member)
    }

    /// How many members are smaller than `member`: its index, as an error if it is not in the set.
    ///
    /// # Errors
    ///
    /// The index that it would have.
    #[inline]
    pub fn rank(&self, member: i64) -> Result<usize, usize> {
        self.view().rank(member)
    }

    /// Adds `member`; whether it was new.
    ///
    /// # Panics
    ///
    /// When the number of members outgrows the 32 bits of the header.
    pub fn insert(&mut self, member: i64) -> bool {
        let (width, wanted) = (self.width(), width_of(member));
        if wanted > width {
            self.widen_with(member, wanted);
            return true;
        }
        let Err(index) = self.rank(member) else { return false };
        let head = header(width, self.len() + 1);
        let at = HEADER_BYTES + index * width;
        let mut bytes = mem::take(&mut self.bytes).into_vec();
        let old_size = bytes.len();
        bytes.reserve_exact(width);
        bytes.resize(old_size + width, 0);
        bytes.copy_within(at..old_size, at + width);
        bytes[at..at + width].copy_from_slice(&member.to_le_bytes()[..width]);
        bytes[..HEADER_BYTES].copy_from_slice(&head);
        self.bytes = bytes.into_boxed_slice();
        true
    }

    /// Rewrites the set in a greater width, together with the member that needs it and so is an extreme.
    fn widen_with(&mut self, member: i64, width: usize) {
        let count = self.len() + 1;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + width * count);
        bytes.extend_from_slice(&header(width, count));
        let (before, behind) = if member < 0 { (Some(member), None) } else { (None, Some(member)) };
        for member in before.into_iter().chain(self.iter()).chain(behind) {
            bytes.extend_from_slice(&member.to_le_bytes()[..width]);
        }
        self.bytes = bytes.into_boxed_slice();
    }

    /// Removes `member`; whether it was there.
    pub fn remove(&mut self, member: i64) -> bool {
        let Ok(index) = self.rank(member) else { return false };
        let width = self.width();
        let head = header(width, self.len() - 1);
        let at = HEADER_BYTES + index * width;
        let mut bytes = mem::take(&mut self.bytes).into_vec();
        bytes.copy_within(at + width.., at);
        bytes.truncate(bytes.len() - width);
        bytes[..HEADER_BYTES].copy_from_slice(&head);
        self.bytes = bytes.into_boxed_slice();
        true
    }

    /// The members in ascending order, from either end.
    #[must_use]
    pub fn iter(&self) -> IntsetIter<'_> {
        self.view().iter()
    }
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Intset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<i64> for Intset {
    fn from_iter<I: IntoIterator<Item = i64>>(members: I) -> Self {
        Self::from_members(members.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Intset {
    type Item = i64;
    type IntoIter = IntsetIter<'a>;

    fn into_iter(self) -> IntsetIter<'a> {
        self.iter()
    }
}

/// The width that `member` needs.
fn width_of(member: i64) -> usize {
    if i16::try_from(member).is_ok() {
        2
    } else if i32::try_from(member).is_ok() {
        4
    } else {
        8
    }
}

fn header(width: usize, count: usize) -> [u8; HEADER_BYTES] {
    let count = u32::try_from(count).expect("an intset has less than 2^32 members");
    let mut header = [0; HEADER_BYTES];
    header[0] = width as u8;
    header[4..].copy_from_slice(&count.to_le_bytes());
    header
}

/// Index of the first member that is not greater than the one before, with both.
fn first_unordered<const N: usize>(members: &[u8]) -> Option<(usize, i64, i64)> {
    let members = chunks::<N>(members);
    let at = members.windows(2).position(|pair| read(&pair[0]) >= read(&pair[1]))?;
    Some((at + 1, read(&members[at]), read(&members[at + 1])))
}

#[cfg(test)]
mod tests;
