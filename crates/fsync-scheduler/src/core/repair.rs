//! After a failure of the device: a new increment, the unsynced batches logged again there, or a call for a re-base.

use std::time::Duration;

use super::{Core, Health};
use crate::{Event, Log, LogError, Position, Switch, WriteFailure};

impl<L: Log> Core<L> {
    /// The current increment has failed: it is never trusted again, whatever it says later. The repair follows as soon
    /// as no other thread works on the log.
    pub(super) fn latch(&mut self, cause: LogError) {
        if !matches!(self.health, Health::Running | Health::Blocked { .. }) {
            return;
        }
        self.leave_rebase();
        if self.is_busy() {
            // It may take a while until the repair can begin.
            let failure = WriteFailure { error: cause.clone(), lost: true };
            self.published.set_failure(Some(failure.clone()));
            if !std::mem::replace(&mut self.failure_announced, true) {
                self.events.push_back(Event::WriteFailing(failure));
            }
        }
        self.health = Health::Latched { cause };
    }

    /// Makes the next attempt due, instead of waiting for its time.
    pub(super) fn retry_now(&mut self, now: Duration) {
        match &mut self.health {
            Health::Blocked { retry_at } | Health::Failed { retry_at, .. } => *retry_at = now,
            Health::Off | Health::Running | Health::Latched { .. } | Health::Closed => {}
        }
    }

    /// Forgets a re-base that has failed; what it wrote is still retained.
    pub(super) fn leave_rebase(&mut self) {
        if !self.rebase_is_under_way() {
            return;
        }
        if let Some(provisional) = self.provisional.take() {
            self.logged = provisional.written;
            self.synced = provisional.durable;
            self.rewrite_under_way = None;
        }
    }

    /// Tries to replace the failed increment. Only while no other thread works on the log.
    pub(super) fn repair(&mut self, now: Duration) {
        assert!(!self.is_busy(), "an increment is replaced while nobody else works on it");
        let cause = match &self.health {
            Health::Latched { cause } => cause.clone(),
            _ => match self.published.failure() {
                Some(failure) => failure.error.clone(),
                None => LogError::Misuse("a repair without a failure"),
            },
        };
        if self.provisional.is_some_and(|provisional| provisional.kind == Switch::Enable) {
            // Nothing depends on it yet.
            let _ = self.log.abort_rewrite();
            self.stop_logging();
            self.events.push_back(Event::EnableFailed(cause));
            return;
        }
        let durable = self.synced;
        match self.relog(durable) {
            Ok((end, relogged_bytes)) => {
                self.logged = self.logged.max(end);
                self.synced = self.logged;
                assert!(self.synced == end, "everything logged is retained until it is durable");
                self.file_is_fresh = self.retained.end().is_none();
                self.retained.clear();
                self.last_frame_long = true;
                self.marked = durable;
                self.last_activity_at = now;
                self.prepare_wanted = true;
                self.prepare_retry_at = Duration::ZERO;
                self.count(|counters| counters.replaced_increments += 1);
                self.publish_sizes();
                self.events.push_back(Event::SegmentReplaced { cut_at: durable, relogged_bytes, cause });
                self.recover();
                self.answer_flush_waiters();
            }
            Err(error) => self.fail(error, now),
        }
    }

    /// Logs everything behind `durable` again in a new increment, and makes that one part of the log.
    fn relog(&mut self, durable: Position) -> Result<(Position, u64), LogError> {
        self.log.start_new_increment(durable)?;
        let groups = self.retained.groups(self.options.group_bytes_max);
        let count = groups.len();
        for (index, (parts, end)) in groups.into_iter().enumerate() {
            self.log.write(&parts, end, durable, index + 1 == count)?;
        }
        if count > 0 {
            self.log.sync_handle().sync()?;
        }
        let end = self.retained.end().unwrap_or(durable);
        self.log.adopt_new_increment(durable, end)?;
        Ok((end, self.retained.bytes()))
    }

    /// The repair has failed: keep everything, say so, try again later.
    pub(super) fn fail(&mut self, error: LogError, now: Duration) {
        let first = Duration::from_millis(self.options.retry_interval_ms.max(1));
        let backoff = match self.health {
            Health::Failed { backoff, .. } => {
                (backoff * 2).min(Duration::from_millis(self.options.repair_backoff_ms_max)).max(first)
            }
            _ => first,
        };
        let was_failed = matches!(self.health, Health::Failed { .. });
        self.health = Health::Failed { retry_at: now + backoff, backoff };
        self.count(|counters| counters.last_write_error = Some(error.clone()));
        self.refuse_flush_waiters(&error);
        let failure = WriteFailure { error, lost: true };
        self.published.set_failure(Some(failure.clone()));
        self.failure_announced = true;
        if !was_failed {
            self.events.push_back(Event::NeedsRebase(failure));
        }
    }
}
