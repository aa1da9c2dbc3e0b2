//! GETSET, GETDEL and GETEX: read a value and change the key.

use lastsave_keyspace::Expiry;
use lastsave_resp::Request;

use super::options::{self, Syntax};
use crate::context::{Context, new_value, string_of};
use crate::reply::string_or_null;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[GETSET, GETDEL, GETEX];

const GETSET: CommandSpec = CommandSpec {
    summary: "Returns the previous string value of a key after setting it to a new value.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`SET` with the `!GET` argument"),
    arguments: &[Argument::key("key", 0), Argument::string("value")],
    ..CommandSpec::new("getset", Group::String, Handler::Data(getset))
};

fn getset(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    if context.read(&key, |entry, reply| string_or_null(reply, entry.as_ref())).is_err() {
        return;
    }
    context.store(&key, new_value(request, 2), Expiry::Clear);
    context.notify(EventClass::String, "set", &key);
    context.log_command(&[b"SET", key.bytes(), request.arg(2)], 1);
}

const GETDEL: CommandSpec = CommandSpec {
    summary: "Returns the string value of a key after deleting the key.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("getdel", Group::String, Handler::Data(getdel))
};

fn getdel(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    if context.read(&key, |entry, reply| string_or_null(reply, entry.as_ref())).is_err() {
        return;
    }
    if context.keyspace.db_mut(context.db).remove(&key) {
        context.log_command(&[b"DEL", key.bytes()], 1);
        context.modified(&key);
        context.notify(EventClass::Generic, "del", &key);
    }
}

const GETEX: CommandSpec = CommandSpec {
    summary: "Returns the string value of a key after setting its expiration time.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))
        .notes("RW and UPDATE because it changes the TTL")],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of(
            "expiration",
            &[
                Argument::integer("seconds").token("EX"),
                Argument::integer("milliseconds").token("PX"),
                Argument::unix_time("unix-time-seconds").token("EXAT"),
                Argument::unix_time("unix-time-milliseconds").token("PXAT"),
                Argument::pure_token("persist", "PERSIST"),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("getex", Group::String, Handler::Data(getex))
};

fn getex(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = options::parse(context.reply, request, 2, Syntax::GetEx) else { return };
    let key = context.key(request.arg(1));
    // The number is checked only when there is a key to expire.
    let expiry = options.expiry.map(|option| option.unix_ms(context.now_ms)).transpose();
    let found = context.read(&key, |entry, reply| match (&entry, expiry) {
        (Some(entry), Err(invalid)) if string_of(entry).is_ok() => Err(invalid.reply(reply, GETEX.full_name)),
        _ => string_or_null(reply, entry.as_ref()).map(|()| entry.is_some()),
    });
    let (Ok(true), Ok(expiry)) = (found, expiry) else { return };
    match expiry {
        Some(at) if options.expiry.is_some_and(|option| option.is_absolute()) && context.is_over(at) => {
            context.keyspace.db_mut(context.db).remove(&key);
            context.log_command(&[context.expire_command(), key.bytes()], 1);
            context.modified(&key);
            context.notify(EventClass::Generic, "del", &key);
        }
        Some(at) => {
            context.keyspace.db_mut(context.db).set_expiry(&key, Some(at));
            context.log_command(&[b"PEXPIREAT", key.bytes(), itoa::Buffer::new().format(at).as_bytes()], 1);
            context.modified(&key);
            context.notify(EventClass::Generic, "expire", &key);
        }
        None if options.persist => {
            let expires = context
                .keyspace
                .db(context.db)
                .get(&key)
                .is_some_and(|entry| entry.expires_at_ms().is_some());
            if expires {
                context.keyspace.db_mut(context.db).set_expiry(&key, None);
                context.log_command(&[b"PERSIST", key.bytes()], 1);
                context.modified(&key);
                context.notify(EventClass::Generic, "persist", &key);
            }
        }
        None => {}
    }
}
