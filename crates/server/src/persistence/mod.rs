//! Snapshots and the log: everything that makes data outlive the process.
//!
//! The executor owns a [`Persistence`] and calls it; nothing here makes it wait for the disk. Three kinds of threads
//! work for it: the log's own (`lastsave-fsync-scheduler`), one per snapshot being written (`jobs`), and one that reads
//! files at start (`load`). What they have done is learned by [`Persistence::poll`].
//!
//! | file | role |
//! |---|---|
//! | `api` | answers and notices |
//! | `stream`, `gating` | effects, encoded in order; positions, and what waits for them |
//! | `log_state` | the log switched on and off, its events |
//! | `rewrite`, `rewriting` | new bases for the log |
//! | `history`, `settling` | deleting the files that these replace; who waits for that |
//! | `backups` | BACKUP |
//! | `saves`, `saving` | SAVE, BGSAVE, save points |
//! | `snapshot_file`, `progress`, `jobs` | writing a snapshot, on its thread |
//! | `budget` | the memory a snapshot may cost |
//! | `load` | reading snapshot and log at start |
//! | `debugging` | DEBUG RELOAD, DEBUG LOADAOF |
//! | `shutdown` | ending in order |
//! | `info` | the persistence section of INFO |
//! | `observation` | what a simulation sees |

mod api;
mod backups;
mod budget;
mod debugging;
mod gating;
mod history;
mod info;
mod jobs;
mod load;
mod log_state;
mod observation;
mod progress;
mod rewrite;
mod rewriting;
mod saves;
mod saving;
mod settings;
mod settling;
mod shutdown;
mod snapshot_file;
#[cfg(test)]
mod snapshot_verification;
mod stream;

use std::path::Path;
use std::sync::Arc;

use lastsave_aof::{AofDirectory, AofLog, LogNames, LogSettings, NoticeLevel};
use lastsave_config::Config;
use lastsave_fsync_scheduler::{LogHandle, Policy, RequestId, Stepper};
use lastsave_storage::{Clock, LockGuard, Storage};

pub(crate) use self::api::{Answer, LoadProgress, Notice, ReloadOptions, ShutdownOptions, ShutdownProgress};
use self::backups::Backups;
use self::history::HistoryCollection;
use self::jobs::Jobs;
pub(crate) use self::jobs::{JobMode, WakeExecutor};
use self::load::Loading;
pub(crate) use self::log_state::LogState;
pub(crate) use self::observation::Observation;
use self::rewrite::{Rewrite, RewriteHistory};
use self::saves::Saves;
use self::settings::PersistenceSettings;
use self::shutdown::Shutdown;
use self::stream::EffectStream;
use crate::dataset::Dataset;

/// What persistence stands on; a simulation gives its own.
#[derive(Clone)]
pub(crate) struct Environment {
    /// Rooted at `dir`.
    pub(crate) storage: Arc<dyn Storage>,
    /// Time of files and frames.
    pub(crate) clock: Arc<dyn Clock>,
    /// Called, from any thread, when [`Persistence::poll`] has something to do.
    pub(crate) wake: WakeExecutor,
    /// Where snapshots are written.
    pub(crate) job_mode: JobMode,
    /// What a simulation wants of the log's files; `None` in a server.
    pub(crate) simulated_log: Option<SimulatedLog>,
}

/// Makes the files of the log the same in every run, and small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedLog {
    /// Ids of segments are counted from here on, instead of being random.
    pub(crate) first_segment_id: u64,
    /// Prepared space is extended by this much at a time.
    pub(crate) prepare_step_bytes: u64,
    /// More valid bytes than this behind a damaged place cannot all have been unsynced.
    pub(crate) sync_window_bytes: Option<u64>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Environment").field("storage", &self.storage).finish_non_exhaustive()
    }
}

/// Snapshots and the log.
///
/// All methods are called on the executor thread; none waits for the disk, except those of DEBUG. Positions count bytes
/// of the effect stream; they start at 0 with the process, never decrease and are published only at the end of a unit
/// (one command, or a whole transaction).
#[derive(Debug)]
pub(crate) struct Persistence {
    environment: Environment,
    storage: Arc<dyn Storage>,
    settings: PersistenceSettings,
    lock: Option<LockGuard>,
    /// Of the directory that the log stays in when `dir` changes.
    log_lock: Option<LockGuard>,
    loading: Option<Loading>,
    load_statistics: load::LoadStatistics,
    stream: EffectStream,
    directory: Arc<AofDirectory>,
    log_settings: Arc<LogSettings>,
    log: Option<LogHandle>,
    stepper: Option<Stepper<AofLog>>,
    log_state: LogState,
    /// Whether what is appended goes to the log; otherwise it is only counted.
    log_takes_effects: bool,
    disable_request: Option<RequestId>,
    /// The sync that clients asked for, while it is under way.
    sync_request: Option<RequestId>,
    /// The increment failed and waits for a new base.
    needs_rebase: bool,
    saves: Saves,
    rewrite: Option<Rewrite>,
    rewrites: RewriteHistory,
    history: HistoryCollection,
    settling_tickets: Vec<u64>,
    rewrite_is_scheduled: bool,
    last_rewrite_try_ms: i64,
    /// When superseded files were looked at last.
    last_collection_ms: i64,
    backups: Backups,
    jobs: Jobs,
    shutdown: Option<Shutdown>,
    notices: Vec<Notice>,
    last_ticket: u64,
    cuts: u64,
    last_cut_us: u64,
    /// The most processor time that one turn of the executor took while the last snapshot was under way, its cut
    /// included.
    longest_turn_us: u64,
    /// The same for turns between the last snapshot and the next.
    longest_turn_without_us: u64,
    /// A snapshot has used up its memory, and writers wait for it.
    is_over_budget: bool,
}

impl Persistence {
    /// Starts loading into `dataset`, which stays the same: [`Persistence::load_step`] does its half of it.
    ///
    /// # Errors
    /// A line for the log when the files cannot even be looked at; the process then ends with code 1.
    pub(crate) fn new(config: &Config, environment: Environment, dataset: &Dataset) -> Result<Self, String> {
        let settings = PersistenceSettings::of(config);
        let storage = Arc::clone(&environment.storage);
        let names =
            LogNames::from_bytes(settings.append_name.as_bytes(), settings.append_directory.as_bytes())
                .map_err(|error| error.to_string())?;
        let directory = AofDirectory::open(Arc::clone(&storage), names).map_err(|error| {
            let mut lines: Vec<String> = error.report().into_iter().map(|notice| notice.text).collect();
            let last = lines.pop().unwrap_or_else(|| error.to_string());
            for line in lines {
                tracing::warn!("{line}");
            }
            last
        })?;
        let mut log_settings = LogSettings::new()
            .with_clock(Arc::clone(&environment.clock))
            .with_notices(Arc::new(|notice| log_notices([notice])));
        if let Some(simulated) = environment.simulated_log {
            log_settings = log_settings
                .with_counted_segment_ids(simulated.first_segment_id)
                .with_prepare_step_bytes(simulated.prepare_step_bytes);
        }
        let log_settings = Arc::new(log_settings);
        let now_ms = environment.clock.wall_ms();
        let mut persistence = Self {
            saves: Saves::new(settings.save_points.clone(), now_ms),
            jobs: Jobs::new(environment.job_mode, Arc::clone(&environment.wake)),
            environment,
            storage,
            lock: None,
            log_lock: None,
            loading: None,
            load_statistics: load::LoadStatistics::default(),
            stream: EffectStream::default(),
            directory,
            log_settings,
            log: None,
            stepper: None,
            log_state: LogState::Off,
            log_takes_effects: false,
            disable_request: None,
            sync_request: None,
            needs_rebase: false,
            rewrite: None,
            rewrites: RewriteHistory::default(),
            history: HistoryCollection::default(),
            settling_tickets: Vec::new(),
            rewrite_is_scheduled: false,
            last_rewrite_try_ms: 0,
            last_collection_ms: 0,
            backups: Backups::default(),
            shutdown: None,
            notices: Vec::new(),
            last_ticket: 0,
            cuts: 0,
            last_cut_us: 0,
            longest_turn_us: 0,
            longest_turn_without_us: 0,
            is_over_budget: false,
            settings,
        };
        persistence.apply_log_settings();
        if persistence.settings.appendonly || !persistence.settings.save_points.is_empty() {
            persistence.lock_directory()?;
        }
        persistence.begin_loading(dataset);
        Ok(persistence)
    }

    /// Makes sure that no other server works on this directory.
    fn lock_directory(&mut self) -> Result<(), String> {
        if self.lock.is_some() {
            return Ok(());
        }
        match self.storage.lock(Path::new("")) {
            Ok(lock) => {
                self.lock = Some(lock);
                Ok(())
            }
            Err(error) if error.is_locked() => Err(format!(
                "Another server is using the directory {}. Two servers would overwrite each other's data: give this \
                 one a 'dir' of its own, or switch its persistence off (--save '' --appendonly no).",
                self.storage.path().display()
            )),
            Err(error) => {
                Err(format!("Can't lock the directory {}: {}", self.storage.path().display(), error.reason()))
            }
        }
    }

    fn log(&self) -> &LogHandle {
        self.log.as_ref().expect("the log exists once loading is done")
    }

    fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }

    fn now_ms(&self) -> i64 {
        self.environment.clock.wall_ms()
    }

    /// Whether the dataset is still being loaded.
    #[must_use]
    pub(crate) fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Work that comes with time: save points, automatic rewrites, retries. Called `hz` times a second.
    pub(crate) fn cron(&mut self, dataset: &mut Dataset, now_ms: i64) -> Vec<Notice> {
        if self.is_loading() {
            return Vec::new();
        }
        dataset.keyspace.reap_snapshots();
        self.start_due_rewrites(dataset, now_ms);
        self.start_due_saves(dataset, now_ms);
        self.collect_history_when_due(now_ms);
        std::mem::take(&mut self.notices)
    }

    /// Looks at what other threads have completed. Called once per turn.
    pub(crate) fn poll(&mut self, dataset: &mut Dataset) -> Vec<Notice> {
        if self.log.is_some() {
            let now_ms = self.now_ms();
            self.handle_log_events(now_ms);
            while let Some(done) = self.jobs.next_done() {
                dataset.keyspace.reap_snapshots();
                if self.saves.running.as_ref().is_some_and(|running| running.job == done.id) {
                    self.save_ended(dataset, done, now_ms);
                } else if self.rewrite.as_ref().is_some_and(|rewrite| rewrite.job == done.id) {
                    self.base_ended(dataset, done, now_ms);
                }
            }
            self.finish_backups(now_ms);
            self.start_next_save(dataset, now_ms);
            self.continue_shutdown(dataset, now_ms);
            self.watch_budget(dataset);
            self.answer_settled();
        }
        std::mem::take(&mut self.notices)
    }

    /// The configuration has changed; `changed` are the names of the directives.
    ///
    /// `dir` is not among what is applied here: see [`Persistence::change_directory`].
    pub(crate) fn apply_config(&mut self, config: &Config, changed: &[&str]) {
        let (keep_history_before, retention_before) = (self.settings.keep_history, self.settings.retention);
        let skip_checksum = self.settings.skip_checksum;
        self.settings = PersistenceSettings { skip_checksum, ..PersistenceSettings::of(config) };
        if let Some(loading) = &self.loading {
            loading.set_key_load_delay(self.settings.key_load_delay);
        }
        self.saves.points.clone_from(&self.settings.save_points);
        self.apply_log_settings();
        if let Some(log) = &self.log {
            if changed.contains(&"appendfsync") {
                log.set_policy(self.settings.policy);
            }
            if changed.contains(&"appendfsync-overload") {
                log.set_overload(self.settings.overload);
            }
        }
        let is_collected_again = keep_history_before && !self.settings.keep_history;
        if self.log.is_some() && (is_collected_again || retention_before != self.settings.retention) {
            self.collect_history();
        }
    }

    fn apply_log_settings(&self) {
        self.log_settings.set_frames(self.settings.frames);
        self.log_settings.set_prepare(self.settings.prepare && self.settings.policy == Policy::Always);
    }

    /// `CONFIG SET dir`: later snapshots go to the directory behind `storage`. The log stays where it is until the
    /// process ends; switching it on after such a change is refused.
    ///
    /// # Errors
    /// Why the directory cannot be used.
    pub(crate) fn change_directory(&mut self, storage: Arc<dyn Storage>) -> Result<(), String> {
        let storage_before = std::mem::replace(&mut self.storage, storage);
        let Some(lock_before) = self.lock.take() else { return Ok(()) };
        let Err(reason) = self.lock_directory() else {
            // The log's directory stays ours.
            self.log_lock.get_or_insert(lock_before);
            return Ok(());
        };
        // It may be ourselves who hold it, for the log or under another name.
        drop((lock_before, self.log_lock.take()));
        let outcome = match self.lock_directory() {
            Ok(()) => Ok(()),
            Err(_) => {
                self.storage = storage_before;
                self.lock_directory().and(Err(reason))
            }
        };
        // Refused when that is the same directory.
        self.log_lock = self.directory.storage().lock(Path::new("")).ok();
        outcome
    }

    /// Bytes of the log that are only in memory (INFO memory, MEMORY STATS).
    #[must_use]
    pub(crate) fn buffered_bytes(&self) -> u64 {
        self.stream.pending_bytes() + self.log.as_ref().map_or(0, LogHandle::queued_bytes)
    }

    /// Snapshots and rewrites ever started, and how long taking the last one stopped the executor, in microseconds
    /// (INFO stats `total_forks`, `latest_fork_usec`).
    #[must_use]
    pub(crate) fn snapshot_counters(&self) -> (u64, u64) {
        (self.cuts, self.last_cut_us)
    }

    /// Whether a snapshot is being written.
    #[inline]
    #[must_use]
    pub(crate) fn is_snapshot_under_way(&self) -> bool {
        self.saves.running.is_some() || self.rewrite.is_some()
    }

    /// One turn of the executor has taken this much processor time; `had_snapshot`: one was under way as it began.
    pub(crate) fn note_turn(&mut self, cpu_us: u64, had_snapshot: bool) {
        let longest = if had_snapshot || self.is_snapshot_under_way() {
            &mut self.longest_turn_us
        } else {
            &mut self.longest_turn_without_us
        };
        *longest = (*longest).max(cpu_us);
    }

    /// Unix time in seconds of the last successful save (LASTSAVE).
    #[must_use]
    pub(crate) fn last_save_seconds(&self) -> i64 {
        self.saves.last_save_seconds
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset_statistics(&mut self) {
        self.saves.count = 0;
        self.rewrites.count = 0;
        self.rewrites.failures_in_a_row = 0;
        self.longest_turn_without_us = 0;
    }

    /// The log's thread as far as it is simulated ([`JobMode::Queued`]).
    pub(crate) fn stepper(&mut self) -> Option<&mut Stepper<AofLog>> {
        self.stepper.as_mut()
    }

    /// Runs one queued snapshot job, on this thread ([`JobMode::Queued`]). Gives whether there was one.
    pub(crate) fn run_queued_job(&mut self) -> bool {
        self.jobs.run_queued()
    }

    /// Runs one queued task of housekeeping, on this thread ([`JobMode::Queued`]). Gives whether there was one.
    pub(crate) fn run_queued_housekeeping(&mut self, choice: usize) -> bool {
        self.jobs.run_queued_aside(choice)
    }
}

/// Prints what the log's crate has to say.
fn log_notices(notices: impl IntoIterator<Item = lastsave_aof::Notice>) {
    for notice in notices {
        match notice.level {
            NoticeLevel::Warning => tracing::warn!("{}", notice.text),
            _ => tracing::info!("{}", notice.text),
        }
    }
}

/// The process, as it appears in names and log lines.
fn pid() -> u32 {
    std::process::id()
}
