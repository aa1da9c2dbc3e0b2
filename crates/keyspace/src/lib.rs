//! Tables of keys and values in memory, with snapshots that cost nothing to take.
//!
//! This crate holds the data of a Redis-compatible server: databases, string values, expiry times, access words. It
//! knows no bytes on disk, no sockets, no clock, no commands.
//!
//! A [`Snapshot`] is the keyspace at one moment. Taking it takes microseconds at any size; reading it happens on another
//! thread; meanwhile the owner goes on writing, and copies only the nodes that it changes and the snapshot has not read
//! yet (epoch copy-on-write). Several snapshots may be alive, and end in any order. Nothing is ever rehashed as a whole:
//! tables grow and shrink one small segment at a time (linear hashing), and big frees happen on a thread of their own.
//!
//! ```
//! use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue, StringValue, Value};
//!
//! let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
//! let key = keyspace.key(b"greeting");
//! keyspace.db_mut(0).set(&key, NewValue::Bytes(b"hello"), Expiry::Clear);
//!
//! let mut snapshot = keyspace.snapshot();
//! keyspace.db_mut(0).set(&key, NewValue::Bytes(b"goodbye"), Expiry::Clear);
//!
//! let reader = std::thread::spawn(move || {
//!     let mut seen = Vec::new();
//!     while snapshot
//!         .visit_next(|entry| {
//!             if let Value::String(StringValue::Bytes(value)) = entry.value() {
//!                 seen.push((entry.key().to_vec(), value.to_vec()));
//!             }
//!             Ok::<_, std::convert::Infallible>(())
//!         })
//!         .expect("visiting cannot fail")
//!         .is_some()
//!     {}
//!     seen
//! });
//! assert_eq!(reader.join().unwrap(), [(b"greeting".to_vec(), b"hello".to_vec())]);
//! ```

mod cursor;
mod database;
mod database_mut;
mod directory;
mod entry;
mod entry_pointer;
mod epoch;
mod filling;
mod key;
mod keyspace;
mod made_entry;
mod prefetch;
mod reclaim;
mod sample;
mod segment;
mod shape;
mod snapshot;
mod stored;
mod value;

pub use database::Database;
pub use database_mut::{DatabaseMut, Edited};
pub use entry::Entry;
pub use key::Key;
pub use keyspace::{Keyspace, KeyspaceOptions, MemoryUsage};
pub use made_entry::{EntryMaker, MadeEntry};
pub use sample::Among;
pub use snapshot::{Snapshot, SnapshotDatabase};
pub use stored::Stored;
pub use value::{
    EMBSTR_LEN_MAX, Encoding, Expiry, IntegerBuffer, NewValue, StringValue, Value, parse_canonical_integer,
};
