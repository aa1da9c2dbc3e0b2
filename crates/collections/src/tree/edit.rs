//! Changing a tree: the way down to one leaf, and what its new size means for the nodes above it.

use triomphe::Arc;

use super::node::{FANOUT_MAX, Inner, Node, inner_bytes, leaf_bytes};
use super::{Leaf, Tree};

/// Where in the tree a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the only leaf.
    Only,
    /// It is the first of several.
    First,
    /// It is the last of several.
    Last,
    /// It has leaves on both sides.
    Middle,
}

impl Place {
    fn new(is_first: bool, is_last: bool) -> Self {
        match (is_first, is_last) {
            (true, true) => Self::Only,
            (true, false) => Self::First,
            (false, true) => Self::Last,
            (false, false) => Self::Middle,
        }
    }

    /// The place of a child in a node that is here itself.
    fn of_child(self, child: usize, children: usize) -> Self {
        let is_first = matches!(self, Self::Only | Self::First) && child == 0;
        let is_last = matches!(self, Self::Only | Self::Last) && child + 1 == children;
        Self::new(is_first, is_last)
    }
}

/// What happened to a child.
enum Outcome<L: Leaf> {
    /// It is of a proper size.
    Kept,
    /// It was divided: this is the upper part, with its lower bound.
    Divided(L::Key, Node<L>),
    /// It is small: a neighbour might take it over.
    Small,
    /// It has no elements left.
    Empty,
}

/// What an edit brings all the way up.
struct Visited<L: Leaf, R> {
    result: R,
    /// Elements of the leaf.
    before: usize,
    /// The same after the edit, with those of what was divided off.
    after: usize,
    outcome: Outcome<L>,
}

/// What an edit needs all the way down.
struct Walk<'w, L: Leaf, C> {
    choose: C,
    limits: &'w L::Limits,
    bytes: &'w mut usize,
    copied_bytes: &'w mut usize,
}

impl<L: Leaf> Tree<L> {
    /// Changes the leaf that [`Self::leaf_by`] gives. Elements may be added, removed and changed, but must stay within
    /// the leaf's bounds.
    pub(crate) fn edit_by<R>(
        &mut self,
        limits: &L::Limits,
        is_at_or_below: impl Fn(&L::Key) -> bool,
        edit: impl FnOnce(&mut L) -> R,
    ) -> R {
        self.edit(limits, |inner| inner.child_by(&is_at_or_below), edit)
    }

    /// Changes the leaf that has the element at `index`, or the last leaf; `edit` gets the element's index in the leaf.
    pub(crate) fn edit_at<R>(
        &mut self,
        limits: &L::Limits,
        index: usize,
        edit: impl FnOnce(&mut L, usize) -> R,
    ) -> R {
        let left = std::cell::Cell::new(index);
        let choose = |inner: &Inner<L>| {
            let mut index = left.get();
            let child = inner.child_at(&mut index);
            left.set(index);
            child
        };
        self.edit(limits, choose, |leaf| edit(leaf, left.get()))
    }

    /// Adds a leaf behind all others.
    pub(crate) fn push_leaf_back(&mut self, leaf: L) {
        self.add_leaf(leaf, true);
    }

    /// Adds a leaf before all others. The key of the leaf that was the first is asked of it now.
    pub(crate) fn push_leaf_front(&mut self, leaf: L) {
        self.add_leaf(leaf, false);
    }

    fn edit<R>(
        &mut self,
        limits: &L::Limits,
        choose: impl FnMut(&Inner<L>) -> usize,
        edit: impl FnOnce(&mut L) -> R,
    ) -> R {
        self.edit_or_divide(limits, choose, |leaf, place| {
            let result = edit(leaf);
            let upper = if leaf.is_over(limits) { leaf.split(place, limits) } else { None };
            (result, upper)
        })
    }

    /// Changes the leaf that has the element at `index`, or the last leaf. `divide` gets the element's index in the leaf,
    /// and may give a leaf that is to come directly behind this one: what it took off its end, or new elements.
    pub(crate) fn divide_at<R>(
        &mut self,
        limits: &L::Limits,
        index: usize,
        divide: impl FnOnce(&mut L, usize) -> (R, Option<L>),
    ) -> R {
        let left = std::cell::Cell::new(index);
        let choose = |inner: &Inner<L>| {
            let mut index = left.get();
            let child = inner.child_at(&mut index);
            left.set(index);
            child
        };
        self.edit_or_divide(limits, choose, |leaf, _| divide(leaf, left.get()))
    }

    fn edit_or_divide<R>(
        &mut self,
        limits: &L::Limits,
        choose: impl FnMut(&Inner<L>) -> usize,
        edit: impl FnOnce(&mut L, Place) -> (R, Option<L>),
    ) -> R {
        let mut walk = Walk { choose, limits, bytes: &mut self.bytes, copied_bytes: &mut self.copied_bytes };
        let Visited { result, before, after, outcome } = walk.visit(&mut self.root, Place::Only, edit);
        match outcome {
            Outcome::Divided(key, upper) => self.grow(key, upper),
            Outcome::Kept | Outcome::Small | Outcome::Empty => self.shrink(),
        }
        self.len = self.len + after - before;
        result
    }

    /// A new root above the old one and its upper part.
    fn grow(&mut self, key: L::Key, upper: Node<L>) {
        let mut root = Inner::with_room();
        let lower = self.root.clone();
        // The key of a first child is not looked at.
        root.insert(0, key.clone(), lower);
        root.insert(1, key, upper);
        self.bytes += inner_bytes::<L>();
        self.root = Node::Inner(Arc::new(root));
    }

    /// A root with one child is not needed.
    pub(super) fn shrink(&mut self) {
        while let Node::Inner(inner) = &self.root {
            if inner.children.len() > 1 {
                break;
            }
            let child = inner.children[0].clone();
            self.bytes -= inner_bytes::<L>();
            self.root = child;
        }
    }

    fn add_leaf(&mut self, leaf: L, at_end: bool) {
        self.len += leaf.len();
        self.bytes += leaf_bytes(&leaf);
        let key = if at_end { leaf.lower_bound() } else { self.first_leaf().lower_bound() };
        let added = Node::Leaf(Arc::new(leaf));
        let divided = add(&mut self.root, key, added, at_end, &mut self.bytes, &mut self.copied_bytes);
        if let Some((key, upper)) = divided {
            self.grow(key, upper);
        }
    }
}

/// Adds a leaf at one end of a subtree. Gives the upper part when the subtree had to be divided. `key` separates the
/// leaf from its neighbour.
fn add<L: Leaf>(
    node: &mut Node<L>,
    key: L::Key,
    leaf: Node<L>,
    at_end: bool,
    bytes: &mut usize,
    copied_bytes: &mut usize,
) -> Option<(L::Key, Node<L>)> {
    let Node::Inner(inner) = node else {
        if at_end {
            return Some((key, leaf));
        }
        return Some((key, std::mem::replace(node, leaf)));
    };
    let inner = Node::inner_mut(inner, copied_bytes);
    let child = if at_end { inner.children.len() - 1 } else { 0 };
    let divided = add(&mut inner.children[child], key, leaf, at_end, bytes, copied_bytes);
    inner.lens[child] = inner.children[child].len();
    let (key, upper) = divided?;
    inner.insert(child + 1, key, upper);
    if !inner.is_over() {
        return None;
    }
    let (key, upper) = inner.split_off(if at_end { FANOUT_MAX } else { 1 });
    *bytes += inner_bytes::<L>();
    Some((key, Node::Inner(Arc::new(upper))))
}

impl<L: Leaf, C: FnMut(&Inner<L>) -> usize> Walk<'_, L, C> {
    fn visit<R>(
        &mut self,
        node: &mut Node<L>,
        place: Place,
        edit: impl FnOnce(&mut L, Place) -> (R, Option<L>),
    ) -> Visited<L, R> {
        match node {
            Node::Leaf(leaf) => self.edit_leaf(leaf, place, edit),
            Node::Inner(inner) => {
                let inner = Node::inner_mut(inner, self.copied_bytes);
                let child = (self.choose)(inner);
                let place_below = place.of_child(child, inner.children.len());
                let visited = self.visit(&mut inner.children[child], place_below, edit);
                // Adding the child up again would read all of it.
                inner.lens[child] = match &visited.outcome {
                    Outcome::Divided(..) => inner.children[child].len(),
                    _ => inner.lens[child] + visited.after - visited.before,
                };
                Visited { outcome: self.settle(inner, child, place, visited.outcome), ..visited }
            }
        }
    }

    fn edit_leaf<R>(
        &mut self,
        leaf: &mut Arc<L>,
        place: Place,
        edit: impl FnOnce(&mut L, Place) -> (R, Option<L>),
    ) -> Visited<L, R> {
        // A copy may have been allocated more tightly.
        let (before, bytes_before) = (leaf.len(), leaf_bytes(&**leaf));
        let leaf = Node::leaf_mut(leaf, self.copied_bytes);
        let (result, upper) = edit(leaf, place);
        *self.bytes = *self.bytes + leaf_bytes(leaf) - bytes_before;
        let mut after = leaf.len();
        let outcome = match upper {
            Some(upper) => {
                *self.bytes += leaf_bytes(&upper);
                after += upper.len();
                Outcome::Divided(upper.lower_bound(), Node::Leaf(Arc::new(upper)))
            }
            None if after == 0 => Outcome::Empty,
            None if leaf.is_under(self.limits) => Outcome::Small,
            None => Outcome::Kept,
        };
        Visited { result, before, after, outcome }
    }

    /// Brings a node in order after one of its children was visited.
    fn settle(
        &mut self,
        inner: &mut Inner<L>,
        child: usize,
        place: Place,
        outcome: Outcome<L>,
    ) -> Outcome<L> {
        match outcome {
            Outcome::Kept => return Outcome::Kept,
            Outcome::Divided(key, upper) => {
                inner.insert(child + 1, key, upper);
                if inner.is_over() {
                    // Children that come in order leave full nodes behind.
                    let at = match place.of_child(child + 1, inner.children.len()) {
                        Place::Last | Place::Only => FANOUT_MAX - 1,
                        _ if child == 0 && matches!(place, Place::First | Place::Only) => 2,
                        _ => inner.children.len() / 2,
                    };
                    let (key, upper) = inner.split_off(at);
                    *self.bytes += inner_bytes::<L>();
                    return Outcome::Divided(key, Node::Inner(Arc::new(upper)));
                }
            }
            Outcome::Empty if inner.children.len() > 1 => {
                *self.bytes -= subtree_bytes(&inner.children[child]);
                inner.remove(child);
            }
            // An only child stays until the node itself is given up.
            Outcome::Empty => return Outcome::Empty,
            Outcome::Small => self.unite(inner, child),
        }
        if inner.is_under() { Outcome::Small } else { Outcome::Kept }
    }

    /// Unites a small child with the neighbour that has room for it, if there is one.
    fn unite(&mut self, inner: &mut Inner<L>, child: usize) {
        let upper = if child + 1 < inner.children.len() && self.fits(inner, child) {
            child + 1
        } else if child > 0 && self.fits(inner, child - 1) {
            child
        } else {
            return;
        };
        let key = inner.keys[upper].clone();
        let absorbed = inner.children[upper].clone();
        let absorbed_bytes = match &absorbed {
            Node::Leaf(leaf) => leaf_bytes(&**leaf),
            Node::Inner(_) => inner_bytes::<L>(),
        };
        match (&mut inner.children[upper - 1], &absorbed) {
            (Node::Leaf(leaf), Node::Leaf(next)) => {
                let bytes_before = leaf_bytes(&**leaf);
                let leaf = Node::leaf_mut(leaf, self.copied_bytes);
                leaf.absorb(next);
                *self.bytes = *self.bytes + leaf_bytes(leaf) - bytes_before;
            }
            (Node::Inner(node), Node::Inner(next)) => {
                Node::inner_mut(node, self.copied_bytes).absorb(key, next);
            }
            _ => unreachable!("children of one node have the same height"),
        }
        *self.bytes -= absorbed_bytes;
        inner.lens[upper - 1] += inner.lens[upper];
        inner.remove(upper);
    }

    fn fits(&self, inner: &Inner<L>, lower: usize) -> bool {
        match (&inner.children[lower], &inner.children[lower + 1]) {
            (Node::Leaf(leaf), Node::Leaf(next)) => leaf.can_absorb(next, self.limits),
            (Node::Inner(node), Node::Inner(next)) => node.can_absorb(next),
            _ => unreachable!("children of one node have the same height"),
        }
    }
}

/// Bytes of an empty subtree: one node on each level.
pub(super) fn subtree_bytes<L: Leaf>(node: &Node<L>) -> usize {
    match node {
        Node::Leaf(leaf) => leaf_bytes(&**leaf),
        Node::Inner(inner) => inner_bytes::<L>() + inner.children.iter().map(subtree_bytes).sum::<usize>(),
    }
}
