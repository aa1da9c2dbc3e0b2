//! A log on a simulated machine, and a model of what must be found in it.

#![allow(dead_code, clippy::allow_attributes, reason = "every test file uses a part of this")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lastsave_aof::{
    AofDirectory, AofError, AofLog, EmptyLog, LoadOptions, LoadStep, Loader, LogNames, LogSettings,
    OpenedLog, RecordRole, RecoveredLog, open_log, push_record,
};
use lastsave_fsync_scheduler::{Log, LogError, Position};
use lastsave_storage::Storage;
use lastsave_storage::sim::SimulatedStorage;

pub(crate) const DIRECTORY: &str = "appendonlydir";
pub(crate) const INCREMENT: &str = "appendonlydir/appendonly.aof.1.incr.aof";
pub(crate) const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

pub(crate) fn names() -> LogNames {
    LogNames::new("appendonly.aof", DIRECTORY).unwrap()
}

pub(crate) fn settings(seed: u64) -> Arc<LogSettings> {
    Arc::new(LogSettings::new().with_counted_segment_ids(seed).with_prepare_step_bytes(8192))
}

pub(crate) fn open_directory(storage: &SimulatedStorage) -> Result<Arc<AofDirectory>, AofError> {
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    AofDirectory::open(storage, names())
}

/// What a start found.
pub(crate) struct Started {
    pub(crate) log: AofLog,
    pub(crate) records: Vec<Vec<Vec<u8>>>,
    pub(crate) recovered: Option<lastsave_aof::CutReport>,
    pub(crate) notices: Vec<String>,
}

pub(crate) fn try_start(
    storage: &SimulatedStorage,
    settings: &Arc<LogSettings>,
    options: LoadOptions,
    position: Position,
) -> Result<Started, AofError> {
    let directory = open_directory(storage)?;
    match open_log(&directory, settings, options)? {
        (OpenedLog::Empty(empty), _) => {
            let (log, notices) = EmptyLog::create(empty, None, position)?;
            let notices = notices.into_iter().map(|notice| notice.text).collect();
            Ok(Started { log, records: Vec::new(), recovered: None, notices })
        }
        (OpenedLog::Existing(mut loader), _) => {
            let records = load(&mut loader)?;
            let RecoveredLog { log, mut cuts, notices, .. } = loader.finish(position)?;
            assert!(cuts.len() <= 1, "{cuts:?}");
            let notices = notices.into_iter().map(|notice| notice.text).collect();
            Ok(Started { log, records, recovered: cuts.pop(), notices })
        }
    }
}

pub(crate) fn start(storage: &SimulatedStorage, settings: &Arc<LogSettings>) -> Started {
    try_start(storage, settings, LoadOptions::default(), Position::ZERO).unwrap()
}

/// All records; the MULTI and EXEC around complete transactions are left out.
pub(crate) fn load(loader: &mut Loader) -> Result<Vec<Vec<Vec<u8>>>, AofError> {
    let mut records = Vec::new();
    let mut rdb_end = None;
    loop {
        if let Some(end) = rdb_end.take() {
            loader.rdb_ended_at(end);
        }
        let Some(step) = loader.step()? else { break };
        match step {
            LoadStep::Rdb(part) => rdb_end = Some(part.file_bytes),
            LoadStep::Record(record) if matches!(record.role, RecordRole::Single | RecordRole::Queued) => {
                records.push(record.arguments().map(<[u8]>::to_vec).collect());
            }
            _ => {}
        }
    }
    Ok(records)
}

pub(crate) fn record(arguments: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    push_record(&mut out, arguments);
    out
}

/// The unit with that number: its payload follows from the number.
pub(crate) fn unit(number: u64) -> Vec<u8> {
    record(&[b"SET", format!("key:{number}").as_bytes(), &payload(number)])
}

pub(crate) fn payload(number: u64) -> Vec<u8> {
    let length = match number % 7 {
        0 => 3000,
        1 => 0,
        2 => 700,
        other => 10 * other,
    };
    (0..length).map(|index| ((number * 31 + index * 7) % 251) as u8).collect()
}

/// The number of a unit, which must be intact.
pub(crate) fn number_of(record: &[Vec<u8>]) -> u64 {
    assert_eq!(record.len(), 3, "{record:?}");
    assert_eq!(record[0], b"SET");
    let number = String::from_utf8(record[1].clone()).unwrap().strip_prefix("key:").unwrap().parse().unwrap();
    assert_eq!(record[2], payload(number), "payload of unit {number}");
    number
}

/// Asserts that the units found are 0, 1, 2 ... and returns how many.
pub(crate) fn count_units(records: &[Vec<Vec<u8>>]) -> u64 {
    let units = records.iter().filter(|record| record[0] != b"SELECT");
    let mut count = 0;
    for record in units {
        assert_eq!(number_of(record), count, "units in order");
        count += 1;
    }
    count
}

/// Drives a log by units and remembers what it promised.
pub(crate) struct Driver {
    pub(crate) log: AofLog,
    /// Units given to the log.
    pub(crate) written_units: u64,
    /// Units known durable.
    pub(crate) durable_units: u64,
    pub(crate) written: Position,
    pub(crate) durable: Position,
}

impl Driver {
    /// Goes on behind `units` units that were loaded and are durable.
    pub(crate) fn new(log: AofLog, units: u64, position: Position) -> Self {
        Self { log, written_units: units, durable_units: units, written: position, durable: position }
    }

    /// Writes the next `count` units as one batch that begins by selecting a database, as the server does after a start.
    pub(crate) fn write(&mut self, count: u64, select: bool, long: bool) -> Result<(), LogError> {
        let mut batch = Vec::new();
        if select {
            batch.push(Bytes::from(record(&[b"SELECT", b"0"])));
        }
        batch.extend((0..count).map(|index| Bytes::from(unit(self.written_units + index))));
        let bytes: u64 = batch.iter().map(|bytes| bytes.len() as u64).sum();
        let end = self.written.advance(bytes);
        self.log.write(&batch, end, self.durable, long)?;
        self.written = end;
        self.written_units += count;
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), LogError> {
        self.log.sync_handle().sync()?;
        self.durable = self.written;
        self.durable_units = self.written_units;
        Ok(())
    }

    pub(crate) fn mark(&mut self) -> Result<(), LogError> {
        self.log.mark(self.durable)
    }

    pub(crate) fn prepare(&mut self) -> Result<(), LogError> {
        match self.log.prepare() {
            Some(job) => job(),
            None => Ok(()),
        }
    }

    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        self.log.close(self.written, self.durable, true)
    }
}

pub(crate) fn contents(storage: &SimulatedStorage, path: impl AsRef<Path>) -> Vec<u8> {
    storage.contents(path.as_ref()).unwrap_or_else(|| panic!("no file {}", path.as_ref().display()))
}

pub(crate) fn manifest_text(storage: &SimulatedStorage) -> String {
    String::from_utf8(contents(storage, MANIFEST)).unwrap()
}
