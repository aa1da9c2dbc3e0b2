//! The Lastsave server: sockets, clients, command dispatch, snapshots and log wired together.
//!
//! One thread, the executor, owns the keyspace and every client. It runs a loop around one poll: read everything
//! that has arrived, parse all pipelined commands, prefetch their keys, execute, hand the effects of the turn to
//! the log as one batch, and let those replies go whose effects the log has released. It never waits for a lock or
//! the disk. A control thread beside it listens for signals.
//!
//! What this crate must not know: how a command changes data (`lastsave-commands`), what a directive means to its
//! own grammar (`lastsave-config`), how bytes are laid out on disk (`lastsave-rdb`, `lastsave-aof`). Within the
//! crate, `net` knows no command, and everything about files and positions in the log is behind `persistence`.
//!
//! The public face is small on purpose: the binary calls [`run`], everything else is talked to over sockets.
//!
//! ```
//! // `--version` prints one line and exits successfully.
//! let code = lastsave_server::run(["lastsave-server", "--version"].map(Into::into), lastsave_server::Hooks::default());
//! assert_eq!(code, 0);
//! assert!(lastsave_server::version_line().contains("compatible with redis 7.2"));
//! ```

mod accept;
mod banner;
mod client;
mod client_eviction;
mod clock;
mod command_names;
mod config_apply;
mod config_source;
mod control;
mod crash;
mod cron;
mod daemon;
mod dataset;
mod dispatch;
mod durability;
mod errno;
mod eviction;
mod executor;
mod flush;
mod handlers;
mod hooks;
mod identity;
mod info;
mod key_waits;
mod logging;
mod net;
mod observation;
mod pause;
mod persistence;
mod pubsub;
mod queues;
mod refusal;
mod serve;
mod server;
mod settings;
#[doc(hidden)]
pub mod simulation;
mod startup;
mod statistics;
mod system_files;
mod timezone;
mod timing;
mod tracking;
mod transaction;
mod wake;

pub use hooks::Hooks;
pub use identity::{LASTSAVE_VERSION, REDIS_VERSION, version_line};
pub use startup::run;
