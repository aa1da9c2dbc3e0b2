//! XGROUP: groups and their consumers are created, set and removed.

use lastsave_collections::{Stream, StreamId};
use lastsave_resp::{ReplyBuffer, Request};

use super::{errors, id};
use crate::context::Context;
use crate::reply::{Replied, error, integer_argument, reply_help, reply_unknown_subcommand};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XGROUP];

const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may \
    want to use the MKSTREAM option to create an empty stream automatically.";

const HELP_LINES: &[&str] = &[
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
];

const XGROUP: CommandSpec = CommandSpec {
    summary: "A container for consumer groups commands.",
    complexity: "Depends on subcommand.",
    since: "5.0.0",
    arity: -2,
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("xgroup", Group::Stream, Handler::Container)
};

const SUBCOMMANDS: &[CommandSpec] =
    &[XGROUP_CREATE, XGROUP_CREATECONSUMER, XGROUP_DELCONSUMER, XGROUP_DESTROY, XGROUP_HELP, XGROUP_SETID];

const XGROUP_CREATE: CommandSpec = CommandSpec {
    summary: "Creates a consumer group.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("7.0.0", "Added the `entries_read` named argument.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("group"),
        Argument::one_of("id-selector", &[Argument::string("id"), Argument::pure_token("new-id", "$")]),
        Argument::pure_token("mkstream", "MKSTREAM").optional(),
        Argument::integer("entries-read").token("ENTRIESREAD").optional(),
    ],
    ..CommandSpec::new("xgroup|create", Group::Stream, Handler::Data(create))
};

const XGROUP_CREATECONSUMER: CommandSpec = CommandSpec {
    summary: "Creates a consumer in a consumer group.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("consumer")],
    ..CommandSpec::new("xgroup|createconsumer", Group::Stream, Handler::Data(createconsumer))
};

const XGROUP_DELCONSUMER: CommandSpec = CommandSpec {
    summary: "Deletes a consumer from a consumer group.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 5,
    flags: Flags::WRITE,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::string("group"), Argument::string("consumer")],
    ..CommandSpec::new("xgroup|delconsumer", Group::Stream, Handler::Data(delconsumer))
};

const XGROUP_DESTROY: CommandSpec = CommandSpec {
    summary: "Destroys a consumer group.",
    complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
    since: "5.0.0",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::string("group")],
    ..CommandSpec::new("xgroup|destroy", Group::Stream, Handler::Data(destroy))
};

const XGROUP_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    declared_categories: Categories::STREAM,
    ..CommandSpec::new("xgroup|help", Group::Stream, Handler::Data(help))
};

const XGROUP_SETID: CommandSpec = CommandSpec {
    summary: "Sets the last-delivered ID of a consumer group.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: -5,
    flags: Flags::WRITE,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added the optional `entries_read` argument.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("group"),
        Argument::one_of("id-selector", &[Argument::string("id"), Argument::pure_token("new-id", "$")]),
        Argument::integer("entriesread").token("ENTRIESREAD").display("entries-read").optional(),
    ],
    ..CommandSpec::new("xgroup|setid", Group::Stream, Handler::Data(setid))
};

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

/// The options of CREATE, or, without MKSTREAM, of SETID.
fn parse_options(reply: &mut ReplyBuffer, request: Request<'_>, is_create: bool) -> Result<Options, Replied> {
    let mut options = Options::default();
    let mut index = 5;
    while index < request.len() {
        let word = request.arg(index);
        match request.get(index + 1) {
            _ if is_create && word.eq_ignore_ascii_case(b"mkstream") => options.make_stream = true,
            Some(argument) if word.eq_ignore_ascii_case(b"entriesread") => {
                options.entries_read = match integer_argument(reply, argument)? {
                    -1 => None,
                    read => Some(
                        u64::try_from(read)
                            .map_err(|_| error(reply, "ERR value for ENTRIESREAD must be positive or -1"))?,
                    ),
                };
                index += 1;
            }
            _ => {
                reply_unknown_subcommand(reply, request);
                return Err(Replied);
            }
        }
        index += 1;
    }
    Ok(options)
}

/// The id that `$` or an id in full stands for.
fn position(
    reply: &mut ReplyBuffer,
    text: &[u8],
    stream: Option<&Stream>,
    is_strict: bool,
) -> Result<StreamId, Replied> {
    match text {
        b"$" => Ok(stream.map_or(StreamId::MIN, Stream::last_id)),
        text if is_strict => id::strict_argument(reply, text),
        text => id::argument(reply, text, 0),
    }
}

fn create(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_options(context.reply, request, true) else { return };
    let (key, name) = (context.key(request.arg(2)), request.arg(3));
    let found = context.find_as::<Stream, _>(&key, |stream, reply| {
        if stream.is_none() && !options.make_stream {
            return Err(error(reply, NO_KEY));
        }
        if request.len() > 8 {
            reply_unknown_subcommand(reply, request);
            return Err(Replied);
        }
        let last_id = position(reply, request.arg(4), stream, true)?;
        Ok((last_id, stream.is_some(), stream.is_some_and(|stream| stream.group(name).is_some())))
    });
    let Ok(Ok((last_id, has_stream, has_group))) = found else { return };
    if has_group {
        return context.reply.error("BUSYGROUP Consumer Group name already exists");
    }
    context.edit_or_create::<Stream, _>(&key, |stream| {
        stream.create_group(name, last_id, options.entries_read);
    });
    if !has_stream {
        context.modified(&key);
    }
    context.reply.ok();
    context.log_verbatim(1);
    context.notify(EventClass::Stream, "xgroup-create", &key);
}

/// Replies with an error unless the key has a stream, and the stream the group, if that `is_needed`. Gives whether it has
/// the group.
fn find_group(context: &mut Context<'_>, request: Request<'_>, is_needed: bool) -> Result<bool, Replied> {
    let (key, name) = (context.key(request.arg(2)), request.arg(3));
    context.find_as::<Stream, _>(&key, |stream, reply| match stream {
        None => Err(error(reply, NO_KEY)),
        Some(stream) if stream.group(name).is_some() => Ok(true),
        Some(_) if is_needed => Err(errors::no_group(reply, key.bytes(), name)),
        Some(_) => Ok(false),
    })?
}

fn setid(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_options(context.reply, request, false) else { return };
    if find_group(context, request, true).is_err() {
        return;
    }
    if request.len() > 7 {
        return reply_unknown_subcommand(context.reply, request);
    }
    let key = context.key(request.arg(2));
    let last_id =
        context.find_as::<Stream, _>(&key, |stream, reply| position(reply, request.arg(4), stream, false));
    let Ok(Ok(last_id)) = last_id else { return };
    context.edit::<Stream, _>(&key, |stream| {
        stream.edit_group(request.arg(3), |group| group.set_last_id(last_id, options.entries_read))
    });
    context.reply.ok();
    context.log_verbatim(1);
    context.notify(EventClass::Stream, "xgroup-setid", &key);
}

fn destroy(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(has_group) = find_group(context, request, false) else { return };
    if has_group {
        let key = context.key(request.arg(2));
        context.edit::<Stream, _>(&key, |stream| stream.destroy_group(request.arg(3)));
        context.log_verbatim(1);
        context.notify(EventClass::Stream, "xgroup-destroy", &key);
        // Who waits for the group is to hear that it is gone.
        context.blocking.touch(context.db, key.bytes());
    }
    context.reply.integer(i64::from(has_group));
}

fn createconsumer(context: &mut Context<'_>, request: Request<'_>) {
    if find_group(context, request, true).is_err() {
        return;
    }
    let (key, now_ms) = (context.key(request.arg(2)), context.now_ms);
    let created = context.edit::<Stream, _>(&key, |stream| {
        stream.edit_group(request.arg(3), |group| group.create_consumer(request.arg(4), now_ms, None).1)
    });
    let is_created = created.result == Some(true);
    if is_created {
        context.log_verbatim(1);
        context.notify(EventClass::Stream, "xgroup-createconsumer", &key);
    }
    context.reply.integer(i64::from(is_created));
}

fn delconsumer(context: &mut Context<'_>, request: Request<'_>) {
    if find_group(context, request, true).is_err() {
        return;
    }
    let key = context.key(request.arg(2));
    let deleted = context.edit::<Stream, _>(&key, |stream| {
        stream.edit_group(request.arg(3), |group| group.delete_consumer(request.arg(4)))
    });
    let pending = deleted.result.flatten();
    if pending.is_some() {
        context.log_verbatim(1);
        context.notify(EventClass::Stream, "xgroup-delconsumer", &key);
    }
    context.reply.integer(pending.unwrap_or(0) as i64);
}

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, XGROUP.name, XGROUP.help);
}
