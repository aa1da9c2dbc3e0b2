//! The configuration of a Redis server: the grammar of redis.conf and of the command line, one table of all
//! directives, and CONFIG GET, SET and REWRITE on top of it.
//!
//! Everything about a directive is one row of the table: names, kind, bounds, default, who may change it
//! when, what it does in this server, a line for the manual. From the rows come the plain fields of
//! [`Config`], which the server reads, and everything else here. Behaviour and texts are those of Redis 7.2;
//! `docs/configuration.md` lists the few deliberate differences.
//!
//! The grammar is pure: bytes in, values or a [`LoadError`] out. Files, the working directory, and what other
//! parts of the server know about commands and users come in through [`Host`]; [`StorageHost`] is the real
//! one.
//!
//! # What this crate must not know
//!
//! Sockets, keys, commands, the log. It does not apply a change: [`Config::set`] returns a [`Change`] that
//! says which directives the server has to act upon, and that can be rolled back if acting fails.
//!
//! ```
//! use lastsave_config::{NoHost, RewriteOptions, SetContext, parse_text};
//!
//! let (mut config, _) = parse_text(b"port 7000\nsave 900 1\nmaxmemory 1gb")?;
//! assert_eq!((config.port, config.save.len(), config.maxmemory), (7000, 1, 1 << 30));
//! assert_eq!(config.get(&["maxmem*ory"]), [(b"maxmemory".to_vec(), b"1073741824".to_vec())]);
//!
//! let change = config.set(&[(b"appendfsync", b"always"), (b"hz", b"20")], SetContext::default(), &NoHost)?;
//! assert!(change.includes("appendfsync"));
//! let refused = config.set(&[(b"hz", b"30"), (b"appendonly", b"maybe")], SetContext::default(), &NoHost);
//! assert!(refused.is_err() && config.hz == 20);
//!
//! let file = config.rewrite_text(b"# my server\nport 6379\n", RewriteOptions::default());
//! assert!(file.starts_with(b"# my server\nport 7000\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checks;
mod choices;
mod command_line;
mod directive;
mod flag_sets;
mod get;
mod glob;
mod host;
mod kind;
mod load;
mod number;
mod output_limits;
mod page;
mod rewrite;
mod save_points;
mod set;
mod special;
mod split;
mod storage_host;
mod table;
mod text;

pub use choices::{
    AclPubsubDefault, AppendFsync, AppendfsyncOverload, Choice, ClusterPreferredEndpointType, LogLevel,
    MaxmemoryPolicy, OomScoreAdj, PropagationErrorBehavior, ProtectedAction, ReplDisklessLoad,
    SanitizeDumpPayload, SnapshotOverBudget, Supervised, SyslogFacility, TlsAuthClients,
};
pub use command_line::{CommandLine, TEST_MEMORY_USAGE, USAGE, parse_command_line};
pub use directive::{Directive, Effect};
pub use flag_sets::{KeyspaceEvents, ShutdownFlags};
pub use glob::glob_match;
pub use host::{Host, NoHost, UserError};
pub use load::{Declarations, LoadError, Loaded, RenamedCommand, Source, load, parse_text};
pub use number::parse_memory;
pub use output_limits::{OutputLimit, OutputLimits};
pub use page::configuration_page;
pub use rewrite::RewriteOptions;
pub use save_points::SavePoint;
pub use set::{Change, SetContext, SetError};
pub use special::{ClientMemory, ReplicaOf};
pub use split::{UnbalancedQuotes, quote, quote_into, split_args};
pub use storage_host::StorageHost;
pub use table::Config;
pub use text::Text;
