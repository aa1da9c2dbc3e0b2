//! MULTI, EXEC, DISCARD, WATCH and UNWATCH.

use crate::spec::{
    Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec, ServerCommand,
};

pub(crate) const COMMANDS: &[CommandSpec] = &[DISCARD, EXEC, MULTI, UNWATCH, WATCH];

const DISCARD: CommandSpec = CommandSpec {
    summary: "Discards a transaction.",
    complexity: "O(N), when N is the number of queued commands",
    since: "2.0.0",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    declared_categories: Categories::TRANSACTION,
    ..CommandSpec::new("discard", Group::Transactions, Handler::Server(ServerCommand::Discard))
};

const EXEC: CommandSpec = CommandSpec {
    summary: "Executes all commands in a transaction.",
    complexity: "Depends on commands in the transaction",
    since: "1.2.0",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SKIP_SLOWLOG),
    declared_categories: Categories::TRANSACTION,
    ..CommandSpec::new("exec", Group::Transactions, Handler::Server(ServerCommand::Exec))
};

const MULTI: CommandSpec = CommandSpec {
    summary: "Starts a transaction.",
    complexity: "O(1)",
    since: "1.2.0",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    declared_categories: Categories::TRANSACTION,
    ..CommandSpec::new("multi", Group::Transactions, Handler::Server(ServerCommand::Multi))
};

const UNWATCH: CommandSpec = CommandSpec {
    summary: "Forgets about watched keys of a transaction.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    declared_categories: Categories::TRANSACTION,
    ..CommandSpec::new("unwatch", Group::Transactions, Handler::Server(ServerCommand::Unwatch))
};

const WATCH: CommandSpec = CommandSpec {
    summary: "Monitors changes to keys to determine the execution of a transaction.",
    complexity: "O(1) for every key.",
    since: "2.2.0",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    declared_categories: Categories::TRANSACTION,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("watch", Group::Transactions, Handler::Server(ServerCommand::Watch))
};
