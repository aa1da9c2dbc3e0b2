//! Finding out what of an RDB is intact: reading, and going on behind what cannot be read.

use std::ops::Range;
use std::sync::Arc;

use lastsave_commands::FunctionLibraries;
use lastsave_rdb::{
    ChecksumStatus, Error, ErrorKind, Event, FileVersion, KeyRecord, Lineage, Reader, ReaderOptions,
};
use lastsave_storage::{File, FileReader, StorageError};

use super::resync::{Bounds, next_record, record_inside};
use super::salvage::{Kept, RdbLoss, RdbSalvage};

/// Bytes of the magic.
const MAGIC_BYTES: u64 = 9;

/// What a file of unreadable version is taken for: the newest that Redis 7.2 reads.
const ASSUMED_VERSION: FileVersion = FileVersion { lineage: Lineage::Redis, number: 11 };

/// A file under survey.
pub(super) struct Survey<'a> {
    file: &'a Arc<dyn File>,
    bounds: Bounds,
    salvage: RdbSalvage,
    database: u64,
    /// Where the run of intact records that is being read begins.
    run_start: u64,
    select: Option<u8>,
    /// The last record that was read in this run.
    last: Option<LastRecord>,
    /// The function libraries that were read.
    libraries: FunctionLibraries,
}

/// What has to be known of a record that turns out to be damaged when the one behind it cannot be read.
#[derive(Clone, Debug)]
struct LastRecord {
    range: Range<u64>,
    /// Key and type, if it is a key's.
    key: Option<(Vec<u8>, &'static str)>,
}

impl LastRecord {
    fn has_no_name(&self) -> bool {
        self.key.as_ref().is_some_and(|(key, _)| key.is_empty())
    }
}

/// Why reading stopped before the end.
enum Stop {
    Error(Error),
    Zeros,
    /// A record that no server would load.
    Record(Box<KeyRecord>),
    /// A function library that no server would load, and why.
    Library {
        range: Range<u64>,
        reason: String,
    },
}

/// What is to be left out.
struct Damage {
    offset: u64,
    /// Where to go on, when that is known already.
    next: Option<u64>,
    reason: String,
    key: Option<Vec<u8>>,
    object_type: Option<&'static str>,
    is_magic: bool,
    /// The damaged bytes are known to be one record and no more.
    is_one_record: bool,
}

impl<'a> Survey<'a> {
    pub(super) fn new(file: &'a Arc<dyn File>, bounds: Bounds) -> Self {
        let salvage = RdbSalvage {
            version: ASSUMED_VERSION,
            keys: 0,
            losses: Vec::new(),
            end: bounds.len,
            checksum_is_wrong: false,
            is_truncated: false,
            kept: Vec::new(),
        };
        Self {
            file,
            bounds,
            salvage,
            database: 0,
            run_start: MAGIC_BYTES,
            select: None,
            last: None,
            libraries: FunctionLibraries::new(),
        }
    }

    fn options(&self) -> ReaderOptions {
        ReaderOptions {
            total_bytes: Some(self.bounds.len),
            // No server keeps a collection without elements, and the check of what is written would refuse it.
            refuses_empty: true,
            ..ReaderOptions::default()
        }
    }

    /// Reads the whole file.
    pub(super) fn run(mut self) -> Result<RdbSalvage, StorageError> {
        let mut reader = Reader::new(FileReader::new(Arc::clone(self.file)), self.options());
        while let Some(stop) = self.read(&mut reader) {
            let damage = match stop {
                Stop::Zeros => self.zeros(),
                Stop::Record(record) => Damage {
                    offset: record.offset,
                    next: Some(record.end_offset),
                    reason: "an element is there twice".to_owned(),
                    object_type: Some(record.object_type.name()),
                    key: Some(record.key),
                    is_magic: false,
                    is_one_record: true,
                },
                Stop::Library { range, reason } => Damage {
                    offset: range.start,
                    next: Some(range.end),
                    reason: format!("a function library that cannot be loaded: {reason}"),
                    object_type: None,
                    key: None,
                    is_magic: false,
                    is_one_record: true,
                },
                Stop::Error(error) => {
                    if let ErrorKind::Io(_) = error.kind() {
                        // Only now, because the reader does not carry the storage's own error.
                        self.file.read_at(&mut [0], error.offset())?;
                    }
                    if self.is_end_after_all(&error)? {
                        return Ok(self.salvage);
                    }
                    self.damage(&error)?
                }
            };
            let Some(next) = self.pass(damage)? else { return Ok(self.salvage) };
            reader = Reader::resume(
                FileReader::starting_at(Arc::clone(self.file), next),
                self.salvage.version,
                next,
                self.options(),
            );
        }
        Ok(self.salvage)
    }

    /// Reads up to the end (`None`) or to damage.
    fn read(&mut self, reader: &mut Reader<FileReader>) -> Option<Stop> {
        loop {
            let start = reader.offset();
            let mut key = None;
            match reader.next_event() {
                Ok(Event::Version(version)) => self.salvage.version = version,
                Ok(Event::SelectDatabase(database)) => self.database = database,
                Ok(Event::Key(record)) => {
                    if record.key.is_empty() && self.last.as_ref().is_some_and(LastRecord::has_no_name) {
                        return Some(Stop::Zeros);
                    }
                    if record.value.has_an_element_twice() {
                        return Some(Stop::Record(Box::new(record)));
                    }
                    self.salvage.keys += 1;
                    key = Some((record.key, record.object_type.name()));
                }
                Ok(Event::FunctionLibrary { code }) => {
                    if let Err(error) = self.libraries.load(code.into(), false) {
                        let range = start..reader.offset();
                        return Some(Stop::Library { range, reason: error.to_string() });
                    }
                }
                Ok(Event::End { checksum }) => {
                    let trailer = if checksum == ChecksumStatus::Absent { 0 } else { 8 };
                    self.keep_run(reader.offset() - trailer - 1);
                    self.salvage.end = reader.offset();
                    return None;
                }
                Ok(_) => {}
                Err(error) => return Some(Stop::Error(error)),
            }
            self.last = Some(LastRecord { range: start..reader.offset(), key });
        }
    }

    /// Whether the records are complete, and only the checksum behind them is wrong or cut off.
    fn is_end_after_all(&mut self, error: &Error) -> Result<bool, StorageError> {
        let mark = error.record_offset();
        let end = match error.kind() {
            ErrorKind::ChecksumMismatch { .. } => mark + 9,
            kind if kind.is_short_read() && self.byte(mark)? == Some(0xff) => self.bounds.len,
            _ => return Ok(false),
        };
        // An end mark in the middle of a file is a damaged type, unless something that may follow does.
        let is_end =
            end == self.bounds.len || self.bounds.may_go_on && matches!(self.byte(end)?, Some(b'*' | b'#'));
        if is_end {
            self.keep_run(mark);
            self.salvage.end = end;
            self.salvage.checksum_is_wrong = true;
        }
        Ok(is_end)
    }

    /// What an error of the reader says to be damaged.
    fn damage(&mut self, error: &Error) -> Result<Damage, StorageError> {
        let is_magic =
            matches!(error.kind(), ErrorKind::WrongSignature { .. } | ErrorKind::UnsupportedVersion { .. });
        if let Some((swallower, inside)) = self.swallower(error)? {
            self.salvage.keys -= u64::from(swallower.key.is_some());
            let (key, object_type) = swallower.key.unzip();
            return Ok(Damage {
                offset: swallower.range.start,
                next: Some(inside),
                reason: "a damaged length, by which the record reaches over others".to_owned(),
                key,
                object_type,
                is_magic,
                is_one_record: false,
            });
        }
        Ok(Damage {
            offset: if is_magic { 0 } else { error.record_offset() },
            next: None,
            reason: error.kind().to_string(),
            key: error.key().map(<[u8]>::to_vec),
            object_type: error.object_type().map(lastsave_rdb::ObjectType::name),
            is_magic,
            is_one_record: false,
        })
    }

    /// Zeros read as keys without name and value, one behind the other; no database has two of those.
    fn zeros(&mut self) -> Damage {
        let first = self.last.take().map_or(self.run_start, |last| last.range.start);
        self.salvage.keys -= 1;
        Damage {
            offset: first,
            next: None,
            reason: "keys without a name, as zeros look like".to_owned(),
            key: None,
            object_type: None,
            is_magic: false,
            is_one_record: false,
        }
    }

    /// Leaves out what is damaged; where reading goes on, if it does.
    fn pass(&mut self, damage: Damage) -> Result<Option<u64>, StorageError> {
        let Damage { offset, is_magic, .. } = damage;
        let next = match damage.next {
            Some(next) => Some(next),
            None => {
                let from = if is_magic { MAGIC_BYTES } else { offset + 1 };
                next_record(self.file, self.salvage.version, from, self.bounds)?
            }
        };
        if !is_magic {
            self.keep_run(offset);
        }
        let end = next.unwrap_or(self.bounds.len);
        self.salvage.losses.push(RdbLoss {
            range: offset..end,
            reason: damage.reason,
            database: self.database,
            key: damage.key,
            object_type: damage.object_type,
            database_is_uncertain: next.is_some() && !is_magic && !damage.is_one_record,
        });
        self.last = None;
        self.run_start = end;
        if let Some(next) = next {
            self.select = self.selection_before(offset..next)?;
        }
        self.salvage.is_truncated |= next.is_none();
        Ok(next)
    }

    /// The record before the damage, if it is the one that is damaged, and where to go on inside it.
    fn swallower(&mut self, error: &Error) -> Result<Option<(LastRecord, u64)>, StorageError> {
        let last = self.last.take().filter(|last| last.range.end == error.record_offset());
        let Some(last) = last else { return Ok(None) };
        let inside = record_inside(self.file, self.salvage.version, last.range.clone(), self.bounds)?;
        Ok(inside.map(|inside| (last, inside)))
    }

    /// The sizes of a database follow its selection. When they are the first thing behind the damage, the byte before
    /// them is the number that was selected.
    fn selection_before(&mut self, lost: Range<u64>) -> Result<Option<u8>, StorageError> {
        if self.byte(lost.end)? != Some(0xfb) {
            return Ok(None);
        }
        let number = self.byte(lost.end - 1)?.filter(|number| *number < 64);
        if let Some(number) = number {
            self.database = u64::from(number);
        }
        Ok(number)
    }

    fn keep_run(&mut self, end: u64) {
        if self.run_start < end {
            self.salvage.kept.push(Kept { select: self.select.take(), range: self.run_start..end });
        }
        self.run_start = end;
    }

    fn byte(&self, at: u64) -> Result<Option<u8>, StorageError> {
        let mut byte = [0];
        Ok((self.file.read_at(&mut byte, at)? == 1).then_some(byte[0]))
    }
}
