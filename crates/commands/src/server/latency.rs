//! LATENCY: when the server was slow, and how long commands take.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[LATENCY];

const LATENCY: CommandSpec = CommandSpec {
    summary: "A container for latency diagnostics commands.",
    complexity: "Depends on subcommand.",
    since: "2.8.13",
    arity: -2,
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("latency", Group::Server, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "DOCTOR",
    "    Return a human readable latency analysis report.",
    "GRAPH <event>",
    "    Return an ASCII latency graph for the <event> class.",
    "HISTORY <event>",
    "    Return time-latency samples for the <event> class.",
    "LATEST",
    "    Return the latest latency samples for all events.",
    "RESET [<event> ...]",
    "    Reset latency data of one or more <event> classes.",
    "    (default: reset all data for all event classes)",
    "HISTOGRAM [COMMAND ...]",
    "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
    "    If no commands are specified then all histograms are replied.",
];

const SUBCOMMANDS: &[CommandSpec] = &[
    LATENCY_DOCTOR,
    LATENCY_GRAPH,
    LATENCY_HELP,
    LATENCY_HISTOGRAM,
    LATENCY_HISTORY,
    LATENCY_LATEST,
    LATENCY_RESET,
];

const LATENCY_DOCTOR: CommandSpec = CommandSpec {
    summary: "Returns a human-readable latency analysis report.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    ..CommandSpec::new("latency|doctor", Group::Server, Handler::Server(ServerCommand::LatencyDoctor))
};

const LATENCY_GRAPH: CommandSpec = CommandSpec {
    summary: "Returns a latency graph for an event.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::string("event")],
    ..CommandSpec::new("latency|graph", Group::Server, Handler::Server(ServerCommand::LatencyGraph))
};

const LATENCY_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("latency|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, LATENCY.name, LATENCY.help);
}

const LATENCY_HISTOGRAM: CommandSpec = CommandSpec {
    summary: "Returns the cumulative distribution of latencies of a subset or all commands.",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    since: "7.0.0",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::string("COMMAND").optional().multiple()],
    ..CommandSpec::new("latency|histogram", Group::Server, Handler::Server(ServerCommand::LatencyHistogram))
};

const LATENCY_HISTORY: CommandSpec = CommandSpec {
    summary: "Returns timestamp-latency samples for an event.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::string("event")],
    ..CommandSpec::new("latency|history", Group::Server, Handler::Server(ServerCommand::LatencyHistory))
};

const LATENCY_LATEST: CommandSpec = CommandSpec {
    summary: "Returns the latest latency samples for all events.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    ..CommandSpec::new("latency|latest", Group::Server, Handler::Server(ServerCommand::LatencyLatest))
};

const LATENCY_RESET: CommandSpec = CommandSpec {
    summary: "Resets the latency data for one or more events.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    arguments: &[Argument::string("event").optional().multiple()],
    ..CommandSpec::new("latency|reset", Group::Server, Handler::Server(ServerCommand::LatencyReset))
};
