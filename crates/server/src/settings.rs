//! Configuration values in the shape in which the data path reads them.
//!
//! Rebuilt as a whole whenever the configuration changes, so that serving a command never interprets a directive.

use lastsave_config::Config;

use crate::client::Client;
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
    /// `client-output-buffer-limit pubsub`.
    pub(crate) pubsub_output_limit: OutputLimit,
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
    /// A command that takes this long is noted: by the slow log, or by the latency monitor.
    pub(crate) notable_ns: u64,
    /// `maxmemory`; 0 = no limit.
    pub(crate) max_memory_bytes: u64,
    /// `maxmemory-clients`; 0 = no limit.
    pub(crate) max_client_bytes: u64,
    /// `aof-held-reply-timeout`; 0 = never.
    pub(crate) held_reply_timeout_ms: u64,
    /// `hz`.
    pub(crate) cron_hz: u64,
}

impl Settings {
    /// Reads the configuration; `fitting_clients` is how many clients the limit of open files allows.
    pub(crate) fn of(config: &Config, fitting_clients: usize) -> Self {
        let limits = &config.client_output_buffer_limit;
        let password_is_empty = config.requirepass.as_bytes().is_empty();
        Self {
            max_bulk_bytes: config.proto_max_bulk_len,
            query_buffer_limit_bytes: config.client_query_buffer_limit as u64,
            output_limit: output_limit(&limits.normal),
            pubsub_output_limit: output_limit(&limits.pubsub),
            max_clients: (config.maxclients as usize).min(fitting_clients),
            tcp_keepalive_seconds: u64::from(config.tcp_keepalive),
            idle_timeout_ms: u64::from(config.timeout) * 1000,
            is_protected: config.protected_mode && password_is_empty,
            password_is_empty,
            track_latency: config.latency_tracking,
            notable_ns: notable_ns(config),
            max_memory_bytes: config.maxmemory,
            max_client_bytes: client_memory_limit_bytes(config),
            held_reply_timeout_ms: u64::from(config.aof_held_reply_timeout),
            cron_hz: u64::from(config.hz.clamp(1, 500)),
        }
    }

    /// The limit for a client's output.
    #[inline]
    pub(crate) fn output_limit_of(&self, client: &Client) -> OutputLimit {
        if client.is_subscriber() { self.pubsub_output_limit } else { self.output_limit }
    }
}

/// How long a command has to take to be noted.
fn notable_ns(config: &Config) -> u64 {
    let slow_us = u64::try_from(config.slowlog_log_slower_than).unwrap_or(u64::MAX);
    let threshold_ms = match config.latency_monitor_threshold {
        0 => u64::MAX,
        threshold_ms => threshold_ms,
    };
    slow_us.saturating_mul(1000).min(threshold_ms.saturating_mul(1_000_000))
}

fn output_limit(limit: &lastsave_config::OutputLimit) -> OutputLimit {
    OutputLimit {
        hard_bytes: limit.hard_bytes,
        soft_bytes: limit.soft_bytes,
        soft_seconds: limit.soft_seconds,
    }
}
