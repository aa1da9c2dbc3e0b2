//! XREADGROUP: entries are delivered to the consumer of a group, new ones or those it has not acknowledged.

use lastsave_collections::{Pending, Stream, StreamId};
use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request};

use super::effects::{self, ClaimRecord};
use super::read::{finish, start_stream};
use super::read_options::{self, Options};
use super::{IdText, entries, errors, id};
use crate::blocking::{AwaitedType, BlockingWait};
use crate::context::Context;
use crate::reply::{Replied, error};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XREADGROUP];

const XREADGROUP: CommandSpec = CommandSpec {
    summary: "Returns new or historical messages from a stream for a consumer in a group. Blocks \
         until a message is available otherwise.",
    complexity: "For each stream mentioned: O(M) with M being the number of elements returned. If M \
         is constant (e.g. always asking for the first 10 elements with COUNT), you can \
         consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) \
         time in order to serve the N clients blocked on the stream getting new data.",
    since: "5.0.0",
    arity: -7,
    flags: Flags::BLOCKING.and(Flags::WRITE),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::after_keyword("STREAMS", 4, KeyFlags::RO.and(KeyFlags::ACCESS)).through(-1, 1, 2)],
    arguments: &[
        Argument::block("group-block", &[Argument::string("group"), Argument::string("consumer")])
            .token("GROUP"),
        Argument::integer("count").token("COUNT").optional(),
        Argument::integer("milliseconds").token("BLOCK").optional(),
        Argument::pure_token("noack", "NOACK").optional(),
        Argument::block("streams", &[Argument::key("key", 0).multiple(), Argument::string("ID").multiple()])
            .token("STREAMS"),
    ],
    ..CommandSpec::new("xreadgroup", Group::Stream, Handler::Data(xreadgroup))
};

/// What is wanted of a stream.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// What was not delivered to anybody in the group.
    New,
    /// What the consumer has not acknowledged, behind this id.
    Unacknowledged(StreamId),
}

/// What the group of a stream is to be told after the reply.
#[derive(Debug, Default)]
struct Delivery {
    is_served: bool,
    /// Entries that are new to the group, and those delivered once more with how often that is.
    delivered: Vec<StreamId>,
    again: Vec<(StreamId, u64)>,
    /// Where the group is now, if it moved.
    position: Option<(StreamId, Option<u64>)>,
}

fn xreadgroup(context: &mut Context<'_>, request: Request<'_>) {
    let options = read_options::parse(context.reply, request, &XREADGROUP, true, context.now_ms);
    let Ok(options) = options else { return };
    let Some(names) = options.group else { return };
    let Ok(wanted) = wanted_ids(context, request, &options, names.0) else { return };
    let mark = context.reply.produced();
    let mut served = 0;
    for ((key_index, _), wanted) in options.streams().zip(wanted) {
        let key = context.key(request.arg(key_index));
        served += usize::from(serve(context, &key, &options, names, wanted));
    }
    if served > 0 {
        return finish(context.reply, mark, served);
    }
    let Some(timeout_ms) = options.block.filter(|_| context.may_block) else {
        return context.reply.null_array();
    };
    let wait = BlockingWait { awaited: AwaitedType::Stream, wakes_without_key: true, timeout_ms };
    context.block(options.streams().map(|(key_index, _)| request.arg(key_index)), wait);
}

fn wanted_ids(
    context: &mut Context<'_>,
    request: Request<'_>,
    options: &Options<'_>,
    group: &[u8],
) -> Result<Vec<Wanted>, Replied> {
    let of_stream = |(key_index, id_index): (usize, usize)| {
        let key = context.key(request.arg(key_index));
        let text = request.arg(id_index);
        context.read_as::<Stream, _>(&key, |stream, reply| {
            if stream.and_then(|stream| stream.group(group)).is_none() {
                let suffix = " in XREADGROUP with GROUP option";
                return Err(errors::no_key_or_group(reply, key.bytes(), group, suffix));
            }
            match text {
                b"$" => {
                    const MEANINGLESS: &str = "ERR The $ ID is meaningless in the context of XREADGROUP: you \
                        want to read the history of this consumer by specifying a proper ID, or use the > ID \
                        to get new messages. The $ ID would just return an empty result set.";
                    Err(error(reply, MEANINGLESS))
                }
                b">" => Ok(Wanted::New),
                _ => Ok(match id::strict_argument(reply, text)? {
                    // Redis has no other sign for new entries.
                    StreamId::MAX => Wanted::New,
                    id => Wanted::Unacknowledged(id),
                }),
            }
        })?
    };
    options.streams().map(of_stream).collect()
}

/// Replies what one stream has, and delivers it. Gives whether it has something.
fn serve(
    context: &mut Context<'_>,
    key: &Key<'_>,
    options: &Options<'_>,
    (group, consumer): (&[u8], &[u8]),
    wanted: Wanted,
) -> bool {
    let found = context.read_as::<Stream, _>(key, |stream, reply| {
        let stream = stream?;
        Some(match wanted {
            Wanted::New => reply_new(reply, key.bytes(), stream, group, options.count),
            Wanted::Unacknowledged(after) => {
                reply_unacknowledged(reply, key.bytes(), stream, (group, consumer), after, options.count)
            }
        })
    });
    let Ok(Some(delivery)) = found else { return false };
    let now_ms = context.now_ms;
    let created = context.edit::<Stream, _>(key, |stream| {
        stream.edit_group(group, |group| {
            let (number, is_created) = group.create_consumer(consumer, now_ms, None);
            let is_active = !options.no_ack && !delivery.delivered.is_empty();
            group.note_seen(number, now_ms, is_active);
            if let Some((last_id, entries_read)) = delivery.position {
                group.set_last_id(last_id, entries_read);
            }
            let pending = |deliveries| Pending { consumer: number, delivered_ms: now_ms, deliveries };
            if !options.no_ack {
                delivery.delivered.iter().for_each(|id| group.set_pending(*id, pending(1)));
            }
            for (id, deliveries) in &delivery.again {
                group.set_pending(*id, pending(*deliveries));
            }
            is_created
        })
    });
    if created.result == Some(true) {
        context.effects.add_dirty(1);
        context.notify(EventClass::Stream, "xgroup-createconsumer", key);
        if options.no_ack {
            effects::log_consumer(context, key.bytes(), group, consumer);
        }
    }
    if delivery.is_served {
        context.effects.add_dirty(1);
        log_delivery(context, key.bytes(), (group, consumer), options, &delivery);
    }
    delivery.is_served
}

fn reply_new(reply: &mut ReplyBuffer, key: &[u8], stream: &Stream, group: &[u8], count: u64) -> Delivery {
    let mut delivery = Delivery::default();
    let Some(group) = stream.group(group) else { return delivery };
    let (mut last_id, mut entries_read) = (group.last_id(), group.entries_read());
    let Some(start) = last_id.next().filter(|start| stream.last_entry_id() >= Some(*start)) else {
        return delivery;
    };
    delivery.is_served = true;
    start_stream(reply, key);
    let found = stream.range(start, StreamId::MAX, false).inspect(|entry| {
        entries_read = stream.entries_read_after(entries_read, entry.id);
        last_id = entry.id;
        delivery.delivered.push(entry.id);
    });
    entries::entries(reply, found, count);
    delivery.position = Some((last_id, entries_read));
    delivery
}

fn reply_unacknowledged(
    reply: &mut ReplyBuffer,
    key: &[u8],
    stream: &Stream,
    (group, consumer): (&[u8], &[u8]),
    after: StreamId,
    count: u64,
) -> Delivery {
    let mut delivery = Delivery { is_served: true, ..Delivery::default() };
    start_stream(reply, key);
    let group = stream.group(group);
    let consumer = group.and_then(|group| Some((group, group.number_of(consumer)?)));
    let (Some((group, consumer)), Some(start)) = (consumer, after.next()) else {
        reply.array(0);
        return delivery;
    };
    let count_max = if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
    let ids = group.consumer(consumer).pending_from(start).take(count_max);
    entries::counted(reply, |reply| {
        ids.fold(0, |written, id| {
            match (stream.entry(id), group.pending(id)) {
                (Some(entry), Some(pending)) => {
                    entries::entry(reply, entry);
                    delivery.again.push((id, pending.deliveries.wrapping_add(1)));
                }
                _ => {
                    reply.array(2);
                    entries::id(reply, id);
                    reply.null_array();
                }
            }
            written + 1
        })
    });
    delivery
}

fn log_delivery(
    context: &mut Context<'_>,
    key: &[u8],
    (group, consumer): (&[u8], &[u8]),
    options: &Options<'_>,
    delivery: &Delivery,
) {
    match delivery.position {
        Some((last_id, entries_read)) if options.no_ack => {
            effects::log_group_position(context, key, group, last_id, entries_read);
        }
        _ => {
            for id in &delivery.delivered {
                let text = IdText::new(*id);
                let (id_text, delivered_ms) = (text.as_bytes(), context.now_ms);
                let record = ClaimRecord { consumer, id: id_text, delivered_ms, deliveries: 1, last_id: *id };
                effects::log_claim(context, key, group, &record);
            }
        }
    }
}
