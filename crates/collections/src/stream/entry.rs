//! Reading entries of a node, from either end.

use lastsave_listpack::{ListpackRef, ListpackValue, Position};

use super::id::StreamId;
use super::node::{DELETED, Node, SAME_FIELDS};

/// An entry of a stream.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    /// Its fields with their values, in the order in which they were given.
    pub fields: EntryFields<'a>,
}

/// Fields with their values.
#[derive(Debug, Clone)]
pub struct EntryFields<'a> {
    /// The names, when they are those of the node's master entry.
    names: Option<lastsave_listpack::Iter<'a>>,
    values: lastsave_listpack::Iter<'a>,
    left: usize,
}

impl<'a> Iterator for EntryFields<'a> {
    type Item = (ListpackValue<'a>, ListpackValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let field = self.names.as_mut().unwrap_or(&mut self.values).next()?;
        Some((field, self.values.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for EntryFields<'_> {}

/// An entry in its node, deleted or not.
#[derive(Debug, Clone)]
pub(super) struct NodeEntry<'a> {
    /// Where its flags are.
    pub(super) position: Position,
    pub(super) is_deleted: bool,
    pub(super) entry: Entry<'a>,
}

/// Walks through the entries of a node, deleted ones included.
#[derive(Debug, Clone)]
pub(super) struct NodeCursor<'a> {
    view: ListpackRef<'a>,
    id: StreamId,
    /// Fields of the master entry.
    names: lastsave_listpack::Iter<'a>,
    name_count: usize,
    /// Where the flags of the next entry are when walking forwards.
    next: Option<Position>,
    /// The last element of the next entry when walking backwards.
    previous: Option<Position>,
}

impl<'a> NodeCursor<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        let view = node.view();
        if view.is_empty() {
            let names = view.iter();
            return Self { view, id: node.id, names, name_count: 0, next: None, previous: None };
        }
        let master = node.master_entry();
        let names = view.iter_from(master.fields);
        let mut elements = view.entries_from(master.fields).skip(master.field_count + 1);
        let next = elements.next().map(|(position, _)| position);
        Self { view, id: node.id, names, name_count: master.field_count, next, previous: view.last() }
    }

    /// The next entry.
    pub(super) fn forward(&mut self) -> Option<NodeEntry<'a>> {
        let (entry, next) = self.entry_at(self.next?);
        self.next = next;
        Some(entry)
    }

    /// The next entry from the end.
    pub(super) fn backward(&mut self) -> Option<NodeEntry<'a>> {
        let mut position = self.previous?;
        let elements = self.view.get(position).parse_integer()?;
        if elements <= 0 {
            // The end of the master entry.
            self.previous = None;
            return None;
        }
        for _ in 0..elements {
            position = self.view.prev(position)?;
        }
        self.previous = self.view.prev(position);
        Some(self.entry_at(position).0)
    }

    /// The entry whose flags are at `position`, and the position behind it.
    fn entry_at(&self, position: Position) -> (NodeEntry<'a>, Option<Position>) {
        let mut elements = self.view.entries_from(position);
        let mut number = || {
            let (_, value) = elements.next().expect("the structure of nodes was checked");
            value.parse_integer().expect("the structure of nodes was checked")
        };
        let flags = number();
        let ms = self.id.ms.wrapping_add(number() as u64);
        let seq = self.id.seq.wrapping_add(number() as u64);
        let (names, count) = if flags & SAME_FIELDS != 0 {
            (Some(self.names.clone()), self.name_count)
        } else {
            (None, number() as usize)
        };
        let skipped = if names.is_some() { count } else { count * 2 };
        let first = elements.clone().next().map_or(position, |(position, _)| position);
        let values = self.view.iter_from(first);
        // The number of elements stands behind the values.
        let next = elements.nth(skipped).and(elements.next()).map(|(position, _)| position);
        let fields = EntryFields { names, values, left: count };
        let entry = Entry { id: StreamId::new(ms, seq), fields };
        (NodeEntry { position, is_deleted: flags & DELETED != 0, entry }, next)
    }
}
