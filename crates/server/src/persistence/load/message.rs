//! What the reader's thread sends to the executor.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use lastsave_aof::{AofLog, CutReport};
use lastsave_keyspace::MadeEntry;
use lastsave_rdb::KeyRecord;

use super::creating::Created;

/// Keys sent at once.
const KEYS_PER_BATCH: usize = 512;

/// Bytes of keys and values, or of commands, sent at once (a bigger one goes alone).
pub(super) const BYTES_PER_BATCH: usize = 256 * 1024;

/// From the reader to the executor.
#[derive(Debug)]
pub(in super::super) enum LoadMessage {
    /// Reading begins: bytes of all files, and what the data took in memory when it was saved.
    Sizes { total_bytes: u64, used_memory_bytes: u64 },
    /// So many keys will come for a database.
    Room { database: u64, keys: u64 },
    /// Keys of a snapshot.
    Keys(KeyBatch),
    /// A key of a snapshot with a big collection, which the executor makes an entry of: reading it was as much work.
    BigKey { database: u64, record: Box<KeyRecord>, loaded_bytes: u64 },
    /// A function library of a snapshot.
    FunctionLibrary { code: Vec<u8> },
    /// The snapshot ends.
    SnapshotEnded,
    /// A file of commands begins: database 0 is selected.
    CommandFile,
    /// Commands.
    Commands { batch: CommandBatch, file: Arc<str>, loaded_bytes: u64 },
    /// Everything has been sent; the reader waits for the executor to have executed it.
    AllSent,
    /// The log is open (or off); loading is over.
    Done(Box<LoadedLog>),
    /// Loading failed; the reasons are in the log.
    Failed,
}

/// What the reader leaves behind.
#[derive(Debug)]
pub(in super::super) struct LoadedLog {
    pub(in super::super) log: AofLog,
    pub(in super::super) cuts: Vec<CutReport>,
    /// Rows of the decision table by which its files were judged.
    pub(in super::super) rows: Vec<&'static str>,
}

/// Keys of one database.
#[derive(Debug, Default)]
pub(in super::super) struct KeyBatch {
    pub(super) database: u64,
    pub(super) entries: Vec<MadeEntry>,
    /// Where in the file each of them begins.
    pub(super) offsets: Vec<u64>,
    /// Keys that were dropped because their time has passed.
    pub(super) expired: u64,
    /// Collections without elements, which are no keys.
    pub(super) empty: u64,
    /// About how many bytes the entries take.
    bytes: usize,
    pub(super) loaded_bytes: u64,
}

impl KeyBatch {
    pub(super) fn new(database: u64) -> Self {
        Self {
            database,
            entries: Vec::with_capacity(KEYS_PER_BATCH),
            offsets: Vec::with_capacity(KEYS_PER_BATCH),
            ..Self::default()
        }
    }

    /// Adds an entry that begins at `offset` and takes about `bytes`.
    pub(super) fn push(&mut self, entry: MadeEntry, offset: u64, bytes: usize) {
        self.entries.push(entry);
        self.offsets.push(offset);
        self.bytes += bytes;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.expired == 0 && self.empty == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= KEYS_PER_BATCH || self.bytes >= BYTES_PER_BATCH
    }
}

/// Commands in order. Those that only set a string are there as the entries they leave; those that probably create a
/// collection are there as commands and as entries.
#[derive(Debug, Default)]
pub(in super::super) struct CommandBatch {
    pub(super) entries: Vec<MadeEntry>,
    /// Canonical arrays, one after the other.
    pub(super) commands: Bytes,
    pub(super) runs: Vec<Run>,
}

/// What comes next of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// So many entries of strings.
    Sets(usize),
    /// So many bytes of commands.
    Commands(usize),
    /// An entry that stands for the command of so many bytes if its key is not there, with the changes to count for it.
    Created { bytes: usize, dirty: u64 },
}

/// Collects a [`CommandBatch`].
#[derive(Debug, Default)]
pub(super) struct CommandBatchBuilder {
    entries: Vec<MadeEntry>,
    commands: BytesMut,
    runs: Vec<Run>,
    bytes: usize,
}

impl CommandBatchBuilder {
    /// Adds a SET of about `bytes`.
    pub(super) fn push_set(&mut self, entry: MadeEntry, bytes: usize) {
        self.entries.push(entry);
        self.bytes += bytes;
        match self.runs.last_mut() {
            Some(Run::Sets(count)) => *count += 1,
            _ => self.runs.push(Run::Sets(1)),
        }
    }

    /// Adds a command that leaves this entry if its key is not there.
    pub(super) fn push_created(&mut self, created: Created, record: &[u8]) {
        let Created { entry, dirty } = created;
        self.entries.push(entry);
        self.commands.extend_from_slice(record);
        self.bytes += 2 * record.len();
        self.runs.push(Run::Created { bytes: record.len(), dirty });
    }

    /// Adds a command.
    pub(super) fn push_command(&mut self, record: &[u8]) {
        self.commands.extend_from_slice(record);
        self.bytes += record.len();
        match self.runs.last_mut() {
            Some(Run::Commands(bytes)) => *bytes += record.len(),
            _ => self.runs.push(Run::Commands(record.len())),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES_PER_BATCH
    }

    /// What was collected; the builder is empty afterwards.
    pub(super) fn take(&mut self) -> CommandBatch {
        self.bytes = 0;
        let room = self.entries.len();
        CommandBatch {
            entries: std::mem::replace(&mut self.entries, Vec::with_capacity(room)),
            commands: self.commands.split().freeze(),
            runs: std::mem::take(&mut self.runs),
        }
    }
}
