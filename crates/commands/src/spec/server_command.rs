//! The commands that the server itself executes.

/// Commands whose work lies outside the data set: connections, configuration, persistence, transactions.
///
/// The enum is exhaustive on purpose, so that the server's `match` over it does not compile until a new one is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerCommand {
    /// AUTH
    Auth,
    /// BACKUP CREATE
    BackupCreate,
    /// BACKUP DELETE
    BackupDelete,
    /// BACKUP LIST
    BackupList,
    /// BGREWRITEAOF
    BackgroundRewriteAof,
    /// BGSAVE
    BackgroundSave,
    /// CLIENT CACHING
    ClientCaching,
    /// CLIENT GETNAME
    ClientGetName,
    /// CLIENT GETREDIR
    ClientGetRedir,
    /// CLIENT ID
    ClientId,
    /// CLIENT INFO
    ClientInfo,
    /// CLIENT KILL
    ClientKill,
    /// CLIENT LIST
    ClientList,
    /// CLIENT NO-EVICT
    ClientNoEvict,
    /// CLIENT NO-TOUCH
    ClientNoTouch,
    /// CLIENT DURABILITY
    ClientDurability,
    /// CLIENT PAUSE
    ClientPause,
    /// CLIENT REPLY
    ClientReply,
    /// CLIENT SETINFO
    ClientSetInfo,
    /// CLIENT SETNAME
    ClientSetName,
    /// CLIENT TRACKING
    ClientTracking,
    /// CLIENT TRACKINGINFO
    ClientTrackingInfo,
    /// CLIENT UNBLOCK
    ClientUnblock,
    /// CLIENT UNPAUSE
    ClientUnpause,
    /// CONFIG GET
    ConfigGet,
    /// CONFIG RESETSTAT
    ConfigResetStat,
    /// CONFIG REWRITE
    ConfigRewrite,
    /// CONFIG SET
    ConfigSet,
    /// DEBUG and its subcommands
    Debug,
    /// DISCARD
    Discard,
    /// ECHO
    Echo,
    /// EXEC
    Exec,
    /// HELLO
    Hello,
    /// INFO
    Info,
    /// LASTSAVE
    LastSave,
    /// LATENCY DOCTOR
    LatencyDoctor,
    /// LATENCY GRAPH
    LatencyGraph,
    /// LATENCY HISTOGRAM
    LatencyHistogram,
    /// LATENCY HISTORY
    LatencyHistory,
    /// LATENCY LATEST
    LatencyLatest,
    /// LATENCY RESET
    LatencyReset,
    /// LOLWUT
    LolWut,
    /// MEMORY DOCTOR
    MemoryDoctor,
    /// MEMORY MALLOC-STATS
    MemoryMallocStats,
    /// MEMORY PURGE
    MemoryPurge,
    /// MEMORY STATS
    MemoryStats,
    /// MIGRATE
    Migrate,
    /// MONITOR
    Monitor,
    /// MULTI
    Multi,
    /// PING
    Ping,
    /// PSUBSCRIBE
    PSubscribe,
    /// PUBLISH
    Publish,
    /// PUBSUB CHANNELS
    PubSubChannels,
    /// PUBSUB NUMPAT
    PubSubNumPat,
    /// PUBSUB NUMSUB
    PubSubNumSub,
    /// PUBSUB SHARDCHANNELS
    PubSubShardChannels,
    /// PUBSUB SHARDNUMSUB
    PubSubShardNumSub,
    /// PUNSUBSCRIBE
    PUnsubscribe,
    /// QUIT
    Quit,
    /// RESET
    Reset,
    /// ROLE
    Role,
    /// SAVE
    Save,
    /// SELECT
    Select,
    /// SPUBLISH
    ShardPublish,
    /// SSUBSCRIBE
    ShardSubscribe,
    /// SUNSUBSCRIBE
    ShardUnsubscribe,
    /// SHUTDOWN
    Shutdown,
    /// SLOWLOG GET
    SlowLogGet,
    /// SLOWLOG LEN
    SlowLogLen,
    /// SLOWLOG RESET
    SlowLogReset,
    /// SUBSCRIBE
    Subscribe,
    /// TIME
    Time,
    /// UNSUBSCRIBE
    Unsubscribe,
    /// UNWATCH
    Unwatch,
    /// WAIT
    Wait,
    /// WAITAOF
    WaitAof,
    /// WATCH
    Watch,
}
