//! MONITOR and LOLWUT.

use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[MONITOR, LOLWUT];

const MONITOR: CommandSpec = CommandSpec {
    summary: "Listens for all requests received by the server in real-time.",
    since: "1.0.0",
    arity: 1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    ..CommandSpec::new("monitor", Group::Server, Handler::Server(ServerCommand::Monitor))
};

const LOLWUT: CommandSpec = CommandSpec {
    summary: "Displays computer art and the Redis version",
    since: "5.0.0",
    arity: -1,
    flags: Flags::READONLY.and(Flags::FAST),
    arguments: &[Argument::integer("version").token("VERSION").optional()],
    ..CommandSpec::new("lolwut", Group::Server, Handler::Server(ServerCommand::LolWut))
};
