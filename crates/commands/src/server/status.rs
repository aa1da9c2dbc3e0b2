//! DEBUG, INFO, ROLE and TIME.

use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[DEBUG, INFO, ROLE, TIME];

const DEBUG: CommandSpec = CommandSpec {
    summary: "A container for debugging commands.",
    complexity: "Depends on subcommand.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::PROTECTED),
    doc_flags: DocFlags::SYSCMD,
    ..CommandSpec::new("debug", Group::Server, Handler::Server(ServerCommand::Debug))
};

const INFO: CommandSpec = CommandSpec {
    summary: "Returns information and statistics about the server.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    history: &[("7.0.0", "Added support for taking multiple section arguments.")],
    arguments: &[Argument::string("section").optional().multiple()],
    ..CommandSpec::new("info", Group::Server, Handler::Server(ServerCommand::Info))
};

const ROLE: CommandSpec = CommandSpec {
    summary: "Returns the replication role.",
    complexity: "O(1)",
    since: "2.8.12",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST),
    declared_categories: Categories::ADMIN.and(Categories::DANGEROUS),
    ..CommandSpec::new("role", Group::Server, Handler::Server(ServerCommand::Role))
};

const TIME: CommandSpec = CommandSpec {
    summary: "Returns the server time.",
    complexity: "O(1)",
    since: "2.6.0",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    tips: &["nondeterministic_output"],
    ..CommandSpec::new("time", Group::Server, Handler::Server(ServerCommand::Time))
};
