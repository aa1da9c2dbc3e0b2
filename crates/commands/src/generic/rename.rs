//! RENAME and RENAMENX.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::NO_SUCH_KEY;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[RENAME, RENAMENX];

const RENAME: CommandSpec = CommandSpec {
    summary: "Renames a key and overwrites the destination.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    arguments: &[Argument::key("key", 0), Argument::key("newkey", 1)],
    ..CommandSpec::new("rename", Group::Generic, Handler::Data(rename))
};

fn rename(context: &mut Context<'_>, request: Request<'_>) {
    match rename_key(context, request, false) {
        None => context.reply.error(NO_SUCH_KEY),
        Some(_) => context.reply.ok(),
    }
}

const RENAMENX: CommandSpec = CommandSpec {
    summary: "Renames a key only when the target key name doesn't exist.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::OW.and(KeyFlags::INSERT)),
    ],
    history: &[(
        "3.2.0",
        "The command no longer returns an error when source and destination names are the \
         same.",
    )],
    arguments: &[Argument::key("key", 0), Argument::key("newkey", 1)],
    ..CommandSpec::new("renamenx", Group::Generic, Handler::Data(renamenx))
};

fn renamenx(context: &mut Context<'_>, request: Request<'_>) {
    match rename_key(context, request, true) {
        None => context.reply.error(NO_SUCH_KEY),
        Some(renamed) => context.reply.integer(i64::from(renamed)),
    }
}

/// Renames the key. Gives whether something changed, or nothing when there is no such key.
fn rename_key(context: &mut Context<'_>, request: Request<'_>, only_if_free: bool) -> Option<bool> {
    let (from, to) = (context.key(request.arg(1)), context.key(request.arg(2)));
    if !context.exists_in(context.db, &from) {
        return None;
    }
    if from.bytes() == to.bytes() || (context.exists_in(context.db, &to) && only_if_free) {
        return Some(false);
    }
    context.keyspace.db_mut(context.db).rename(&from, &to);
    context.created(context.db, &to);
    context.modified(&from);
    context.modified(&to);
    context.notify(EventClass::Generic, "rename_from", &from);
    context.notify(EventClass::Generic, "rename_to", &to);
    context.log_verbatim(1);
    Some(true)
}
