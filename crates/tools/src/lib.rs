//! The tools that come with the server: checking and repairing its files from outside.
//!
//! `check-aof` and `check-rdb` take the arguments of `redis-check-aof` and `redis-check-rdb`, print their lines and end
//! with their exit codes, and can do more: rebuild a manifest, salvage what is intact of damaged files, describe a
//! snapshot, compare two. `log` prints what was written when, and `restore` goes back to
//! a point of it.
//!
//! One program is server and tools: [`run`] decides by the name it was called by, or by its first argument.
//!
//! This crate must not know how a command changes data, sockets, or a running server. It asks the command table only
//! whether a name exists and where its keys are. All disk access goes through `lastsave-storage`.
//!
//! ```
//! // A server's command line is none of our business.
//! assert_eq!(lastsave_tools::run(&["redis-server".into(), "redis.conf".into()], "7.2.5"), None);
//! ```

mod aof;
mod called;
mod files;
mod json;
mod past;
mod progress;
mod rdb;
mod report;
mod terminal;

use std::ffi::OsString;

use called::Tool;

/// Acts as one of the tools, if the command line asks for one, and gives the exit code. `None`: the program is to be the
/// server. `version` is the version of Redis that the tools stand for.
pub fn run(arguments: &[OsString], version: &str) -> Option<i32> {
    let call = called::tool(arguments)?;
    Some(match call.tool {
        Tool::CheckAof => aof::run(&call, version),
        Tool::CheckRdb => rdb::run(&call, version),
        Tool::Log => past::log::run(&call),
        Tool::Restore => past::restore::run(&call),
    })
}

#[doc(hidden)]
pub use rdb::fuzzing::salvage_bytes;
