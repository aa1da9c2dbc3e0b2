//! Configuration values in the shape in which the data path reads them.
//!
//! Rebuilt as a whole whenever the configuration changes, so that serving a command never interprets a directive.

use lastsave_config::Config;

use crate::client_eviction::client_memory_limit_bytes;
use crate::net::output_limit::OutputLimit;

/// Values read for every command or connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `proto-max-bulk-len`.
    pub(crate) max_bulk_bytes: usize,
    /// `client-query-buffer-limit`.
    pub(crate) query_buffer_limit_bytes: u64,
    /// `client-output-buffer-limit normal`.
    pub(crate) output_limit: OutputLimit,
    /// `maxclients`, or as many as the limit of open files allows.
    pub(crate) max_clients: usize,
    /// `tcp-keepalive`.
    pub(crate) tcp_keepalive_seconds: u64,
    /// `timeout`; 0 = never.
    pub(crate) idle_timeout_ms: u64,
    /// Protected mode is on and no password is set: remote clients are refused.
    pub(crate) is_protected: bool,
    /// No password is set.
    pub(crate) password_is_empty: bool,
    /// `latency-tracking`.
    pub(crate) track_latency: bool,
    /// `maxmemory`; 0 = no limit.
    pub(crate) max_memory_bytes: u64,
    /// `maxmemory-clients`; 0 = no limit.
    pub(crate) max_client_bytes: u64,
    /// `hz`.
    pub(crate) cron_hz: u64,
}

impl Settings {
    /// Reads the configuration; `fitting_clients` is how many clients the limit of open files allows.
    pub(crate) fn of(config: &Config, fitting_clients: usize) -> Self {
        let normal = config.client_output_buffer_limit.normal;
        let password_is_empty = config.requirepass.as_bytes().is_empty();
        Self {
            max_bulk_bytes: config.proto_max_bulk_len,
            query_buffer_limit_bytes: config.client_query_buffer_limit as u64,
            output_limit: OutputLimit {
                hard_bytes: normal.hard_bytes,
                soft_bytes: normal.soft_bytes,
                soft_seconds: normal.soft_seconds,
            },
            max_clients: (config.maxclients as usize).min(fitting_clients),
            tcp_keepalive_seconds: u64::from(config.tcp_keepalive),
            idle_timeout_ms: u64::from(config.timeout) * 1000,
            is_protected: config.protected_mode && password_is_empty,
            password_is_empty,
            track_latency: config.latency_tracking,
            max_memory_bytes: config.maxmemory,
            max_client_bytes: client_memory_limit_bytes(config),
            cron_hz: u64::from(config.hz.clamp(1, 500)),
        }
    }
}
