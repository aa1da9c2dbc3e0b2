//! Reading fields: HGET and its relatives.

use lastsave_collections::{Hash, HashValue};
use lastsave_resp::{ReplyBuffer, Request};

use crate::context::Context;
use crate::reply::element;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS];

/// The value of a field.
#[inline]
pub(super) fn value(reply: &mut ReplyBuffer, value: HashValue<'_>) {
    match value {
        HashValue::Integer(integer) => reply.bulk_integer(integer),
        HashValue::Bytes(bytes) => reply.bulk(bytes),
        HashValue::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

fn value_or_null(reply: &mut ReplyBuffer, hash: Option<&Hash>, field: &[u8]) {
    match hash.and_then(|hash| hash.get(field)) {
        Some(found) => value(reply, found),
        None => reply.null(),
    }
}

const HGET: CommandSpec = CommandSpec {
    summary: "Returns the value of a field in a hash.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("field")],
    ..CommandSpec::new("hget", Group::Hash, Handler::Data(hget))
};

fn hget(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| value_or_null(reply, hash, request.arg(2)));
}

const HMGET: CommandSpec = CommandSpec {
    summary: "Returns the values of all fields in a hash.",
    complexity: "O(N) where N is the number of fields being requested.",
    since: "2.0.0",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("field").multiple()],
    ..CommandSpec::new("hmget", Group::Hash, Handler::Data(hmget))
};

fn hmget(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        reply.array(request.len() - 2);
        for field in request.args().skip(2) {
            value_or_null(reply, hash, field);
        }
    });
}

const HGETALL: CommandSpec = CommandSpec {
    summary: "Returns all fields and values in a hash.",
    complexity: "O(N) where N is the size of the hash.",
    since: "2.0.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("hgetall", Group::Hash, Handler::Data(hgetall))
};

fn hgetall(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        reply.map(hash.map_or(0, Hash::len));
        for (field, found) in hash.into_iter().flatten() {
            element(reply, field);
            value(reply, found);
        }
    });
}

const HKEYS: CommandSpec = CommandSpec {
    summary: "Returns all fields in a hash.",
    complexity: "O(N) where N is the size of the hash.",
    since: "2.0.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("hkeys", Group::Hash, Handler::Data(hkeys))
};

fn hkeys(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        reply.array(hash.map_or(0, Hash::len));
        hash.into_iter().flatten().for_each(|(field, _)| element(reply, field));
    });
}

const HVALS: CommandSpec = CommandSpec {
    summary: "Returns all values in a hash.",
    complexity: "O(N) where N is the size of the hash.",
    since: "2.0.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("hvals", Group::Hash, Handler::Data(hvals))
};

fn hvals(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        reply.array(hash.map_or(0, Hash::len));
        hash.into_iter().flatten().for_each(|(_, found)| value(reply, found));
    });
}

const HLEN: CommandSpec = CommandSpec {
    summary: "Returns the number of fields in a hash.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("hlen", Group::Hash, Handler::Data(hlen))
};

fn hlen(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context
        .read_as::<Hash, _>(&key, |hash, reply| reply.integer(hash.map_or(0, |hash| hash.len() as i64)));
}

const HSTRLEN: CommandSpec = CommandSpec {
    summary: "Returns the length of the value of a field.",
    complexity: "O(1)",
    since: "3.2.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0), Argument::string("field")],
    ..CommandSpec::new("hstrlen", Group::Hash, Handler::Data(hstrlen))
};

fn hstrlen(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        let found = hash.and_then(|hash| hash.get(request.arg(2)));
        reply.integer(found.map_or(0, |found| found.text().len() as i64));
    });
}

const HEXISTS: CommandSpec = CommandSpec {
    summary: "Determines whether a field exists in a hash.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0), Argument::string("field")],
    ..CommandSpec::new("hexists", Group::Hash, Handler::Data(hexists))
};

fn hexists(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        reply.integer(hash.is_some_and(|hash| hash.contains(request.arg(2))).into());
    });
}
