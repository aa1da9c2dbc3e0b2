//! Why bytes are not a packed encoding: what is wrong, and where.

use std::fmt;

/// The encoding that bytes were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Packing {
    /// A listpack.
    Listpack,
    /// A set of integers.
    Intset,
    /// A ziplist, the predecessor of the listpack.
    Ziplist,
    /// A zipmap, the first packed form of hashes.
    Zipmap,
}

impl fmt::Display for Packing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Listpack => "listpack",
            Self::Intset => "intset",
            Self::Ziplist => "ziplist",
            Self::Zipmap => "zipmap",
        })
    }
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There are fewer bytes than the smallest value of this encoding has.
    #[error("{expected} bytes or more expected, got {got}")]
    TooShort {
        /// Bytes of the smallest value.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// There are more bytes than a listpack of the same values may have.
    #[error("{expected} bytes at most expected, got {got}")]
    TooLong {
        /// The most that is accepted.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The header declares another size than the bytes have.
    #[error("the header declares {expected} bytes, got {got}")]
    WrongSize {
        /// The declared size.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The last byte is not the terminator.
    #[error("terminator expected, got {got:#04x}")]
    NoTerminator {
        /// The byte in its place.
        got: u8,
    },
    /// A terminator stands before the last byte.
    #[error("terminator only expected at offset {expected}")]
    EarlyTerminator {
        /// Offset of the last byte.
        expected: u64,
    },
    /// An entry starts with a byte that has no meaning.
    #[error("unknown encoding {got:#04x}")]
    UnknownEncoding {
        /// The byte.
        got: u8,
    },
    /// An entry declares more bytes than there are.
    #[error("entry of {expected} bytes, got {got}")]
    EntryPastEnd {
        /// Bytes that the entry should have, as far as known.
        expected: u64,
        /// Bytes left for it.
        got: u64,
    },
    /// The length that serves to walk backwards is not that of the entry.
    #[error("length for walking backwards: expected {expected}, got {got}")]
    WrongBacklen {
        /// The length of the entry it describes.
        expected: u64,
        /// The stored length, or its first byte when it is not in the one valid form.
        got: u64,
    },
    /// The header declares another number of entries than there are.
    #[error("the header declares {expected} entries, got {got}")]
    WrongCount {
        /// The declared number.
        expected: u64,
        /// Entries found.
        got: u64,
    },
    /// The header of a ziplist says that the last entry is elsewhere.
    #[error("the header declares the last entry at offset {expected}, it is at {got}")]
    WrongTail {
        /// The declared offset.
        expected: u64,
        /// Where it is.
        got: u64,
    },
    /// The members of an intset have a width other than 2, 4 or 8 bytes.
    #[error("members of 2, 4 or 8 bytes expected, got {got}")]
    WrongWidth {
        /// The declared width.
        got: u64,
    },
    /// The members of an intset do not ascend.
    #[error("a member greater than {previous} expected, got {got}")]
    NotAscending {
        /// The member before.
        previous: i64,
        /// The member at the offset.
        got: i64,
    },
}

/// Bytes that are not the packed encoding they were read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not a {packing}: {fault}; at offset {offset}")]
pub struct ListpackError {
    /// What the bytes were read as.
    pub packing: Packing,
    /// Offset of the entry or header field that is wrong.
    pub offset: u64,
    /// What is wrong with it: what was expected, and what was found.
    pub fault: Fault,
}

impl ListpackError {
    pub(crate) fn new(packing: Packing, offset: usize, fault: Fault) -> Self {
        Self { packing, offset: offset as u64, fault }
    }
}
