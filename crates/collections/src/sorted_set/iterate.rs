//! Walking through elements, in either direction.

use lastsave_listpack::{ListpackRef, ListpackValue, Position};

use super::leaf::OrderedLeaf;
use super::packed;
use super::skiplist::Score;
use crate::tree::{Cursor, Leaf};

/// Elements with consecutive ranks, forwards or backwards.
#[derive(Debug, Clone)]
pub struct SortedSetElements<'a> {
    source: Source<'a>,
    left: usize,
    backwards: bool,
}

#[derive(Debug, Clone)]
enum Source<'a> {
    Packed {
        view: ListpackRef<'a>,
        /// The next member.
        next: Option<Position>,
    },
    Tree {
        cursor: Cursor<'a, OrderedLeaf<Score>>,
        /// The next element in the leaf; backwards, the one behind it.
        index: usize,
    },
}

impl<'a> SortedSetElements<'a> {
    /// `count` elements of a listpack, of which the first to give has this rank.
    pub(super) fn packed(view: ListpackRef<'a>, first: usize, count: usize, backwards: bool) -> Self {
        let next = view.seek(2 * first as i64);
        Self { source: Source::Packed { view, next }, left: count, backwards }
    }

    /// `count` elements of a tree, of which the first to give has this rank; the cursor is at its leaf.
    pub(super) fn tree(
        cursor: Cursor<'a, OrderedLeaf<Score>>,
        first: usize,
        count: usize,
        backwards: bool,
    ) -> Self {
        let index = first - cursor.before() + usize::from(backwards);
        Self { source: Source::Tree { cursor, index }, left: count, backwards }
    }
}

impl<'a> Iterator for SortedSetElements<'a> {
    type Item = (ListpackValue<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.source {
            Source::Packed { view, next } => {
                let position = (*next)?;
                *next = if self.backwards {
                    view.prev(position).and_then(|score| view.prev(score))
                } else {
                    view.next(position).and_then(|score| view.next(score))
                };
                Some((view.get(position), packed::score_at(*view, position)))
            }
            Source::Tree { cursor, index } => {
                let at = if self.backwards {
                    if *index == 0 && cursor.move_previous() {
                        *index = cursor.leaf().len();
                    }
                    *index = index.checked_sub(1)?;
                    *index
                } else {
                    if *index == cursor.leaf().len() {
                        if !cursor.move_next() {
                            return None;
                        }
                        *index = 0;
                    }
                    *index += 1;
                    *index - 1
                };
                let leaf = cursor.leaf();
                Some((ListpackValue::Bytes(leaf.member(at)), leaf.rank(at).0))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for SortedSetElements<'_> {}
