//! A long list: a tree of nodes, in which an element is found by its index.

use std::ops::Range;

use lastsave_listpack::Listpack;

use super::compression;
use super::element::{ListElement, ListEnd, NewElement, OwnedElement};
use super::limits::{ListLimits, NodeLimit};
use super::matches::{self, Matches};
use super::node::Node;
use crate::tree::{Leaf as _, Tree};

/// The tree and the settings that the list was made with, which it keeps.
#[derive(Debug, Clone)]
pub(super) struct Quicklist {
    pub(super) tree: Tree<Node>,
    pub(super) limit: NodeLimit,
    pub(super) listpack_size: i32,
    pub(super) compress_depth: u32,
}

impl Quicklist {
    /// A list of the elements of a listpack, in one node.
    pub(super) fn from_listpack(listpack: Listpack, limits: &ListLimits) -> Self {
        Self::from_node(Node::plain_packed(listpack), limits)
    }

    pub(super) fn from_node(node: Node, limits: &ListLimits) -> Self {
        Self {
            tree: Tree::new(node),
            limit: limits.node(),
            listpack_size: limits.listpack_size,
            compress_depth: limits.compress_depth,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// The only node, if there is just one.
    pub(super) fn only_node(&self) -> Option<&Node> {
        let first = self.tree.first_leaf();
        (first.len() == self.len()).then_some(first)
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, end: ListEnd, element: NewElement<'_>) {
        let limit = self.limit;
        let bytes = element.as_bytes();
        let push = |node: &mut Node| {
            if !node.has_room(bytes.len(), &limit) {
                return false;
            }
            let Some(listpack) = node.listpack_mut() else { return false };
            match end {
                ListEnd::Left => listpack.push_front(bytes),
                ListEnd::Right => listpack.push_back(bytes),
            }
            true
        };
        let is_done = match end {
            ListEnd::Left => self.tree.edit_first(push),
            ListEnd::Right => self.tree.edit_last(push),
        };
        if !is_done {
            self.push_node(end, Node::of(element, &limit));
        }
    }

    /// Adds a node at an end.
    pub(super) fn push_node(&mut self, end: ListEnd, node: Node) {
        match end {
            _ if self.tree.len() == 0 => self.tree = Tree::new(node),
            ListEnd::Left => self.tree.push_leaf_front(node),
            ListEnd::Right => self.tree.push_leaf_back(node),
        }
        compression::settle(self, if end == ListEnd::Left { 0 } else { self.len() });
    }

    /// Takes the element at an end.
    pub(super) fn pop(&mut self, end: ListEnd) -> Option<OwnedElement> {
        if self.tree.len() == 0 {
            return None;
        }
        let mut is_node_gone = false;
        let pop = |node: &mut Node| {
            is_node_gone = node.len() == 1;
            take_end(node, end)
        };
        let popped = match end {
            ListEnd::Left => self.tree.edit_first(pop),
            ListEnd::Right => self.tree.edit_last(pop),
        };
        if is_node_gone {
            compression::settle(self, if end == ListEnd::Left { 0 } else { self.len() });
        }
        Some(popped)
    }

    /// Puts an element before the one at `index`, which is at most the length.
    pub(super) fn insert(&mut self, index: usize, element: NewElement<'_>) {
        if index == 0 {
            return self.push(ListEnd::Left, element);
        }
        if index == self.len() {
            return self.push(ListEnd::Right, element);
        }
        let (limit, bytes) = (self.limit, element.as_bytes());
        let (node, offset) = self.tree.leaf_at(index);
        let has_room = node.has_room(bytes.len(), &limit);
        if offset == 0 && self.tree.leaf_at(index - 1).0.has_room(bytes.len(), &limit) {
            // Between two nodes the one before is filled first.
            self.tree.divide_at(&limit, index - 1, |node, _| {
                let listpack = node.listpack_mut().expect("a large node has no room");
                listpack.push_back(bytes);
                ((), None)
            });
        } else if has_room {
            self.tree.divide_at(&limit, index, |node, offset| (insert_into(node, offset, bytes), None));
        } else {
            if offset > 0 {
                self.tree.divide_at(&limit, index, |node, offset| {
                    let listpack = node.listpack_mut().expect("a large node has one element");
                    let upper = listpack.split_off(offset);
                    ((), Some(Node::packed(upper, &limit)))
                });
            }
            // Now the element belongs between two nodes.
            self.tree.divide_at(&limit, index - 1, |node, _| {
                if node.has_room(bytes.len(), &limit)
                    && let Some(listpack) = node.listpack_mut()
                {
                    listpack.push_back(bytes);
                    return ((), None);
                }
                ((), Some(Node::of(element, &limit)))
            });
        }
        compression::settle(self, index);
    }

    /// Puts an element in the place of the one at `index`, which is below the length.
    pub(super) fn replace(&mut self, index: usize, element: NewElement<'_>) {
        let (limit, bytes) = (self.limit, element.as_bytes());
        let (node, _) = self.tree.leaf_at(index);
        if limit.is_large(bytes.len()) && node.len() > 1 {
            let is_last = index + 1 == self.len();
            self.remove(index..index + 1);
            return if is_last { self.push(ListEnd::Right, element) } else { self.insert(index, element) };
        }
        self.tree.edit_at(&limit, index, |node, offset| {
            if node.len() == 1 {
                *node = Node::of(element, &limit);
                return;
            }
            let listpack = node.listpack_mut().expect("a large node has one element");
            let position = listpack.seek(offset as i64).expect("the index is below the count");
            listpack.replace(position, bytes);
        });
        compression::settle(self, index);
    }

    /// Removes the elements of a range that lies within the list.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        let limit = self.limit;
        let mut left = range.len();
        while left > 0 {
            let removed = self.tree.edit_at(&limit, range.start, |node, offset| {
                let count = left.min(node.len() - offset);
                if count == node.len() {
                    *node = Node::plain_packed(Listpack::new());
                } else if let Some(listpack) = node.listpack_mut() {
                    listpack.remove_range(offset as i64, count);
                }
                count
            });
            left -= removed;
        }
        compression::settle(self, range.start);
    }

    /// Removes up to `limit` elements that are `element`, from one end on. Gives how many there were.
    pub(super) fn remove_matches(&mut self, wanted: &Matches<'_>, from: ListEnd, count_max: usize) -> usize {
        let (limit, mut removed) = (self.limit, 0);
        // Where the elements begin, or end, that were not looked at yet.
        let mut at = if from == ListEnd::Left { 0 } else { self.len() };
        while removed < count_max && if from == ListEnd::Left { at < self.len() } else { at > 0 } {
            let inside = if from == ListEnd::Left { at } else { at - 1 };
            let (node, offset) = self.tree.leaf_at(inside);
            let start = inside - offset;
            let looked_at = if from == ListEnd::Left { offset..node.len() } else { 0..offset + 1 };
            let len = node.len();
            let found = matches::count(&node.content(), wanted, looked_at.clone(), count_max - removed);
            if found > 0 {
                self.tree.edit_at(&limit, inside, |node, _| {
                    matches::remove(node, wanted, looked_at, from, found);
                });
                compression::settle(self, start);
            }
            removed += found;
            at = if from == ListEnd::Left { start + len - found } else { start };
        }
        removed
    }

    /// Gives the elements from `start` on, or from `start` backwards, to `look` until it gives false.
    pub(super) fn visit(
        &self,
        start: usize,
        is_backwards: bool,
        look: &mut impl FnMut(ListElement<'_>) -> bool,
    ) {
        if self.tree.len() == 0 {
            return;
        }
        let mut cursor = self.tree.cursor_at(start);
        let offset = start - cursor.before();
        let content = cursor.leaf().content();
        let first = if is_backwards { 0..offset + 1 } else { offset..cursor.leaf().len() };
        let mut goes_on = super::visit_content(&content, first, is_backwards, look);
        while goes_on && if is_backwards { cursor.move_previous() } else { cursor.move_next() } {
            let content = cursor.leaf().content();
            goes_on = super::visit_content(&content, 0..cursor.leaf().len(), is_backwards, look);
        }
    }
}

fn take_end(node: &mut Node, end: ListEnd) -> OwnedElement {
    if let Node::Large(bytes) = node {
        let bytes = std::mem::take(bytes);
        *node = Node::plain_packed(Listpack::new());
        return OwnedElement::Shared(bytes);
    }
    let listpack = node.listpack_mut().expect("a large node was treated above");
    super::take_end(listpack, end).expect("no node is empty")
}

fn insert_into(node: &mut Node, offset: usize, bytes: &[u8]) {
    let listpack = node.listpack_mut().expect("a large node has no room");
    let position = listpack.seek(offset as i64).expect("the index is below the count");
    listpack.insert_before(position, bytes);
}
