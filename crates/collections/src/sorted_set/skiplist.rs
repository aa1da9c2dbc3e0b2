//! The big form: a tree of elements in order, and a table that finds a member's score.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::iterate::SortedSetElements;
use super::leaf::{NewMember, OrderedLeaf, Rank, Spot};
use super::range::{LexRange, ScoreRange};
use super::scores::Scores;
use crate::table::TableOrder;
use crate::tree::Tree;

/// A score, which is never NaN. 0 and -0 are the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score(pub(super) f64);

impl Rank for Score {
    const LOWEST: Self = Self(f64::NEG_INFINITY);
    const COUNTS_LONG_MEMBERS: bool = true;

    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

/// Members with their scores, in order and by member. Redis has a skip list for the order, whence the name.
#[derive(Debug, Clone)]
pub(super) struct Skiplist {
    ordered: Tree<OrderedLeaf<Score>>,
    scores: Scores,
}

impl Skiplist {
    pub(super) fn new() -> Self {
        Self { ordered: Tree::new(OrderedLeaf::new()), scores: Scores::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.ordered.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.ordered.heap_bytes() + self.scores.heap_bytes()
    }

    pub(super) fn take_copied_bytes(&mut self) -> usize {
        self.ordered.take_copied_bytes() + self.scores.take_copied_bytes()
    }

    #[inline]
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member)
    }

    /// Adds a member that is not there yet.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) {
        let new = NewMember::of(member);
        let is_new = self.scores.insert(member, score, new.clone());
        assert!(is_new, "the member is new");
        self.insert_ordered(member, score, new);
    }

    /// Adds members of which none is there yet: fastest when they come in order, or in the opposite one. Gives false when
    /// one of them comes twice; some of them are then missing.
    pub(super) fn fill(&mut self, elements: &[(&[u8], f64)]) -> bool {
        // One allocation serves both trees.
        let mut long: Vec<Option<Arc<[u8]>>> = Vec::new();
        let places = (0..).zip(elements.iter().map(|(member, _)| *member));
        let scores = &mut self.scores;
        let is_filled = TableOrder::new(places).visit(
            |place| elements[place as usize].0,
            |place| {
                let (member, score) = elements[place as usize];
                let new = NewMember::of(member);
                if let NewMember::Long(shared) = &new {
                    long.resize(elements.len(), None);
                    long[place as usize] = Some(Arc::clone(shared));
                }
                scores.insert(member, score, new)
            },
        );
        if !is_filled {
            return false;
        }
        for (place, (member, score)) in elements.iter().enumerate() {
            let long = long.get_mut(place).and_then(Option::take);
            self.insert_ordered(member, *score, long.map_or(NewMember::Short(member), NewMember::Long));
        }
        true
    }

    /// Gives a member that is there another score.
    pub(super) fn change(&mut self, member: &[u8], before: f64, score: f64) {
        let long = self.remove_ordered(member, before);
        self.scores.change(member, score);
        self.insert_ordered(member, score, long.map_or(NewMember::Short(member), NewMember::Long));
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, member: &[u8], score: f64) {
        self.scores.remove(member);
        self.remove_ordered(member, score);
    }

    fn insert_ordered(&mut self, member: &[u8], score: f64, new: NewMember<'_>) {
        let spot = Spot { rank: Score(score), member };
        self.ordered.edit_by(
            &(),
            |key| key.is_at_or_below(&spot),
            |leaf| {
                let at = leaf.search(&spot).expect_err("the member is not in the tree");
                leaf.insert(at, spot.rank, new);
            },
        );
    }

    /// Gives the allocation that a long member has.
    fn remove_ordered(&mut self, member: &[u8], score: f64) -> Option<Arc<[u8]>> {
        let spot = Spot { rank: Score(score), member };
        self.ordered.edit_by(
            &(),
            |key| key.is_at_or_below(&spot),
            |leaf| {
                let at = leaf.search(&spot).expect("the member is in the tree");
                let long = leaf.long_member(at).cloned();
                leaf.remove_range(at, 1);
                long
            },
        )
    }

    /// Removes the elements with these ranks, leaf by leaf.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let scores = &mut self.scores;
            left -= self.ordered.edit_at(&(), ranks.start, |leaf, at| {
                leaf.take_range(at, left, |member| scores.remove(member))
            });
        }
    }

    /// The rank of a member, and its score.
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.scores.get(member)?;
        let spot = Spot { rank: Score(score), member };
        Some((self.count_before(|other| other.compare(&spot) == Ordering::Less), score))
    }

    /// Number of elements for which `is_before` holds, which are the first ones.
    fn count_before(&self, is_before: impl Fn(&Spot<'_, Score>) -> bool) -> usize {
        let (leaf, before) = self.ordered.ranked_leaf_by(|key| is_before(&key.spot()));
        before + leaf.partition_point(is_before)
    }

    pub(super) fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        let start = self.count_before(|spot| range.is_after(spot.rank.0));
        let end = self.count_before(|spot| range.reaches(spot.rank.0));
        start.min(end)..end
    }

    pub(super) fn ranks_by_lex(&self, range: &LexRange<'_>) -> Range<usize> {
        let start = self.count_before(|spot| range.is_after(spot.member));
        let end = self.count_before(|spot| range.reaches(spot.member));
        start.min(end)..end
    }

    pub(super) fn element(&self, rank: usize) -> (&[u8], f64) {
        let (leaf, at) = self.ordered.leaf_at(rank);
        (leaf.member(at), leaf.rank(at).0)
    }

    pub(super) fn elements(&self, first: usize, count: usize, backwards: bool) -> SortedSetElements<'_> {
        SortedSetElements::tree(self.ordered.cursor_at(first), first, count, backwards)
    }

    pub(super) fn scan<'s>(&'s self, cursor: u64, count: usize, visit: impl FnMut(&'s [u8], f64)) -> u64 {
        self.scores.scan(cursor, count, visit)
    }
}
