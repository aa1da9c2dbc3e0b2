//! Function libraries: kept as text, saved, and given back; nothing here runs them.

pub(crate) mod call;
pub(crate) mod container;
mod libraries;
mod library;

pub use libraries::FunctionLibraries;
pub use library::{FunctionLibrary, LibraryError};
