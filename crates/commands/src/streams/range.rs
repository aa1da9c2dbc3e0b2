//! XLEN, XRANGE and XREVRANGE.

use lastsave_collections::Stream;
use lastsave_resp::Request;

use super::{entries, id};
use crate::context::Context;
use crate::reply::{SYNTAX_ERROR, integer_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XLEN, XRANGE, XREVRANGE];

const XLEN: CommandSpec = CommandSpec {
    summary: "Return the number of messages in a stream.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("xlen", Group::Stream, Handler::Data(xlen))
};

fn xlen(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    // An error was replied already.
    let _ = context.read_as::<Stream, _>(&key, |stream, reply| {
        reply.integer(stream.map_or(0, |stream| stream.length() as i64));
    });
}

const XRANGE: CommandSpec = CommandSpec {
    summary: "Returns the messages from a stream within a range of IDs.",
    complexity: "O(N) with N being the number of elements being returned. If N is constant (e.g. \
         always asking for the first 10 elements with COUNT), you can consider it O(1).",
    since: "5.0.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("6.2.0", "Added exclusive ranges.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("start"),
        Argument::string("end"),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("xrange", Group::Stream, Handler::Data(xrange))
};

fn xrange(context: &mut Context<'_>, request: Request<'_>) {
    range(context, request, false);
}

const XREVRANGE: CommandSpec = CommandSpec {
    summary: "Returns the messages from a stream within a range of IDs in reverse order.",
    complexity: "O(N) with N being the number of elements returned. If N is constant (e.g. always \
         asking for the first 10 elements with COUNT), you can consider it O(1).",
    since: "5.0.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("6.2.0", "Added exclusive ranges.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("end"),
        Argument::string("start"),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("xrevrange", Group::Stream, Handler::Data(xrevrange))
};

fn xrevrange(context: &mut Context<'_>, request: Request<'_>) {
    range(context, request, true);
}

fn range(context: &mut Context<'_>, request: Request<'_>, is_reverse: bool) {
    let (start, end) = if is_reverse { (3, 2) } else { (2, 3) };
    let Ok(start) = id::start_argument(context.reply, request.arg(start)) else { return };
    let Ok(end) = id::end_argument(context.reply, request.arg(end)) else { return };
    let mut count = None;
    let mut index = 4;
    while index < request.len() {
        let argument = request.get(index + 1).filter(|_| request.arg(index).eq_ignore_ascii_case(b"count"));
        let Some(argument) = argument else { return context.reply.error(SYNTAX_ERROR) };
        let Ok(given) = integer_argument(context.reply, argument) else { return };
        count = Some(u64::try_from(given).unwrap_or(0));
        index += 2;
    }
    let key = context.key(request.arg(1));
    // An error was replied already.
    let _ = context.read_as::<Stream, _>(&key, |stream, reply| match stream {
        None => reply.array(0),
        Some(_) if count == Some(0) => reply.null_array(),
        Some(stream) => {
            entries::entries(reply, stream.range(start, end, is_reverse), count.unwrap_or(0));
        }
    });
}
