//! AUTH, ECHO, HELLO, PING, QUIT, RESET and SELECT.

use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[AUTH, ECHO, HELLO, PING, QUIT, RESET, SELECT];

const AUTH: CommandSpec = CommandSpec {
    summary: "Authenticates the connection.",
    complexity: "O(N) where N is the number of passwords defined for the user",
    since: "1.0.0",
    arity: -2,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    declared_categories: Categories::CONNECTION,
    history: &[("6.0.0", "Added ACL style (username and password).")],
    arguments: &[Argument::string("username").since("6.0.0").optional(), Argument::string("password")],
    ..CommandSpec::new("auth", Group::Connection, Handler::Server(ServerCommand::Auth))
};

const ECHO: CommandSpec = CommandSpec {
    summary: "Returns the given string.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::string("message")],
    ..CommandSpec::new("echo", Group::Connection, Handler::Server(ServerCommand::Echo))
};

const HELLO: CommandSpec = CommandSpec {
    summary: "Handshakes with the Redis server.",
    complexity: "O(1)",
    since: "6.0.0",
    arity: -1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    declared_categories: Categories::CONNECTION,
    history: &[(
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports the \
         current connection's context.",
    )],
    arguments: &[Argument::block(
        "arguments",
        &[
            Argument::integer("protover"),
            Argument::block("auth", &[Argument::string("username"), Argument::string("password")])
                .token("AUTH")
                .optional(),
            Argument::string("clientname").token("SETNAME").optional(),
        ],
    )
    .optional()],
    ..CommandSpec::new("hello", Group::Connection, Handler::Server(ServerCommand::Hello))
};

const PING: CommandSpec = CommandSpec {
    summary: "Returns the server's liveliness response.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -1,
    flags: Flags::FAST,
    declared_categories: Categories::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::string("message").optional()],
    ..CommandSpec::new("ping", Group::Connection, Handler::Server(ServerCommand::Ping))
};

const QUIT: CommandSpec = CommandSpec {
    summary: "Closes the connection.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: -1,
    flags: Flags::ALLOW_BUSY
        .and(Flags::NOSCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH),
    declared_categories: Categories::CONNECTION,
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("7.2.0"),
    replaced_by: Some("just closing the connection"),
    ..CommandSpec::new("quit", Group::Connection, Handler::Server(ServerCommand::Quit))
};

const RESET: CommandSpec = CommandSpec {
    summary: "Resets the connection.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("reset", Group::Connection, Handler::Server(ServerCommand::Reset))
};

const SELECT: CommandSpec = CommandSpec {
    summary: "Changes the selected database.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::integer("index")],
    ..CommandSpec::new("select", Group::Connection, Handler::Server(ServerCommand::Select))
};
