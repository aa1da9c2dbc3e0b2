//! Redis' collections, small and big, copied on write: lists, hashes, sets, sorted sets, streams.
//!
//! A collection is packed in one run of bytes while it is small, in the very encoding that Redis stores, and a tree of
//! bounded nodes beyond that. The tree's nodes are reference counted: cloning a collection of any size takes the same
//! short time, both clones may go to different threads, and a change to one of them copies the nodes on one path that the
//! other one still refers to. Dropping the last clone frees everything, wherever that happens.
//!
//! Elements lie packed in the tree's leaves, one behind the other; long ones outside as shared bytes. Inner nodes count
//! what is below them, so that positions, ranks and fair random choices cost the logarithm of the length.
//!
//! The crate must not know keys, expiry, commands or files. When a collection leaves its packed form is decided by limits
//! that the caller passes along. It has no `unsafe` code.
//!
//! ```
//! use lastsave_collections::{Collection, SortedSet, SortedSetLimits};
//!
//! let limits = SortedSetLimits::default();
//! let mut scores = SortedSet::new();
//! for number in 0..100_000_u32 {
//!     scores.insert(format!("player {number}").as_bytes(), f64::from(number % 1000), &limits);
//! }
//! let snapshot = scores.clone();
//! scores.insert(b"player 7", 5000.0, &limits);
//!
//! assert_eq!(scores.rank(b"player 7"), Some((99_999, 5000.0)));
//! assert_eq!(snapshot.score(b"player 7"), Some(7.0));
//! // One path was copied, not the set.
//! assert!(scores.take_copied_bytes() < 50_000 && scores.heap_bytes() > 2_000_000);
//! ```

mod collection;
mod hash;
mod list;
mod ordered;
mod set;
mod sorted_set;
mod stream;
mod table;
mod tree;

pub use collection::{Collection, CollectionEncoding};
pub use hash::{Hash, HashFields, HashLimits, HashValue, NotAHash};
pub use list::{
    List, ListBuilder, ListElement, ListEnd, ListLimits, ListNode, NewElement, OwnedElement, QuicklistShape,
};
pub use set::{Set, SetLimits, SetMembers};
pub use sorted_set::{
    LexBound, LexRange, NotASortedSet, ScoreRange, SortedSet, SortedSetElements, SortedSetLimits,
};
pub use stream::{
    Consumer, ConsumerNumber, ENTRY_BYTES_MAX, Entry, EntryFields, Group, Pending, Range, Stream, StreamId,
    StreamLimits, StreamNode, Trim,
};
pub use table::{TableOrder, set_hash_seed};
