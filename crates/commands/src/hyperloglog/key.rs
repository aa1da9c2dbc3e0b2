//! The HyperLogLog at a key.

use lastsave_keyspace::{Encoding, Entry, Expiry, IntegerBuffer, Key, NewValue};
use lastsave_resp::ReplyBuffer;

use super::header::{Draft, View};
use crate::context::{Context, string_of};
use crate::reply::{Replied, WRONG_TYPE, error};

pub(super) const CORRUPT: &str = "INVALIDOBJ Corrupted HLL object detected";
const NOT_ONE: &str = "WRONGTYPE Key is not a valid HyperLogLog string value.";

/// A string longer than this is handed over instead of being copied.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

/// What was found at a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'e> {
    pub(super) text: &'e [u8],
    pub(super) view: View<'e>,
    pub(super) is_raw: bool,
}

fn look_at<R>(
    entry: Option<Entry<'_>>,
    reply: &mut ReplyBuffer,
    look: impl FnOnce(Option<Found<'_>>) -> R,
) -> Result<R, Replied> {
    let Some(entry) = entry else { return Ok(look(None)) };
    let Ok(value) = string_of(&entry) else { return Err(error(reply, WRONG_TYPE)) };
    let mut buffer = IntegerBuffer::new();
    let text = value.to_text(&mut buffer);
    match View::parse(text) {
        Some(view) => Ok(look(Some(Found { text, view, is_raw: entry.encoding() == Encoding::Raw }))),
        None => Err(error(reply, NOT_ONE)),
    }
}

/// Looks at the HyperLogLog at a key for reading.
pub(super) fn read<R>(
    context: &mut Context<'_>,
    key: &Key<'_>,
    look: impl FnOnce(Option<Found<'_>>) -> R,
) -> Result<R, Replied> {
    context.read(key, |entry, reply| look_at(entry, reply, look))
}

/// Looks at the HyperLogLog at a key for changing it.
pub(super) fn find<R>(
    context: &mut Context<'_>,
    key: &Key<'_>,
    look: impl FnOnce(Option<Found<'_>>) -> R,
) -> Result<R, Replied> {
    context.find(key, |entry, reply| look_at(entry, reply, look))
}

/// Makes the encoding of an existing string `raw`, as Redis does with every string it is about to change.
pub(super) fn make_raw(context: &mut Context<'_>, key: &Key<'_>) {
    context.keyspace.db_mut(context.db).write_range(key, 0, &[]);
}

/// Stores a HyperLogLog; the key keeps its time to live.
pub(super) fn store(context: &mut Context<'_>, key: &Key<'_>, draft: Draft) {
    let value = if draft.text.len() > COPIED_VALUE_BYTES_MAX {
        NewValue::Shared(draft.text.into())
    } else {
        NewValue::Raw(&draft.text)
    };
    context.store(key, value, Expiry::Keep);
}
