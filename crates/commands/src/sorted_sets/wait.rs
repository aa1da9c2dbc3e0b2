//! BZPOPMIN, BZPOPMAX and BZMPOP: pops that wait for an element.

use lastsave_resp::Request;

use super::pop::{End, find_len, parse_mpop, pop, pop_first};
use crate::blocking::{AwaitedType, BlockingWait};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::timeouts;

pub(crate) const COMMANDS: &[CommandSpec] = &[BZPOPMIN, BZPOPMAX, BZMPOP];

const BZPOPMIN: CommandSpec = CommandSpec {
    summary: "Removes and returns the member with the lowest score from one or more sorted sets. \
         Blocks until a member is available otherwise. Deletes the sorted set if the last \
         element was popped.",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    since: "5.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
    ..CommandSpec::new("bzpopmin", Group::SortedSet, Handler::Data(bzpopmin))
};

fn bzpopmin(context: &mut Context<'_>, request: Request<'_>) {
    pop_or_wait(context, request, End::Lowest);
}

const BZPOPMAX: CommandSpec = CommandSpec {
    summary: "Removes and returns the member with the highest score from one or more sorted sets. \
         Blocks until a member available otherwise.  Deletes the sorted set if the last \
         element was popped.",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    since: "5.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
    ..CommandSpec::new("bzpopmax", Group::SortedSet, Handler::Data(bzpopmax))
};

fn bzpopmax(context: &mut Context<'_>, request: Request<'_>) {
    pop_or_wait(context, request, End::Highest);
}

const BZMPOP: CommandSpec = CommandSpec {
    summary: "Removes and returns a member by score from one or more sorted sets. Blocks until a \
         member is available otherwise. Deletes the sorted set if the last element was \
         popped.",
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    since: "7.0.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(2, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[
        Argument::double("timeout"),
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::one_of("where", &[Argument::pure_token("min", "MIN"), Argument::pure_token("max", "MAX")]),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("bzmpop", Group::SortedSet, Handler::Data(bzmpop))
};

fn bzmpop(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_mpop(context.reply, request, 2) else { return };
    let timeout = timeouts::seconds_argument(context.reply, request.arg(1), context.now_ms);
    let Ok(timeout_ms) = timeout else { return };
    let names = request.args().skip(3).take(options.keys);
    if let Ok(false) = pop_first(context, names.clone(), &options) {
        wait(context, names, timeout_ms);
    }
}

fn pop_or_wait(context: &mut Context<'_>, request: Request<'_>, end: End) {
    let last = request.len() - 1;
    let timeout = timeouts::seconds_argument(context.reply, request.arg(last), context.now_ms);
    let Ok(timeout_ms) = timeout else { return };
    let names = request.args().skip(1).take(last - 1);
    for name in names.clone() {
        let key = context.key(name);
        let Ok(len) = find_len(context, &key) else { return };
        if len > 0 {
            context.reply.array(3);
            context.reply.bulk(name);
            pop(context, &key, end, 1, len, false);
            return context.log_command(&[end.pop_command(), name], 1);
        }
    }
    wait(context, names, timeout_ms);
}

/// Lets the client wait until one of the keys holds a sorted set, or replies that there is none where it may not wait.
fn wait<'k>(context: &mut Context<'_>, keys: impl IntoIterator<Item = &'k [u8]>, timeout_ms: Option<u64>) {
    if context.may_block {
        let awaited = AwaitedType::SortedSet;
        context.block(keys, BlockingWait { awaited, wakes_without_key: false, timeout_ms });
    } else {
        context.reply.null_array();
    }
}
