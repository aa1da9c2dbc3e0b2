//! TTL, PTTL, EXPIRETIME, PEXPIRETIME and PERSIST.

use lastsave_resp::Request;

use crate::context::Context;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST];

const TTL: CommandSpec = CommandSpec {
    summary: "Returns the expiration time in seconds of a key.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.8.0", "Added the -2 reply.")],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("ttl", Group::Generic, Handler::Data(ttl))
};

fn ttl(context: &mut Context<'_>, request: Request<'_>) {
    reply_time(context, request, context.now_ms, to_seconds);
}

const PTTL: CommandSpec = CommandSpec {
    summary: "Returns the expiration time in milliseconds of a key.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.8.0", "Added the -2 reply.")],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("pttl", Group::Generic, Handler::Data(pttl))
};

fn pttl(context: &mut Context<'_>, request: Request<'_>) {
    reply_time(context, request, context.now_ms, |ms| ms);
}

const EXPIRETIME: CommandSpec = CommandSpec {
    summary: "Returns the expiration time of a key as a Unix timestamp.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("expiretime", Group::Generic, Handler::Data(expiretime))
};

fn expiretime(context: &mut Context<'_>, request: Request<'_>) {
    reply_time(context, request, 0, to_seconds);
}

const PEXPIRETIME: CommandSpec = CommandSpec {
    summary: "Returns the expiration time of a key as a Unix milliseconds timestamp.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("pexpiretime", Group::Generic, Handler::Data(pexpiretime))
};

fn pexpiretime(context: &mut Context<'_>, request: Request<'_>) {
    reply_time(context, request, 0, |ms| ms);
}

/// Rounded to nearest, as TTL always did.
fn to_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

/// Replies with the expiry relative to `base_ms`; -1 for a key without one, -2 for no key.
fn reply_time(context: &mut Context<'_>, request: Request<'_>, base_ms: i64, unit: fn(i64) -> i64) {
    let key = context.key(request.arg(1));
    context.inspect(&key, |entry, reply| match entry.map(|entry| entry.expires_at_ms()) {
        None => reply.integer(-2),
        Some(None) => reply.integer(-1),
        Some(Some(at)) => reply.integer(unit(at.saturating_sub(base_ms).max(0))),
    });
}

const PERSIST: CommandSpec = CommandSpec {
    summary: "Removes the expiration time of a key.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("persist", Group::Generic, Handler::Data(persist))
};

fn persist(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let expires = context.find(&key, |entry, _| entry.is_some_and(|entry| entry.expires_at_ms().is_some()));
    if expires {
        context.keyspace.db_mut(context.db).set_expiry(&key, None);
        context.modified(&key);
        context.notify(EventClass::Generic, "persist", &key);
        context.log_verbatim(1);
    }
    context.reply.integer(i64::from(expires));
}
