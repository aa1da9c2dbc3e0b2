//! A point in time of the whole keyspace, readable from another thread.

use std::sync::Arc;

use crate::cursor::{Cursor, Place};
use crate::directory::RootPtr;
use crate::entry::Entry;
use crate::epoch::Epoch;
use crate::reclaim::Reclaimer;

/// One database of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotDatabase {
    /// The database's number at the cut.
    pub index: usize,
    /// Number of keys at the cut.
    pub len: u64,
    /// Number of keys with an expiry at the cut.
    pub expires_len: u64,
}

pub(crate) struct SnapshotTable {
    pub(crate) database: SnapshotDatabase,
    pub(crate) root: RootPtr,
}

/// The keyspace as it was at one moment. It is read once, from front to back; dropping it ends it.
///
/// Reading never waits for the executor and never holds it up. What has been read is given up at once: the executor need
/// not keep it any longer.
pub struct Snapshot {
    epoch: Epoch,
    tables: Vec<SnapshotTable>,
    cursor: Arc<Cursor>,
    reclaimer: Reclaimer,
    table: usize,
    segment: usize,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Snapshot").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn new(
        epoch: Epoch,
        tables: Vec<SnapshotTable>,
        cursor: Arc<Cursor>,
        reclaimer: Reclaimer,
    ) -> Self {
        Self { epoch, tables, cursor, reclaimer, table: 0, segment: 0 }
    }

    /// The databases that had keys at the cut, in the order in which they are read.
    pub fn databases(&self) -> impl Iterator<Item = SnapshotDatabase> + '_ {
        self.tables.iter().map(|table| table.database)
    }

    /// Keys in all databases at the cut.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.databases().map(|database| database.len).sum()
    }

    /// Whether there was no key at the cut.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits the next few entries, all of one database, and gives that database; nothing when all were visited.
    ///
    /// An error of `visit` ends the call with that error; the snapshot should then be dropped.
    pub fn visit_next<E>(
        &mut self,
        mut visit: impl FnMut(Entry<'_>) -> Result<(), E>,
    ) -> Result<Option<SnapshotDatabase>, E> {
        let Some(table) = self.tables.get(self.table) else { return Ok(None) };
        let count = table.root.segment_count();
        let segment = table.root.segment(self.segment);
        if self.segment + 1 < count {
            // The next segment's pointers, then its entries, are on their way while this one is encoded.
            let next = table.root.segment(self.segment + 1);
            for slot in 0..next.len() {
                next.entry(slot).prefetch();
            }
            if self.segment + 2 < count {
                table.root.segment(self.segment + 2).prefetch();
            }
        }
        for slot in 0..segment.len() {
            visit(Entry::new(segment.entry(slot)))?;
        }
        let database = table.database;
        self.segment += 1;
        if self.segment == count {
            self.table += 1;
            self.segment = 0;
        }
        self.cursor.advance(Place::new(self.table, self.segment));
        Ok(Some(database))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.cursor.finish();
        self.reclaimer.ended(self.epoch);
    }
}
