//! The listpack: strings and integers one behind the other in one piece of memory.

mod build;
mod edit;
mod encode;
mod iterate;
mod read;
mod validate;

use std::fmt;

pub use build::ListpackBuilder;
use encode::{EMPTY_BYTES, TERMINATOR};
pub use iterate::{Entries, Iter, Pairs};
pub use read::{ListpackRef, Position};

use crate::{error::ListpackError, value::ListpackValue};

/// Most bytes that a listpack should grow to. Redis keeps its own below this.
pub const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// A listpack that owns its bytes, which are exactly those of Redis.
///
/// Reading is the same as on [`ListpackRef`], which [`view`](Self::view) gives. Every edit reallocates at most once.
#[derive(Clone, PartialEq, Eq)]
pub struct Listpack {
    pub(crate) bytes: Box<[u8]>,
}

impl Listpack {
    /// A listpack without entries.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Box::new([EMPTY_BYTES as u8, 0, 0, 0, 0, 0, TERMINATOR]) }
    }

    /// Takes `bytes` over after checking every entry; they must be one listpack and nothing else.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, ListpackError> {
        let bytes = bytes.into();
        validate::validate(&bytes)?;
        Ok(Self { bytes })
    }

    /// The listpack for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> ListpackRef<'_> {
        ListpackRef { bytes: &self.bytes }
    }

    /// The bytes, header and terminator included.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, header and terminator included.
    #[must_use]
    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    /// Number of bytes, which is also what the listpack has allocated.
    #[must_use]
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `additional` bytes of text may be added. Edits do not ask this themselves.
    #[must_use]
    #[inline]
    pub fn fits(&self, additional: usize) -> bool {
        self.view().fits(additional)
    }

    /// Number of entries. See [`ListpackRef::len`].
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no entries.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// The first entry.
    #[must_use]
    #[inline]
    pub fn first(&self) -> Option<Position> {
        self.view().first()
    }

    /// The last entry.
    #[must_use]
    #[inline]
    pub fn last(&self) -> Option<Position> {
        self.view().last()
    }

    /// The entry behind the one at `position`.
    #[must_use]
    #[inline]
    pub fn next(&self, position: Position) -> Option<Position> {
        self.view().next(position)
    }

    /// The entry before the one at `position`.
    #[must_use]
    #[inline]
    pub fn prev(&self, position: Position) -> Option<Position> {
        self.view().prev(position)
    }

    /// The entry number `index`, from either end. See [`ListpackRef::seek`].
    #[must_use]
    #[inline]
    pub fn seek(&self, index: i64) -> Option<Position> {
        self.view().seek(index)
    }

    /// The value at `position`.
    #[must_use]
    #[inline]
    pub fn get(&self, position: Position) -> ListpackValue<'_> {
        self.view().get(position)
    }

    /// The value of entry number `index`, from either end.
    #[must_use]
    #[inline]
    pub fn get_index(&self, index: i64) -> Option<ListpackValue<'_>> {
        self.view().get_index(index)
    }

    /// The first entry whose text is `needle` among every `skip + 1`-th. See [`ListpackRef::find`].
    #[must_use]
    #[inline]
    pub fn find(&self, needle: &[u8], skip: usize) -> Option<Position> {
        self.view().find(needle, skip)
    }

    /// As [`find`](Self::find), but starts with the entry at `position`.
    #[must_use]
    #[inline]
    pub fn find_from(&self, position: Position, needle: &[u8], skip: usize) -> Option<Position> {
        self.view().find_from(position, needle, skip)
    }

    /// The values in order, from either end.
    #[must_use]
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// The values with their positions.
    #[must_use]
    #[inline]
    pub fn entries(&self) -> Entries<'_> {
        self.view().entries()
    }

    /// The values two by two. See [`ListpackRef::pairs`].
    #[must_use]
    #[inline]
    pub fn pairs(&self) -> Pairs<'_> {
        self.view().pairs()
    }
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Listpack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = ListpackValue<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
