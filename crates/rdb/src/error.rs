//! What can go wrong while reading: the cause, and where in the input and in which record it happened.

use std::{fmt, io};

use lastsave_lzf::LzfFault;

use crate::{
    module::ModuleId,
    object::{
        hash::HashFault, list::ListFault, set::SetFault, sorted_set::SortedSetFault, stream::StreamFault,
    },
    opcode::{self, ObjectType},
    version::{FileVersion, Lineage},
};

/// What the reader was doing when it failed, in the words of redis-check-rdb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// Reading the magic.
    Start,
    /// Reading an opcode or type byte, or an access time.
    ReadType,
    /// Reading an expiry.
    ReadExpire,
    /// Reading a key.
    ReadKey,
    /// Reading the value of a key.
    ReadObjectValue,
    /// Reading or comparing the checksum at the end.
    CheckSum,
    /// Reading a database number or a database's sizes.
    ReadLength,
    /// Reading an AUX field.
    ReadAux,
    /// Reading data of a module.
    ReadModuleAux,
    /// Reading a function library.
    ReadFunctions,
}

impl Activity {
    /// The word that redis-check-rdb prints after `While doing:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::ReadType => "read-type",
            Self::ReadExpire => "read-expire",
            Self::ReadKey => "read-key",
            Self::ReadObjectValue => "read-object-value",
            Self::CheckSum => "check-sum",
            Self::ReadLength => "read-len",
            Self::ReadAux => "read-aux",
            Self::ReadModuleAux => "read-module-aux",
            Self::ReadFunctions => "read-functions",
        }
    }
}

/// A failed operation of the reader or writer underneath, in a form that can be cloned and compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct IoFailure {
    /// Kind of the I/O error.
    pub kind: io::ErrorKind,
    /// `errno`, when the operating system reported it.
    pub os_code: Option<i32>,
    /// The error's own words.
    pub text: String,
}

impl From<io::Error> for IoFailure {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), os_code: error.raw_os_error(), text: error.to_string() }
    }
}

/// The cause of a failure, without its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first bytes are neither `REDIS` nor `VALKEY`: this is not an RDB file.
    #[error("wrong signature: expected \"REDIS\" and four digits, got \"{}\"", got.escape_ascii())]
    WrongSignature {
        /// The first nine bytes.
        got: [u8; 9],
    },
    /// A version that this reader does not know.
    #[error("{lineage:?} RDB version {number} is not supported")]
    UnsupportedVersion {
        /// Whose version it is.
        lineage: Lineage,
        /// The declared number.
        number: i32,
    },
    /// The input ends inside a record, or a length in it points beyond its end.
    #[error("the input ends too early: {wanted} bytes expected, {available} left")]
    UnexpectedEnd {
        /// Bytes that should follow.
        wanted: u64,
        /// Bytes that do (as far as known).
        available: u64,
    },
    /// The reader underneath failed.
    #[error("cannot read: {0}")]
    Io(#[from] IoFailure),
    /// The memory for a value cannot be had.
    #[error("cannot allocate {bytes} bytes")]
    OutOfMemory {
        /// Size of the refused allocation.
        bytes: u64,
    },
    /// A length starts with a byte that has no meaning.
    #[error("unknown length encoding {byte:#04x}")]
    UnknownLengthEncoding {
        /// The byte.
        byte: u8,
    },
    /// A length of 2^64-1, which the format keeps for itself.
    #[error("length out of range")]
    ReservedLength,
    /// A string has an encoding that has no meaning.
    #[error("unknown string encoding {encoding}")]
    UnknownStringEncoding {
        /// The low six bits of its first byte.
        encoding: u8,
    },
    /// A compressed string does not decompress to what it declares.
    #[error("invalid compressed string ({compressed} bytes declared to hold {declared}): {fault}")]
    InvalidCompressedString {
        /// Bytes of the compressed form.
        compressed: u64,
        /// Declared size after decompression.
        declared: u64,
        /// What is wrong with it.
        fault: LzfFault,
    },
    /// A type or opcode nobody has written.
    #[error("unknown object type or opcode {number}")]
    UnknownType {
        /// The byte.
        number: u8,
    },
    /// A known type whose values this build cannot hold.
    #[error("values of type {object_type} are not supported")]
    UnservedType {
        /// The type.
        object_type: ObjectType,
    },
    /// A value that only its module can read.
    #[error("values of the module {module} are not supported")]
    UnservedModule {
        /// The module.
        module: ModuleId,
    },
    /// A known record that cannot be skipped without losing its meaning.
    #[error("records with opcode {opcode} are not supported")]
    UnservedOpcode {
        /// The opcode.
        opcode: u8,
    },
    /// Functions in the format of the 7.0 release candidates.
    #[error("pre-release function format is not supported")]
    PreReleaseFunctions,
    /// Data of a module is not in the self-describing form that lets it be skipped.
    #[error("invalid module data: field opcode {opcode}")]
    InvalidModuleData {
        /// The field opcode that was read.
        opcode: u64,
    },
    /// A collection has no elements.
    #[error("a collection without elements")]
    EmptyCollection,
    /// A collection has an element twice.
    #[error("an element is there twice")]
    RepeatedElement {
        /// The type of the collection.
        object_type: ObjectType,
    },
    /// A sorted set cannot be what it says.
    #[error("invalid sorted set: {0}")]
    InvalidSortedSet(#[from] SortedSetFault),
    /// A hash cannot be what it says.
    #[error("invalid hash: {0}")]
    InvalidHash(#[from] HashFault),
    /// A set cannot be what it says.
    #[error("invalid set: {0}")]
    InvalidSet(#[from] SetFault),
    /// A list cannot be what it says.
    #[error("invalid list: {0}")]
    InvalidList(#[from] ListFault),
    /// A stream cannot be what it says.
    #[error("invalid stream: {0}")]
    InvalidStream(#[from] StreamFault),
    /// The checksum over the whole file does not agree.
    #[error("wrong checksum: expected {expected:016x}, got {got:016x}")]
    ChecksumMismatch {
        /// The value stored in the file.
        expected: u64,
        /// The value computed from the bytes read.
        got: u64,
    },
}

impl ErrorKind {
    /// The words of Redis for this cause, as its log and redis-check-rdb print them; what Redis has no words for is
    /// said in ours.
    #[must_use]
    pub fn redis_text(&self) -> String {
        match self {
            Self::WrongSignature { .. } => "Wrong signature trying to load DB from file".into(),
            Self::UnsupportedVersion { number, .. } => format!("Can't handle RDB format version {number}"),
            Self::UnexpectedEnd { .. }
            | Self::Io(_)
            | Self::OutOfMemory { .. }
            | Self::ReservedLength
            | Self::EmptyCollection => "Unexpected EOF reading RDB file".into(),
            Self::RepeatedElement { object_type } => crate::repeated::redis_text(*object_type).into(),
            // Redis names the two bits that select the encoding, not the byte.
            Self::UnknownLengthEncoding { byte } => {
                format!("Unknown length encoding {} in rdbLoadLen()", byte >> 6)
            }
            Self::UnknownStringEncoding { encoding } => {
                format!("Unknown RDB string encoding type {encoding}")
            }
            Self::InvalidCompressedString { .. } => "Invalid LZF compressed string".into(),
            Self::UnknownType { number } => format!("Invalid object type: {number}"),
            Self::PreReleaseFunctions => "Pre-release function format not supported.".into(),
            Self::ChecksumMismatch { .. } => "RDB CRC error".into(),
            Self::InvalidSortedSet(fault) => fault.redis_text().into(),
            Self::InvalidHash(fault) => fault.redis_text().into(),
            Self::InvalidSet(fault) => fault.redis_text().into(),
            Self::InvalidList(fault) => fault.redis_text().into(),
            Self::InvalidStream(fault) => fault.redis_text(),
            Self::UnservedModule { module } => format!(
                "The RDB file contains module data I can't load: no matching module type '{}'",
                module.name()
            ),
            Self::UnservedType { object_type } if object_type.number() == 6 => {
                "Pre-release module format not supported".into()
            }
            Self::UnservedType { .. } | Self::UnservedOpcode { .. } | Self::InvalidModuleData { .. } => {
                let text = self.to_string();
                text[..1].to_uppercase() + &text[1..]
            }
        }
    }

    /// Whether the input simply stops, or cannot be read, as opposed to saying something wrong. Redis words this
    /// class `Short read or OOM loading DB`.
    #[must_use]
    pub fn is_short_read(&self) -> bool {
        matches!(
            self,
            Self::UnexpectedEnd { .. } | Self::Io(_) | Self::OutOfMemory { .. } | Self::ReservedLength
        )
    }
}

/// Where and while doing what a read failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bytes successfully consumed before the failure.
    pub offset: u64,
    /// Offset at which the failed record starts.
    pub record_offset: u64,
    /// What the reader was doing.
    pub activity: Activity,
    /// The key, if it had been read.
    pub key: Option<Vec<u8>>,
    /// The type of the object, if it had been read.
    pub object_type: Option<ObjectType>,
    /// The file's version, if it had been read.
    pub version: Option<FileVersion>,
    /// The server that wrote the file, if it says so.
    pub written_by: Option<String>,
}

/// A failed read: cause and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<(ErrorKind, Place)>);

impl Error {
    pub(crate) fn new(kind: ErrorKind, place: Place) -> Self {
        Self(Box::new((kind, place)))
    }

    /// The cause.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.0
    }

    /// Bytes of the input that had been consumed when the failure was met.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.0.1.offset
    }

    /// Offset of the first byte of the record that failed; everything before it is intact as far as its form goes.
    #[must_use]
    pub fn record_offset(&self) -> u64 {
        self.0.1.record_offset
    }

    /// What was being done.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.0.1.activity
    }

    /// The key whose record failed, when it had been read.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.0.1.key.as_deref()
    }

    /// The version of the file, when it had been read.
    #[must_use]
    pub fn file_version(&self) -> Option<FileVersion> {
        self.0.1.version
    }

    /// The server that wrote the file, as `Redis 7.2.5`, when the file says so.
    #[must_use]
    pub fn written_by(&self) -> Option<&str> {
        self.0.1.written_by.as_deref()
    }

    /// Whether the input is not wrong, but beyond this reader.
    #[must_use]
    pub fn is_beyond_this_reader(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::UnsupportedVersion { .. }
                | ErrorKind::UnknownType { .. }
                | ErrorKind::UnservedType { .. }
                | ErrorKind::UnservedModule { .. }
                | ErrorKind::UnservedOpcode { .. }
                | ErrorKind::PreReleaseFunctions
        )
    }

    /// What reads the input, when this reader does not and something is known to.
    #[must_use]
    pub fn read_by(&self) -> Option<String> {
        let is_valkey = self.file_version().is_some_and(|version| version.lineage == Lineage::Valkey);
        let text = match self.kind() {
            ErrorKind::UnsupportedVersion { lineage: Lineage::Redis, number } => {
                let newest = i32::from(FileVersion::REDIS_NEWEST);
                return (*number > newest).then(|| "a Redis newer than 8.8".to_owned());
            }
            ErrorKind::UnsupportedVersion { lineage: Lineage::Valkey, number } => {
                let newest = i32::from(FileVersion::VALKEY_NEWEST);
                return (*number > newest).then(|| "a Valkey newer than 9.2".to_owned());
            }
            ErrorKind::UnservedModule { module } => {
                return Some(format!("a server that has loaded the module of {}", module.name()));
            }
            ErrorKind::UnservedType { object_type } => match object_type.number() {
                6 => "release candidates of Redis 4.0",
                23 => "Valkey 9.2 and newer",
                26 => "Redis 8.6 and newer",
                _ => "Redis 8.8 and newer",
            },
            ErrorKind::UnservedOpcode { opcode: opcode::UPDATE } => "Valkey 9.2 and newer",
            ErrorKind::UnservedOpcode { .. } if is_valkey => "Valkey 9.0 and newer",
            ErrorKind::UnservedOpcode { .. } => "Redis 8.6 and newer",
            ErrorKind::PreReleaseFunctions => "release candidates of Redis 7.0",
            ErrorKind::UnknownType { .. } => {
                return self.written_by().map(|server| format!("{server}, if the byte is not damaged"));
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The type of the object that failed, when it had been read.
    #[must_use]
    pub fn object_type(&self) -> Option<ObjectType> {
        self.0.1.object_type
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}; at offset {}, in the record at offset {}, doing {}",
            self.kind(),
            self.offset(),
            self.record_offset(),
            self.activity().name()
        )?;
        if let Some(object_type) = self.object_type() {
            write!(formatter, ", type {object_type}")?;
        }
        if let Some(key) = self.key() {
            // Keys may be megabytes; a message needs only enough to find it.
            let shown = &key[..key.len().min(128)];
            let more = if shown.len() < key.len() { "..." } else { "" };
            write!(formatter, ", key \"{}{more}\"", shown.escape_ascii())?;
        }
        if self.is_beyond_this_reader() {
            if let Some(version) = self.file_version() {
                write!(formatter, "; a file of RDB version {version}")?;
            }
            if let Some(server) = self.written_by() {
                write!(formatter, ", written by {server}")?;
            }
            if let Some(reader) = self.read_by() {
                write!(formatter, "; can be read by {reader}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io(failure) => Some(failure),
            _ => None,
        }
    }
}
