//! The load generator: clients that keep a server busy and measure how long each command took.
//!
//! In a *closed loop* every client waits for its replies before it sends again: the server sets the pace, which is how
//! throughput is measured. In an *open loop* commands are due at fixed times whatever the server does, as requests from
//! many independent users are. Their latency counts from the time they were due, so that a command that could not even be
//! sent because the server stalled is as slow as its user would have found it (no "coordinated omission").
//!
//! One thread serves many connections with epoll, because the generator shares the machine with the server it measures.

mod commands;
mod connection;
mod keys;
mod latency;
mod random;
mod replies;
mod running;
mod worker;
mod workload;

pub(super) use commands::{Commands, Content};
pub(super) use keys::Distribution;
pub(super) use latency::Latency;
pub(super) use random::Random;
pub(super) use running::{Measured, Running};
pub(super) use workload::{Pace, Target, Workload};
