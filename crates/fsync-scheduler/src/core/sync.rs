//! Syncs, mark frames and prepared space: what is due when.

use std::time::Duration;

use super::queue::{Control, Front};
use super::{Core, Health, SyncUnderWay};
use crate::statistics::Counters;
use crate::{Event, Log, LogError, Policy, Position, Switch, Work};

/// Time before a preparation of space that failed is tried again.
const PREPARE_RETRY: Duration = Duration::from_secs(5);

impl<L: Log> Core<L> {
    /// Starts what is due and may run beside the writer.
    pub(super) fn start_work(&mut self, now: Duration) {
        if self.sync_at().is_some_and(|at| now >= at) {
            self.start_sync(now);
        }
        if self.mark_at().is_some_and(|at| now >= at) {
            self.write_mark();
        }
        if self.prepare_at().is_some_and(|at| now >= at) {
            self.prepare_wanted = false;
            if let Some(job) = self.log.prepare() {
                self.preparing = true;
                self.outbox.push_back(Work::Prepare(job));
            }
        }
    }

    /// Whether a request waits for background work to end: then none may be started.
    fn request_waits_for_quiet(&self) -> bool {
        if !self.is_busy() {
            return false;
        }
        let blocked = matches!(self.health, Health::Blocked { .. });
        !self.manifest.is_empty()
            || (blocked && self.queue.has_controls())
            || matches!(self.queue.front(), Front::Control(Control::Switch { .. } | Control::Close { .. }))
    }

    fn is_writable(&self) -> bool {
        matches!(self.health, Health::Running | Health::Blocked { .. })
    }

    /// When the next sync is due; `None` while none is wanted or possible.
    pub(super) fn sync_at(&self) -> Option<Duration> {
        let possible = self.is_writable()
            && self.sync.is_none()
            && self.logged > self.synced
            && !self.request_waits_for_quiet();
        if !possible {
            return None;
        }
        let at_once = self.policy == Policy::Always
            || self.flush_waiters.iter().any(|&(position, _)| position > self.synced)
            || matches!(self.queue.front(), Front::Control(Control::Close { clean: true }))
            || self.logged.since(self.synced) >= self.options.unsynced_bytes_max
            || self.retained.bytes() >= self.options.unsynced_bytes_max.min(self.options.retained_bytes_max);
        if at_once {
            return Some(Duration::ZERO);
        }
        Some(self.timed_sync_at())
    }

    /// When the timer alone would start a sync, given that something is unsynced.
    fn timed_sync_at(&self) -> Duration {
        match self.policy {
            Policy::Always => Duration::ZERO,
            // After idleness the first write is synced at once: the sooner the less is at risk.
            Policy::EverySecond => self.last_sync_started_at.map_or(Duration::ZERO, |started_at| {
                started_at + Duration::from_millis(self.options.sync_interval_ms)
            }),
            Policy::No => {
                let interval = Duration::from_millis(self.options.relaxed_sync_interval_ms);
                let since = self.retained.front().map_or(self.last_activity_at, |first| first.written_at);
                since.max(self.last_sync_started_at.unwrap_or(Duration::ZERO)) + interval
            }
        }
    }

    /// Whether a sync would be started right after a write at `now`, so that the write had better end in a long frame.
    pub(super) fn sync_would_follow(&self, now: Duration) -> bool {
        self.sync.is_none()
            && (!self.flush_waiters.is_empty()
                || (self.policy == Policy::EverySecond && now >= self.timed_sync_at()))
    }

    fn start_sync(&mut self, now: Duration) {
        if !self.last_frame_long && !self.write_mark() {
            return;
        }
        self.sync = Some(SyncUnderWay { target: self.logged, started_at: now, reported_slow: false });
        self.last_sync_started_at = Some(now);
        let inline = self.policy == Policy::Always;
        self.outbox.push_back(Work::Sync { handle: self.log.sync_handle(), inline });
    }

    pub(super) fn sync_done(&mut self, result: Result<(), LogError>, now: Duration) {
        let sync = self.sync.take().expect("a sync is reported done only once");
        match result {
            Ok(()) => {
                let took = now.saturating_sub(sync.started_at);
                self.last_sync_took = took;
                {
                    let mut recorder = self.published.recorder.lock();
                    recorder.sync_latency.record(took);
                    recorder.counters.syncs += 1;
                }
                // An increment that failed meanwhile is not trusted, whatever this sync says.
                if self.is_writable() {
                    assert!(sync.target >= self.synced && sync.target <= self.logged, "syncs are in order");
                    self.synced = sync.target;
                    self.last_activity_at = now;
                    self.release_retained();
                    self.answer_flush_waiters();
                }
            }
            Err(error) => {
                self.count(|counters| {
                    counters.failed_syncs += 1;
                    counters.last_sync_error = Some(error.clone());
                });
                self.latch(error);
            }
        }
    }

    /// Lets go of batches that are durable. A provisional increment may yet be lost together with what it holds; a
    /// re-base must then be able to log everything again, while enabling simply fails.
    pub(super) fn release_retained(&mut self) {
        let durable = match self.provisional {
            Some(provisional) if provisional.kind == Switch::Rebase => provisional.durable,
            _ => self.synced,
        };
        self.retained.release(durable);
    }

    pub(super) fn answer_flush_waiters(&mut self) {
        let durable = self.durable_position();
        let events = &mut self.events;
        self.flush_waiters.retain(|&(position, id)| {
            let waits = position > durable;
            if !waits {
                events.push_back(Event::FlushDone { id, result: Ok(position) });
            }
            waits
        });
    }

    pub(super) fn refuse_flush_waiters(&mut self, error: &LogError) {
        for (_, id) in self.flush_waiters.drain(..) {
            self.events.push_back(Event::FlushDone { id, result: Err(error.clone()) });
        }
    }

    /// When the durable position should be put on record, because a sync was followed by idleness.
    pub(super) fn mark_at(&self) -> Option<Duration> {
        let wanted = self.health == Health::Running
            && self.provisional.is_none()
            && self.queue.is_empty()
            && self.sync.is_none()
            && self.logged == self.synced
            && self.marked < self.synced;
        wanted.then(|| self.last_activity_at + Duration::from_millis(self.options.mark_idle_ms))
    }

    /// Writes a mark frame; `false` when that latched the log. A mark for which there is no room is left out.
    fn write_mark(&mut self) -> bool {
        let durable = self.durable_position();
        match self.log.mark(durable) {
            Ok(()) => {
                self.count(|counters| counters.marks += 1);
                self.last_frame_long = true;
            }
            Err(error) if error.is_full() => {}
            Err(error) => {
                self.count(|counters| {
                    counters.failed_writes += 1;
                    counters.last_write_error = Some(error.clone());
                });
                self.latch(error);
                return false;
            }
        }
        self.marked = self.marked.max(durable);
        true
    }

    /// When the log should be asked whether it wants space prepared.
    pub(super) fn prepare_at(&self) -> Option<Duration> {
        let wanted = self.prepare_wanted
            && self.health == Health::Running
            && !self.preparing
            && self.manifest.is_empty()
            && !self.queue.has_controls()
            && (self.policy == Policy::Always || self.queue.is_empty());
        wanted.then_some(self.prepare_retry_at)
    }

    pub(super) fn prepare_done(&mut self, result: Result<(), LogError>, now: Duration) {
        assert!(self.preparing, "a preparation is reported done only once");
        self.preparing = false;
        self.prepare_wanted = true;
        match result {
            Ok(()) => self.count(|counters| counters.preparations += 1),
            Err(error @ LogError::Failed(_)) => {
                self.count(|counters| {
                    counters.failed_syncs += 1;
                    counters.last_sync_error = Some(error.clone());
                });
                self.latch(error);
            }
            Err(_) => self.prepare_retry_at = now + PREPARE_RETRY,
        }
    }

    /// The position known durable and part of the log.
    pub(super) fn durable_position(&self) -> Position {
        self.provisional.map_or(self.synced, |provisional| provisional.durable)
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.published.recorder.lock().counters);
    }
}
