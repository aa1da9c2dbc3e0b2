//! OBJECT: how a value is kept.

use lastsave_keyspace::{Entry, StringValue, Value};
use lastsave_resp::{ReplyBuffer, Request};

use crate::access;
use crate::context::Context;
use crate::options::DataOptions;
use crate::reply::reply_help;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[OBJECT];

const OBJECT: CommandSpec = CommandSpec {
    summary: "A container for object introspection commands.",
    complexity: "Depends on subcommand.",
    since: "2.2.3",
    arity: -2,
    subcommands: &[OBJECT_ENCODING, OBJECT_FREQ, OBJECT_HELP, OBJECT_IDLETIME, OBJECT_REFCOUNT],
    help: HELP_LINES,
    ..CommandSpec::new("object", Group::Generic, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
];

/// Integers below this are kept once for all keys by Redis, which OBJECT REFCOUNT shows.
const SHARED_INTEGER_MAX: i64 = 10_000;

/// The reference count of such an integer.
const SHARED_REFCOUNT: i64 = i32::MAX as i64;

const OBJECT_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::KEYSPACE,
    ..CommandSpec::new("object|help", Group::Generic, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, OBJECT.name, OBJECT.help);
}

fn look(context: &mut Context<'_>, request: Request<'_>, show: impl FnOnce(Entry<'_>, &mut ReplyBuffer)) {
    let key = context.key(request.arg(2));
    context.examine(&key, |entry, reply| match entry {
        Some(entry) => show(entry, reply),
        None => reply.null(),
    });
}

const OBJECT_ENCODING: CommandSpec = CommandSpec {
    summary: "Returns the internal encoding of a Redis object.",
    complexity: "O(1)",
    since: "2.2.3",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO)],
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("object|encoding", Group::Generic, Handler::Data(encoding))
};

fn encoding(context: &mut Context<'_>, request: Request<'_>) {
    look(context, request, |entry, reply| reply.bulk(entry.encoding().name().as_bytes()));
}

const OBJECT_FREQ: CommandSpec = CommandSpec {
    summary: "Returns the logarithmic access frequency counter of a Redis object.",
    complexity: "O(1)",
    since: "4.0.0",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO)],
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("object|freq", Group::Generic, Handler::Data(freq))
};

fn freq(context: &mut Context<'_>, request: Request<'_>) {
    let (options, now_ms) = (context.options, context.now_ms);
    look(context, request, |entry, reply| {
        if options.maxmemory_policy.is_lfu() {
            reply.integer(i64::from(access::lfu_counter(entry.access(), options, now_ms)));
        } else {
            reply.error(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                 switching between policies at runtime LRU and LFU data will take some time to adjust.",
            );
        }
    });
}

const OBJECT_IDLETIME: CommandSpec = CommandSpec {
    summary: "Returns the time since the last access to a Redis object.",
    complexity: "O(1)",
    since: "2.2.3",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO)],
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("object|idletime", Group::Generic, Handler::Data(idletime))
};

fn idletime(context: &mut Context<'_>, request: Request<'_>) {
    let (options, now_ms) = (context.options, context.now_ms);
    look(context, request, |entry, reply| {
        if options.maxmemory_policy.is_lfu() {
            reply.error(
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
                 between policies at runtime LRU and LFU data will take some time to adjust.",
            );
        } else {
            reply.integer(i64::from(access::idle_seconds(entry.access(), now_ms)));
        }
    });
}

const OBJECT_REFCOUNT: CommandSpec = CommandSpec {
    summary: "Returns the reference count of a value of a key.",
    complexity: "O(1)",
    since: "2.2.3",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO)],
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("object|refcount", Group::Generic, Handler::Data(refcount))
};

fn refcount(context: &mut Context<'_>, request: Request<'_>) {
    let options = context.options;
    look(context, request, |entry, reply| reply.integer(reference_count(&entry, options)));
}

/// The reference count Redis would show: nothing is shared here but what it shares is told as shared.
pub(crate) fn reference_count(entry: &Entry<'_>, options: &DataOptions) -> i64 {
    let policy = options.maxmemory_policy;
    let shares = options.maxmemory_bytes == 0 || !(policy.is_lru() || policy.is_lfu());
    match entry.value() {
        Value::String(StringValue::Integer(0..SHARED_INTEGER_MAX)) if shares => SHARED_REFCOUNT,
        _ => 1,
    }
}
