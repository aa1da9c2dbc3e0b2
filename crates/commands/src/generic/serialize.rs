//! DUMP and RESTORE.

use lastsave_keyspace::{Entry, Expiry, Key};
use lastsave_rdb::{
    DumpEncoder, DumpError, DumpOptions, ErrorKind, Lineage, ObjectType, WriteError, decode_dump,
};
use lastsave_resp::{ReplyBuffer, Request};
use smallvec::SmallVec;

use crate::access;
use crate::context::Context;
use crate::options::DataOptions;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::values::{Unstorable, check_packed, with_new_value, write_value};

pub(crate) const COMMANDS: &[CommandSpec] = &[DUMP, RESTORE];

/// What a payload has besides the value: its type, a version and a checksum.
const FRAME_BYTES: usize = 11;

const BAD_DATA_FORMAT: &str = "ERR Bad data format";

/// Bytes of a key that are enough to find it.
const LOGGED_KEY_BYTES_MAX: usize = 128;

const DUMP: CommandSpec = CommandSpec {
    summary: "Returns a serialized representation of the value stored at a key.",
    complexity: "O(1) to access the key and additional O(N*M) to serialize it, where N is the number \
         of Redis objects composing the value and M their average size. For small string \
         values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
    since: "2.6.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("dump", Group::Generic, Handler::Data(dump))
};

fn dump(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let options = context.options;
    context.read(&key, |entry, reply| match entry {
        Some(entry) => match payload(&entry, options) {
            Ok(payload) => reply.bulk(&payload),
            Err(error) => reply.error(&format!("ERR {error}")),
        },
        None => reply.null(),
    });
}

/// The value as DUMP shows it: a type, the value as in an RDB file, a version and a checksum.
pub(super) fn payload(entry: &Entry<'_>, options: &DataOptions) -> Result<Vec<u8>, WriteError> {
    let mut output = Vec::new();
    let mut encoder = DumpEncoder::new(options.rdb_write_version, options.rdb_compression);
    encoder.value(&mut output, |writer| write_value(&entry.value(), writer))?;
    Ok(output)
}

/// Bytes that the value takes in an RDB file; 0 if it has no form there.
pub(crate) fn serialized_len(entry: &Entry<'_>, options: &DataOptions) -> usize {
    payload(entry, options).map_or(0, |payload| payload.len() - FRAME_BYTES)
}

const RESTORE: CommandSpec = CommandSpec {
    summary: "Creates a key from the serialized representation of a value.",
    complexity: "O(1) to create the new key and additional O(N*M) to reconstruct the serialized \
         value, where N is the number of Redis objects composing the value and M their \
         average size. For small string values the time complexity is thus O(1)+O(1*M) where \
         M is small, so simply O(1). However for sorted set values the complexity is \
         O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
    since: "2.6.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    key_specs: &[KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE))],
    history: &[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("ttl"),
        Argument::string("serialized-value"),
        Argument::pure_token("replace", "REPLACE").since("3.0.0").optional(),
        Argument::pure_token("absttl", "ABSTTL").since("5.0.0").optional(),
        Argument::integer("seconds").token("IDLETIME").since("5.0.0").optional(),
        Argument::integer("frequency").token("FREQ").since("5.0.0").optional(),
    ],
    ..CommandSpec::new("restore", Group::Generic, Handler::Data(restore))
};

#[derive(Debug, Clone, Copy, Default)]
struct RestoreOptions {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<i64>,
    frequency: Option<u8>,
}

fn parse_restore(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<RestoreOptions, Replied> {
    let mut options = RestoreOptions::default();
    let mut index = 4;
    while index < request.len() {
        let word = request.arg(index);
        match request.get(index + 1) {
            _ if word.eq_ignore_ascii_case(b"replace") => options.replace = true,
            _ if word.eq_ignore_ascii_case(b"absttl") => options.absolute = true,
            Some(argument) if word.eq_ignore_ascii_case(b"idletime") && options.frequency.is_none() => {
                let idle = integer_argument(reply, argument)?;
                if idle < 0 {
                    return Err(error(reply, "ERR Invalid IDLETIME value, must be >= 0"));
                }
                options.idle_seconds = Some(idle);
                index += 1;
            }
            Some(argument) if word.eq_ignore_ascii_case(b"freq") && options.idle_seconds.is_none() => {
                let frequency = u8::try_from(integer_argument(reply, argument)?);
                let invalid = |_| error(reply, "ERR Invalid FREQ value, must be >= 0 and <= 255");
                options.frequency = Some(frequency.map_err(invalid)?);
                index += 1;
            }
            _ => return Err(error(reply, SYNTAX_ERROR)),
        }
        index += 1;
    }
    Ok(options)
}

/// Says in the log why a payload was refused, as the reply has no room for it: the words of Redis, and the exact cause.
fn log_refused(key: &Key<'_>, reason: &str, cause: &dyn std::fmt::Display) {
    let shown = &key.bytes()[..key.bytes().len().min(LOGGED_KEY_BYTES_MAX)];
    tracing::warn!("RESTORE of '{}' refused: {reason} ({cause})", shown.escape_ascii());
}

fn restore(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_restore(context.reply, request) else { return };
    let key = context.key(request.arg(1));
    if !options.replace && context.exists_in(context.db, &key) {
        return context.reply.error("BUSYKEY Target key name already exists.");
    }
    let Ok(time_to_live) = integer_argument(context.reply, request.arg(2)) else { return };
    if time_to_live < 0 {
        return context.reply.error("ERR Invalid TTL value, must be >= 0");
    }
    let dump_options =
        DumpOptions { checksum: !context.options.skip_dump_checksum, ..DumpOptions::default() };
    let value = match decode_dump(request.arg(3), dump_options) {
        Ok(value) => value,
        Err(error) => {
            if let DumpError::BadFormat(cause) = &error {
                log_refused(&key, &cause.kind().redis_text(), cause);
            }
            return context.reply.error(error.reply());
        }
    };
    if let Err(fault) = check_packed(&value) {
        let object_type = ObjectType::new(request.arg(3)[0], Lineage::Redis);
        let kind = ErrorKind::RepeatedElement { object_type };
        let packing = object_type.name().rsplit('-').next().unwrap_or_default();
        log_refused(&key, &kind.redis_text(), &format_args!("{packing} with dup elements: {fault}"));
        return context.reply.error(BAD_DATA_FORMAT);
    }
    let expires_at_ms = match (time_to_live, options.absolute) {
        (0, _) => None,
        (at, true) => Some(at),
        (distance, false) => Some(context.now_ms.saturating_add(distance)),
    };
    if expires_at_ms.is_some_and(|at| context.is_over(at)) {
        // Only the removal of what was there is an effect.
        if context.keyspace.db_mut(context.db).remove(&key) {
            let command: &[u8] = if context.options.lazyfree_lazy_server_del { b"UNLINK" } else { b"DEL" };
            context.log_command(&[command, key.bytes()], 1);
            context.modified(&key);
            context.notify(EventClass::Generic, "del", &key);
        }
        return context.reply.ok();
    }
    let expiry = expires_at_ms.map_or(Expiry::Clear, Expiry::At);
    if context.keyspace.db(context.db).get(&key).is_some() {
        // What is replaced counts as removed before.
        context.created(context.db, &key);
    }
    let options_of_data = context.options;
    if let Err(fault) = with_new_value(value, options_of_data, |value| context.store(&key, value, expiry)) {
        context.stats.inexpressible += u64::from(fault == Unstorable::ExpiringFields);
        log_refused(&key, "Bad data format", &fault);
        return context.reply.error(BAD_DATA_FORMAT);
    }
    context.notify(EventClass::Generic, "restore", &key);
    if let Some(entry) = context.keyspace.db(context.db).get(&key) {
        let access =
            access::restored(context.options, context.now_ms, options.idle_seconds, options.frequency);
        entry.set_access(access);
    }
    match expires_at_ms {
        Some(at) if !options.absolute => {
            let at = itoa::Buffer::new().format(at).to_owned();
            let mut args: SmallVec<[&[u8]; 10]> = request.args().collect();
            args[2] = at.as_bytes();
            args.push(b"ABSTTL");
            context.log_command(&args, 1);
        }
        _ => context.log_verbatim(1),
    }
    context.reply.ok();
}
