//! CLIENT: the client's own connection, and the others.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[CLIENT];

const CLIENT: CommandSpec = CommandSpec {
    summary: "A container for client connection commands.",
    complexity: "Depends on subcommand.",
    since: "2.4.0",
    arity: -2,
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("client", Group::Connection, Handler::Container)
};

const SUBCOMMANDS: &[CommandSpec] = &[
    CLIENT_GETNAME,
    CLIENT_HELP,
    CLIENT_ID,
    CLIENT_INFO,
    CLIENT_KILL,
    CLIENT_LIST,
    CLIENT_NO_EVICT,
    CLIENT_NO_TOUCH,
    CLIENT_REPLY,
    CLIENT_SETINFO,
    CLIENT_SETNAME,
];

const HELP_LINES: &[&str] = &[
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made from the specified address",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
];

const CLIENT_GETNAME: CommandSpec = CommandSpec {
    summary: "Returns the name of the connection.",
    complexity: "O(1)",
    since: "2.6.9",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|getname", Group::Connection, Handler::Server(ServerCommand::ClientGetName))
};

const CLIENT_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|help", Group::Connection, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, CLIENT.name, CLIENT.help);
}

const CLIENT_ID: CommandSpec = CommandSpec {
    summary: "Returns the unique client ID of the connection.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|id", Group::Connection, Handler::Server(ServerCommand::ClientId))
};

const CLIENT_INFO: CommandSpec = CommandSpec {
    summary: "Returns information about the connection.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output"],
    ..CommandSpec::new("client|info", Group::Connection, Handler::Server(ServerCommand::ClientInfo))
};

const CLIENT_KILL: CommandSpec = CommandSpec {
    summary: "Terminates open connections.",
    complexity: "O(N) where N is the number of client connections",
    since: "2.4.0",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    history: &[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        (
            "5.0.0",
            "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward \
         compatibility.",
        ),
        ("6.2.0", "`LADDR` option."),
    ],
    arguments: &[Argument::one_of(
        "filter",
        &[
            Argument::string("old-format").display("ip:port").deprecated_since("2.8.12"),
            Argument::one_of(
                "new-format",
                &[
                    Argument::integer("client-id").token("ID").since("2.8.12").optional(),
                    Argument::one_of(
                        "client-type",
                        &[
                            Argument::pure_token("normal", "normal"),
                            Argument::pure_token("master", "master").since("3.2.0"),
                            Argument::pure_token("slave", "slave"),
                            Argument::pure_token("replica", "replica").since("5.0.0"),
                            Argument::pure_token("pubsub", "pubsub"),
                        ],
                    )
                    .token("TYPE")
                    .since("2.8.12")
                    .optional(),
                    Argument::string("username").token("USER").optional(),
                    Argument::string("addr").token("ADDR").display("ip:port").optional(),
                    Argument::string("laddr").token("LADDR").display("ip:port").since("6.2.0").optional(),
                    Argument::one_of(
                        "skipme",
                        &[Argument::pure_token("yes", "YES"), Argument::pure_token("no", "NO")],
                    )
                    .token("SKIPME")
                    .optional(),
                ],
            )
            .multiple(),
        ],
    )],
    ..CommandSpec::new("client|kill", Group::Connection, Handler::Server(ServerCommand::ClientKill))
};

const CLIENT_LIST: CommandSpec = CommandSpec {
    summary: "Lists open connections.",
    complexity: "O(N) where N is the number of client connections",
    since: "2.4.0",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output"],
    history: &[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        (
            "6.2.0",
            "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` \
         filter.",
        ),
        ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "Added `ssub` field."),
    ],
    arguments: &[
        Argument::one_of(
            "client-type",
            &[
                Argument::pure_token("normal", "normal"),
                Argument::pure_token("master", "master"),
                Argument::pure_token("replica", "replica"),
                Argument::pure_token("pubsub", "pubsub"),
            ],
        )
        .token("TYPE")
        .since("5.0.0")
        .optional(),
        Argument::integer("client-id").token("ID").since("6.2.0").optional().multiple(),
    ],
    ..CommandSpec::new("client|list", Group::Connection, Handler::Server(ServerCommand::ClientList))
};

const CLIENT_NO_EVICT: CommandSpec = CommandSpec {
    summary: "Sets the client eviction mode of the connection.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::one_of(
        "enabled",
        &[Argument::pure_token("on", "ON"), Argument::pure_token("off", "OFF")],
    )],
    ..CommandSpec::new("client|no-evict", Group::Connection, Handler::Server(ServerCommand::ClientNoEvict))
};

const CLIENT_NO_TOUCH: CommandSpec = CommandSpec {
    summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    complexity: "O(1)",
    since: "7.2.0",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::one_of(
        "enabled",
        &[Argument::pure_token("on", "ON"), Argument::pure_token("off", "OFF")],
    )],
    ..CommandSpec::new("client|no-touch", Group::Connection, Handler::Server(ServerCommand::ClientNoTouch))
};

const CLIENT_REPLY: CommandSpec = CommandSpec {
    summary: "Instructs the server whether to reply to commands.",
    complexity: "O(1)",
    since: "3.2.0",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::one_of(
        "action",
        &[
            Argument::pure_token("on", "ON"),
            Argument::pure_token("off", "OFF"),
            Argument::pure_token("skip", "SKIP"),
        ],
    )],
    ..CommandSpec::new("client|reply", Group::Connection, Handler::Server(ServerCommand::ClientReply))
};

const CLIENT_SETINFO: CommandSpec = CommandSpec {
    summary: "Sets information specific to the client or connection.",
    complexity: "O(1)",
    since: "7.2.0",
    arity: 4,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "attr",
        &[Argument::string("libname").token("lib-name"), Argument::string("libver").token("lib-ver")],
    )],
    ..CommandSpec::new("client|setinfo", Group::Connection, Handler::Server(ServerCommand::ClientSetInfo))
};

const CLIENT_SETNAME: CommandSpec = CommandSpec {
    summary: "Sets the connection name.",
    complexity: "O(1)",
    since: "2.6.9",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::string("connection-name")],
    ..CommandSpec::new("client|setname", Group::Connection, Handler::Server(ServerCommand::ClientSetName))
};
