//! Copying what is intact of a damaged RDB into a new one, record by record as the bytes are, and naming the rest.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;

use lastsave_rdb::{Checksum, Event, FileVersion, Lineage, Reader, ReaderOptions};
use lastsave_storage::{File, FileReader, FileWriter, StorageError};

use super::resync::Bounds;
use super::survey::Survey;

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
    /// What is written.
    pub(super) kept: Vec<Kept>,
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
pub(super) struct Kept {
    /// A database that has to be selected first, because the record that did so is lost.
    pub(super) select: Option<u8>,
    pub(super) range: Range<u64>,
}

/// Reads a whole file and says what is intact. Writes nothing.
///
/// # Errors
/// What the disk said.
pub(crate) fn survey(file: &Arc<dyn File>, may_go_on: bool) -> Result<RdbSalvage, StorageError> {
    let bounds = Bounds { len: file.len()?, may_go_on };
    let mut salvage = Survey::new(file, bounds).run()?;
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
