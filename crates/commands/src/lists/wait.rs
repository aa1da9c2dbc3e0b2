//! BLPOP, BRPOP and BLMPOP: pops that wait for an element.

use lastsave_collections::{List, ListEnd};
use lastsave_resp::Request;

use super::pop::{MultiplePop, pop_one};
use super::pop_name;
use crate::blocking::{AwaitedType, BlockingWait};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::timeouts;

pub(crate) const COMMANDS: &[CommandSpec] = &[BLPOP, BRPOP, BLMPOP];

const BLPOP: CommandSpec = CommandSpec {
    summary: "Removes and returns the first element in a list. Blocks until an element is \
         available otherwise. Deletes the list if the last element was popped.",
    complexity: "O(N) where N is the number of provided keys.",
    since: "2.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
    ..CommandSpec::new("blpop", Group::List, Handler::Data(blpop))
};

fn blpop(context: &mut Context<'_>, request: Request<'_>) {
    pop_or_wait(context, request, ListEnd::Left);
}

const BRPOP: CommandSpec = CommandSpec {
    summary: "Removes and returns the last element in a list. Blocks until an element is \
         available otherwise. Deletes the list if the last element was popped.",
    complexity: "O(N) where N is the number of provided keys.",
    since: "2.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
    ..CommandSpec::new("brpop", Group::List, Handler::Data(brpop))
};

fn brpop(context: &mut Context<'_>, request: Request<'_>) {
    pop_or_wait(context, request, ListEnd::Right);
}

fn pop_or_wait(context: &mut Context<'_>, request: Request<'_>, end: ListEnd) {
    let last = request.len() - 1;
    let timeout = timeouts::seconds_argument(context.reply, request.arg(last), context.now_ms);
    let Ok(timeout_ms) = timeout else { return };
    let names = request.args().skip(1).take(last - 1);
    for name in names.clone() {
        let key = context.key(name);
        let Ok(exists) = context.find_as::<List, _>(&key, |list, _| list.is_some()) else { return };
        if exists {
            context.reply.array(2);
            context.reply.bulk(name);
            pop_one(context, &key, end);
            return context.log_command(&[pop_name(end), name], 1);
        }
    }
    if context.may_block {
        block_for_list(context, names, timeout_ms);
    } else {
        context.reply.null_array();
    }
}

/// Lets the client wait until one of the keys holds a list.
pub(super) fn block_for_list<'k>(
    context: &mut Context<'_>,
    keys: impl IntoIterator<Item = &'k [u8]>,
    timeout_ms: Option<u64>,
) {
    let wait = BlockingWait { awaited: AwaitedType::List, wakes_without_key: false, timeout_ms };
    context.block(keys, wait);
}

const BLMPOP: CommandSpec = CommandSpec {
    summary: "Pops the first element from one of multiple lists. Blocks until an element is \
         available otherwise. Deletes the list if the last element was popped.",
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements \
         returned.",
    since: "7.0.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::counted(2, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[
        Argument::double("timeout"),
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::one_of(
            "where",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("blmpop", Group::List, Handler::Data(blmpop))
};

fn blmpop(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = MultiplePop::parse(context, request, 2) else { return };
    let timeout = timeouts::seconds_argument(context.reply, request.arg(1), context.now_ms);
    let Ok(timeout_ms) = timeout else { return };
    if let Ok(false) = options.pop_first(context, request) {
        if context.may_block {
            block_for_list(context, options.keys(request), timeout_ms);
        } else {
            context.reply.null_array();
        }
    }
}
