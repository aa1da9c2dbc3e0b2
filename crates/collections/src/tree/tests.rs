//! The tree against a sorted vector, with clones that must not change.

use proptest::prelude::*;

use super::node::{FANOUT_MAX, Inner, Node, inner_bytes, leaf_bytes};
use super::{Leaf, Place, Tree};

/// A leaf of sorted numbers.
#[derive(Debug, Clone, Default)]
struct Numbers(Vec<u32>);

/// Most elements of a leaf.
const LIMIT: usize = 6;

impl Leaf for Numbers {
    type Key = u32;
    type Limits = usize;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn heap_bytes(&self) -> usize {
        self.0.len() * 4
    }

    fn lower_bound(&self) -> u32 {
        self.0.first().copied().unwrap_or(0)
    }

    fn is_over(&self, limits: &usize) -> bool {
        self.0.len() > *limits
    }

    fn is_under(&self, limits: &usize) -> bool {
        self.0.len() < *limits / 3
    }

    fn split(&mut self, place: Place, _limits: &usize) -> Option<Self> {
        let at = match place {
            Place::Last => self.0.len() - 1,
            Place::First => 1,
            Place::Only | Place::Middle => self.0.len() / 2,
        };
        Some(Self(self.0.split_off(at)))
    }

    fn can_absorb(&self, next: &Self, limits: &usize) -> bool {
        self.0.len() + next.0.len() < *limits
    }

    fn absorb(&mut self, next: &Self) {
        self.0.extend_from_slice(&next.0);
    }
}

fn insert(tree: &mut Tree<Numbers>, number: u32) {
    tree.edit_by(
        &LIMIT,
        |key| *key <= number,
        |leaf| {
            if let Err(at) = leaf.0.binary_search(&number) {
                leaf.0.insert(at, number);
            }
        },
    );
}

fn remove(tree: &mut Tree<Numbers>, number: u32) {
    tree.edit_by(
        &LIMIT,
        |key| *key <= number,
        |leaf| {
            if let Ok(at) = leaf.0.binary_search(&number) {
                leaf.0.remove(at);
            }
        },
    );
}

fn contents(tree: &Tree<Numbers>) -> Vec<u32> {
    tree.leaves().flat_map(|leaf| leaf.0.iter().copied()).collect()
}

/// Checks what must hold in every node; gives the subtree's elements, bytes and height.
fn check_node(node: &Node<Numbers>) -> (usize, usize, usize) {
    match node {
        Node::Leaf(leaf) => (leaf.0.len(), leaf_bytes(&**leaf), 0),
        Node::Inner(inner) => check_inner(inner),
    }
}

fn check_inner(inner: &Inner<Numbers>) -> (usize, usize, usize) {
    assert!(inner.children.len() <= FANOUT_MAX && !inner.children.is_empty());
    assert!(inner.keys.len() == inner.children.len() && inner.lens.len() == inner.children.len());
    let (mut len, mut bytes, mut height) = (0, inner_bytes::<Numbers>(), None);
    for (child, counted) in inner.children.iter().zip(&inner.lens) {
        let (child_len, child_bytes, child_height) = check_node(child);
        assert_eq!(child_len, *counted);
        assert!(height.is_none_or(|height| height == child_height));
        height = Some(child_height);
        len += child_len;
        bytes += child_bytes;
    }
    (len, bytes, height.expect("there is a child") + 1)
}

fn check(tree: &Tree<Numbers>, model: &[u32]) {
    assert_eq!(contents(tree), model);
    let (len, bytes, _) = check_node(&tree.root);
    assert_eq!((len, bytes), (tree.len(), tree.heap_bytes()));
    if let Node::Inner(root) = &tree.root {
        assert!(root.children.len() > 1);
    }
    for (index, number) in model.iter().enumerate() {
        let (leaf, at) = tree.leaf_at(index);
        assert_eq!(leaf.0[at], *number);
        let (leaf, before) = tree.ranked_leaf_by(|key| key <= number);
        assert_eq!(before + leaf.0.binary_search(number).expect("it is there"), index);
        assert_eq!(tree.cursor_at(index).before() + at, index);
    }
    let mut cursor = tree.cursor_by(|_| true);
    let mut backwards: Vec<u32> = cursor.leaf().0.iter().rev().copied().collect();
    while cursor.move_previous() {
        backwards.extend(cursor.leaf().0.iter().rev());
    }
    backwards.reverse();
    assert_eq!((backwards.as_slice(), cursor.before()), (model, 0));
}

proptest! {
    #[test]
    fn it_is_a_sorted_vector_and_clones_stay_as_they_are(
        steps in proptest::collection::vec((0_u8..10, 0_u32..600), 1..1200),
    ) {
        let mut tree = Tree::new(Numbers::default());
        let mut model: Vec<u32> = Vec::new();
        let mut clones: Vec<(Tree<Numbers>, Vec<u32>)> = Vec::new();
        for (kind, number) in steps {
            match kind {
                0..=4 => {
                    insert(&mut tree, number);
                    if let Err(at) = model.binary_search(&number) {
                        model.insert(at, number);
                    }
                }
                5..=8 => {
                    remove(&mut tree, number);
                    model.retain(|other| *other != number);
                }
                _ if clones.len() < 3 => clones.push((tree.clone(), model.clone())),
                _ => {
                    let (clone, model) = clones.swap_remove(number as usize % 3);
                    check(&clone, &model);
                }
            }
        }
        check(&tree, &model);
        for (clone, model) in &clones {
            check(clone, model);
        }
    }
}

#[test]
fn elements_in_order_leave_full_leaves_behind() {
    for descending in [false, true] {
        let mut tree = Tree::new(Numbers::default());
        for number in 0..100_000 {
            insert(&mut tree, if descending { 100_000 - number } else { number });
        }
        let leaves = tree.leaves().count();
        assert!(leaves <= 100_000 / LIMIT + 2, "{leaves}");
        check_node(&tree.root);
    }
}

#[test]
fn an_edit_of_a_shared_tree_copies_one_path() {
    let mut tree = Tree::new(Numbers::default());
    for number in 0..100_000 {
        insert(&mut tree, number);
    }
    let (_, _, height) = check_node(&tree.root);
    let clone = tree.clone();
    assert_eq!(tree.take_copied_bytes(), 0);
    remove(&mut tree, 500);
    let copied = tree.take_copied_bytes();
    assert!(copied > 0 && copied <= height * inner_bytes::<Numbers>() + 3 * 200, "{copied}");
    insert(&mut tree, 500);
    assert_eq!(tree.take_copied_bytes(), 0, "the path is the tree's own now");
    assert_eq!((clone.len(), tree.len()), (100_000, 100_000));
}

#[test]
fn leaves_are_added_at_both_ends() {
    let mut tree = Tree::new(Numbers(vec![500_000]));
    let mut model = vec![500_000];
    for number in 1..5_000 {
        tree.push_leaf_back(Numbers(vec![500_000 + number]));
        tree.push_leaf_front(Numbers(vec![500_000 - number]));
        model.push(500_000 + number);
        model.push(500_000 - number);
    }
    model.sort_unstable();
    check(&tree, &model);
    let mut clone = tree.clone();
    let mut remaining = model.clone();
    while !remaining.is_empty() {
        tree.edit_first(|leaf| leaf.0.remove(0));
        remaining.remove(0);
        if !remaining.is_empty() {
            tree.edit_last(|leaf| leaf.0.pop());
            remaining.pop();
        }
        if remaining.len() % 500 == 0 {
            check(&tree, &remaining);
        }
    }
    check(&tree, &[]);
    for number in model.drain(..) {
        remove(&mut clone, number);
    }
    check(&clone, &[]);
}
