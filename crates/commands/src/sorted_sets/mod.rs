//! Commands on sorted sets.

pub(crate) mod add;
mod combination;
pub(crate) mod combine;
pub(crate) mod count;
pub(crate) mod lookup;
pub(crate) mod pop;
pub(crate) mod random;
pub(crate) mod range;
mod range_arguments;
pub(crate) mod remove;
pub(crate) mod scan;
mod sources;
pub(crate) mod wait;

use std::ops::Range;

use lastsave_collections::SortedSet;
use lastsave_keyspace::{Expiry, Key, Stored as _};
use lastsave_listpack::ListpackValue;
use lastsave_resp::{Protocol, ReplyBuffer};

use crate::context::Context;
use crate::reply::element;
use crate::signals::EventClass;

/// The head of a list of `count` elements with or without scores.
pub(crate) fn reply_elements_head(reply: &mut ReplyBuffer, count: usize, with_scores: bool) {
    let is_flat = with_scores && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * count } else { count });
}

/// One element of such a list.
#[inline]
pub(crate) fn reply_element(
    reply: &mut ReplyBuffer,
    (member, score): (ListpackValue<'_>, f64),
    with_score: bool,
) {
    if with_score && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    element(reply, member);
    if with_score {
        reply.double(score);
    }
}

/// Removes the elements with these ranks from the sorted set at `key`, which has `len` of them, and announces it as
/// `event`. Says nothing to the log.
pub(crate) fn remove_ranks(
    context: &mut Context<'_>,
    key: &Key<'_>,
    ranks: Range<usize>,
    len: usize,
    event: &'static str,
) {
    if ranks.is_empty() {
        return;
    }
    // What is removed as a whole is freed elsewhere.
    let is_removed = ranks.len() == len;
    if is_removed {
        context.keyspace.db_mut(context.db).remove(key);
    } else {
        context.edit(key, |set: &mut SortedSet| set.remove_ranks(ranks));
    }
    announce_removal(context, key, event, is_removed);
}

/// Announces that elements were removed, and the key with the last of them.
pub(crate) fn announce_removal(
    context: &mut Context<'_>,
    key: &Key<'_>,
    event: &'static str,
    is_removed: bool,
) {
    context.modified(key);
    context.notify(EventClass::SortedSet, event, key);
    if is_removed {
        context.notify(EventClass::Generic, "del", key);
    }
}

/// Puts the result of a command at its destination, or removes what is there when there is no result; logs the request
/// as `changes` changes and replies with the number of elements.
pub(crate) fn store_result(
    context: &mut Context<'_>,
    destination: &Key<'_>,
    result: SortedSet,
    event: &'static str,
    changes: u64,
) {
    let len = result.len();
    if len > 0 {
        context.store(destination, result.into_new(), Expiry::Clear);
        context.notify(EventClass::SortedSet, event, destination);
        context.log_verbatim(changes);
    } else if context.keyspace.db_mut(context.db).remove(destination) {
        context.modified(destination);
        context.notify(EventClass::Generic, "del", destination);
        context.log_verbatim(1);
    }
    context.reply.integer(len as i64);
}
