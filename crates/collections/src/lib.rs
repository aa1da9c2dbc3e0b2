//! Big collections that are copied on write.

mod collection;
mod table;
mod tree;
mod unfinished;

pub use collection::{Collection, CollectionEncoding};
pub use table::set_hash_seed;
pub use unfinished::{Hash, List, Set, SortedSet, Stream};
