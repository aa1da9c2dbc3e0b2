//! The nodes of a stream: runs of entries, packed exactly as Redis packs them, so that they go to files as they are.
//!
//! A node is a listpack. It begins with the *master entry*: number of live entries, number of deleted ones, the number
//! of fields of the node's first entry, these fields, and 0. Each entry is: flags, the differences of its id to the
//! node's own id (time and sequence number), then its values if it has the fields of the master entry
//! ([`SAME_FIELDS`]), else the number of its fields and fields and values in turn; at the end the number of listpack
//! elements before, which serves to walk backwards. A deleted entry stays with a flag ([`DELETED`]) until its node goes.

use lastsave_listpack::{Listpack, ListpackBuilder, ListpackRef, ListpackValue, Position};
use smallvec::SmallVec;

use super::id::StreamId;
use crate::tree::{Leaf, Place};

/// Flag of an entry that was deleted.
pub(super) const DELETED: i64 = 1;
/// Flag of an entry that has the fields of the master entry.
pub(super) const SAME_FIELDS: i64 = 2;
/// Elements of an entry besides fields and values: flags, two differences.
const FIXED_ELEMENTS: i64 = 3;
/// A node is never asked to grow beyond this.
pub(super) const NODE_BYTES_MAX: usize = 1 << 30;

/// How big nodes may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// `stream-node-max-bytes`: bytes from which on a node takes no more entries; 0 for no limit.
    pub node_bytes_max: usize,
    /// `stream-node-max-entries`: most entries of a node, deleted ones included; 0 for no limit.
    pub node_entries_max: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { node_bytes_max: 4096, node_entries_max: 100 }
    }
}

/// A run of entries.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What the ids of the entries are relative to: the id of the first one that the node had.
    pub(super) id: StreamId,
    listpack: Listpack,
}

/// The numbers at the beginning of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct MasterEntry {
    pub(super) deleted: u64,
    pub(super) field_count: usize,
    /// Where its first field is, or, without fields, the 0 behind them.
    pub(super) fields: Position,
}

fn integer(value: ListpackValue<'_>) -> i64 {
    value.parse_integer().expect("the structure of nodes was checked")
}

impl Node {
    /// The node of a stream without entries.
    pub(super) fn empty() -> Self {
        Self { id: StreamId::MIN, listpack: Listpack::new() }
    }

    /// A node with one entry.
    pub(super) fn with_entry<'f>(
        id: StreamId,
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) -> Self {
        let count = fields.len() as i64;
        // Most elements have two bytes besides their text.
        let text: usize = fields.clone().map(|(field, value)| field.len() + value.len() + 4).sum();
        let mut builder = ListpackBuilder::with_capacity(text + 32);
        [1, 0, count].into_iter().for_each(|number| builder.push_integer(number));
        fields.clone().for_each(|(field, _)| builder.push(field));
        [0, SAME_FIELDS, 0, 0].into_iter().for_each(|number| builder.push_integer(number));
        fields.for_each(|(_, value)| builder.push(value));
        builder.push_integer(count + FIXED_ELEMENTS);
        Self { id, listpack: builder.finish() }
    }

    /// A node as it was read.
    pub(super) fn from_listpack(id: StreamId, listpack: Listpack) -> Self {
        Self { id, listpack }
    }

    /// Entries that are not deleted.
    #[inline]
    pub(super) fn live_len(&self) -> usize {
        let view = self.view();
        let live = view.first().map_or(0, |first| integer(view.get(first)));
        usize::try_from(live).expect("the structure of nodes was checked")
    }

    pub(super) fn view(&self) -> ListpackRef<'_> {
        self.listpack.view()
    }

    /// The numbers at the beginning. The node has entries.
    pub(super) fn master_entry(&self) -> MasterEntry {
        let mut elements = self.view().entries().skip(1);
        let mut number = || elements.next().map_or(0, |(_, value)| integer(value));
        let (deleted, field_count) = (number() as u64, number() as usize);
        let (fields, _) = elements.next().expect("a master entry ends with 0");
        MasterEntry { deleted, field_count, fields }
    }

    /// Whether an entry with this many bytes in fields and values may be added.
    pub(super) fn takes(&self, text_bytes: usize, limits: &StreamLimits) -> bool {
        let bytes_max = match limits.node_bytes_max {
            0 => NODE_BYTES_MAX,
            bytes => bytes.min(NODE_BYTES_MAX),
        };
        let live = self.live_len();
        live > 0
            && self.listpack.byte_len() + text_bytes < bytes_max
            && (limits.node_entries_max == 0
                || (live as u64).saturating_add(self.master_entry().deleted) < limits.node_entries_max)
    }

    /// Adds an entry behind all others.
    pub(super) fn append<'f>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) {
        let master = self.master_entry();
        let count = fields.len();
        let same_fields = count == master.field_count && {
            let names = self.view().iter_from(master.fields);
            fields.clone().zip(names).all(|((field, _), name)| name.eq_bytes(field))
        };
        let mut elements: SmallVec<[ListpackValue<'_>; 24]> = SmallVec::new();
        let flags = if same_fields { SAME_FIELDS } else { 0 };
        let (ms, seq) = (id.ms.wrapping_sub(self.id.ms), id.seq.wrapping_sub(self.id.seq));
        elements.extend([flags, ms as i64, seq as i64].map(ListpackValue::Integer));
        if !same_fields {
            elements.push(ListpackValue::Integer(count as i64));
        }
        for (field, value) in fields {
            if !same_fields {
                elements.push(ListpackValue::Bytes(field));
            }
            elements.push(ListpackValue::Bytes(value));
        }
        elements.push(ListpackValue::Integer(elements.len() as i64));
        self.listpack.insert_many(None, elements.iter().copied());
        self.store_counts(self.live_len() + 1, master.deleted);
    }

    /// Marks the entries at these places, which are in order and not deleted, as deleted. Without live entries the node
    /// becomes empty.
    pub(super) fn delete(&mut self, flags: &[Position]) {
        let live = self.live_len();
        assert!(flags.len() <= live, "only live entries are deleted");
        if live == flags.len() {
            *self = Self::empty();
            return;
        }
        // From the end, so that the other positions stay good whatever the width of flags.
        for position in flags.iter().rev() {
            let with_flag = integer(self.listpack.get(*position)) | DELETED;
            self.listpack.replace_integer(*position, with_flag);
        }
        let deleted = self.master_entry().deleted;
        self.store_counts(live - flags.len(), deleted + flags.len() as u64);
    }

    fn store_counts(&mut self, live: usize, deleted: u64) {
        let first = self.listpack.first().expect("a node has a master entry");
        self.listpack.replace_integer(first, live as i64);
        let second = self.listpack.next(first).expect("a node has a master entry");
        if integer(self.listpack.get(second)) as u64 != deleted {
            self.listpack.replace_integer(second, deleted as i64);
        }
    }
}

impl Leaf for Node {
    type Key = StreamId;
    type Limits = ();

    #[inline]
    fn len(&self) -> usize {
        self.live_len()
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.listpack.byte_len()
    }

    fn lower_bound(&self) -> StreamId {
        self.id
    }

    fn is_over(&self, (): &()) -> bool {
        false
    }

    fn is_under(&self, (): &()) -> bool {
        false
    }

    fn split(&mut self, _place: Place, (): &()) -> Option<Self> {
        None
    }

    fn can_absorb(&self, _next: &Self, (): &()) -> bool {
        false
    }

    fn absorb(&mut self, _next: &Self) {
        unreachable!("nodes are never united")
    }
}
