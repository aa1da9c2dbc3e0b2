//! DBSIZE, FLUSHDB and FLUSHALL.

use lastsave_resp::{ReplyBuffer, Request};

use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler};

pub(crate) const COMMANDS: &[CommandSpec] = &[DBSIZE, FLUSHDB, FLUSHALL];

const DBSIZE: CommandSpec = CommandSpec {
    summary: "Returns the number of keys in the database.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 1,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..CommandSpec::new("dbsize", Group::Server, Handler::Data(dbsize))
};

fn dbsize(context: &mut Context<'_>, _request: Request<'_>) {
    context.depend_on_database();
    let len = context.keyspace.db(context.db).len();
    context.reply.integer(len as i64);
}

/// SYNC or ASYNC, which mean the same: what is flushed is gone at once, and its memory is freed elsewhere.
pub(crate) fn is_flush_mode(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"sync") || word.eq_ignore_ascii_case(b"async")
}

fn parse_flush(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<(), Replied> {
    match request.len() {
        1 => Ok(()),
        2 if is_flush_mode(request.arg(1)) => Ok(()),
        _ => Err(error(reply, SYNTAX_ERROR)),
    }
}

const FLUSHDB: CommandSpec = CommandSpec {
    summary: "Remove all keys from the current database.",
    complexity: "O(N) where N is the number of keys in the selected database",
    since: "1.0.0",
    arity: -1,
    flags: Flags::WRITE,
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    arguments: &[Argument::one_of(
        "flush-type",
        &[
            Argument::pure_token("async", "ASYNC").since("4.0.0"),
            Argument::pure_token("sync", "SYNC").since("6.2.0"),
        ],
    )
    .optional()],
    ..CommandSpec::new("flushdb", Group::Server, Handler::Data(flushdb))
};

fn flushdb(context: &mut Context<'_>, request: Request<'_>) {
    if parse_flush(context.reply, request).is_err() {
        return;
    }
    context.watches.touch_database(context.db, None, context.keyspace, context.now_ms);
    let removed = context.keyspace.flush(context.db);
    context.blocking.touch_database(context.db);
    context.signals.flushed();
    // Logged even when there was nothing to remove.
    context.log_verbatim(removed);
    context.reply.ok();
}

const FLUSHALL: CommandSpec = CommandSpec {
    summary: "Removes all keys from all databases.",
    complexity: "O(N) where N is the total number of keys in all databases",
    since: "1.0.0",
    arity: -1,
    flags: Flags::WRITE,
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    arguments: &[Argument::one_of(
        "flush-type",
        &[
            Argument::pure_token("async", "ASYNC").since("4.0.0"),
            Argument::pure_token("sync", "SYNC").since("6.2.0"),
        ],
    )
    .optional()],
    ..CommandSpec::new("flushall", Group::Server, Handler::Data(flushall))
};

fn flushall(context: &mut Context<'_>, request: Request<'_>) {
    if parse_flush(context.reply, request).is_err() {
        return;
    }
    for db in 0..context.keyspace.databases() {
        context.watches.touch_database(db, None, context.keyspace, context.now_ms);
        context.blocking.touch_database(db);
    }
    let removed = context.keyspace.flush_all();
    context.signals.flushed();
    context.log_verbatim(removed);
    context.effects.mark_flushed_all();
    context.reply.ok();
}
