//! XINFO: what is known about streams, groups and consumers.

use lastsave_collections::{Group as StreamGroup, Stream, StreamId};
use lastsave_resp::{ReplyBuffer, Request};

use super::{entries, errors};
use crate::context::Context;
use crate::reply::{NO_SUCH_KEY, Replied, integer_argument, reply_help, reply_unknown_subcommand};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XINFO];

/// Entries that XINFO STREAM FULL lists if it is not told otherwise.
const DEFAULT_COUNT: u64 = 10;

const HELP_LINES: &[&str] = &[
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
];

const XINFO: CommandSpec = CommandSpec {
    summary: "A container for stream introspection commands.",
    complexity: "Depends on subcommand.",
    since: "5.0.0",
    arity: -2,
    subcommands: &[XINFO_CONSUMERS, XINFO_GROUPS, XINFO_HELP, XINFO_STREAM],
    help: HELP_LINES,
    ..CommandSpec::new("xinfo", Group::Stream, Handler::Container)
};

const XINFO_CONSUMERS: CommandSpec = CommandSpec {
    summary: "Returns a list of the consumers in a consumer group.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 4,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("7.2.0", "Added the `inactive` field.")],
    arguments: &[Argument::key("key", 0), Argument::string("group")],
    ..CommandSpec::new("xinfo|consumers", Group::Stream, Handler::Data(consumers))
};

const XINFO_GROUPS: CommandSpec = CommandSpec {
    summary: "Returns a list of the consumer groups of a stream.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.0.0", "Added the `entries-read` and `lag` fields")],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("xinfo|groups", Group::Stream, Handler::Data(groups))
};

const XINFO_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::STREAM,
    ..CommandSpec::new("xinfo|help", Group::Stream, Handler::Data(help))
};

const XINFO_STREAM: CommandSpec = CommandSpec {
    summary: "Returns information about a stream.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
         `entries-read` and `lag` fields",
        ),
        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::block(
            "full-block",
            &[Argument::pure_token("full", "FULL"), Argument::integer("count").token("COUNT").optional()],
        )
        .optional(),
    ],
    ..CommandSpec::new("xinfo|stream", Group::Stream, Handler::Data(stream))
};

/// Gives the stream to `look`, or replies with an error.
fn with_stream(
    context: &mut Context<'_>,
    request: Request<'_>,
    look: impl FnOnce(&Stream, &mut ReplyBuffer),
) {
    let key = context.key(request.arg(2));
    // An error was replied already.
    let _ = context.read_as::<Stream, _>(&key, |stream, reply| match stream {
        None => reply.error(NO_SUCH_KEY),
        Some(stream) => look(stream, reply),
    });
}

fn field_id(reply: &mut ReplyBuffer, name: &str, id: StreamId) {
    reply.bulk(name.as_bytes());
    entries::id(reply, id);
}

fn field_integer(reply: &mut ReplyBuffer, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}

fn field_name(reply: &mut ReplyBuffer, name: &[u8]) {
    reply.bulk(b"name");
    reply.bulk(name);
}

fn field_count(reply: &mut ReplyBuffer, name: &str, value: Option<i64>) {
    reply.bulk(name.as_bytes());
    match value {
        Some(value) => reply.integer(value),
        None => reply.null(),
    }
}

fn consumers(context: &mut Context<'_>, request: Request<'_>) {
    let now_ms = context.now_ms;
    with_stream(context, request, |stream, reply| {
        let Some(group) = stream.group(request.arg(3)) else {
            errors::no_group(reply, request.arg(2), request.arg(3));
            return;
        };
        reply.array(group.consumers_len());
        for (_, consumer) in group.consumers() {
            reply.map(4);
            field_name(reply, consumer.name());
            field_integer(reply, "pending", consumer.pending_len() as i64);
            field_integer(reply, "idle", now_ms.saturating_sub(consumer.seen_ms()).max(0));
            let inactive_ms = consumer.active_ms().map_or(-1, |active_ms| now_ms.saturating_sub(active_ms));
            field_integer(reply, "inactive", inactive_ms);
        }
    });
}

fn groups(context: &mut Context<'_>, request: Request<'_>) {
    with_stream(context, request, |stream, reply| {
        reply.array(stream.groups_len());
        for (name, group) in stream.groups() {
            reply.map(6);
            field_name(reply, name);
            field_integer(reply, "consumers", group.consumers_len() as i64);
            field_integer(reply, "pending", group.pending_len() as i64);
            group_position(reply, stream, group);
        }
    });
}

fn group_position(reply: &mut ReplyBuffer, stream: &Stream, group: &StreamGroup) {
    field_id(reply, "last-delivered-id", group.last_id());
    field_count(reply, "entries-read", group.entries_read().map(|read| read as i64));
    field_count(reply, "lag", stream.lag(group));
}

/// The number of entries to list if FULL is given.
fn parse_full(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<Option<u64>, Replied> {
    let is = |index: usize, word: &[u8]| request.arg(index).eq_ignore_ascii_case(word);
    match request.len() {
        3 => Ok(None),
        4 if is(3, b"full") => Ok(Some(DEFAULT_COUNT)),
        6 if is(3, b"full") && is(4, b"count") => {
            let count = integer_argument(reply, request.arg(5))?;
            Ok(Some(u64::try_from(count).unwrap_or(DEFAULT_COUNT)))
        }
        _ => {
            reply_unknown_subcommand(reply, request);
            Err(Replied)
        }
    }
}

fn stream(context: &mut Context<'_>, request: Request<'_>) {
    with_stream(context, request, |stream, reply| {
        let Ok(full) = parse_full(reply, request) else { return };
        reply.map(if full.is_some() { 9 } else { 10 });
        field_integer(reply, "length", stream.length() as i64);
        field_integer(reply, "radix-tree-keys", stream.node_count() as i64);
        // A radix tree has a root, and a node for each key at least.
        field_integer(reply, "radix-tree-nodes", stream.node_count() as i64 + 1);
        field_id(reply, "last-generated-id", stream.last_id());
        field_id(reply, "max-deleted-entry-id", stream.max_deleted_id());
        field_integer(reply, "entries-added", stream.entries_added() as i64);
        field_id(reply, "recorded-first-entry-id", stream.first_id());
        match full {
            None => short(reply, stream),
            Some(count) => long(reply, stream, count),
        }
    });
}

fn short(reply: &mut ReplyBuffer, stream: &Stream) {
    field_integer(reply, "groups", stream.groups_len() as i64);
    for (name, is_reverse) in [("first-entry", false), ("last-entry", true)] {
        reply.bulk(name.as_bytes());
        match stream.range(StreamId::MIN, StreamId::MAX, is_reverse).next() {
            Some(entry) => entries::entry(reply, entry),
            None => reply.null(),
        }
    }
}

fn long(reply: &mut ReplyBuffer, stream: &Stream, count: u64) {
    reply.bulk(b"entries");
    entries::entries(reply, stream.range(StreamId::MIN, StreamId::MAX, false), count);
    reply.bulk(b"groups");
    reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        reply.map(7);
        field_name(reply, name);
        group_position(reply, stream, group);
        field_integer(reply, "pel-count", group.pending_len() as i64);
        let count_max = if count == 0 { usize::MAX } else { count as usize };
        reply.bulk(b"pending");
        reply.array(group.pending_len().min(count_max));
        for (id, pending) in group.pending_from(StreamId::MIN).take(count_max) {
            reply.array(4);
            entries::id(reply, id);
            reply.bulk(group.consumer(pending.consumer).name());
            reply.integer(pending.delivered_ms);
            reply.integer(pending.deliveries as i64);
        }
        reply.bulk(b"consumers");
        reply.array(group.consumers_len());
        for (_, consumer) in group.consumers() {
            reply.map(5);
            field_name(reply, consumer.name());
            field_integer(reply, "seen-time", consumer.seen_ms());
            field_integer(reply, "active-time", consumer.active_ms().unwrap_or(-1));
            field_integer(reply, "pel-count", consumer.pending_len() as i64);
            reply.bulk(b"pending");
            reply.array(consumer.pending_len().min(count_max));
            let ids = consumer.pending_from(StreamId::MIN).take(count_max);
            for (id, pending) in ids.filter_map(|id| Some((id, group.pending(id)?))) {
                reply.array(3);
                entries::id(reply, id);
                reply.integer(pending.delivered_ms);
                reply.integer(pending.deliveries as i64);
            }
        }
    }
}

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, XINFO.name, XINFO.help);
}
