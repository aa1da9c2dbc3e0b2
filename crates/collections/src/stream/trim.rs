//! Removing entries: single ones, and the oldest ones.

use lastsave_listpack::Position;

use super::Stream;
use super::entry::NodeCursor;
use super::id::StreamId;
use super::node::Node;

/// Which entries are to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// The newest, this many.
    MaxLen(u64),
    /// Those whose id is not below this one.
    MinId(StreamId),
}

impl Stream {
    /// Removes an entry. Gives whether there was one with this id.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let node = self.body().nodes.leaf_by(|bound| *bound <= id);
        let Some(position) = position_of(node, id) else { return false };
        let is_last_of_node = node.live_len() == 1;
        let body = self.body_mut();
        body.nodes.edit_by(&(), |bound| *bound <= id, |node| node.delete(&[position]));
        if is_last_of_node {
            body.node_count -= 1;
        }
        body.max_deleted_id = body.max_deleted_id.max(id);
        if id == body.first_id {
            self.find_first_id();
        }
        true
    }

    /// Removes the oldest entries. Gives their number. Ids of entries removed in this way do not count as deleted.
    ///
    /// If `is_approximate` is set, only whole nodes are removed. When a node would bring the number above `limit` (0 for
    /// no limit), it and all others stay.
    pub fn trim(&mut self, trim: Trim, is_approximate: bool, limit: u64) -> u64 {
        let mut removed = 0;
        loop {
            let (node, len) = (self.body().nodes.first_leaf(), self.length());
            let live = node.live_len() as u64;
            let is_enough = match trim {
                Trim::MaxLen(len_max) => len <= len_max,
                Trim::MinId(_) => live == 0,
            };
            if is_enough || (limit > 0 && removed + live > limit) {
                break;
            }
            let goes = match trim {
                Trim::MaxLen(len_max) => len - live >= len_max,
                Trim::MinId(id) => NodeCursor::new(node).backward().is_none_or(|last| last.entry.id < id),
            };
            if goes {
                let body = self.body_mut();
                body.nodes.edit_first(|node| *node = Node::empty());
                body.node_count -= 1;
                removed += live;
                continue;
            }
            if !is_approximate {
                removed += self.trim_first_node(trim);
            }
            break;
        }
        if removed > 0 {
            self.find_first_id();
        }
        removed
    }

    /// Removes entries from the first node, some of which stay.
    fn trim_first_node(&mut self, trim: Trim) -> u64 {
        let node = self.body().nodes.first_leaf();
        let mut cursor = NodeCursor::new(node);
        let mut positions: Vec<Position> = Vec::new();
        while let Some(found) = cursor.forward() {
            let stays = match trim {
                Trim::MaxLen(len_max) => self.length() - positions.len() as u64 <= len_max,
                Trim::MinId(id) => found.entry.id >= id,
            };
            if stays {
                break;
            }
            if !found.is_deleted {
                positions.push(found.position);
            }
        }
        if !positions.is_empty() {
            let is_emptied = positions.len() == node.live_len();
            let body = self.body_mut();
            body.nodes.edit_first(|node| node.delete(&positions));
            if is_emptied {
                body.node_count -= 1;
            }
        }
        positions.len() as u64
    }
}

/// Where in the node the live entry with this id is.
fn position_of(node: &Node, id: StreamId) -> Option<Position> {
    let mut cursor = NodeCursor::new(node);
    while let Some(found) = cursor.forward() {
        if found.entry.id >= id {
            return (found.entry.id == id && !found.is_deleted).then_some(found.position);
        }
    }
    None
}
