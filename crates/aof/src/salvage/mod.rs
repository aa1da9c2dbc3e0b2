//! Copying what is intact of a damaged file of commands, and naming what is not.
//!
//! In a file with frames a block is intact when its frame says so, and the frames behind a damaged place tell where the
//! next block begins. Without frames a record is intact when its whole structure is, transactions count as one, and
//! reading goes on at the next record. What is written has neither header nor frames: a log that every server loads.

pub(crate) mod framed;
mod loose;
pub(crate) mod lost;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{File, FileWriter, Storage, StorageError};

pub use self::lost::LostCommand;
use crate::check::rebuild::read_header;
use crate::frame::{HEADER_BYTES_MAX, Header};
use crate::manifest::{FileKind, ManifestEntry};
use crate::record::push_record;

/// How to salvage.
#[derive(Clone, Copy)]
pub struct SalvageOptions<'a> {
    /// Keep what has the structure of whole records in blocks whose frame does not match: some byte of them is wrong.
    pub keep_unverified: bool,
    /// Whether a command of this name exists. A name that does not is taken for damage where no frame vouches for it.
    pub is_command: &'a dyn Fn(&[u8]) -> bool,
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Records kept.
    pub kept_records: u64,
    /// Bytes of these records.
    pub kept_bytes: u64,
    /// What was left out, in the order of the file.
    pub losses: Vec<Loss>,
    /// The file has frames, but no header that can be read: nothing of it could be verified by them.
    pub has_unverified_frames: bool,
}

/// A range of bytes that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The bytes.
    pub range: Range<u64>,
    /// Why.
    pub reason: String,
    /// The whole commands in them, as far as they can be read; at most 1000 are named.
    pub commands: Vec<LostCommand>,
    /// How many whole commands there are.
    pub commands_total: u64,
    /// Whether bytes are in the range that belong to no whole command.
    pub has_unreadable_bytes: bool,
}

impl Loss {
    /// A loss of bytes that hold no commands, or are not there at all.
    #[must_use]
    pub fn of_bytes(range: Range<u64>, reason: impl Into<String>) -> Self {
        Self {
            range,
            reason: reason.into(),
            commands: Vec::new(),
            commands_total: 0,
            has_unreadable_bytes: true,
        }
    }
}

/// Copies every intact record of `file[range]` to `out`, byte for byte and in order, and says what was left out.
/// Annotations that name a time are kept.
///
/// Where a lost place held a SELECT that can still be read, a SELECT of that database is written instead.
///
/// # Errors
/// What the disk said.
pub fn salvage_commands(
    file: &Arc<dyn File>,
    range: Range<u64>,
    options: &SalvageOptions<'_>,
    out: &mut FileWriter,
) -> Result<Salvage, StorageError> {
    let mut work = Work { file: Arc::clone(file), options, out, salvage: Salvage::default(), pending: 0..0 };
    let head = if range.start == 0 { first_bytes(file, range.end)? } else { Vec::new() };
    let line_end = head.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    match Header::from_line(&head[..line_end]) {
        Some(header) => framed::salvage(&mut work, 0, range.end, header.segment_id)?,
        None => match framed::read_damaged_header(file, &head, range.end)? {
            Some((segment_id, line_end)) => {
                work.lose(0..line_end, "the header line is damaged")?;
                framed::salvage(&mut work, line_end, range.end, segment_id)?;
            }
            None => loose::salvage(&mut work, range, loose::Trust::Structure)?,
        },
    }
    work.flush()?;
    Ok(work.salvage)
}

/// Where a listed file was declared to end: by the manifest, or by the header of the increment behind it.
///
/// # Errors
/// What the disk said about the next file; that it is not there is no error.
pub fn declared_end(
    storage: &dyn Storage,
    entry: &ManifestEntry,
    next: Option<&Path>,
) -> Result<Option<u64>, StorageError> {
    let by_next = match next.map(|path| read_header(storage, path)) {
        Some(Ok(header)) => header.and_then(|header| header.predecessor),
        Some(Err(error)) if !error.not_found() => return Err(error),
        Some(Err(_)) | None => None,
    };
    let by_next = by_next
        .filter(|before| entry.kind == FileKind::Increment && before.sequence == entry.sequence)
        .map(|before| before.end_offset);
    Ok(match (entry.cut, by_next) {
        (Some(cut), Some(end)) => Some(cut.min(end)),
        (cut, end) => cut.or(end),
    })
}

/// Enough bytes for a header line.
pub(crate) fn first_bytes(file: &Arc<dyn File>, limit: u64) -> Result<Vec<u8>, StorageError> {
    let mut head = vec![0; HEADER_BYTES_MAX.min(usize::try_from(limit).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut head, 0)?;
    Ok(head)
}

/// A file under way.
struct Work<'a> {
    file: Arc<dyn File>,
    options: &'a SalvageOptions<'a>,
    out: &'a mut FileWriter,
    salvage: Salvage,
    /// Kept bytes that have not been copied yet, so that neighbours are copied at once.
    pending: Range<u64>,
}

impl Work<'_> {
    /// Keeps bytes of the file.
    fn keep(&mut self, range: Range<u64>, records: u64) -> Result<(), StorageError> {
        self.salvage.kept_records += records;
        if self.pending.end != range.start {
            self.flush()?;
            self.pending = range.clone();
        }
        self.pending.end = range.end;
        Ok(())
    }

    /// Keeps bytes of the file that are at hand.
    fn keep_bytes(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.flush()?;
        self.salvage.kept_records += 1;
        self.salvage.kept_bytes += bytes.len() as u64;
        self.out.append(bytes)
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        let mut range = std::mem::replace(&mut self.pending, 0..0);
        let mut buffer = vec![0; (range.end - range.start).min(256 << 10) as usize];
        self.salvage.kept_bytes += range.end - range.start;
        while range.start < range.end {
            let count = (range.end - range.start).min(buffer.len() as u64) as usize;
            self.file.read_exact_at(&mut buffer[..count], range.start)?;
            self.out.append(&buffer[..count])?;
            range.start += count as u64;
        }
        Ok(())
    }

    /// Leaves bytes out.
    fn lose(&mut self, range: Range<u64>, reason: impl Into<String>) -> Result<(), StorageError> {
        if range.is_empty() {
            return Ok(());
        }
        self.flush()?;
        let found = lost::list(&self.file, range.clone())?;
        if let Some(database) = &found.selected {
            let mut record = Vec::new();
            push_record(&mut record, &[b"SELECT", database]);
            self.out.append(&record)?;
        }
        self.salvage.losses.push(Loss {
            range,
            reason: reason.into(),
            commands: found.commands,
            commands_total: found.total,
            has_unreadable_bytes: found.has_unreadable_bytes,
        });
        Ok(())
    }
}
