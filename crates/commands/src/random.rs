//! Random elements of a collection: HRANDFIELD, SRANDMEMBER and the like.

use lastsave_resp::{ReplyBuffer, parse_integer};
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::index;

use crate::reply::{NOT_AN_INTEGER, Replied, error};

/// What a count asks for: different elements, or, when it is negative, any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// That many different elements, or all if there are fewer.
    Different(usize),
    /// That many elements, each chosen among all.
    Any(usize),
}

/// The count of HRANDFIELD and its relatives.
pub(crate) fn parse_count(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<i64, Replied> {
    const RANGE: &str =
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    match parse_integer(argument) {
        Some(i64::MIN) => Err(error(reply, RANGE)),
        Some(count) => Ok(count),
        None => Err(error(reply, NOT_AN_INTEGER)),
    }
}

impl Choice {
    pub(crate) fn new(count: i64) -> Self {
        let absolute = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count < 0 { Self::Any(absolute) } else { Self::Different(absolute) }
    }

    /// How many elements of a collection of `len` it gives.
    pub(crate) fn len(self, len: usize) -> usize {
        match self {
            Self::Different(count) => count.min(len),
            Self::Any(count) => count,
        }
    }

    /// Whether it gives each element of a collection of `len` once, in any order.
    pub(crate) fn is_everything(self, len: usize) -> bool {
        matches!(self, Self::Different(count) if count >= len)
    }
}

/// Replies with what was chosen among `len` elements, which is not 0. A reply that is too long for its client is given up
/// half-way: the client is, too.
pub(crate) fn reply_chosen(
    reply: &mut ReplyBuffer,
    choice: Choice,
    len: usize,
    random: &mut SmallRng,
    mut write: impl FnMut(&mut ReplyBuffer, usize),
) {
    match choice {
        Choice::Different(_) => choose(choice, len, random, |index| write(reply, index)),
        Choice::Any(count) => {
            for _ in 0..count {
                if reply.is_overfull() {
                    return;
                }
                write(reply, random.random_range(0..len));
            }
        }
    }
}

/// Gives the positions chosen among `len`, which is not 0.
pub(crate) fn choose(choice: Choice, len: usize, random: &mut SmallRng, mut visit: impl FnMut(usize)) {
    match choice {
        Choice::Different(count) => index::sample(random, len, count.min(len)).into_iter().for_each(visit),
        Choice::Any(count) => (0..count).for_each(|_| visit(random.random_range(0..len))),
    }
}
