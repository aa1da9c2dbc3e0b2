//! Numbers in fields: HINCRBY and HINCRBYFLOAT.

use lastsave_collections::{Hash, HashValue};
use lastsave_keyspace::{IntegerBuffer, Key};
use lastsave_resp::{Request, parse_integer};

use super::expire::log_expiry;
use crate::context::Context;
use crate::long_double::LongDouble;
use crate::reply::{NOT_A_FLOAT, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HINCRBY, HINCRBYFLOAT];

const HINCRBY: CommandSpec = CommandSpec {
    summary: "Increments the integer value of a field in a hash by a number. Uses 0 as initial \
         value if the field doesn't exist.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::integer("increment")],
    ..CommandSpec::new("hincrby", Group::Hash, Handler::Data(hincrby))
};

fn hincrby(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(increment) = integer_argument(context.reply, request.arg(3)) else { return };
    let (key, field) = (context.key(request.arg(1)), request.arg(2));
    let found = context.find_as::<Hash, _>(&key, |hash, _| match hash.and_then(|hash| hash.get(field)) {
        None => Some(0),
        Some(HashValue::Integer(integer)) => Some(integer),
        Some(HashValue::Bytes(bytes)) => parse_integer(bytes),
        Some(HashValue::Shared(bytes)) => parse_integer(bytes),
    });
    let Ok(before) = found else { return };
    let Some(before) = before else { return context.reply.error("ERR hash value is not an integer") };
    let Some(sum) = before.checked_add(increment) else {
        return context.reply.error("ERR increment or decrement would overflow");
    };
    store(context, &key, field, IntegerBuffer::new().format(sum).as_bytes());
    context.notify(EventClass::Hash, "hincrby", &key);
    context.log_verbatim(1);
    context.reply.integer(sum);
}

fn store(context: &mut Context<'_>, key: &Key<'_>, field: &[u8], value: &[u8]) {
    let limits = context.options.hash_limits();
    context.edit_or_create::<Hash, _>(key, |hash| hash.update(field, value, &limits));
    context.modified(key);
}

const HINCRBYFLOAT: CommandSpec = CommandSpec {
    summary: "Increments the floating point value of a field by a number. Uses 0 as initial value \
         if the field doesn't exist.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::double("increment")],
    ..CommandSpec::new("hincrbyfloat", Group::Hash, Handler::Data(hincrbyfloat))
};

fn hincrbyfloat(context: &mut Context<'_>, request: Request<'_>) {
    let Some(increment) = LongDouble::parse(request.arg(3)) else {
        return context.reply.error(NOT_A_FLOAT);
    };
    if increment.is_infinite() {
        return context.reply.error("ERR value is NaN or Infinity");
    }
    let (key, field) = (context.key(request.arg(1)), request.arg(2));
    let found = context.find_as::<Hash, _>(&key, |hash, _| {
        let number = match hash.and_then(|hash| hash.get(field)) {
            None => Some(LongDouble::ZERO),
            Some(HashValue::Integer(integer)) => Some(LongDouble::from(integer)),
            Some(HashValue::Bytes(bytes)) => LongDouble::parse(bytes),
            Some(HashValue::Shared(bytes)) => LongDouble::parse(bytes),
        };
        (number, hash.and_then(|hash| hash.expires_at_ms(field)))
    });
    let Ok((before, expires_at_ms)) = found else { return };
    let Some(before) = before else { return context.reply.error("ERR hash value is not a float") };
    let Some(sum) = before.add(&increment) else {
        return context.reply.error("ERR increment would produce NaN or Infinity");
    };
    let sum = sum.to_plain_text();
    store(context, &key, field, sum.as_bytes());
    context.notify(EventClass::Hash, "hincrbyfloat", &key);
    context.log_command(&[b"HSET", key.bytes(), field, sum.as_bytes()], 1);
    if let Some(at_ms) = expires_at_ms {
        // Setting a field makes it last; this one goes on as it was.
        log_expiry(context, &key, at_ms, &[field]);
    }
    context.reply.bulk(sum.as_bytes());
}
