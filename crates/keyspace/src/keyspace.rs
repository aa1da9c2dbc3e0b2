//! All databases, and what concerns several of them at once.

use std::sync::Arc;

use crate::cursor::Cursor;
use crate::database::Database;
use crate::database_mut::{DatabaseMut, Stamp};
use crate::epoch::{Epochs, LiveTable};
use crate::key::{Hasher, Key};
use crate::made_entry::EntryMaker;
use crate::snapshot::{Snapshot, SnapshotDatabase, SnapshotTable};

/// How a keyspace is made.
#[derive(Debug, Clone)]
pub struct KeyspaceOptions {
    /// Number of databases, at least 1.
    pub databases: usize,
    /// Seed of the key hash; random when not given. A fixed one makes runs repeatable, and is for tests alone.
    pub hash_seed: Option<[u64; 4]>,
}

impl Default for KeyspaceOptions {
    fn default() -> Self {
        Self { databases: 16, hash_seed: None }
    }
}

/// Memory held by a keyspace, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Nodes of the data set as it is now.
    pub live_bytes: usize,
    /// Nodes that only snapshots or the reclaim thread still hold.
    pub retired_bytes: usize,
    /// The part of `retired_bytes` that only snapshots keep alive.
    pub held_bytes: usize,
    /// The highest `retired_bytes` since the last cut: what that snapshot cost in memory.
    pub retired_bytes_peak: usize,
    /// Snapshots whose reader is not known to be done.
    pub live_snapshots: usize,
    /// Keys that the reclaim thread has yet to free.
    pub lazyfree_pending_keys: u64,
    /// Keys that it has freed: big ones, and those of flushed databases.
    pub lazyfreed_keys: u64,
}

/// The data: databases of keys and values, owned by one thread.
///
/// It never looks at the clock: entries whose time has passed are given out until somebody removes them.
pub struct Keyspace {
    databases: Vec<Database>,
    hasher: Hasher,
    epochs: Epochs,
    scratch: Vec<u8>,
    stamp: Stamp,
    next_table_id: u64,
}

impl std::fmt::Debug for Keyspace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keyspace").field("databases", &self.databases.len()).finish_non_exhaustive()
    }
}

impl Keyspace {
    /// An empty keyspace.
    ///
    /// # Panics
    /// When there are no databases in `options`.
    #[must_use]
    pub fn new(options: &KeyspaceOptions) -> Self {
        assert!(options.databases > 0, "a keyspace has at least one database");
        Self {
            databases: (0..options.databases as u64).map(Database::new).collect(),
            hasher: Hasher::new(options.hash_seed),
            epochs: Epochs::new(),
            scratch: Vec::new(),
            stamp: Stamp::default(),
            next_table_id: options.databases as u64,
        }
    }

    /// Number of databases.
    #[must_use]
    pub fn databases(&self) -> usize {
        self.databases.len()
    }

    /// Hashes a key for use with this keyspace.
    #[must_use]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key::new(bytes, self.hasher.hash(bytes))
    }

    /// What makes entries for this keyspace in other threads; see [`DatabaseMut::put_made`].
    #[must_use]
    pub fn entry_maker(&self) -> EntryMaker {
        EntryMaker::new(self.hasher.clone())
    }

    /// A database for reading.
    ///
    /// # Panics
    /// When there is no database of that number.
    #[must_use]
    pub fn db(&self, index: usize) -> &Database {
        &self.databases[index]
    }

    /// A database for writing.
    ///
    /// # Panics
    /// When there is no database of that number.
    pub fn db_mut(&mut self, index: usize) -> DatabaseMut<'_> {
        DatabaseMut::new(
            &mut self.databases[index],
            &mut self.epochs,
            &self.hasher,
            &mut self.scratch,
            self.stamp,
        )
    }

    /// Sets the log position with which segments written from now on are marked. Positions never decrease.
    pub fn set_write_mark(&mut self, mark: u64) {
        self.stamp.mark = mark;
    }

    /// Sets the access word that keys created from now on start with, and whether it also replaces that of a key whose
    /// value is set anew: a time of last use is replaced, a frequency survives the value it was counted for.
    pub fn set_access_clock(&mut self, access: u32, on_overwrite: bool) {
        self.stamp.access = access;
        self.stamp.access_on_overwrite = on_overwrite;
    }

    /// Keys in all databases.
    #[must_use]
    pub fn len_total(&self) -> u64 {
        self.databases.iter().map(Database::len).sum()
    }

    /// Exchanges two databases.
    pub fn swap_databases(&mut self, first: usize, second: usize) {
        self.databases.swap(first, second);
        for index in [first, second] {
            self.databases[index].table_mark = self.stamp.mark;
        }
    }

    /// Removes every key of one database; the nodes are freed by the reclaim thread. Gives how many keys there were.
    pub fn flush(&mut self, index: usize) -> u64 {
        let mut empty = Database::new(self.next_table_id);
        self.next_table_id += 1;
        empty.table_mark = self.stamp.mark;
        let old = std::mem::replace(&mut self.databases[index], empty);
        if let Some(root) = old.root {
            self.epochs.drop_tree(root, old.bytes, old.len);
        }
        old.len
    }

    /// Removes every key. Gives how many there were.
    pub fn flush_all(&mut self) -> u64 {
        (0..self.databases.len()).map(|index| self.flush(index)).sum()
    }

    /// Moves a key with its expiry to another database, replacing what is there. Gives whether it existed.
    pub fn move_key(&mut self, source: usize, target: usize, key: &Key<'_>) -> bool {
        if source == target {
            return self.databases[source].find(key).is_some();
        }
        self.copy_key(source, key, target, key) && self.db_mut(source).remove(key)
    }

    /// Copies a key with its expiry, replacing what is there. Gives whether it existed.
    pub fn copy_key(&mut self, source: usize, from: &Key<'_>, target: usize, to: &Key<'_>) -> bool {
        let Some(found) = self.databases[source].find(from) else { return false };
        let mut target = self.db_mut(target);
        let entry = target.moved(found.entry, to);
        target.place(to, entry);
        true
    }

    /// Takes a snapshot of all databases. Costs the same whatever their size.
    pub fn snapshot(&mut self) -> Snapshot {
        let tables: Vec<SnapshotTable> = self
            .databases
            .iter()
            .enumerate()
            .filter(|(_, database)| !database.is_empty())
            .map(|(index, database)| SnapshotTable {
                database: SnapshotDatabase { index, len: database.len, expires_len: database.expiring },
                root: database.root.expect("a database with keys has a root"),
            })
            .collect();
        let live = tables
            .iter()
            .enumerate()
            .map(|(ordinal, table)| LiveTable {
                table: self.databases[table.database.index].id,
                ordinal,
                segment_count: table.root.segment_count(),
            })
            .collect();
        let cursor = Arc::new(Cursor::new());
        let (epoch, reclaimer) = self.epochs.cut(Arc::clone(&cursor), live);
        Snapshot::new(epoch, tables, cursor, reclaimer)
    }

    /// Notices snapshots that were dropped, so that writes no longer copy for them. Cheap; call it regularly.
    pub fn reap_snapshots(&mut self) {
        self.epochs.reap();
    }

    /// Memory held at the moment.
    #[must_use]
    pub fn memory(&self) -> MemoryUsage {
        let (lazyfree_pending_keys, lazyfreed_keys) = self.epochs.lazily_freed_keys();
        MemoryUsage {
            lazyfree_pending_keys,
            lazyfreed_keys,
            live_bytes: self.epochs.live_bytes(),
            retired_bytes: self.epochs.retired_bytes(),
            held_bytes: self.epochs.held_bytes(),
            retired_bytes_peak: self.epochs.retired_bytes_peak(),
            live_snapshots: self.epochs.live_snapshots(),
        }
    }

    /// Waits until the reclaim thread has worked off everything sent to it. For tests and tools: it blocks.
    pub fn wait_for_reclaim(&mut self) {
        self.epochs.wait_for_reclaim();
    }
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        self.flush_all();
    }
}
