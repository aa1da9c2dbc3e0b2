//! Streams: entries by id, and the consumer groups that read them.
//!
//! Entries lie in nodes that are exactly those of Redis, in a tree that is copied on write; groups, consumers and the
//! lists of pending entries are maps in such trees as well. A change of one of two clones copies one path in each tree
//! that it changes, whatever the number of entries, groups, consumers and pending entries.

mod count;
mod entry;
mod group;
mod id;
mod node;
mod range;
mod trim;

pub use entry::{Entry, EntryFields};
pub use group::{Consumer, ConsumerNumber, Group, Pending};
pub use id::StreamId;
pub use node::StreamLimits;
pub use range::Range;
pub use trim::Trim;

use lastsave_listpack::{Listpack, ListpackRef};
use triomphe::Arc;

use crate::collection::{Collection, CollectionEncoding};
use crate::ordered::OrderedMap;
use crate::tree::Tree;
use entry::NodeCursor;
use group::Name;
use node::{NODE_BYTES_MAX, Node};

/// Most bytes of the fields and values of one entry.
pub const ENTRY_BYTES_MAX: usize = NODE_BYTES_MAX;

/// A stream. Cloning it is O(1).
#[derive(Debug, Clone)]
pub struct Stream(Arc<Body>);

const _: () = assert!(size_of::<Stream>() <= 16);

#[derive(Debug, Clone)]
struct Body {
    nodes: Tree<Node>,
    /// Nodes with entries.
    node_count: usize,
    /// The id of the first entry; 0-0 without entries.
    first_id: StreamId,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    groups: OrderedMap<Name, Group>,
    copied_bytes: usize,
}

/// A node as it is read and written: some consecutive entries, packed as in Redis.
#[derive(Debug, Clone, Copy)]
pub struct StreamNode<'a> {
    /// What the ids inside are relative to.
    pub id: StreamId,
    /// The packed entries.
    pub listpack: ListpackRef<'a>,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream {
    /// A stream without entries and groups.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Body {
            nodes: Tree::new(Node::empty()),
            node_count: 0,
            first_id: StreamId::MIN,
            last_id: StreamId::MIN,
            max_deleted_id: StreamId::MIN,
            entries_added: 0,
            groups: OrderedMap::default(),
            copied_bytes: 0,
        }))
    }

    /// A stream of nodes that were checked to be good: structure, order within and between nodes. [`Self::set_ids`] is to
    /// follow.
    pub fn from_nodes(nodes: impl IntoIterator<Item = (StreamId, Listpack)>) -> Self {
        let mut stream = Self::new();
        let body = stream.body_mut();
        for (id, listpack) in nodes {
            let node = Node::from_listpack(id, listpack);
            if node.live_len() > 0 {
                push_node(body, node);
            }
        }
        stream.find_first_id();
        stream
    }

    fn body(&self) -> &Body {
        &self.0
    }

    fn body_mut(&mut self) -> &mut Body {
        if Arc::strong_count(&self.0) > 1 {
            let body = Arc::make_mut(&mut self.0);
            body.copied_bytes += size_of::<Body>();
            return body;
        }
        Arc::make_mut(&mut self.0)
    }

    /// Number of entries.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.nodes.len() as u64
    }

    /// Number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.0.node_count
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = StreamNode<'_>> {
        let leaves = self.0.nodes.leaves().filter(|node| node.live_len() > 0);
        leaves.map(|node| StreamNode { id: node.id, listpack: node.view() })
    }

    /// The id of the first entry; 0-0 without entries.
    #[must_use]
    pub fn first_id(&self) -> StreamId {
        self.0.first_id
    }

    /// The greatest id that was ever given to an entry, or was set.
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.0.last_id
    }

    /// The greatest id of an entry that was deleted other than by trimming; 0-0 for none.
    #[must_use]
    pub fn max_deleted_id(&self) -> StreamId {
        self.0.max_deleted_id
    }

    /// Number of entries ever added, or set.
    #[must_use]
    pub fn entries_added(&self) -> u64 {
        self.0.entries_added
    }

    /// Sets what a stream knows about its past.
    pub fn set_ids(&mut self, last_id: StreamId, max_deleted_id: StreamId, entries_added: u64) {
        let body = self.body_mut();
        body.last_id = last_id;
        body.max_deleted_id = max_deleted_id;
        body.entries_added = entries_added;
    }

    /// Adds an entry. Its id is greater than [`Self::last_id`], its text has at most [`ENTRY_BYTES_MAX`] bytes.
    ///
    /// # Panics
    /// When the id is not greater.
    pub fn append<'f>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: &StreamLimits,
    ) {
        assert!(id > self.last_id(), "ids grow");
        let text_bytes = fields.clone().map(|(field, value)| field.len() + value.len()).sum();
        let body = self.body_mut();
        if body.nodes.last_leaf().takes(text_bytes, limits) {
            body.nodes.edit_last(|node| node.append(id, fields));
        } else {
            push_node(body, Node::with_entry(id, fields));
        }
        body.entries_added = body.entries_added.wrapping_add(1);
        body.last_id = id;
        if body.nodes.len() == 1 {
            body.first_id = id;
        }
    }

    /// The entries whose ids are in a range, from the first or from the last.
    #[must_use]
    pub fn range(&self, start: StreamId, end: StreamId, is_reverse: bool) -> Range<'_> {
        Range::new(&self.0.nodes, start, end, is_reverse)
    }

    /// The entry with this id.
    #[must_use]
    pub fn entry(&self, id: StreamId) -> Option<Entry<'_>> {
        self.range(id, id, false).next()
    }

    /// The id of the last entry; nothing without entries.
    #[must_use]
    pub fn last_entry_id(&self) -> Option<StreamId> {
        self.range(StreamId::MIN, StreamId::MAX, true).next().map(|entry| entry.id)
    }

    /// The id of the first entry that is stored, be it deleted or not; nothing without entries.
    #[must_use]
    pub fn first_stored_id(&self) -> Option<StreamId> {
        NodeCursor::new(self.0.nodes.first_leaf()).forward().map(|found| found.entry.id)
    }

    /// Number of groups.
    #[must_use]
    pub fn groups_len(&self) -> usize {
        self.0.groups.len()
    }

    /// The groups with their names, ordered by name.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.0.groups.iter().map(|(name, group)| (std::borrow::Borrow::borrow(name), group))
    }

    /// The group with this name.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name)
    }

    /// Adds a group, unless there is one with this name. Gives whether it was added.
    pub fn create_group(&mut self, name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> bool {
        if self.group(name).is_some() {
            return false;
        }
        self.body_mut().groups.insert(Name::from(name), Group::new(last_id, entries_read));
        true
    }

    /// Removes a group. Gives whether there was one with this name.
    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        self.group(name).is_some() && self.body_mut().groups.remove(name).is_some()
    }

    /// Changes a group. Gives nothing when there is none with this name.
    pub fn edit_group<R>(&mut self, name: &[u8], edit: impl FnOnce(&mut Group) -> R) -> Option<R> {
        self.body_mut().groups.edit(name, edit)
    }

    /// Looks for the first entry after others have gone.
    fn find_first_id(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX, false).next().map(|entry| entry.id);
        self.body_mut().first_id = first.unwrap_or_default();
    }
}

/// Adds a node behind all others.
fn push_node(body: &mut Body, node: Node) {
    if body.node_count == 0 {
        // A tree keeps one leaf, which is empty now.
        body.nodes.edit_last(|leaf| *leaf = node);
    } else {
        body.nodes.push_leaf_back(node);
    }
    body.node_count += 1;
}

impl Collection for Stream {
    /// A stream without entries is a stream still.
    fn is_empty(&self) -> bool {
        false
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Body>() + self.0.nodes.heap_bytes() + self.0.groups.heap_bytes()
    }

    fn take_copied_bytes(&mut self) -> usize {
        // Only a body that is not shared can have been changed.
        let Some(body) = Arc::get_mut(&mut self.0) else { return 0 };
        body.nodes.take_copied_bytes()
            + body.groups.take_copied_bytes()
            + std::mem::take(&mut body.copied_bytes)
    }

    fn encoding(&self) -> CollectionEncoding {
        CollectionEncoding::Stream
    }
}

#[cfg(test)]
mod tests;
