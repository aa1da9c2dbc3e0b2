//! The effect stream as the executor uses it: what is appended, what was handed over, and what replies wait for.

use lastsave_commands::Effects;
use lastsave_fsync_scheduler::{LogHandle, Policy, Position};
use lastsave_resp::Request;

use super::Persistence;
use super::log_state::LogState;
use crate::durability::{Awaited, Durability, Released};
use crate::net::gate::ReplyGate;

impl Persistence {
    /// Appends the effects of one unit to the stream. `request` is what was sent, for effects that are logged verbatim;
    /// effects without a command (expiry, eviction) have none. Several effects of one unit are wrapped into a
    /// transaction.
    #[inline]
    pub(crate) fn append_unit(&mut self, effects: &Effects, request: Option<Request<'_>>) {
        self.saves.dirty += effects.dirty();
        if self.log_takes_effects && !effects.is_empty() {
            self.note_time();
            self.stream.append_unit(effects, request);
        }
    }

    /// Appends effects that no client asked for and that have nothing to do with each other: the keys that time removed.
    pub(crate) fn append_separately(&mut self, effects: &Effects) {
        self.saves.dirty += effects.dirty();
        if self.log_takes_effects && !effects.is_empty() {
            self.note_time();
            self.stream.append_separately(effects);
        }
    }

    /// Opens a unit of several commands (EXEC). Nothing is written unless one of them has effects.
    pub(crate) fn begin_transaction(&mut self) {
        if self.log_takes_effects {
            self.note_time();
        }
        self.stream.begin_transaction();
    }

    /// Appends the effects of one command of the open unit.
    pub(crate) fn append_to_transaction(&mut self, effects: &Effects, request: Request<'_>) {
        self.saves.dirty += effects.dirty();
        if self.log_takes_effects {
            self.stream.append_to_transaction(effects, request);
        }
    }

    /// Closes the unit.
    pub(crate) fn end_transaction(&mut self) {
        self.stream.end_transaction();
    }

    fn note_time(&mut self) {
        if self.settings.timestamps {
            self.stream.note_time(true, self.environment.clock.wall_ms() / 1000);
        }
    }

    /// End of the stream: every unit up to here was appended.
    #[inline]
    #[must_use]
    pub(crate) fn appended(&self) -> u64 {
        self.stream.position()
    }

    /// Up to here the stream was handed to the log; what is beyond is still being collected.
    #[inline]
    #[must_use]
    pub(crate) fn handed_over(&self) -> u64 {
        self.stream.handed_over()
    }

    /// Replies that depend on positions up to here may leave; everything without a log.
    #[inline]
    #[must_use]
    pub(crate) fn released(&self) -> Released {
        match &self.log {
            Some(log) if self.is_gating() => {
                // The policy's own position first: it is never beyond the others that are read after it.
                let by_policy = log.released().get();
                let is_always = self.settings.policy == Policy::Always;
                let by_second = if is_always { log.written().get() } else { by_policy };
                Released { by_policy, by_second, by_sync: log.durable().get() }
            }
            _ => Released::EVERYTHING,
        }
    }

    /// Holds the output up to `produced` back until the log has `position`, as this durability asks. Without a log nothing
    /// is held.
    #[inline]
    pub(crate) fn hold(&self, gate: &mut ReplyGate, produced: u64, position: u64, durability: Durability) {
        if self.is_gating() {
            gate.hold(produced, position, durability, &self.released(), self.handed_over());
        }
    }

    /// Has everything appended so far synced, unless such a sync is under way already. Gives whether it was asked for.
    pub(crate) fn request_sync(&mut self) -> bool {
        let is_possible = self.is_gating() && self.sync_request.is_none();
        let Some(log) = self.log.as_ref().filter(|_| is_possible) else { return false };
        self.sync_request = Some(log.flush());
        true
    }

    /// Up to here the log would survive a power loss.
    #[must_use]
    pub(crate) fn durable(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.durable().get())
    }

    /// Whether replies have to be held for a log at all.
    #[inline]
    #[must_use]
    pub(crate) fn is_gating(&self) -> bool {
        // Switched on again before it is off: what was appended before is still on its way.
        matches!(self.log_state, LogState::On | LogState::Disabling) || self.disable_request.is_some()
    }

    /// Whether `appendonly` is on.
    #[must_use]
    pub(crate) fn is_log_enabled(&self) -> bool {
        matches!(self.log_state, LogState::On | LogState::Enabling)
    }

    /// Declares that the executor is going to sleep until one of these positions has come. `false`: one has already come,
    /// do not sleep.
    #[must_use]
    pub(crate) fn want_wake(&self, awaited: &Awaited) -> bool {
        let Some(log) = &self.log else { return true };
        let sleeps = |position: Option<u64>, want: &dyn Fn(Position) -> bool| {
            position.is_none_or(|position| want(Position::new(position)))
        };
        (!self.is_gating()
            || (sleeps(awaited.by_policy, &|position| log.want_wake(position))
                && sleeps(awaited.by_second, &|position| log.want_written(position))))
            && sleeps(awaited.by_sync, &|position| log.want_durable(position))
            && (!log.is_saturated() || log.want_space())
    }

    /// The executor is awake and looks by itself.
    pub(crate) fn cancel_wake(&self) {
        if let Some(log) = &self.log {
            log.cancel_wake();
        }
    }

    /// Hands what was appended in this turn to the log. Called once per turn, before replies are sent.
    #[inline]
    pub(crate) fn hand_over(&mut self) {
        if self.stream.pending_bytes() == 0 {
            return;
        }
        let Some(log) = self.log.as_ref().filter(|_| self.log_takes_effects) else {
            self.stream.discard_batch();
            return;
        };
        let end = Position::new(self.stream.position());
        if let Some(batch) = self.stream.take_batch()
            && !log.try_write_inline(&batch, end)
        {
            log.append(batch, end);
        }
    }

    /// Under `always`, hands over what the turn has appended so far if the log has nothing else to do: its sync begins while
    /// the turn goes on.
    #[inline]
    pub(crate) fn hand_over_early(&mut self) {
        if self.settings.policy == Policy::Always && self.durable() >= self.handed_over() {
            self.hand_over();
        }
    }

    /// Whether the log is so far behind, a snapshot so expensive, or the end of the process so near, that clients must not
    /// write for the moment.
    #[inline]
    #[must_use]
    pub(crate) fn is_saturated(&self) -> bool {
        self.shutdown.is_some()
            || self.is_over_budget
            || (self.log_takes_effects && self.log.as_ref().is_some_and(LogHandle::is_saturated))
    }

    /// Whether the log cannot be written at the moment.
    #[must_use]
    pub(crate) fn is_log_failing(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.failure().is_some())
    }

    /// The error (with its code) that write commands get while persistence fails; `None` = writes are welcome.
    #[must_use]
    pub(crate) fn write_refusal(&self) -> Option<String> {
        if !self.saves.points.is_empty() && self.settings.stop_writes_on_error && !self.saves.last_status_ok {
            return Some(
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
                 Commands that may modify the data set are disabled, because this instance is configured to report \
                 errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the \
                 Redis logs for details about the RDB error."
                    .to_owned(),
            );
        }
        let failure = self.log.as_ref().filter(|_| self.is_log_enabled()).and_then(LogHandle::failure)?;
        Some(format!("MISCONF Errors writing to the AOF file: {}", failure.text()))
    }
}
