//! The records in which changes of groups are logged.

use lastsave_collections::StreamId;

use super::IdText;
use crate::context::Context;

/// What became of a pending entry, or, when the entry itself is gone, what it was.
#[derive(Debug, Clone)]
pub(super) struct ClaimRecord<'a> {
    pub(super) consumer: &'a [u8],
    /// The id, as text.
    pub(super) id: &'a [u8],
    pub(super) delivered_ms: i64,
    pub(super) deliveries: u64,
    /// The last id of the group.
    pub(super) last_id: StreamId,
}

/// Logs who has a pending entry now. Executed again for an entry that is gone, the record makes it no longer pending.
pub(super) fn log_claim(context: &mut Context<'_>, key: &[u8], group: &[u8], record: &ClaimRecord<'_>) {
    let (mut delivered, mut deliveries) = (itoa::Buffer::new(), itoa::Buffer::new());
    let last_id = IdText::new(record.last_id);
    let args: [&[u8]; 14] = [
        b"XCLAIM",
        key,
        group,
        record.consumer,
        b"0",
        record.id,
        b"TIME",
        delivered.format(record.delivered_ms).as_bytes(),
        b"RETRYCOUNT",
        deliveries.format(record.deliveries).as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_bytes(),
    ];
    context.log_command(&args, 0);
}

/// Logs up to where a group has read.
pub(super) fn log_group_position(
    context: &mut Context<'_>,
    key: &[u8],
    group: &[u8],
    last_id: StreamId,
    entries_read: Option<u64>,
) {
    let mut read = itoa::Buffer::new();
    let read = match entries_read {
        Some(entries) => read.format(entries as i64),
        None => "-1",
    };
    let last_id = IdText::new(last_id);
    let args: [&[u8]; 7] =
        [b"XGROUP", b"SETID", key, group, last_id.as_bytes(), b"ENTRIESREAD", read.as_bytes()];
    context.log_command(&args, 0);
}

/// Logs that a consumer was created.
pub(super) fn log_consumer(context: &mut Context<'_>, key: &[u8], group: &[u8], consumer: &[u8]) {
    context.log_command(&[b"XGROUP", b"CREATECONSUMER", key, group, consumer], 0);
}
