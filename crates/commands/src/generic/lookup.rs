//! EXISTS, TYPE and TOUCH.

use lastsave_keyspace::Value;
use lastsave_resp::Request;

use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[EXISTS, TYPE, TOUCH];

const EXISTS: CommandSpec = CommandSpec {
    summary: "Determines whether one or more keys exist.",
    complexity: "O(N) where N is the number of keys to check.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    history: &[("3.0.3", "Accepts multiple `key` arguments.")],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("exists", Group::Generic, Handler::Data(exists))
};

fn exists(context: &mut Context<'_>, request: Request<'_>) {
    let mut found = 0;
    for name in request.args().skip(1) {
        let key = context.key(name);
        found += i64::from(context.inspect(&key, |entry, _| entry.is_some()));
    }
    context.reply.integer(found);
}

const TYPE: CommandSpec = CommandSpec {
    summary: "Determines the type of value stored at a key.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("type", Group::Generic, Handler::Data(type_of))
};

/// The name TYPE replies for a value.
pub(super) fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::List(_) => "list",
        Value::Hash(_) => "hash",
        Value::Set(_) => "set",
        Value::SortedSet(_) => "zset",
        Value::Stream(_) => "stream",
        _ => "unknown",
    }
}

fn type_of(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    context.inspect(&key, |entry, reply| match entry {
        Some(entry) => reply.simple(type_name(&entry.value())),
        None => reply.simple("none"),
    });
}

const TOUCH: CommandSpec = CommandSpec {
    summary: "Returns the number of existing keys out of those specified after updating the time \
         they were last accessed.",
    complexity: "O(N) where N is the number of keys that will be touched.",
    since: "3.2.1",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("touch", Group::Generic, Handler::Data(touch))
};

fn touch(context: &mut Context<'_>, request: Request<'_>) {
    // The one command that touches even for a client that said CLIENT NO-TOUCH.
    context.no_touch = false;
    let mut found = 0;
    for name in request.args().skip(1) {
        let key = context.key(name);
        found += i64::from(context.read(&key, |entry, _| entry.is_some()));
    }
    context.reply.integer(found);
}
