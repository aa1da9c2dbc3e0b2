//! Parts of strings: APPEND, SETRANGE, GETRANGE, SUBSTR.

use lastsave_keyspace::{Expiry, IntegerBuffer, NewValue, StringValue};
use lastsave_resp::{ReplyBuffer, Request};

use crate::context::{Context, new_value, string_of};
use crate::reply::{STRING_TOO_LONG, WRONG_TYPE, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[APPEND, SETRANGE, GETRANGE, SUBSTR];

/// Strings up to this length may be in any log, whatever the limit is now.
const REPLAYED_STRING_BYTES: u64 = 512 * 1024 * 1024;

/// A string longer than this is handed over instead of being copied.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

/// Whether a string may grow to `len` bytes plus `tail`.
fn may_grow(context: &Context<'_>, len: u64, tail: u64) -> bool {
    let limit = context.options.proto_max_bulk_bytes;
    let limit = if context.replay { limit.max(REPLAYED_STRING_BYTES) } else { limit };
    len.checked_add(tail).is_some_and(|total| total <= limit)
}

/// Length of the string at a key that is about to be changed, or nothing when there is no key.
fn len_for_change(
    context: &mut Context<'_>,
    key: &lastsave_keyspace::Key<'_>,
) -> Result<Option<usize>, &'static str> {
    context.find(key, |entry, _| match entry.map(|entry| string_of(&entry)) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value.len())),
        Some(Err(_)) => Err(WRONG_TYPE),
    })
}

const APPEND: CommandSpec = CommandSpec {
    summary: "Appends a string to the value of a key. Creates the key if it doesn't exist.",
    complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is small \
         and the already present value is of any size, since the dynamic string library used \
         by Redis will double the free space available on every reallocation.",
    since: "2.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[Argument::key("key", 0), Argument::string("value")],
    ..CommandSpec::new("append", Group::String, Handler::Data(append))
};

fn append(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let tail = request.arg(2);
    let len = match len_for_change(context, &key) {
        Err(text) => return context.reply.error(text),
        Ok(Some(len)) => {
            if !may_grow(context, len as u64, tail.len() as u64) {
                return context.reply.error(STRING_TOO_LONG);
            }
            context.keyspace.db_mut(context.db).append(&key, tail);
            context.modified(&key);
            len + tail.len()
        }
        Ok(None) => {
            context.store(&key, new_value(request, 2), Expiry::Clear);
            tail.len()
        }
    };
    context.notify(EventClass::String, "append", &key);
    context.log_verbatim(1);
    context.reply.integer(len as i64);
}

const SETRANGE: CommandSpec = CommandSpec {
    summary: "Overwrites a part of a string value with another by an offset. Creates the key if \
         it doesn't exist.",
    complexity: "O(1), not counting the time taken to copy the new string in place. Usually, this \
         string is very small so the amortized complexity is O(1). Otherwise, complexity is \
         O(M) with M being the length of the value argument.",
    since: "2.2.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("offset"), Argument::string("value")],
    ..CommandSpec::new("setrange", Group::String, Handler::Data(setrange))
};

fn setrange(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(offset) = integer_argument(context.reply, request.arg(2)) else { return };
    let Ok(offset) = u64::try_from(offset) else {
        return context.reply.error("ERR offset is out of range");
    };
    let key = context.key(request.arg(1));
    let part = request.arg(3);
    let before = match len_for_change(context, &key) {
        Ok(before) => before,
        Err(text) => return context.reply.error(text),
    };
    if part.is_empty() {
        return context.reply.integer(before.unwrap_or(0) as i64);
    }
    if !may_grow(context, offset, part.len() as u64) {
        return context.reply.error(STRING_TOO_LONG);
    }
    let Ok(offset) = usize::try_from(offset) else { return context.reply.error(STRING_TOO_LONG) };
    let len = if before.is_some() {
        let len = context.keyspace.db_mut(context.db).write_range(&key, offset, part);
        context.modified(&key);
        len.unwrap_or(0)
    } else {
        let mut value = vec![0; offset + part.len()];
        value[offset..].copy_from_slice(part);
        let len = value.len();
        let value =
            if len > COPIED_VALUE_BYTES_MAX { NewValue::Shared(value.into()) } else { NewValue::Raw(&value) };
        context.store(&key, value, Expiry::Clear);
        len
    };
    context.notify(EventClass::String, "setrange", &key);
    context.log_verbatim(1);
    context.reply.integer(len as i64);
}

const GETRANGE: CommandSpec = CommandSpec {
    summary: "Returns a substring of the string stored at a key.",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
         determined by the returned length, but because creating a substring from an existing \
         string is very cheap, it can be considered O(1) for small strings.",
    since: "2.4.0",
    arity: 4,
    flags: Flags::READONLY,
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("end")],
    ..CommandSpec::new("getrange", Group::String, Handler::Data(getrange))
};

const SUBSTR: CommandSpec = CommandSpec {
    summary: "Returns a substring from a string value.",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
         determined by the returned length, but because creating a substring from an existing \
         string is very cheap, it can be considered O(1) for small strings.",
    since: "1.0.0",
    arity: 4,
    flags: Flags::READONLY,
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("2.0.0"),
    replaced_by: Some("`GETRANGE`"),
    arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("end")],
    ..CommandSpec::new("substr", Group::String, Handler::Data(getrange))
};

fn getrange(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(start) = integer_argument(context.reply, request.arg(2)) else { return };
    let Ok(end) = integer_argument(context.reply, request.arg(3)) else { return };
    let key = context.key(request.arg(1));
    context.read(&key, |entry, reply| match entry.map(|entry| string_of(&entry)) {
        None => reply.bulk(b""),
        Some(Ok(value)) => reply_part(reply, value, start, end),
        Some(Err(_)) => reply.error(WRONG_TYPE),
    });
}

/// The bytes from `start` to `end`, both counted from the end when negative.
fn reply_part(reply: &mut ReplyBuffer, value: StringValue<'_>, start: i64, end: i64) {
    let mut buffer = IntegerBuffer::new();
    let text = value.to_text(&mut buffer);
    let len = text.len() as i64;
    if (start < 0 && end < 0 && start > end) || len == 0 {
        return reply.bulk(b"");
    }
    let start = if start < 0 { start.saturating_add(len).max(0) } else { start };
    let end = if end < 0 { end.saturating_add(len).max(0) } else { end }.min(len - 1);
    if start > end {
        return reply.bulk(b"");
    }
    let (start, end) = (start as usize, end as usize);
    match value {
        StringValue::Shared(bytes) => reply.bulk_shared(&bytes.slice(start..=end)),
        StringValue::Integer(_) | StringValue::Bytes(_) => reply.bulk(&text[start..=end]),
    }
}
