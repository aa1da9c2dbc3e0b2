//! Configuration values that persistence reads.

use lastsave_aof::Retention;
use lastsave_config::{AppendFsync, AppendfsyncOverload, Config, MaxmemoryPolicy, SavePoint};
use lastsave_fsync_scheduler::{Overload, Policy};
use lastsave_rdb::{RdbVersion, WriterOptions};

use super::budget::Budget;

/// A copy of the directives that matter here, in the types used here.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the configuration")]
pub(crate) struct PersistenceSettings {
    pub(crate) save_points: Vec<SavePoint>,
    pub(crate) dump_name: String,
    pub(crate) append_name: String,
    pub(crate) append_directory: String,
    pub(crate) backup_directory: String,
    pub(crate) appendonly: bool,
    pub(crate) policy: Policy,
    pub(crate) overload: Overload,
    pub(crate) rdb: WriterOptions,
    pub(crate) stop_writes_on_error: bool,
    pub(crate) save_incremental: bool,
    pub(crate) rewrite_incremental: bool,
    pub(crate) key_save_delay: i64,
    /// `snapshot-max-bytes-per-second`
    pub(crate) snapshot_max_bytes_per_second: u64,
    pub(crate) budget: Budget,
    pub(crate) key_load_delay: i64,
    pub(crate) use_preamble: bool,
    pub(crate) timestamps: bool,
    pub(crate) frames: bool,
    pub(crate) prepare: bool,
    pub(crate) import_dump: bool,
    pub(crate) load_truncated: bool,
    pub(crate) corrupt_tail_bytes_max: u64,
    pub(crate) keep_history: bool,
    pub(crate) retention: Retention,
    pub(crate) rewrite_percentage: u64,
    pub(crate) rewrite_min_bytes: u64,
    pub(crate) databases: usize,
    /// `maxmemory-policy` decides which access words are saved.
    pub(crate) saves_idle: bool,
    pub(crate) saves_frequency: bool,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION: files are loaded without comparing their checksums.
    pub(crate) skip_checksum: bool,
}

impl PersistenceSettings {
    pub(crate) fn of(config: &Config) -> Self {
        let version = RdbVersion::new(u16::from(config.rdb_write_version))
            .expect("the directive's range is what the writer can do");
        Self {
            save_points: config.save.clone(),
            dump_name: config.dbfilename.to_string(),
            append_name: config.appendfilename.to_string(),
            append_directory: config.appenddirname.to_string(),
            backup_directory: config.backupdirname.to_string(),
            appendonly: config.appendonly,
            policy: match config.appendfsync {
                AppendFsync::Always => Policy::Always,
                AppendFsync::Everysec => Policy::EverySecond,
                AppendFsync::No => Policy::No,
            },
            overload: match config.appendfsync_overload {
                AppendfsyncOverload::SlowWriters => Overload::SlowWriters,
                AppendfsyncOverload::Continue => Overload::Continue,
            },
            rdb: WriterOptions { version, compression: config.rdbcompression, checksum: config.rdbchecksum },
            stop_writes_on_error: config.stop_writes_on_bgsave_error,
            save_incremental: config.rdb_save_incremental_fsync,
            rewrite_incremental: config.aof_rewrite_incremental_fsync,
            key_save_delay: i64::from(config.rdb_key_save_delay),
            snapshot_max_bytes_per_second: config.snapshot_max_bytes_per_second,
            budget: Budget {
                max_bytes: config.snapshot_max_extra_memory,
                when_over: config.snapshot_over_budget,
            },
            key_load_delay: i64::from(config.key_load_delay),
            use_preamble: config.aof_use_rdb_preamble,
            timestamps: config.aof_timestamp_enabled,
            frames: config.aof_frames,
            prepare: config.aof_prepare,
            import_dump: config.aof_import_rdb,
            load_truncated: config.aof_load_truncated,
            corrupt_tail_bytes_max: config.aof_load_corrupt_tail_max_size,
            keep_history: config.aof_disable_auto_gc,
            retention: Retention { age_seconds: config.aof_retain_age, bytes: config.aof_retain_size },
            rewrite_percentage: u64::from(config.auto_aof_rewrite_percentage),
            rewrite_min_bytes: config.auto_aof_rewrite_min_size,
            databases: config.databases,
            saves_idle: matches!(
                config.maxmemory_policy,
                MaxmemoryPolicy::VolatileLru | MaxmemoryPolicy::AllkeysLru
            ),
            saves_frequency: matches!(
                config.maxmemory_policy,
                MaxmemoryPolicy::VolatileLfu | MaxmemoryPolicy::AllkeysLfu
            ),
            skip_checksum: false,
        }
    }
}
