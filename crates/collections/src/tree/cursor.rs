//! Walking from leaf to leaf.

use smallvec::SmallVec;

use super::Leaf;
use super::node::{Inner, Node};

/// A place in a tree: one of its leaves.
#[derive(Debug)]
pub(crate) struct Cursor<'a, L: Leaf> {
    /// The inner nodes from the root down, each with the child that was taken.
    path: SmallVec<[(&'a Inner<L>, usize); 6]>,
    leaf: &'a L,
    /// Elements before the leaf.
    before: usize,
}

impl<L: Leaf> Clone for Cursor<'_, L> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), leaf: self.leaf, before: self.before }
    }
}

impl<'a, L: Leaf> Cursor<'a, L> {
    pub(super) fn descend(root: &'a Node<L>, mut choose: impl FnMut(&Inner<L>) -> usize) -> Self {
        let mut path = SmallVec::new();
        let mut before = 0;
        let mut node = root;
        loop {
            match node {
                Node::Leaf(leaf) => return Self { path, leaf, before },
                Node::Inner(inner) => {
                    let child = choose(inner);
                    before += inner.lens[..child].iter().sum::<usize>();
                    path.push((inner, child));
                    node = &inner.children[child];
                }
            }
        }
    }

    /// The leaf.
    pub(crate) fn leaf(&self) -> &'a L {
        self.leaf
    }

    /// Number of elements before the leaf.
    pub(crate) fn before(&self) -> usize {
        self.before
    }

    /// Goes to the next leaf. Gives false, and stays, at the last one.
    pub(crate) fn move_next(&mut self) -> bool {
        let Some(level) = self.path.iter().rposition(|(inner, child)| child + 1 < inner.children.len())
        else {
            return false;
        };
        self.before += self.leaf.len();
        self.path.truncate(level + 1);
        self.path[level].1 += 1;
        self.leaf = self.descend_from(level, |_| 0);
        true
    }

    /// Goes to the leaf before. Gives false, and stays, at the first one.
    pub(crate) fn move_previous(&mut self) -> bool {
        let Some(level) = self.path.iter().rposition(|(_, child)| *child > 0) else { return false };
        self.path.truncate(level + 1);
        self.path[level].1 -= 1;
        self.leaf = self.descend_from(level, |inner| inner.children.len() - 1);
        self.before -= self.leaf.len();
        true
    }

    /// Extends the path below `level` down to a leaf.
    fn descend_from(&mut self, level: usize, choose: impl Fn(&Inner<L>) -> usize) -> &'a L {
        let (inner, child) = self.path[level];
        let mut node = &inner.children[child];
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => {
                    let child = choose(inner);
                    self.path.push((inner, child));
                    node = &inner.children[child];
                }
            }
        }
    }
}
