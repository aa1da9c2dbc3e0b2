//! Commands on positions, which sorted sets keep as scores: the number of a small cell of the world.

pub(crate) mod add;
mod area;
mod arguments;
mod cell;
mod distance;
pub(crate) mod position;
mod query;
pub(crate) mod search;
