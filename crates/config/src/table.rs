//! The one table of directives. `Config`, its defaults, CONFIG GET, SET and REWRITE, the parser and the
//! manual all come from these rows; nothing about a directive is said anywhere else.
//!
//! A row reads: summary, name (and alias), field, type, kind with bounds and default, who may change it, what
//! it does here.

use crate::checks;
use crate::choices::*;
use crate::directive::Effect::{Moot, NotYet, Works};
use crate::directive::{Directive, Field, Traits};
use crate::flag_sets::{KeyspaceEvents, KeyspaceEventsKind, ShutdownFlags, ShutdownFlagsKind};
use crate::kind::{Flag, INT_MAX, Kind, LONG_MAX, Number, OneOf, Plain, UINT_MAX, ULONG_MAX};
use crate::output_limits::{OutputLimits, OutputLimitsKind};
use crate::save_points::{SavePoint, SavePoints};
use crate::special::{
    Bind, ClientMemory, ClientMemoryKind, Directory, OomScores, Percentiles, ReplicaOf, ReplicaOfKind,
};
use crate::text::Text;

const RUNTIME: Traits = Traits::RUNTIME;
const IMMUTABLE: Traits = Traits::IMMUTABLE;
const HIDDEN: Traits = Traits::RUNTIME.hidden();
const OURS: Traits = Traits::RUNTIME.ours();

const NO_TLS: &str = "TLS is not supported by this server";
const NO_CLUSTER: &str = "cluster mode is not supported by this server";

macro_rules! directives {
    ($(
        [$section:literal]
        $(
            $(#[doc = $doc:literal])+
            $name:literal $(| $alias:literal)? => $field:ident: $value:ty = $kind:expr, $traits:expr, $effect:expr;
        )+
    )+) => {
        /// The typed values of all directives, read as plain fields.
        ///
        /// A field has its directive's name with `_` for `-`. The server may set a field itself when a
        /// command changes what the directive says (REPLICAOF does); everything users change goes through
        /// [`Config::set`](crate::Config::set).
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $( $( $(#[doc = $doc])+ pub $field: $value, )+ )+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $( $( $field: Kind::default(&$kind), )+ )+ }
            }
        }

        pub(crate) static DIRECTIVES: &[Directive] = &[
            $( $(
                Directive {
                    name: $name,
                    aliases: &[$($alias)?],
                    section: $section,
                    summary: concat!($($doc),+),
                    traits: $traits,
                    effect: $effect,
                    slot: &Field {
                        kind: $kind,
                        get: |config| &config.$field,
                        get_mut: |config| &mut config.$field,
                    },
                },
            )+ )+
        ];
    };
}

directives! {
    ["Snapshots"]
    /// Save points: pairs of seconds and changes. A snapshot is taken when that many changes were made and
    /// that much time has passed since the last one.
    "save" => save: Vec<SavePoint> = SavePoints, RUNTIME, Works;
    /// Refuse writes while the last background save has failed.
    "stop-writes-on-bgsave-error" => stop_writes_on_bgsave_error: bool = Flag::new(true), RUNTIME, Works;
    /// Compress strings in snapshots with LZF.
    "rdbcompression" => rdbcompression: bool = Flag::new(true), RUNTIME, Works;
    /// Write a CRC-64 at the end of snapshots and verify it when loading.
    "rdbchecksum" => rdbchecksum: bool = Flag::new(true), IMMUTABLE, Works;
    /// The name of the snapshot file in `dir`.
    "dbfilename" => dbfilename: Text = Plain::new("dump.rdb").checked(checks::dbfilename), RUNTIME.protected(), Works;
    /// The working directory: snapshots, the log directory and relative paths live in it.
    "dir" => dir: Text = Directory, RUNTIME.protected().denied_while_loading(), Works;
    /// Remove the files of a synchronisation with a master when neither save points nor the log want them.
    "rdb-del-sync-files" => rdb_del_sync_files: bool = Flag::new(false), RUNTIME, NotYet;
    /// Sync every 4 MiB while a snapshot is written, so that the last sync is short.
    "rdb-save-incremental-fsync" => rdb_save_incremental_fsync: bool = Flag::new(true), RUNTIME, Works;
    /// How deeply packed values in snapshots and RESTORE payloads are checked: always wholly, whatever is set.
    "sanitize-dump-payload" => sanitize_dump_payload: SanitizeDumpPayload =
        OneOf(SanitizeDumpPayload::No), RUNTIME, Moot;
    /// The RDB version that BGSAVE, log bases, DUMP and MIGRATE write. 9 and 10 load in Redis before 7.2, 12 in Redis
    /// 7.4 and later.
    "rdb-write-version" => rdb_write_version: u8 = Number::integer(9, 12, 11), OURS, Works;
    /// At `snapshot-max-extra-memory`: cancel the snapshot, which has failed then, or let writers wait for it.
    "snapshot-over-budget" => snapshot_over_budget: SnapshotOverBudget = OneOf(SnapshotOverBudget::Cancel), OURS, Works;
    /// Memory that a snapshot may keep alive beyond the dataset; 0: no limit. From 90 % on it hurries.
    "snapshot-max-extra-memory" => snapshot_max_extra_memory: u64 = Number::memory(0, LONG_MAX, 0), OURS, Works;
    /// Bytes per second that BGSAVE, save points and rewrites write at most; 0: no limit. Near the memory that a snapshot may
    /// cost there is none, nor for SAVE and SHUTDOWN.
    "snapshot-max-bytes-per-second" => snapshot_max_bytes_per_second: u64 = Number::memory(0, LONG_MAX, 0), OURS, Works;
    /// A test aid: microseconds to sleep per key saved; negative means one microsecond every that many keys.
    "rdb-key-save-delay" => rdb_key_save_delay: i32 = Number::integer(i32::MIN, INT_MAX, 0), HIDDEN, Works;
    /// A test aid: microseconds to sleep per key or command loaded; negative as for `rdb-key-save-delay`.
    "key-load-delay" => key_load_delay: i32 = Number::integer(i32::MIN, INT_MAX, 0), HIDDEN, Works;
    /// Clients are served once every that many bytes of a load.
    "loading-process-events-interval-bytes" => loading_process_events_interval_bytes: u64 =
        Number::integer(1024, INT_MAX, 2 << 20), HIDDEN, Works;

    ["Append-only log"]
    /// Keep a log of all writes and load it at start.
    "appendonly" => appendonly: bool = Flag::new(false), RUNTIME.denied_while_loading(), Works;
    /// The stem of the log's file names.
    "appendfilename" => appendfilename: Text =
        Plain::new("appendonly.aof").checked(checks::appendfilename), IMMUTABLE, Works;
    /// The directory of the log, inside `dir`.
    "appenddirname" => appenddirname: Text =
        Plain::new("appendonlydir").checked(checks::appenddirname), IMMUTABLE, Works;
    /// The directory of what BACKUP makes, inside `dir`.
    "backupdirname" => backupdirname: Text =
        Plain::new("backups").checked(checks::backupdirname), IMMUTABLE.ours(), Works;
    /// When the log is synced: see the table of guarantees in the operations guide.
    "appendfsync" => appendfsync: AppendFsync = OneOf(AppendFsync::Everysec), RUNTIME, Works;
    /// What `everysec` does when the disk cannot keep up: hold back replies to writers so that the data at
    /// risk stays bounded, or go on as Redis does.
    "appendfsync-overload" => appendfsync_overload: AppendfsyncOverload =
        OneOf(AppendfsyncOverload::SlowWriters), OURS, Works;
    /// In Redis: do not sync the log while a snapshot or a rewrite runs. Here neither disturbs the syncs.
    "no-appendfsync-on-rewrite" => no_appendfsync_on_rewrite: bool = Flag::new(false), RUNTIME, Moot;
    /// Rewrite the log when it has grown by this percentage over its base; 0 means never.
    "auto-aof-rewrite-percentage" => auto_aof_rewrite_percentage: u32 =
        Number::integer(0, INT_MAX, 100), RUNTIME, Works;
    /// Do not rewrite a log smaller than this.
    "auto-aof-rewrite-min-size" => auto_aof_rewrite_min_size: u64 =
        Number::memory(0, LONG_MAX, 64 << 20), RUNTIME, Works;
    /// Start from a log whose last file ends in the middle of a command, by cutting it off.
    "aof-load-truncated" => aof_load_truncated: bool = Flag::new(true), RUNTIME, Works;
    /// Also cut off a damaged tail of the last file up to this size instead of refusing to start; 0: never.
    "aof-load-corrupt-tail-max-size" => aof_load_corrupt_tail_max_size: u64 =
        Number::memory(0, LONG_MAX, 0), OURS, Works;
    /// Write the base of the log as a snapshot instead of commands.
    "aof-use-rdb-preamble" => aof_use_rdb_preamble: bool = Flag::new(true), RUNTIME, Works;
    /// Write the time into the log, for recovery to a point in time.
    "aof-timestamp-enabled" => aof_timestamp_enabled: bool = Flag::new(false), RUNTIME, Works;
    /// End every write to the log with a checksummed frame, which tells a torn tail from corruption.
    "aof-frames" => aof_frames: bool = Flag::new(true), OURS, Works;
    /// Under `appendfsync always`, keep prepared space ahead of the writer, which makes a sync cheaper.
    "aof-prepare" => aof_prepare: bool = Flag::new(true), OURS, Works;
    /// Close connections, unanswered, whose reply waits for a failing log for so many milliseconds; 0: never.
    "aof-held-reply-timeout" => aof_held_reply_timeout: u32 = Number::integer(0, INT_MAX, 30_000), OURS, Works;
    /// With `appendonly yes`, no log and a snapshot file: load the snapshot and make it the log's base. `no`
    /// starts empty beside it as Redis does.
    "aof-import-rdb" => aof_import_rdb: bool = Flag::new(true), OURS, Works;
    /// Sync every 4 MiB while the log is rewritten.
    "aof-rewrite-incremental-fsync" => aof_rewrite_incremental_fsync: bool = Flag::new(true), RUNTIME, Works;
    /// Retain files that a rewrite has made superfluous for so many seconds; 0: whatever their age.
    "aof-retain-age" => aof_retain_age: u64 = Number::integer(0, LONG_MAX, 0), OURS, Works;
    /// Retain such files up to so many bytes together; 0: however many. With both at 0 nothing is retained.
    "aof-retain-size" => aof_retain_size: u64 = Number::memory(0, LONG_MAX, 0), OURS, Works;
    /// Keep the files a rewrite has replaced.
    "aof-disable-auto-gc" => aof_disable_auto_gc: bool = Flag::new(false), HIDDEN, Works;
    /// What to do when a command from the log or the master is answered with an error.
    "propagation-error-behavior" => propagation_error_behavior: PropagationErrorBehavior =
        OneOf(PropagationErrorBehavior::Ignore), RUNTIME, NotYet;

    ["Network"]
    /// Addresses to listen on. A `-` in front means that the address may be missing.
    "bind" => bind: Vec<Text> = Bind, RUNTIME, Works;
    /// The address outgoing connections come from.
    "bind-source-addr" => bind_source_addr: Text = Plain::unset(), RUNTIME, NotYet;
    /// Refuse clients of other hosts while no password is set and no address was chosen.
    "protected-mode" => protected_mode: bool = Flag::new(true), RUNTIME, Works;
    /// The TCP port; 0 means none.
    "port" => port: u16 = Number::integer(0, 65535, 6379), RUNTIME, Works;
    /// The length of the queue of connections not yet accepted.
    "tcp-backlog" => tcp_backlog: u32 = Number::integer(0, INT_MAX, 511), IMMUTABLE, Works;
    /// The path of a Unix socket to listen on.
    "unixsocket" => unixsocket: Text = Plain::unset(), IMMUTABLE, Works;
    /// The permissions of the Unix socket, octal; 0 leaves them to the umask.
    "unixsocketperm" => unixsocketperm: u32 = Number::octal(0, 0o777, 0), IMMUTABLE, Works;
    /// Close a client's connection after this many idle seconds; 0 means never.
    "timeout" => timeout: u32 = Number::integer(0, INT_MAX, 0), RUNTIME, Works;
    /// Seconds between TCP keepalive probes; 0 means none.
    "tcp-keepalive" => tcp_keepalive: u32 = Number::integer(0, INT_MAX, 300), RUNTIME, Works;
    /// The mark set on listening sockets (SO_MARK on Linux); 0 means none.
    "socket-mark-id" => socket_mark_id: u32 = Number::integer(0, UINT_MAX, 0), IMMUTABLE, NotYet;

    ["TLS"]
    /// The TLS port. There is no TLS: anything but 0 is refused, so that nobody believes to be protected.
    "tls-port" => tls_port: u16 = Number::integer(0, 65535, 0).only_default(NO_TLS), RUNTIME, NotYet;
    /// Use TLS on the cluster bus.
    "tls-cluster" => tls_cluster: bool = Flag::always_no(NO_TLS), RUNTIME, NotYet;
    /// Use TLS towards the master.
    "tls-replication" => tls_replication: bool = Flag::always_no(NO_TLS), RUNTIME, NotYet;
    /// Whether clients must show a certificate.
    "tls-auth-clients" => tls_auth_clients: TlsAuthClients = OneOf(TlsAuthClients::Yes), RUNTIME, NotYet;
    /// The server's certificate.
    "tls-cert-file" => tls_cert_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// The server's key.
    "tls-key-file" => tls_key_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// The passphrase of the server's key.
    "tls-key-file-pass" => tls_key_file_pass: Text = Plain::unset(), RUNTIME.sensitive(), NotYet;
    /// The certificate for outgoing connections.
    "tls-client-cert-file" => tls_client_cert_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// The key for outgoing connections.
    "tls-client-key-file" => tls_client_key_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// The passphrase of the key for outgoing connections.
    "tls-client-key-file-pass" => tls_client_key_file_pass: Text = Plain::unset(), RUNTIME.sensitive(), NotYet;
    /// Diffie-Hellman parameters.
    "tls-dh-params-file" => tls_dh_params_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// Certificates of trusted authorities, in one file.
    "tls-ca-cert-file" => tls_ca_cert_file: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// Certificates of trusted authorities, in a directory.
    "tls-ca-cert-dir" => tls_ca_cert_dir: Text = Plain::unset(), RUNTIME.volatile(), NotYet;
    /// The protocol versions offered.
    "tls-protocols" => tls_protocols: Text = Plain::unset(), RUNTIME, NotYet;
    /// The ciphers up to TLS 1.2.
    "tls-ciphers" => tls_ciphers: Text = Plain::unset(), RUNTIME, NotYet;
    /// The ciphers of TLS 1.3.
    "tls-ciphersuites" => tls_ciphersuites: Text = Plain::unset(), RUNTIME, NotYet;
    /// Prefer the server's order of ciphers.
    "tls-prefer-server-ciphers" => tls_prefer_server_ciphers: bool = Flag::new(false), RUNTIME, NotYet;
    /// Cache TLS sessions.
    "tls-session-caching" => tls_session_caching: bool = Flag::new(true), RUNTIME, NotYet;
    /// How many TLS sessions are cached.
    "tls-session-cache-size" => tls_session_cache_size: u32 = Number::integer(0, INT_MAX, 20 * 1024), RUNTIME, NotYet;
    /// Seconds a TLS session is cached.
    "tls-session-cache-timeout" => tls_session_cache_timeout: u32 = Number::integer(0, INT_MAX, 300), RUNTIME, NotYet;

    ["General"]
    /// Run in the background.
    "daemonize" => daemonize: bool = Flag::new(false), IMMUTABLE, Works;
    /// The service manager to tell about the start.
    "supervised" => supervised: Supervised = OneOf(Supervised::No), IMMUTABLE, NotYet;
    /// A file for the process id.
    "pidfile" => pidfile: Text = Plain::unset(), IMMUTABLE, Works;
    /// The least important messages that are logged.
    "loglevel" => loglevel: LogLevel = OneOf(LogLevel::Notice), RUNTIME, Works;
    /// The log file; empty means standard output.
    "logfile" => logfile: Text = Plain::new(""), IMMUTABLE, Works;
    /// Log to syslog as well.
    "syslog-enabled" => syslog_enabled: bool = Flag::new(false), IMMUTABLE, NotYet;
    /// The name in syslog lines.
    "syslog-ident" => syslog_ident: Text = Plain::new("redis"), IMMUTABLE, NotYet;
    /// The facility of syslog lines.
    "syslog-facility" => syslog_facility: SyslogFacility = OneOf(SyslogFacility::Local0), IMMUTABLE, NotYet;
    /// Write a report to the log when the process dies of an internal error or of SIGABRT.
    "crash-log-enabled" => crash_log_enabled: bool = Flag::new(true), RUNTIME, Works;
    /// Test the memory as part of that report.
    "crash-memcheck-enabled" => crash_memcheck_enabled: bool = Flag::new(true), RUNTIME, Moot;
    /// Leave with exit instead of abort after a fatal internal error.
    "use-exit-on-panic" => use_exit_on_panic: bool = Flag::new(false), HIDDEN, Moot;
    /// The number of databases.
    "databases" => databases: usize = Number::integer(1, INT_MAX, 16), IMMUTABLE, Works;
    /// Show the logo even when the log is not a terminal.
    "always-show-logo" => always_show_logo: bool = Flag::new(false), IMMUTABLE, Works;
    /// Change the process title.
    "set-proc-title" => set_proc_title: bool = Flag::new(true), IMMUTABLE, NotYet;
    /// The process title: `{title} {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file}`.
    "proc-title-template" => proc_title_template: Text =
        Plain::new("{title} {listen-addr} {server-mode}").checked(checks::proc_title_template), RUNTIME, NotYet;
    /// The locale that compares strings in SORT ALPHA.
    "locale-collate" => locale_collate: Text = Plain::new("").checked(checks::locale_collate), RUNTIME, Moot;
    /// Start-up warnings not to act upon.
    "ignore-warnings" => ignore_warnings: Text = Plain::new(""), RUNTIME, Moot;
    /// How many times a second periodic work runs; values outside 1 to 500 are moved to the nearest end.
    "hz" => hz: u32 = Number::integer(0, INT_MAX, 10).clamped(1, 500), RUNTIME, Works;
    /// Run periodic work more often while many clients are connected.
    "dynamic-hz" => dynamic_hz: bool = Flag::new(true), RUNTIME, Moot;
    /// Seconds to wait for lagging replicas before leaving.
    "shutdown-timeout" => shutdown_timeout: u32 = Number::integer(0, INT_MAX, 10), RUNTIME, Works;
    /// What SIGINT does besides ending the server.
    "shutdown-on-sigint" => shutdown_on_sigint: ShutdownFlags = ShutdownFlagsKind, RUNTIME, Works;
    /// What SIGTERM does besides ending the server.
    "shutdown-on-sigterm" => shutdown_on_sigterm: ShutdownFlags = ShutdownFlagsKind, RUNTIME, Works;
    /// Who may set protected directives (`dir`, `dbfilename`) with CONFIG SET.
    "enable-protected-configs" => enable_protected_configs: ProtectedAction =
        OneOf(ProtectedAction::No), IMMUTABLE, Works;
    /// Who may call DEBUG.
    "enable-debug-command" => enable_debug_command: ProtectedAction = OneOf(ProtectedAction::No), IMMUTABLE, Works;
    /// Who may call MODULE.
    "enable-module-command" => enable_module_command: ProtectedAction = OneOf(ProtectedAction::No), IMMUTABLE, NotYet;
    /// Send SIGALRM after this many milliseconds of a stalled event loop, to debug; 0 means never.
    "watchdog-period" => watchdog_period: u32 = Number::integer(0, INT_MAX, 0), HIDDEN, Moot;

    ["Security"]
    /// The password of the default user.
    "requirepass" => requirepass: Text = Plain::password(), RUNTIME.sensitive(), Works;
    /// A file with the users, instead of `user` lines.
    "aclfile" => aclfile: Text = Plain::new(""), IMMUTABLE, NotYet;
    /// How many entries ACL LOG keeps.
    "acllog-max-len" => acllog_max_len: u64 = Number::integer(0, LONG_MAX, 128), RUNTIME, NotYet;
    /// Which channels a new user may use.
    "acl-pubsub-default" => acl_pubsub_default: AclPubsubDefault =
        OneOf(AclPubsubDefault::Resetchannels), RUNTIME, NotYet;

    ["Clients"]
    /// How many clients may be connected.
    "maxclients" => maxclients: u32 = Number::integer(1, UINT_MAX, 10_000), RUNTIME, Works;
    /// Limits of output waiting for clients that do not read.
    "client-output-buffer-limit" => client_output_buffer_limit: OutputLimits = OutputLimitsKind, RUNTIME, Works;
    /// How much a client may have sent without completing a command.
    "client-query-buffer-limit" => client_query_buffer_limit: usize =
        Number::memory(1 << 20, LONG_MAX, 1 << 30), RUNTIME, Works;
    /// The longest argument of a command.
    "proto-max-bulk-len" => proto_max_bulk_len: usize = Number::memory(1 << 20, LONG_MAX, 512 << 20), RUNTIME, Works;
    /// Memory of all clients together, in bytes or percent of `maxmemory`, beyond which clients are
    /// disconnected.
    "maxmemory-clients" => maxmemory_clients: ClientMemory = ClientMemoryKind, RUNTIME, Works;
    /// How many keys server-assisted client caching remembers.
    "tracking-table-max-keys" => tracking_table_max_keys: u64 = Number::integer(0, LONG_MAX, 1_000_000), RUNTIME, Works;
    /// Publish events about keys; letters as in Redis.
    "notify-keyspace-events" => notify_keyspace_events: KeyspaceEvents = KeyspaceEventsKind, RUNTIME, Works;
    /// Milliseconds after which a running script makes other clients be told BUSY.
    "busy-reply-threshold" | "lua-time-limit" => busy_reply_threshold: u64 =
        Number::integer(0, LONG_MAX, 5000), RUNTIME, NotYet;

    ["Memory"]
    /// How much memory the dataset may use; 0 means no limit.
    "maxmemory" => maxmemory: u64 = Number::memory(0, ULONG_MAX, 0), RUNTIME, Works;
    /// What is evicted at `maxmemory`.
    "maxmemory-policy" => maxmemory_policy: MaxmemoryPolicy =
        OneOf(MaxmemoryPolicy::Noeviction), RUNTIME, Works;
    /// How many keys are looked at to find one to evict.
    "maxmemory-samples" => maxmemory_samples: u32 = Number::integer(1, INT_MAX, 5), RUNTIME, Works;
    /// How much time eviction may take: 0 the least, 100 without limit.
    "maxmemory-eviction-tenacity" => maxmemory_eviction_tenacity: u32 =
        Number::integer(0, 100, 10), RUNTIME, Works;
    /// A replica leaves evicting to its master.
    "replica-ignore-maxmemory" | "slave-ignore-maxmemory" => replica_ignore_maxmemory: bool =
        Flag::new(true), RUNTIME, NotYet;
    /// How fast the frequency counter of LFU saturates.
    "lfu-log-factor" => lfu_log_factor: u32 = Number::integer(0, INT_MAX, 10), RUNTIME, Works;
    /// Minutes after which the frequency counter of LFU is lowered.
    "lfu-decay-time" => lfu_decay_time: u32 = Number::integer(0, INT_MAX, 1), RUNTIME, Works;
    /// How hard expired keys are looked for, 1 to 10.
    "active-expire-effort" => active_expire_effort: u32 = Number::integer(1, 10, 1), RUNTIME, Works;
    /// Free evicted values in the background. They always are; this decides how the removal is logged.
    "lazyfree-lazy-eviction" => lazyfree_lazy_eviction: bool = Flag::new(false), RUNTIME, Works;
    /// Free expired values in the background. They always are; this decides how the removal is logged.
    "lazyfree-lazy-expire" => lazyfree_lazy_expire: bool = Flag::new(false), RUNTIME, Works;
    /// Free overwritten values in the background. They always are; this decides how the removal is logged.
    "lazyfree-lazy-server-del" => lazyfree_lazy_server_del: bool = Flag::new(false), RUNTIME, Works;
    /// DEL behaves like UNLINK. It always does.
    "lazyfree-lazy-user-del" => lazyfree_lazy_user_del: bool = Flag::new(false), RUNTIME, Moot;
    /// FLUSHALL, FLUSHDB and SCRIPT FLUSH free in the background by default. They always do.
    "lazyfree-lazy-user-flush" => lazyfree_lazy_user_flush: bool = Flag::new(false), RUNTIME, Moot;
    /// A replica frees its old dataset in the background.
    "replica-lazy-flush" | "slave-lazy-flush" => replica_lazy_flush: bool = Flag::new(false), RUNTIME, Moot;
    /// Adjust the kernel's out-of-memory score of the process.
    "oom-score-adj" => oom_score_adj: OomScoreAdj = OneOf(OomScoreAdj::No), RUNTIME, NotYet;
    /// The scores for a master, a replica and background work.
    "oom-score-adj-values" => oom_score_adj_values: [i32; 3] = OomScores, RUNTIME, NotYet;
    /// Keep transparent huge pages off. This server does not fork, so they do no harm.
    "disable-thp" => disable_thp: bool = Flag::new(true), IMMUTABLE, Moot;
    /// Use a small part of the time to shrink hash tables. Tables grow in small steps here and need no
    /// rehashing.
    "activerehashing" => activerehashing: bool = Flag::new(true), RUNTIME, Moot;
    /// Let jemalloc purge in the background.
    "jemalloc-bg-thread" => jemalloc_bg_thread: bool = Flag::new(true), RUNTIME, Moot;
    /// Defragment memory while running. Needs the allocator that Redis ships, as in Redis.
    "activedefrag" => activedefrag: bool = Flag::always_no(
        "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like \
         the one shipped by default with the Redis source distribution").tolerated_in_file(), RUNTIME, Moot;
    /// Do not defragment below this many wasted bytes.
    "active-defrag-ignore-bytes" => active_defrag_ignore_bytes: u64 =
        Number::memory(1, LONG_MAX, 100 << 20), RUNTIME, Moot;
    /// Start to defragment at this percentage of fragmentation.
    "active-defrag-threshold-lower" => active_defrag_threshold_lower: u32 =
        Number::integer(0, 1000, 10), RUNTIME, Moot;
    /// Defragment at full effort at this percentage.
    "active-defrag-threshold-upper" => active_defrag_threshold_upper: u32 =
        Number::integer(0, 1000, 100), RUNTIME, Moot;
    /// The least effort in percent of the time.
    "active-defrag-cycle-min" => active_defrag_cycle_min: u32 = Number::integer(1, 99, 1), RUNTIME, Moot;
    /// The greatest effort in percent of the time.
    "active-defrag-cycle-max" => active_defrag_cycle_max: u32 = Number::integer(1, 99, 25), RUNTIME, Moot;
    /// Larger collections are defragmented in parts.
    "active-defrag-max-scan-fields" => active_defrag_max_scan_fields: u64 =
        Number::integer(1, LONG_MAX, 1000), RUNTIME, Moot;

    ["Encodings"]
    /// The most fields of a hash kept packed.
    "hash-max-listpack-entries" | "hash-max-ziplist-entries" => hash_max_listpack_entries: usize =
        Number::integer(0, LONG_MAX, 512), RUNTIME, Works;
    /// The longest field or value of a hash kept packed.
    "hash-max-listpack-value" | "hash-max-ziplist-value" => hash_max_listpack_value: usize =
        Number::memory(0, LONG_MAX, 64), RUNTIME, Works;
    /// The size of a list's nodes: positive is entries, -1 to -5 is 4 to 64 kb.
    "list-max-listpack-size" | "list-max-ziplist-size" => list_max_listpack_size: i32 =
        Number::integer(i32::MIN, INT_MAX, -2), RUNTIME, Works;
    /// How many nodes at each end of a list are left uncompressed; 0 means all.
    "list-compress-depth" => list_compress_depth: u32 = Number::integer(0, INT_MAX, 0), RUNTIME, Works;
    /// The most members of a set of integers kept packed.
    "set-max-intset-entries" => set_max_intset_entries: usize = Number::integer(0, LONG_MAX, 512), RUNTIME, Works;
    /// The most members of a set kept packed.
    "set-max-listpack-entries" => set_max_listpack_entries: usize =
        Number::integer(0, LONG_MAX, 128), RUNTIME, Works;
    /// The longest member of a set kept packed.
    "set-max-listpack-value" => set_max_listpack_value: usize = Number::integer(0, LONG_MAX, 64), RUNTIME, Works;
    /// The most members of a sorted set kept packed.
    "zset-max-listpack-entries" | "zset-max-ziplist-entries" => zset_max_listpack_entries: usize =
        Number::integer(0, LONG_MAX, 128), RUNTIME, Works;
    /// The longest member of a sorted set kept packed.
    "zset-max-listpack-value" | "zset-max-ziplist-value" => zset_max_listpack_value: usize =
        Number::memory(0, LONG_MAX, 64), RUNTIME, Works;
    /// The largest HyperLogLog kept sparse.
    "hll-sparse-max-bytes" => hll_sparse_max_bytes: usize = Number::memory(0, LONG_MAX, 3000), RUNTIME, Works;
    /// The size of a stream's nodes in bytes; 0 means no limit.
    "stream-node-max-bytes" => stream_node_max_bytes: usize = Number::memory(0, LONG_MAX, 4096), RUNTIME, Works;
    /// The size of a stream's nodes in entries; 0 means no limit.
    "stream-node-max-entries" => stream_node_max_entries: u64 = Number::integer(0, LONG_MAX, 100), RUNTIME, Works;

    ["Observation"]
    /// Log commands slower than this many microseconds in the slow log; 0 logs all, -1 none.
    "slowlog-log-slower-than" => slowlog_log_slower_than: i64 =
        Number::integer(-1, LONG_MAX, 10_000), RUNTIME, Works;
    /// How many entries the slow log keeps.
    "slowlog-max-len" => slowlog_max_len: u64 = Number::integer(0, LONG_MAX, 128), RUNTIME, Works;
    /// Record events that took at least this many milliseconds; 0 means none.
    "latency-monitor-threshold" => latency_monitor_threshold: u64 =
        Number::integer(0, LONG_MAX, 0), RUNTIME, Works;
    /// Keep a histogram of the time of each command.
    "latency-tracking" => latency_tracking: bool = Flag::new(true), RUNTIME, Works;
    /// The percentiles INFO latencystats shows.
    "latency-tracking-info-percentiles" => latency_tracking_info_percentiles: Vec<f64> =
        Percentiles, RUNTIME, Works;

    ["Threads"]
    /// How many threads write to and read from sockets.
    "io-threads" => io_threads: u32 = Number::integer(1, 128, 1), IMMUTABLE, Moot;
    /// Let those threads read as well.
    "io-threads-do-reads" => io_threads_do_reads: bool = Flag::new(false), IMMUTABLE, Moot;
    /// The processors of the main thread.
    "server_cpulist" => server_cpulist: Text = Plain::unset(), IMMUTABLE, NotYet;
    /// The processors of background threads.
    "bio_cpulist" => bio_cpulist: Text = Plain::unset(), IMMUTABLE, NotYet;
    /// The processors that rewrite the log.
    "aof_rewrite_cpulist" => aof_rewrite_cpulist: Text = Plain::unset(), IMMUTABLE, NotYet;
    /// The processors that write snapshots.
    "bgsave_cpulist" => bgsave_cpulist: Text = Plain::unset(), IMMUTABLE, NotYet;

    ["Replication"]
    /// The master to replicate from.
    "replicaof" | "slaveof" => replicaof: Option<ReplicaOf> = ReplicaOfKind, IMMUTABLE, NotYet;
    /// The user to log in as at the master.
    "masteruser" => masteruser: Text = Plain::unset(), RUNTIME.sensitive(), NotYet;
    /// The password at the master.
    "masterauth" => masterauth: Text = Plain::password(), RUNTIME.sensitive(), NotYet;
    /// Answer from old data while the master is away.
    "replica-serve-stale-data" | "slave-serve-stale-data" => replica_serve_stale_data: bool =
        Flag::new(true), RUNTIME, NotYet;
    /// Refuse writes of clients on a replica.
    "replica-read-only" | "slave-read-only" => replica_read_only: bool = Flag::new(true), RUNTIME, NotYet;
    /// Send snapshots to replicas without a file.
    "repl-diskless-sync" => repl_diskless_sync: bool = Flag::new(true), RUNTIME, NotYet;
    /// Seconds to wait for more replicas before that.
    "repl-diskless-sync-delay" => repl_diskless_sync_delay: u32 = Number::integer(0, INT_MAX, 5), RUNTIME, NotYet;
    /// Do not wait longer when this many replicas have come; 0 means no such number.
    "repl-diskless-sync-max-replicas" => repl_diskless_sync_max_replicas: u32 =
        Number::integer(0, INT_MAX, 0), RUNTIME, NotYet;
    /// Load a master's snapshot without a file.
    "repl-diskless-load" => repl_diskless_load: ReplDisklessLoad =
        OneOf(ReplDisklessLoad::Disabled), RUNTIME.denied_while_loading(), NotYet;
    /// Collect small writes to replicas into larger packets.
    "repl-disable-tcp-nodelay" => repl_disable_tcp_nodelay: bool = Flag::new(false), RUNTIME, NotYet;
    /// Seconds between pings to replicas.
    "repl-ping-replica-period" | "repl-ping-slave-period" => repl_ping_replica_period: u32 =
        Number::integer(1, INT_MAX, 10), RUNTIME, NotYet;
    /// Seconds without a sign of life after which a replication link is broken.
    "repl-timeout" => repl_timeout: u32 = Number::integer(1, INT_MAX, 60), RUNTIME, NotYet;
    /// The size of the backlog for replicas that come back; at least 16kb is kept.
    "repl-backlog-size" => repl_backlog_size: u64 =
        Number::memory(1, LONG_MAX, 1 << 20).clamped(16 << 10, i64::MAX as u64), RUNTIME, NotYet;
    /// Seconds without replicas after which the backlog is freed; 0 means never.
    "repl-backlog-ttl" => repl_backlog_ttl: u64 = Number::integer(0, LONG_MAX, 3600), RUNTIME, NotYet;
    /// The rank of a replica when a new master is chosen; 0 means never.
    "replica-priority" | "slave-priority" => replica_priority: u32 = Number::integer(0, INT_MAX, 100), RUNTIME, NotYet;
    /// The address to announce to the master.
    "replica-announce-ip" | "slave-announce-ip" => replica_announce_ip: Text = Plain::unset(), RUNTIME, NotYet;
    /// The port to announce to the master.
    "replica-announce-port" | "slave-announce-port" => replica_announce_port: u16 =
        Number::integer(0, 65535, 0), RUNTIME, NotYet;
    /// Whether Sentinel shows this replica.
    "replica-announced" => replica_announced: bool = Flag::new(true), RUNTIME, NotYet;
    /// A replica goes on when it cannot write to its disk.
    "replica-ignore-disk-write-errors" => replica_ignore_disk_write_errors: bool = Flag::new(false), RUNTIME, NotYet;
    /// Refuse writes with fewer replicas than this.
    "min-replicas-to-write" | "min-slaves-to-write" => min_replicas_to_write: u32 =
        Number::integer(0, INT_MAX, 0), RUNTIME, NotYet;
    /// A replica counts for that when it lags less than this many seconds.
    "min-replicas-max-lag" | "min-slaves-max-lag" => min_replicas_max_lag: u32 =
        Number::integer(0, INT_MAX, 10), RUNTIME, NotYet;

    ["Cluster"]
    /// Cluster mode. There is none: `yes` is refused.
    "cluster-enabled" => cluster_enabled: bool = Flag::always_no(NO_CLUSTER), IMMUTABLE, NotYet;
    /// The file of the cluster's state.
    "cluster-config-file" => cluster_config_file: Text = Plain::new("nodes.conf"), IMMUTABLE, NotYet;
    /// The port of the cluster bus; 0 means the port plus 10000.
    "cluster-port" => cluster_port: u16 = Number::integer(0, 65535, 0), IMMUTABLE, NotYet;
    /// Milliseconds after which a silent node is considered failing.
    "cluster-node-timeout" => cluster_node_timeout: u64 = Number::integer(0, LONG_MAX, 15_000), RUNTIME, NotYet;
    /// Milliseconds between pings on the cluster bus.
    "cluster-ping-interval" => cluster_ping_interval: u64 = Number::integer(0, LONG_MAX, 0), HIDDEN, NotYet;
    /// How old a replica's data may be to fail over.
    "cluster-replica-validity-factor" | "cluster-slave-validity-factor" => cluster_replica_validity_factor: u32 =
        Number::integer(0, INT_MAX, 10), RUNTIME, NotYet;
    /// How many replicas a master keeps when one moves away.
    "cluster-migration-barrier" => cluster_migration_barrier: u32 = Number::integer(0, INT_MAX, 1), RUNTIME, NotYet;
    /// Let replicas move to masters without one.
    "cluster-allow-replica-migration" => cluster_allow_replica_migration: bool = Flag::new(true), RUNTIME, NotYet;
    /// Stop serving when a slot has no node.
    "cluster-require-full-coverage" => cluster_require_full_coverage: bool = Flag::new(true), RUNTIME, NotYet;
    /// Never fail over to this replica by itself.
    "cluster-replica-no-failover" | "cluster-slave-no-failover" => cluster_replica_no_failover: bool =
        Flag::new(false), RUNTIME, NotYet;
    /// Serve reads while the cluster is down.
    "cluster-allow-reads-when-down" => cluster_allow_reads_when_down: bool = Flag::new(false), RUNTIME, NotYet;
    /// Serve sharded channels while the cluster is down.
    "cluster-allow-pubsubshard-when-down" => cluster_allow_pubsubshard_when_down: bool =
        Flag::new(true), RUNTIME, NotYet;
    /// Memory for output on one link of the cluster bus; 0 means no limit.
    "cluster-link-sendbuf-limit" => cluster_link_sendbuf_limit: u64 = Number::memory(0, ULONG_MAX, 0), RUNTIME, NotYet;
    /// The address to announce.
    "cluster-announce-ip" => cluster_announce_ip: Text = Plain::unset(), RUNTIME, NotYet;
    /// The port to announce.
    "cluster-announce-port" => cluster_announce_port: u16 = Number::integer(0, 65535, 0), RUNTIME, NotYet;
    /// The TLS port to announce.
    "cluster-announce-tls-port" => cluster_announce_tls_port: u16 = Number::integer(0, 65535, 0), RUNTIME, NotYet;
    /// The port of the cluster bus to announce.
    "cluster-announce-bus-port" => cluster_announce_bus_port: u16 = Number::integer(0, 65535, 0), RUNTIME, NotYet;
    /// The host name to announce.
    "cluster-announce-hostname" => cluster_announce_hostname: Text =
        Plain::unset().checked(checks::announced_host_name), RUNTIME, NotYet;
    /// The node's name in logs.
    "cluster-announce-human-nodename" => cluster_announce_human_nodename: Text =
        Plain::unset().checked(checks::announced_node_name), RUNTIME, NotYet;
    /// What CLUSTER SLOTS shows as the endpoint.
    "cluster-preferred-endpoint-type" => cluster_preferred_endpoint_type: ClusterPreferredEndpointType =
        OneOf(ClusterPreferredEndpointType::Ip), RUNTIME, NotYet;
}
