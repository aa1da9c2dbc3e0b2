//! Loading at start: one thread reads, verifies, decodes and makes entries; the executor puts them in, and keeps answering
//! meanwhile.
//!
//! What is loaded, in this order: with `appendonly yes` the log; if there is none, a snapshot, which becomes the log's
//! first base (`aof-import-rdb`); else nothing. With `appendonly no` the snapshot. Nothing is changed on disk before
//! everything has been executed.

mod apply;
mod bad_file;
mod creating;
mod making;
mod message;
mod reader;
mod stop;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lastsave_aof::AofLog;
use lastsave_fsync_scheduler::{Core, Options, Position, Scheduler, Stepper};
use lastsave_storage::Clock;

use self::apply::Applier;
use self::making::KeyMaker;
use self::message::{LoadMessage, LoadedLog};
use self::reader::{ReadJob, SourceFiles};
use super::api::LoadProgress;
use super::jobs::JobMode;
use super::log_state::LogState;
use super::{Environment, Persistence, PersistenceSettings};
use crate::dataset::Dataset;

/// Batches that may wait for the executor.
const QUEUED_BATCHES_MAX: usize = 16;

/// Big collections that may wait for the executor, the one it is building included: they take much memory.
const WAITING_BIG_KEYS_MAX: usize = 2;

/// How long the executor works at loading before it looks after clients.
const SLICE: Duration = Duration::from_millis(5);

/// The same at the very start: what loads this quickly is there before the first client hears -LOADING.
const FIRST_SLICE: Duration = Duration::from_millis(250);

/// How long it waits for the reader before it does so.
const PATIENCE: Duration = Duration::from_millis(1);

/// What INFO tells about the last load.
#[derive(Debug, Default)]
pub(super) struct LoadStatistics {
    pub(super) keys_loaded: u64,
    pub(super) keys_expired: u64,
    /// Bytes cut off the end of the log.
    pub(super) cut_bytes: u64,
    /// Rows of the decision table by which the log's files were judged.
    pub(super) rows: Vec<&'static str>,
}

/// A load under way.
#[derive(Debug)]
pub(super) struct Loading {
    messages: Receiver<LoadMessage>,
    /// One for each big collection that waits.
    big_keys: Receiver<()>,
    executed: Sender<()>,
    applier: Applier,
    room: Room,
    key_load_delay: Arc<AtomicI64>,
    /// No step was made yet.
    is_fresh: bool,
    started: Instant,
    pub(super) started_ms: i64,
    pub(super) total_bytes: u64,
    pub(super) loaded_bytes: u64,
    pub(super) used_memory_bytes: u64,
}

impl Loading {
    /// Starts the reader.
    pub(super) fn start(
        files: SourceFiles,
        settings: &PersistenceSettings,
        environment: &Environment,
        dataset: &Dataset,
        merge: bool,
    ) -> Self {
        let (sender, messages) = bounded(QUEUED_BATCHES_MAX);
        let (big_key, big_keys) = bounded(WAITING_BIG_KEYS_MAX);
        let (executed, wait_executed) = bounded(1);
        let key_load_delay = Arc::new(AtomicI64::new(settings.key_load_delay));
        let now_ms = environment.clock.wall_ms();
        let maker = KeyMaker::new(dataset, settings, now_ms);
        let applier = Applier::new(maker.clone(), now_ms, settings, merge);
        let job = ReadJob {
            files,
            settings: settings.clone(),
            key_load_delay: Arc::clone(&key_load_delay),
            maker,
            unused: applier.unused(),
            now_ms,
            out: sender,
            big_key,
            executed: wait_executed,
            sync_window_bytes: environment.simulated_log.and_then(|log| log.sync_window_bytes),
        };
        // If no thread can be had, the channel closes and loading fails with that.
        let spawned = std::thread::Builder::new().name("load".to_owned()).spawn(move || job.run());
        if let Err(error) = spawned {
            tracing::warn!("Can't start a thread for loading: {error}");
        }
        Self {
            messages,
            big_keys,
            executed,
            applier,
            room: Room::Enough,
            key_load_delay,
            is_fresh: true,
            started: Instant::now(),
            started_ms: now_ms,
            total_bytes: 0,
            loaded_bytes: 0,
            used_memory_bytes: 0,
        }
    }

    pub(super) fn set_key_load_delay(&self, delay: i64) {
        self.key_load_delay.store(delay, Ordering::Relaxed);
    }

    /// Brings the tables a step closer to the size they should have. Gives whether they have it.
    fn arrange_room(&mut self, dataset: &mut Dataset) -> bool {
        let is_done = match self.room {
            Room::Enough => return true,
            Room::Wanted { database, keys } => self.applier.make_room(dataset, database, keys),
            Room::TooMuch => Applier::give_back_room(dataset),
        };
        if is_done {
            if self.room == Room::TooMuch {
                // The reader waits for nothing else; if it is gone, its message says why.
                let _gone = self.executed.send(());
            }
            self.room = Room::Enough;
        }
        is_done
    }

    /// Takes in what the reader has sent, for a slice of time; the last message is given back.
    fn step(&mut self, dataset: &mut Dataset, slice: Duration) -> Step {
        let until = Instant::now() + slice;
        loop {
            if !self.arrange_room(dataset) {
                if Instant::now() >= until {
                    return Step::More;
                }
                continue;
            }
            let message = match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) if Instant::now() < until => continue,
                Err(RecvTimeoutError::Timeout) => return Step::More,
                Err(RecvTimeoutError::Disconnected) => return Step::Failed,
            };
            let applied = match message {
                LoadMessage::Sizes { total_bytes, used_memory_bytes } => {
                    self.total_bytes = total_bytes;
                    self.used_memory_bytes = self.used_memory_bytes.max(used_memory_bytes);
                    Ok(())
                }
                LoadMessage::Room { database, keys } => {
                    self.room = Room::Wanted { database, keys };
                    Ok(())
                }
                LoadMessage::Keys(batch) => {
                    self.loaded_bytes = batch.loaded_bytes;
                    self.applier.insert_keys(dataset, batch)
                }
                LoadMessage::BigKey { database, record, loaded_bytes } => {
                    self.loaded_bytes = loaded_bytes;
                    let inserted = self.applier.insert_big_key(dataset, database, *record);
                    // The reader has put it in before it sent the key.
                    let _room = self.big_keys.try_recv();
                    inserted
                }
                LoadMessage::FunctionLibrary { code } => self.applier.take_library(dataset, code),
                LoadMessage::SnapshotEnded => {
                    self.applier.log_snapshot_ended();
                    Ok(())
                }
                LoadMessage::CommandFile => {
                    self.applier.start_command_file();
                    Ok(())
                }
                LoadMessage::Commands { batch, file, loaded_bytes } => {
                    self.loaded_bytes = loaded_bytes;
                    self.applier.execute(dataset, batch, &file)
                }
                LoadMessage::AllSent => {
                    self.room = Room::TooMuch;
                    Ok(())
                }
                LoadMessage::Done(loaded) => return Step::Done(loaded),
                LoadMessage::Failed => return Step::Failed,
            };
            if let Err(line) = applied {
                tracing::warn!("{line}");
                return Step::Failed;
            }
            if Instant::now() >= until {
                return Step::More;
            }
        }
    }
}

/// What is to be done about the size of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// Nothing.
    Enough,
    /// So many keys will come for a database.
    Wanted { database: u64, keys: u64 },
    /// No more keys will come, and not all that were announced may have.
    TooMuch,
}

enum Step {
    More,
    Done(Box<LoadedLog>),
    Failed,
}

impl Persistence {
    /// Starts reading the files that `appendonly` asks for.
    pub(super) fn begin_loading(&mut self, dataset: &Dataset) {
        let files = SourceFiles::for_start(
            &self.settings,
            Arc::clone(&self.storage),
            Arc::clone(&self.directory),
            Arc::clone(&self.log_settings),
        );
        self.loading = Some(Loading::start(files, &self.settings, &self.environment, dataset, false));
    }

    /// Loads for a few milliseconds at most.
    pub(crate) fn load_step(&mut self, dataset: &mut Dataset) -> LoadProgress {
        let Some(loading) = &mut self.loading else { return LoadProgress::Done };
        let slice = if std::mem::take(&mut loading.is_fresh) { FIRST_SLICE } else { SLICE };
        match loading.step(dataset, slice) {
            Step::More => LoadProgress::InProgress,
            Step::Failed => LoadProgress::Failed { exit_code: 1 },
            Step::Done(loaded) => self.finish_loading(*loaded),
        }
    }

    fn finish_loading(&mut self, loaded: LoadedLog) -> LoadProgress {
        let loading = self.loading.take().expect("loading is under way");
        self.note_loaded(&loading, &loaded);
        let seconds = loading.started.elapsed().as_secs_f64();
        if self.settings.appendonly {
            tracing::info!("DB loaded from append only file: {seconds:.3} seconds");
        } else if loading.total_bytes > 0 {
            tracing::info!("DB loaded from disk: {seconds:.3} seconds");
        }
        match self.open_log(loaded.log) {
            Ok(()) => LoadProgress::Done,
            Err(error) => {
                tracing::warn!("Can't start the threads of the append only file: {error}");
                LoadProgress::Failed { exit_code: 1 }
            }
        }
    }

    fn note_loaded(&mut self, loading: &Loading, loaded: &LoadedLog) {
        self.load_statistics.keys_loaded = loading.applier.keys_loaded();
        self.load_statistics.keys_expired = loading.applier.keys_expired();
        self.load_statistics.cut_bytes = loaded.cuts.iter().map(|cut| cut.bytes).sum();
        self.load_statistics.rows.clone_from(&loaded.rows);
        self.saves.dirty = loading.applier.dirty();
    }

    /// Starts the log's threads.
    fn open_log(&mut self, log: AofLog) -> std::io::Result<()> {
        let enabled = self.settings.appendonly;
        let options = Options {
            policy: self.settings.policy,
            overload: self.settings.overload,
            enabled,
            ..Options::default()
        };
        let core = Core::new(log, Position::ZERO, options);
        let clock = Arc::new(MonotonicOf(Arc::clone(&self.environment.clock)));
        let wake = Arc::clone(&self.environment.wake);
        let handle = match self.environment.job_mode {
            JobMode::Threads => {
                let (_threads, handle) = Scheduler::spawn(core, clock, move || wake())?;
                handle
            }
            JobMode::Queued => {
                let (stepper, handle) = Stepper::new(core, clock);
                self.stepper = Some(stepper);
                handle
            }
        };
        self.log = Some(handle);
        self.log_state = if enabled { LogState::On } else { LogState::Off };
        self.log_takes_effects = enabled;
        self.collect_history();
        Ok(())
    }

    /// Replaces the data by what files hold, while everything else stands still.
    ///
    /// # Errors
    /// The reasons are in the log.
    pub(super) fn load_again(
        &mut self,
        dataset: &mut Dataset,
        files: SourceFiles,
        merge: bool,
    ) -> Result<(), ()> {
        let mut loading = Loading::start(files, &self.settings, &self.environment, dataset, merge);
        loop {
            match loading.step(dataset, Duration::from_secs(3600)) {
                Step::More => {}
                Step::Failed => return Err(()),
                Step::Done(loaded) => {
                    self.note_loaded(&loading, &loaded);
                    return Ok(());
                }
            }
        }
    }
}

/// The storage's clock as the log's threads read it.
struct MonotonicOf(Arc<dyn Clock>);

impl lastsave_fsync_scheduler::Clock for MonotonicOf {
    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

pub(super) use self::reader::{SourceFiles as Files, What};
