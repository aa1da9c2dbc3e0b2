//! Settings and counters that data commands share with the server.

use lastsave_collections::{HashLimits, ListLimits, SetLimits, SortedSetLimits, StreamLimits};
use lastsave_rdb::RdbVersion;
use thiserror::Error;

/// Which keys are given up when memory is used up; data commands look at it for the access clock they keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxmemoryPolicy {
    /// Least recently used, among keys that expire.
    VolatileLru,
    /// Least frequently used, among keys that expire.
    VolatileLfu,
    /// At random, among keys that expire.
    VolatileRandom,
    /// Those that expire soonest.
    VolatileTtl,
    /// Least recently used.
    AllkeysLru,
    /// Least frequently used.
    AllkeysLfu,
    /// At random.
    AllkeysRandom,
    /// None: writes are refused.
    #[default]
    NoEviction,
}

/// No eviction policy has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no maxmemory policy has this name")]
pub struct UnknownPolicy;

impl MaxmemoryPolicy {
    /// Every policy with the name the `maxmemory-policy` directive gives it.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("volatile-lru", Self::VolatileLru),
        ("volatile-lfu", Self::VolatileLfu),
        ("volatile-random", Self::VolatileRandom),
        ("volatile-ttl", Self::VolatileTtl),
        ("allkeys-lru", Self::AllkeysLru),
        ("allkeys-lfu", Self::AllkeysLfu),
        ("allkeys-random", Self::AllkeysRandom),
        ("noeviction", Self::NoEviction),
    ];

    /// Whether access words hold a frequency counter instead of a time.
    #[inline]
    #[must_use]
    pub const fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }

    /// Whether access words hold a time that eviction looks at.
    #[must_use]
    pub const fn is_lru(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }
}

impl std::str::FromStr for MaxmemoryPolicy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, policy)| *policy).ok_or(UnknownPolicy)
    }
}

/// Settings that data commands look at. The server keeps them up to date with its configuration.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// `proto-max-bulk-len`: the longest string a command may create.
    pub proto_max_bulk_bytes: u64,
    /// `maxmemory`; 0 for no limit.
    pub maxmemory_bytes: u64,
    /// `maxmemory-policy`.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// `maxmemory-samples`: keys looked at in each database to find one to give up.
    pub maxmemory_samples: usize,
    /// `lfu-log-factor`: how hard it is for the frequency counter to grow.
    pub lfu_log_factor: u32,
    /// `lfu-decay-time`: minutes until the counter loses one; 0 for never.
    pub lfu_decay_minutes: u32,
    /// `lazyfree-lazy-expire`: expired keys are logged as UNLINK instead of DEL.
    pub lazyfree_lazy_expire: bool,
    /// `lazyfree-lazy-server-del`: the same for keys a command removes on its own account.
    pub lazyfree_lazy_server_del: bool,
    /// `lazyfree-lazy-eviction`: the same for keys given up because of `maxmemory`.
    pub lazyfree_lazy_eviction: bool,
    /// `active-expire-effort`, 1 to 10.
    pub active_expire_effort: u32,
    /// `rdb-write-version`: the version DUMP writes.
    pub rdb_write_version: RdbVersion,
    /// `rdbcompression`: long strings are compressed by DUMP.
    pub rdb_compression: bool,
    /// `hash-max-listpack-entries`: fields up to which a hash is packed.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`: the longest field or value of a packed hash.
    pub hash_max_listpack_value: usize,
    /// `list-max-listpack-size`: elements per node of a list, or -1 to -5 for 4 to 64 KiB.
    pub list_max_listpack_size: i32,
    /// `list-compress-depth`: nodes at each end of a list that are not compressed; 0 for no compression.
    pub list_compress_depth: u32,
    /// DEBUG QUICKLIST-PACKED-THRESHOLD: length from which on an element of a list is kept apart; 0 for the usual one.
    pub list_plain_bytes_min: usize,
    /// `set-max-intset-entries`: members up to which a set of integers is an intset.
    pub set_max_intset_entries: usize,
    /// `set-max-listpack-entries`: members up to which a set is packed.
    pub set_max_listpack_entries: usize,
    /// `set-max-listpack-value`: the longest member of a packed set.
    pub set_max_listpack_value: usize,
    /// `zset-max-listpack-entries`: members up to which a sorted set is packed.
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`: the longest member of a packed sorted set.
    pub zset_max_listpack_value: usize,
    /// `hll-sparse-max-bytes`: size up to which a HyperLogLog is sparse.
    pub hll_sparse_max_bytes: usize,
    /// `stream-node-max-bytes`: size of a stream's node; 0 for no limit.
    pub stream_node_max_bytes: usize,
    /// `stream-node-max-entries`: entries of a stream's node; 0 for no limit.
    pub stream_node_max_entries: u64,
    /// CLIENT PAUSE: keys past their time count as gone, but are not removed.
    pub is_expiry_paused: bool,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION: RESTORE takes payloads with a wrong checksum.
    pub skip_dump_checksum: bool,
}

impl DataOptions {
    /// Up to which size hashes are packed.
    #[must_use]
    pub fn hash_limits(&self) -> HashLimits {
        HashLimits {
            listpack_entries_max: self.hash_max_listpack_entries,
            listpack_value_bytes_max: self.hash_max_listpack_value,
        }
    }

    /// Up to which sizes sets are packed.
    #[must_use]
    pub fn set_limits(&self) -> SetLimits {
        SetLimits {
            intset_entries_max: self.set_max_intset_entries,
            listpack_entries_max: self.set_max_listpack_entries,
            listpack_value_bytes_max: self.set_max_listpack_value,
        }
    }

    /// Up to which sizes lists and their nodes are packed.
    #[must_use]
    pub fn list_limits(&self) -> ListLimits {
        ListLimits {
            listpack_size: self.list_max_listpack_size,
            compress_depth: self.list_compress_depth,
            plain_bytes_min: self.list_plain_bytes_min,
        }
    }

    /// Up to which sizes sorted sets are packed.
    #[must_use]
    pub fn sorted_set_limits(&self) -> SortedSetLimits {
        SortedSetLimits {
            listpack_entries_max: self.zset_max_listpack_entries,
            listpack_value_bytes_max: self.zset_max_listpack_value,
        }
    }

    /// How big the nodes of streams may become.
    #[must_use]
    pub fn stream_limits(&self) -> StreamLimits {
        StreamLimits {
            node_bytes_max: self.stream_node_max_bytes,
            node_entries_max: self.stream_node_max_entries,
        }
    }
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            proto_max_bulk_bytes: 512 * 1024 * 1024,
            maxmemory_bytes: 0,
            maxmemory_policy: MaxmemoryPolicy::NoEviction,
            maxmemory_samples: 5,
            lfu_log_factor: 10,
            lfu_decay_minutes: 1,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_server_del: false,
            lazyfree_lazy_eviction: false,
            active_expire_effort: 1,
            rdb_write_version: RdbVersion::V11,
            rdb_compression: true,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            list_compress_depth: 0,
            list_plain_bytes_min: 0,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            hll_sparse_max_bytes: 3000,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            is_expiry_paused: false,
            skip_dump_checksum: false,
        }
    }
}

/// Counters that data commands keep, as INFO shows them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataStats {
    /// Lookups for reading that found their key.
    pub keyspace_hits: u64,
    /// Lookups for reading that did not.
    pub keyspace_misses: u64,
    /// Keys removed because their time had come.
    pub expired_keys: u64,
    /// Keys given up because of `maxmemory`.
    pub evicted_keys: u64,
    /// Running average of the share of keys past their time among those the active cycle looked at, 0 to 1.
    pub expired_stale_ratio: f64,
    /// Active cycles that ended because their time was up.
    pub expired_time_cap_reached_count: u64,
    /// Commands refused because the version of the RDB format in use cannot hold what they would make.
    pub inexpressible: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_found_by_name() {
        assert_eq!("allkeys-LFU".parse(), Ok(MaxmemoryPolicy::AllkeysLfu));
        assert_eq!("lfu".parse::<MaxmemoryPolicy>(), Err(UnknownPolicy));
        assert!(MaxmemoryPolicy::NAMES.iter().all(|(name, policy)| name.parse() == Ok(*policy)));
    }
}
