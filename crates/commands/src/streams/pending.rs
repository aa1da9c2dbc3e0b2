//! XACK and XPENDING: what was delivered and not acknowledged.

use lastsave_collections::{Group as StreamGroup, Stream, StreamId};
use lastsave_resp::{ReplyBuffer, Request};

use super::delete::id_arguments;
use super::{entries, errors, id};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XACK, XPENDING];

const XACK: CommandSpec = CommandSpec {
    summary: "Returns the number of messages that were successfully acknowledged by the consumer \
         group member of a stream.",
    complexity: "O(1) for each message ID processed.",
    since: "5.0.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("ID").multiple()],
    ..CommandSpec::new("xack", Group::Stream, Handler::Data(xack))
};

fn xack(context: &mut Context<'_>, request: Request<'_>) {
    let (key, name) = (context.key(request.arg(1)), request.arg(2));
    let has_group = context
        .read_as::<Stream, _>(&key, |stream, _| stream.is_some_and(|stream| stream.group(name).is_some()));
    match has_group {
        Err(Replied) => return,
        Ok(false) => return context.reply.integer(0),
        Ok(true) => {}
    }
    let Ok(ids) = id_arguments(context.reply, request, 3) else { return };
    let acknowledged = context
        .edit::<Stream, _>(&key, |stream| {
            stream.edit_group(name, |group| ids.iter().filter(|id| group.acknowledge(**id)).count())
        })
        .result
        .unwrap_or(0);
    if acknowledged > 0 {
        context.log_verbatim(acknowledged as u64);
    }
    context.reply.integer(acknowledged as i64);
}

const XPENDING: CommandSpec = CommandSpec {
    summary: "Returns the information and entries from a stream consumer group's pending entries \
         list.",
    complexity: "O(N) with N being the number of elements returned, so asking for a small fixed \
         number of entries per call is O(1). O(M), where M is the total number of entries \
         scanned when used with the IDLE filter. When the command returns just the summary \
         and the list of consumers is small, it runs in O(1) time; otherwise, an additional \
         O(N) time for iterating every consumer.",
    since: "5.0.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("6.2.0", "Added the `IDLE` option and exclusive range intervals.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("group"),
        Argument::block(
            "filters",
            &[
                Argument::integer("min-idle-time").token("IDLE").since("6.2.0").optional(),
                Argument::string("start"),
                Argument::string("end"),
                Argument::integer("count"),
                Argument::string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("xpending", Group::Stream, Handler::Data(xpending))
};

/// Which pending entries are wanted one by one.
#[derive(Debug, Clone, Copy)]
struct Selection<'a> {
    idle_ms_min: i64,
    start: StreamId,
    end: StreamId,
    count: u64,
    consumer: Option<&'a [u8]>,
}

fn parse_pending<'a>(
    reply: &mut ReplyBuffer,
    request: Request<'a>,
) -> Result<Option<Selection<'a>>, Replied> {
    match request.len() {
        3 => return Ok(None),
        6..=9 => {}
        _ => return Err(error(reply, SYNTAX_ERROR)),
    }
    let (mut first, mut idle_ms_min) = (3, 0);
    if request.arg(3).eq_ignore_ascii_case(b"idle") {
        idle_ms_min = integer_argument(reply, request.arg(4))?;
        if request.len() < 8 {
            return Err(error(reply, SYNTAX_ERROR));
        }
        first = 5;
    }
    let count = u64::try_from(integer_argument(reply, request.arg(first + 2))?).unwrap_or(0);
    let start = id::start_argument(reply, request.arg(first))?;
    let end = id::end_argument(reply, request.arg(first + 1))?;
    Ok(Some(Selection { idle_ms_min, start, end, count, consumer: request.get(first + 3) }))
}

fn xpending(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(selection) = parse_pending(context.reply, request) else { return };
    let (key, name, now_ms) = (context.key(request.arg(1)), request.arg(2), context.now_ms);
    // An error was replied already.
    let _ = context.read_as::<Stream, _>(&key, |stream, reply| {
        match (stream.and_then(|stream| stream.group(name)), &selection) {
            (None, _) => {
                errors::no_key_or_group(reply, key.bytes(), name, "");
            }
            (Some(group), None) => summary(reply, group),
            (Some(group), Some(selection)) => one_by_one(reply, group, selection, now_ms),
        }
    });
}

fn summary(reply: &mut ReplyBuffer, group: &StreamGroup) {
    reply.array(4);
    reply.integer(group.pending_len() as i64);
    let first = group.pending_from(StreamId::MIN).next().map(|(id, _)| id);
    let (Some(first), Some(last)) = (first, group.last_pending_id()) else {
        reply.null();
        reply.null();
        return reply.null_array();
    };
    entries::id(reply, first);
    entries::id(reply, last);
    entries::counted(reply, |reply| {
        let consumers = group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0);
        consumers.fold(0, |written, (_, consumer)| {
            reply.array(2);
            reply.bulk(consumer.name());
            reply.bulk_integer(consumer.pending_len() as i64);
            written + 1
        })
    });
}

fn one_by_one(reply: &mut ReplyBuffer, group: &StreamGroup, selection: &Selection<'_>, now_ms: i64) {
    let consumer = match selection.consumer.map(|name| group.number_of(name)) {
        Some(None) => return reply.array(0),
        Some(Some(number)) => Some(group.consumer(number)),
        None => None,
    };
    // Either what the consumer has, or what all have.
    let own = consumer.into_iter().flat_map(|consumer| consumer.pending_from(selection.start));
    let own = own.filter_map(|id| Some((id, group.pending(id)?)));
    let all = (consumer.is_none()).then(|| group.pending_from(selection.start)).into_iter().flatten();
    let found = own
        .chain(all)
        .take_while(|(id, _)| *id <= selection.end)
        .filter(|(_, pending)| {
            selection.idle_ms_min == 0 || now_ms.saturating_sub(pending.delivered_ms) >= selection.idle_ms_min
        })
        .take(usize::try_from(selection.count).unwrap_or(usize::MAX));
    entries::counted(reply, |reply| {
        found.fold(0, |written, (id, pending)| {
            reply.array(4);
            entries::id(reply, id);
            reply.bulk(group.consumer(pending.consumer).name());
            reply.integer(now_ms.saturating_sub(pending.delivered_ms).max(0));
            reply.integer(pending.deliveries as i64);
            written + 1
        })
    });
}
