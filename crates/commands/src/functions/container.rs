//! FUNCTION: libraries are taken in, listed and given back as the texts they are.
//!
//! Which functions a library has is known to whom runs its text, so none are listed or counted.

use bytes::Bytes;
use lastsave_rdb::{DumpError, DumpOptions, decode_function_dump, encode_function_dump, function_dump_reply};
use lastsave_resp::{Aggregate, Request};

use super::libraries::FunctionLibraries;
use super::library::ENGINE;
use crate::context::{Context, Dependency};
use crate::generic::database::is_flush_mode;
use crate::glob::glob_matches;
use crate::reply::{reply_help, reply_unknown_subcommand};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler};

pub(crate) const COMMANDS: &[CommandSpec] = &[FUNCTION];

const BAD_POLICY: &str = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
const OLD_VERSION: &str = "ERR Function libraries need 'rdb-write-version' 10 or later";

const FUNCTION: CommandSpec = CommandSpec {
    summary: "A container for function commands.",
    complexity: "Depends on subcommand.",
    since: "7.0.0",
    arity: -2,
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("function", Group::Scripting, Handler::Container)
};

const SUBCOMMANDS: &[CommandSpec] = &[
    FUNCTION_DELETE,
    FUNCTION_DUMP,
    FUNCTION_FLUSH,
    FUNCTION_HELP,
    FUNCTION_KILL,
    FUNCTION_LIST,
    FUNCTION_LOAD,
    FUNCTION_RESTORE,
    FUNCTION_STATS,
];

const HELP_LINES: &[&str] = &[
    "LOAD [REPLACE] <FUNCTION CODE>",
    "    Create a new library with the given library name and code.",
    "DELETE <LIBRARY NAME>",
    "    Delete the given library.",
    "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
    "    Return general information on all the libraries:",
    "    * Library name",
    "    * The engine used to run the Library",
    "    * Library description",
    "    * Functions list",
    "    * Library code (if WITHCODE is given)",
    "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
    "STATS",
    "    Return information about the current function running:",
    "    * Function name",
    "    * Command used to run the function",
    "    * Duration in MS that the function is running",
    "    If no function is running, return nil",
    "    In addition, returns a list of available engines.",
    "KILL",
    "    Kill the current running function.",
    "FLUSH [ASYNC|SYNC]",
    "    Delete all the libraries.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the libraries.",
    "    * SYNC: Synchronously flush the libraries.",
    "DUMP",
    "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
    "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
    "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
    "    control how to handle existing libraries (default APPEND):",
    "    * FLUSH: delete all existing libraries.",
    "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
    "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
    "      libraries with the new libraries (notice that even on this option there is a chance of failure",
    "      in case of functions name collision with another library).",
];

const FUNCTION_DELETE: CommandSpec = CommandSpec {
    summary: "Deletes a library and its functions.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    declared_categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::string("library-name")],
    ..CommandSpec::new("function|delete", Group::Scripting, Handler::Data(delete))
};

fn delete(context: &mut Context<'_>, request: Request<'_>) {
    if !context.functions.delete(request.arg(2)) {
        *context.depends = Dependency::Everything;
        return context.reply.error("ERR Library not found");
    }
    context.log_verbatim(1);
    context.reply.ok();
}

const FUNCTION_DUMP: CommandSpec = CommandSpec {
    summary: "Dumps all libraries into a serialized binary payload.",
    complexity: "O(N) where N is the number of functions",
    since: "7.0.0",
    arity: 2,
    flags: Flags::NOSCRIPT,
    declared_categories: Categories::SCRIPTING,
    ..CommandSpec::new("function|dump", Group::Scripting, Handler::Data(dump))
};

fn dump(context: &mut Context<'_>, _request: Request<'_>) {
    *context.depends = Dependency::Everything;
    let texts = context.functions.iter().map(|library| &library.code()[..]);
    let options = context.options;
    match encode_function_dump(texts, options.rdb_write_version, options.rdb_compression) {
        Ok(payload) => context.reply.bulk(&payload),
        Err(error) => context.reply.error(&format!("ERR {error}")),
    }
}

const FUNCTION_FLUSH: CommandSpec = CommandSpec {
    summary: "Deletes all libraries and functions.",
    complexity: "O(N) where N is the number of functions deleted",
    since: "7.0.0",
    arity: -2,
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    declared_categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "flush-type",
        &[Argument::pure_token("async", "ASYNC"), Argument::pure_token("sync", "SYNC")],
    )
    .optional()],
    ..CommandSpec::new("function|flush", Group::Scripting, Handler::Data(flush))
};

fn flush(context: &mut Context<'_>, request: Request<'_>) {
    if request.len() > 3 {
        return reply_unknown_subcommand(context.reply, request);
    }
    if !request.get(2).is_none_or(is_flush_mode) {
        return context.reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    }
    *context.functions = FunctionLibraries::new();
    context.log_verbatim(1);
    context.reply.ok();
}

const FUNCTION_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::SCRIPTING,
    ..CommandSpec::new("function|help", Group::Scripting, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, FUNCTION.name, FUNCTION.help);
}

const FUNCTION_KILL: CommandSpec = CommandSpec {
    summary: "Terminates a function during execution.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    declared_categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..CommandSpec::new("function|kill", Group::Scripting, Handler::Data(kill))
};

fn kill(context: &mut Context<'_>, _request: Request<'_>) {
    context.reply.error("NOTBUSY No scripts in execution right now.");
}

const FUNCTION_LIST: CommandSpec = CommandSpec {
    summary: "Returns information about all libraries.",
    complexity: "O(N) where N is the number of functions",
    since: "7.0.0",
    arity: -2,
    flags: Flags::NOSCRIPT,
    declared_categories: Categories::SCRIPTING,
    tips: &["nondeterministic_output_order"],
    arguments: &[
        Argument::string("library-name-pattern").token("LIBRARYNAME").optional(),
        Argument::pure_token("withcode", "WITHCODE").optional(),
    ],
    ..CommandSpec::new("function|list", Group::Scripting, Handler::Data(list))
};

fn list(context: &mut Context<'_>, request: Request<'_>) {
    let (mut pattern, mut with_code) = (None, false);
    let mut words = request.args().skip(2);
    while let Some(word) = words.next() {
        if !with_code && word.eq_ignore_ascii_case(b"withcode") {
            with_code = true;
        } else if pattern.is_none() && word.eq_ignore_ascii_case(b"libraryname") {
            pattern = words.next();
            if pattern.is_none() {
                return context.reply.error("ERR library name argument was not given");
            }
        } else {
            return context.reply.error_bytes(&[b"ERR Unknown argument ", word].concat());
        }
    }
    *context.depends = Dependency::Everything;
    let mark = context.reply.produced();
    let mut count = 0;
    for library in context.functions.iter() {
        if !pattern.is_none_or(|pattern| glob_matches(pattern, library.name(), true)) {
            continue;
        }
        count += 1;
        let reply = &mut *context.reply;
        reply.map(if with_code { 4 } else { 3 });
        reply.bulk(b"library_name");
        reply.bulk(library.name());
        reply.bulk(b"engine");
        reply.bulk(ENGINE.as_bytes());
        reply.bulk(b"functions");
        reply.array(0);
        if with_code {
            reply.bulk(b"library_code");
            reply.bulk_shared(library.code());
        }
    }
    context.reply.insert_aggregate(mark, Aggregate::Array, count);
}

const FUNCTION_LOAD: CommandSpec = CommandSpec {
    summary: "Creates a library.",
    complexity: "O(1) (considering compilation time is redundant)",
    since: "7.0.0",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    declared_categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[Argument::pure_token("replace", "REPLACE").optional(), Argument::string("function-code")],
    ..CommandSpec::new("function|load", Group::Scripting, Handler::Data(load))
};

fn load(context: &mut Context<'_>, request: Request<'_>) {
    let code_at = request.len() - 1;
    let options = request.args().skip(2).take(code_at - 2);
    let mut replace = false;
    for option in options {
        if !option.eq_ignore_ascii_case(b"replace") {
            return context.reply.error_bytes(&[b"ERR Unknown option given: ", option].concat());
        }
        replace = true;
    }
    if refuses_for_version(context) {
        return;
    }
    match context.functions.load(Bytes::copy_from_slice(request.arg(code_at)), replace) {
        Ok(name) => {
            context.log_verbatim(1);
            context.reply.bulk(&name);
        }
        Err(error) => {
            *context.depends = Dependency::Everything;
            context.reply.error(&format!("ERR {error}"));
        }
    }
}

const FUNCTION_RESTORE: CommandSpec = CommandSpec {
    summary: "Restores all libraries from a payload.",
    complexity: "O(N) where N is the number of functions on the payload",
    since: "7.0.0",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    declared_categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[
        Argument::string("serialized-value"),
        Argument::one_of(
            "policy",
            &[
                Argument::pure_token("flush", "FLUSH"),
                Argument::pure_token("append", "APPEND"),
                Argument::pure_token("replace", "REPLACE"),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("function|restore", Group::Scripting, Handler::Data(restore))
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RestorePolicy {
    Flush,
    Append,
    Replace,
}

fn restore(context: &mut Context<'_>, request: Request<'_>) {
    if request.len() > 4 {
        return reply_unknown_subcommand(context.reply, request);
    }
    let policy = match request.get(3) {
        None => RestorePolicy::Append,
        Some(word) if word.eq_ignore_ascii_case(b"append") => RestorePolicy::Append,
        Some(word) if word.eq_ignore_ascii_case(b"replace") => RestorePolicy::Replace,
        Some(word) if word.eq_ignore_ascii_case(b"flush") => RestorePolicy::Flush,
        Some(_) => return context.reply.error(BAD_POLICY),
    };
    let options = DumpOptions { checksum: !context.options.skip_dump_checksum, ..DumpOptions::default() };
    let texts = match decode_function_dump(request.arg(2), options) {
        Ok(texts) => texts,
        Err(error) => {
            if let DumpError::BadFormat(cause) = &error {
                tracing::warn!("FUNCTION RESTORE refused: {cause}");
            }
            return context.reply.error(function_dump_reply(&error));
        }
    };
    if !texts.is_empty() && refuses_for_version(context) {
        return;
    }
    let mut restored = FunctionLibraries::new();
    let loaded = texts.into_iter().try_for_each(|text| restored.load(text.into(), false).map(drop));
    let joined = loaded.and_then(|()| match policy {
        RestorePolicy::Flush => {
            *context.functions = restored;
            Ok(())
        }
        policy => context.functions.join(&restored, policy == RestorePolicy::Replace),
    });
    match joined {
        Ok(()) => {
            context.log_verbatim(1);
            context.reply.ok();
        }
        Err(error) => {
            *context.depends = Dependency::Everything;
            context.reply.error(&format!("ERR {error}"));
        }
    }
}

/// Whether the version of the format in use cannot hold libraries; it has replied then.
fn refuses_for_version(context: &mut Context<'_>) -> bool {
    let refuses = !context.options.rdb_write_version.has_functions();
    if refuses {
        context.stats.inexpressible += 1;
        context.reply.error(OLD_VERSION);
    }
    refuses
}

const FUNCTION_STATS: CommandSpec = CommandSpec {
    summary: "Returns information about a function during execution.",
    complexity: "O(1)",
    since: "7.0.0",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    declared_categories: Categories::SCRIPTING,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..CommandSpec::new("function|stats", Group::Scripting, Handler::Data(stats))
};

fn stats(context: &mut Context<'_>, _request: Request<'_>) {
    *context.depends = Dependency::Everything;
    let reply = &mut *context.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    reply.null();
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(ENGINE.as_bytes());
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.integer(context.functions.len() as i64);
    reply.bulk(b"functions_count");
    reply.integer(0);
}
