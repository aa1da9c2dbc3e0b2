//! LPUSH, RPUSH, LPUSHX and RPUSHX.

use lastsave_collections::{List, ListEnd};
use lastsave_resp::Request;

use super::announce_push;
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[LPUSH, RPUSH, LPUSHX, RPUSHX];

const LPUSH: CommandSpec = CommandSpec {
    summary: "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
         with multiple arguments.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
    ..CommandSpec::new("lpush", Group::List, Handler::Data(lpush))
};

fn lpush(context: &mut Context<'_>, request: Request<'_>) {
    push(context, request, ListEnd::Left, false);
}

const RPUSH: CommandSpec = CommandSpec {
    summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
         with multiple arguments.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
    ..CommandSpec::new("rpush", Group::List, Handler::Data(rpush))
};

fn rpush(context: &mut Context<'_>, request: Request<'_>) {
    push(context, request, ListEnd::Right, false);
}

const LPUSHX: CommandSpec = CommandSpec {
    summary: "Prepends one or more elements to a list only when the list exists.",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
         with multiple arguments.",
    since: "2.2.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
    ..CommandSpec::new("lpushx", Group::List, Handler::Data(lpushx))
};

fn lpushx(context: &mut Context<'_>, request: Request<'_>) {
    push(context, request, ListEnd::Left, true);
}

const RPUSHX: CommandSpec = CommandSpec {
    summary: "Appends an element to a list only when the list exists.",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
         with multiple arguments.",
    since: "2.2.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
    ..CommandSpec::new("rpushx", Group::List, Handler::Data(rpushx))
};

fn rpushx(context: &mut Context<'_>, request: Request<'_>) {
    push(context, request, ListEnd::Right, true);
}

fn push(context: &mut Context<'_>, request: Request<'_>, end: ListEnd, only_existing: bool) {
    let key = context.key(request.arg(1));
    let Ok(exists) = context.find_as::<List, _>(&key, |list, _| list.is_some()) else { return };
    if only_existing && !exists {
        return context.reply.integer(0);
    }
    let limits = context.options.list_limits();
    let count = request.len() - 2;
    let len = context.edit_or_create(&key, |list: &mut List| {
        let bytes = request.args().skip(2).map(<[u8]>::len).sum();
        list.prepare_growth(count, bytes, &limits);
        for index in 2..request.len() {
            list.push(end, super::Argument::new(request, index).as_element());
        }
        list.len()
    });
    announce_push(context, &key, end);
    context.log_verbatim(count as u64);
    context.reply.integer(len as i64);
}
