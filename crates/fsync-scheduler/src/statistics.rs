//! What operators ask: how many writes and syncs, how slow, how much is at risk.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{LogError, Position};

/// The slowest sync the histogram tells apart, in microseconds (17 minutes); slower ones count as this.
const SYNC_US_MAX: u64 = 1 << 30;

/// A copy of the scheduler's numbers at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statistics {
    /// End of the last batch handed over.
    pub appended: Position,
    /// Everything before it survives the death of the process.
    pub written: Position,
    /// Everything before it survives power loss.
    pub durable: Position,
    /// Replies that wait for no more than this may leave.
    pub released: Position,
    /// Acknowledged (or free to be) and not durable, in bytes of effects.
    pub at_risk_bytes: u64,
    /// Age of the oldest of these, in milliseconds.
    pub at_risk_ms: u64,
    /// Handed over and not yet written, in bytes.
    pub queued_bytes: u64,
    /// Kept in memory until durable, in bytes.
    pub retained_bytes: u64,
    /// Whether a sync is under way.
    pub sync_under_way: bool,
    /// Logical bytes of base and increments.
    pub log_bytes: u64,
    /// The same right after the last rewrite.
    pub log_base_bytes: u64,
    /// What happened so far.
    pub counters: Counters,
    /// Durations of all syncs.
    pub sync_latency: SyncLatency,
}

/// What happened since the start.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Batches written.
    pub batches: u64,
    /// Write calls on the log: batches / writes is the size of a group.
    pub writes: u64,
    /// Of these, made by the executor itself.
    pub inline_writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Syncs that succeeded.
    pub syncs: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Times when a slow sync let data at risk exceed what everysec promises (`aof_delayed_fsync`).
    pub delayed_fsync: u64,
    /// Mark frames written after a sync that was followed by idleness.
    pub marks: u64,
    /// Switches carried out.
    pub switches: u64,
    /// Increments that failed and were replaced.
    pub replaced_increments: u64,
    /// Preparations of space carried out.
    pub preparations: u64,
    /// The last write error. Never cleared.
    pub last_write_error: Option<LogError>,
    /// The last sync error. Never cleared.
    pub last_sync_error: Option<LogError>,
}

/// Durations of syncs, to about 1 %.
#[derive(Clone)]
pub struct SyncLatency {
    histogram: Histogram<u64>,
}

impl SyncLatency {
    pub(crate) fn new() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, SYNC_US_MAX, 2).expect("invariant: constant bounds are valid");
        Self { histogram }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(SYNC_US_MAX);
        self.histogram.saturating_record(us);
    }

    /// Syncs measured.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The duration in microseconds that a share of `quantile` (0.0 to 1.0) of all syncs did not exceed.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile)
    }

    /// The mean in microseconds; 0 when there was none.
    #[must_use]
    pub fn mean_us(&self) -> f64 {
        if self.histogram.is_empty() { 0.0 } else { self.histogram.mean() }
    }

    /// The slowest in microseconds.
    #[must_use]
    pub fn max_us(&self) -> u64 {
        self.histogram.max()
    }

    /// How many took at most `us` microseconds: the cumulative buckets of a metrics exporter.
    #[must_use]
    pub fn count_up_to_us(&self, us: u64) -> u64 {
        self.histogram.count_between(0, us.min(SYNC_US_MAX))
    }
}

impl fmt::Debug for SyncLatency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SyncLatency")
            .field("count", &self.count())
            .field("median_us", &self.quantile_us(0.5))
            .field("p99_us", &self.quantile_us(0.99))
            .field("max_us", &self.max_us())
            .finish()
    }
}

/// The part of the statistics that is not a single atomic.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) counters: Counters,
    pub(crate) sync_latency: SyncLatency,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { counters: Counters::default(), sync_latency: SyncLatency::new() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn counts_and_saturates() {
        let mut latency = SyncLatency::new();
        assert_eq!((latency.count(), latency.max_us()), (0, 0));
        assert!(latency.mean_us().abs() < f64::EPSILON);
        latency.record(Duration::from_micros(100));
        latency.record(Duration::from_micros(200));
        latency.record(Duration::from_secs(1_000_000));
        assert_eq!(latency.count(), 3);
        assert_eq!(latency.count_up_to_us(150), 1);
        assert_eq!(latency.count_up_to_us(1000), 2);
        assert!(latency.quantile_us(0.5) >= 198 && latency.quantile_us(0.5) <= 202);
    }
}
