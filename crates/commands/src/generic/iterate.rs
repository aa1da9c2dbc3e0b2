//! KEYS, SCAN and RANDOMKEY.

use lastsave_resp::{Aggregate, ReplyBuffer, Request};
use rand::Rng;

use super::lookup::type_name;
use crate::context::Context;
use crate::glob::glob_matches;
use crate::reply::{Replied, SYNTAX_ERROR, error};
use crate::scan::{parse_scan_count, parse_scan_cursor, reply_scan};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler};

pub(crate) const COMMANDS: &[CommandSpec] = &[KEYS, SCAN, RANDOMKEY];

const KEYS: CommandSpec = CommandSpec {
    summary: "Returns all key names that match a pattern.",
    complexity: "O(N) with N being the number of keys in the database, under the assumption that the \
         key names in the database and the given pattern have limited length.",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    arguments: &[Argument::pattern("pattern")],
    ..CommandSpec::new("keys", Group::Generic, Handler::Data(keys))
};

fn keys(context: &mut Context<'_>, request: Request<'_>) {
    context.depend_on_database();
    let pattern = request.arg(1);
    let every = pattern == b"*";
    let mark = context.reply.produced();
    let mut count = 0;
    for entry in context.keyspace.db(context.db).iter() {
        if (every || glob_matches(pattern, entry.key(), false)) && !context.is_past(entry.expires_at_ms()) {
            context.reply.bulk(entry.key());
            count += 1;
            if context.reply.is_overfull() {
                break;
            }
        }
    }
    context.reply.insert_aggregate(mark, Aggregate::Array, count);
}

const SCAN: CommandSpec = CommandSpec {
    summary: "Iterates over the key names in the database.",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls \
         for the cursor to return back to 0. N is the number of elements inside the \
         collection.",
    since: "2.8.0",
    arity: -2,
    flags: Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS),
    declared_categories: Categories::KEYSPACE,
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    history: &[("6.0.0", "Added the `TYPE` subcommand.")],
    arguments: &[
        Argument::integer("cursor"),
        Argument::pattern("pattern").token("MATCH").optional(),
        Argument::integer("count").token("COUNT").optional(),
        Argument::string("type").token("TYPE").since("6.0.0").optional(),
    ],
    ..CommandSpec::new("scan", Group::Generic, Handler::Data(scan))
};

#[derive(Debug, Clone, Copy)]
struct ScanOptions<'a> {
    count: u64,
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

fn parse_scan<'a>(reply: &mut ReplyBuffer, request: Request<'a>) -> Result<ScanOptions<'a>, Replied> {
    let mut options = ScanOptions { count: 10, pattern: None, type_name: None };
    let mut index = 2;
    while index < request.len() {
        let word = request.arg(index);
        let Some(argument) = request.get(index + 1) else { return Err(error(reply, SYNTAX_ERROR)) };
        if word.eq_ignore_ascii_case(b"count") {
            options.count = parse_scan_count(reply, argument)?;
        } else if word.eq_ignore_ascii_case(b"match") {
            options.pattern = (argument != b"*").then_some(argument);
        } else if word.eq_ignore_ascii_case(b"type") {
            options.type_name = Some(argument);
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        index += 2;
    }
    Ok(options)
}

fn scan(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(mut cursor) = parse_scan_cursor(context.reply, request.arg(1)) else { return };
    let Ok(options) = parse_scan(context.reply, request) else { return };
    context.depend_on_database();
    let database = context.keyspace.db(context.db);
    let mut past: Vec<Vec<u8>> = Vec::new();
    let mut live: Vec<&[u8]> = Vec::new();
    let mut visited = 0_u64;
    // A sparse table has empty buckets: their number is bounded as well.
    let mut buckets_left = options.count.saturating_mul(10);
    loop {
        cursor = database.scan(cursor, |entry| {
            visited += 1;
            if options.pattern.is_some_and(|pattern| !glob_matches(pattern, entry.key(), false)) {
                return;
            }
            if context.is_past(entry.expires_at_ms()) {
                past.push(entry.key().to_vec());
            } else if options
                .type_name
                .is_none_or(|name| name.eq_ignore_ascii_case(type_name(&entry.value()).as_bytes()))
            {
                live.push(entry.key());
            }
        });
        if cursor == 0 || buckets_left == 0 || visited >= options.count {
            break;
        }
        buckets_left -= 1;
    }
    reply_scan(context.reply, cursor, live.len(), |reply| live.into_iter().for_each(|key| reply.bulk(key)));
    for name in past {
        let key = context.key(&name);
        context.expire(context.db, &key);
    }
}

const RANDOMKEY: CommandSpec = CommandSpec {
    summary: "Returns a random key name from the database.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 1,
    flags: Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS),
    declared_categories: Categories::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    ..CommandSpec::new("randomkey", Group::Generic, Handler::Data(randomkey))
};

fn randomkey(context: &mut Context<'_>, _request: Request<'_>) {
    context.depend_on_database();
    loop {
        let random = &mut *context.random;
        let Some(entry) = context.keyspace.db(context.db).random(&mut || random.random()) else {
            return context.reply.null();
        };
        if !context.is_past(entry.expires_at_ms()) {
            return context.reply.bulk(entry.key());
        }
        let name = entry.key().to_vec();
        let key = context.key(&name);
        context.expire(context.db, &key);
    }
}
