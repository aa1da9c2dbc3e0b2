//! The data and what commands need to work on it, without any client.

use lastsave_commands::{
    BlockingTable, Context, DataOptions, DataStats, Dependency, Effects, EvictionResult, Evictor,
    ExpireCycle, ExpireCycleKind, FunctionLibraries, MaxmemoryPolicy, Signals, WatchTable,
};
use lastsave_config::{Choice as _, Config};
use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use lastsave_rdb::RdbVersion;
use lastsave_resp::{Protocol, ReplyBuffer};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use crate::pubsub::event_classes;

/// The keyspace with the state shared by all commands.
pub(crate) struct Dataset {
    /// All databases.
    pub(crate) keyspace: Keyspace,
    /// Function libraries.
    pub(crate) functions: FunctionLibraries,
    /// Configuration values that data commands read.
    pub(crate) options: DataOptions,
    /// What data commands count.
    pub(crate) stats: DataStats,
    /// Which client watches which key.
    pub(crate) watches: WatchTable,
    /// Which client waits for which key.
    pub(crate) blocking: BlockingTable,
    /// What commands announce.
    pub(crate) signals: Signals,
    /// Source of random choices.
    pub(crate) random: SmallRng,
    /// Where the active expire cycle is.
    pub(crate) expire_cycle: ExpireCycle,
    /// Which keys go next when memory is used up.
    evictor: Evictor,
}

/// For whom a command is executed, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) db: usize,
    pub(crate) now_ms: i64,
    pub(crate) client_id: u64,
    /// The client may be asked to wait for a key.
    pub(crate) may_block: bool,
    /// It comes from the log.
    pub(crate) replay: bool,
    /// CLIENT NO-TOUCH.
    pub(crate) no_touch: bool,
}

impl Caller {
    /// The log, whose commands are executed again.
    pub(crate) fn log(db: usize, now_ms: i64) -> Self {
        Self { db, now_ms, client_id: 0, may_block: false, replay: true, no_touch: false }
    }

    /// Nobody: keys go because of their time, or for want of memory.
    fn nobody(now_ms: i64) -> Self {
        Self { db: 0, now_ms, client_id: 0, may_block: false, replay: false, no_touch: true }
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dataset").field("keys", &self.keyspace.len_total()).finish_non_exhaustive()
    }
}

impl Dataset {
    /// Empty databases, as many as configured.
    pub(crate) fn new(config: &Config) -> Self {
        let mut dataset = Self {
            keyspace: Keyspace::new(&KeyspaceOptions {
                databases: config.databases,
                ..KeyspaceOptions::default()
            }),
            functions: FunctionLibraries::new(),
            options: DataOptions::default(),
            stats: DataStats::default(),
            watches: WatchTable::new(),
            blocking: BlockingTable::new(),
            signals: Signals::new(),
            random: SmallRng::from_os_rng(),
            expire_cycle: ExpireCycle::new(),
            evictor: Evictor::new(),
        };
        dataset.apply_config(config);
        dataset
    }

    /// One empty database with these settings, for making values away from the real one.
    pub(crate) fn with_options(options: DataOptions) -> Self {
        Self {
            keyspace: Keyspace::new(&KeyspaceOptions { databases: 1, ..KeyspaceOptions::default() }),
            functions: FunctionLibraries::new(),
            options,
            stats: DataStats::default(),
            watches: WatchTable::new(),
            blocking: BlockingTable::new(),
            signals: Signals::new(),
            random: SmallRng::seed_from_u64(0),
            expire_cycle: ExpireCycle::new(),
            evictor: Evictor::new(),
        }
    }

    /// Removes all keys and function libraries, before they are loaded again.
    pub(crate) fn empty(&mut self) {
        self.keyspace.flush_all();
        self.functions = FunctionLibraries::new();
    }

    /// What a command works with.
    #[inline]
    pub(crate) fn context<'a>(
        &'a mut self,
        caller: Caller,
        reply: &'a mut ReplyBuffer,
        effects: &'a mut Effects,
        depends: &'a mut Dependency,
    ) -> Context<'a> {
        let Caller { db, now_ms, client_id, may_block, replay, no_touch } = caller;
        Context {
            keyspace: &mut self.keyspace,
            functions: &mut self.functions,
            db,
            now_ms,
            reply,
            effects,
            watches: &mut self.watches,
            blocking: &mut self.blocking,
            may_block,
            signals: &mut self.signals,
            client_id,
            options: &self.options,
            stats: &mut self.stats,
            depends,
            random: &mut self.random,
            replay,
            no_touch,
        }
    }

    /// Takes over what the configuration says about data.
    pub(crate) fn apply_config(&mut self, config: &Config) {
        let policy = config.maxmemory_policy.word().parse::<MaxmemoryPolicy>().unwrap_or_default();
        if policy != self.options.maxmemory_policy {
            self.evictor.forget();
        }
        let version = RdbVersion::new(u16::from(config.rdb_write_version));
        self.signals.want_events(event_classes(config.notify_keyspace_events));
        self.options = DataOptions {
            proto_max_bulk_bytes: config.proto_max_bulk_len as u64,
            maxmemory_bytes: config.maxmemory,
            maxmemory_policy: policy,
            maxmemory_samples: config.maxmemory_samples as usize,
            lfu_log_factor: config.lfu_log_factor,
            lfu_decay_minutes: config.lfu_decay_time,
            lazyfree_lazy_expire: config.lazyfree_lazy_expire,
            lazyfree_lazy_server_del: config.lazyfree_lazy_server_del,
            lazyfree_lazy_eviction: config.lazyfree_lazy_eviction,
            active_expire_effort: config.active_expire_effort,
            rdb_write_version: version.unwrap_or(RdbVersion::V11),
            rdb_compression: config.rdbcompression,
            hash_max_listpack_entries: config.hash_max_listpack_entries,
            hash_max_listpack_value: config.hash_max_listpack_value,
            list_max_listpack_size: config.list_max_listpack_size,
            list_compress_depth: config.list_compress_depth,
            list_plain_bytes_min: self.options.list_plain_bytes_min,
            set_max_intset_entries: config.set_max_intset_entries,
            set_max_listpack_entries: config.set_max_listpack_entries,
            set_max_listpack_value: config.set_max_listpack_value,
            zset_max_listpack_entries: config.zset_max_listpack_entries,
            zset_max_listpack_value: config.zset_max_listpack_value,
            hll_sparse_max_bytes: config.hll_sparse_max_bytes,
            stream_node_max_bytes: config.stream_node_max_bytes,
            stream_node_max_entries: config.stream_node_max_entries,
            is_expiry_paused: self.options.is_expiry_paused,
            skip_dump_checksum: self.options.skip_dump_checksum,
        };
    }

    /// Runs one active expire cycle; what it removed is in `effects`, each key a unit of its own. `clock_us` is monotonic.
    /// Gives whether it ran out of time.
    pub(crate) fn expire(
        &mut self,
        kind: ExpireCycleKind,
        now_ms: i64,
        clock_us: &mut dyn FnMut() -> u64,
        effects: &mut Effects,
    ) -> bool {
        let mut cycle = std::mem::take(&mut self.expire_cycle);
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        let mut depends = Dependency::Nothing;
        let mut context = self.context(Caller::nobody(now_ms), &mut reply, effects, &mut depends);
        let timed_out = cycle.run(&mut context, kind, clock_us).timed_out;
        self.expire_cycle = cycle;
        timed_out
    }

    /// Gives up keys until the data are smaller by `excess_bytes`; what went is in `effects`, each key a unit of its own.
    /// `clock_us` is monotonic.
    pub(crate) fn evict(
        &mut self,
        excess_bytes: u64,
        limit_us: u64,
        now_ms: i64,
        clock_us: &mut dyn FnMut() -> u64,
        effects: &mut Effects,
    ) -> EvictionResult {
        let mut evictor = std::mem::take(&mut self.evictor);
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        let mut depends = Dependency::Nothing;
        let mut context = self.context(Caller::nobody(now_ms), &mut reply, effects, &mut depends);
        let result = evictor.run(&mut context, excess_bytes, limit_us, clock_us);
        self.evictor = evictor;
        result
    }
}
