//! A counted B+tree that is copied on write, one path at a time.
//!
//! Elements lie in packed leaves ([`Leaf`]); inner nodes count what is below each child, so that an element is found by
//! its position as well as by its key. All nodes are reference counted: cloning a tree is O(1), and a change to one of
//! two clones copies the nodes on the path to the changed leaf that the other one still refers to, and nothing else.
//! Which order the elements have is the leaves' business: by hash, by score, by id, or only by position.

mod cursor;
mod edit;
mod ends;
mod node;

pub(crate) use cursor::Cursor;
pub(crate) use edit::Place;
use node::{Inner, Node, leaf_bytes};

use triomphe::Arc;

/// A bounded run of consecutive elements, packed in whatever way suits their type.
pub(crate) trait Leaf: Clone + std::fmt::Debug + Send + Sync {
    /// A lower bound for the elements of a leaf, above all elements of the leaf before it; `()` where only positions
    /// count.
    type Key: Clone + std::fmt::Debug + Send + Sync;

    /// Settings that say how big leaves may be.
    type Limits;

    /// Number of elements.
    fn len(&self) -> usize;

    /// Bytes allocated outside the leaf's own struct.
    fn heap_bytes(&self) -> usize;

    /// Bytes that a clone of the leaf allocates: less than [`Self::heap_bytes`] when it shares something.
    fn cloned_bytes(&self) -> usize {
        self.heap_bytes()
    }

    /// A key at or below the first element and above everything before it.
    fn lower_bound(&self) -> Self::Key;

    /// Whether the leaf is to be divided.
    fn is_over(&self, limits: &Self::Limits) -> bool;

    /// Whether the leaf is so small that it should be united with a neighbour.
    fn is_under(&self, limits: &Self::Limits) -> bool;

    /// Moves the upper elements into a new leaf; `None` if that cannot be done. `place` tells where in the whole tree
    /// the leaf is: elements that come in order leave full leaves behind when the ends are divided unevenly.
    fn split(&mut self, place: Place, limits: &Self::Limits) -> Option<Self>;

    /// Whether this leaf and the next fit into one with room to spare.
    fn can_absorb(&self, next: &Self, limits: &Self::Limits) -> bool;

    /// Appends the elements of the next leaf.
    fn absorb(&mut self, next: &Self);
}

/// The tree. It has at least one leaf, which may be empty.
#[derive(Debug)]
pub(crate) struct Tree<L: Leaf> {
    root: Node<L>,
    len: usize,
    bytes: usize,
    copied_bytes: usize,
}

impl<L: Leaf> Clone for Tree<L> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len, bytes: self.bytes, copied_bytes: 0 }
    }
}

impl<L: Leaf> Tree<L> {
    /// A tree with one leaf.
    pub(crate) fn new(leaf: L) -> Self {
        Self { len: leaf.len(), bytes: leaf_bytes(&leaf), root: Node::Leaf(Arc::new(leaf)), copied_bytes: 0 }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all nodes, those shared with clones included.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes copied because a clone shared them, since the last call.
    pub(crate) fn take_copied_bytes(&mut self) -> usize {
        std::mem::take(&mut self.copied_bytes)
    }

    /// The leaf that has the element at `index`, which is below the length, and the element's index in that leaf.
    pub(crate) fn leaf_at(&self, index: usize) -> (&L, usize) {
        let mut left = index;
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, left),
                Node::Inner(inner) => {
                    let child = inner.child_at(&mut left);
                    node = &inner.children[child];
                }
            }
        }
    }

    /// The last leaf of which `is_at_or_below` says that its key is at or below what is looked for; the first leaf if
    /// there is none.
    #[inline]
    pub(crate) fn leaf_by(&self, is_at_or_below: impl Fn(&L::Key) -> bool) -> &L {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => node = &inner.children[inner.child_by(&is_at_or_below)],
            }
        }
    }

    /// The same with the number of elements before that leaf.
    pub(crate) fn ranked_leaf_by(&self, is_at_or_below: impl Fn(&L::Key) -> bool) -> (&L, usize) {
        let mut before = 0;
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, before),
                Node::Inner(inner) => {
                    let child = inner.child_by(&is_at_or_below);
                    before += inner.lens[..child].iter().sum::<usize>();
                    node = &inner.children[child];
                }
            }
        }
    }

    /// The first leaf.
    pub(crate) fn first_leaf(&self) -> &L {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => node = &inner.children[0],
            }
        }
    }

    /// The last leaf.
    pub(crate) fn last_leaf(&self) -> &L {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => node = inner.children.last().expect("an inner node has children"),
            }
        }
    }

    /// A cursor at the leaf that has the element at `index`, or at the last leaf.
    pub(crate) fn cursor_at(&self, index: usize) -> Cursor<'_, L> {
        let mut left = index;
        Cursor::descend(&self.root, |inner| inner.child_at(&mut left))
    }

    /// A cursor at the leaf that [`Self::leaf_by`] gives.
    pub(crate) fn cursor_by(&self, is_at_or_below: impl Fn(&L::Key) -> bool) -> Cursor<'_, L> {
        Cursor::descend(&self.root, |inner| inner.child_by(&is_at_or_below))
    }

    /// All leaves in order.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &L> {
        let mut cursor = self.cursor_at(0);
        let mut is_first = true;
        std::iter::from_fn(move || {
            let goes_on = std::mem::take(&mut is_first) || cursor.move_next();
            goes_on.then(|| cursor.leaf())
        })
    }
}

impl<L: Leaf> Inner<L> {
    /// The child that has the element at `index`, which becomes the element's index in that child; the last child for
    /// an index beyond the end.
    fn child_at(&self, index: &mut usize) -> usize {
        let last = self.lens.len() - 1;
        for (child, len) in self.lens[..last].iter().enumerate() {
            if *index < *len {
                return child;
            }
            *index -= len;
        }
        last
    }

    /// The last child whose key is at or below what is looked for, or the first.
    #[inline]
    fn child_by(&self, is_at_or_below: &impl Fn(&L::Key) -> bool) -> usize {
        self.keys[1..].partition_point(is_at_or_below)
    }
}

#[cfg(test)]
mod tests;
