//! The packed form: a listpack in which every member is followed by its score.

use std::cmp::Ordering;
use std::ops::Range;

use lastsave_listpack::{Listpack, ListpackRef, ListpackValue, Position};
use lastsave_resp::DoubleBuffer;

use super::leaf::Spot;
use super::range::{LexRange, ScoreRange};
use super::skiplist::Score;

/// Scores up to this magnitude are stored as integers when they are whole: half of what 63 bits hold.
const INTEGER_SCORE_MAX: f64 = 4_611_686_018_427_387_904.0;

/// The number a score is stored as; `None` if it is no number.
pub(super) fn score_of(value: ListpackValue<'_>) -> Option<f64> {
    match value {
        ListpackValue::Integer(integer) => Some(integer as f64),
        ListpackValue::Bytes(text) => {
            let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (!score.is_nan()).then_some(score)
        }
    }
}

/// The score behind a member.
fn known_score(value: ListpackValue<'_>) -> f64 {
    score_of(value).expect("invariant: scores were numbers when they came in")
}

/// The score of the member at `position`.
#[inline]
pub(super) fn score_at(view: ListpackRef<'_>, position: Position) -> f64 {
    let score = view.next(position).expect("invariant: a score follows every member");
    known_score(view.get(score))
}

/// Members with their scores.
pub(super) fn elements(view: ListpackRef<'_>) -> impl Iterator<Item = (ListpackValue<'_>, f64)> {
    view.pairs().map(|(member, score)| (member, known_score(score)))
}

/// Where a member is, and its score.
#[inline]
pub(super) fn find(view: ListpackRef<'_>, member: &[u8]) -> Option<(Position, f64)> {
    view.find(member, 1).map(|position| (position, score_at(view, position)))
}

/// The rank of a member, and its score.
pub(super) fn rank(view: ListpackRef<'_>, member: &[u8]) -> Option<(usize, f64)> {
    elements(view)
        .enumerate()
        .find(|(_, (other, _))| other.eq_bytes(member))
        .map(|(rank, (_, score))| (rank, score))
}

/// Puts a new member where it belongs.
pub(super) fn insert(listpack: &mut Listpack, member: &[u8], score: f64) {
    let view = listpack.view();
    let spot = Spot { rank: Score(score), member };
    let is_before = |position: &Position| {
        let mut text = itoa::Buffer::new();
        let other = view.get(*position).to_text(&mut text);
        let other = Spot { rank: Score(score_at(view, *position)), member: other };
        other.compare(&spot) == Ordering::Less
    };
    let mut at = view.first();
    while let Some(position) = at.filter(is_before) {
        at = view.next(position).and_then(|score| view.next(score));
    }
    let mut text = DoubleBuffer::new();
    let score = if score.abs() <= INTEGER_SCORE_MAX && score.trunc() == score {
        ListpackValue::Integer(score as i64)
    } else {
        ListpackValue::Bytes(text.format(score).as_bytes())
    };
    listpack.insert_many(at, [ListpackValue::Bytes(member), score]);
}

/// Removes the member at `position` with its score.
pub(super) fn remove(listpack: &mut Listpack, position: Position) {
    listpack.remove_many(position, 2);
}

/// Removes the members with these ranks.
pub(super) fn remove_ranks(listpack: &mut Listpack, ranks: Range<usize>) {
    listpack.remove_range(2 * ranks.start as i64, 2 * ranks.len());
}

/// The ranks of the members whose scores are in a range.
pub(super) fn ranks_by_score(view: ListpackRef<'_>, range: &ScoreRange) -> Range<usize> {
    let (mut start, mut end) = (0, 0);
    for (_, score) in elements(view) {
        start += usize::from(range.is_after(score));
        if !range.reaches(score) {
            break;
        }
        end += 1;
    }
    start.min(end)..end
}

/// The ranks of the members that are in a range, up to the first behind it.
pub(super) fn ranks_by_lex(view: ListpackRef<'_>, range: &LexRange<'_>) -> Range<usize> {
    let mut buffer = itoa::Buffer::new();
    let mut members = elements(view).map(|(member, _)| member).enumerate();
    let Some((start, first)) = members.find(|(_, member)| !range.is_after(member.to_text(&mut buffer)))
    else {
        return 0..0;
    };
    if !range.reaches(first.to_text(&mut buffer)) {
        return start..start;
    }
    let inside =
        members.take_while(|(_, member)| range.reaches(member.to_text(&mut itoa::Buffer::new()))).count();
    start..start + 1 + inside
}
