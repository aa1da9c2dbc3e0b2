//! Keeping the inner nodes of a list compressed, and those at its ends not.

use super::quicklist::Quicklist;
use crate::tree::Leaf as _;

/// Looks at the nodes around a change, at most.
const PASSES_MAX: usize = 4;

/// Brings the nodes in order after a change around the element at `at`: `compress_depth` nodes at each end are
/// uncompressed, all others compressed.
pub(super) fn settle(list: &mut Quicklist, at: usize) {
    if list.compress_depth == 0 {
        return;
    }
    // A node that changes its size may be joined with a neighbour, which makes one more to look at.
    for _ in 0..PASSES_MAX {
        if list.len() == 0 || !settle_once(list, at) {
            return;
        }
    }
}

/// One look at the nodes around `at` and at the ends; gives whether something had to be done.
fn settle_once(list: &mut Quicklist, at: usize) -> bool {
    let window = ends(list);
    let mut has_changed = !window.compressed.is_empty();
    for index in window.compressed {
        list.tree.edit_at(&list.limit, index, |node, _| {
            node.listpack_mut();
        });
    }
    if window.start >= window.end {
        return has_changed;
    }
    // The nodes that have just come to lie inside, and those at the place of the change.
    let around = around(list, at);
    for index in [window.start, window.end - 1].into_iter().chain(around) {
        if index < window.start || index >= window.end {
            continue;
        }
        let (node, _) = list.tree.leaf_at(index);
        if node.is_worth_compressing() {
            list.tree.edit_at(&list.limit, index, |node, _| node.compress());
            has_changed = true;
        }
    }
    has_changed
}

/// What lies between the outer nodes.
struct Window {
    /// The first element inside.
    start: usize,
    /// Behind the last element inside.
    end: usize,
    /// An element of each outer node that is compressed.
    compressed: Vec<usize>,
}

fn ends(list: &Quicklist) -> Window {
    let depth = list.compress_depth as usize;
    let mut window = Window { start: 0, end: list.len(), compressed: Vec::new() };
    let mut cursor = list.tree.cursor_at(0);
    for step in 0..depth {
        if step > 0 && !cursor.move_next() {
            break;
        }
        window.start = cursor.before() + cursor.leaf().len();
        if is_compressed(cursor.leaf()) {
            window.compressed.push(cursor.before());
        }
    }
    let mut cursor = list.tree.cursor_at(list.len() - 1);
    for step in 0..depth {
        if step > 0 && !cursor.move_previous() {
            break;
        }
        window.end = cursor.before();
        if is_compressed(cursor.leaf()) && cursor.before() >= window.start {
            window.compressed.push(cursor.before());
        }
    }
    window
}

fn is_compressed(node: &super::node::Node) -> bool {
    matches!(node, super::node::Node::Compressed(_))
}

/// An element of each node that a change around the element at `at` can have made or grown.
fn around(list: &Quicklist, at: usize) -> Vec<usize> {
    let mut cursor = list.tree.cursor_at(at.min(list.len() - 1));
    let mut next = cursor.clone();
    let mut elements = vec![cursor.before()];
    for _ in 0..2 {
        if next.move_next() {
            elements.push(next.before());
        }
        if cursor.move_previous() {
            elements.push(cursor.before());
        }
    }
    elements
}
