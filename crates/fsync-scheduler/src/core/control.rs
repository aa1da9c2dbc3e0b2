//! Requests: policies, flushes, switches, rewrites and the end, each at its place among the batches.

use std::time::Duration;

use super::queue::Control;
use super::{Core, Health, Manifest, Provisional};
use crate::{Event, Log, LogError, Position, RequestId, Switch};

impl<L: Log> Core<L> {
    /// Carries out the request at the front of the queue; `false` when it has to wait.
    pub(super) fn carry_out(&mut self, control: Control, now: Duration) -> bool {
        match control {
            Control::Policy(policy) => {
                self.queue.pop_control();
                // Towards `always`, what is written and unsynced makes a sync due at once, and nothing further is
                // released before it is durable.
                self.policy = policy;
            }
            Control::Overload(overload) => {
                self.queue.pop_control();
                self.overload = overload;
            }
            Control::Flush { id } => {
                self.queue.pop_control();
                self.flush(id);
            }
            Control::Switch { id, kind, at } => {
                if self.is_busy() {
                    return false;
                }
                self.queue.pop_control();
                self.switch(id, kind, at, now);
            }
            Control::Close { clean } => {
                if self.is_busy() || (clean && self.health != Health::Off && self.logged > self.synced) {
                    return false;
                }
                self.queue.pop_control();
                // Nothing waits in front of it; but what only a base that has not come would hold is lost.
                let stuck = self.rebase_is_under_way() && !self.is_all_durable();
                self.close(clean, stuck);
            }
        }
        true
    }

    /// Everything before the flush is written: it is answered at once, or when a sync has ended.
    fn flush(&mut self, id: RequestId) {
        let result = if self.health == Health::Off {
            Ok(self.accepted)
        } else if self.is_all_durable() {
            Ok(self.logged)
        } else if self.rebase_is_under_way() {
            // No sync helps before the base has arrived, which takes a snapshot and may never happen on a full disk.
            Err(self.present_error())
        } else {
            self.flush_waiters.push((self.logged, id));
            return;
        };
        self.events.push_back(Event::FlushDone { id, result });
    }

    /// Whether all batches that have left the queue are durable and part of the log.
    fn is_all_durable(&self) -> bool {
        let durable = self.durable_position();
        self.logged <= durable && self.retained.end().is_none_or(|end| end <= durable)
    }

    /// While batches cannot be written, requests behind them are answered all the same; `false` when there is none
    /// that can be answered now. There has been an attempt to write since the request came: it made one due.
    pub(super) fn answer_while_stuck(&mut self, now: Duration) -> bool {
        let Some((index, control)) = self.queue.first_control() else {
            return false;
        };
        match control {
            Control::Policy(policy) => {
                self.queue.remove_control(index);
                self.policy = policy;
            }
            Control::Overload(overload) => {
                self.queue.remove_control(index);
                self.overload = overload;
            }
            Control::Flush { id } => {
                self.queue.remove_control(index);
                let all_durable = index == 0 && self.is_all_durable();
                let result = if all_durable { Ok(self.logged) } else { Err(self.present_error()) };
                self.events.push_back(Event::FlushDone { id, result });
            }
            Control::Switch { id, kind: kind @ (Switch::Rewrite | Switch::Backup), at } => {
                self.queue.remove_control(index);
                self.events.push_back(Event::SwitchDone { id, kind, at, result: Err(self.present_error()) });
            }
            Control::Switch { id, kind: kind @ Switch::Enable, at } => {
                self.queue.remove_control(index);
                self.events.push_back(Event::SwitchDone { id, kind, at, result: Err(misplaced(kind)) });
            }
            Control::Switch { id, kind: Switch::Rebase, at } => {
                if self.is_busy() {
                    return false;
                }
                self.queue.remove_control(index);
                self.rebase(id, at, index, now);
            }
            Control::Switch { id, kind: kind @ Switch::Disable, at } => {
                if self.is_busy() {
                    return false;
                }
                self.queue.remove_control(index);
                for _ in 0..index {
                    self.logged = self.queue.pop_batch().end;
                }
                self.abandon();
                self.events.push_back(Event::SwitchDone { id, kind, at, result: Ok(()) });
            }
            Control::Close { .. } => {
                if self.is_busy() {
                    return false;
                }
                self.queue.remove_control(index);
                let stuck = index > 0 || self.logged > self.synced || self.health != Health::Running;
                self.close(false, stuck);
            }
        }
        true
    }

    /// What keeps batches from being written.
    fn present_error(&self) -> LogError {
        match self.published.failure() {
            Some(failure) => failure.error.clone(),
            None => LogError::Misuse("the log cannot be written"),
        }
    }

    fn switch(&mut self, id: RequestId, kind: Switch, at: Position, now: Duration) {
        let (kind, allowed) = match (self.health == Health::Off, kind) {
            (true, Switch::Enable) => (kind, true),
            (true, Switch::Disable) => {
                self.events.push_back(Event::SwitchDone { id, kind, at, result: Ok(()) });
                return;
            }
            (true, _) | (false, Switch::Enable) => (kind, false),
            (false, Switch::Disable) if self.provisional.is_some() => {
                self.abandon();
                self.events.push_back(Event::SwitchDone { id, kind, at, result: Ok(()) });
                return;
            }
            (false, Switch::Disable) => (kind, true),
            // A log in good health loses nothing by going on.
            (false, Switch::Rebase | Switch::Rewrite) => (Switch::Rewrite, self.rewrite_under_way.is_none()),
            (false, Switch::Backup) => (kind, self.provisional.is_none()),
        };
        if !allowed {
            self.events.push_back(Event::SwitchDone { id, kind, at, result: Err(misplaced(kind)) });
            return;
        }
        let durable = self.durable().max(self.durable_position());
        let result = self.log.switch(kind, at, durable);
        match &result {
            Ok(()) => self.switched(kind, at, durable, now),
            Err(error @ LogError::Failed(_)) => {
                self.latch(error.clone());
                if kind == Switch::Disable {
                    // What is acknowledged and not durable is logged again first; if that is not possible, the log is
                    // given up as it is.
                    self.queue.push_control_first(Control::Switch { id, kind, at });
                    return;
                }
            }
            Err(_) => {}
        }
        self.events.push_back(Event::SwitchDone { id, kind, at, result });
    }

    /// The log has moved; everything before `at` is behind it.
    fn switched(&mut self, kind: Switch, at: Position, durable: Position, now: Duration) {
        self.count(|counters| counters.switches += 1);
        self.logged = at;
        self.synced = at;
        self.last_frame_long = true;
        self.file_is_fresh = true;
        self.marked = at;
        self.last_activity_at = now;
        self.prepare_wanted = true;
        self.prepare_retry_at = Duration::ZERO;
        match kind {
            Switch::Enable => {
                self.health = Health::Running;
                self.provisional = Some(Provisional { kind, written: at, durable });
                self.rewrite_under_way = Some(kind);
            }
            Switch::Rewrite => self.rewrite_under_way = Some(kind),
            Switch::Disable => {
                self.health = Health::Off;
                self.rewrite_under_way = None;
            }
            Switch::Backup | Switch::Rebase => {}
        }
        self.release_retained();
        self.answer_flush_waiters();
        self.publish_sizes();
    }

    /// Moves a log that cannot be written to an increment that starts at `at`, beyond the `batches_before` batches that
    /// wait at the front of the queue: the snapshot that comes as the new base holds them.
    fn rebase(&mut self, id: RequestId, at: Position, batches_before: usize, now: Duration) {
        let kind = Switch::Rebase;
        let durable = self.durable_position();
        let result = if self.rewrite_under_way.is_some() {
            Err(misplaced(kind))
        } else {
            self.log.switch(kind, at, durable)
        };
        if result.is_ok() {
            // Kept until the base is there: should it not come, they have to be logged after all.
            for _ in 0..batches_before {
                let pending = self.queue.pop_batch();
                self.retained.push(pending, now);
            }
            self.provisional = Some(Provisional { kind, written: self.written(), durable });
            self.rewrite_under_way = Some(kind);
            self.health = Health::Running;
            self.switched(kind, at, durable, now);
            let error = self.present_error();
            self.refuse_flush_waiters(&error);
        } else if let Err(error @ LogError::Failed(_)) = &result
            && matches!(self.health, Health::Blocked { .. })
        {
            self.latch(error.clone());
        }
        self.events.push_back(Event::SwitchDone { id, kind, at, result });
    }

    /// Completes or aborts a rewrite.
    pub(super) fn change_manifest(&mut self, request: Manifest, now: Duration) {
        let (id, result) = match request {
            Manifest::Complete { id, .. } | Manifest::Abort { id } if self.rewrite_under_way.is_none() => {
                (id, Err(LogError::Misuse("no rewrite is under way")))
            }
            Manifest::Complete { id, base } => {
                let result = self.log.complete_rewrite(&base, self.synced);
                if result.is_ok() {
                    self.rewrite_completed();
                }
                (id, result)
            }
            Manifest::Abort { id } => {
                let result = self.log.abort_rewrite();
                self.rewrite_aborted(now);
                (id, result)
            }
        };
        self.publish_sizes();
        self.events.push_back(Event::RewriteDone { id, result });
    }

    fn rewrite_completed(&mut self) {
        self.rewrite_under_way = None;
        let Some(provisional) = self.provisional.take() else {
            return;
        };
        self.release_retained();
        self.answer_flush_waiters();
        if provisional.kind == Switch::Rebase && self.health == Health::Running {
            self.recover();
        }
    }

    fn rewrite_aborted(&mut self, now: Duration) {
        self.rewrite_under_way = None;
        match self.provisional {
            None => {}
            Some(Provisional { kind: Switch::Rebase, .. }) => {
                let cause = self.present_error();
                self.leave_rebase();
                self.fail(cause, now);
            }
            Some(_) => self.stop_logging(),
        }
    }

    /// Gives the log up as it is: it is being turned off and cannot be written.
    fn abandon(&mut self) {
        // The files stay as they are whatever this says.
        let _ = self.log.close(self.logged, self.durable_position(), false);
        self.stop_logging();
    }

    /// From now on batches pass.
    pub(super) fn stop_logging(&mut self) {
        let error = LogError::Misuse("the log has been turned off");
        self.refuse_flush_waiters(&error);
        if let Some(provisional) = self.provisional.take() {
            self.synced = provisional.durable;
        }
        // Without a log the position of what was written only keeps pace.
        self.logged = self.retained.end().map_or(self.logged, |end| end.max(self.logged));
        self.rewrite_under_way = None;
        self.retained.clear();
        self.health = Health::Off;
        self.published.set_failure(None);
        if std::mem::take(&mut self.failure_announced) {
            self.events.push_back(Event::WriteRecovered);
        }
    }

    /// Ends the log. `stuck`: something that should have been written or synced first could not be.
    fn close(&mut self, clean: bool, stuck: bool) {
        let result = if self.health == Health::Off {
            Ok(())
        } else {
            let clean = clean && self.provisional.is_none();
            let closed = self.log.close(self.logged, self.durable_position(), clean);
            if stuck { Err(self.present_error()) } else { closed }
        };
        let error = LogError::Misuse("the log has been closed");
        self.refuse_flush_waiters(&error);
        while let Some((index, control)) = self.queue.first_control() {
            self.queue.remove_control(index);
            self.refuse(control, &error);
        }
        for request in std::mem::take(&mut self.manifest) {
            let (Manifest::Complete { id, .. } | Manifest::Abort { id }) = request;
            self.events.push_back(Event::RewriteDone { id, result: Err(error.clone()) });
        }
        self.health = Health::Closed;
        self.events.push_back(Event::Closed { result });
    }

    fn refuse(&mut self, control: Control, error: &LogError) {
        let result = Err(error.clone());
        match control {
            Control::Flush { id } => {
                self.events.push_back(Event::FlushDone { id, result: Err(error.clone()) });
            }
            Control::Switch { id, kind, at } => {
                self.events.push_back(Event::SwitchDone { id, kind, at, result });
            }
            Control::Policy(_) | Control::Overload(_) | Control::Close { .. } => {}
        }
    }
}

fn misplaced(kind: Switch) -> LogError {
    LogError::Misuse(match kind {
        Switch::Enable => "the log is already on",
        Switch::Rewrite => "a rewrite is under way, or the log is off",
        Switch::Rebase => "a re-base is under way, or the log is off",
        Switch::Backup => "a base is awaited, or the log is off",
        Switch::Disable => "the log is off",
    })
}
