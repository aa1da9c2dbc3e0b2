//! GET and STRLEN.

use lastsave_resp::Request;

use crate::context::{Context, string_of};
use crate::reply::{WRONG_TYPE, string_or_null};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[GET, STRLEN];

const GET: CommandSpec = CommandSpec {
    summary: "Returns the string value of a key.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("get", Group::String, Handler::Data(get))
};

fn get(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    // An error is a reply like any other here.
    let _replied = context.read(&key, |entry, reply| string_or_null(reply, entry.as_ref()));
}

const STRLEN: CommandSpec = CommandSpec {
    summary: "Returns the length of a string value.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("strlen", Group::String, Handler::Data(strlen))
};

fn strlen(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    context.read(&key, |entry, reply| match entry.map(|entry| string_of(&entry)) {
        None => reply.integer(0),
        Some(Ok(value)) => reply.integer(value.len() as i64),
        Some(Err(_)) => reply.error(WRONG_TYPE),
    });
}
