//! Reading: positions, navigation from either end, and the search for a value.

use super::{
    LISTPACK_BYTES_MAX,
    encode::{
        COUNT_UNKNOWN, EMPTY_BYTES, ENCODED_BYTES, HEADER_BYTES, INTEGER_13, INTEGER_16, INTEGER_24,
        INTEGER_32, INTEGER_64, STRING_12, STRING_32, TERMINATOR, backlen_bytes, decode_backlen,
    },
    iterate::{Entries, Iter, Pairs},
    validate::validate,
};
use crate::{
    error::ListpackError,
    value::{ListpackValue, parse_integer},
};

/// Where an entry starts.
///
/// A position belongs to the listpack it came from and to its content at that time. After an edit only those positions
/// are good that lie before the edit, or that the edit returned; reading at any other gives a wrong value or a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u32);

impl Position {
    #[inline]
    pub(crate) fn new(offset: usize) -> Self {
        Self(offset as u32)
    }

    /// Offset of the entry's first byte in the listpack.
    #[must_use]
    #[inline]
    pub fn offset(self) -> usize {
        self.0 as usize
    }
}

/// A listpack in borrowed bytes, for reading.
#[derive(Debug, Clone, Copy)]
pub struct ListpackRef<'a> {
    pub(crate) bytes: &'a [u8],
}

impl<'a> ListpackRef<'a> {
    /// Checks every entry of `bytes`, which must be one listpack and nothing else.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ListpackError> {
        validate(bytes)?;
        Ok(Self { bytes })
    }

    /// A view of bytes that have been checked before, without a second check. If they have not, methods of the view
    /// may panic or give wrong answers.
    #[must_use]
    #[inline]
    pub fn from_validated(bytes: &'a [u8]) -> Self {
        debug_assert!(validate(bytes).is_ok());
        Self { bytes }
    }

    /// The bytes, header and terminator included.
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether `additional` bytes of text may be added.
    #[must_use]
    #[inline]
    pub fn fits(self, additional: usize) -> bool {
        additional <= LISTPACK_BYTES_MAX && self.bytes.len() + additional <= LISTPACK_BYTES_MAX
    }

    /// Number of entries. It is in the header; only listpacks of 65535 or more are counted.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self.stored_count() {
            COUNT_UNKNOWN => self.count_until(self.end()),
            count => usize::from(count),
        }
    }

    /// Whether there are no entries.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.bytes.len() == EMPTY_BYTES
    }

    #[inline]
    pub(crate) fn stored_count(self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    /// Offset of the terminator.
    #[inline]
    pub(crate) fn end(self) -> usize {
        self.bytes.len() - 1
    }

    fn count_until(self, end: usize) -> usize {
        self.count_between(HEADER_BYTES, end)
    }

    /// Number of entries between two offsets.
    pub(crate) fn count_between(self, from: usize, to: usize) -> usize {
        let (mut at, mut count) = (from, 0);
        while at < to {
            at += entry_bytes(self.bytes, at);
            count += 1;
        }
        count
    }

    #[inline]
    fn position_or_end(self, offset: usize) -> Option<Position> {
        (offset < self.end()).then(|| Position::new(offset))
    }

    /// The first entry.
    #[must_use]
    #[inline]
    pub fn first(self) -> Option<Position> {
        self.position_or_end(HEADER_BYTES)
    }

    /// The last entry.
    #[must_use]
    #[inline]
    pub fn last(self) -> Option<Position> {
        (!self.is_empty()).then(|| Position::new(previous_offset(self.bytes, self.end())))
    }

    /// The entry behind the one at `position`.
    #[must_use]
    #[inline]
    pub fn next(self, position: Position) -> Option<Position> {
        self.position_or_end(self.offset_behind(position))
    }

    /// The entry before the one at `position`.
    #[must_use]
    #[inline]
    pub fn prev(self, position: Position) -> Option<Position> {
        let at = position.offset();
        (at > HEADER_BYTES).then(|| Position::new(previous_offset(self.bytes, at)))
    }

    /// The entry number `index`, from 0 at the front or from -1 at the back. Walks from the nearer end.
    #[must_use]
    pub fn seek(self, index: i64) -> Option<Position> {
        let mut index = index;
        let count = self.stored_count();
        if count != COUNT_UNKNOWN {
            let count = i64::from(count);
            if index >= count || index < -count {
                return None;
            }
            // The same entry from the other end.
            if index >= 0 && index > count / 2 {
                index -= count;
            } else if index < -(count / 2) {
                index += count;
            }
        }
        if index >= 0 {
            let (mut at, end) = (HEADER_BYTES, self.end());
            for _ in 0..index {
                if at >= end {
                    return None;
                }
                at += entry_bytes(self.bytes, at);
            }
            self.position_or_end(at)
        } else {
            let mut at = self.end();
            for _ in index..0 {
                if at <= HEADER_BYTES {
                    return None;
                }
                at = previous_offset(self.bytes, at);
            }
            Some(Position::new(at))
        }
    }

    /// The value at `position`.
    #[must_use]
    #[inline]
    pub fn get(self, position: Position) -> ListpackValue<'a> {
        decode(self.bytes, position.offset()).0
    }

    /// The value of entry number `index`, counted as in [`seek`](Self::seek).
    #[must_use]
    pub fn get_index(self, index: i64) -> Option<ListpackValue<'a>> {
        self.seek(index).map(|position| self.get(position))
    }

    /// The first entry whose text is `needle`, looking at one entry and passing over `skip`, then again. With `skip` 1
    /// that finds a field in a row of fields and values.
    #[must_use]
    #[inline]
    pub fn find(self, needle: &[u8], skip: usize) -> Option<Position> {
        self.find_offset(HEADER_BYTES, needle, skip)
    }

    /// As [`find`](Self::find), but starts with the entry at `position`.
    #[must_use]
    #[inline]
    pub fn find_from(self, position: Position, needle: &[u8], skip: usize) -> Option<Position> {
        self.find_offset(position.offset(), needle, skip)
    }

    fn find_offset(self, from: usize, needle: &[u8], skip: usize) -> Option<Position> {
        let integer = parse_integer(needle);
        // What is stored in the first byte itself is not negative.
        let small_integer = integer.unwrap_or(-1);
        let (mut at, bytes) = (from, self.bytes);
        loop {
            let head = bytes[at];
            let (found, size) = match head {
                0..=0x7f => (i64::from(head) == small_integer, 2),
                0x80..=0xbf => {
                    let length = usize::from(head & 0x3f);
                    let found = length == needle.len() && {
                        let text = &bytes[at + 1..at + 1 + length];
                        // Names that are numbered differ in their last bytes.
                        text.last() == needle.last() && text == needle
                    };
                    (found, length + 2)
                }
                TERMINATOR => return None,
                // Integers and strings that would fit a smaller form are legal as well.
                _ => match decode(bytes, at) {
                    (ListpackValue::Integer(other), size) => (integer == Some(other), size),
                    (ListpackValue::Bytes(other), size) => (other == needle, size),
                },
            };
            if found {
                return Some(Position::new(at));
            }
            at += size;
            for _ in 0..skip {
                if bytes[at] == TERMINATOR {
                    return None;
                }
                at += entry_bytes(bytes, at);
            }
        }
    }

    /// The values in order, from either end.
    #[must_use]
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter::new(self.bytes, HEADER_BYTES, self.end())
    }

    /// The values from the one at `position` on.
    #[must_use]
    #[inline]
    pub fn iter_from(self, position: Position) -> Iter<'a> {
        Iter::new(self.bytes, position.offset(), self.end())
    }

    /// The values with their positions.
    #[must_use]
    #[inline]
    pub fn entries(self) -> Entries<'a> {
        Entries::new(self.iter())
    }

    /// The values with their positions, from the one at `position` on.
    #[must_use]
    #[inline]
    pub fn entries_from(self, position: Position) -> Entries<'a> {
        Entries::new(self.iter_from(position))
    }

    /// The values two by two, as hashes and sorted sets keep them. A last value without a partner is left out.
    #[must_use]
    #[inline]
    pub fn pairs(self) -> Pairs<'a> {
        Pairs::new(self.iter())
    }

    /// Offset of the byte behind the entry at `position`: the next entry or the terminator.
    #[inline]
    pub(crate) fn offset_behind(self, position: Position) -> usize {
        position.offset() + entry_bytes(self.bytes, position.offset())
    }
}

impl<'a> IntoIterator for ListpackRef<'a> {
    type Item = ListpackValue<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// All bytes of the entry at offset `at`.
#[inline]
pub(crate) fn entry_bytes(bytes: &[u8], at: usize) -> usize {
    // Neighbours are mostly of one kind, so that the processor guesses the branches and need not wait for a table.
    match bytes[at] {
        0..=0x7f => 2,
        head @ 0x80..=0xbf => usize::from(head & 0x3f) + 2,
        head => match ENCODED_BYTES[usize::from(head)] {
            0 => long_entry_bytes(bytes, at),
            encoded => usize::from(encoded) + 1,
        },
    }
}

fn long_entry_bytes(bytes: &[u8], at: usize) -> usize {
    let (head, length) = long_string(bytes, at);
    head + length + backlen_bytes(head + length)
}

/// Bytes of the head, and of the data, of the string of 64 or more bytes at offset `at`.
#[inline]
fn long_string(bytes: &[u8], at: usize) -> (usize, usize) {
    match bytes[at] {
        head @ STRING_12..STRING_32 => (2, usize::from(head & 0x0f) << 8 | usize::from(bytes[at + 1])),
        STRING_32 => (5, u32::from_le_bytes(array(bytes, at + 1)) as usize),
        head => panic!("no entry of a listpack starts with {head:#04x}, at offset {at}"),
    }
}

/// Offset of the entry that ends before offset `end`.
#[inline]
pub(crate) fn previous_offset(bytes: &[u8], end: usize) -> usize {
    let (encoded, backlen) = decode_backlen(bytes, end);
    end - encoded - backlen
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("an entry ends before its listpack")
}

/// The value at offset `at`, and all bytes of its entry.
#[inline]
pub(crate) fn decode(bytes: &[u8], at: usize) -> (ListpackValue<'_>, usize) {
    let head = bytes[at];
    match head {
        0..=0x7f => (ListpackValue::Integer(i64::from(head)), 2),
        0x80..=0xbf => {
            let length = usize::from(head & 0x3f);
            (ListpackValue::Bytes(&bytes[at + 1..at + 1 + length]), length + 2)
        }
        INTEGER_13..STRING_12 => {
            // The sign is bit 12; shifting up and down again extends it.
            let bits = i16::from_be_bytes([head, bytes[at + 1]]) << 3 >> 3;
            (ListpackValue::Integer(i64::from(bits)), 3)
        }
        INTEGER_16 => (ListpackValue::Integer(i64::from(i16::from_le_bytes(array(bytes, at + 1)))), 4),
        INTEGER_24 => {
            let [low, middle, high] = array(bytes, at + 1);
            (ListpackValue::Integer(i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)), 5)
        }
        INTEGER_32 => (ListpackValue::Integer(i64::from(i32::from_le_bytes(array(bytes, at + 1)))), 6),
        INTEGER_64 => (ListpackValue::Integer(i64::from_le_bytes(array(bytes, at + 1))), 10),
        _ => {
            let (head, length) = long_string(bytes, at);
            let value = ListpackValue::Bytes(&bytes[at + head..at + head + length]);
            (value, head + length + backlen_bytes(head + length))
        }
    }
}
