//! Big collections that are copied on write.

mod collection;
mod tree;
mod unfinished;

pub use collection::{Collection, CollectionEncoding};
pub use unfinished::{Hash, List, Set, SortedSet, Stream};
