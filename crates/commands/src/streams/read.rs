//! XREAD: what comes behind an id, or what will come.

use lastsave_collections::{Stream, StreamId};
use lastsave_resp::{Aggregate, OwnedRequest, Protocol, ReplyBuffer, Request};

use super::read_options::{self, Options};
use super::{IdText, entries, id};
use crate::blocking::{AwaitedType, BlockingWait};
use crate::context::Context;
use crate::reply::{Replied, error};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XREAD];

const XREAD: CommandSpec = CommandSpec {
    summary: "Returns messages from multiple streams with IDs greater than the ones requested. \
         Blocks until a message is available otherwise.",
    since: "5.0.0",
    arity: -4,
    flags: Flags::BLOCKING.and(Flags::READONLY),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::after_keyword("STREAMS", 1, KeyFlags::RO.and(KeyFlags::ACCESS)).through(-1, 1, 2)],
    arguments: &[
        Argument::integer("count").token("COUNT").optional(),
        Argument::integer("milliseconds").token("BLOCK").optional(),
        Argument::block("streams", &[Argument::key("key", 0).multiple(), Argument::string("ID").multiple()])
            .token("STREAMS"),
    ],
    ..CommandSpec::new("xread", Group::Stream, Handler::Data(xread))
};

fn xread(context: &mut Context<'_>, request: Request<'_>) {
    let options = read_options::parse(context.reply, request, &XREAD, false, context.now_ms);
    let Ok(options) = options else { return };
    let Ok(after) = start_ids(context, request, &options) else { return };
    let mark = context.reply.produced();
    let mut served = 0;
    for ((key_index, _), after) in options.streams().zip(&after) {
        let key = context.key(request.arg(key_index));
        let is_served = context.read_as::<Stream, _>(&key, |stream, reply| {
            let has_new = |stream: &&Stream| stream.last_entry_id().is_some_and(|last| last > *after);
            let (Some(stream), Some(start)) = (stream.filter(has_new), after.next()) else { return false };
            start_stream(reply, key.bytes());
            entries::entries(reply, stream.range(start, StreamId::MAX, false), options.count);
            true
        });
        served += usize::from(is_served == Ok(true));
    }
    if served > 0 {
        return finish(context.reply, mark, served);
    }
    let Some(timeout_ms) = options.block.filter(|_| context.may_block) else {
        return context.reply.null_array();
    };
    let wait = BlockingWait { awaited: AwaitedType::Stream, wakes_without_key: false, timeout_ms };
    let keys = options.streams().map(|(key_index, _)| request.arg(key_index));
    if options.streams().any(|(_, id_index)| request.arg(id_index) == b"$") {
        // What was the last id now will not be the last one then.
        let ids: Vec<IdText> = after.iter().map(|id| IdText::new(*id)).collect();
        let mut args: Vec<&[u8]> = request.args().collect();
        for ((_, id_index), id) in options.streams().zip(&ids) {
            args[id_index] = id.as_bytes();
        }
        context.block_as(OwnedRequest::from_args(&args), keys, wait);
    } else {
        context.block(keys, wait);
    }
}

/// The ids behind which the entries of each stream are wanted.
fn start_ids(
    context: &mut Context<'_>,
    request: Request<'_>,
    options: &Options<'_>,
) -> Result<Vec<StreamId>, Replied> {
    let of_stream = |(key_index, id_index): (usize, usize)| {
        let key = context.key(request.arg(key_index));
        let text = request.arg(id_index);
        context.read_as::<Stream, _>(&key, |stream, reply| match text {
            b"$" => Ok(stream.map_or(StreamId::MIN, Stream::last_id)),
            b">" => {
                const ONLY_GROUP: &str = "ERR The > ID can be specified only when calling XREADGROUP \
                    using the GROUP <group> <consumer> option.";
                Err(error(reply, ONLY_GROUP))
            }
            _ => id::strict_argument(reply, text),
        })?
    };
    options.streams().map(of_stream).collect()
}

/// Starts the part of the reply that one stream has.
pub(super) fn start_stream(reply: &mut ReplyBuffer, key: &[u8]) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}

/// Puts the number of streams before their parts.
pub(super) fn finish(reply: &mut ReplyBuffer, mark: u64, streams: usize) {
    let kind = if reply.protocol() == Protocol::Resp2 { Aggregate::Array } else { Aggregate::Map };
    reply.insert_aggregate(mark, kind, streams);
}
