//! Big collections that are copied on write.

mod collection;
mod hash;
mod list;
mod set;
mod sorted_set;
mod table;
mod tree;
mod unfinished;

pub use collection::{Collection, CollectionEncoding};
pub use hash::{Hash, HashFields, HashLimits, HashValue, NotAHash};
pub use list::{
    List, ListBuilder, ListElement, ListEnd, ListLimits, ListNode, NewElement, OwnedElement, QuicklistShape,
};
pub use set::{Set, SetLimits, SetMembers};
pub use sorted_set::{
    LexBound, LexRange, NotASortedSet, ScoreRange, SortedSet, SortedSetElements, SortedSetLimits,
};
pub use table::set_hash_seed;
pub use unfinished::Stream;
