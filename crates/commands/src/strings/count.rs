//! Numbers in strings: INCR and its relatives.

use lastsave_keyspace::{Expiry, NewValue, StringValue};
use lastsave_resp::{Request, parse_integer};

use crate::context::{Context, string_of};
use crate::long_double::LongDouble;
use crate::reply::{NOT_A_FLOAT, NOT_AN_INTEGER, WRONG_TYPE, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT];

const INCR: CommandSpec = CommandSpec {
    summary: "Increments the integer value of a key by one. Uses 0 as initial value if the key \
         doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("incr", Group::String, Handler::Data(incr))
};

fn incr(context: &mut Context<'_>, request: Request<'_>) {
    add(context, request, 1);
}

const DECR: CommandSpec = CommandSpec {
    summary: "Decrements the integer value of a key by one. Uses 0 as initial value if the key \
         doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("decr", Group::String, Handler::Data(decr))
};

fn decr(context: &mut Context<'_>, request: Request<'_>) {
    add(context, request, -1);
}

const INCRBY: CommandSpec = CommandSpec {
    summary: "Increments the integer value of a key by a number. Uses 0 as initial value if the \
         key doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("increment")],
    ..CommandSpec::new("incrby", Group::String, Handler::Data(incrby))
};

fn incrby(context: &mut Context<'_>, request: Request<'_>) {
    if let Ok(increment) = integer_argument(context.reply, request.arg(2)) {
        add(context, request, increment);
    }
}

const DECRBY: CommandSpec = CommandSpec {
    summary: "Decrements a number from the integer value of a key. Uses 0 as initial value if the \
         key doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("decrement")],
    ..CommandSpec::new("decrby", Group::String, Handler::Data(decrby))
};

fn decrby(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(decrement) = integer_argument(context.reply, request.arg(2)) else { return };
    match decrement.checked_neg() {
        Some(increment) => add(context, request, increment),
        None => context.reply.error("ERR decrement would overflow"),
    }
}

fn add(context: &mut Context<'_>, request: Request<'_>, increment: i64) {
    let key = context.key(request.arg(1));
    let found = context.find(&key, |entry, _| match entry {
        None => Ok(None),
        Some(entry) => match string_of(&entry) {
            Ok(value) => integer_of(value).map(Some).ok_or(NOT_AN_INTEGER),
            Err(_) => Err(WRONG_TYPE),
        },
    });
    let before = match found {
        Ok(before) => before,
        Err(text) => return context.reply.error(text),
    };
    let Some(sum) = before.unwrap_or(0).checked_add(increment) else {
        return context.reply.error("ERR increment or decrement would overflow");
    };
    if before.is_some() {
        context.keyspace.db_mut(context.db).set_integer(&key, sum);
        context.modified(&key);
    } else {
        context.store(&key, NewValue::Integer(sum), Expiry::Clear);
    }
    context.notify(EventClass::String, "incrby", &key);
    context.log_verbatim(1);
    context.reply.integer(sum);
}

#[inline]
fn integer_of(value: StringValue<'_>) -> Option<i64> {
    match value {
        StringValue::Integer(number) => Some(number),
        StringValue::Bytes(bytes) => parse_integer(bytes),
        StringValue::Shared(bytes) => parse_integer(bytes),
    }
}

const INCRBYFLOAT: CommandSpec = CommandSpec {
    summary: "Increment the floating point value of a key by a number. Uses 0 as initial value if \
         the key doesn't exist.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::double("increment")],
    ..CommandSpec::new("incrbyfloat", Group::String, Handler::Data(incrbyfloat))
};

fn incrbyfloat(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let found = context.find(&key, |entry, _| match entry {
        None => Ok(LongDouble::ZERO),
        Some(entry) => match string_of(&entry) {
            Ok(StringValue::Integer(number)) => Ok(LongDouble::from(number)),
            Ok(StringValue::Bytes(bytes)) => LongDouble::parse(bytes).ok_or(NOT_A_FLOAT),
            Ok(StringValue::Shared(bytes)) => LongDouble::parse(bytes).ok_or(NOT_A_FLOAT),
            Err(_) => Err(WRONG_TYPE),
        },
    });
    let found = found.and_then(|value| {
        let increment = LongDouble::parse(request.arg(2)).ok_or(NOT_A_FLOAT)?;
        value.add(&increment).ok_or("ERR increment would produce NaN or Infinity")
    });
    let sum = match found {
        Ok(sum) => sum.to_plain_text(),
        Err(text) => return context.reply.error(text),
    };
    context.store(&key, NewValue::Bytes(sum.as_bytes()), Expiry::Keep);
    context.notify(EventClass::String, "incrbyfloat", &key);
    context.log_command(&[b"SET", key.bytes(), sum.as_bytes(), b"KEEPTTL"], 1);
    context.reply.bulk(sum.as_bytes());
}
