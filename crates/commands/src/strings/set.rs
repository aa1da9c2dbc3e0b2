//! SET in all its forms.

use lastsave_keyspace::Expiry;
use lastsave_resp::Request;
use smallvec::SmallVec;

use super::options::{self, ExpiryOption, ExpiryUnit, Options, Syntax};
use crate::context::{Context, new_value};
use crate::reply::string_or_null;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[SET, SETNX, SETEX, PSETEX];

const SET: CommandSpec = CommandSpec {
    summary: "Sets the string value of a key, ignoring its type. The key is created if it doesn't \
         exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE).and(KeyFlags::VARIABLE_FLAGS),
    )
    .notes("RW and ACCESS due to the optional `GET` argument")],
    history: &[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("value"),
        Argument::one_of("condition", &[Argument::pure_token("nx", "NX"), Argument::pure_token("xx", "XX")])
            .since("2.6.12")
            .optional(),
        Argument::pure_token("get", "GET").since("6.2.0").optional(),
        Argument::one_of(
            "expiration",
            &[
                Argument::integer("seconds").token("EX").since("2.6.12"),
                Argument::integer("milliseconds").token("PX").since("2.6.12"),
                Argument::unix_time("unix-time-seconds").token("EXAT").since("6.2.0"),
                Argument::unix_time("unix-time-milliseconds").token("PXAT").since("6.2.0"),
                Argument::pure_token("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    variable_key_flags: Some(set_key_flags),
    ..CommandSpec::new("set", Group::String, Handler::Data(set))
};

/// With GET the old value is read, without it is not.
fn set_key_flags<'a>(count: usize, argument: &dyn Fn(usize) -> &'a [u8]) -> KeyFlags {
    if (3..count).any(|index| argument(index).eq_ignore_ascii_case(b"get")) {
        KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE)
    } else {
        KeyFlags::OW.and(KeyFlags::UPDATE)
    }
}

fn set(context: &mut Context<'_>, request: Request<'_>) {
    if request.len() == 3 && !context.options.maxmemory_policy.is_lfu() && !context.signals.wants_events() {
        // The frequent form. What the key held before, expired or not, makes no difference to anything.
        let key = context.key(request.arg(1));
        context.store(&key, new_value(request, 2), Expiry::Clear);
        context.log_verbatim(1);
        return context.reply.ok();
    }
    let Ok(options) = options::parse(context.reply, request, 3, Syntax::Set) else { return };
    let form = Form { value_index: 2, full_name: SET.full_name, replies_with_number: false };
    set_with(context, request, &options, &form);
}

const SETNX: CommandSpec = CommandSpec {
    summary: "Set the string value of a key only when the key doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::OW.and(KeyFlags::INSERT))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("2.6.12"),
    replaced_by: Some("`SET` with the `NX` argument"),
    arguments: &[Argument::key("key", 0), Argument::string("value")],
    ..CommandSpec::new("setnx", Group::String, Handler::Data(setnx))
};

fn setnx(context: &mut Context<'_>, request: Request<'_>) {
    let options = Options { if_missing: true, ..Options::default() };
    let form = Form { value_index: 2, full_name: SETNX.full_name, replies_with_number: true };
    set_with(context, request, &options, &form);
}

const SETEX: CommandSpec = CommandSpec {
    summary: "Sets the string value and expiration time of a key. Creates the key if it doesn't \
         exist.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("2.6.12"),
    replaced_by: Some("`SET` with the `EX` argument"),
    arguments: &[Argument::key("key", 0), Argument::integer("seconds"), Argument::string("value")],
    ..CommandSpec::new("setex", Group::String, Handler::Data(setex))
};

fn setex(context: &mut Context<'_>, request: Request<'_>) {
    set_with_time_to_live(context, request, ExpiryUnit::Seconds, SETEX.full_name);
}

const PSETEX: CommandSpec = CommandSpec {
    summary: "Sets both string value and expiration time in milliseconds of a key. The key is \
         created if it doesn't exist.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("2.6.12"),
    replaced_by: Some("`SET` with the `PX` argument"),
    arguments: &[Argument::key("key", 0), Argument::integer("milliseconds"), Argument::string("value")],
    ..CommandSpec::new("psetex", Group::String, Handler::Data(psetex))
};

fn psetex(context: &mut Context<'_>, request: Request<'_>) {
    set_with_time_to_live(context, request, ExpiryUnit::Milliseconds, PSETEX.full_name);
}

fn set_with_time_to_live(
    context: &mut Context<'_>,
    request: Request<'_>,
    unit: ExpiryUnit,
    full_name: &'static str,
) {
    let expiry = ExpiryOption { unit, argument: request.arg(2) };
    let options = Options { expiry: Some(expiry), ..Options::default() };
    set_with(context, request, &options, &Form { value_index: 3, full_name, replies_with_number: false });
}

/// How the command at hand differs from SET.
struct Form {
    value_index: usize,
    full_name: &'static str,
    replies_with_number: bool,
}

fn set_with(context: &mut Context<'_>, request: Request<'_>, options: &Options<'_>, form: &Form) {
    let expiry = match options.expiry.map(|option| option.unix_ms(context.now_ms)).transpose() {
        Ok(expiry) => expiry,
        Err(invalid) => {
            invalid.reply(context.reply, form.full_name);
            return;
        }
    };
    let key = context.key(request.arg(1));
    let exists = if options.get {
        let found = context
            .read(&key, |entry, reply| string_or_null(reply, entry.as_ref()).map(|()| entry.is_some()));
        let Ok(exists) = found else { return };
        exists
    } else {
        context.exists_in(context.db, &key)
    };
    if (options.if_missing && exists) || (options.if_exists && !exists) {
        match (options.get, form.replies_with_number) {
            (true, _) => {}
            (false, true) => context.reply.integer(0),
            (false, false) => context.reply.null(),
        }
        return;
    }
    let keyspace_expiry = match expiry {
        Some(at) => Expiry::At(at),
        None if options.keep_ttl => Expiry::Keep,
        None => Expiry::Clear,
    };
    context.store(&key, new_value(request, form.value_index), keyspace_expiry);
    context.notify(EventClass::String, "set", &key);
    if expiry.is_some() {
        context.notify(EventClass::Generic, "expire", &key);
    }
    match (options.get, form.replies_with_number) {
        (true, _) => {}
        (false, true) => context.reply.integer(1),
        (false, false) => context.reply.ok(),
    }
    match (options.expiry, expiry) {
        (Some(ExpiryOption { unit: ExpiryUnit::UnixMilliseconds, .. }), _) => context.log_verbatim(1),
        (Some(_), Some(at)) => {
            let value = request.arg(form.value_index);
            let at = itoa::Buffer::new().format(at).to_owned();
            context.log_command(&[b"SET", key.bytes(), value, b"PXAT", at.as_bytes()], 1);
        }
        _ if options.get => {
            let is_get = |(index, word): &(usize, &[u8])| *index >= 3 && word.eq_ignore_ascii_case(b"get");
            let rest: SmallVec<[&[u8]; 8]> = request
                .args()
                .enumerate()
                .filter(|argument| !is_get(argument))
                .map(|(_, word)| word)
                .collect();
            context.log_command(&rest, 1);
        }
        _ => context.log_verbatim(1),
    }
}
