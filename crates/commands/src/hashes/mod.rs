//! Commands on hashes.

pub(crate) mod count;
pub(crate) mod expire;
pub(crate) mod get;
pub(crate) mod random;
pub(crate) mod scan;
pub(crate) mod set;
pub(crate) mod time_to_live;
