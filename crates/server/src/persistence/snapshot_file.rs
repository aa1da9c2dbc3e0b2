//! Writing a snapshot of the keyspace into a file, and reading it back before anybody relies on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use lastsave_aof::{AofDirectory, AofError, BaseForm, NewBase};
use lastsave_commands::{FunctionLibraries, rewrite_commands, write_value};
use lastsave_keyspace::{Entry, IntegerBuffer, Snapshot};
use lastsave_rdb::{
    ChecksumStatus, Event, Header, KeyMetadata, Reader, ReaderOptions, WriteCounts, WriteError, Writer,
    WriterOptions,
};
use lastsave_resp::encode_command;
use lastsave_storage::{
    FileMode, FileReader, FileWriter, OpenOptions, Operation, Storage, StorageError, rename_durably,
    unlink_durably, write_synced,
};
use thiserror::Error;

use super::progress::Progress;
use crate::identity::REDIS_VERSION;

/// Records of a command base are collected up to this size before they go to the file.
const COMMAND_BUFFER_BYTES: usize = 256 * 1024;

/// A long delay is slept in slices of this, between which it may be called off.
const DELAY_SLICE_US: u64 = 10_000;

/// Why a snapshot did not become a file. The file that was there before is untouched, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SnapshotError {
    /// What the disk said; the operation inside tells the step.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What the encoder said.
    #[error(transparent)]
    Encode(#[from] WriteError),
    /// The file does not hold what was written.
    #[error("verification failed: {0}")]
    Verification(String),
    /// The log that is off could not take the file as its base.
    #[error("it could not become the base of the append only file: {0}")]
    Adoption(String),
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
}

/// What the file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SnapshotForm {
    /// A dump by itself.
    Dump,
    /// The base of a log, in RDB form.
    Base,
    /// The base of a log, as commands.
    CommandBase {
        /// Whether it starts with a `#TS:` line.
        timestamp: bool,
    },
}

/// Which of the access words of keys are saved, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessRecord {
    /// None.
    Nothing,
    /// Seconds since the last access: the word is a clock of 24 bits, whose present value is given.
    Idle { clock: u32 },
    /// Logarithmic counter: the low 8 bits of the word.
    Frequency,
}

/// Everything a job needs; nothing of it changes while it runs.
#[derive(Debug)]
pub(crate) struct SnapshotJob {
    pub(crate) storage: Arc<dyn Storage>,
    /// Written first, relative to the storage's directory.
    pub(crate) temporary: PathBuf,
    /// The final name.
    pub(crate) target: PathBuf,
    pub(crate) form: SnapshotForm,
    pub(crate) options: WriterOptions,
    pub(crate) access: AccessRecord,
    pub(crate) created_unix_seconds: i64,
    pub(crate) used_memory_bytes: u64,
    /// `rdb-key-save-delay`: microseconds per key, or one microsecond per that many keys when negative.
    pub(crate) key_delay: i64,
    /// 0 for no limit.
    pub(crate) bytes_per_second_max: u64,
    pub(crate) incremental_writeback: bool,
    pub(crate) snapshot: Snapshot,
    /// The function libraries at the cut.
    pub(crate) functions: FunctionLibraries,
    pub(crate) progress: Arc<Progress>,
    /// The directory of a log that is off, which takes the finished file as its base.
    pub(crate) adopt_into: Option<Arc<AofDirectory>>,
}

/// A file in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotWritten {
    pub(crate) bytes: u64,
    pub(crate) keys: u64,
}

impl SnapshotJob {
    /// Writes, syncs, reads back, and only then gives the file its name.
    pub(crate) fn run(self) -> Result<SnapshotWritten, SnapshotError> {
        let (storage, temporary, target) =
            (Arc::clone(&self.storage), self.temporary.clone(), self.target.clone());
        let progress = Arc::clone(&self.progress);
        let (form, adopt_into) = (self.form, self.adopt_into.clone());
        let result = self.write_and_verify().and_then(|written| {
            if progress.is_cancelled() {
                return Err(SnapshotError::Cancelled);
            }
            rename_durably(&*storage, &temporary, &target)?;
            if let Some(directory) = adopt_into {
                adopt(&directory, &target, form)
                    .map_err(|error| SnapshotError::Adoption(error.to_string()))?;
            }
            Ok(written)
        });
        if result.is_err() {
            // A leftover does no harm: it is overwritten by the next job of this process, and loaded by nobody.
            let _leftover = unlink_durably(&*storage, &temporary);
        }
        result
    }

    fn write_and_verify(self) -> Result<SnapshotWritten, SnapshotError> {
        let (storage, temporary) = (Arc::clone(&self.storage), self.temporary.clone());
        let (form, options) = (self.form, self.options);
        let expected = Counts {
            keys: self.snapshot.len(),
            expires: self.snapshot.databases().map(|database| database.expires_len).sum(),
            libraries: self.functions.len() as u64,
        };
        let mode = if form == SnapshotForm::Dump { FileMode::DUMP } else { FileMode::DATA };
        let mut written = Counts::default();
        let incremental_writeback = self.incremental_writeback;
        let bytes = write_synced(&*storage, &temporary, mode, |file| {
            file.set_incremental_writeback(incremental_writeback);
            written = match form {
                SnapshotForm::Dump | SnapshotForm::Base => self.write_rdb(file)?,
                SnapshotForm::CommandBase { timestamp } => self.write_commands(file, timestamp)?,
            };
            Ok::<_, SnapshotError>(())
        })?;
        written.compare("the keys written", &expected)?;
        if !matches!(form, SnapshotForm::CommandBase { .. }) {
            read_back(&*storage, &temporary, &options)?.compare("the keys read back", &expected)?;
        }
        Ok(SnapshotWritten { bytes, keys: expected.keys })
    }

    fn write_rdb(mut self, file: &mut FileWriter) -> Result<Counts, SnapshotError> {
        let header = Header {
            redis_version: REDIS_VERSION,
            created_unix_seconds: self.created_unix_seconds,
            used_memory_bytes: self.used_memory_bytes,
            replication: None,
            aof_base: self.form == SnapshotForm::Base,
        };
        let mut writer = Writer::new(file, self.options, &header)?;
        for library in self.functions.iter() {
            writer.function_library(library.code())?;
        }
        let started = Instant::now();
        let databases: Vec<_> = self.snapshot.databases().collect();
        for database in databases {
            writer.select_database(database.index as u64)?;
            writer.resize(database.len, database.expires_len)?;
            let mut left = database.len;
            while left > 0 {
                self.check_cancelled()?;
                if self.progress.hurries() {
                    writer.set_compression(false);
                }
                let mut keys = 0;
                self.snapshot.visit_next(|entry| {
                    keys += 1;
                    write_entry(&mut writer, entry, self.access)
                })?;
                left -= keys;
                self.progress.add_keys(keys);
                self.delay(keys);
                self.slow_down(started, writer.inner().position());
            }
        }
        let finished = writer.finish()?;
        let WriteCounts { keys, expires, function_libraries: libraries, .. } = finished.counts;
        Ok(Counts { keys, expires, libraries })
    }

    fn write_commands(mut self, file: &mut FileWriter, timestamp: bool) -> Result<Counts, SnapshotError> {
        let mut counts = Counts::default();
        let mut out = BytesMut::with_capacity(COMMAND_BUFFER_BYTES);
        if timestamp {
            out.extend_from_slice(format!("#TS:{}\r\n", self.created_unix_seconds).as_bytes());
        }
        for library in self.functions.iter() {
            append_command(file, &mut out, &[b"FUNCTION", b"LOAD", library.code()])?;
            counts.libraries += 1;
        }
        let started = Instant::now();
        let databases: Vec<_> = self.snapshot.databases().collect();
        for database in databases {
            encode_command(&mut out, &[b"SELECT", IntegerBuffer::new().format(database.index).as_bytes()]);
            let mut left = database.len;
            while left > 0 {
                self.check_cancelled()?;
                let mut keys = 0;
                self.snapshot.visit_next(|entry| {
                    keys += 1;
                    counts.expires += u64::from(entry.expires_at_ms().is_some());
                    rewrite_commands(&entry, &mut |command| append_command(file, &mut out, command))
                })?;
                left -= keys;
                counts.keys += keys;
                self.progress.add_keys(keys);
                self.delay(keys);
                self.slow_down(started, file.position());
            }
        }
        file.append(&out)?;
        Ok(counts)
    }

    /// Sleeps for so many keys.
    fn delay(&self, keys: u64) {
        self.sleep(match self.key_delay {
            0 => return,
            per_key if per_key > 0 => keys.saturating_mul(per_key.unsigned_abs()),
            keys_per_us => keys / keys_per_us.unsigned_abs().max(1),
        });
    }

    /// Sleeps until so many `bytes` since the start are not too many.
    fn slow_down(&self, started: Instant, bytes: u64) {
        if self.bytes_per_second_max == 0 {
            return;
        }
        let due_us = u128::from(bytes) * 1_000_000 / u128::from(self.bytes_per_second_max);
        let left_us = due_us.saturating_sub(started.elapsed().as_micros());
        self.sleep(u64::try_from(left_us).unwrap_or(u64::MAX));
    }

    /// Sleeps, unless there is no time for that.
    fn sleep(&self, mut left_us: u64) {
        while left_us > 0 && !self.progress.hurries() && !self.progress.is_cancelled() {
            let slice_us = left_us.min(DELAY_SLICE_US);
            std::thread::sleep(Duration::from_micros(slice_us));
            left_us -= slice_us;
        }
    }

    fn check_cancelled(&self) -> Result<(), SnapshotError> {
        if self.progress.is_cancelled() { Err(SnapshotError::Cancelled) } else { Ok(()) }
    }
}

fn write_entry<W: std::io::Write>(
    writer: &mut Writer<W>,
    entry: Entry<'_>,
    access: AccessRecord,
) -> Result<(), WriteError> {
    let (idle_seconds, frequency) = match access {
        AccessRecord::Nothing => (None, None),
        AccessRecord::Idle { clock } => {
            (Some(u64::from(clock.wrapping_sub(entry.access()) & 0x00ff_ffff)), None)
        }
        AccessRecord::Frequency => (None, Some((entry.access() & 0xff) as u8)),
    };
    let metadata = KeyMetadata { expires_at_ms: entry.expires_at_ms(), idle_seconds, frequency };
    write_value(&entry.value(), writer.key(entry.key(), &metadata))
}

fn adopt(directory: &AofDirectory, base: &Path, form: SnapshotForm) -> Result<(), AofError> {
    let form = match form {
        SnapshotForm::Dump | SnapshotForm::Base => BaseForm::Rdb,
        SnapshotForm::CommandBase { .. } => BaseForm::Commands,
    };
    super::log_notices(directory.replace_base_while_off(&NewBase { path: base, form })?);
    Ok(())
}

/// Adds a command to what is written at once, and writes it when that is enough.
fn append_command(file: &mut FileWriter, out: &mut BytesMut, command: &[&[u8]]) -> Result<(), StorageError> {
    encode_command(out, command);
    if out.len() >= COMMAND_BUFFER_BYTES {
        file.append(out)?;
        out.clear();
    }
    Ok(())
}

/// Keys in all databases, those of them that expire, and function libraries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    keys: u64,
    expires: u64,
    libraries: u64,
}

impl Counts {
    fn compare(&self, what: &str, expected: &Counts) -> Result<(), SnapshotError> {
        if self == expected {
            return Ok(());
        }
        Err(SnapshotError::Verification(format!(
            "{what} are {} ({} with an expiry) and {} function libraries, at the cut there were {} ({}) and {}",
            self.keys, self.expires, self.libraries, expected.keys, expected.expires, expected.libraries
        )))
    }
}

/// Reads a finished file from the device and counts what is in it.
fn read_back(
    storage: &dyn Storage,
    path: &Path,
    written_with: &WriterOptions,
) -> Result<Counts, SnapshotError> {
    let file = storage.open(path, &OpenOptions::read_only())?;
    let total_bytes = file.len()?;
    let reader = FileReader::uncached(file)?;
    let options = ReaderOptions { total_bytes: Some(total_bytes), ..ReaderOptions::default() };
    let mut reader = Reader::new(reader, options);
    let mut counts = Counts::default();
    let unreadable = |error: lastsave_rdb::Error| SnapshotError::Verification(error.to_string());
    loop {
        while let Some(record) = reader.next_string() {
            counts.keys += 1;
            counts.expires += u64::from(record.metadata.expires_at_ms.is_some());
        }
        match reader.next_event().map_err(unreadable)? {
            Event::Key(record) => {
                counts.keys += 1;
                counts.expires += u64::from(record.metadata.expires_at_ms.is_some());
            }
            Event::FunctionLibrary { .. } => counts.libraries += 1,
            Event::End { checksum } => {
                if written_with.checksum && !matches!(checksum, ChecksumStatus::Verified(_)) {
                    return Err(SnapshotError::Verification("the file has no checksum".to_owned()));
                }
                return if reader.offset() == total_bytes {
                    Ok(counts)
                } else {
                    Err(SnapshotError::Verification(format!(
                        "the data ends at {} of {total_bytes} bytes",
                        reader.offset()
                    )))
                };
            }
            _ => {}
        }
    }
}

impl SnapshotError {
    /// The line for the log, as Redis words it.
    pub(crate) fn log_line(&self, temporary: &Path, target: &Path, directory: &Path) -> String {
        let (temporary, target, directory) = (temporary.display(), target.display(), directory.display());
        match self {
            SnapshotError::Storage(error) => match error.operation() {
                Operation::Create | Operation::Open => format!(
                    "Failed opening the temp RDB file {temporary} (in server root dir {directory}) for saving: {}",
                    error.reason()
                ),
                Operation::Rename => format!(
                    "Error moving temp DB file {temporary} on the final destination {target} (in server root dir \
                     {directory}): {}",
                    error.reason()
                ),
                Operation::SyncDirectory => {
                    format!("Failed to fsync directory while saving DB: {}", error.reason())
                }
                Operation::Datasync | Operation::Sync => {
                    format!("Write error while saving DB to the disk(fsync): {}", error.reason())
                }
                _ => format!("Write error while saving DB to the disk(rdbSaveRio): {}", error.reason()),
            },
            SnapshotError::Encode(error) => {
                format!("Write error while saving DB to the disk(rdbSaveRio): {error}")
            }
            SnapshotError::Verification(reason) => {
                format!(
                    "The RDB file {temporary} was written, but is not what was saved ({reason}); it was discarded"
                )
            }
            SnapshotError::Adoption(_) | SnapshotError::Cancelled => format!("{target}: {self}"),
        }
    }
}
