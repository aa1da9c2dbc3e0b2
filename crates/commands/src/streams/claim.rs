//! XCLAIM and XAUTOCLAIM: pending entries get another consumer.

use lastsave_collections::{ConsumerNumber, Group as StreamGroup, Pending, Stream, StreamId};
use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request, parse_integer};
use smallvec::SmallVec;

use super::effects::{self, ClaimRecord};
use super::{IdText, entries, errors, id};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[XCLAIM, XAUTOCLAIM];

const XCLAIM: CommandSpec = CommandSpec {
    summary: "Changes, or acquires, ownership of a message in a consumer group, as if the message \
         was delivered a consumer group member.",
    complexity: "O(log N) with N being the number of messages in the PEL of the consumer group.",
    since: "5.0.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("group"),
        Argument::string("consumer"),
        Argument::string("min-idle-time"),
        Argument::string("ID").multiple(),
        Argument::integer("ms").token("IDLE").optional(),
        Argument::unix_time("unix-time-milliseconds").token("TIME").optional(),
        Argument::integer("count").token("RETRYCOUNT").optional(),
        Argument::pure_token("force", "FORCE").optional(),
        Argument::pure_token("justid", "JUSTID").optional(),
        Argument::string("lastid").token("LASTID").optional(),
    ],
    ..CommandSpec::new("xclaim", Group::Stream, Handler::Data(xclaim))
};

const XAUTOCLAIM: CommandSpec = CommandSpec {
    summary: "Changes, or acquires, ownership of messages in a consumer group, as if the messages \
         were delivered to as consumer group member.",
    complexity: "O(1) if COUNT is small.",
    since: "6.2.0",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    tips: &["nondeterministic_output"],
    history: &[(
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared \
         from the PEL",
    )],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("group"),
        Argument::string("consumer"),
        Argument::string("min-idle-time"),
        Argument::string("start"),
        Argument::integer("count").token("COUNT").optional(),
        Argument::pure_token("justid", "JUSTID").optional(),
    ],
    ..CommandSpec::new("xautoclaim", Group::Stream, Handler::Data(xautoclaim))
};

/// How many pending entries XAUTOCLAIM looks at for each that it may claim.
const ATTEMPTS_FACTOR: u64 = 10;
/// Entries that XAUTOCLAIM claims if it is not told otherwise.
const DEFAULT_COUNT: u64 = 100;
/// Greatest number that it may be told: Redis keeps the ids, of 16 bytes, in one allocation.
const COUNT_MAX: i64 = i64::MAX / 16;

/// What became of one pending entry.
#[derive(Debug, Clone)]
struct Claimed {
    id: StreamId,
    /// Index of the argument with the id, if there is one.
    argument: Option<usize>,
    /// The name of its consumer, when that is not the one who claims.
    other_consumer: Option<Vec<u8>>,
    delivered_ms: i64,
    deliveries: u64,
    /// The entry itself is gone, so it is no longer pending.
    is_deleted: bool,
}

impl Claimed {
    fn deleted(id: StreamId, argument: Option<usize>, group: &StreamGroup, pending: &Pending) -> Self {
        Self {
            id,
            argument,
            other_consumer: Some(group.consumer(pending.consumer).name().to_vec()),
            delivered_ms: pending.delivered_ms,
            deliveries: pending.deliveries,
            is_deleted: true,
        }
    }
}

/// A number given as an argument, or this error.
fn number(reply: &mut ReplyBuffer, argument: &[u8], text: &str) -> Result<i64, Replied> {
    parse_integer(argument).ok_or_else(|| error(reply, text))
}

/// Replies with an error unless the key has the group.
fn check_group(context: &mut Context<'_>, request: Request<'_>) -> Result<(), Replied> {
    let (key, name) = (context.key(request.arg(1)), request.arg(2));
    context.read_as::<Stream, _>(&key, |stream, reply| {
        match stream.and_then(|stream| stream.group(name)) {
            Some(_) => Ok(()),
            None => Err(errors::no_key_or_group(reply, key.bytes(), name, "")),
        }
    })?
}

/// Creates the consumer if it is new, and notes that it was seen.
fn claiming_consumer(context: &mut Context<'_>, key: &Key<'_>, request: Request<'_>) -> ConsumerNumber {
    let now_ms = context.now_ms;
    let edited = context.edit::<Stream, _>(key, |stream| {
        stream.edit_group(request.arg(2), |group| {
            let (number, is_created) = group.create_consumer(request.arg(3), now_ms, None);
            group.note_seen(number, now_ms, false);
            (number, is_created)
        })
    });
    let (number, is_created) = edited.result.expect("the group was found");
    if is_created {
        context.effects.add_dirty(1);
        context.notify(EventClass::Stream, "xgroup-createconsumer", key);
    }
    number
}

fn log(
    context: &mut Context<'_>,
    key: &Key<'_>,
    request: Request<'_>,
    claimed: &[Claimed],
    last_id: StreamId,
) {
    for claimed in claimed {
        let text = IdText::new(claimed.id);
        let record = ClaimRecord {
            consumer: claimed.other_consumer.as_deref().unwrap_or(request.arg(3)),
            id: claimed.argument.map_or(text.as_bytes(), |index| request.arg(index)),
            delivered_ms: claimed.delivered_ms,
            deliveries: claimed.deliveries,
            last_id,
        };
        effects::log_claim(context, key.bytes(), request.arg(2), &record);
        context.effects.add_dirty(1);
    }
}

/// What XCLAIM is told.
#[derive(Debug, Default)]
struct ClaimOptions {
    idle_ms_min: i64,
    ids: SmallVec<[StreamId; 8]>,
    delivered_ms: Option<i64>,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

fn parse_claim(reply: &mut ReplyBuffer, request: Request<'_>, now_ms: i64) -> Result<ClaimOptions, Replied> {
    let idle_ms_min = number(reply, request.arg(4), "ERR Invalid min-idle-time argument for XCLAIM")?;
    let ids: SmallVec<[StreamId; 8]> =
        (5..request.len()).map_while(|index| id::parse_strict(request.arg(index))).collect();
    let mut index = 5 + ids.len();
    let mut options = ClaimOptions { idle_ms_min: idle_ms_min.max(0), ids, ..ClaimOptions::default() };
    // -1 stands for an option that was not given.
    let (mut delivered_ms, mut deliveries) = (-1, -1);
    while index < request.len() {
        let word = request.arg(index);
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        let argument = request.get(index + 1);
        index += 2;
        match argument {
            _ if is(b"force") => {
                options.force = true;
                index -= 1;
            }
            _ if is(b"justid") => {
                options.just_id = true;
                index -= 1;
            }
            Some(argument) if is(b"idle") => {
                let idle = number(reply, argument, "ERR Invalid IDLE option argument for XCLAIM")?;
                delivered_ms = now_ms.wrapping_sub(idle);
            }
            Some(argument) if is(b"time") => {
                delivered_ms = number(reply, argument, "ERR Invalid TIME option argument for XCLAIM")?;
            }
            Some(argument) if is(b"retrycount") => {
                const INVALID: &str = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
                deliveries = number(reply, argument, INVALID)?;
            }
            Some(argument) if is(b"lastid") => options.last_id = id::strict_argument(reply, argument)?,
            _ => {
                let word = crate::table::printable(word, usize::MAX);
                reply.error_bytes(&[b"ERR Unrecognized XCLAIM option '", word, b"'"].concat());
                return Err(Replied);
            }
        }
    }
    options.delivered_ms = (0..=now_ms).contains(&delivered_ms).then_some(delivered_ms);
    options.deliveries = u64::try_from(deliveries).ok();
    Ok(options)
}

fn xclaim(context: &mut Context<'_>, request: Request<'_>) {
    if check_group(context, request).is_err() {
        return;
    }
    let Ok(options) = parse_claim(context.reply, request, context.now_ms) else { return };
    let key = context.key(request.arg(1));
    let (db, now_ms) = (context.db, context.now_ms);
    let moved = context.edit::<Stream, _>(&key, |stream| {
        stream.edit_group(request.arg(2), |group| {
            let moves = options.last_id > group.last_id();
            if moves {
                group.set_last_id(options.last_id, group.entries_read());
            }
            (moves, group.last_id(), group.entries_read())
        })
    });
    let (moves, last_id, entries_read) = moved.result.expect("the group was found");
    let consumer = claiming_consumer(context, &key, request);
    let (keyspace, reply) = (&mut *context.keyspace, &mut *context.reply);
    let mut claimed = Vec::new();
    keyspace.db_mut(db).edit::<Stream, _>(&key, |stream| {
        entries::counted(reply, |reply| {
            for (index, id) in options.ids.iter().enumerate() {
                let claim = Claim { options: &options, consumer, now_ms };
                claimed.extend(claim.one(reply, stream, request.arg(2), (*id, 5 + index)));
            }
            claimed.iter().filter(|claimed| !claimed.is_deleted).count()
        });
    });
    if moves && claimed.is_empty() {
        effects::log_group_position(context, key.bytes(), request.arg(2), last_id, entries_read);
        context.effects.add_dirty(1);
    }
    log(context, &key, request, &claimed, last_id);
}

/// The claim of one consumer.
struct Claim<'a> {
    options: &'a ClaimOptions,
    consumer: ConsumerNumber,
    now_ms: i64,
}

impl Claim<'_> {
    /// Claims one entry, and replies it. Gives what is to be logged.
    fn one(
        &self,
        reply: &mut ReplyBuffer,
        stream: &mut Stream,
        name: &[u8],
        (id, argument): (StreamId, usize),
    ) -> Option<Claimed> {
        let options = self.options;
        let group = stream.group(name)?;
        let before = group.pending(id).copied();
        let Some(entry) = stream.entry(id) else {
            let claimed = Claimed::deleted(id, Some(argument), group, &before?);
            stream.edit_group(name, |group| group.acknowledge(id));
            return Some(claimed);
        };
        let deliveries = match before {
            None if !options.force => return None,
            // It is made as if it had been delivered once.
            None => 1,
            Some(before) => {
                let idle_ms = self.now_ms.saturating_sub(before.delivered_ms);
                if options.idle_ms_min > 0 && idle_ms < options.idle_ms_min {
                    return None;
                }
                before.deliveries
            }
        };
        if options.just_id {
            entries::id(reply, id);
        } else {
            entries::entry(reply, entry);
        }
        let counted = if options.just_id { deliveries } else { deliveries.wrapping_add(1) };
        let pending = Pending {
            consumer: self.consumer,
            delivered_ms: options.delivered_ms.unwrap_or(self.now_ms),
            deliveries: options.deliveries.unwrap_or(counted),
        };
        stream.edit_group(name, |group| {
            group.set_pending(id, pending);
            group.note_seen(self.consumer, self.now_ms, true);
        });
        Some(Claimed {
            id,
            argument: Some(argument),
            other_consumer: None,
            delivered_ms: pending.delivered_ms,
            deliveries: pending.deliveries,
            is_deleted: false,
        })
    }
}

/// What XAUTOCLAIM is told.
#[derive(Debug, Clone, Copy)]
struct AutoclaimOptions {
    idle_ms_min: i64,
    start: StreamId,
    count: u64,
    just_id: bool,
}

fn parse_autoclaim(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<AutoclaimOptions, Replied> {
    let idle_ms_min = number(reply, request.arg(4), "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
    let start = id::start_argument(reply, request.arg(5))?;
    let mut options =
        AutoclaimOptions { idle_ms_min: idle_ms_min.max(0), start, count: DEFAULT_COUNT, just_id: false };
    let mut index = 6;
    while index < request.len() {
        let word = request.arg(index);
        match request.get(index + 1) {
            Some(argument) if word.eq_ignore_ascii_case(b"count") => {
                const POSITIVE: &str = "ERR COUNT must be > 0";
                let count = number(reply, argument, POSITIVE)?;
                if !(1..=COUNT_MAX).contains(&count) {
                    return Err(error(reply, POSITIVE));
                }
                options.count = count as u64;
                index += 1;
            }
            _ if word.eq_ignore_ascii_case(b"justid") => options.just_id = true,
            _ => return Err(error(reply, SYNTAX_ERROR)),
        }
        index += 1;
    }
    Ok(options)
}

fn xautoclaim(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_autoclaim(context.reply, request) else { return };
    if check_group(context, request).is_err() {
        return;
    }
    let (key, db, now_ms) = (context.key(request.arg(1)), context.db, context.now_ms);
    let consumer = claiming_consumer(context, &key, request);
    let (keyspace, reply) = (&mut *context.keyspace, &mut *context.reply);
    let edited = keyspace.db_mut(db).edit::<Stream, _>(&key, |stream| {
        let group = stream.group(request.arg(2))?;
        let last_id = group.last_id();
        let (claimed, next) = find_idle(stream, group, &options, now_ms);
        reply_autoclaim(reply, stream, &options, &claimed, next);
        stream.edit_group(request.arg(2), |group| {
            for claimed in &claimed {
                if claimed.is_deleted {
                    group.acknowledge(claimed.id);
                    continue;
                }
                let (delivered_ms, deliveries) = (claimed.delivered_ms, claimed.deliveries);
                group.set_pending(claimed.id, Pending { consumer, delivered_ms, deliveries });
                group.note_seen(consumer, now_ms, true);
            }
        });
        Some((claimed, last_id))
    });
    let (claimed, last_id) = edited.and_then(|edited| edited.result).expect("the group was found");
    log(context, &key, request, &claimed, last_id);
}

/// What is to be claimed, and where the next search starts (0-0 when everything was seen).
fn find_idle(
    stream: &Stream,
    group: &StreamGroup,
    options: &AutoclaimOptions,
    now_ms: i64,
) -> (Vec<Claimed>, StreamId) {
    let mut claimed = Vec::new();
    let mut attempts = options.count.saturating_mul(ATTEMPTS_FACTOR);
    let mut pending = group.pending_from(options.start);
    while attempts > 0 && (claimed.len() as u64) < options.count {
        attempts -= 1;
        let Some((id, found)) = pending.next() else { return (claimed, StreamId::MIN) };
        if stream.entry(id).is_none() {
            claimed.push(Claimed::deleted(id, None, group, found));
            continue;
        }
        if options.idle_ms_min > 0 && now_ms.saturating_sub(found.delivered_ms) < options.idle_ms_min {
            continue;
        }
        let deliveries = if options.just_id { found.deliveries } else { found.deliveries.wrapping_add(1) };
        claimed.push(Claimed {
            id,
            argument: None,
            other_consumer: None,
            delivered_ms: now_ms,
            deliveries,
            is_deleted: false,
        });
    }
    (claimed, pending.next().map_or(StreamId::MIN, |(id, _)| id))
}

fn reply_autoclaim(
    reply: &mut ReplyBuffer,
    stream: &Stream,
    options: &AutoclaimOptions,
    claimed: &[Claimed],
    next: StreamId,
) {
    let deleted = claimed.iter().filter(|claimed| claimed.is_deleted);
    reply.array(3);
    entries::id(reply, next);
    reply.array(claimed.len() - deleted.clone().count());
    for claimed in claimed.iter().filter(|claimed| !claimed.is_deleted) {
        match stream.entry(claimed.id) {
            Some(entry) if !options.just_id => entries::entry(reply, entry),
            _ => entries::id(reply, claimed.id),
        }
    }
    reply.array(deleted.clone().count());
    deleted.for_each(|claimed| entries::id(reply, claimed.id));
}
