//! What the commands of one unit did to the data set, as the log records it.

use bytes::BytesMut;
use lastsave_resp::encode_command;

/// One record of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The request being executed, as it was sent.
    Verbatim {
        /// The database it worked on.
        db: usize,
    },
    /// This command.
    Command {
        /// The database it works on.
        db: usize,
        /// The command in canonical RESP.
        bytes: &'a [u8],
    },
}

/// Where a recorded command lies in the encoded bytes; `None` for the request as it was sent.
#[derive(Debug, Clone, Copy)]
struct Record {
    db: usize,
    span: Option<(usize, usize)>,
}

/// The effects of one unit (a command, or a whole transaction), in order.
///
/// A command that changed nothing records nothing. The owner clears the effects before each unit; within a transaction
/// it looks at them after each command, because [`Effect::Verbatim`] means the request executed last.
#[derive(Debug, Default)]
pub struct Effects {
    records: Vec<Record>,
    bytes: BytesMut,
    dirty: u64,
    flushed_all: bool,
}

impl Effects {
    /// No effects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records the request being executed, to be logged as it was sent.
    #[inline]
    pub fn verbatim(&mut self, db: usize) {
        self.records.push(Record { db, span: None });
    }

    /// Records a command.
    pub fn command(&mut self, db: usize, args: &[&[u8]]) {
        let start = self.bytes.len();
        encode_command(&mut self.bytes, args);
        self.records.push(Record { db, span: Some((start, self.bytes.len())) });
    }

    /// Counts changes towards the next save point.
    #[inline]
    pub fn add_dirty(&mut self, changes: u64) {
        self.dirty += changes;
    }

    /// Changes since the effects were cleared.
    #[inline]
    #[must_use]
    pub fn dirty(&self) -> u64 {
        self.dirty
    }

    /// Records that FLUSHALL ran, which the server has to follow up (a running save is pointless now).
    pub fn mark_flushed_all(&mut self) {
        self.flushed_all = true;
    }

    /// Whether FLUSHALL ran.
    #[must_use]
    pub fn flushed_all(&self) -> bool {
        self.flushed_all
    }

    /// The records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Effect<'_>> {
        self.records.iter().map(|record| match record.span {
            None => Effect::Verbatim { db: record.db },
            Some((start, end)) => Effect::Command { db: record.db, bytes: &self.bytes[start..end] },
        })
    }

    /// Number of records.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is nothing to log.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Forgets everything, keeping the memory (but not that of an unusually big record).
    #[inline]
    pub fn clear(&mut self) {
        const KEPT_BYTES_MAX: usize = 64 * 1024;
        self.records.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = BytesMut::new();
        }
        self.dirty = 0;
        self.flushed_all = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_and_clear_forgets_them() {
        let mut effects = Effects::new();
        effects.command(3, &[b"DEL", b"k"]);
        effects.verbatim(0);
        effects.add_dirty(2);
        let del = Effect::Command { db: 3, bytes: b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n" };
        assert_eq!(effects.iter().collect::<Vec<_>>(), [del, Effect::Verbatim { db: 0 }]);
        assert_eq!((effects.len(), effects.dirty()), (2, 2));
        effects.clear();
        assert!(effects.is_empty() && effects.dirty() == 0 && !effects.flushed_all());
    }
}
