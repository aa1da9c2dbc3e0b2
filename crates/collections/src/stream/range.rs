//! Walking through the entries of a stream, in either direction.

use super::entry::{Entry, NodeCursor};
use super::id::StreamId;
use super::node::Node;
use crate::tree::{Cursor, Tree};

/// The entries of a stream with ids in a range, from its start or from its end.
#[derive(Debug, Clone)]
pub struct Range<'a> {
    cursor: Cursor<'a, Node>,
    node: NodeCursor<'a>,
    start: StreamId,
    end: StreamId,
    is_reverse: bool,
}

impl<'a> Range<'a> {
    pub(super) fn new(nodes: &'a Tree<Node>, start: StreamId, end: StreamId, is_reverse: bool) -> Self {
        let from = if is_reverse { end } else { start };
        let cursor = nodes.cursor_by(|id| *id <= from);
        let node = NodeCursor::new(cursor.leaf());
        Self { cursor, node, start, end, is_reverse }
    }

    fn next_in_node(&mut self) -> Option<super::entry::NodeEntry<'a>> {
        if self.is_reverse { self.node.backward() } else { self.node.forward() }
    }

    fn next_node(&mut self) -> bool {
        let goes_on = if self.is_reverse { self.cursor.move_previous() } else { self.cursor.move_next() };
        if goes_on {
            self.node = NodeCursor::new(self.cursor.leaf());
        }
        goes_on
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(found) = self.next_in_node() else {
                if self.next_node() {
                    continue;
                }
                return None;
            };
            let id = found.entry.id;
            let is_past = if self.is_reverse { id < self.start } else { id > self.end };
            if is_past {
                return None;
            }
            if !found.is_deleted && self.start <= id && id <= self.end {
                return Some(found.entry);
            }
        }
    }
}
