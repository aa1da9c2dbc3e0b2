//! BACKUP: consistent copies of the append-only file while the server runs. Not in Redis 7.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] = &[BACKUP];

/// They answer when a thread has done the work.
const WAITING: Flags = Flags::NO_ASYNC_LOADING.and(Flags::ADMIN).and(Flags::NOSCRIPT).and(Flags::NO_MULTI);

const BACKUP: CommandSpec = CommandSpec {
    summary: "A container for commands about backups of the append-only file.",
    complexity: "Depends on subcommand.",
    since: "7.2.0",
    arity: -2,
    subcommands: &[BACKUP_CREATE, BACKUP_DELETE, BACKUP_HELP, BACKUP_LIST],
    help: HELP_LINES,
    ..CommandSpec::new("backup", Group::Server, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "CREATE [<name>]",
    "    Make a backup of everything up to now in the directory 'backupdirname', and",
    "    return its path when it is complete. A server can be started in it.",
    "DELETE <name>",
    "    Remove a backup.",
    "LIST",
    "    Return the name, state and time of each backup.",
];

const BACKUP_CREATE: CommandSpec = CommandSpec {
    summary: "Makes a backup of the append-only file.",
    complexity: "O(F) where F is the number of files of the log; O(bytes) where files cannot have two names",
    since: "7.2.0",
    arity: -2,
    flags: WAITING,
    arguments: &[Argument::string("name").optional()],
    ..CommandSpec::new("backup|create", Group::Server, Handler::Server(ServerCommand::BackupCreate))
};

const BACKUP_DELETE: CommandSpec = CommandSpec {
    summary: "Removes a backup.",
    complexity: "O(F) where F is the number of files of the backup",
    since: "7.2.0",
    arity: 3,
    flags: WAITING,
    arguments: &[Argument::string("name")],
    ..CommandSpec::new("backup|delete", Group::Server, Handler::Server(ServerCommand::BackupDelete))
};

const BACKUP_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "7.2.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("backup|help", Group::Server, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, BACKUP.name, BACKUP.help);
}

const BACKUP_LIST: CommandSpec = CommandSpec {
    summary: "Returns what backups there are.",
    complexity: "O(N) where N is the number of backups",
    since: "7.2.0",
    arity: 2,
    flags: WAITING,
    tips: &["nondeterministic_output"],
    ..CommandSpec::new("backup|list", Group::Server, Handler::Server(ServerCommand::BackupList))
};
