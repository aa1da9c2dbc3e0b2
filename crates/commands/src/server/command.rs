//! COMMAND: what the table knows.

use lastsave_resp::{Aggregate, ReplyBuffer, Request};

use crate::context::Context;
use crate::glob::glob_matches;
use crate::introspection::{reply_command_docs, reply_command_info, reply_command_keys};
use crate::reply::{SYNTAX_ERROR, reply_help};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler};
use crate::table::{all_commands, lookup_full};

pub(crate) const COMMANDS: &[CommandSpec] = &[COMMAND];

const COMMAND: CommandSpec = CommandSpec {
    summary: "Returns detailed information about all commands.",
    complexity: "O(N) where N is the total number of Redis commands",
    since: "2.8.13",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("command", Group::Server, Handler::Data(command))
};

const SUBCOMMANDS: &[CommandSpec] = &[
    COMMAND_COUNT,
    COMMAND_DOCS,
    COMMAND_GETKEYS,
    COMMAND_GETKEYSANDFLAGS,
    COMMAND_HELP,
    COMMAND_INFO,
    COMMAND_LIST,
];

const HELP_LINES: &[&str] = &[
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
];

fn command(context: &mut Context<'_>, _request: Request<'_>) {
    reply_all_infos(context.reply);
}

fn reply_all_infos(reply: &mut ReplyBuffer) {
    reply.array(all_commands().len());
    for spec in all_commands() {
        reply_command_info(reply, Some(spec));
    }
}

const COMMAND_COUNT: CommandSpec = CommandSpec {
    summary: "Returns a count of commands.",
    complexity: "O(1)",
    since: "2.8.13",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("command|count", Group::Server, Handler::Data(count))
};

fn count(context: &mut Context<'_>, _request: Request<'_>) {
    context.reply.integer(all_commands().len() as i64);
}

const COMMAND_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    ..CommandSpec::new("command|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, COMMAND.name, COMMAND.help);
}

const COMMAND_INFO: CommandSpec = CommandSpec {
    summary: "Returns information about one, multiple or all commands.",
    complexity: "O(N) where N is the number of commands to look up",
    since: "2.8.13",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    history: &[("7.0.0", "Allowed to be called with no argument to get info on all commands.")],
    arguments: &[Argument::string("command-name").optional().multiple()],
    ..CommandSpec::new("command|info", Group::Server, Handler::Data(info))
};

fn info(context: &mut Context<'_>, request: Request<'_>) {
    if request.len() == 2 {
        return reply_all_infos(context.reply);
    }
    context.reply.array(request.len() - 2);
    for name in request.args().skip(2) {
        reply_command_info(context.reply, lookup_full(name));
    }
}

const COMMAND_DOCS: CommandSpec = CommandSpec {
    summary: "Returns documentary information about one, multiple or all commands.",
    complexity: "O(N) where N is the number of commands to look up",
    since: "7.0.0",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::string("command-name").optional().multiple()],
    ..CommandSpec::new("command|docs", Group::Server, Handler::Data(docs))
};

fn docs(context: &mut Context<'_>, request: Request<'_>) {
    let reply = &mut *context.reply;
    let mark = reply.produced();
    let mut count = 0;
    let mut show = |spec: &CommandSpec| {
        reply.bulk(spec.full_name.as_bytes());
        reply_command_docs(reply, spec);
        count += 1;
    };
    if request.len() == 2 {
        all_commands().iter().for_each(&mut show);
    } else {
        request.args().skip(2).filter_map(lookup_full).for_each(&mut show);
    }
    context.reply.insert_aggregate(mark, Aggregate::Map, count);
}

const COMMAND_GETKEYS: CommandSpec = CommandSpec {
    summary: "Extracts the key names from an arbitrary command.",
    complexity: "O(N) where N is the number of arguments to the command",
    since: "2.8.13",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
    ..CommandSpec::new("command|getkeys", Group::Server, Handler::Data(getkeys))
};

fn getkeys(context: &mut Context<'_>, request: Request<'_>) {
    reply_command_keys(context.reply, request, 2, false);
}

const COMMAND_GETKEYSANDFLAGS: CommandSpec = CommandSpec {
    summary: "Extracts the key names and access flags for an arbitrary command.",
    complexity: "O(N) where N is the number of arguments to the command",
    since: "7.0.0",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
    ..CommandSpec::new("command|getkeysandflags", Group::Server, Handler::Data(getkeysandflags))
};

fn getkeysandflags(context: &mut Context<'_>, request: Request<'_>) {
    reply_command_keys(context.reply, request, 2, true);
}

const COMMAND_LIST: CommandSpec = CommandSpec {
    summary: "Returns a list of command names.",
    complexity: "O(N) where N is the total number of Redis commands",
    since: "7.0.0",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::one_of(
        "filterby",
        &[
            Argument::string("module-name").token("MODULE"),
            Argument::string("category").token("ACLCAT"),
            Argument::pattern("pattern").token("PATTERN"),
        ],
    )
    .token("FILTERBY")
    .optional()],
    ..CommandSpec::new("command|list", Group::Server, Handler::Data(list))
};

/// Which commands COMMAND LIST shows.
enum Filter<'a> {
    Every,
    /// None: there are no modules, or there is no such category.
    Nothing,
    Category(Categories),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(request: Request<'a>) -> Option<Self> {
        let mut filter = Filter::Every;
        let mut index = 2;
        while index < request.len() {
            if !request.arg(index).eq_ignore_ascii_case(b"filterby") || request.len() != index + 3 {
                return None;
            }
            let (kind, argument) = (request.arg(index + 1), request.arg(index + 2));
            filter = if kind.eq_ignore_ascii_case(b"module") {
                Filter::Nothing
            } else if kind.eq_ignore_ascii_case(b"aclcat") {
                // Shown with an `@` before the name.
                let named =
                    |(_, shown): &&(Categories, &str)| shown.as_bytes()[1..].eq_ignore_ascii_case(argument);
                Categories::SHOWN
                    .iter()
                    .find(named)
                    .map_or(Filter::Nothing, |(category, _)| Filter::Category(*category))
            } else if kind.eq_ignore_ascii_case(b"pattern") {
                Filter::Pattern(argument)
            } else {
                return None;
            };
            index += 3;
        }
        Some(filter)
    }

    fn admits(&self, spec: &CommandSpec) -> bool {
        match self {
            Self::Every => true,
            Self::Nothing => false,
            Self::Category(category) => spec.categories().has(*category),
            Self::Pattern(pattern) => glob_matches(pattern, spec.full_name.as_bytes(), true),
        }
    }
}

fn list(context: &mut Context<'_>, request: Request<'_>) {
    let Some(filter) = Filter::parse(request) else { return context.reply.error(SYNTAX_ERROR) };
    let every = all_commands().iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands));
    let shown: Vec<&CommandSpec> = every.filter(|spec| filter.admits(spec)).collect();
    context.reply.array(shown.len());
    for spec in shown {
        context.reply.bulk(spec.full_name.as_bytes());
    }
}
