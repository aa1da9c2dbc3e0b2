//! Sorted sets: members with scores, ordered by score and then by the members' bytes.

mod iterate;
mod leaf;
mod packed;
mod range;
mod scores;
mod skiplist;

pub use iterate::SortedSetElements;
pub use range::{LexBound, LexRange, ScoreRange};

use std::ops::Range;

use lastsave_listpack::{Listpack, ListpackRef, ListpackValue};
use thiserror::Error;
use triomphe::Arc;

use crate::collection::{Collection, CollectionEncoding};
use skiplist::Skiplist;

/// Up to which size a sorted set is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortedSetLimits {
    /// `zset-max-listpack-entries`: most members.
    pub listpack_entries_max: usize,
    /// `zset-max-listpack-value`: longest member in bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for SortedSetLimits {
    fn default() -> Self {
        Self { listpack_entries_max: 128, listpack_value_bytes_max: 64 }
    }
}

/// A sorted set. Scores are never NaN.
#[derive(Debug, Clone)]
pub struct SortedSet(Form);

#[derive(Debug, Clone)]
enum Form {
    Packed(Listpack),
    Big(Arc<Skiplist>),
}

const _: () = assert!(size_of::<SortedSet>() <= 16);

/// A listpack is none of a sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotASortedSet {
    /// The last member has no score.
    #[error("a member of the sorted set has no score")]
    NoScore,
    /// What follows a member is no number.
    #[error("the score of member {index} of the sorted set is not a number")]
    BadScore {
        /// Which member, from 0.
        index: usize,
    },
}

impl SortedSet {
    /// An empty sorted set.
    #[must_use]
    pub fn new() -> Self {
        Self(Form::Packed(Listpack::new()))
    }

    /// An empty sorted set in the form that suits `len` members, the first of which is `member_bytes` long.
    #[must_use]
    pub fn with_expected(len: usize, member_bytes: usize, limits: &SortedSetLimits) -> Self {
        if len <= limits.listpack_entries_max && member_bytes <= limits.listpack_value_bytes_max {
            Self::new()
        } else {
            Self(Form::Big(Arc::new(Skiplist::new())))
        }
    }

    /// A packed sorted set that comes from elsewhere. Whether the members are in order and different from each other is
    /// not checked: if they are not, they stay so as long as it is packed.
    ///
    /// # Errors
    /// When a score is missing or no number.
    pub fn from_listpack(listpack: Listpack) -> Result<Self, NotASortedSet> {
        if !listpack.len().is_multiple_of(2) {
            return Err(NotASortedSet::NoScore);
        }
        for (index, (_, score)) in listpack.pairs().enumerate() {
            if packed::score_of(score).is_none() {
                return Err(NotASortedSet::BadScore { index });
            }
        }
        Ok(Self(Form::Packed(listpack)))
    }

    /// The listpack of a packed sorted set.
    #[must_use]
    pub fn as_listpack(&self) -> Option<ListpackRef<'_>> {
        match &self.0 {
            Form::Packed(listpack) => Some(listpack.view()),
            Form::Big(_) => None,
        }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.len() / 2,
            Form::Big(skiplist) => skiplist.len(),
        }
    }

    /// Whether there are no members.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    #[must_use]
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Form::Packed(listpack) => packed::find(listpack.view(), member).map(|(_, score)| score),
            Form::Big(skiplist) => skiplist.score(member),
        }
    }

    /// The rank of a member, from 0 for the lowest, and its score.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.0 {
            Form::Packed(listpack) => packed::rank(listpack.view(), member),
            Form::Big(skiplist) => skiplist.rank(member),
        }
    }

    /// The element with a rank.
    #[must_use]
    pub fn element(&self, rank: usize) -> Option<(ListpackValue<'_>, f64)> {
        if rank >= self.len() {
            return None;
        }
        match &self.0 {
            Form::Packed(_) => self.elements(rank..rank + 1).next(),
            Form::Big(skiplist) => {
                let (member, score) = skiplist.element(rank);
                Some((ListpackValue::Bytes(member), score))
            }
        }
    }

    /// The elements with these ranks, in order. Ranks beyond the end are left out.
    #[must_use]
    pub fn elements(&self, ranks: Range<usize>) -> SortedSetElements<'_> {
        let ranks = self.clamp(ranks);
        self.walk(ranks.start, ranks.len(), false)
    }

    /// The elements with these ranks, the last one first. Ranks beyond the end are left out.
    #[must_use]
    pub fn elements_backwards(&self, ranks: Range<usize>) -> SortedSetElements<'_> {
        let ranks = self.clamp(ranks);
        self.walk(ranks.end.saturating_sub(1), ranks.len(), true)
    }

    fn clamp(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    fn walk(&self, first: usize, count: usize, backwards: bool) -> SortedSetElements<'_> {
        match &self.0 {
            Form::Packed(listpack) => SortedSetElements::packed(listpack.view(), first, count, backwards),
            Form::Big(skiplist) => skiplist.elements(first, count, backwards),
        }
    }

    /// The ranks of the elements whose scores are in a range.
    #[must_use]
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        match &self.0 {
            Form::Packed(listpack) => packed::ranks_by_score(listpack.view(), range),
            Form::Big(skiplist) => skiplist.ranks_by_score(range),
        }
    }

    /// The ranks of the members that are in a range. Without meaning when scores differ.
    #[must_use]
    pub fn ranks_by_lex(&self, range: &LexRange<'_>) -> Range<usize> {
        match &self.0 {
            Form::Packed(listpack) => packed::ranks_by_lex(listpack.view(), range),
            Form::Big(skiplist) => skiplist.ranks_by_lex(range),
        }
    }

    /// Gives a member a score, which is not NaN. `before` is the score it has now, as [`Self::score`] gives it.
    pub fn set(&mut self, member: &[u8], before: Option<f64>, score: f64, limits: &SortedSetLimits) {
        if before == Some(score) {
            return;
        }
        match &mut self.0 {
            Form::Packed(listpack) => {
                if before.is_some() {
                    if let Some((position, _)) = packed::find(listpack.view(), member) {
                        packed::remove(listpack, position);
                    }
                    packed::insert(listpack, member, score);
                } else if fits(listpack, member, limits) {
                    packed::insert(listpack, member, score);
                } else {
                    self.convert_to_big().insert(member, score);
                }
            }
            Form::Big(skiplist) => match before {
                Some(before) => Arc::make_mut(skiplist).change(member, before, score),
                None => Arc::make_mut(skiplist).insert(member, score),
            },
        }
    }

    /// Adds a member or changes its score. Gives the score it had.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: &SortedSetLimits) -> Option<f64> {
        let before = self.score(member);
        self.set(member, before, score, limits);
        before
    }

    /// Adds members to an empty sorted set, which is fastest when they come in order, or in the opposite one. Gives false
    /// when one of them comes twice; the set is then of no use.
    #[must_use]
    pub fn fill(&mut self, elements: &[(&[u8], f64)], limits: &SortedSetLimits) -> bool {
        assert!(self.is_empty(), "only an empty sorted set is filled");
        self.expect_len(elements.len(), limits);
        match &mut self.0 {
            Form::Big(skiplist) => Arc::make_mut(skiplist).fill(elements),
            Form::Packed(_) => {
                elements.iter().all(|(member, score)| self.insert(member, *score, limits).is_none())
            }
        }
    }

    /// Removes a member. Gives the score it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Form::Packed(listpack) => {
                let (position, score) = packed::find(listpack.view(), member)?;
                packed::remove(listpack, position);
                Some(score)
            }
            Form::Big(skiplist) => {
                let score = skiplist.score(member)?;
                Arc::make_mut(skiplist).remove(member, score);
                Some(score)
            }
        }
    }

    /// Removes the elements with these ranks. Ranks beyond the end are left out. Gives how many there were.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let ranks = self.clamp(ranks);
        let count = ranks.len();
        if count == self.len() {
            *self = Self::new();
        } else if count > 0 {
            match &mut self.0 {
                Form::Packed(listpack) => packed::remove_ranks(listpack, ranks),
                Form::Big(skiplist) => Arc::make_mut(skiplist).remove_ranks(ranks),
            }
        }
        count
    }

    /// Visits some elements, at least `count` if there are that many, and gives where to go on; 0 at the end. Who goes on
    /// until then sees every member that is there all the time.
    pub fn scan<'s>(
        &'s self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(ListpackValue<'s>, f64),
    ) -> u64 {
        match &self.0 {
            Form::Packed(listpack) => {
                packed::elements(listpack.view()).for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Big(skiplist) => {
                skiplist.scan(cursor, count, |member, score| visit(ListpackValue::Bytes(member), score))
            }
        }
    }

    /// Unpacks it if that is better for a sorted set of `len` members.
    pub fn expect_len(&mut self, len: usize, limits: &SortedSetLimits) {
        if matches!(self.0, Form::Packed(_)) && len > limits.listpack_entries_max {
            self.convert_to_big();
        }
    }

    fn convert_to_big(&mut self) -> &mut Skiplist {
        if let Form::Packed(listpack) = &self.0 {
            let mut skiplist = Skiplist::new();
            let mut text = itoa::Buffer::new();
            for (member, score) in packed::elements(listpack.view()) {
                let member = member.to_text(&mut text);
                // One that comes twice, which only listpacks from elsewhere can have, keeps its first score.
                if skiplist.score(member).is_none() {
                    skiplist.insert(member, score);
                }
            }
            self.0 = Form::Big(Arc::new(skiplist));
        }
        match &mut self.0 {
            Form::Big(skiplist) => Arc::make_mut(skiplist),
            Form::Packed(_) => unreachable!("it was converted"),
        }
    }

    /// Packs it if it fits; unpacks it if it does not.
    pub fn fit(&mut self, limits: &SortedSetLimits) {
        let len = self.len();
        self.expect_len(len, limits);
        let Form::Big(skiplist) = &self.0 else { return };
        if len > limits.listpack_entries_max {
            return;
        }
        let mut listpack = Listpack::new();
        for (member, score) in skiplist.elements(0, len, false) {
            let member = member.to_text(&mut itoa::Buffer::new()).to_vec();
            if !fits(&listpack, &member, limits) {
                return;
            }
            packed::insert(&mut listpack, &member, score);
        }
        self.0 = Form::Packed(listpack);
    }
}

/// Whether a listpack may take one more member.
fn fits(listpack: &Listpack, member: &[u8], limits: &SortedSetLimits) -> bool {
    listpack.len() / 2 < limits.listpack_entries_max
        && member.len() <= limits.listpack_value_bytes_max
        && listpack.fits(member.len())
}

impl Default for SortedSet {
    fn default() -> Self {
        Self::new()
    }
}

impl Collection for SortedSet {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.byte_len(),
            Form::Big(skiplist) => size_of::<Skiplist>() + skiplist.heap_bytes(),
        }
    }

    fn take_copied_bytes(&mut self) -> usize {
        match &mut self.0 {
            Form::Packed(_) => 0,
            // Bytes were copied only by who is the only owner now.
            Form::Big(skiplist) => Arc::get_mut(skiplist).map_or(0, Skiplist::take_copied_bytes),
        }
    }

    fn encoding(&self) -> CollectionEncoding {
        match &self.0 {
            Form::Packed(_) => CollectionEncoding::Listpack,
            Form::Big(_) => CollectionEncoding::Skiplist,
        }
    }
}

#[cfg(test)]
mod tests;
