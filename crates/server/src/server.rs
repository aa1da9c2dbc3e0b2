//! Everything the executor thread owns.

use crossbeam_channel::Receiver;
use lastsave_commands::Effects;
use lastsave_config::Config;
use mio::Registry;

use crate::client::ClientTable;
use crate::clock::Clock;
use crate::command_names::CommandNames;
use crate::control::{ControlMessage, ShutdownFlag};
use crate::cron::CronState;
use crate::dataset::Dataset;
use crate::durability::{OwnDurability, Released};
use crate::eviction::EvictionState;
use crate::handlers::MigrateConnections;
use crate::hooks::Hooks;
use crate::identity::Identity;
use crate::key_waits::KeyWaitDeadlines;
use crate::net::buffer_pool::BufferPool;
use crate::net::listener::{ListenOptions, Listeners};
use crate::observation::Observation;
use crate::pause::Pause;
use crate::persistence::Persistence;
use crate::pubsub::{Outbox, PubSub};
use crate::queues::Queues;
use crate::serve::Serving;
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::tracking::TrackingTable;

/// The state of the server. One thread owns it; nothing in it is shared or locked.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where sockets are registered.
    pub(crate) registry: Registry,
    /// Messages of the control thread.
    pub(crate) inbox: Receiver<ControlMessage>,
    /// What the program around the server is told.
    pub(crate) hooks: Hooks,
    /// Whether it knows of a snapshot.
    pub(crate) snapshot_told: bool,
    /// Set while a shutdown is under way.
    pub(crate) shutting_down: ShutdownFlag,
    /// The configuration.
    pub(crate) config: Config,
    /// The file it came from, and how to write it back.
    pub(crate) config_source: crate::config_source::ConfigSource,
    /// What the data path reads of it.
    pub(crate) settings: Settings,
    /// Where the configuration says to listen, as of the last time that worked.
    pub(crate) listening: ListenOptions,
    /// Clients that the limit of open files allows.
    pub(crate) fitting_clients: usize,
    /// The data.
    pub(crate) dataset: Dataset,
    /// Snapshots and the log.
    pub(crate) persistence: Persistence,
    /// Effects of the command under way.
    pub(crate) effects: Effects,
    /// The time.
    pub(crate) clock: Clock,
    /// Counters.
    pub(crate) statistics: Statistics,
    /// Connected clients.
    pub(crate) clients: ClientTable,
    /// Listening sockets.
    pub(crate) listeners: Listeners,
    /// Query buffers not in use.
    pub(crate) buffers: BufferPool,
    /// Which clients need what.
    pub(crate) queues: Queues,
    /// Who listens to which channel.
    pub(crate) pubsub: PubSub,
    /// Messages of the command under way.
    pub(crate) outbox: Outbox,
    /// The slow log, the latency monitor, and who monitors.
    pub(crate) observation: Observation,
    /// Client-side caching.
    pub(crate) tracking: TrackingTable,
    /// CLIENT PAUSE.
    pub(crate) pause: Pause,
    /// Connections to servers that keys were sent to.
    pub(crate) migrate_connections: MigrateConnections,
    /// When clients blocked on keys stop waiting.
    pub(crate) key_wait_deadlines: KeyWaitDeadlines,
    /// Parsed input of the clients being served.
    pub(crate) serving: Vec<Serving>,
    /// Commands by the names clients use.
    pub(crate) names: CommandNames,
    /// Who this server is.
    pub(crate) identity: Identity,
    /// What periodic work remembers.
    pub(crate) cron: CronState,
    /// Log position up to which replies were let go at the last look.
    pub(crate) last_released: Released,
    /// What clients want of the log beyond its policy.
    pub(crate) own_durability: OwnDurability,
    /// Start of the command under way, in nanoseconds of the monotonic clock.
    pub(crate) command_started_ns: u64,
    /// When the turn under way stops executing commands, on the same clock.
    pub(crate) turn_ends_ns: u64,
    /// Listeners to try again after accepting failed.
    pub(crate) retry_accept: Vec<usize>,
    /// What `maxmemory` is about.
    pub(crate) eviction: EvictionState,
    /// Bytes of memory of its own that the process used before any data was there.
    pub(crate) memory_at_start_bytes: u64,
    /// Monotonic time of the last warning about a client that speaks HTTP.
    pub(crate) http_warned_ms: Option<u64>,
    /// Exit code, once the server is to end.
    pub(crate) exit_code: Option<i32>,
}
