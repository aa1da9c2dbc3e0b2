//! Edits. Each makes or closes one gap, and so reallocates at most once.

use std::{mem, ops::Range};

use super::{
    Listpack, Position,
    encode::{COUNT_UNKNOWN, Entry, HEADER_BYTES, TERMINATOR},
    read::ListpackRef,
};
use crate::value::ListpackValue;

/// An edit that outgrows the 32 bits of the header panics; callers ask [`Listpack::fits`] before.
impl Listpack {
    /// Puts the string `text` before all entries.
    pub fn push_front(&mut self, text: &[u8]) {
        self.insert_at(HEADER_BYTES, &Entry::bytes(text));
    }

    /// Puts the string `text` behind all entries.
    pub fn push_back(&mut self, text: &[u8]) {
        self.insert_at(self.view().end(), &Entry::bytes(text));
    }

    /// Puts the decimal text of `integer` before all entries.
    pub fn push_front_integer(&mut self, integer: i64) {
        self.insert_at(HEADER_BYTES, &Entry::integer(integer));
    }

    /// Puts the decimal text of `integer` behind all entries.
    pub fn push_back_integer(&mut self, integer: i64) {
        self.insert_at(self.view().end(), &Entry::integer(integer));
    }

    /// Puts `value` before all entries.
    pub fn push_front_value(&mut self, value: ListpackValue<'_>) {
        self.insert_at(HEADER_BYTES, &Entry::value(value));
    }

    /// Puts `value` behind all entries.
    pub fn push_back_value(&mut self, value: ListpackValue<'_>) {
        self.insert_at(self.view().end(), &Entry::value(value));
    }

    /// Puts the string `text` before the entry at `position`, and returns where it is: the same position.
    pub fn insert_before(&mut self, position: Position, text: &[u8]) -> Position {
        self.insert_value_before(position, ListpackValue::Bytes(text))
    }

    /// Puts the string `text` behind the entry at `position`, and returns where it is.
    pub fn insert_after(&mut self, position: Position, text: &[u8]) -> Position {
        self.insert_value_after(position, ListpackValue::Bytes(text))
    }

    /// Puts `value` before the entry at `position`, and returns where it is: the same position.
    pub fn insert_value_before(&mut self, position: Position, value: ListpackValue<'_>) -> Position {
        self.insert_at(position.offset(), &Entry::value(value))
    }

    /// Puts `value` behind the entry at `position`, and returns where it is.
    pub fn insert_value_after(&mut self, position: Position, value: ListpackValue<'_>) -> Position {
        self.insert_at(self.view().offset_behind(position), &Entry::value(value))
    }

    /// Puts `values` in front of the entry at `position`, or behind all entries when it is `None`, with one
    /// reallocation. The values are gone through twice: for their size, then for their bytes. Returns where the first
    /// of them is, which is the position of what follows if there are none.
    pub fn insert_many<'a, I>(&mut self, position: Option<Position>, values: I) -> Position
    where
        I: IntoIterator<Item = ListpackValue<'a>>,
        I::IntoIter: Clone,
    {
        let at = position.map_or(self.view().end(), Position::offset);
        let values = values.into_iter();
        let (size, count) = values
            .clone()
            .fold((0, 0), |(size, count), value| (size + Entry::value(value).size(), count + 1));
        let mut gap = self.splice(at..at, size, 0, count);
        for entry in values.map(Entry::value) {
            let (output, rest) = gap.split_at_mut(entry.size());
            entry.write(output);
            gap = rest;
        }
        assert!(gap.is_empty(), "an iterator and its clone must give the same values");
        Position::new(at)
    }

    /// Puts the strings `texts` behind all entries, with one reallocation. They are gone through twice.
    pub fn append_many<'a, I>(&mut self, texts: I)
    where
        I: IntoIterator<Item = &'a [u8]>,
        I::IntoIter: Clone,
    {
        self.insert_many(None, texts.into_iter().map(ListpackValue::Bytes));
    }

    /// Replaces the entry at `position` with the string `text`. The position stays good.
    pub fn replace(&mut self, position: Position, text: &[u8]) {
        self.replace_entry(position, &Entry::bytes(text));
    }

    /// Replaces the entry at `position` with the decimal text of `integer`. The position stays good.
    pub fn replace_integer(&mut self, position: Position, integer: i64) {
        self.replace_entry(position, &Entry::integer(integer));
    }

    /// Replaces the entry at `position` with `value`. The position stays good.
    pub fn replace_value(&mut self, position: Position, value: ListpackValue<'_>) {
        self.replace_entry(position, &Entry::value(value));
    }

    /// Removes the entry at `position`, and returns where the one behind it is now.
    pub fn remove(&mut self, position: Position) -> Option<Position> {
        self.remove_bytes(position.offset()..self.view().offset_behind(position), 1)
    }

    /// Removes up to `count` entries from the one at `position` on, and returns where the one behind them is now.
    pub fn remove_many(&mut self, position: Position, count: usize) -> Option<Position> {
        let (span, removed) = self.span(position, count);
        self.remove_bytes(span, removed)
    }

    /// Removes the entries from the one at `from` up to, but without, the one at `to` (all behind when it is `None`),
    /// and returns where the one behind them is now.
    ///
    /// # Panics
    ///
    /// When `to` is before `from`.
    pub fn remove_between(&mut self, from: Position, to: Option<Position>) -> Option<Position> {
        let view = self.view();
        let span = from.offset()..to.map_or(view.end(), Position::offset);
        let removed = view.count_between(span.start, span.end);
        self.remove_bytes(span, removed)
    }

    /// Removes up to `count` entries from number `index` on, which counts as in [`seek`](Self::seek). Returns how many
    /// there were.
    pub fn remove_range(&mut self, index: i64, count: usize) -> usize {
        let Some(position) = self.seek(index) else { return 0 };
        let (span, removed) = self.span(position, count);
        self.remove_bytes(span, removed);
        removed
    }

    /// Removes all entries from number `index` on and returns them. Nothing is moved if there are not that many.
    #[must_use]
    pub fn split_off(&mut self, index: usize) -> Self {
        let Some(position) = i64::try_from(index).ok().and_then(|index| self.seek(index)) else {
            return Self::new();
        };
        let span = position.offset()..self.view().end();
        let count = self.view().count_between(span.start, span.end);
        let mut tail = Self::new();
        tail.splice(HEADER_BYTES..HEADER_BYTES, span.len(), 0, count)
            .copy_from_slice(&self.bytes[span.clone()]);
        self.remove_bytes(span, count);
        tail
    }

    /// Puts all entries of `other` behind those here.
    pub fn merge(&mut self, other: ListpackRef<'_>) {
        let end = self.view().end();
        self.merge_at(end, other);
    }

    /// Puts all entries of `other` before those here.
    pub fn merge_front(&mut self, other: ListpackRef<'_>) {
        self.merge_at(HEADER_BYTES, other);
    }

    fn merge_at(&mut self, at: usize, other: ListpackRef<'_>) {
        let entries = &other.bytes[HEADER_BYTES..other.end()];
        self.splice(at..at, entries.len(), 0, other.len()).copy_from_slice(entries);
    }

    fn insert_at(&mut self, at: usize, entry: &Entry<'_>) -> Position {
        entry.write(self.splice(at..at, entry.size(), 0, 1));
        Position::new(at)
    }

    fn replace_entry(&mut self, position: Position, entry: &Entry<'_>) {
        let span = position.offset()..self.view().offset_behind(position);
        let gap = if span.len() == entry.size() {
            &mut self.bytes[span]
        } else {
            self.splice(span, entry.size(), 1, 1)
        };
        entry.write(gap);
    }

    /// The bytes of up to `count` entries from the one at `position` on, and how many entries they are.
    fn span(&self, position: Position, count: usize) -> (Range<usize>, usize) {
        let view = self.view();
        let (mut end, mut found) = (position.offset(), 0);
        while found < count && end < view.end() {
            end = view.offset_behind(Position::new(end));
            found += 1;
        }
        (position.offset()..end, found)
    }

    fn remove_bytes(&mut self, span: Range<usize>, removed: usize) -> Option<Position> {
        let start = span.start;
        if !span.is_empty() {
            self.splice(span, 0, removed, 0);
        }
        (start < self.view().end()).then(|| Position::new(start))
    }

    /// Puts a gap of `size` bytes in the place of `span`, and the header right: `removed` entries were in the span,
    /// `added` will be in the gap, which the caller fills.
    fn splice(&mut self, span: Range<usize>, size: usize, removed: usize, added: usize) -> &mut [u8] {
        let old_size = self.bytes.len();
        assert!(
            HEADER_BYTES <= span.start && span.start <= span.end && span.end < old_size,
            "bytes {span:?} are no entries of a listpack of {old_size}"
        );
        let new_size = old_size - span.len() + size;
        let declared = u32::try_from(new_size).expect("a listpack has less than 4 GiB");
        let gap = span.start..span.start + size;
        let mut bytes = mem::take(&mut self.bytes).into_vec();
        if new_size > old_size {
            bytes.reserve_exact(new_size - old_size);
            bytes.resize(new_size, TERMINATOR);
        }
        bytes.copy_within(span.end..old_size, gap.end);
        // Gives back what is no longer needed; in the other case length and capacity agree already.
        bytes.truncate(new_size);
        self.bytes = bytes.into_boxed_slice();
        self.bytes[..4].copy_from_slice(&declared.to_le_bytes());
        let stored = self.view().stored_count();
        if stored != COUNT_UNKNOWN {
            let count = u16::try_from(usize::from(stored) - removed + added).unwrap_or(COUNT_UNKNOWN);
            self.bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        }
        &mut self.bytes[gap]
    }
}
