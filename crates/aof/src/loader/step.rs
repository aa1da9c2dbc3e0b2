//! What loading is told and what it hands out.

use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::{File, FileReader};

use crate::manifest::FileKind;

/// How damage is to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// `aof-load-truncated`: cut a torn tail and start, or refuse.
    pub load_truncated: bool,
    /// `aof-load-corrupt-tail-max-size`: in a file without frames, cut a tail that is no record up to this many bytes.
    pub corrupt_tail_max_bytes: u64,
    /// More valid bytes than this behind a damaged place cannot all have been unsynced.
    pub sync_window_bytes: u64,
}

impl Default for LoadOptions {
    /// Redis' defaults, and four times the 64 MiB after which even `appendfsync no` syncs.
    fn default() -> Self {
        Self { load_truncated: true, corrupt_tail_max_bytes: 0, sync_window_bytes: 256 << 20 }
    }
}

/// One thing to do while loading.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadStep<'a> {
    /// A file begins: what follows is executed with database 0 selected.
    FileStarted {
        /// Its name.
        name: String,
        /// Its role.
        kind: FileKind,
    },
    /// The file begins with an RDB. Load it, then say with [`super::Loader::rdb_ended_at`] where it ended.
    Rdb(RdbPart),
    /// A record to execute.
    Record(Record<'a>),
    /// A file has been read to its end.
    FileEnded,
}

/// An RDB at the start of a file of the log.
#[derive(Clone, Debug)]
pub struct RdbPart {
    pub(super) file: Arc<dyn File>,
    /// The file's name.
    pub name: String,
    /// Whether the file is a base of its own, and not a log of the time before manifests that begins with an RDB.
    pub is_base_file: bool,
    /// Length of the file in bytes.
    pub file_bytes: u64,
}

impl RdbPart {
    /// A reader from the start of the RDB, which is offset 0 of the file.
    #[must_use]
    pub fn reader(&self) -> FileReader {
        FileReader::new(Arc::clone(&self.file))
    }

    /// What Redis prints when the RDB cannot be loaded.
    #[must_use]
    pub fn failure_text(&self) -> String {
        let part = if self.is_base_file { "RDB base file" } else { "RDB preamble of the AOF file" };
        format!("Error reading the {part} {}, AOF loading aborted", self.name)
    }
}

/// Where a record stands in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordRole {
    /// A unit of its own.
    Single,
    /// The MULTI of a complete transaction.
    Multi,
    /// Inside a complete transaction.
    Queued,
    /// The EXEC of a complete transaction.
    Exec,
}

/// A verified record. Records of an incomplete transaction are never handed out.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub(crate) memory: &'a [u8],
    pub(crate) spans: &'a [Range<usize>],
    pub(crate) bytes: &'a [u8],
    /// Offset in its file.
    pub offset: u64,
    /// Its place in a transaction.
    pub role: RecordRole,
}

impl<'a> Record<'a> {
    /// Number of arguments, the command's name included; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a record has at least a name")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// An argument; 0 is the command's name.
    #[must_use]
    pub fn argument(&self, index: usize) -> &'a [u8] {
        &self.memory[self.spans[index].clone()]
    }

    /// All arguments.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let memory = self.memory;
        self.spans.iter().map(move |span| &memory[span.clone()])
    }

    /// The record as it stands in the file.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// How far loading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadProgress {
    /// Bytes read.
    pub loaded_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
}
