//! DEBUG RELOAD and DEBUG LOADAOF: the data set goes to disk and comes back, while everything else stands still.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::api::{Answer, ReloadOptions};
use super::load::{Files, What};
use super::log_state::LogState;
use super::snapshot_file::SnapshotForm;
use super::{Persistence, pid};
use crate::dataset::Dataset;

/// How long DEBUG LOADAOF waits for the log to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

impl Persistence {
    /// DEBUG RELOAD.
    pub(crate) fn debug_reload(
        &mut self,
        dataset: &mut Dataset,
        options: ReloadOptions,
        now_ms: i64,
    ) -> Answer {
        if options.save {
            let temporary = PathBuf::from(format!("temp-{}-reload.rdb", pid()));
            let target = PathBuf::from(&self.settings.dump_name);
            let job =
                self.snapshot_job(dataset, SnapshotForm::Dump, temporary.clone(), target.clone(), now_ms);
            if let Err(error) = job.run() {
                tracing::warn!("{}", error.log_line(&temporary, &target, self.storage.path()));
                return Answer::error("ERR");
            }
            tracing::info!("DB saved on disk");
        }
        if options.flush {
            dataset.empty();
        }
        let files = self.files(What::Dump);
        if self.load_again(dataset, files, options.merge).is_err() {
            return Answer::error("ERR Error trying to load the RDB dump, check server logs.");
        }
        tracing::warn!("DB reloaded by DEBUG RELOAD");
        Answer::status("OK")
    }

    /// DEBUG LOADAOF.
    pub(crate) fn debug_loadaof(&mut self, dataset: &mut Dataset) -> Answer {
        self.hand_over();
        if self.log_state == LogState::On
            && let Err(error) = self.log().flush_and_wait(FLUSH_TIMEOUT)
        {
            tracing::warn!("Can't write the append only file before loading it: {error}");
            return Answer::error("ERR Error trying to load the AOF files, check server logs.");
        }
        dataset.empty();
        let files = self.files(What::LogInUse);
        if self.load_again(dataset, files, false).is_err() {
            return Answer::error("ERR Error trying to load the AOF files, check server logs.");
        }
        self.saves.dirty = 0;
        tracing::warn!("Append Only File loaded by DEBUG LOADAOF");
        Answer::status("OK")
    }

    /// DEBUG AOF-FLUSH-SLEEP: microseconds to sleep before each write to the log.
    pub(crate) fn debug_flush_sleep(&mut self, sleep_us: u64) {
        if let Some(log) = &self.log {
            log.set_write_delay_us(sleep_us);
        }
    }

    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION.
    pub(crate) fn debug_skip_checksum(&mut self, skip: bool) {
        self.settings.skip_checksum = skip;
    }

    fn files(&self, what: What) -> Files {
        Files {
            storage: Arc::clone(&self.storage),
            directory: Arc::clone(&self.directory),
            log_settings: Arc::clone(&self.log_settings),
            what,
            is_start: false,
        }
    }
}
