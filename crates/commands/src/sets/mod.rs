//! Commands on sets.

pub(crate) mod combine;
pub(crate) mod members;
pub(crate) mod operation;
pub(crate) mod random;
pub(crate) mod scan;
