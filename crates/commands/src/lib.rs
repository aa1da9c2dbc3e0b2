//! The command table of a Redis-compatible server, and every command that needs nothing but the data.
//!
//! A data command is a function of the keyspace and its arguments. It writes a reply, records what it changed as
//! [`Effects`] for the log, and tells what the reply depends on ([`Dependency`]), so that a server can hold it back until
//! that is safe. Of every other command the table has the metadata; the server executes it ([`ServerCommand`]).
//!
//! The crate must not know sockets, files, clocks, threads or configuration files: time is a number in the [`Context`],
//! settings are [`DataOptions`].
//!
//! * [`resolve`] finds the command a request names and checks its arity, or says what to reply instead.
//! * [`execute`] runs a data command in a [`Context`].
//! * [`WatchTable`] knows who watches which key, [`BlockingTable`] who waits for which; [`ExpireCycle`] removes keys
//!   nobody asks for any more.
//! * [`request_keys`] and the `reply_command_*` functions answer questions about commands.
//!
//! To add a command, declare its [`CommandSpec`] beside its function in the file of its family, and list it there.
//!
//! # Changing a key
//!
//! Whoever changes a key does, in this order: change it in the keyspace; `context.modified(&key)` (WATCH and client-side
//! caching; `context.store` does it by itself); `context.notify(class, event, &key)` with the event Redis publishes, if it
//! publishes one ([`EventClass`] has the classes); `context.log_verbatim` or `log_command`. A command that leaves a
//! collection empty removes the key and notifies `del` of [`EventClass::Generic`] behind its own event. `new` and
//! `keymiss` come from `context.store`, from `context.created` (for keys made otherwise) and from the lookups for reading.
//! Events of classes that `notify-keyspace-events` does not ask for cost one branch.
//!
//! # Waiting for a key
//!
//! A command that may wait (BLPOP, XREAD) is an ordinary data command. It parses its arguments, the timeout with
//! `timeouts::seconds_argument` or `milliseconds_argument`, looks at its keys, and if there is something to take, takes
//! and logs it as the command that does not wait (LPOP). If there is not, and `context.may_block` is set, it calls
//! `context.block(keys, BlockingWait { .. })` and returns without a reply; where it is not set (MULTI, scripts) it
//! replies its nil. The server executes the same request again when a key is ready, so the command needs no other entry
//! point and keeps nothing: whatever `context.modified` or a change of databases touches makes keys ready, and the
//! command simply looks again. When the time is over the server replies a null array. Where the meaning of a request
//! changes with time, as that of XREAD with `$` does, `context.block_as` takes the request to execute in its stead.
//!
//! # Example
//!
//! ```
//! use lastsave_commands::{
//!     BlockingTable, Context, DataOptions, DataStats, Dependency, Effect, Effects, FunctionLibraries, Signals,
//!     WatchTable, execute, resolve,
//! };
//! use lastsave_keyspace::{Keyspace, KeyspaceOptions};
//! use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer};
//! use rand::{SeedableRng, rngs::SmallRng};
//!
//! let input = b"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n$2\r\nEX\r\n$2\r\n10\r\n";
//! let mut batch = Batch::new();
//! Parser::new().parse(input, &Limits::default(), &mut batch, 1);
//! let request = batch.request(0, input);
//!
//! let mut effects = Effects::new();
//! let mut reply = ReplyBuffer::new(Protocol::Resp2);
//! let mut context = Context {
//!     keyspace: &mut Keyspace::new(&KeyspaceOptions::default()),
//!     functions: &mut FunctionLibraries::new(),
//!     db: 0,
//!     now_ms: 1_000_000,
//!     reply: &mut reply,
//!     effects: &mut effects,
//!     watches: &mut WatchTable::new(),
//!     blocking: &mut BlockingTable::new(),
//!     may_block: true,
//!     signals: &mut Signals::new(),
//!     client_id: 1,
//!     options: &DataOptions::default(),
//!     stats: &mut DataStats::default(),
//!     depends: &mut Dependency::Nothing,
//!     random: &mut SmallRng::seed_from_u64(1),
//!     replay: false,
//!     no_touch: false,
//! };
//! let spec = resolve(request).expect("SET is known and has enough arguments");
//! assert!(execute(spec, &mut context, request));
//!
//! assert_eq!(reply.to_vec(), b"+OK\r\n");
//! let logged = b"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n$4\r\nPXAT\r\n$7\r\n1010000\r\n";
//! assert_eq!(effects.iter().next(), Some(Effect::Command { db: 0, bytes: logged }));
//! ```

mod access;
mod bitmaps;
mod blocking;
mod context;
mod debug;
mod digest;
mod double;
mod effects;
mod eviction;
mod expire_cycle;
mod field_sweep;
mod functions;
#[doc(hidden)]
pub mod fuzzing;
mod generic;
mod geo;
mod glob;
mod hashes;
mod hyperloglog;
mod introspection;
mod lists;
mod long_double;
mod options;
mod random;
mod reply;
mod scan;
mod server;
mod sets;
mod signals;
mod sorted_sets;
mod spec;
mod streams;
mod strings;
mod table;
mod timeouts;
mod values;
mod watch;

pub use blocking::{AwaitedType, BlockingRequest, BlockingTable, BlockingWait, ReadyKey, Waiter};
pub use context::{Context, Dependency, execute};
pub use debug::{debug_digest_value, debug_object, debug_populate, debug_structure};
pub use digest::{DataDigest, dataset_digest, value_digest};
pub use effects::{Effect, Effects};
pub use eviction::{EvictionResult, Evictor, eviction_limit_us};
pub use expire_cycle::{ExpireCycle, ExpireCycleKind, ExpireOutcome};
pub use field_sweep::has_expiring_fields;
pub use functions::{FunctionLibraries, FunctionLibrary, LibraryError};
pub use generic::migrate::{encode_restore, keys_to_migrate, remove_migrated};
pub use glob::glob_matches;
pub use introspection::{reply_command_docs, reply_command_info, reply_command_keys};
pub use lastsave_collections::set_hash_seed;
pub use options::{DataOptions, DataStats, MaxmemoryPolicy, UnknownPolicy};
pub use reply::{reply_help, reply_unknown_subcommand};
pub use signals::{EventClass, Signal, Signals};
pub use spec::{
    Argument, ArgumentKind, BeginSearch, Categories, CommandSpec, DataCommand, DocFlags, FindKeys, Flags,
    Group, Handler, InvalidKeys, KeyFinder, KeyFlags, KeyFlagsResolver, KeyPosition, KeyPositions, KeyRange,
    KeySpec, ServerCommand, find_keys, request_keys,
};
pub use table::{
    Rejection, all_commands, check_arity, command_by_id, command_count, lookup, lookup_full, resolve,
};
pub use values::{Unstorable, new_string, rewrite_commands, with_new_value, write_value};
pub use watch::WatchTable;
