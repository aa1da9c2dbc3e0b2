//! The nodes of a tree and what happens in one of them; `tree/edit.rs` walks through them.

use triomphe::Arc;

use super::Leaf;

/// Children of an inner node above which it is divided. With the one that divides it they are 64: lists of a power of two
/// leave nothing unused in what allocators give.
pub(crate) const FANOUT_MAX: usize = 63;

/// Children of an inner node below which it is united with a neighbour, if both fit into one.
const FANOUT_MIN: usize = 16;

/// What an allocation behind an `Arc` has besides its contents.
const ARC_BYTES: usize = size_of::<usize>();

/// A subtree. Cloning it shares it.
#[derive(Debug)]
pub(crate) enum Node<L: Leaf> {
    Leaf(Arc<L>),
    Inner(Arc<Inner<L>>),
}

impl<L: Leaf> Clone for Node<L> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(Arc::clone(leaf)),
            Self::Inner(inner) => Self::Inner(Arc::clone(inner)),
        }
    }
}

/// A node with children. Its three lists have the same length.
#[derive(Debug)]
pub(crate) struct Inner<L: Leaf> {
    /// `keys[i]` is above everything in child `i - 1` and not above anything in child `i`. `keys[0]` is not looked at.
    pub(crate) keys: Vec<L::Key>,
    /// Elements below each child.
    pub(crate) lens: Vec<usize>,
    pub(crate) children: Vec<Node<L>>,
}

impl<L: Leaf> Clone for Inner<L> {
    fn clone(&self) -> Self {
        let mut copy = Self::with_room();
        copy.keys.extend(self.keys.iter().cloned());
        copy.lens.extend_from_slice(&self.lens);
        copy.children.extend(self.children.iter().cloned());
        copy
    }
}

impl<L: Leaf> Node<L> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(inner) => inner.len(),
        }
    }

    /// The leaf for writing, copied if it is shared; `copied_bytes` grows by what that took.
    pub(crate) fn leaf_mut<'a>(leaf: &'a mut Arc<L>, copied_bytes: &mut usize) -> &'a mut L {
        if Arc::strong_count(leaf) > 1 {
            *copied_bytes += ARC_BYTES + size_of::<L>() + leaf.cloned_bytes();
        }
        Arc::make_mut(leaf)
    }

    /// The same for an inner node.
    pub(crate) fn inner_mut<'a>(inner: &'a mut Arc<Inner<L>>, copied_bytes: &mut usize) -> &'a mut Inner<L> {
        if Arc::strong_count(inner) > 1 {
            *copied_bytes += inner_bytes::<L>();
        }
        Arc::make_mut(inner)
    }
}

/// Bytes of a leaf with its allocation.
pub(crate) fn leaf_bytes<L: Leaf>(leaf: &L) -> usize {
    ARC_BYTES + size_of::<L>() + leaf.heap_bytes()
}

/// Bytes of an inner node, without what its keys have outside of it.
pub(crate) fn inner_bytes<L: Leaf>() -> usize {
    let child = size_of::<L::Key>() + size_of::<usize>() + size_of::<Node<L>>();
    ARC_BYTES + size_of::<Inner<L>>() + (FANOUT_MAX + 1) * child
}

impl<L: Leaf> Inner<L> {
    pub(crate) fn with_room() -> Self {
        Self {
            keys: Vec::with_capacity(FANOUT_MAX + 1),
            lens: Vec::with_capacity(FANOUT_MAX + 1),
            children: Vec::with_capacity(FANOUT_MAX + 1),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lens.iter().sum()
    }

    pub(crate) fn insert(&mut self, at: usize, key: L::Key, node: Node<L>) {
        self.lens.insert(at, node.len());
        self.keys.insert(at, key);
        self.children.insert(at, node);
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.keys.remove(at);
        self.lens.remove(at);
        self.children.remove(at);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.children.len() > FANOUT_MAX
    }

    pub(crate) fn is_under(&self) -> bool {
        self.children.len() < FANOUT_MIN
    }

    /// Moves the children from `at` on into a node of their own. Gives their lower bound with it.
    pub(crate) fn split_off(&mut self, at: usize) -> (L::Key, Self) {
        let mut upper = Self::with_room();
        upper.keys.extend(self.keys.drain(at..));
        upper.lens.extend(self.lens.drain(at..));
        upper.children.extend(self.children.drain(at..));
        (upper.keys[0].clone(), upper)
    }

    pub(crate) fn can_absorb(&self, next: &Self) -> bool {
        self.children.len() + next.children.len() <= FANOUT_MAX - FANOUT_MAX / 8
    }

    /// Takes over the children of the next node, whose lower bound is `key`.
    pub(crate) fn absorb(&mut self, key: L::Key, next: &Self) {
        self.keys.push(key);
        self.keys.extend(next.keys.iter().skip(1).cloned());
        self.lens.extend_from_slice(&next.lens);
        self.children.extend(next.children.iter().cloned());
    }
}
