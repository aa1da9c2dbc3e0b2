//! SAVE, BGSAVE, save points, and the saves of FLUSHALL and SHUTDOWN.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::api::{Answer, Notice};
use super::jobs::JobDone;
use super::progress::Progress;
use super::saves::{RunningSave, SaveCause};
use super::snapshot_file::{AccessRecord, SnapshotError, SnapshotForm, SnapshotJob, SnapshotWritten};
use super::{Persistence, pid};
use crate::dataset::Dataset;

const IN_PROGRESS: &str = "ERR Background save already in progress";
const REWRITE_IN_PROGRESS: &str = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                                   SCHEDULE in order to schedule a BGSAVE whenever possible.";

impl Persistence {
    /// SAVE.
    pub(crate) fn save(&mut self, dataset: &mut Dataset, now_ms: i64) -> Answer {
        if self.saves.is_busy() {
            return Answer::error(IN_PROGRESS);
        }
        self.saves.count += 1;
        let ticket = self.next_ticket();
        match self.start_save(dataset, SaveCause::Command { ticket }, now_ms) {
            Ok(()) => Answer::Later(ticket),
            Err(()) => Answer::error("ERR"),
        }
    }

    /// BGSAVE; `schedule` as its option says, or when called in a transaction.
    pub(crate) fn bgsave(&mut self, dataset: &mut Dataset, schedule: bool, now_ms: i64) -> Answer {
        if self.saves.is_busy() {
            return Answer::error(IN_PROGRESS);
        }
        if self.rewrite.is_some() || self.stream.in_transaction() {
            if schedule || self.stream.in_transaction() {
                self.saves.is_scheduled = true;
                return Answer::status("Background saving scheduled");
            }
            return Answer::error(REWRITE_IN_PROGRESS);
        }
        match self.start_background_save(dataset, now_ms) {
            Ok(()) => Answer::status("Background saving started"),
            Err(()) => Answer::error("ERR"),
        }
    }

    /// BGSAVE CANCEL: the running background save ends without a file, or the scheduled one never starts. That is no
    /// failure: writes go on, and a save point that is due starts the next one.
    pub(crate) fn bgsave_cancel(&mut self) -> Answer {
        if self.saves.is_background_running() && !self.saves.is_cancelled() {
            self.saves.cancel_running();
            return Answer::status("Background saving cancelled");
        }
        if std::mem::take(&mut self.saves.is_scheduled) {
            return Answer::status("Scheduled background saving cancelled");
        }
        Answer::error("ERR Background saving is currently not in progress or scheduled")
    }

    /// FLUSHALL has emptied the data: a running save is stopped and, with save points, the emptiness is saved. The
    /// client that asked for it waits for the ticket, if there is one.
    pub(crate) fn after_flush_all(&mut self, dataset: &mut Dataset, now_ms: i64) -> Option<u64> {
        self.saves.cancel_running();
        if self.saves.points.is_empty() {
            return None;
        }
        let in_transaction = self.stream.in_transaction();
        let ticket = self.next_ticket();
        let cause = SaveCause::Flush { ticket: Some(ticket).filter(|_| !in_transaction) };
        // The file must not be replaced once more by the save that was just stopped, and a snapshot does not cut a
        // transaction in two.
        if self.saves.running.is_some() || in_transaction {
            if let Some(SaveCause::Flush { ticket: Some(earlier) }) = self.saves.next.replace(cause) {
                self.notices.push(Notice::JobDone { ticket: earlier, answer: Answer::status("OK") });
            }
            return Some(ticket).filter(|_| !in_transaction);
        }
        self.start_save(dataset, cause, now_ms).ok().map(|()| ticket)
    }

    /// Save points and scheduled saves; called by cron.
    pub(super) fn start_due_saves(&mut self, dataset: &mut Dataset, now_ms: i64) {
        if self.saves.is_busy() || self.rewrite.is_some() || self.shutdown.is_some() {
            return;
        }
        let now_s = now_ms / 1000;
        if let Some(point) = self.saves.due_point(now_s) {
            tracing::info!("{} changes in {} seconds. Saving...", point.changes, point.seconds);
        } else if !self.saves.is_scheduled
            || !(self.saves.last_status_ok || self.saves.waited_after_failure(now_s))
        {
            return;
        }
        let _failure_is_logged = self.start_background_save(dataset, now_ms);
    }

    fn start_background_save(&mut self, dataset: &mut Dataset, now_ms: i64) -> Result<(), ()> {
        self.saves.count += 1;
        self.saves.last_try_seconds = now_ms / 1000;
        self.start_save(dataset, SaveCause::Background, now_ms)?;
        self.saves.is_scheduled = false;
        tracing::info!("Background saving started by pid {}", pid());
        Ok(())
    }

    /// Takes the snapshot and starts the job. A failure is logged.
    pub(super) fn start_save(
        &mut self,
        dataset: &mut Dataset,
        cause: SaveCause,
        now_ms: i64,
    ) -> Result<(), ()> {
        if let Err(reason) = self.lock_directory() {
            tracing::warn!("Can't save: {reason}");
            self.saves.last_status_ok = false;
            return Err(());
        }
        let target = PathBuf::from(&self.settings.dump_name);
        let temporary = PathBuf::from(format!("temp-{}.rdb", pid()));
        let mut job = self.snapshot_job(dataset, SnapshotForm::Dump, temporary, target, now_ms);
        if matches!(cause, SaveCause::Background) {
            job.bytes_per_second_max = self.settings.snapshot_max_bytes_per_second;
        }
        let progress = Arc::clone(&job.progress);
        match self.jobs.start(job) {
            Ok(job) => {
                let dirty_at_cut = self.saves.dirty;
                self.saves.running = Some(RunningSave {
                    job,
                    cause,
                    progress,
                    started_ms: now_ms,
                    dirty_at_cut,
                    is_cancelled: false,
                });
                Ok(())
            }
            Err(reason) => {
                tracing::warn!("Can't save in background: {reason}");
                self.saves.last_status_ok = false;
                Err(())
            }
        }
    }

    /// Cuts the data set, and puts together what a job needs to write it.
    pub(super) fn snapshot_job(
        &mut self,
        dataset: &mut Dataset,
        form: SnapshotForm,
        temporary: PathBuf,
        target: PathBuf,
        now_ms: i64,
    ) -> SnapshotJob {
        let used_memory_bytes = dataset.keyspace.memory().live_bytes as u64;
        let started = Instant::now();
        let snapshot = dataset.keyspace.snapshot();
        self.last_cut_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.cuts += 1;
        self.longest_turn_us = 0;
        self.longest_turn_without_us = 0;
        let access = if self.settings.saves_frequency {
            AccessRecord::Frequency
        } else if self.settings.saves_idle {
            AccessRecord::Idle { clock: (now_ms / 1000) as u32 & 0x00ff_ffff }
        } else {
            AccessRecord::Nothing
        };
        let incremental_writeback = match form {
            SnapshotForm::Base | SnapshotForm::CommandBase { .. } => self.settings.rewrite_incremental,
            SnapshotForm::Dump => self.settings.save_incremental,
        };
        SnapshotJob {
            storage: Arc::clone(&self.storage),
            temporary,
            target,
            form,
            options: self.settings.rdb,
            access,
            created_unix_seconds: now_ms / 1000,
            used_memory_bytes,
            key_delay: self.settings.key_save_delay,
            bytes_per_second_max: 0,
            incremental_writeback,
            progress: Arc::new(Progress::new(snapshot.len())),
            snapshot,
            functions: dataset.functions.clone(),
            adopt_into: None,
        }
    }

    /// The running save has ended, well or not.
    pub(super) fn save_ended(&mut self, dataset: &mut Dataset, done: JobDone, now_ms: i64) {
        let running = self.saves.running.take().expect("the caller has compared the job");
        self.saves.last_extra_bytes = dataset.keyspace.memory().retired_bytes_peak;
        let succeeded = match done.result {
            Ok(written) => {
                self.log_saved(&running, &written);
                self.saves.note_success(&running, now_ms);
                true
            }
            Err(error) => {
                self.log_failed_save(&running, &error);
                self.saves.note_failure(&running, now_ms);
                false
            }
        };
        self.answer_save(running.cause, succeeded);
        self.start_next_save(dataset, now_ms);
    }

    /// Starts the save that had to wait, unless it still has to.
    pub(super) fn start_next_save(&mut self, dataset: &mut Dataset, now_ms: i64) {
        if self.saves.running.is_none()
            && let Some(cause) = self.saves.next.take()
            && self.start_save(dataset, cause, now_ms).is_err()
        {
            self.answer_save(cause, false);
        }
    }

    fn answer_save(&mut self, cause: SaveCause, succeeded: bool) {
        match cause {
            SaveCause::Background => {}
            SaveCause::Command { ticket } => {
                let answer = if succeeded { Answer::status("OK") } else { Answer::error("ERR") };
                self.notices.push(Notice::JobDone { ticket, answer });
            }
            // The data is gone whether or not that could be saved; a failure is in the log.
            SaveCause::Flush { ticket: Some(ticket) } => {
                self.notices.push(Notice::JobDone { ticket, answer: Answer::status("OK") });
            }
            SaveCause::Flush { ticket: None } => {}
            SaveCause::Shutdown => self.shutdown_save_ended(succeeded),
        }
    }

    fn log_saved(&self, running: &RunningSave, written: &SnapshotWritten) {
        tracing::info!("DB saved on disk");
        if running.cause == SaveCause::Background {
            let peak_mb = self.saves.last_extra_bytes >> 20;
            tracing::info!(
                "Snapshot of {} keys, {} bytes verified; extra memory for RDB: peak {peak_mb} MB",
                written.keys,
                written.bytes
            );
            tracing::info!("Background saving terminated with success");
        }
    }

    fn log_failed_save(&self, running: &RunningSave, error: &SnapshotError) {
        if running.is_cancelled && *error == SnapshotError::Cancelled {
            tracing::info!("Background saving cancelled");
            return;
        }
        let temporary = PathBuf::from(format!("temp-{}.rdb", pid()));
        let target = PathBuf::from(&self.settings.dump_name);
        tracing::warn!("{}", error.log_line(&temporary, &target, self.storage.path()));
        if running.cause == SaveCause::Background {
            tracing::warn!("Background saving error");
        }
    }
}
