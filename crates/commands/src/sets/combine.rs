//! Several sets at once: SINTER, SUNION, SDIFF and the forms that store their result.

use lastsave_collections::Set;
use lastsave_keyspace::{Expiry, NewValue};
use lastsave_resp::{Aggregate, ReplyBuffer, Request, parse_integer};

use super::operation::{Operation, visit_common};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, element, error};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] =
    &[SINTER, SINTERCARD, SINTERSTORE, SUNION, SUNIONSTORE, SDIFF, SDIFFSTORE];

/// The sets at some keys; a key that does not exist gives an empty one. Nothing big is copied.
fn read_sets<'k>(
    context: &mut Context<'_>,
    keys: impl Iterator<Item = &'k [u8]>,
) -> Result<Vec<Set>, Replied> {
    keys.map(|name| {
        let key = context.key(name);
        context.read_as::<Set, _>(&key, |set, _| set.cloned().unwrap_or_default())
    })
    .collect()
}

fn combine(context: &mut Context<'_>, request: Request<'_>, operation: Operation) {
    let Ok(sets) = read_sets(context, request.args().skip(1)) else { return };
    if operation == Operation::Intersection {
        let mark = context.reply.produced();
        let mut count = 0;
        visit_common(&sets, |member| {
            element(context.reply, member);
            count += 1;
            true
        });
        return context.reply.insert_aggregate(mark, Aggregate::Set, count);
    }
    let result = operation.apply(&sets, &context.options.set_limits());
    context.reply.set(result.len());
    result.iter().for_each(|member| element(context.reply, member));
}

fn combine_and_store(
    context: &mut Context<'_>,
    request: Request<'_>,
    operation: Operation,
    event: &'static str,
) {
    let Ok(sets) = read_sets(context, request.args().skip(2)) else { return };
    let result = operation.apply(&sets, &context.options.set_limits());
    drop(sets);
    let key = context.key(request.arg(1));
    context.reply.integer(result.len() as i64);
    if !result.is_empty() {
        context.store(&key, NewValue::Set(result), Expiry::Clear);
        context.notify(EventClass::Set, event, &key);
        context.log_verbatim(1);
    } else if context.exists_in(context.db, &key) {
        context.keyspace.db_mut(context.db).remove(&key);
        context.modified(&key);
        context.notify(EventClass::Generic, "del", &key);
        context.log_verbatim(1);
    }
}

const SINTER: CommandSpec = CommandSpec {
    summary: "Returns the intersect of multiple sets.",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the \
         number of sets.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("sinter", Group::Set, Handler::Data(sinter))
};

fn sinter(context: &mut Context<'_>, request: Request<'_>) {
    combine(context, request, Operation::Intersection);
}

const SINTERSTORE: CommandSpec = CommandSpec {
    summary: "Stores the intersect of multiple sets in a key.",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the \
         number of sets.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SET,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
    ..CommandSpec::new("sinterstore", Group::Set, Handler::Data(sinterstore))
};

fn sinterstore(context: &mut Context<'_>, request: Request<'_>) {
    combine_and_store(context, request, Operation::Intersection, "sinterstore");
}

const SUNION: CommandSpec = CommandSpec {
    summary: "Returns the union of multiple sets.",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("sunion", Group::Set, Handler::Data(sunion))
};

fn sunion(context: &mut Context<'_>, request: Request<'_>) {
    combine(context, request, Operation::Union);
}

const SUNIONSTORE: CommandSpec = CommandSpec {
    summary: "Stores the union of multiple sets in a key.",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
    ..CommandSpec::new("sunionstore", Group::Set, Handler::Data(sunionstore))
};

fn sunionstore(context: &mut Context<'_>, request: Request<'_>) {
    combine_and_store(context, request, Operation::Union, "sunionstore");
}

const SDIFF: CommandSpec = CommandSpec {
    summary: "Returns the difference of multiple sets.",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("sdiff", Group::Set, Handler::Data(sdiff))
};

fn sdiff(context: &mut Context<'_>, request: Request<'_>) {
    combine(context, request, Operation::Difference);
}

const SDIFFSTORE: CommandSpec = CommandSpec {
    summary: "Stores the difference of multiple sets in a key.",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
    ..CommandSpec::new("sdiffstore", Group::Set, Handler::Data(sdiffstore))
};

fn sdiffstore(context: &mut Context<'_>, request: Request<'_>) {
    combine_and_store(context, request, Operation::Difference, "sdiffstore");
}

const SINTERCARD: CommandSpec = CommandSpec {
    summary: "Returns the number of members of the intersect of multiple sets.",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the \
         number of sets.",
    since: "7.0.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::integer("limit").token("LIMIT").optional(),
    ],
    ..CommandSpec::new("sintercard", Group::Set, Handler::Data(sintercard))
};

/// The number of keys and the limit of SINTERCARD; a limit of 0 is none.
fn parse_card(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<(usize, usize), Replied> {
    let positive = |argument: &[u8]| parse_integer(argument).and_then(|number| usize::try_from(number).ok());
    let keys = positive(request.arg(1)).filter(|keys| *keys > 0);
    let keys = keys.ok_or_else(|| error(reply, "ERR numkeys should be greater than 0"))?;
    if keys > request.len() - 2 {
        return Err(error(reply, "ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = 0;
    for index in (2 + keys..request.len()).step_by(2) {
        let Some(argument) =
            request.get(index + 1).filter(|_| request.arg(index).eq_ignore_ascii_case(b"limit"))
        else {
            return Err(error(reply, SYNTAX_ERROR));
        };
        limit = positive(argument).ok_or_else(|| error(reply, "ERR LIMIT can't be negative"))?;
    }
    Ok((keys, limit))
}

fn sintercard(context: &mut Context<'_>, request: Request<'_>) {
    let Ok((keys, limit)) = parse_card(context.reply, request) else { return };
    let Ok(sets) = read_sets(context, request.args().skip(2).take(keys)) else { return };
    let mut count = 0;
    visit_common(&sets, |_| {
        count += 1;
        limit == 0 || count < limit
    });
    context.reply.integer(count as i64);
}
