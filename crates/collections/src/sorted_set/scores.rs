//! From members to scores: a tree of members in the order of their hashes.

use std::cmp::Ordering;

use super::leaf::{NewMember, OrderedLeaf, Rank, Spot};
use crate::table::hash;
use crate::tree::{Leaf as _, Tree};

/// What a member is found by, with its score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hashed {
    hash: u32,
    /// The score in parts, which need no padding.
    score: [u32; 2],
}

const _: () = assert!(size_of::<Hashed>() == 12);

impl Hashed {
    fn new(hash: u32, score: f64) -> Self {
        let bits = score.to_bits();
        Self { hash, score: [bits as u32, (bits >> 32) as u32] }
    }

    /// For a search, in which scores do not matter.
    fn of(member: &[u8]) -> Spot<'_, Self> {
        Spot { rank: Self { hash: hash(member), score: [0, 0] }, member }
    }

    fn score(self) -> f64 {
        f64::from_bits(u64::from(self.score[0]) | u64::from(self.score[1]) << 32)
    }
}

impl Rank for Hashed {
    const LOWEST: Self = Self { hash: 0, score: [0, 0] };
    const COUNTS_LONG_MEMBERS: bool = false;

    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash)
    }
}

/// The score of every member.
#[derive(Debug, Clone)]
pub(super) struct Scores(Tree<OrderedLeaf<Hashed>>);

impl Scores {
    pub(super) fn new() -> Self {
        Self(Tree::new(OrderedLeaf::new()))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    pub(super) fn take_copied_bytes(&mut self) -> usize {
        self.0.take_copied_bytes()
    }

    #[inline]
    pub(super) fn get(&self, member: &[u8]) -> Option<f64> {
        let spot = Hashed::of(member);
        let leaf = self.0.leaf_by(|key| key.is_at_or_below(&spot));
        leaf.search(&spot).ok().map(|at| leaf.rank(at).score())
    }

    /// Adds a member, if it is not there yet. Gives whether that is so.
    pub(super) fn insert(&mut self, member: &[u8], score: f64, new: NewMember<'_>) -> bool {
        let spot = Hashed::of(member);
        let hashed = Hashed::new(spot.rank.hash, score);
        self.0.edit_by(
            &(),
            |key| key.is_at_or_below(&spot),
            |leaf| match leaf.search(&spot) {
                Ok(_) => false,
                Err(at) => {
                    leaf.insert(at, hashed, new);
                    true
                }
            },
        )
    }

    /// Gives a member that is there another score.
    pub(super) fn change(&mut self, member: &[u8], score: f64) {
        let spot = Hashed::of(member);
        self.0.edit_by(
            &(),
            |key| key.is_at_or_below(&spot),
            |leaf| {
                let at = leaf.search(&spot).expect("the member is there");
                *leaf.rank_mut(at) = Hashed::new(spot.rank.hash, score);
            },
        );
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, member: &[u8]) {
        let spot = Hashed::of(member);
        self.0.edit_by(
            &(),
            |key| key.is_at_or_below(&spot),
            |leaf| {
                let at = leaf.search(&spot).expect("the member is there");
                leaf.remove_range(at, 1);
            },
        );
    }

    /// Visits members from a cursor on, which is a hash: at least `count` of them, and all those of one hash together.
    /// Gives where to go on; 0 at the end.
    pub(super) fn scan<'s>(&'s self, cursor: u64, count: usize, mut visit: impl FnMut(&'s [u8], f64)) -> u64 {
        // No member has a hash that high.
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let mut place = self.0.cursor_by(|key| key.spot().rank.hash < from);
        let mut index = place.leaf().partition_point(|spot| spot.rank.hash < from);
        let (mut visited, mut last_hash) = (0, 0);
        loop {
            let leaf = place.leaf();
            while index < leaf.len() {
                let hashed = leaf.rank(index);
                if visited >= count && hashed.hash != last_hash {
                    return hashed.hash.into();
                }
                visit(leaf.member(index), hashed.score());
                visited += 1;
                last_hash = hashed.hash;
                index += 1;
            }
            if !place.move_next() {
                return 0;
            }
            index = 0;
        }
    }
}
