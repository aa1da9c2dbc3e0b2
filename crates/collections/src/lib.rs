//! Big collections that are copied on write.

mod collection;
mod tree;

pub use collection::{Collection, CollectionEncoding};
