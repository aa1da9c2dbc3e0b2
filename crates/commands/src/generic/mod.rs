//! Commands on keys whatever their type, and on whole databases.

pub(crate) mod database;
pub(crate) mod delete;
pub(crate) mod expire;
pub(crate) mod iterate;
pub(crate) mod lookup;
pub(crate) mod memory;
pub(crate) mod migrate;
pub(crate) mod object;
pub(crate) mod rename;
pub(crate) mod serialize;
pub(crate) mod sort;
mod sort_order;
mod sort_pattern;
pub(crate) mod time_to_live;
pub(crate) mod transfer;
