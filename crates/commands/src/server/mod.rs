//! Metadata of the commands that the server executes, and COMMAND, which tells about all of them.

pub(crate) mod backup;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod latency;
pub(crate) mod monitor;
pub(crate) mod persistence;
pub(crate) mod pubsub;
pub(crate) mod slowlog;
pub(crate) mod status;
pub(crate) mod transaction;
