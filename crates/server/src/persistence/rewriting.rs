//! BGREWRITEAOF and the automatic rewrites of the log.

use std::path::PathBuf;
use std::sync::Arc;

use lastsave_fsync_scheduler::{LogError, Position, RequestId, RewriteBase, Switch};

use super::api::Answer;
use super::jobs::JobDone;
use super::log_state::LogState;
use super::rewrite::{Conclusion, Rewrite, RewriteKind, growth_percent};
use super::snapshot_file::{SnapshotError, SnapshotForm};
use super::{Persistence, pid};
use crate::dataset::Dataset;

/// Between attempts to replace a log that cannot be written.
const REBASE_INTERVAL_MS: i64 = 5_000;

impl Persistence {
    /// BGREWRITEAOF; only scheduled when called in a transaction.
    pub(crate) fn bgrewriteaof(
        &mut self,
        dataset: &mut Dataset,
        in_transaction: bool,
        now_ms: i64,
    ) -> Answer {
        if self.rewrite.is_some() {
            return Answer::error("ERR Background append only file rewriting already in progress");
        }
        if self.saves.is_busy() || in_transaction || self.is_log_closing() {
            self.rewrite_is_scheduled = true;
            self.rewrites.reset_failures();
            return Answer::status("Background append only file rewriting scheduled");
        }
        match self.start_rewrite(dataset, now_ms) {
            Ok(()) => Answer::status("Background append only file rewriting started"),
            Err(()) => Answer::error(
                "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
            ),
        }
    }

    /// Rewrites that were scheduled, that the log's growth asks for, or that a failed disk makes necessary; called by
    /// cron.
    pub(super) fn start_due_rewrites(&mut self, dataset: &mut Dataset, now_ms: i64) {
        if self.rewrite.is_some() || self.saves.is_busy() || self.shutdown.is_some() || self.is_log_closing()
        {
            return;
        }
        let growth = self.growth_to_rewrite();
        if !self.rewrite_is_scheduled && !self.needs_rebase && growth.is_none() {
            return;
        }
        if self.needs_rebase {
            // Writes are refused until it succeeds, so the pauses between failing rewrites are not for it.
            if now_ms - self.last_rewrite_try_ms < REBASE_INTERVAL_MS {
                return;
            }
        } else if let Err(line) = self.rewrites.may_start(now_ms) {
            if let Some(line) = line {
                tracing::warn!("{line}");
            }
            return;
        }
        if let Some(percent) = growth.filter(|_| !self.rewrite_is_scheduled) {
            tracing::info!("Starting automatic rewriting of AOF on {percent}% growth");
        }
        let _failure_is_logged = self.start_rewrite(dataset, now_ms);
    }

    /// Whether the log is being switched off: its files are still its thread's, and no base must take their place.
    fn is_log_closing(&self) -> bool {
        self.disable_request.is_some()
    }

    fn growth_to_rewrite(&self) -> Option<i128> {
        if self.log_state != LogState::On || self.settings.rewrite_percentage == 0 {
            return None;
        }
        let statistics = self.log().statistics();
        let percent = growth_percent(statistics.log_bytes, statistics.log_base_bytes);
        let is_due = statistics.log_bytes > self.settings.rewrite_min_bytes
            && percent >= i128::from(self.settings.rewrite_percentage);
        is_due.then_some(percent)
    }

    /// Cuts the data set and the log at the same position, and starts writing the new base.
    pub(super) fn start_rewrite(&mut self, dataset: &mut Dataset, now_ms: i64) -> Result<(), ()> {
        assert!(self.rewrite.is_none(), "one rewrite at a time");
        assert!(!self.stream.in_transaction(), "units are not cut in two");
        self.rewrite_is_scheduled = false;
        self.last_rewrite_try_ms = now_ms;
        if let Err(reason) = self.lock_directory() {
            tracing::warn!("Can't rewrite append only file in background: {reason}");
            self.rewrites.last_status_ok = false;
            return Err(());
        }
        let kind = match self.log_state {
            LogState::On if self.needs_rebase => RewriteKind::Log(Switch::Rebase),
            LogState::On => RewriteKind::Log(Switch::Rewrite),
            LogState::Enabling => RewriteKind::Log(Switch::Enable),
            LogState::Off | LogState::Disabling => RewriteKind::BaseOnly,
        };
        let form = if self.settings.use_preamble {
            SnapshotForm::Base
        } else {
            SnapshotForm::CommandBase { timestamp: self.settings.timestamps }
        };
        // The batch before the cut belongs to the old increment, and everything after it to the new one.
        self.hand_over();
        let temporary = PathBuf::from(format!("temp-rewriteaof-{}.aof", pid()));
        let mut job = self.snapshot_job(dataset, form, temporary, PathBuf::from(base_name()), now_ms);
        job.bytes_per_second_max = self.settings.snapshot_max_bytes_per_second;
        // The log stays in its directory when `dir` changes, and takes its base from there.
        job.storage = Arc::clone(self.directory.storage());
        if kind == RewriteKind::BaseOnly {
            job.adopt_into = Some(Arc::clone(&self.directory));
        }
        let progress = Arc::clone(&job.progress);
        let job = match self.jobs.start(job) {
            Ok(job) => job,
            Err(reason) => {
                tracing::warn!("Can't rewrite append only file in background: {reason}");
                self.rewrites.last_status_ok = false;
                return Err(());
            }
        };
        let switch = match kind {
            RewriteKind::Log(switch) => {
                self.stream.start_new_file();
                let id = self.log().request_switch(switch, Position::new(self.stream.position()));
                Some(id)
            }
            RewriteKind::BaseOnly => None,
        };
        if switch.is_some() && self.log_state == LogState::Enabling {
            self.log_takes_effects = true;
        }
        tracing::info!("Background append only file rewriting started by pid {}", pid());
        self.rewrites.count += 1;
        self.rewrite = Some(Rewrite {
            kind,
            job,
            progress,
            started_ms: now_ms,
            switch,
            job_is_done: false,
            base_bytes: None,
            conclusion: None,
        });
        Ok(())
    }

    /// The log has moved to a new file, or could not.
    pub(super) fn rewrite_switched(&mut self, id: RequestId, result: Result<(), LogError>) {
        let Some(rewrite) = self.rewrite.as_mut().filter(|rewrite| rewrite.switch == Some(id)) else {
            return;
        };
        rewrite.switch = None;
        if let (Some(Conclusion::WaitingToAbort { failed }), Some(log)) = (rewrite.conclusion, &self.log) {
            rewrite.conclusion = Some(Conclusion::Aborting { id: log.abort_rewrite(), failed });
        }
        match result {
            Ok(()) => self.complete_rewrite_if_ready(),
            Err(error) => {
                tracing::warn!("Can't move the append only file to a new increment: {error}");
                self.give_up_rewrite(true);
            }
        }
    }

    /// The base is written, or is not.
    pub(super) fn base_ended(&mut self, dataset: &mut Dataset, done: JobDone, now_ms: i64) {
        self.rewrites.last_extra_bytes = dataset.keyspace.memory().retired_bytes_peak;
        let rewrite = self.rewrite.as_mut().expect("the caller has compared the job");
        rewrite.job_is_done = true;
        if rewrite.conclusion.is_some() {
            if done.result.is_ok() {
                self.remove_unused_base();
            }
            self.forget_aborted_rewrite();
            return;
        }
        match done.result {
            Ok(written) => {
                rewrite.base_bytes = Some(written.bytes);
                tracing::info!("Successfully created the temporary AOF base file {}", base_name());
                tracing::info!("Background AOF rewrite terminated with success");
                if rewrite.kind == RewriteKind::BaseOnly {
                    self.rewrite_succeeded(now_ms);
                } else {
                    self.complete_rewrite_if_ready();
                }
            }
            Err(SnapshotError::Cancelled) => {
                tracing::info!("Background AOF rewrite cancelled");
                self.give_up_rewrite(false);
            }
            Err(error) => {
                let (from, to) =
                    (PathBuf::from(format!("temp-rewriteaof-{}.aof", pid())), PathBuf::from(base_name()));
                tracing::warn!("{}", error.log_line(&from, &to, self.directory.storage().path()));
                tracing::warn!("Background AOF rewrite terminated with error");
                self.give_up_rewrite(true);
            }
        }
    }

    /// Hands the base to the log once the log has moved on and the base is there.
    fn complete_rewrite_if_ready(&mut self) {
        let (Some(rewrite), Some(log)) = (&mut self.rewrite, &self.log) else { return };
        let (None, None, Some(size_bytes)) = (rewrite.switch, rewrite.conclusion, rewrite.base_bytes) else {
            return;
        };
        let id = log.complete_rewrite(RewriteBase { name: base_name(), size_bytes });
        rewrite.conclusion = Some(Conclusion::Completing(id));
    }

    /// Ends a rewrite without its base. `failed`: because something went wrong, not because it was called off.
    pub(super) fn give_up_rewrite(&mut self, failed: bool) {
        let (Some(rewrite), Some(log)) = (&mut self.rewrite, &self.log) else { return };
        rewrite.progress.cancel();
        match rewrite.kind {
            RewriteKind::BaseOnly => {
                rewrite.conclusion.get_or_insert(Conclusion::Aborted { failed });
                self.forget_aborted_rewrite();
            }
            RewriteKind::Log(switch) => {
                if matches!(
                    rewrite.conclusion,
                    Some(
                        Conclusion::WaitingToAbort { .. }
                            | Conclusion::Aborting { .. }
                            | Conclusion::Aborted { .. }
                    )
                ) {
                    return;
                }
                if switch == Switch::Enable {
                    self.log_takes_effects = false;
                }
                rewrite.conclusion = Some(match rewrite.switch {
                    Some(_) => Conclusion::WaitingToAbort { failed },
                    None => Conclusion::Aborting { id: log.abort_rewrite(), failed },
                });
            }
        }
    }

    /// The log has adopted the base, or let the rewrite go.
    pub(super) fn rewrite_concluded(&mut self, id: RequestId, result: Result<(), LogError>, now_ms: i64) {
        let Some(rewrite) = &self.rewrite else { return };
        match rewrite.conclusion {
            Some(Conclusion::Completing(wanted)) if wanted == id => match result {
                Ok(()) => self.rewrite_succeeded(now_ms),
                Err(error) => {
                    tracing::warn!("Can't make {} the base of the append only file: {error}", base_name());
                    self.remove_unused_base();
                    self.give_up_rewrite(true);
                }
            },
            Some(Conclusion::Aborting { id: wanted, failed }) if wanted == id => {
                match result {
                    // There was nothing left to give up: its base had been adopted a moment before.
                    Ok(()) | Err(LogError::Misuse(_)) => {}
                    Err(error) => {
                        tracing::warn!(
                            "A rewrite of the append only file was given up, but not cleaned up: {error}"
                        );
                    }
                }
                if let Some(rewrite) = &mut self.rewrite {
                    rewrite.conclusion = Some(Conclusion::Aborted { failed });
                }
                self.forget_aborted_rewrite();
            }
            _ => {}
        }
    }

    /// A rewrite that was given up is over when its job has ended too: the next one writes the same files.
    fn forget_aborted_rewrite(&mut self) {
        let Some(Rewrite { job_is_done: true, conclusion: Some(Conclusion::Aborted { failed }), .. }) =
            self.rewrite
        else {
            return;
        };
        self.rewrite = None;
        if failed {
            self.rewrites.note_failure();
        }
        if self.log_state == LogState::Enabling {
            self.rewrite_is_scheduled = true;
        }
    }

    fn rewrite_succeeded(&mut self, now_ms: i64) {
        let rewrite = self.rewrite.take().expect("the caller has looked at it");
        self.rewrites.last_duration_seconds = (now_ms - rewrite.started_ms) / 1000;
        if self.log_state == LogState::Enabling {
            self.log_state = LogState::On;
        }
        self.needs_rebase = false;
        self.finish_history();
    }

    fn finish_history(&mut self) {
        self.rewrites.note_success();
        tracing::info!("Background AOF rewrite finished successfully");
        self.collect_history();
    }

    fn remove_unused_base(&mut self) {
        let storage = Arc::clone(self.directory.storage());
        self.jobs.run_aside(Box::new(move || {
            // A leftover does no harm: it is overwritten by the next rewrite, and loaded by nobody.
            let _leftover = lastsave_storage::unlink_durably(&*storage, &PathBuf::from(base_name()));
        }));
    }
}

/// The finished base, before the log gives it its place.
fn base_name() -> String {
    format!("temp-rewriteaof-bg-{}.aof", pid())
}
