//! What the log thread publishes and everybody may read: positions, sizes, the failure, the statistics.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::atomics::{AtomicBool, AtomicU64, Ordering};
use crate::gate::Gate;
use crate::statistics::Recorder;
use crate::{LogError, Position, Statistics, WriteFailure};

/// No acknowledged write is at risk.
const NOT_AT_RISK: u64 = u64::MAX;

/// Called when something the executor declared to wait for has come, and for events.
pub(crate) type Waker = Box<dyn Fn() + Send + Sync>;

/// Shared between the core (the only writer of everything but `appended`, `sent_bytes` and `write_delay_us`) and all
/// readers.
pub(crate) struct Published {
    /// Written by the executor before it hands the batch over.
    pub(crate) appended: AtomicU64,
    /// Bytes ever handed over; written by the executor.
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) written: Gate,
    pub(crate) durable: Gate,
    pub(crate) released: Gate,
    /// Bytes ever taken out of the queue: `sent_bytes` less this is what is queued.
    pub(crate) taken_bytes: Gate,
    pub(crate) retained_bytes: AtomicU64,
    pub(crate) at_risk_since_us: AtomicU64,
    pub(crate) sync_under_way: AtomicBool,
    pub(crate) log_bytes: AtomicU64,
    pub(crate) log_base_bytes: AtomicU64,
    pub(crate) write_delay_us: AtomicU64,
    pub(crate) poisoned: AtomicBool,
    failing: AtomicBool,
    failure: Mutex<Option<Arc<WriteFailure>>>,
    pub(crate) recorder: Mutex<Recorder>,
    pub(crate) waker: OnceLock<Waker>,
}

impl Published {
    pub(crate) fn new(start: Position) -> Self {
        let start = start.get();
        Self {
            appended: AtomicU64::new(start),
            sent_bytes: AtomicU64::new(0),
            written: Gate::new(start),
            durable: Gate::new(start),
            released: Gate::new(start),
            taken_bytes: Gate::new(0),
            retained_bytes: AtomicU64::new(0),
            at_risk_since_us: AtomicU64::new(NOT_AT_RISK),
            sync_under_way: AtomicBool::new(false),
            log_bytes: AtomicU64::new(0),
            log_base_bytes: AtomicU64::new(0),
            write_delay_us: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            failure: Mutex::new(None),
            recorder: Mutex::new(Recorder::new()),
            waker: OnceLock::new(),
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker();
        }
    }

    /// Nobody but the executor moves `appended`, except where there is no executor: in a core driven directly.
    pub(crate) fn note_appended(&self, end: Position) {
        if self.appended.load(Ordering::Relaxed) < end.get() {
            self.appended.store(end.get(), Ordering::Release);
        }
    }

    pub(crate) fn write_delay_us(&self) -> u64 {
        self.write_delay_us.load(Ordering::Relaxed)
    }

    pub(crate) fn set_write_delay_us(&self, us: u64) {
        self.write_delay_us.store(us, Ordering::Relaxed);
    }

    pub(crate) fn queued_bytes(&self) -> u64 {
        let taken = self.taken_bytes.value();
        self.sent_bytes.load(Ordering::Acquire).saturating_sub(taken)
    }

    pub(crate) fn set_at_risk_since(&self, since: Option<Duration>) {
        let us =
            since.map_or(NOT_AT_RISK, |since| u64::try_from(since.as_micros()).unwrap_or(NOT_AT_RISK - 1));
        self.at_risk_since_us.store(us, Ordering::Relaxed);
    }

    /// A failure of a dead log thread is never replaced or cleared.
    pub(crate) fn set_failure(&self, failure: Option<WriteFailure>) {
        let mut slot = self.failure.lock();
        if self.poisoned.load(Ordering::Acquire) {
            return;
        }
        self.failing.store(failure.is_some(), Ordering::Release);
        *slot = failure.map(Arc::new);
    }

    pub(crate) fn failure(&self) -> Option<Arc<WriteFailure>> {
        if !self.failing.load(Ordering::Acquire) {
            return None;
        }
        self.failure.lock().clone()
    }

    /// Marks the log thread as dead: `released` will never advance again, and this says why.
    pub(crate) fn poison(&self, reason: &str) -> WriteFailure {
        let failure = WriteFailure { error: LogError::Poisoned(reason.to_owned()), lost: true };
        self.set_failure(Some(failure.clone()));
        self.poisoned.store(true, Ordering::Release);
        failure
    }

    pub(crate) fn statistics(&self, now: Duration) -> Statistics {
        // Oldest first, so that a position read later cannot be behind one read earlier.
        let durable = Position::new(self.durable.value());
        let written = Position::new(self.written.value());
        let released = Position::new(self.released.value());
        let appended = Position::new(self.appended.load(Ordering::Acquire));
        let since_us = self.at_risk_since_us.load(Ordering::Relaxed);
        let (at_risk_bytes, at_risk_ms) = if since_us == NOT_AT_RISK {
            (0, 0)
        } else {
            let age = now.saturating_sub(Duration::from_micros(since_us));
            (released.since(durable), age.as_millis() as u64)
        };
        let (counters, sync_latency) = {
            let recorder = self.recorder.lock();
            (recorder.counters.clone(), recorder.sync_latency.clone())
        };
        Statistics {
            appended,
            written,
            durable,
            released,
            at_risk_bytes,
            at_risk_ms,
            queued_bytes: self.queued_bytes(),
            retained_bytes: self.retained_bytes.load(Ordering::Relaxed),
            sync_under_way: self.sync_under_way.load(Ordering::Relaxed),
            log_bytes: self.log_bytes.load(Ordering::Relaxed),
            log_base_bytes: self.log_base_bytes.load(Ordering::Relaxed),
            counters,
            sync_latency,
        }
    }
}

impl std::fmt::Debug for Published {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Published")
            .field("written", &self.written)
            .field("durable", &self.durable)
            .field("released", &self.released)
            .finish_non_exhaustive()
    }
}
