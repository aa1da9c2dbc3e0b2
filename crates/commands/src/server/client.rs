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

const HELP_LINES: &[&str] = &[
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "DURABILITY [ALWAYS|EVERYSEC|DEFAULT]",
    "    What replies to this connection wait for, whatever appendfsync says.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
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
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
];

const SUBCOMMANDS: &[CommandSpec] = &[
    CLIENT_CACHING,
    CLIENT_DURABILITY,
    CLIENT_GETNAME,
    CLIENT_GETREDIR,
    CLIENT_HELP,
    CLIENT_ID,
    CLIENT_INFO,
    CLIENT_KILL,
    CLIENT_LIST,
    CLIENT_NO_EVICT,
    CLIENT_NO_TOUCH,
    CLIENT_PAUSE,
    CLIENT_REPLY,
    CLIENT_SETINFO,
    CLIENT_SETNAME,
    CLIENT_TRACKING,
    CLIENT_TRACKINGINFO,
    CLIENT_UNBLOCK,
    CLIENT_UNPAUSE,
];

const CLIENT_CACHING: CommandSpec = CommandSpec {
    summary: "Instructs the server whether to track the keys in the next request.",
    complexity: "O(1)",
    since: "6.0.0",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::one_of(
        "mode",
        &[Argument::pure_token("yes", "YES"), Argument::pure_token("no", "NO")],
    )],
    ..CommandSpec::new("client|caching", Group::Connection, Handler::Server(ServerCommand::ClientCaching))
};

const CLIENT_DURABILITY: CommandSpec = CommandSpec {
    summary: "Gets or sets what the replies to this connection wait for. A command of Lastsave.",
    complexity: "O(1)",
    since: "7.2.0",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::one_of(
        "durability",
        &[
            Argument::pure_token("always", "ALWAYS"),
            Argument::pure_token("everysec", "EVERYSEC"),
            Argument::pure_token("default", "DEFAULT"),
        ],
    )
    .optional()],
    ..CommandSpec::new(
        "client|durability",
        Group::Connection,
        Handler::Server(ServerCommand::ClientDurability),
    )
};

const CLIENT_GETNAME: CommandSpec = CommandSpec {
    summary: "Returns the name of the connection.",
    complexity: "O(1)",
    since: "2.6.9",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|getname", Group::Connection, Handler::Server(ServerCommand::ClientGetName))
};

const CLIENT_GETREDIR: CommandSpec = CommandSpec {
    summary: "Returns the client ID to which the connection's tracking notifications are \
         redirected.",
    complexity: "O(1)",
    since: "6.0.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|getredir", Group::Connection, Handler::Server(ServerCommand::ClientGetRedir))
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

const CLIENT_PAUSE: CommandSpec = CommandSpec {
    summary: "Suspends commands processing.",
    complexity: "O(1)",
    since: "3.0.0",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    history: &[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")],
    arguments: &[
        Argument::integer("timeout"),
        Argument::one_of(
            "mode",
            &[Argument::pure_token("write", "WRITE"), Argument::pure_token("all", "ALL")],
        )
        .since("6.2.0")
        .optional(),
    ],
    ..CommandSpec::new("client|pause", Group::Connection, Handler::Server(ServerCommand::ClientPause))
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

const CLIENT_TRACKING: CommandSpec = CommandSpec {
    summary: "Controls server-assisted client-side caching for the connection.",
    complexity: "O(1). Some options may introduce additional complexity.",
    since: "6.0.0",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[
        Argument::one_of("status", &[Argument::pure_token("on", "ON"), Argument::pure_token("off", "OFF")]),
        Argument::integer("client-id").token("REDIRECT").optional(),
        Argument::string("prefix").token("PREFIX").optional().multiple().multiple_token(),
        Argument::pure_token("BCAST", "BCAST").optional(),
        Argument::pure_token("OPTIN", "OPTIN").optional(),
        Argument::pure_token("OPTOUT", "OPTOUT").optional(),
        Argument::pure_token("NOLOOP", "NOLOOP").optional(),
    ],
    ..CommandSpec::new("client|tracking", Group::Connection, Handler::Server(ServerCommand::ClientTracking))
};

const CLIENT_TRACKINGINFO: CommandSpec = CommandSpec {
    summary: "Returns information about server-assisted client-side caching for the connection.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new(
        "client|trackinginfo",
        Group::Connection,
        Handler::Server(ServerCommand::ClientTrackingInfo),
    )
};

const CLIENT_UNBLOCK: CommandSpec = CommandSpec {
    summary: "Unblocks a client blocked by a blocking command from a different connection.",
    complexity: "O(log N) where N is the number of client connections",
    since: "5.0.0",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[
        Argument::integer("client-id"),
        Argument::one_of(
            "unblock-type",
            &[Argument::pure_token("timeout", "TIMEOUT"), Argument::pure_token("error", "ERROR")],
        )
        .optional(),
    ],
    ..CommandSpec::new("client|unblock", Group::Connection, Handler::Server(ServerCommand::ClientUnblock))
};

const CLIENT_UNPAUSE: CommandSpec = CommandSpec {
    summary: "Resumes processing commands from paused clients.",
    complexity: "O(N) Where N is the number of paused clients",
    since: "6.2.0",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("client|unpause", Group::Connection, Handler::Server(ServerCommand::ClientUnpause))
};
