//! Ranges as arguments.

use std::ops::Range;

use lastsave_collections::{LexBound, LexRange, ScoreRange, SortedSet};
use lastsave_resp::ReplyBuffer;

use crate::double::parse_range_end;
use crate::reply::{Replied, error, integer_argument};

/// What the ends of a range are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeKind {
    Rank,
    Score,
    Lex,
}

/// A range.
#[derive(Debug)]
pub(super) enum Bounds<'a> {
    /// Ranks from 0 at the front, or from -1 at the back; the end belongs to the range.
    Ranks {
        start: i64,
        end: i64,
    },
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Bounds<'a> {
    /// Reads the ends of a range, or replies with an error.
    pub(super) fn parse(
        reply: &mut ReplyBuffer,
        kind: RangeKind,
        min: &'a [u8],
        max: &'a [u8],
    ) -> Result<Self, Replied> {
        match kind {
            RangeKind::Rank => {
                let start = integer_argument(reply, min)?;
                Ok(Self::Ranks { start, end: integer_argument(reply, max)? })
            }
            RangeKind::Score => {
                let range = score_range(min, max);
                range.map(Self::Scores).ok_or_else(|| error(reply, "ERR min or max is not a float"))
            }
            RangeKind::Lex => {
                let range = lex_bound(min).zip(lex_bound(max)).map(|(min, max)| LexRange { min, max });
                let text = "ERR min or max not valid string range item";
                range.map(Self::Lex).ok_or_else(|| error(reply, text))
            }
        }
    }

    /// The ranks, from 0 for the lowest element, of what is in the range. `backwards` says that ranks in arguments count
    /// from the highest element.
    pub(super) fn ranks(&self, set: &SortedSet, backwards: bool) -> Range<usize> {
        match self {
            Self::Scores(range) => set.ranks_by_score(range),
            Self::Lex(range) => set.ranks_by_lex(range),
            Self::Ranks { start, end } => {
                let len = set.len();
                let ranks = clamp(*start, *end, len);
                if backwards { len - ranks.end..len - ranks.start } else { ranks }
            }
        }
    }
}

/// Ranks that are there.
fn clamp(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_front = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let (start, end) = (from_front(start).max(0), from_front(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

fn score_range(min: &[u8], max: &[u8]) -> Option<ScoreRange> {
    let (min, excludes_min) = score_end(min)?;
    let (max, excludes_max) = score_end(max)?;
    Some(ScoreRange { min, excludes_min, max, excludes_max })
}

/// An end, and whether it is left out.
fn score_end(text: &[u8]) -> Option<(f64, bool)> {
    match text {
        [b'(', number @ ..] => Some((parse_range_end(number)?, true)),
        number => Some((parse_range_end(number)?, false)),
    }
}

fn lex_bound(text: &[u8]) -> Option<LexBound<'_>> {
    match text {
        // What follows a zero byte is not looked at.
        [b'-'] | [b'-', 0, ..] => Some(LexBound::Lowest),
        [b'+'] | [b'+', 0, ..] => Some(LexBound::Highest),
        [b'(', member @ ..] => Some(LexBound::Excluding(member)),
        [b'[', member @ ..] => Some(LexBound::Including(member)),
        _ => None,
    }
}
