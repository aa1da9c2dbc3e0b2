//! When fields expire: HTTL and its relatives.

use lastsave_collections::Hash;
use lastsave_resp::Request;

use super::expire::parse_fields;
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME];

const HTTL: CommandSpec = CommandSpec {
    summary: "Returns the TTL in seconds of a hash field.",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("httl", Group::Hash, Handler::Data(httl))
};

fn httl(context: &mut Context<'_>, request: Request<'_>) {
    times(context, request, |at_ms, now_ms| ceil_seconds(at_ms - now_ms));
}

const HPTTL: CommandSpec = CommandSpec {
    summary: "Returns the TTL in milliseconds of a hash field.",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hpttl", Group::Hash, Handler::Data(hpttl))
};

fn hpttl(context: &mut Context<'_>, request: Request<'_>) {
    times(context, request, |at_ms, now_ms| at_ms - now_ms);
}

const HEXPIRETIME: CommandSpec = CommandSpec {
    summary: "Returns the expiration time of a hash field as a Unix timestamp, in seconds.",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hexpiretime", Group::Hash, Handler::Data(hexpiretime))
};

fn hexpiretime(context: &mut Context<'_>, request: Request<'_>) {
    times(context, request, |at_ms, _| ceil_seconds(at_ms));
}

const HPEXPIRETIME: CommandSpec = CommandSpec {
    summary: "Returns the expiration time of a hash field as a Unix timestamp, in msec.",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hpexpiretime", Group::Hash, Handler::Data(hpexpiretime))
};

fn hpexpiretime(context: &mut Context<'_>, request: Request<'_>) {
    times(context, request, |at_ms, _| at_ms);
}

fn ceil_seconds(ms: i64) -> i64 {
    ms / 1000 + i64::from(ms % 1000 > 0)
}

/// Replies what `show` makes of each field's time and of the time now; -2 for no field, -1 for one that does not expire.
fn times(context: &mut Context<'_>, request: Request<'_>, show: impl Fn(i64, i64) -> i64) {
    let key = context.key(request.arg(1));
    let now_ms = context.now_ms;
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";
        let Ok(first) = parse_fields(reply, request, 2, NOT_POSITIVE) else { return };
        reply.array(request.len() - first);
        for field in request.args().skip(first) {
            reply.integer(match hash.filter(|hash| hash.contains(field)) {
                None => -2,
                Some(hash) => hash.expires_at_ms(field).map_or(-1, |at_ms| show(at_ms, now_ms)),
            });
        }
    });
}
