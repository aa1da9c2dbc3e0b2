//! What all collections have in common.

use std::fmt::Debug;

/// A collection as its owner sees it, whatever it holds.
///
/// Cloning one takes a time that does not depend on its size: what is big is shared, and copied when one of the two
/// clones changes it, one path at a time.
pub trait Collection: Clone + Debug + Send + Sync {
    /// Whether it has no elements. Owners give up empty collections; a stream counts as never empty.
    fn is_empty(&self) -> bool;

    /// Bytes allocated outside its own struct, kept up to date by every change; O(1).
    fn heap_bytes(&self) -> usize;

    /// Bytes that changes had to copy because a clone shared them, since the last call.
    fn take_copied_bytes(&mut self) -> usize;

    /// How it is stored.
    fn encoding(&self) -> CollectionEncoding;
}

/// How a collection is stored, by the name OBJECT ENCODING gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectionEncoding {
    /// One packed run of bytes.
    Listpack,
    /// One packed run of bytes, with fields that expire.
    ListpackEx,
    /// A sequence of packed runs.
    Quicklist,
    /// A packed, sorted run of integers.
    Intset,
    /// Members by hash.
    Hashtable,
    /// Members by score, and by hash.
    Skiplist,
    /// Entries by id.
    Stream,
}

impl CollectionEncoding {
    /// The name OBJECT ENCODING replies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listpack => "listpack",
            Self::ListpackEx => "listpackex",
            Self::Quicklist => "quicklist",
            Self::Intset => "intset",
            Self::Hashtable => "hashtable",
            Self::Skiplist => "skiplist",
            Self::Stream => "stream",
        }
    }
}
