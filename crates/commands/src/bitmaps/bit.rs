//! Single bits: SETBIT, GETBIT.

use lastsave_resp::Request;

use super::target::{find_target, offset_argument, read_text};
use crate::context::Context;
use crate::reply::error;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[SETBIT, GETBIT];

const SETBIT: CommandSpec = CommandSpec {
    summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't \
         exist.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("offset"), Argument::integer("value")],
    ..CommandSpec::new("setbit", Group::Bitmap, Handler::Data(setbit))
};

fn setbit(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(offset) = offset_argument(context, request.arg(2), None) else { return };
    let bit = match request.arg(3) {
        b"0" => false,
        b"1" => true,
        _ => return context.reply.error("ERR bit is not an integer or out of range"),
    };
    let key = context.key(request.arg(1));
    let Ok(index) = usize::try_from(offset / 8) else {
        error(context.reply, "ERR bit offset is not an integer or out of range");
        return;
    };
    let Ok(target) = find_target(context, &key, index) else { return };
    let mask = 0x80_u8 >> (offset % 8);
    let before = target.byte & mask != 0;
    let grew = target.reserve(context, &key, index + 1);
    if before != bit {
        let byte = if bit { target.byte | mask } else { target.byte & !mask };
        context.keyspace.db_mut(context.db).write_range(&key, index, &[byte]);
    }
    if grew || before != bit {
        context.modified(&key);
        context.notify(EventClass::String, "setbit", &key);
        context.log_verbatim(1);
    }
    context.reply.integer(i64::from(before));
}

const GETBIT: CommandSpec = CommandSpec {
    summary: "Returns a bit value by offset.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::integer("offset")],
    ..CommandSpec::new("getbit", Group::Bitmap, Handler::Data(getbit))
};

fn getbit(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(offset) = offset_argument(context, request.arg(2), None) else { return };
    let key = context.key(request.arg(1));
    read_text(context, &key, |text, reply| {
        let byte = usize::try_from(offset / 8).ok().and_then(|index| text.get(index)).copied().unwrap_or(0);
        reply.integer(i64::from(byte >> (7 - offset % 8) & 1));
    });
}
