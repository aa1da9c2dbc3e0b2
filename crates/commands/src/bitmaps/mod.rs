//! Commands on the bits of strings.

pub(crate) mod bit;
pub(crate) mod count;
pub(crate) mod field;
mod field_value;
pub(crate) mod operation;
mod scan;
mod target;
