//! Fields that expire: HEXPIRE and its relatives, and HPERSIST.

use lastsave_collections::Hash;
use lastsave_keyspace::{IntegerBuffer, Key};
use lastsave_rdb::{FIELD_EXPIRY_MS_MAX, RdbVersion};
use lastsave_resp::{ReplyBuffer, Request, parse_integer};

use crate::context::Context;
use crate::reply::{Replied, error, integer_argument, invalid_expire_time};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST];

const NO_FIELDS: &str = "ERR Mandatory argument FIELDS is missing or not at the right position";
const WRONG_COUNT: &str = "ERR The `numfields` parameter must match the number of arguments";
const OLD_VERSION: &str = "ERR fields can expire only with 'rdb-write-version 12': \
     older versions of the RDB format cannot hold when they do";

/// A field was not set to expire, because it does not exist.
const NO_FIELD: i64 = -2;

/// How an argument tells a time.
#[derive(Debug, Clone, Copy)]
struct TimeForm {
    /// Milliseconds of its unit.
    unit_ms: i64,
    /// It counts from now.
    is_relative: bool,
}

const HEXPIRE: CommandSpec = CommandSpec {
    summary: "Set expiry for hash field using relative time to expire (seconds)",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("seconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .optional(),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hexpire", Group::Hash, Handler::Data(hexpire))
};

fn hexpire(context: &mut Context<'_>, request: Request<'_>) {
    expire(context, request, TimeForm { unit_ms: 1000, is_relative: true }, &HEXPIRE);
}

const HPEXPIRE: CommandSpec = CommandSpec {
    summary: "Set expiry for hash field using relative time to expire (milliseconds)",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("milliseconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .optional(),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hpexpire", Group::Hash, Handler::Data(hpexpire))
};

fn hpexpire(context: &mut Context<'_>, request: Request<'_>) {
    expire(context, request, TimeForm { unit_ms: 1, is_relative: true }, &HPEXPIRE);
}

const HEXPIREAT: CommandSpec = CommandSpec {
    summary: "Set expiry for hash field using an absolute Unix timestamp (seconds)",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[
        Argument::key("key", 0),
        Argument::unix_time("unix-time-seconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .optional(),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hexpireat", Group::Hash, Handler::Data(hexpireat))
};

fn hexpireat(context: &mut Context<'_>, request: Request<'_>) {
    expire(context, request, TimeForm { unit_ms: 1000, is_relative: false }, &HEXPIREAT);
}

const HPEXPIREAT: CommandSpec = CommandSpec {
    summary: "Set expiry for hash field using an absolute Unix timestamp (milliseconds)",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[
        Argument::key("key", 0),
        Argument::unix_time("unix-time-milliseconds"),
        Argument::one_of(
            "condition",
            &[
                Argument::pure_token("nx", "NX"),
                Argument::pure_token("xx", "XX"),
                Argument::pure_token("gt", "GT"),
                Argument::pure_token("lt", "LT"),
            ],
        )
        .optional(),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hpexpireat", Group::Hash, Handler::Data(hpexpireat))
};

fn hpexpireat(context: &mut Context<'_>, request: Request<'_>) {
    expire(context, request, TimeForm { unit_ms: 1, is_relative: false }, &HPEXPIREAT);
}

/// When a field may be made to expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    Nx,
    Xx,
    Gt,
    Lt,
}

impl Condition {
    fn parse(word: &[u8]) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_slice() {
            b"nx" => Self::Nx,
            b"xx" => Self::Xx,
            b"gt" => Self::Gt,
            b"lt" => Self::Lt,
            _ => return None,
        })
    }

    /// Whether a time may take the place of the one there was. A field without one lives for ever.
    fn allows(self, before_ms: Option<i64>, at_ms: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Nx => before_ms.is_none(),
            Self::Xx => before_ms.is_some(),
            Self::Gt => before_ms.is_some_and(|before_ms| at_ms > before_ms),
            Self::Lt => before_ms.is_none_or(|before_ms| at_ms < before_ms),
        }
    }
}

/// The time that an argument stands for, unix time in milliseconds.
fn parse_time(
    context: &mut Context<'_>,
    argument: &[u8],
    form: TimeForm,
    spec: &CommandSpec,
) -> Result<i64, Replied> {
    let number = integer_argument(context.reply, argument)?;
    if number < 0 {
        return Err(error(context.reply, "ERR invalid expire time, must be >= 0"));
    }
    let base_ms = if form.is_relative { context.now_ms } else { 0 };
    let at_ms = number.checked_mul(form.unit_ms).and_then(|ms| ms.checked_add(base_ms));
    at_ms
        .filter(|at_ms| *at_ms <= FIELD_EXPIRY_MS_MAX)
        .ok_or_else(|| invalid_expire_time(context.reply, spec.name))
}

/// The index of the first field: `FIELDS`, their number and they themselves come from argument `at` on.
pub(super) fn parse_fields(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    at: usize,
    not_positive: &str,
) -> Result<usize, Replied> {
    if !request.get(at).is_some_and(|word| word.eq_ignore_ascii_case(b"fields")) {
        return Err(error(reply, NO_FIELDS));
    }
    let count = request.get(at + 1).and_then(parse_integer).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or_else(|| error(reply, not_positive))?;
    if request.len() - (at + 2) != count {
        return Err(error(reply, WRONG_COUNT));
    }
    Ok(at + 2)
}

fn expire(context: &mut Context<'_>, request: Request<'_>, form: TimeForm, spec: &CommandSpec) {
    let key = context.key(request.arg(1));
    let Ok(exists) = context.find_as::<Hash, _>(&key, |hash, _| hash.is_some()) else { return };
    let Ok(at_ms) = parse_time(context, request.arg(2), form, spec) else { return };
    let condition = Condition::parse(request.arg(3));
    let fields_at = if condition.is_some() { 4 } else { 3 };
    const NOT_POSITIVE: &str = "ERR Parameter `numFields` should be greater than 0";
    let Ok(first) = parse_fields(context.reply, request, fields_at, NOT_POSITIVE) else { return };
    if context.options.rdb_write_version < RdbVersion::V12 {
        context.stats.inexpressible += 1;
        return context.reply.error(OLD_VERSION);
    }
    let fields: Vec<&[u8]> = request.args().skip(first).collect();
    context.reply.array(fields.len());
    if !exists {
        return fields.iter().for_each(|_| context.reply.integer(NO_FIELD));
    }
    let is_over = context.is_over(at_ms);
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    let condition = condition.unwrap_or(Condition::Always);
    let edited = context.edit::<Hash, _>(&key, |hash| {
        let mut outcomes = Vec::with_capacity(fields.len());
        for field in fields.iter().copied() {
            outcomes.push(if !hash.contains(field) {
                NO_FIELD
            } else if !condition.allows(hash.expires_at_ms(field), at_ms) {
                0
            } else if is_over {
                hash.remove(field);
                removed.push(field);
                2
            } else {
                hash.set_expiry(field, at_ms);
                set.push(field);
                1
            });
        }
        outcomes
    });
    edited.result.iter().for_each(|outcome| context.reply.integer(*outcome));
    if set.is_empty() && removed.is_empty() {
        return;
    }
    context.modified(&key);
    context.notify(EventClass::Hash, if removed.is_empty() { "hexpire" } else { "hdel" }, &key);
    if edited.is_removed {
        context.notify(EventClass::Generic, "del", &key);
    }
    log_expiry(context, &key, at_ms, &set);
    if !removed.is_empty() {
        let mut args: Vec<&[u8]> = vec![b"HDEL", key.bytes()];
        args.extend(&removed);
        context.log_command(&args, removed.len() as u64);
    }
}

/// Logs that fields expire at a time, if there are any.
pub(super) fn log_expiry(context: &mut Context<'_>, key: &Key<'_>, at_ms: i64, fields: &[&[u8]]) {
    if fields.is_empty() {
        return;
    }
    let (mut time, mut count) = (IntegerBuffer::new(), IntegerBuffer::new());
    let time = time.format(at_ms).as_bytes();
    let count = count.format(fields.len()).as_bytes();
    let mut args: Vec<&[u8]> = vec![b"HPEXPIREAT", key.bytes(), time, b"FIELDS", count];
    args.extend(fields);
    context.log_command(&args, fields.len() as u64);
}

const HPERSIST: CommandSpec = CommandSpec {
    summary: "Removes the expiration time for each specified field",
    complexity: "O(N) where N is the number of specified fields",
    since: "7.4.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("fields", &[Argument::integer("numfields"), Argument::string("field").multiple()])
            .token("FIELDS"),
    ],
    ..CommandSpec::new("hpersist", Group::Hash, Handler::Data(hpersist))
};

fn hpersist(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let Ok(exists) = context.find_as::<Hash, _>(&key, |hash, _| hash.is_some()) else { return };
    const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";
    let Ok(first) = parse_fields(context.reply, request, 2, NOT_POSITIVE) else { return };
    let fields = || request.args().skip(first);
    context.reply.array(request.len() - first);
    if !exists {
        return fields().for_each(|_| context.reply.integer(NO_FIELD));
    }
    let outcomes = context
        .edit::<Hash, _>(&key, |hash| {
            let outcome = |field: &[u8]| match hash.contains(field) {
                false => NO_FIELD,
                true if hash.clear_expiry(field) => 1,
                true => -1,
            };
            fields().map(outcome).collect::<Vec<i64>>()
        })
        .result;
    outcomes.iter().for_each(|outcome| context.reply.integer(*outcome));
    let changes = outcomes.iter().filter(|outcome| **outcome == 1).count();
    if changes > 0 {
        context.modified(&key);
        context.notify(EventClass::Hash, "hpersist", &key);
        context.log_verbatim(changes as u64);
    }
}
