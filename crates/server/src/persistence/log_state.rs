//! The log's life: switched on, switched off, and what its thread reports.

use lastsave_fsync_scheduler::{Event, Position, RequestId, Switch};

use super::api::Notice;
use super::rewrite::RewriteKind;
use super::{Persistence, pid};
use crate::dataset::Dataset;

/// Whether effects are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogState {
    /// `appendonly no`.
    Off,
    /// Switched on while running: counts as on once a first base is complete.
    Enabling,
    /// `appendonly yes`.
    On,
    /// Switched off: what was appended before is still being written.
    Disabling,
}

impl Persistence {
    /// `CONFIG SET appendonly`.
    ///
    /// # Errors
    /// Why the configuration stays as it was, in Redis' words.
    pub(crate) fn set_appendonly(
        &mut self,
        dataset: &mut Dataset,
        enabled: bool,
        now_ms: i64,
    ) -> Result<(), String> {
        match (enabled, self.log_state) {
            (true, LogState::Off | LogState::Disabling) => self.enable_log(dataset, now_ms),
            (false, LogState::On | LogState::Enabling) => {
                self.disable_log();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn enable_log(&mut self, dataset: &mut Dataset, now_ms: i64) -> Result<(), String> {
        if self.storage.path() != self.directory.storage().path() {
            tracing::warn!(
                "'dir' was changed to {} while the append only file was off. Its files would still be in {}, where the \
                 next start does not look: restart the server in the new directory, then switch it on.",
                self.storage.path().display(),
                self.directory.storage().path().display()
            );
            return Err("Unable to turn on AOF. Check server logs.".to_owned());
        }
        self.lock_directory().map_err(|reason| {
            tracing::warn!("{reason}");
            "Unable to turn on AOF. Check server logs.".to_owned()
        })?;
        let was = self.log_state;
        self.log_state = LogState::Enabling;
        if self.saves.is_busy() || self.rewrite.is_some() || self.stream.in_transaction() {
            if self.rewrite.is_some() {
                tracing::warn!(
                    "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and \
                     starting a rewrite now."
                );
                self.give_up_rewrite(false);
            }
            self.rewrite_is_scheduled = true;
            return Ok(());
        }
        if self.start_rewrite(dataset, now_ms).is_err() {
            self.log_state = was;
            return Err("Unable to turn on AOF. Check server logs.".to_owned());
        }
        Ok(())
    }

    fn disable_log(&mut self) {
        self.hand_over();
        if self.rewrite.is_some() {
            tracing::info!("Killing running AOF rewrite child: {}", pid());
        }
        // Its base may arrive before the log hears that it is not wanted, and the log is on from then on.
        let may_be_on = self.log_state == LogState::On || self.is_first_rewrite();
        self.give_up_rewrite(false);
        self.rewrite_is_scheduled = false;
        self.needs_rebase = false;
        self.log_takes_effects = false;
        self.notices.push(Notice::LogDisabled);
        if !may_be_on {
            self.log_state = LogState::Off;
            return;
        }
        self.log_state = LogState::Disabling;
        self.disable_request =
            Some(self.log().request_switch(Switch::Disable, Position::new(self.stream.position())));
    }

    fn log_disabled(&mut self, id: RequestId) {
        if self.disable_request == Some(id) {
            self.disable_request = None;
            if self.log_state == LogState::Disabling {
                self.log_state = LogState::Off;
            }
        }
    }

    /// Works off what the log thread has reported.
    pub(super) fn handle_log_events(&mut self, now_ms: i64) {
        while let Some(event) = self.log().next_event() {
            self.handle_log_event(event, now_ms);
        }
    }

    pub(super) fn handle_log_event(&mut self, event: Event, now_ms: i64) {
        match event {
            Event::SwitchDone { id, kind: Switch::Disable, result, .. } => {
                if let Err(error) = result {
                    tracing::warn!("Error closing the append only file: {error}");
                }
                self.log_disabled(id);
            }
            Event::SwitchDone { id, result, .. } if self.is_backup(id) => {
                self.backup_sealed(id, &result, now_ms);
            }
            Event::SwitchDone { id, result, .. } => self.rewrite_switched(id, result),
            Event::RewriteDone { id, result } => self.rewrite_concluded(id, result, now_ms),
            Event::FlushDone { id, .. } if self.sync_request == Some(id) => self.sync_request = None,
            Event::FlushDone { id, result } => self.shutdown_log_flushed(id, result),
            Event::Closed { result } => self.shutdown_log_closed(result),
            Event::WriteFailing(failure) => {
                tracing::warn!("Error writing to the AOF file: {}", failure.text());
            }
            Event::WriteRecovered => {
                tracing::warn!("AOF write error looks solved, Redis can write again.");
                self.needs_rebase = false;
            }
            Event::SegmentReplaced { cut_at, relogged_bytes, cause } => tracing::warn!(
                "Fail to fsync the AOF file: {}. The increment was left at position {cut_at} and replaced by a new \
                 one; {relogged_bytes} bytes were logged again. Nothing acknowledged was lost.",
                cause.text()
            ),
            Event::NeedsRebase(failure) => {
                tracing::warn!(
                    "The AOF increment failed and could not be replaced: {}. Writing a new base.",
                    failure.text()
                );
                // A log that is being switched off needs no new base.
                self.needs_rebase = self.is_log_enabled();
                self.give_up_rewrite(true);
            }
            Event::EnableFailed(error) => {
                tracing::warn!("Can't switch the append only file on: {error}");
            }
            Event::SlowSync { at_risk_ms, holding } => tracing::info!(
                "Asynchronous AOF fsync is taking too long (disk is busy?). Data of {at_risk_ms} ms is at risk; {}",
                if holding {
                    "writers wait until it is safe (appendfsync-overload slow-writers)."
                } else {
                    "going on without waiting for it, this may lose more than a second of writes at a power failure."
                }
            ),
            Event::Poisoned(failure) => {
                tracing::warn!(
                    "The thread of the append only file has failed: {}. Exiting...",
                    failure.text()
                );
                self.notices.push(Notice::Fatal { exit_code: 1 });
            }
            _ => {}
        }
    }

    /// Whether the rewrite under way serves the first base of a log that is being switched on.
    pub(super) fn is_first_rewrite(&self) -> bool {
        self.log_state == LogState::Enabling
            && self.rewrite.as_ref().is_some_and(|rewrite| rewrite.kind == RewriteKind::Log(Switch::Enable))
    }
}
