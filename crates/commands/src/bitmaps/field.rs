//! Integers inside strings: BITFIELD, BITFIELD_RO.

use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request};
use smallvec::SmallVec;

use super::field_value::{FieldType, Overflow, WINDOW_BYTES};
use super::target::{find_target, offset_argument, read_text, read_window};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[BITFIELD, BITFIELD_RO];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Increment(i64),
}

/// One subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operation {
    action: Action,
    kind: FieldType,
    offset: u64,
    overflow: Overflow,
}

type Operations = SmallVec<[Operation; 4]>;

impl Operation {
    /// The byte with the integer's first bit.
    fn first_byte(&self) -> u64 {
        self.offset / 8
    }

    /// The byte with its last bit.
    fn last_byte(&self) -> u64 {
        (self.offset + self.kind.bits() - 1) / 8
    }
}

fn overflow_argument(reply: &mut ReplyBuffer, word: &[u8]) -> Result<Overflow, Replied> {
    if word.eq_ignore_ascii_case(b"wrap") {
        Ok(Overflow::Wrap)
    } else if word.eq_ignore_ascii_case(b"sat") {
        Ok(Overflow::Saturate)
    } else if word.eq_ignore_ascii_case(b"fail") {
        Ok(Overflow::Fail)
    } else {
        Err(error(reply, "ERR Invalid OVERFLOW type specified"))
    }
}

fn type_argument(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<FieldType, Replied> {
    FieldType::parse(argument).ok_or_else(|| {
        const TEXT: &str = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
                            i64 is.";
        error(reply, TEXT)
    })
}

fn parse(context: &mut Context<'_>, request: Request<'_>) -> Result<Operations, Replied> {
    let mut operations = Operations::new();
    let mut overflow = Overflow::default();
    let mut index = 2;
    while index < request.len() {
        let word = request.arg(index);
        let left = request.len() - index - 1;
        let is = |name: &[u8], arguments: usize| word.eq_ignore_ascii_case(name) && left >= arguments;
        if is(b"overflow", 1) {
            overflow = overflow_argument(context.reply, request.arg(index + 1))?;
            index += 2;
            continue;
        }
        let (gets, sets) = (is(b"get", 2), is(b"set", 3));
        if !(gets || sets || is(b"incrby", 3)) {
            return Err(error(context.reply, SYNTAX_ERROR));
        }
        let kind = type_argument(context.reply, request.arg(index + 1))?;
        let offset = offset_argument(context, request.arg(index + 2), Some(kind.bits()))?;
        let action = if gets {
            Action::Get
        } else {
            let number = integer_argument(context.reply, request.arg(index + 3))?;
            if sets { Action::Set(number) } else { Action::Increment(number) }
        };
        operations.push(Operation { action, kind, offset, overflow });
        index += if gets { 3 } else { 4 };
    }
    Ok(operations)
}

const BITFIELD: CommandSpec = CommandSpec {
    summary: "Performs arbitrary bitfield integer operations on strings.",
    complexity: "O(1) for each subcommand specified",
    since: "3.2.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(
        KeyFlags::RW.and(KeyFlags::UPDATE).and(KeyFlags::ACCESS).and(KeyFlags::VARIABLE_FLAGS),
    )
    .notes("This command allows both access and modification of the key")],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of(
            "operation",
            &[
                Argument::block("get-block", &[Argument::string("encoding"), Argument::integer("offset")])
                    .token("GET"),
                Argument::block(
                    "write",
                    &[
                        Argument::one_of(
                            "overflow-block",
                            &[
                                Argument::pure_token("wrap", "WRAP"),
                                Argument::pure_token("sat", "SAT"),
                                Argument::pure_token("fail", "FAIL"),
                            ],
                        )
                        .token("OVERFLOW")
                        .optional(),
                        Argument::one_of(
                            "write-operation",
                            &[
                                Argument::block(
                                    "set-block",
                                    &[
                                        Argument::string("encoding"),
                                        Argument::integer("offset"),
                                        Argument::integer("value"),
                                    ],
                                )
                                .token("SET"),
                                Argument::block(
                                    "incrby-block",
                                    &[
                                        Argument::string("encoding"),
                                        Argument::integer("offset"),
                                        Argument::integer("increment"),
                                    ],
                                )
                                .token("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    variable_key_flags: Some(bitfield_key_flags),
    ..CommandSpec::new("bitfield", Group::Bitmap, Handler::Data(bitfield))
};

/// A request whose subcommands only read does not write its key.
fn bitfield_key_flags<'a>(count: usize, argument: &dyn Fn(usize) -> &'a [u8]) -> KeyFlags {
    let mut index = 2;
    while index < count {
        let word = argument(index);
        let left = count - index - 1;
        index += match word.to_ascii_lowercase().as_slice() {
            b"get" if left >= 2 => 3,
            b"overflow" if left >= 1 => 2,
            _ => return KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE),
        };
    }
    KeyFlags::RO.and(KeyFlags::ACCESS)
}

fn bitfield(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(operations) = parse(context, request) else { return };
    let key = context.key(request.arg(1));
    let writing = operations.iter().filter(|operation| operation.action != Action::Get);
    match writing.map(Operation::last_byte).max() {
        None => get_all(context, &key, &operations),
        Some(last_byte) => change(context, &key, &operations, last_byte),
    }
}

const BITFIELD_RO: CommandSpec = CommandSpec {
    summary: "Performs arbitrary read-only bitfield integer operations on strings.",
    complexity: "O(1) for each subcommand specified",
    since: "6.0.0",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::block("get-block", &[Argument::string("encoding"), Argument::integer("offset")])
            .token("GET")
            .optional()
            .multiple()
            .multiple_token(),
    ],
    ..CommandSpec::new("bitfield_ro", Group::Bitmap, Handler::Data(bitfield_ro))
};

fn bitfield_ro(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(operations) = parse(context, request) else { return };
    if operations.iter().any(|operation| operation.action != Action::Get) {
        return context.reply.error("ERR BITFIELD_RO only supports the GET subcommand");
    }
    let key = context.key(request.arg(1));
    get_all(context, &key, &operations);
}

fn get_all(context: &mut Context<'_>, key: &Key<'_>, operations: &[Operation]) {
    read_text(context, key, |text, reply| {
        reply.array(operations.len());
        for operation in operations {
            let mut window = [0; WINDOW_BYTES];
            let rest = usize::try_from(operation.first_byte()).ok().and_then(|first| text.get(first..));
            for (target, byte) in window.iter_mut().zip(rest.unwrap_or_default()) {
                *target = *byte;
            }
            reply.integer(operation.kind.read(&window, operation.offset));
        }
    });
}

fn change(context: &mut Context<'_>, key: &Key<'_>, operations: &[Operation], last_byte: u64) {
    let Ok(last_byte) = usize::try_from(last_byte) else {
        context.reply.error("ERR bit offset is not an integer or out of range");
        return;
    };
    let Ok(target) = find_target(context, key, 0) else { return };
    let grew = target.reserve(context, key, last_byte + 1);
    context.reply.array(operations.len());
    let mut changes = 0;
    for operation in operations {
        let stored = run(context, key, operation);
        changes += u64::from(stored.is_some_and(|changed| changed || grew));
    }
    // A string that only grew, because all integers failed to fit, is different from the one before as well.
    if changes > 0 || grew {
        context.modified(key);
        context.notify(EventClass::String, "setbit", key);
        context.log_verbatim(changes.max(1));
    }
}

/// Replies to one subcommand and, when it stores something, gives whether that is a change.
fn run(context: &mut Context<'_>, key: &Key<'_>, operation: &Operation) -> Option<bool> {
    let Operation { action, kind, offset, overflow } = *operation;
    let first = operation.first_byte() as usize;
    let mut window: [u8; WINDOW_BYTES] = read_window(context, key, first);
    let before = kind.read(&window, offset);
    let (after, reply) = match action {
        Action::Get => {
            context.reply.integer(before);
            return None;
        }
        Action::Set(argument) => (kind.fit_argument(argument, overflow), Some(before)),
        Action::Increment(increment) => {
            let after = kind.add(before, increment, overflow);
            (after, after)
        }
    };
    let (Some(after), Some(reply)) = (after, reply) else {
        context.reply.null();
        return None;
    };
    context.reply.integer(reply);
    if after != before {
        kind.write(&mut window, offset, after);
        let len = (operation.last_byte() - operation.first_byte() + 1) as usize;
        context.keyspace.db_mut(context.db).write_range(key, first, &window[..len]);
    }
    Some(after != before)
}
