//! Writing a stream.

use lastsave_listpack::ListpackRef;

use super::super::ValueWriter;
use super::{EntryId, StreamSummary};
use crate::{
    opcode::{TYPE_STREAM, TYPE_STREAM_2, TYPE_STREAM_3},
    sink::Put,
    value::StringRef,
    version::RdbVersion,
    writer::WriteError,
};

/// Writes the parts of a stream one after the other.
///
/// The caller keeps the order of the format: all nodes, the summary, then each group, its pending entries, the number of
/// its consumers, and each consumer with the ids that it has not acknowledged. As many parts are written as announced.
#[derive(Debug)]
pub struct StreamWriter<'w, P> {
    writer: ValueWriter<'w, P>,
    type_byte: u8,
}

impl<'w, P: Put> ValueWriter<'w, P> {
    /// A stream of so many nodes. Version 9 has no place for what newer ones tell: the first id, the greatest deleted id,
    /// counts of added and read entries, and, with version 10, when consumers were active.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn stream(mut self, node_count: usize) -> Result<StreamWriter<'w, P>, WriteError> {
        let type_byte = match self.version {
            RdbVersion::V9 => TYPE_STREAM,
            RdbVersion::V10 => TYPE_STREAM_2,
            _ => TYPE_STREAM_3,
        };
        self.start(type_byte)?;
        self.put_length(node_count as u64)?;
        Ok(StreamWriter { writer: self, type_byte })
    }
}

impl<P: Put> StreamWriter<'_, P> {
    /// A node.
    ///
    /// # Errors
    /// [`WriteError::Io`], as all that follow.
    pub fn node(&mut self, id: EntryId, listpack: ListpackRef<'_>) -> Result<(), WriteError> {
        self.writer.put_string(StringRef::Bytes(&id.to_bytes()))?;
        self.writer.put_string(StringRef::Bytes(listpack.as_bytes()))
    }

    /// What is known besides the entries, and the number of groups.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn summary(&mut self, summary: &StreamSummary, group_count: usize) -> Result<(), WriteError> {
        self.writer.put_length(summary.length)?;
        self.put_id(summary.last_id)?;
        if self.type_byte != TYPE_STREAM {
            self.put_id(summary.first_id)?;
            self.put_id(summary.max_deleted_id)?;
            self.writer.put_length(summary.entries_added)?;
        }
        self.writer.put_length(group_count as u64)
    }

    /// A group. `entries_read` is nothing when that is not known.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn group(
        &mut self,
        name: &[u8],
        last_id: EntryId,
        entries_read: Option<u64>,
        pending_count: usize,
    ) -> Result<(), WriteError> {
        self.writer.put_string(StringRef::Bytes(name))?;
        self.put_id(last_id)?;
        if self.type_byte != TYPE_STREAM {
            self.writer.put_length(entries_read.unwrap_or(u64::MAX))?;
        }
        self.writer.put_length(pending_count as u64)
    }

    /// A pending entry of the group.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn pending(&mut self, id: EntryId, delivered_ms: i64, deliveries: u64) -> Result<(), WriteError> {
        self.writer.sink.put(&id.to_bytes())?;
        self.writer.sink.put(&delivered_ms.to_le_bytes())?;
        self.writer.put_length(deliveries)
    }

    /// The number of the group's consumers.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn consumers(&mut self, count: usize) -> Result<(), WriteError> {
        self.writer.put_length(count as u64)
    }

    /// A consumer.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn consumer(
        &mut self,
        name: &[u8],
        seen_ms: i64,
        active_ms: Option<i64>,
        pending_count: usize,
    ) -> Result<(), WriteError> {
        self.writer.put_string(StringRef::Bytes(name))?;
        self.writer.sink.put(&seen_ms.to_le_bytes())?;
        if self.type_byte == TYPE_STREAM_3 {
            self.writer.sink.put(&active_ms.unwrap_or(-1).to_le_bytes())?;
        }
        self.writer.put_length(pending_count as u64)
    }

    /// The id of an entry that the consumer has not acknowledged.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn consumer_pending(&mut self, id: EntryId) -> Result<(), WriteError> {
        self.writer.sink.put(&id.to_bytes())
    }

    fn put_id(&mut self, id: EntryId) -> Result<(), WriteError> {
        self.writer.put_length(id.ms)?;
        self.writer.put_length(id.seq)
    }
}
