//! Commands on streams.

pub(crate) mod add;
pub(crate) mod claim;
pub(crate) mod delete;
mod effects;
mod entries;
mod errors;
pub(crate) mod group;
mod id;
pub(crate) mod info;
pub(crate) mod pending;
pub(crate) mod range;
pub(crate) mod read;
pub(crate) mod read_group;
mod read_options;
mod trim_options;

pub(crate) use id::IdText;
