//! Why a log cannot be opened, loaded or repaired.

use lastsave_storage::StorageError;
use thiserror::Error;

use crate::manifest::ManifestError;
use crate::notice::Notice;

/// What is wrong with the bytes at some offset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DamageReason {
    /// The file ends inside a record.
    #[error("the file ends inside a record")]
    RecordTruncated,
    /// The file ends inside an annotation line.
    #[error("the file ends inside an annotation line")]
    AnnotationTruncated,
    /// The file ends before the EXEC that belongs to a MULTI.
    #[error("the file ends inside a transaction")]
    GroupTruncated,
    /// A byte that cannot be where it is.
    #[error("at offset {at}: expected {expected}, got byte 0x{got:02x}")]
    UnexpectedByte {
        /// Its offset.
        at: u64,
        /// What the format allows there.
        expected: &'static str,
        /// The byte.
        got: u8,
    },
    /// A count or length that no command has.
    #[error("at offset {at}: impossible {what} {got}")]
    ImpossibleNumber {
        /// Offset of its line.
        at: u64,
        /// `argument count` or `argument length`.
        what: &'static str,
        /// The number.
        got: i64,
    },
    /// A line of more than 1023 bytes.
    #[error("at offset {at}: a line of more than 1023 bytes")]
    LineTooLong {
        /// Offset of the line.
        at: u64,
    },
    /// The frame that closes the block does not match the block's bytes.
    #[error("the frame at offset {at} does not match the bytes it closes (checksum stored {stored:016x})")]
    ChecksumMismatch {
        /// Offset of the frame.
        at: u64,
        /// The checksum in the frame.
        stored: u64,
    },
    /// A line that has a frame's tag, but is none, or states another position than its own.
    #[error("at offset {at}: a damaged frame line")]
    BadFrame {
        /// Offset of the line.
        at: u64,
    },
    /// Records without the frame that must close them.
    #[error("{records} records without the frame that closes them")]
    Unframed {
        /// How many.
        records: u64,
    },
    /// Nothing but zero bytes.
    #[error("nothing but zero bytes")]
    Zeros,
    /// Frames in a file whose first line is not the header that they need.
    #[error("a frame at offset {at} in a file without a valid header line")]
    FrameWithoutHeader {
        /// Offset of the line.
        at: u64,
    },
    /// A later file, or the manifest, says that this file is longer than it is.
    #[error("the file ends at {got}, but {expected} bytes are on record as durable")]
    Shortened {
        /// Declared length in bytes.
        expected: u64,
        /// Actual length in bytes.
        got: u64,
    },
}

impl DamageReason {
    /// Whether the file simply ends too early.
    #[must_use]
    pub const fn is_truncation(&self) -> bool {
        matches!(self, Self::RecordTruncated | Self::AnnotationTruncated | Self::GroupTruncated)
    }
}

/// Why damage is taken for corruption of durable data and not for the torn end of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Evidence {
    /// A valid frame behind the damage says that everything up to `durable` was on stable storage.
    #[error("a valid frame at offset {frame} declares everything before {durable} durable")]
    DurableMark {
        /// Offset of the frame.
        frame: u64,
        /// Offset up to which it vouches.
        durable: u64,
    },
    /// More valid data behind the damage than can have been written without a sync between.
    #[error("{bytes} bytes of valid frames follow, more than are ever written without a sync")]
    BeyondSyncWindow {
        /// Bytes between the damage and the end of the last valid frame.
        bytes: u64,
    },
    /// Later files hold records, or declare this one complete, and a file is synced before the next one is started.
    #[error("the file is not the last one of the log, and files are synced before the next one is started")]
    NotLastFile,
    /// The first line of a file is synced before the file is used.
    #[error("the header line is synced before the file is used")]
    HeaderSynced,
    /// The same bytes were intact when they were verified, a moment before.
    #[error("the bytes were intact when they were verified a moment ago")]
    VerifiedBefore,
}

/// Damage to data that was durable. Never repaired on our own.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("corruption in '{file}' at offset {offset}: {reason}; {evidence}")]
pub struct Corruption {
    /// File name without its directory.
    pub file: String,
    /// Where the damaged block begins; everything before is intact.
    pub offset: u64,
    /// What is wrong.
    pub reason: DamageReason,
    /// Why it is not taken for a torn tail.
    pub evidence: Evidence,
}

impl Corruption {
    const fn row(&self) -> Option<&'static str> {
        match (&self.reason, self.evidence) {
            (DamageReason::FrameWithoutHeader { .. }, _) | (_, Evidence::HeaderSynced) => Some("H1"),
            (DamageReason::Shortened { .. }, _) => Some("F8"),
            (_, Evidence::DurableMark { .. }) => Some("F4"),
            (_, Evidence::BeyondSyncWindow { .. }) => Some("F5"),
            (_, Evidence::NotLastFile) => Some("F6"),
            (_, Evidence::VerifiedBefore) => None,
        }
    }
}

/// Why a log cannot be opened or loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AofError {
    /// The manifest is damaged.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest cannot be opened.
    #[error("can't open the AOF manifest file {name} for reading: {}", source.reason())]
    ManifestUnreadable {
        /// Its name.
        name: String,
        /// Why.
        source: StorageError,
    },
    /// Files of a log, but no manifest that lists them.
    #[error("'{directory}' holds files of a log ({}) but no manifest", files.join(", "))]
    FilesWithoutManifest {
        /// The log's directory.
        directory: String,
        /// The files.
        files: Vec<String>,
    },
    /// A listed file is missing.
    #[error("Unable to obtain the AOF file {file} length. stat: {}", source.reason())]
    MissingFile {
        /// Its name.
        file: String,
        /// Why it cannot be had.
        source: StorageError,
    },
    /// Durable data is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// The last file is torn, and `aof-load-truncated no` forbids to cut it.
    #[error("'{file}' ends early at offset {offset}: {reason}")]
    Truncated {
        /// Its name.
        file: String,
        /// Where the intact part ends.
        offset: u64,
        /// What is wrong there.
        reason: DamageReason,
        /// Whether the file has frames there.
        is_framed: bool,
    },
    /// A file without frames ends early and is not the last one.
    #[error("the truncated file is not the last file ('{file}' at offset {offset}: {reason})")]
    TruncatedNotLast {
        /// Its name.
        file: String,
        /// Where the intact part ends.
        offset: u64,
        /// What is wrong there.
        reason: DamageReason,
    },
    /// A file without frames holds something that is no record.
    #[error("bad file format in '{file}' at offset {offset}: {reason}")]
    BadFormat {
        /// Its name.
        file: String,
        /// Where the intact part ends.
        offset: u64,
        /// What is wrong there.
        reason: DamageReason,
    },
    /// The directory is not in the state that the request needs.
    #[error("{0}")]
    Refused(String),
    /// The disk said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl AofError {
    /// The row of the decision table for damaged files (`docs/formats/aof.md`) by which a start is refused, if it is for
    /// one of them.
    #[must_use]
    pub const fn row(&self) -> Option<&'static str> {
        match self {
            Self::Corrupt(corruption) => corruption.row(),
            Self::Truncated { is_framed: true, .. } => Some("F9"),
            Self::Truncated { is_framed: false, .. } => Some("R2"),
            Self::TruncatedNotLast { .. } => Some("R3"),
            Self::BadFormat { .. } => Some("R4"),
            Self::FilesWithoutManifest { .. } => Some("M1"),
            Self::MissingFile { .. } => Some("M2"),
            _ => None,
        }
    }

    /// The row for a log line, in which it is the last word.
    fn case(&self) -> String {
        self.row().map_or(String::new(), |row| format!(" (case {row})"))
    }

    /// The log lines for the operator: Redis' wording where Redis has one. The last line is the one scripts look for.
    #[must_use]
    pub fn report(&self) -> Vec<Notice> {
        let lines = match self {
            Self::Manifest(error) => error.report(),
            Self::ManifestUnreadable { .. } => vec![format!("Fatal error: {self}")],
            Self::FilesWithoutManifest { directory, .. } => vec![
                format!("Fatal error: {self}."),
                format!(
                    "Refusing to start with an empty data set beside existing data. Bring back the manifest, or let \
                     'lastsave-server check-aof --rebuild-manifest {directory}' write one."
                ),
            ],
            Self::MissingFile { .. } => vec![self.to_string()],
            Self::Corrupt(corruption) => vec![
                format!("Fatal error: {corruption}{}.", self.case()),
                format!(
                    "The data behind offset {} of {} was durable before it was damaged; nothing has been cut. Make a \
                     backup, then let 'lastsave-server check-aof --salvage <new directory>' copy what is intact.",
                    corruption.offset, corruption.file
                ),
            ],
            Self::Truncated { file, offset, reason, .. } => vec![
                format!("AOF file {file} is torn at offset {offset}: {reason}{}", self.case()),
                format!(
                    "Unexpected end of file reading the append only file {file}. You can: 1) Make a backup of your AOF \
                     file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the \
                     'aof-load-truncated' configuration option to yes and restart the server."
                ),
            ],
            Self::TruncatedNotLast { file, offset, reason } => vec![
                format!("AOF file {file} is torn at offset {offset}: {reason}{}", self.case()),
                "Fatal error: the truncated file is not the last file".to_owned(),
            ],
            Self::BadFormat { file, offset, reason } => vec![
                format!("AOF file {file} cannot be read at offset {offset}: {reason}{}", self.case()),
                format!(
                    "Bad file format reading the append only file {file}: make a backup of your AOF file, then use \
                     ./redis-check-aof --fix <filename.manifest>"
                ),
            ],
            Self::Refused(text) => vec![text.clone()],
            Self::Storage(error) => vec![format!("Fatal error: {error}")],
        };
        lines.into_iter().map(Notice::warning).collect()
    }
}
