//! COPY, MOVE and SWAPDB: between databases.

use lastsave_resp::{ReplyBuffer, Request};

use crate::access;
use crate::context::{Context, Dependency};
use crate::reply::{DB_OUT_OF_RANGE, Replied, SAME_OBJECT, SYNTAX_ERROR, db_argument, error, int_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[COPY, MOVE, SWAPDB];

const COPY: CommandSpec = CommandSpec {
    summary: "Copies the value of a key to a new key.",
    complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for \
         string values.",
    since: "6.2.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[
        KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::range(2, 0, 1, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    arguments: &[
        Argument::key("source", 0),
        Argument::key("destination", 1),
        Argument::integer("destination-db").token("DB").optional(),
        Argument::pure_token("replace", "REPLACE").optional(),
    ],
    ..CommandSpec::new("copy", Group::Generic, Handler::Data(copy))
};

struct CopyOptions {
    replace: bool,
    target_db: usize,
}

fn parse_copy(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    db: usize,
    databases: usize,
) -> Result<CopyOptions, Replied> {
    let mut options = CopyOptions { replace: false, target_db: db };
    let mut index = 3;
    while index < request.len() {
        let word = request.arg(index);
        match request.get(index + 1) {
            _ if word.eq_ignore_ascii_case(b"replace") => options.replace = true,
            Some(argument) if word.eq_ignore_ascii_case(b"db") => {
                options.target_db = db_argument(reply, argument, databases)?;
                index += 1;
            }
            _ => return Err(error(reply, SYNTAX_ERROR)),
        }
        index += 1;
    }
    Ok(options)
}

fn copy(context: &mut Context<'_>, request: Request<'_>) {
    let databases = context.keyspace.databases();
    let Ok(options) = parse_copy(context.reply, request, context.db, databases) else { return };
    let (from, to) = (context.key(request.arg(1)), context.key(request.arg(2)));
    if options.target_db == context.db && from.bytes() == to.bytes() {
        return context.reply.error(SAME_OBJECT);
    }
    let exists = context.read(&from, |entry, _| entry.is_some());
    if !exists || (context.exists_in(options.target_db, &to) && !options.replace) {
        return context.reply.integer(0);
    }
    context.keyspace.copy_key(context.db, &from, options.target_db, &to);
    if let Some(entry) = context.keyspace.db(options.target_db).get(&to) {
        entry.set_access(access::fresh(context.options, context.now_ms));
    }
    context.created(options.target_db, &to);
    context.modified_in(options.target_db, &to);
    context.notify_in(options.target_db, EventClass::Generic, "copy_to", &to);
    context.log_verbatim(1);
    context.reply.integer(1);
}

const MOVE: CommandSpec = CommandSpec {
    summary: "Moves a key to another database.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("db")],
    ..CommandSpec::new("move", Group::Generic, Handler::Data(move_key))
};

fn move_key(context: &mut Context<'_>, request: Request<'_>) {
    let databases = context.keyspace.databases();
    let Ok(target_db) = db_argument(context.reply, request.arg(2), databases) else { return };
    if target_db == context.db {
        return context.reply.error(SAME_OBJECT);
    }
    let key = context.key(request.arg(1));
    if !context.exists_in(context.db, &key) || context.exists_in(target_db, &key) {
        return context.reply.integer(0);
    }
    context.keyspace.move_key(context.db, target_db, &key);
    context.created(target_db, &key);
    context.modified(&key);
    context.modified_in(target_db, &key);
    context.notify(EventClass::Generic, "move_from", &key);
    context.notify_in(target_db, EventClass::Generic, "move_to", &key);
    context.log_verbatim(1);
    context.reply.integer(1);
}

const SWAPDB: CommandSpec = CommandSpec {
    summary: "Swaps two Redis databases.",
    complexity: "O(N) where N is the count of clients watching or blocking on keys from both \
         databases.",
    since: "4.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    arguments: &[Argument::integer("index1"), Argument::integer("index2")],
    ..CommandSpec::new("swapdb", Group::Server, Handler::Data(swapdb))
};

fn swapdb(context: &mut Context<'_>, request: Request<'_>) {
    let first = int_argument(context.reply, request.arg(1), Some("ERR invalid first DB index"));
    let Ok(first) = first else { return };
    let second = int_argument(context.reply, request.arg(2), Some("ERR invalid second DB index"));
    let Ok(second) = second else { return };
    let in_range = |db: i32| usize::try_from(db).ok().filter(|db| *db < context.keyspace.databases());
    let (Some(first), Some(second)) = (in_range(first), in_range(second)) else {
        return context.reply.error(DB_OUT_OF_RANGE);
    };
    *context.depends = Dependency::Everything;
    if first != second {
        context.watches.touch_database(first, Some(second), context.keyspace, context.now_ms);
        context.watches.touch_database(second, Some(first), context.keyspace, context.now_ms);
        context.keyspace.swap_databases(first, second);
        context.blocking.touch_database(first);
        context.blocking.touch_database(second);
    }
    context.log_verbatim(1);
    context.reply.ok();
}
