//! Commands on hashes.

pub(crate) mod count;
pub(crate) mod get;
pub(crate) mod random;
pub(crate) mod scan;
pub(crate) mod set;
