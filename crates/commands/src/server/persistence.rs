//! Saving, the log, waiting for either, and the end.

use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[BGREWRITEAOF, BGSAVE, LASTSAVE, SAVE, SHUTDOWN, WAIT, WAITAOF];

const BGREWRITEAOF: CommandSpec = CommandSpec {
    summary: "Asynchronously rewrites the append-only file to disk.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 1,
    flags: Flags::NO_ASYNC_LOADING.and(Flags::ADMIN).and(Flags::NOSCRIPT),
    ..CommandSpec::new("bgrewriteaof", Group::Server, Handler::Server(ServerCommand::BackgroundRewriteAof))
};

const BGSAVE: CommandSpec = CommandSpec {
    summary: "Asynchronously saves the database(s) to disk.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -1,
    flags: Flags::NO_ASYNC_LOADING.and(Flags::ADMIN).and(Flags::NOSCRIPT),
    history: &[("3.2.2", "Added the `SCHEDULE` option.")],
    arguments: &[Argument::pure_token("schedule", "SCHEDULE").since("3.2.2").optional()],
    ..CommandSpec::new("bgsave", Group::Server, Handler::Server(ServerCommand::BackgroundSave))
};

const LASTSAVE: CommandSpec = CommandSpec {
    summary: "Returns the Unix timestamp of the last successful save to disk.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    declared_categories: Categories::ADMIN.and(Categories::DANGEROUS),
    tips: &["nondeterministic_output"],
    ..CommandSpec::new("lastsave", Group::Server, Handler::Server(ServerCommand::LastSave))
};

const SAVE: CommandSpec = CommandSpec {
    summary: "Synchronously saves the database(s) to disk.",
    complexity: "O(N) where N is the total number of keys in all databases",
    since: "1.0.0",
    arity: 1,
    flags: Flags::NO_ASYNC_LOADING.and(Flags::ADMIN).and(Flags::NOSCRIPT).and(Flags::NO_MULTI),
    ..CommandSpec::new("save", Group::Server, Handler::Server(ServerCommand::Save))
};

const SHUTDOWN: CommandSpec = CommandSpec {
    summary: "Synchronously saves the database(s) to disk and shuts down the Redis server.",
    complexity: "O(N) when saving, where N is the total number of keys in all databases when saving \
         data, otherwise O(1)",
    since: "1.0.0",
    arity: -1,
    flags: Flags::ADMIN
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    history: &[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
    arguments: &[
        Argument::one_of(
            "save-selector",
            &[Argument::pure_token("nosave", "NOSAVE"), Argument::pure_token("save", "SAVE")],
        )
        .optional(),
        Argument::pure_token("now", "NOW").since("7.0.0").optional(),
        Argument::pure_token("force", "FORCE").since("7.0.0").optional(),
        Argument::pure_token("abort", "ABORT").since("7.0.0").optional(),
    ],
    ..CommandSpec::new("shutdown", Group::Server, Handler::Server(ServerCommand::Shutdown))
};

const WAIT: CommandSpec = CommandSpec {
    summary: "Blocks until the asynchronous replication of all preceding write commands sent by \
         the connection is completed.",
    complexity: "O(1)",
    since: "3.0.0",
    arity: 3,
    declared_categories: Categories::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    arguments: &[Argument::integer("numreplicas"), Argument::integer("timeout")],
    ..CommandSpec::new("wait", Group::Generic, Handler::Server(ServerCommand::Wait))
};

const WAITAOF: CommandSpec = CommandSpec {
    summary: "Blocks until all of the preceding write commands sent by the connection are written \
         to the append-only file of the master and/or replicas.",
    complexity: "O(1)",
    since: "7.2.0",
    arity: 4,
    flags: Flags::NOSCRIPT,
    declared_categories: Categories::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    arguments: &[
        Argument::integer("numlocal"),
        Argument::integer("numreplicas"),
        Argument::integer("timeout"),
    ],
    ..CommandSpec::new("waitaof", Group::Generic, Handler::Server(ServerCommand::WaitAof))
};
