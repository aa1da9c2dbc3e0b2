//! Commands on strings.

pub(crate) mod count;
pub(crate) mod get;
pub(crate) mod get_and_change;
pub(crate) mod lcs;
pub(crate) mod multiple;
mod options;
pub(crate) mod range;
pub(crate) mod set;
