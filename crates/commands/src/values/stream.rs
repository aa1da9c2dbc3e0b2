//! Streams as values.

use std::borrow::Cow;
use std::collections::BTreeSet;

use lastsave_collections::{Group, Pending, Stream, StreamId};
use lastsave_keyspace::{IntegerBuffer, NewValue};
use lastsave_rdb::{EntriesRead, EntryId, Put, StreamSummary, StreamValue, ValueWriter, WriteError};

use super::hash::text;
use crate::digest::DataDigest;
use crate::streams::IdText;

/// The number by which the digest of Redis tells a stream from other types.
const DIGEST_TYPE: u32 = 6;

fn to_entry_id(id: StreamId) -> EntryId {
    EntryId { ms: id.ms, seq: id.seq }
}

fn from_entry_id(id: EntryId) -> StreamId {
    StreamId::new(id.ms, id.seq)
}

pub(super) fn write<P: Put>(value: &Stream, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    let mut writer = writer.stream(value.node_count())?;
    for node in value.nodes() {
        writer.node(to_entry_id(node.id), node.listpack)?;
    }
    let summary = StreamSummary {
        length: value.length(),
        last_id: to_entry_id(value.last_id()),
        first_id: to_entry_id(value.first_id()),
        max_deleted_id: to_entry_id(value.max_deleted_id()),
        entries_added: value.entries_added(),
    };
    writer.summary(&summary, value.groups_len())?;
    for (name, group) in value.groups() {
        writer.group(name, to_entry_id(group.last_id()), group.entries_read(), group.pending_len())?;
        for (id, pending) in group.pending_from(StreamId::MIN) {
            writer.pending(to_entry_id(id), pending.delivered_ms, pending.deliveries)?;
        }
        writer.consumers(group.consumers_len())?;
        for (_, consumer) in group.consumers() {
            let (seen_ms, active_ms) = (consumer.seen_ms(), consumer.active_ms());
            writer.consumer(consumer.name(), seen_ms, active_ms, consumer.pending_len())?;
            for id in consumer.pending_from(StreamId::MIN) {
                writer.consumer_pending(to_entry_id(id))?;
            }
        }
    }
    Ok(())
}

pub(super) fn with_new<R>(value: StreamValue, store: impl FnOnce(NewValue<'_>) -> R) -> R {
    let StreamValue { nodes, summary, groups } = value;
    let mut stream = Stream::from_nodes(nodes.into_iter().map(|(id, node)| (from_entry_id(id), node)));
    let max_deleted_id = from_entry_id(summary.max_deleted_id);
    stream.set_ids(from_entry_id(summary.last_id), max_deleted_id, summary.entries_added);
    for group in groups {
        let last_id = from_entry_id(group.last_id);
        let entries_read = match group.entries_read {
            EntriesRead::Known(read) => Some(read),
            EntriesRead::Unknown => None,
            EntriesRead::Untold => stream.entries_up_to(last_id),
        };
        stream.create_group(&group.name, last_id, entries_read);
        stream.edit_group(&group.name, |kept| {
            let numbers: Vec<_> = group
                .consumers
                .iter()
                .map(|consumer| kept.create_consumer(&consumer.name, consumer.seen_ms, consumer.active_ms).0)
                .collect();
            for pending in &group.pending {
                let consumer = numbers[pending.consumer];
                let (delivered_ms, deliveries) = (pending.delivered_ms, pending.deliveries);
                kept.set_pending(from_entry_id(pending.id), Pending { consumer, delivered_ms, deliveries });
            }
        });
    }
    store(NewValue::Stream(stream))
}

pub(super) fn rewrite<E>(
    key: &[u8],
    value: &Stream,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    // An entry that was deleted while it was pending can only be claimed as long as it is there.
    let deleted = pending_and_deleted(value);
    let mut deleted_left = deleted.iter().peekable();
    for entry in value.range(StreamId::MIN, StreamId::MAX, false) {
        while let Some(id) = deleted_left.next_if(|id| **id < entry.id) {
            out(&[b"XADD", key, IdText::new(*id).as_bytes(), b"x", b"y"])?;
        }
        let id = IdText::new(entry.id);
        let texts: Vec<Cow<'_, [u8]>> =
            entry.fields.flat_map(|(field, value)| [text(field), text(value)]).collect();
        let mut args: Vec<&[u8]> = vec![b"XADD", key, id.as_bytes()];
        args.extend(texts.iter().map(|text| &**text));
        out(&args)?;
    }
    for id in deleted_left {
        out(&[b"XADD", key, IdText::new(*id).as_bytes(), b"x", b"y"])?;
    }
    if value.length() == 0 && deleted.is_empty() {
        // The entry is gone as soon as it is there, the stream stays.
        out(&[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"])?;
    }
    if deleted.is_empty() {
        rewrite_ids(key, value, out)?;
    }
    for (name, group) in value.groups() {
        rewrite_group(key, name, group, out)?;
    }
    let Some(last_deleted) = deleted.last() else { return Ok(()) };
    let first = value.range(StreamId::MIN, StreamId::MAX, false).next();
    if first.is_none_or(|first| *last_deleted < first.id) {
        // Only XDEL leaves a mark in the stream, and these may have been trimmed.
        let mut length = IntegerBuffer::new();
        out(&[b"XTRIM", key, b"MAXLEN", length.format(value.length()).as_bytes()])?;
    } else {
        for id in &deleted {
            out(&[b"XDEL", key, IdText::new(*id).as_bytes()])?;
        }
    }
    rewrite_ids(key, value, out)
}

/// Ids of entries that were delivered, not acknowledged, and deleted.
fn pending_and_deleted(value: &Stream) -> BTreeSet<StreamId> {
    let pending = value.groups().flat_map(|(_, group)| group.pending_from(StreamId::MIN).map(|(id, _)| id));
    pending.filter(|id| value.entry(*id).is_none()).collect()
}

/// The ids and counters that the entries themselves do not tell.
fn rewrite_ids<E>(
    key: &[u8],
    value: &Stream,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let (last_id, max_deleted_id) = (IdText::new(value.last_id()), IdText::new(value.max_deleted_id()));
    let mut added = IntegerBuffer::new();
    out(&[
        b"XSETID",
        key,
        last_id.as_bytes(),
        b"ENTRIESADDED",
        added.format(value.entries_added()).as_bytes(),
        b"MAXDELETEDID",
        max_deleted_id.as_bytes(),
    ])
}

fn rewrite_group<E>(
    key: &[u8],
    name: &[u8],
    group: &Group,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let last_id = IdText::new(group.last_id());
    let mut read = IntegerBuffer::new();
    let read = match group.entries_read() {
        Some(entries) => read.format(entries),
        None => "-1",
    };
    out(&[b"XGROUP", b"CREATE", key, name, last_id.as_bytes(), b"ENTRIESREAD", read.as_bytes()])?;
    for (_, consumer) in group.consumers() {
        if consumer.pending_len() == 0 {
            out(&[b"XGROUP", b"CREATECONSUMER", key, name, consumer.name()])?;
        }
        for id in consumer.pending_from(StreamId::MIN) {
            let pending = group.pending(id).expect("what a consumer has is pending in its group");
            let (mut delivered, mut deliveries) = (IntegerBuffer::new(), IntegerBuffer::new());
            out(&[
                b"XCLAIM",
                key,
                name,
                consumer.name(),
                b"0",
                IdText::new(id).as_bytes(),
                b"TIME",
                delivered.format(pending.delivered_ms).as_bytes(),
                b"RETRYCOUNT",
                deliveries.format(pending.deliveries).as_bytes(),
                b"JUSTID",
                b"FORCE",
            ])?;
        }
    }
    Ok(())
}

pub(super) fn digest(digest: &mut DataDigest, value: &Stream) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    for entry in value.range(StreamId::MIN, StreamId::MAX, false) {
        let (mut ms, mut seq) = (IntegerBuffer::new(), IntegerBuffer::new());
        let id = [ms.format(entry.id.ms), ".", seq.format(entry.id.seq)].concat();
        digest.mix_ordered(id.as_bytes());
        for (field, value) in entry.fields {
            digest.mix_ordered(&text(field));
            digest.mix_ordered(&text(value));
        }
    }
}
