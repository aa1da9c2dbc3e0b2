//! SLOWLOG: commands that took long.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[SLOWLOG];

const SLOWLOG: CommandSpec = CommandSpec {
    summary: "A container for slow log commands.",
    complexity: "Depends on subcommand.",
    since: "2.2.12",
    arity: -2,
    subcommands: &[SLOWLOG_GET, SLOWLOG_HELP, SLOWLOG_LEN, SLOWLOG_RESET],
    help: HELP_LINES,
    ..CommandSpec::new("slowlog", Group::Server, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "GET [<count>]",
    "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
    "    Entries are made of:",
    "    id, timestamp, time in microseconds, arguments array, client IP and port,",
    "    client name",
    "LEN",
    "    Return the length of the slowlog.",
    "RESET",
    "    Reset the slowlog.",
];

const SLOWLOG_GET: CommandSpec = CommandSpec {
    summary: "Returns the slow log's entries.",
    complexity: "O(N) where N is the number of entries returned",
    since: "2.2.12",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    history: &[("4.0.0", "Added client IP address, port and name to the reply.")],
    arguments: &[Argument::integer("count").optional()],
    ..CommandSpec::new("slowlog|get", Group::Server, Handler::Server(ServerCommand::SlowLogGet))
};

const SLOWLOG_HELP: CommandSpec = CommandSpec {
    summary: "Show helpful text about the different subcommands",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("slowlog|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, SLOWLOG.name, SLOWLOG.help);
}

const SLOWLOG_LEN: CommandSpec = CommandSpec {
    summary: "Returns the number of entries in the slow log.",
    complexity: "O(1)",
    since: "2.2.12",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    ..CommandSpec::new("slowlog|len", Group::Server, Handler::Server(ServerCommand::SlowLogLen))
};

const SLOWLOG_RESET: CommandSpec = CommandSpec {
    summary: "Clears all entries from the slow log.",
    complexity: "O(N) where N is the number of entries in the slowlog",
    since: "2.2.12",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..CommandSpec::new("slowlog|reset", Group::Server, Handler::Server(ServerCommand::SlowLogReset))
};
