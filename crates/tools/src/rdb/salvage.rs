//! Copying what is intact of a damaged RDB into a new one, record by record as the bytes are, and naming the rest.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;

use lastsave_rdb::{
    Checksum, ChecksumStatus, Error, ErrorKind, Event, FileVersion, Lineage, Reader, ReaderOptions,
};
use lastsave_storage::{File, FileReader, FileWriter, StorageError};

use super::resync::{Bounds, next_record, record_inside};

/// Bytes of the magic.
const MAGIC_BYTES: u64 = 9;

/// What a file of unreadable version is taken for: the newest that Redis 7.2 reads.
const ASSUMED_VERSION: FileVersion = FileVersion { lineage: Lineage::Redis, number: 11 };

/// What became of an RDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RdbSalvage {
    pub(crate) version: FileVersion,
    /// Keys kept.
    pub(crate) keys: u64,
    /// What was left out, in the order of the file.
    pub(crate) losses: Vec<RdbLoss>,
    /// Where the RDB ends and something else may begin.
    pub(crate) end: u64,
    /// The checksum does not match although every record can be read: some byte of what was kept is wrong.
    pub(crate) checksum_is_wrong: bool,
    /// The file ends without an end mark.
    pub(crate) is_truncated: bool,
    kept: Vec<Kept>,
}

/// A range of bytes that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RdbLoss {
    pub(crate) range: Range<u64>,
    pub(crate) reason: String,
    /// The database that was selected before.
    pub(crate) database: u64,
    /// The key of the record that is damaged, when it could be read.
    pub(crate) key: Option<Vec<u8>>,
    /// Its type, when it could be read.
    pub(crate) object_type: Option<&'static str>,
    /// The bytes may have held the selection of another database.
    pub(crate) database_is_uncertain: bool,
}

/// Bytes that are kept, and what stands before them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// A database that has to be selected first, because the record that did so is lost.
    select: Option<u8>,
    range: Range<u64>,
}

/// Reads a whole file and says what is intact. Writes nothing.
///
/// # Errors
/// What the disk said.
pub(crate) fn survey(file: &Arc<dyn File>, may_go_on: bool) -> Result<RdbSalvage, StorageError> {
    let bounds = Bounds { len: file.len()?, may_go_on };
    let mut survey = Survey::new(file, bounds);
    survey.run()?;
    let mut salvage = survey.salvage;
    if !salvage.losses.is_empty() {
        without_duplicates(file, bounds, &mut salvage)?;
    }
    Ok(salvage)
}

/// Writes what was found to be intact as a file of the same version.
///
/// # Errors
/// What the disk said.
pub(crate) fn write(
    file: &Arc<dyn File>,
    salvage: &RdbSalvage,
    out: &mut FileWriter,
) -> Result<(), StorageError> {
    let mut sink = ChecksummedWriter { out, checksum: Checksum::new() };
    sink.append(&magic(salvage.version))?;
    let mut buffer = vec![0; 256 << 10];
    for kept in &salvage.kept {
        if let Some(database) = kept.select {
            sink.append(&[0xfe, database])?;
        }
        let mut at = kept.range.start;
        while at < kept.range.end {
            let count = (kept.range.end - at).min(buffer.len() as u64) as usize;
            file.read_exact_at(&mut buffer[..count], at)?;
            sink.append(&buffer[..count])?;
            at += count as u64;
        }
    }
    sink.append(&[0xff])?;
    if salvage.version.number >= 5 {
        let checksum = sink.checksum.value();
        sink.out.append(&checksum.to_le_bytes())?;
    }
    Ok(())
}

struct ChecksummedWriter<'a> {
    out: &'a mut FileWriter,
    checksum: Checksum,
}

impl ChecksummedWriter<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.checksum.update(bytes);
        self.out.append(bytes)
    }
}

fn magic(version: FileVersion) -> Vec<u8> {
    match version.lineage {
        Lineage::Valkey => format!("VALKEY{:03}", version.number).into_bytes(),
        _ => format!("REDIS{:04}", version.number).into_bytes(),
    }
}

struct Survey<'a> {
    file: &'a Arc<dyn File>,
    bounds: Bounds,
    salvage: RdbSalvage,
    database: u64,
    /// Where the run of intact records that is being read begins.
    run_start: u64,
    select: Option<u8>,
    /// The last record that was read in this run.
    last: Option<LastRecord>,
}

/// What has to be known of a record that turns out to be damaged when the one behind it cannot be read.
#[derive(Clone, Debug)]
struct LastRecord {
    range: Range<u64>,
    /// Key and type, if it is a key's.
    key: Option<(Vec<u8>, &'static str)>,
}

impl<'a> Survey<'a> {
    fn new(file: &'a Arc<dyn File>, bounds: Bounds) -> Self {
        let salvage = RdbSalvage {
            version: ASSUMED_VERSION,
            keys: 0,
            losses: Vec::new(),
            end: bounds.len,
            checksum_is_wrong: false,
            is_truncated: false,
            kept: Vec::new(),
        };
        Self { file, bounds, salvage, database: 0, run_start: MAGIC_BYTES, select: None, last: None }
    }

    fn options(&self) -> ReaderOptions {
        ReaderOptions {
            total_bytes: Some(self.bounds.len),
            // No server keeps a collection without elements, and the check of what is written would refuse it.
            refuses_empty: true,
            ..ReaderOptions::default()
        }
    }

    fn run(&mut self) -> Result<(), StorageError> {
        let mut reader = Reader::new(FileReader::new(Arc::clone(self.file)), self.options());
        while let Some(error) = self.read(&mut reader) {
            if let ErrorKind::Io(_) = error.kind() {
                // Only now, because the reader does not carry the storage's own error.
                self.file.read_at(&mut [0], error.offset())?;
            }
            if self.is_end_after_all(&error)? {
                return Ok(());
            }
            let Some(next) = self.pass_damage(&error)? else { return Ok(()) };
            reader = Reader::resume(
                FileReader::starting_at(Arc::clone(self.file), next),
                self.salvage.version,
                next,
                self.options(),
            );
        }
        Ok(())
    }

    /// Reads up to the end (`None`) or to damage.
    fn read(&mut self, reader: &mut Reader<FileReader>) -> Option<Error> {
        loop {
            let start = reader.offset();
            let mut key = None;
            match reader.next_event() {
                Ok(Event::Version(version)) => self.salvage.version = version,
                Ok(Event::SelectDatabase(database)) => self.database = database,
                Ok(Event::Key(record)) => {
                    self.salvage.keys += 1;
                    key = Some((record.key, record.object_type.name()));
                }
                Ok(Event::End { checksum }) => {
                    let trailer = if checksum == ChecksumStatus::Absent { 0 } else { 8 };
                    self.keep_run(reader.offset() - trailer - 1);
                    self.salvage.end = reader.offset();
                    return None;
                }
                Ok(_) => {}
                Err(error) => return Some(error),
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

    /// Leaves out what is damaged; where reading goes on, if it does.
    fn pass_damage(&mut self, error: &Error) -> Result<Option<u64>, StorageError> {
        let is_magic =
            matches!(error.kind(), ErrorKind::WrongSignature { .. } | ErrorKind::UnsupportedVersion { .. });
        let swallower = self.swallower(error)?;
        let (damaged, next) = match &swallower {
            Some((swallower, inside)) => (swallower.range.start, Some(*inside)),
            None => {
                let damaged = if is_magic { 0 } else { error.record_offset() };
                let from = if is_magic { MAGIC_BYTES } else { damaged + 1 };
                (damaged, next_record(self.file, self.salvage.version, from, self.bounds)?)
            }
        };
        if !is_magic {
            self.keep_run(damaged);
        }
        let end = next.unwrap_or(self.bounds.len);
        let (reason, key, object_type) = match swallower {
            Some((swallower, _)) => {
                self.salvage.keys -= u64::from(swallower.key.is_some());
                let reason = "a damaged length, by which the record reaches over others".to_owned();
                let (key, object_type) = swallower.key.unzip();
                (reason, key, object_type)
            }
            None => (
                error.kind().to_string(),
                error.key().map(<[u8]>::to_vec),
                error.object_type().map(lastsave_rdb::ObjectType::name),
            ),
        };
        self.salvage.losses.push(RdbLoss {
            range: damaged..end,
            reason,
            database: self.database,
            key,
            object_type,
            database_is_uncertain: next.is_some() && !is_magic,
        });
        self.run_start = end;
        if let Some(next) = next {
            self.select = self.selection_before(damaged..next)?;
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

/// A key that is read twice was made from damaged bytes once; servers refuse files with such keys. The first one stays.
fn without_duplicates(
    file: &Arc<dyn File>,
    bounds: Bounds,
    salvage: &mut RdbSalvage,
) -> Result<(), StorageError> {
    let mut seen = HashSet::with_hasher(BuildHasherDefault::<DefaultHasher>::default());
    let digest = |database: u64, key: &[u8]| {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        (hasher.hash_one((database, key)), hasher.hash_one((key, database, "second")))
    };
    let options = ReaderOptions { total_bytes: Some(bounds.len), ..ReaderOptions::default() };
    let mut kept = Vec::new();
    let mut database = 0;
    for part in std::mem::take(&mut salvage.kept) {
        database = part.select.map_or(database, u64::from);
        let mut start = part.range.start;
        let mut select = part.select;
        let input = FileReader::starting_at(Arc::clone(file), start);
        let mut reader = Reader::resume(input, salvage.version, start, options);
        while reader.offset() < part.range.end {
            match reader.next_event() {
                Ok(Event::SelectDatabase(index)) => database = index,
                Ok(Event::Key(record)) if !seen.insert(digest(database, &record.key)) => {
                    if start < record.offset {
                        kept.push(Kept { select: select.take(), range: start..record.offset });
                    }
                    start = record.end_offset;
                    salvage.keys -= 1;
                    salvage.losses.push(RdbLoss {
                        range: record.offset..record.end_offset,
                        reason: "the key is there twice".to_owned(),
                        database,
                        object_type: Some(record.object_type.name()),
                        key: Some(record.key),
                        database_is_uncertain: false,
                    });
                }
                Ok(_) => {}
                // The bytes were sound a moment ago, so the disk has failed since.
                Err(error) => {
                    file.read_at(&mut [0], error.offset())?;
                    break;
                }
            }
        }
        if start < part.range.end {
            kept.push(Kept { select, range: start..part.range.end });
        }
    }
    salvage.kept = kept;
    salvage.losses.sort_by_key(|loss| loss.range.start);
    Ok(())
}
