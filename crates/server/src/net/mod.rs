//! Sockets and buffers: everything between the kernel and a parsed command.
//!
//! Nothing here knows a command, a key or the configuration; callers pass plain values.

pub(crate) mod buffer_pool;
pub(crate) mod gate;
pub(crate) mod listener;
pub(crate) mod output;
pub(crate) mod output_limit;
pub(crate) mod query_buffer;
pub(crate) mod refusal;
pub(crate) mod socket;
pub(crate) mod token;
