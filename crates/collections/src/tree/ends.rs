//! Changing the outermost leaves: one way down, without choosing, counting or dividing.

use super::edit::subtree_bytes;
use super::node::{Node, leaf_bytes};
use super::{Leaf, Tree};

impl<L: Leaf> Tree<L> {
    /// Changes the first leaf. It is neither divided nor united with another, but goes when it has become empty and is
    /// not the only one.
    pub(crate) fn edit_first<R>(&mut self, edit: impl FnOnce(&mut L) -> R) -> R {
        self.edit_end(false, edit)
    }

    /// The same for the last leaf.
    pub(crate) fn edit_last<R>(&mut self, edit: impl FnOnce(&mut L) -> R) -> R {
        self.edit_end(true, edit)
    }

    fn edit_end<R>(&mut self, at_end: bool, edit: impl FnOnce(&mut L) -> R) -> R {
        let mut walk = Walk { at_end, bytes: &mut self.bytes, copied_bytes: &mut self.copied_bytes };
        let (result, before, after) = walk.visit(&mut self.root, edit);
        self.len = self.len + after - before;
        if after == 0 {
            self.shrink();
        }
        result
    }
}

/// What an edit needs all the way down.
struct Walk<'w> {
    at_end: bool,
    bytes: &'w mut usize,
    copied_bytes: &'w mut usize,
}

impl Walk<'_> {
    /// Gives also how many elements the leaf had before and has afterwards.
    fn visit<L: Leaf, R>(&mut self, node: &mut Node<L>, edit: impl FnOnce(&mut L) -> R) -> (R, usize, usize) {
        match node {
            Node::Leaf(leaf) => {
                // A copy may have been allocated more tightly.
                let (before, bytes_before) = (leaf.len(), leaf_bytes(&**leaf));
                let leaf = Node::leaf_mut(leaf, self.copied_bytes);
                let result = edit(leaf);
                *self.bytes = *self.bytes + leaf_bytes(leaf) - bytes_before;
                (result, before, leaf.len())
            }
            Node::Inner(inner) => {
                let inner = Node::inner_mut(inner, self.copied_bytes);
                let child = if self.at_end { inner.children.len() - 1 } else { 0 };
                let (result, before, after) = self.visit(&mut inner.children[child], edit);
                inner.lens[child] = inner.lens[child] + after - before;
                // An only child stays until this node itself is given up.
                if inner.lens[child] == 0 && inner.children.len() > 1 {
                    *self.bytes -= subtree_bytes(&inner.children[child]);
                    inner.remove(child);
                }
                (result, before, after)
            }
        }
    }
}
