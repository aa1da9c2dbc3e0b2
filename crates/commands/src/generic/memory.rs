//! MEMORY: USAGE, and the metadata of what the server tells about its own memory.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::{SYNTAX_ERROR, integer_argument, reply_help};
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[MEMORY];

const MEMORY: CommandSpec = CommandSpec {
    summary: "A container for memory diagnostics commands.",
    complexity: "Depends on subcommand.",
    since: "4.0.0",
    arity: -2,
    subcommands: &[MEMORY_DOCTOR, MEMORY_HELP, MEMORY_MALLOC_STATS, MEMORY_PURGE, MEMORY_STATS, MEMORY_USAGE],
    help: HELP_LINES,
    ..CommandSpec::new("memory", Group::Server, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value. Nested values are",
    "    sampled up to <count> times (default: 5, 0 means sample all).",
];

/// A key's share of the table around its entry: tag, pointer and the free slots.
const TABLE_BYTES_PER_KEY: usize = 14;

const MEMORY_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "4.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("memory|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, MEMORY.name, MEMORY.help);
}

const MEMORY_DOCTOR: CommandSpec = CommandSpec {
    summary: "Outputs a memory problems report.",
    complexity: "O(1)",
    since: "4.0.0",
    arity: 2,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..CommandSpec::new("memory|doctor", Group::Server, Handler::Server(ServerCommand::MemoryDoctor))
};

const MEMORY_MALLOC_STATS: CommandSpec = CommandSpec {
    summary: "Returns the allocator statistics.",
    complexity: "Depends on how much memory is allocated, could be slow",
    since: "4.0.0",
    arity: 2,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..CommandSpec::new(
        "memory|malloc-stats",
        Group::Server,
        Handler::Server(ServerCommand::MemoryMallocStats),
    )
};

const MEMORY_PURGE: CommandSpec = CommandSpec {
    summary: "Asks the allocator to release memory.",
    complexity: "Depends on how much memory is allocated, could be slow",
    since: "4.0.0",
    arity: 2,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..CommandSpec::new("memory|purge", Group::Server, Handler::Server(ServerCommand::MemoryPurge))
};

const MEMORY_STATS: CommandSpec = CommandSpec {
    summary: "Returns details about memory usage.",
    complexity: "O(1)",
    since: "4.0.0",
    arity: 2,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..CommandSpec::new("memory|stats", Group::Server, Handler::Server(ServerCommand::MemoryStats))
};

const MEMORY_USAGE: CommandSpec = CommandSpec {
    summary: "Estimates the memory usage of a key.",
    complexity: "O(N) where N is the number of samples.",
    since: "4.0.0",
    arity: -3,
    flags: Flags::READONLY,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RO)],
    arguments: &[Argument::key("key", 0), Argument::integer("count").token("SAMPLES").optional()],
    ..CommandSpec::new("memory|usage", Group::Server, Handler::Data(usage))
};

fn usage(context: &mut Context<'_>, request: Request<'_>) {
    let mut index = 3;
    while index < request.len() {
        let samples = request.get(index + 1).filter(|_| request.arg(index).eq_ignore_ascii_case(b"samples"));
        let Some(samples) = samples else { return context.reply.error(SYNTAX_ERROR) };
        match integer_argument(context.reply, samples) {
            Ok(0..) => index += 2,
            Ok(_) => return context.reply.error(SYNTAX_ERROR),
            Err(_) => return,
        }
    }
    let key = context.key(request.arg(2));
    let database = context.keyspace.db(context.db);
    context.depends.on(database.mark(&key));
    // A key that has expired still uses its memory.
    match database.get(&key) {
        Some(entry) => context.reply.integer((entry.allocated_bytes() + TABLE_BYTES_PER_KEY) as i64),
        None => context.reply.null(),
    }
}
