//! The reader's half of loading: its thread reads files in order and sends what they hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use lastsave_aof::{
    AofDirectory, AofError, AofLog, BaseForm, EmptyLog, LoadOptions, LoadStep, Loader, LogSettings, NewBase,
    OpenedLog, RdbPart, Record, RecordRole, open_log,
};
use lastsave_fsync_scheduler::Position;
use lastsave_rdb::{Event, Header, KeyRecord, Reader, ReaderOptions, Value, Writer};
use lastsave_storage::{FileMode, FileReader, FileWriter, OpenOptions, Storage, StorageError, write_synced};

use super::super::snapshot_file::SnapshotError;
use super::super::{PersistenceSettings, log_notices, pid};
use super::bad_file;
use super::creating::CollectionMaker;
use super::making::KeyMaker;
use super::message::{BYTES_PER_BATCH, CommandBatchBuilder, KeyBatch, LoadMessage, LoadedLog};
use super::stop::{RdbStop, Stop};
use crate::identity::REDIS_VERSION;

/// What the shortest keys take in a file, on average, with their values. A file announces how many it has; it is believed
/// as far as it is long enough for them.
const BYTES_PER_KEY_MIN: u64 = 8;

/// A collection of at least this size is made an entry of by the executor.
const BIG_COLLECTION_BYTES_MIN: usize = 64 * 1024;

/// The files to load.
#[derive(Debug)]
pub(in super::super) struct SourceFiles {
    pub(in super::super) storage: Arc<dyn Storage>,
    pub(in super::super) directory: Arc<AofDirectory>,
    pub(in super::super) log_settings: Arc<LogSettings>,
    pub(in super::super) what: What,
    /// The server is starting: what cannot be loaded ends it.
    pub(in super::super) is_start: bool,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum What {
    /// The snapshot file.
    Dump,
    /// The log; it is then open for writing.
    Log,
    /// The log, which is being written and stays as it is (DEBUG LOADAOF).
    LogInUse,
}

impl SourceFiles {
    pub(super) fn for_start(
        settings: &PersistenceSettings,
        storage: Arc<dyn Storage>,
        directory: Arc<AofDirectory>,
        log_settings: Arc<LogSettings>,
    ) -> Self {
        let what = if settings.appendonly { What::Log } else { What::Dump };
        Self { storage, directory, log_settings, what, is_start: true }
    }
}

/// Everything the reader's thread owns.
pub(super) struct ReadJob {
    pub(super) files: SourceFiles,
    pub(super) settings: PersistenceSettings,
    pub(super) key_load_delay: Arc<AtomicI64>,
    pub(super) maker: KeyMaker,
    /// Counts collections that were made for nothing.
    pub(super) unused: Arc<AtomicU64>,
    pub(super) now_ms: i64,
    pub(super) out: Sender<LoadMessage>,
    /// Full while as many big collections wait as may.
    pub(super) big_key: Sender<()>,
    pub(super) executed: Receiver<()>,
    /// Less than usual in a simulation, whose files are small.
    pub(super) sync_window_bytes: Option<u64>,
}

impl ReadJob {
    pub(super) fn run(self) {
        let last = match self.read() {
            Ok(loaded) => LoadMessage::Done(Box::new(loaded)),
            Err(Stop::Failed) => LoadMessage::Failed,
            Err(Stop::NobodyListens) => return,
        };
        // Nobody listens any more when the process is ending.
        let _unheard = self.out.send(last);
    }

    fn read(&self) -> Result<LoadedLog, Stop> {
        match self.files.what {
            What::Dump => {
                self.read_dump(false)?;
                self.wait_until_executed()?;
                Ok(LoadedLog { log: self.log_that_is_off(), cuts: Vec::new(), rows: Vec::new() })
            }
            What::Log => self.read_log(),
            What::LogInUse => {
                self.files.directory.reload()?;
                let opened = open_log(&self.files.directory, &self.files.log_settings, self.load_options());
                if let (OpenedLog::Existing(mut loader), notices) = opened? {
                    log_notices(notices);
                    self.read_files(&mut loader)?;
                }
                self.wait_until_executed()?;
                Ok(LoadedLog { log: self.log_that_is_off(), cuts: Vec::new(), rows: Vec::new() })
            }
        }
    }

    fn log_that_is_off(&self) -> AofLog {
        AofLog::off(Arc::clone(&self.files.directory), Arc::clone(&self.files.log_settings))
    }

    fn load_options(&self) -> LoadOptions {
        let standard = LoadOptions::default();
        LoadOptions {
            load_truncated: self.settings.load_truncated,
            corrupt_tail_max_bytes: self.settings.corrupt_tail_bytes_max,
            sync_window_bytes: self.sync_window_bytes.unwrap_or(standard.sync_window_bytes),
        }
    }

    fn read_log(&self) -> Result<LoadedLog, Stop> {
        let (opened, notices) =
            open_log(&self.files.directory, &self.files.log_settings, self.load_options())?;
        log_notices(notices);
        match opened {
            OpenedLog::Existing(mut loader) => {
                self.read_files(&mut loader)?;
                self.wait_until_executed()?;
                let recovered = loader.finish(Position::ZERO)?;
                log_notices(recovered.notices);
                Ok(LoadedLog { log: recovered.log, cuts: recovered.cuts, rows: recovered.rows })
            }
            OpenedLog::Empty(empty) => self.start_log(empty),
        }
    }

    /// There is no log yet: the first base is the snapshot, if there is one, or empty.
    fn start_log(&self, empty: EmptyLog) -> Result<LoadedLog, Stop> {
        let temporary = PathBuf::from(format!("temp-rewriteaof-bg-{}.aof", pid()));
        let storage = &*self.files.storage;
        // The base will be those very bytes: what has expired stays until the log says that it is gone.
        let form = if self.settings.import_dump && self.read_dump(true)? {
            tracing::info!(
                "There is no append only file yet, but {}: it was loaded and becomes the base",
                self.settings.dump_name
            );
            copy_file(storage, Path::new(&self.settings.dump_name), &temporary)?;
            BaseForm::Rdb
        } else {
            write_synced(storage, &temporary, FileMode::DATA, |file| self.write_empty_base(file)).map_err(
                |error| {
                    tracing::warn!("Can't write the first base of the append only file: {error}");
                    Stop::Failed
                },
            )?;
            if self.settings.use_preamble { BaseForm::Rdb } else { BaseForm::Commands }
        };
        self.wait_until_executed()?;
        let (log, notices) = empty.create(Some(&NewBase { path: &temporary, form }), Position::ZERO)?;
        log_notices(notices);
        Ok(LoadedLog { log, cuts: Vec::new(), rows: Vec::new() })
    }

    fn write_empty_base(&self, file: &mut FileWriter) -> Result<(), SnapshotError> {
        if self.settings.use_preamble {
            let header = Header {
                redis_version: REDIS_VERSION,
                created_unix_seconds: self.now_ms / 1000,
                used_memory_bytes: 0,
                replication: None,
                aof_base: true,
            };
            Writer::new(file, self.settings.rdb, &header)?.finish()?;
        }
        Ok(())
    }

    fn send(&self, message: LoadMessage) -> Result<(), Stop> {
        self.out.send(message).map_err(|_| Stop::NobodyListens)
    }

    fn wait_until_executed(&self) -> Result<(), Stop> {
        self.send(LoadMessage::AllSent)?;
        self.executed.recv().map_err(|_| Stop::NobodyListens)
    }

    /// Reads the snapshot file. Gives whether there is one.
    fn read_dump(&self, keep_expired: bool) -> Result<bool, Stop> {
        let name = Path::new(&self.settings.dump_name);
        let file = match self.files.storage.open(name, &OpenOptions::read_only()) {
            Ok(file) => file,
            Err(error) if error.not_found() => return Ok(false),
            Err(error) => {
                tracing::warn!(
                    "Fatal error: can't open the RDB file {} for reading: {}",
                    name.display(),
                    error.reason()
                );
                self.say_that_it_ends(bad_file::FATAL);
                return Err(Stop::Failed);
            }
        };
        let total_bytes = file.len()?;
        match self.read_rdb(FileReader::new(Arc::clone(&file)), total_bytes, keep_expired, 0) {
            Ok(_) => Ok(true),
            Err(RdbStop::Stopped(stop)) => Err(stop),
            Err(RdbStop::Bad(error)) => {
                bad_file::report_dump(&*self.files.storage, name, self.now_ms, &error);
                self.say_that_it_ends(bad_file::last_line(&error));
                Err(Stop::Failed)
            }
        }
    }

    /// Reads an RDB up to its end. Gives the offset behind it.
    fn read_rdb(
        &self,
        input: FileReader,
        total_bytes: u64,
        keep_expired: bool,
        bytes_before: u64,
    ) -> Result<u64, RdbStop> {
        let options = ReaderOptions {
            checksum: self.settings.rdb.checksum && !self.settings.skip_checksum,
            total_bytes: Some(total_bytes),
            ..ReaderOptions::default()
        };
        let mut reader = Reader::new(input, options);
        self.send(LoadMessage::Sizes { total_bytes: bytes_before + total_bytes, used_memory_bytes: 0 })?;
        let mut batch = KeyBatch::new(0);
        let mut count = 0_u64;
        loop {
            while let Some(record) = reader.next_string() {
                if !keep_expired && self.maker.has_expired(&record.metadata) {
                    batch.expired += 1;
                } else {
                    let bytes = (record.end_offset - record.offset) as usize;
                    batch.push(self.maker.string(&record), record.offset, bytes);
                }
                count += 1;
                if self.delay_per_key(count) || batch.is_full() {
                    self.send_keys(&mut batch, bytes_before + reader.offset())?;
                }
            }
            let event = reader.next_event()?;
            if let Event::Key(record) = event {
                count += 1;
                if !keep_expired && self.maker.has_expired(&record.metadata) {
                    batch.expired += 1;
                } else if is_big_collection(&record.value) {
                    let (database, loaded_bytes) = (batch.database, bytes_before + reader.offset());
                    if !batch.is_empty() {
                        self.send_keys(&mut batch, loaded_bytes)?;
                    }
                    let record = Box::new(record);
                    self.big_key.send(()).map_err(|_| Stop::NobodyListens)?;
                    self.send(LoadMessage::BigKey { database, record, loaded_bytes })?;
                } else {
                    self.make_key(record, &mut batch)?;
                }
                if self.delay_per_key(count) || batch.is_full() {
                    self.send_keys(&mut batch, bytes_before + reader.offset())?;
                }
                continue;
            }
            if !batch.is_empty() {
                self.send_keys(&mut batch, bytes_before + reader.offset())?;
            }
            match event {
                Event::SelectDatabase(index) => batch.database = index,
                Event::Resize { keys, .. } => {
                    let keys_max = total_bytes.saturating_sub(reader.offset()) / BYTES_PER_KEY_MIN;
                    self.send(LoadMessage::Room { database: batch.database, keys: keys.min(keys_max) })?;
                }
                Event::Aux { name, value } => self.note_aux(&name, &value, bytes_before + total_bytes)?,
                Event::FunctionLibrary { code } => self.send(LoadMessage::FunctionLibrary { code })?,
                Event::End { .. } => {
                    self.send(LoadMessage::SnapshotEnded)?;
                    return Ok(reader.offset());
                }
                _ => {}
            }
        }
    }

    fn send_keys(&self, batch: &mut KeyBatch, loaded_bytes: u64) -> Result<(), Stop> {
        let next = KeyBatch::new(batch.database);
        let mut full = std::mem::replace(batch, next);
        full.loaded_bytes = loaded_bytes;
        self.send(LoadMessage::Keys(full))
    }

    fn make_key(&self, record: KeyRecord, batch: &mut KeyBatch) -> Result<(), Stop> {
        let (offset, bytes) = (record.offset, record.key.len() + record.value.held_bytes());
        match self.maker.key(record) {
            Ok(Some(entry)) => batch.push(entry, offset, bytes),
            Ok(None) => batch.empty += 1,
            Err(line) => {
                tracing::warn!("{line}");
                return Err(Stop::Failed);
            }
        }
        Ok(())
    }

    fn note_aux(&self, name: &[u8], value: &[u8], total_bytes: u64) -> Result<(), Stop> {
        let text = String::from_utf8_lossy(value);
        match name.to_ascii_lowercase().as_slice() {
            b"redis-ver" => tracing::info!("Loading RDB produced by version {text}"),
            b"valkey-ver" => tracing::info!("Loading RDB produced by Valkey version {text}"),
            b"ctime" => {
                let age = text.parse::<i64>().map_or(0, |created| (self.now_ms / 1000 - created).max(0));
                tracing::info!("RDB age {age} seconds");
            }
            b"used-mem" => {
                let bytes = text.parse::<u64>().unwrap_or(0);
                tracing::info!("RDB memory usage when created {:.2} Mb", bytes as f64 / f64::from(1 << 20));
                self.send(LoadMessage::Sizes { total_bytes, used_memory_bytes: bytes })?;
            }
            b"aof-base" if text == "1" => tracing::info!("RDB is base AOF"),
            b"aof-preamble" if text == "1" => tracing::info!("RDB has an AOF tail"),
            [b'%', ..] => tracing::info!("RDB '{}': {text}", String::from_utf8_lossy(name)),
            _ => {}
        }
        Ok(())
    }

    /// Sleeps as `key-load-delay` says; gives whether it is set.
    fn delay_per_key(&self, count: u64) -> bool {
        match self.key_load_delay.load(Ordering::Relaxed) {
            0 => false,
            per_key if per_key > 0 => {
                std::thread::sleep(Duration::from_micros(per_key.unsigned_abs()));
                true
            }
            keys_per_us => {
                if count.is_multiple_of(keys_per_us.unsigned_abs()) {
                    std::thread::sleep(Duration::from_micros(1));
                }
                true
            }
        }
    }

    fn read_files(&self, loader: &mut Loader) -> Result<(), Stop> {
        let outcome = self.send_files(loader);
        log_notices(loader.take_notices());
        if matches!(outcome, Ok(Err(_))) {
            // Why a log cannot be loaded is the last that is said, behind what the executor has to say.
            self.wait_until_executed()?;
        }
        Ok(outcome??)
    }

    /// Sends what the files hold; the inner error is the loader's.
    fn send_files(&self, loader: &mut Loader) -> Result<Result<(), AofError>, Stop> {
        let total_bytes = loader.progress().total_bytes;
        self.send(LoadMessage::Sizes { total_bytes, used_memory_bytes: 0 })?;
        let mut file: Arc<str> = Arc::from("");
        let mut batch = CommandBatchBuilder::default();
        let mut collections = CollectionMaker::new(&self.maker, Arc::clone(&self.unused));
        let mut count = 0_u64;
        loop {
            let step = match loader.step() {
                Ok(step) => step,
                Err(error) => return Ok(Err(error)),
            };
            let next = match step {
                None => return Ok(Ok(())),
                Some(LoadStep::FileStarted { name, .. }) => {
                    file = Arc::from(name);
                    self.send(LoadMessage::CommandFile)?;
                    Next::Nothing
                }
                Some(LoadStep::Rdb(part)) => Next::Rdb(part),
                Some(LoadStep::Record(record)) => {
                    self.take_record(&record, &mut collections, &mut batch);
                    count += 1;
                    let delays = self.delay_per_key(count);
                    if batch.is_full() || delays { Next::Send } else { Next::Nothing }
                }
                Some(LoadStep::FileEnded) => Next::Send,
                Some(_) => Next::Nothing,
            };
            match next {
                Next::Send if !batch.is_empty() => {
                    let loaded_bytes = loader.progress().loaded_bytes;
                    let (batch, file) = (batch.take(), Arc::clone(&file));
                    self.send(LoadMessage::Commands { batch, file, loaded_bytes })?;
                    log_notices(loader.take_notices());
                }
                Next::Rdb(part) => {
                    log_notices(loader.take_notices());
                    let before = loader.progress().loaded_bytes;
                    let end = self.read_base(&part, before)?;
                    loader.rdb_ended_at(end);
                }
                Next::Send | Next::Nothing => {}
            }
        }
    }

    fn take_record(
        &self,
        record: &Record<'_>,
        collections: &mut CollectionMaker,
        batch: &mut CommandBatchBuilder,
    ) {
        // A transaction's records come all or none, so there is nothing to be done at its ends.
        if matches!(record.role, RecordRole::Multi | RecordRole::Exec) {
            return;
        }
        if let Some(entry) = self.maker.set(record) {
            batch.push_set(entry, record.bytes().len());
        } else if let Some(created) = collections.create(record, &self.maker) {
            batch.push_created(created, record.bytes());
        } else {
            batch.push_command(record.bytes());
        }
    }

    fn read_base(&self, part: &RdbPart, bytes_before: u64) -> Result<u64, Stop> {
        match self.read_rdb(part.reader(), part.file_bytes, true, bytes_before) {
            Ok(end) => Ok(end),
            Err(RdbStop::Stopped(stop)) => Err(stop),
            Err(RdbStop::Bad(error)) => {
                bad_file::log_error(&error);
                tracing::warn!("{}", part.failure_text());
                Err(Stop::Failed)
            }
        }
    }

    /// The last line of a start that failed, by which scripts know it.
    fn say_that_it_ends(&self, line: &str) {
        if self.files.is_start {
            tracing::warn!("{line}");
        }
    }
}

enum Next {
    Nothing,
    Send,
    Rdb(RdbPart),
}

/// Whether making an entry of the value is work for the executor, while the reader goes on reading.
fn is_big_collection(value: &Value) -> bool {
    !matches!(value, Value::String(_)) && value.held_bytes() >= BIG_COLLECTION_BYTES_MIN
}

fn copy_file(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), StorageError> {
    let file = storage.open(from, &OpenOptions::read_only())?;
    write_synced(storage, to, FileMode::DATA, |out| {
        let mut buffer = vec![0; BYTES_PER_BATCH];
        let mut at = 0;
        loop {
            match file.read_at(&mut buffer, at)? {
                0 => return Ok::<_, StorageError>(()),
                read => {
                    out.append(&buffer[..read])?;
                    at += read as u64;
                }
            }
        }
    })?;
    Ok(())
}
