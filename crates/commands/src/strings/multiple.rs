//! MGET, MSET and MSETNX: several keys at once.

use lastsave_keyspace::Expiry;
use lastsave_resp::Request;

use crate::context::{Context, new_value, string_of};
use crate::reply::string;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::Rejection;

pub(crate) const COMMANDS: &[CommandSpec] = &[MGET, MSET, MSETNX];

const MGET: CommandSpec = CommandSpec {
    summary: "Atomically returns the string values of one or more keys.",
    complexity: "O(N) where N is the number of keys to retrieve.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["request_policy:multi_shard"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("mget", Group::String, Handler::Data(mget))
};

fn mget(context: &mut Context<'_>, request: Request<'_>) {
    context.reply.array(request.len() - 1);
    for name in request.args().skip(1) {
        let key = context.key(name);
        context.read(&key, |entry, reply| match entry.and_then(|entry| string_of(&entry).ok()) {
            Some(value) => string(reply, value),
            None => reply.null(),
        });
    }
}

const MSET: CommandSpec = CommandSpec {
    summary: "Atomically creates or modifies the string values of one or more keys.",
    complexity: "O(N) where N is the number of keys to set.",
    since: "1.0.1",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::UPDATE))],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    arguments: &[Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple()],
    ..CommandSpec::new("mset", Group::String, Handler::Data(mset))
};

fn mset(context: &mut Context<'_>, request: Request<'_>) {
    if request.len().is_multiple_of(2) {
        return context.reply.error_bytes(Rejection::arity(&MSET).text());
    }
    store_pairs(context, request);
    context.reply.ok();
}

const MSETNX: CommandSpec = CommandSpec {
    summary: "Atomically modifies the string values of one or more keys only when all keys don't \
         exist.",
    complexity: "O(N) where N is the number of keys to set.",
    since: "1.0.1",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::INSERT))],
    arguments: &[Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple()],
    ..CommandSpec::new("msetnx", Group::String, Handler::Data(msetnx))
};

fn msetnx(context: &mut Context<'_>, request: Request<'_>) {
    if request.len().is_multiple_of(2) {
        return context.reply.error_bytes(Rejection::arity(&MSETNX).text());
    }
    for index in (1..request.len()).step_by(2) {
        let key = context.key(request.arg(index));
        if context.exists_in(context.db, &key) {
            return context.reply.integer(0);
        }
    }
    store_pairs(context, request);
    context.reply.integer(1);
}

fn store_pairs(context: &mut Context<'_>, request: Request<'_>) {
    for index in (1..request.len()).step_by(2) {
        let key = context.key(request.arg(index));
        context.store(&key, new_value(request, index + 1), Expiry::Clear);
        context.notify(EventClass::String, "set", &key);
    }
    context.log_verbatim((request.len() / 2) as u64);
}
