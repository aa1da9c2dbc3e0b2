//! Entries and ids in replies.

use lastsave_collections::{Entry, StreamId};
use lastsave_resp::{Aggregate, ReplyBuffer};

use super::IdText;
use crate::reply::element;

/// An id.
pub(super) fn id(reply: &mut ReplyBuffer, id: StreamId) {
    reply.bulk(IdText::new(id).as_bytes());
}

/// An entry: its id, and its fields and values.
pub(super) fn entry(reply: &mut ReplyBuffer, entry: Entry<'_>) {
    reply.array(2);
    id(reply, entry.id);
    reply.array(entry.fields.len() * 2);
    for (field, value) in entry.fields {
        element(reply, field);
        element(reply, value);
    }
}

/// Replies that become an array when their number is known. Gives this number.
pub(super) fn counted(reply: &mut ReplyBuffer, items: impl FnOnce(&mut ReplyBuffer) -> usize) -> usize {
    let mark = reply.produced();
    let count = items(reply);
    reply.insert_aggregate(mark, Aggregate::Array, count);
    count
}

/// Entries as an array, at most `count` (0 for no limit).
pub(super) fn entries<'e>(
    reply: &mut ReplyBuffer,
    entries: impl Iterator<Item = Entry<'e>>,
    count: u64,
) -> usize {
    let count_max = match count {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    };
    counted(reply, |reply| {
        entries.take(count_max).fold(0, |written, found| {
            entry(reply, found);
            written + 1
        })
    })
}
