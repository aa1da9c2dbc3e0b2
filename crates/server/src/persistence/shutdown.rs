//! Ending in order: jobs stopped, log synced, last snapshot written, log closed.
//!
//! While this goes on, writes are kept waiting (`is_saturated`), so that nothing is acknowledged that the last snapshot
//! does not hold.

use lastsave_fsync_scheduler::{LogError, Position, RequestId};

use super::Persistence;
use super::api::{Notice, ShutdownOptions, ShutdownProgress};
use super::log_state::LogState;
use super::saves::SaveCause;
use crate::dataset::Dataset;

/// A shutdown under way.
#[derive(Debug)]
pub(crate) struct Shutdown {
    options: ShutdownOptions,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waiting for snapshot jobs to notice that they are not wanted.
    StoppingJobs,
    /// Waiting for the log to be written and synced.
    Flushing(RequestId),
    /// The log is as it should be; the last save is next.
    Flushed,
    /// Waiting for the last save.
    Saving,
    /// Nothing is left but to close the log.
    Saved,
    /// Waiting for the log to be closed.
    Closing,
    Done,
    Refused,
}

impl Persistence {
    /// SHUTDOWN or a signal.
    pub(crate) fn shutdown(
        &mut self,
        dataset: &mut Dataset,
        options: ShutdownOptions,
        now_ms: i64,
    ) -> ShutdownProgress {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.options = options;
            return ShutdownProgress::Pending;
        }
        if self.is_first_rewrite() || self.log_state == LogState::Enabling {
            if !options.force {
                tracing::warn!("Writing initial AOF, can't exit.");
                return ShutdownProgress::Refused;
            }
            tracing::warn!("Writing initial AOF. Exit anyway.");
        }
        if self.saves.is_background_running() {
            tracing::warn!("There is a child saving an .rdb. Killing it!");
        }
        if self.rewrite.is_some() {
            tracing::warn!("There is a child rewriting the AOF. Killing it!");
        }
        self.saves.cancel_running();
        self.give_up_rewrite(false);
        self.shutdown = Some(Shutdown { options, stage: Stage::StoppingJobs });
        self.advance_shutdown(dataset, now_ms);
        self.shutdown_progress()
    }

    /// SHUTDOWN ABORT; false when no shutdown was under way, or it has come too far.
    pub(crate) fn abort_shutdown(&mut self) -> bool {
        match &self.shutdown {
            Some(shutdown) if !matches!(shutdown.stage, Stage::Saved | Stage::Closing | Stage::Done) => {
                self.shutdown = None;
                true
            }
            _ => false,
        }
    }

    fn shutdown_progress(&mut self) -> ShutdownProgress {
        match self.shutdown.as_ref().map(|shutdown| shutdown.stage) {
            Some(Stage::Done) => ShutdownProgress::Done { exit_code: 0 },
            Some(Stage::Refused) | None => {
                self.shutdown = None;
                ShutdownProgress::Refused
            }
            Some(_) => ShutdownProgress::Pending,
        }
    }

    /// Goes as far as possible; called again with every event. Reports the end as a notice.
    pub(super) fn continue_shutdown(&mut self, dataset: &mut Dataset, now_ms: i64) {
        if self.shutdown.is_none() {
            return;
        }
        self.advance_shutdown(dataset, now_ms);
        match self.shutdown_progress() {
            ShutdownProgress::Done { exit_code } => self.notices.push(Notice::ShutdownDone { exit_code }),
            ShutdownProgress::Refused => self.notices.push(Notice::ShutdownRefused),
            ShutdownProgress::Pending => {}
        }
    }

    fn advance_shutdown(&mut self, dataset: &mut Dataset, now_ms: i64) {
        while let Some(shutdown) = &self.shutdown {
            let options = shutdown.options;
            let next = match shutdown.stage {
                Stage::StoppingJobs if self.saves.running.is_some() || self.rewrite.is_some() => return,
                Stage::StoppingJobs if matches!(self.log_state, LogState::On | LogState::Disabling) => {
                    tracing::info!("Calling fsync() on the AOF file.");
                    self.hand_over();
                    Stage::Flushing(self.log().flush())
                }
                Stage::StoppingJobs => Stage::Flushed,
                Stage::Flushed if self.wants_last_save(options) => {
                    tracing::info!("Saving the final RDB snapshot before exiting.");
                    self.saves.next = None;
                    if self.start_save(dataset, SaveCause::Shutdown, now_ms).is_ok() {
                        Stage::Saving
                    } else {
                        last_save_failed(options)
                    }
                }
                Stage::Flushed => Stage::Saved,
                Stage::Saved => {
                    self.log().close(true);
                    Stage::Closing
                }
                Stage::Flushing(_) | Stage::Saving | Stage::Closing | Stage::Done | Stage::Refused => return,
            };
            self.set_stage(next);
        }
    }

    fn wants_last_save(&self, options: ShutdownOptions) -> bool {
        options.save || (!self.saves.points.is_empty() && !options.nosave)
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.stage = stage;
        }
    }

    pub(super) fn shutdown_log_flushed(&mut self, id: RequestId, result: Result<Position, LogError>) {
        if !matches!(&self.shutdown, Some(shutdown) if shutdown.stage == Stage::Flushing(id)) {
            return;
        }
        if let Err(error) = result {
            // Replies that wait for the log are never sent; what was acknowledged is not touched by this.
            tracing::warn!("Fail to fsync the AOF file: {}.", error.text());
        }
        self.set_stage(Stage::Flushed);
    }

    pub(super) fn shutdown_save_ended(&mut self, succeeded: bool) {
        let Some(shutdown) = &self.shutdown else { return };
        let stage = if succeeded { Stage::Saved } else { last_save_failed(shutdown.options) };
        self.set_stage(stage);
    }

    pub(super) fn shutdown_log_closed(&mut self, result: Result<(), LogError>) {
        if let Err(error) = result {
            tracing::warn!("Error closing the AOF file: {}.", error.text());
        }
        self.set_stage(Stage::Done);
    }
}

fn last_save_failed(options: ShutdownOptions) -> Stage {
    if options.force {
        tracing::warn!("Error trying to save the DB. Exit anyway.");
        Stage::Saved
    } else {
        tracing::warn!("Error trying to save the DB, can't exit.");
        Stage::Refused
    }
}
