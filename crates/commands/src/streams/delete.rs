//! XDEL and XSETID.

use lastsave_collections::{Stream, StreamId};
use lastsave_resp::{ReplyBuffer, Request};
use smallvec::SmallVec;

use super::id;
use crate::context::Context;
use crate::reply::{NO_SUCH_KEY, Replied, SYNTAX_ERROR, error, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XDEL, XSETID];

const XDEL: CommandSpec = CommandSpec {
    summary: "Returns the number of messages after removing them from a stream.",
    complexity: "O(1) for each single item to delete in the stream, regardless of the stream size.",
    since: "5.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::string("ID").multiple()],
    ..CommandSpec::new("xdel", Group::Stream, Handler::Data(xdel))
};

/// The ids from argument `first` on, or an error.
pub(super) fn id_arguments(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    first: usize,
) -> Result<SmallVec<[StreamId; 8]>, Replied> {
    (first..request.len()).map(|index| id::strict_argument(reply, request.arg(index))).collect()
}

fn xdel(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    match context.find_as::<Stream, _>(&key, |stream, _| stream.is_some()) {
        Err(Replied) => return,
        Ok(false) => return context.reply.integer(0),
        Ok(true) => {}
    }
    let Ok(ids) = id_arguments(context.reply, request, 2) else { return };
    let deleted =
        context.edit::<Stream, _>(&key, |stream| ids.iter().filter(|id| stream.delete(**id)).count()).result;
    if deleted > 0 {
        context.modified(&key);
        context.notify(EventClass::Stream, "xdel", &key);
        context.log_verbatim(deleted as u64);
    }
    context.reply.integer(deleted as i64);
}

const XSETID: CommandSpec = CommandSpec {
    summary: "An internal command for replicating stream values.",
    complexity: "O(1)",
    since: "5.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("last-id"),
        Argument::integer("entries-added").token("ENTRIESADDED").since("7.0.0").optional(),
        Argument::string("max-deleted-id").token("MAXDELETEDID").since("7.0.0").optional(),
    ],
    ..CommandSpec::new("xsetid", Group::Stream, Handler::Data(xsetid))
};

#[derive(Debug, Clone, Copy, Default)]
struct SetIdOptions {
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

fn parse_setid(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    last_id: StreamId,
) -> Result<SetIdOptions, Replied> {
    let mut options = SetIdOptions::default();
    let mut index = 3;
    while index < request.len() {
        let word = request.arg(index);
        let Some(argument) = request.get(index + 1) else { return Err(error(reply, SYNTAX_ERROR)) };
        if word.eq_ignore_ascii_case(b"entriesadded") {
            let added = u64::try_from(integer_argument(reply, argument)?);
            options.entries_added =
                Some(added.map_err(|_| error(reply, "ERR entries_added must be positive"))?);
        } else if word.eq_ignore_ascii_case(b"maxdeletedid") {
            let max_deleted_id = id::strict_argument(reply, argument)?;
            if last_id < max_deleted_id {
                const SMALLER: &str =
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
                return Err(error(reply, SMALLER));
            }
            // 0-0 is the same as nothing.
            options.max_deleted_id = Some(max_deleted_id).filter(|id| *id != StreamId::MIN);
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        index += 2;
    }
    Ok(options)
}

fn xsetid(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(last_id) = id::strict_argument(context.reply, request.arg(2)) else { return };
    let Ok(options) = parse_setid(context.reply, request, last_id) else { return };
    let key = context.key(request.arg(1));
    let checked = context.find_as::<Stream, _>(&key, |stream, reply| match stream {
        None => Err(error(reply, NO_SUCH_KEY)),
        Some(stream) => check_setid(stream, last_id, options).map_err(|text| error(reply, text)),
    });
    let Ok(Ok(())) = checked else { return };
    context.edit::<Stream, _>(&key, |stream| {
        let max_deleted_id = options.max_deleted_id.unwrap_or(stream.max_deleted_id());
        let entries_added = options.entries_added.unwrap_or(stream.entries_added());
        stream.set_ids(last_id, max_deleted_id, entries_added);
    });
    context.reply.ok();
    context.notify(EventClass::Stream, "xsetid", &key);
    context.log_verbatim(1);
}

fn check_setid(stream: &Stream, last_id: StreamId, options: SetIdOptions) -> Result<(), &'static str> {
    if last_id < stream.max_deleted_id() {
        return Err("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
    }
    if stream.last_entry_id().is_some_and(|id| last_id < id) {
        return Err("ERR The ID specified in XSETID is smaller than the target stream top item");
    }
    if options.entries_added.is_some_and(|added| added < stream.length()) {
        return Err("ERR The entries_added specified in XSETID is smaller than the target stream length");
    }
    Ok(())
}
