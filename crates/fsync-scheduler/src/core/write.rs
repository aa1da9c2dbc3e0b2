//! Writing: groups of batches into the page cache.

use std::time::Duration;

use bytes::Bytes;

use super::queue::{Front, Pending};
use super::{Core, Health};
use crate::{Batch, Event, Log, LogError, Policy, Position, Switch, WriteFailure};

impl<L: Log> Core<L> {
    /// Whether nothing but time can forbid writing the batches at the front.
    fn write_is_possible(&self) -> bool {
        // Under `always` what arrives during a sync forms the next group.
        let group_is_closed =
            self.policy == Policy::Always && (self.sync.is_some() || self.logged > self.synced);
        matches!(self.queue.front(), Front::Batch) && !group_is_closed && !self.memory_is_full()
    }

    /// Batches stay in memory until they are durable, and memory is bounded.
    fn memory_is_full(&self) -> bool {
        self.retained.bytes() >= self.options.retained_bytes_max
    }

    /// Whether no sync can make room for the batches at the front, only a base of which nobody knows when it arrives.
    pub(super) fn is_full_until_rebased(&self) -> bool {
        self.rebase_is_under_way() && self.memory_is_full()
    }

    /// Whether the batches at the front may be written now.
    pub(super) fn may_write(&mut self, now: Duration) -> bool {
        if !self.write_is_possible() {
            return false;
        }
        let delay_us = self.published.write_delay_us();
        if delay_us == 0 || matches!(self.health, Health::Blocked { .. }) {
            self.write_not_before = None;
            return true;
        }
        let not_before = *self.write_not_before.get_or_insert(now + Duration::from_micros(delay_us));
        if now < not_before {
            return false;
        }
        self.write_not_before = None;
        true
    }

    /// When batches that wait for time alone may be written.
    pub(super) fn write_at(&self) -> Option<Duration> {
        match self.health {
            Health::Blocked { retry_at } if self.write_is_possible() => Some(retry_at),
            Health::Running if self.write_is_possible() => self.write_not_before,
            Health::Failed { retry_at, .. } => Some(retry_at),
            _ => None,
        }
    }

    /// Writes one group of batches. Always `true`: something has happened, be it a failure.
    pub(super) fn write_group(&mut self, now: Duration) -> bool {
        // On a disk that was full a single batch may fit where a group does not.
        let blocked = matches!(self.health, Health::Blocked { .. });
        let count_max = if blocked { 1 } else { usize::MAX };
        let mut parts: Vec<Bytes> = Vec::new();
        let mut count = 0_usize;
        let mut bytes = 0_u64;
        let mut end = self.logged;
        for pending in self.queue.group(self.options.group_bytes_max, count_max) {
            if count == 0 && self.file_is_fresh {
                parts.extend(pending.batch.preface().cloned());
            }
            parts.extend_from_slice(pending.batch.parts());
            count += 1;
            bytes += pending.bytes;
            end = pending.end;
        }
        assert!(count > 0 && end > self.logged, "a group advances the log");

        let durable = self.durable_position();
        let long = self.policy == Policy::Always || self.sync_would_follow(now);
        match self.log.write(&parts, end, durable, long) {
            Ok(()) => {
                for _ in 0..count {
                    let pending = self.queue.pop_batch();
                    self.retained.push(pending, now);
                }
                self.logged = end;
                self.file_is_fresh = false;
                self.last_frame_long = long;
                if long {
                    self.marked = durable;
                }
                self.last_activity_at = now;
                self.prepare_wanted = true;
                self.count(|counters| {
                    counters.writes += 1;
                    counters.batches += count as u64;
                    counters.written_bytes += bytes;
                });
                self.publish_sizes();
                if blocked {
                    self.unblock();
                }
            }
            Err(error) => self.write_failed(error, now),
        }
        true
    }

    /// After a write that succeeded on a disk that was full.
    fn unblock(&mut self) {
        if !matches!(self.queue.front(), Front::Batch) {
            self.recover();
        }
    }

    fn write_failed(&mut self, error: LogError, now: Duration) {
        self.count(|counters| {
            counters.failed_writes += 1;
            counters.last_write_error = Some(error.clone());
        });
        if !error.is_full() {
            self.latch(error);
            return;
        }
        let was_blocked = matches!(self.health, Health::Blocked { .. });
        let retry_at = now + Duration::from_millis(self.options.retry_interval_ms.max(1));
        self.health = Health::Blocked { retry_at };
        if self.rebase_is_under_way() {
            // The failure that made the re-base necessary is the one to tell about.
            return;
        }
        let failure = WriteFailure { error, lost: false };
        self.published.set_failure(Some(failure.clone()));
        self.failure_announced = true;
        if !was_blocked {
            self.events.push_back(Event::WriteFailing(failure));
        }
    }

    /// Back to normal: nothing waits for the disk any more.
    pub(super) fn recover(&mut self) {
        self.health = Health::Running;
        if self.rebase_is_under_way() {
            return;
        }
        self.published.set_failure(None);
        if std::mem::take(&mut self.failure_announced) {
            self.events.push_back(Event::WriteRecovered);
        }
    }

    pub(super) fn rebase_is_under_way(&self) -> bool {
        self.provisional.is_some_and(|provisional| provisional.kind == Switch::Rebase)
    }

    /// Whether the executor may write by itself: nothing is queued, nothing runs, nothing waits for a sync.
    pub(crate) fn is_open_for_inline_write(&self, appended: Position) -> bool {
        self.health == Health::Running
            && self.policy != Policy::Always
            && self.provisional.is_none()
            && self.queue.is_empty()
            && self.manifest.is_empty()
            && self.accepted == appended
            && self.logged == appended
            && !self.is_busy()
            && self.outbox.is_empty()
            && !self.holding
            && self.published.write_delay_us() == 0
            && self.retained.bytes() < self.options.unsynced_bytes_max
    }

    /// The executor's own write; only after [`Core::is_open_for_inline_write`].
    pub(crate) fn write_inline(&mut self, batch: Batch, end: Position, now: Duration) {
        let bytes = batch.len();
        assert!(end > self.accepted, "batches advance: {end} does not follow {}", self.accepted);
        self.accepted = end;
        self.queue.push_batch(Pending { batch, end, bytes });
        self.write_group(now);
        self.count(|counters| counters.inline_writes += 1);
        self.publish(now);
    }
}
