//! Where ZUNION and its relatives take members from: sorted sets, and sets, whose members all have the score 1.

use lastsave_collections::{Set, SortedSet};
use lastsave_keyspace::Value;
use lastsave_listpack::ListpackValue;

use crate::context::Context;
use crate::reply::{Replied, WRONG_TYPE, error};

/// What the members of sets have as scores.
const SET_SCORE: f64 = 1.0;

/// A collection of members with scores. It is a clone, which shares what is big with the key's own.
#[derive(Debug)]
pub(super) enum Source {
    Missing,
    Sorted(SortedSet),
    Plain(Set),
}

impl Source {
    /// The collection at a key, or an error reply.
    pub(super) fn read(context: &mut Context<'_>, name: &[u8]) -> Result<Self, Replied> {
        let key = context.key(name);
        context.read(&key, |entry, reply| match entry.map(|entry| entry.value()) {
            None => Ok(Self::Missing),
            Some(Value::SortedSet(set)) => Ok(Self::Sorted(set.clone())),
            Some(Value::Set(set)) => Ok(Self::Plain(set.clone())),
            Some(_) => Err(error(reply, WRONG_TYPE)),
        })
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Missing => 0,
            Self::Sorted(set) => set.len(),
            Self::Plain(set) => set.len(),
        }
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Missing => None,
            Self::Sorted(set) => set.score(member),
            Self::Plain(set) => set.contains(member).then_some(SET_SCORE),
        }
    }

    /// All members with their scores, until `visit` says that there are enough of them.
    pub(super) fn visit(&self, mut visit: impl FnMut(&[u8], f64) -> Enough) {
        let mut text = itoa::Buffer::new();
        let mut each = |member: ListpackValue<'_>, score| visit(member.to_text(&mut text), score);
        let is_enough = |enough: &Enough| *enough == Enough::Yes;
        match self {
            Self::Missing => {}
            Self::Sorted(set) => {
                let mut visited = set.elements(0..set.len()).map(|(member, score)| each(member, score));
                visited.any(|enough| is_enough(&enough));
            }
            Self::Plain(set) => {
                set.iter().map(|member| each(member, SET_SCORE)).any(|enough| is_enough(&enough));
            }
        }
    }
}

/// Whether a visit may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enough {
    No,
    Yes,
}
