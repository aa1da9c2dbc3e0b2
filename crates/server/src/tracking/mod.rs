//! Client-side caching: which client has read which key, and who is told when the key changes.
//!
//! By default a client that tracks is told once about each key it has read. A client that tracks by prefix (BCAST) is
//! told about every change of a key with the prefix, at the end of the turn in which it happened.

mod invalidation;
mod table;

pub(crate) use table::TrackingTable;
