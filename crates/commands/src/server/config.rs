//! CONFIG: the server's settings.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[CONFIG];

const CONFIG: CommandSpec = CommandSpec {
    summary: "A container for server configuration commands.",
    complexity: "Depends on subcommand.",
    since: "2.0.0",
    arity: -2,
    subcommands: &[CONFIG_GET, CONFIG_HELP, CONFIG_RESETSTAT, CONFIG_REWRITE, CONFIG_SET],
    help: HELP_LINES,
    ..CommandSpec::new("config", Group::Server, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
];

const CONFIG_GET: CommandSpec = CommandSpec {
    summary: "Returns the effective values of configuration parameters.",
    complexity: "O(N) when N is the number of configuration parameters provided",
    since: "2.0.0",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    history: &[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")],
    arguments: &[Argument::string("parameter").multiple()],
    ..CommandSpec::new("config|get", Group::Server, Handler::Server(ServerCommand::ConfigGet))
};

const CONFIG_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("config|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, CONFIG.name, CONFIG.help);
}

const CONFIG_RESETSTAT: CommandSpec = CommandSpec {
    summary: "Resets the server's statistics.",
    complexity: "O(1)",
    since: "2.0.0",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..CommandSpec::new("config|resetstat", Group::Server, Handler::Server(ServerCommand::ConfigResetStat))
};

const CONFIG_REWRITE: CommandSpec = CommandSpec {
    summary: "Persists the effective configuration to file.",
    complexity: "O(1)",
    since: "2.8.0",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..CommandSpec::new("config|rewrite", Group::Server, Handler::Server(ServerCommand::ConfigRewrite))
};

const CONFIG_SET: CommandSpec = CommandSpec {
    summary: "Sets configuration parameters in-flight.",
    complexity: "O(N) when N is the number of configuration parameters provided",
    since: "2.0.0",
    arity: -4,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    history: &[("7.0.0", "Added the ability to set multiple parameters in one call.")],
    arguments: &[
        Argument::block("data", &[Argument::string("parameter"), Argument::string("value")]).multiple()
    ],
    ..CommandSpec::new("config|set", Group::Server, Handler::Server(ServerCommand::ConfigSet))
};
