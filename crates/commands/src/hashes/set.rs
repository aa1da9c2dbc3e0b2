//! Setting and removing fields: HSET, HSETNX, HMSET, HDEL.

use lastsave_collections::{Hash, HashLimits};
use lastsave_keyspace::Key;
use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::Replied;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::Rejection;

pub(crate) const COMMANDS: &[CommandSpec] = &[HSET, HMSET, HSETNX, HDEL];

/// A value longer than this is kept as part of the request's buffer instead of being copied.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

const HSET: CommandSpec = CommandSpec {
    summary: "Creates or modifies the value of a field in a hash.",
    complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the \
         command is called with multiple field/value pairs.",
    since: "2.0.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("4.0.0", "Accepts multiple `field` and `value` arguments.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
    ],
    ..CommandSpec::new("hset", Group::Hash, Handler::Data(hset))
};

fn hset(context: &mut Context<'_>, request: Request<'_>) {
    if let Ok(added) = set_fields(context, request, &HSET) {
        context.reply.integer(added);
    }
}

const HMSET: CommandSpec = CommandSpec {
    summary: "Sets the values of multiple fields.",
    complexity: "O(N) where N is the number of fields being set.",
    since: "2.0.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("4.0.0"),
    replaced_by: Some("`HSET` with multiple field-value pairs"),
    arguments: &[
        Argument::key("key", 0),
        Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
    ],
    ..CommandSpec::new("hmset", Group::Hash, Handler::Data(hmset))
};

fn hmset(context: &mut Context<'_>, request: Request<'_>) {
    if set_fields(context, request, &HMSET).is_ok() {
        context.reply.ok();
    }
}

/// Sets the fields of a request; gives how many of them are new.
fn set_fields(context: &mut Context<'_>, request: Request<'_>, spec: &CommandSpec) -> Result<i64, Replied> {
    if !request.len().is_multiple_of(2) {
        context.reply.error_bytes(Rejection::arity(spec).text());
        return Err(Replied);
    }
    let key = context.key(request.arg(1));
    context.find_as::<Hash, _>(&key, |_, _| ())?;
    let limits = context.options.hash_limits();
    let added = context.edit_or_create::<Hash, _>(&key, |hash| {
        prepare(hash, request, &limits);
        let mut added = 0;
        for index in (2..request.len()).step_by(2) {
            added += i64::from(set_field(hash, request, index, &limits));
        }
        added
    });
    context.modified(&key);
    context.notify(EventClass::Hash, "hset", &key);
    context.log_verbatim((request.len() / 2 - 1) as u64);
    Ok(added)
}

/// Unpacks a hash that will not stay packed with the fields and values of the request, before the first is added.
fn prepare(hash: &mut Hash, request: Request<'_>, limits: &HashLimits) {
    hash.expect_more((request.len() - 2) / 2, limits);
}

/// Sets the field that is argument `index`, whose value follows it. Gives whether it is new.
#[inline]
fn set_field(hash: &mut Hash, request: Request<'_>, index: usize, limits: &HashLimits) -> bool {
    let (field, value) = (request.arg(index), request.arg(index + 1));
    if value.len() > COPIED_VALUE_BYTES_MAX {
        hash.set_shared(field, &request.arg_shared(index + 1), limits)
    } else {
        hash.set(field, value, limits)
    }
}

const HSETNX: CommandSpec = CommandSpec {
    summary: "Sets the value of a field in a hash only when the field doesn't exist.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::string("value")],
    ..CommandSpec::new("hsetnx", Group::Hash, Handler::Data(hsetnx))
};

fn hsetnx(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let found =
        context.find_as::<Hash, _>(&key, |hash, _| hash.is_some_and(|hash| hash.contains(request.arg(2))));
    let Ok(exists) = found else { return };
    if exists {
        return context.reply.integer(0);
    }
    let limits = context.options.hash_limits();
    context.edit_or_create::<Hash, _>(&key, |hash| {
        prepare(hash, request, &limits);
        set_field(hash, request, 2, &limits)
    });
    context.modified(&key);
    context.notify(EventClass::Hash, "hset", &key);
    context.log_verbatim(1);
    context.reply.integer(1);
}

const HDEL: CommandSpec = CommandSpec {
    summary: "Deletes one or more fields and their values from a hash. Deletes the hash if no \
         fields remain.",
    complexity: "O(N) where N is the number of fields to be removed.",
    since: "2.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    history: &[("2.4.0", "Accepts multiple `field` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("field").multiple()],
    ..CommandSpec::new("hdel", Group::Hash, Handler::Data(hdel))
};

fn hdel(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let fields = || request.args().skip(2);
    let found = context.find_as::<Hash, _>(&key, |hash, _| {
        hash.is_some_and(|hash| fields().any(|field| hash.contains(field)))
    });
    let Ok(any) = found else { return };
    if !any {
        return context.reply.integer(0);
    }
    let edited = context
        .edit::<Hash, _>(&key, |hash| fields().map(|field| i64::from(hash.remove(field))).sum::<i64>());
    context.reply.integer(edited.result);
    deleted(context, &key, edited.result as u64, edited.is_removed);
}

/// Tells that fields were removed, and the key with the last of them.
fn deleted(context: &mut Context<'_>, key: &Key<'_>, fields: u64, is_removed: bool) {
    context.modified(key);
    context.notify(EventClass::Hash, "hdel", key);
    if is_removed {
        context.notify(EventClass::Generic, "del", key);
    }
    context.log_verbatim(fields);
}
