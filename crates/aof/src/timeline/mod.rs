//! Reading a file's past: its records in order, each with its place and the time within which it was written, passing
//! over what is damaged.

mod cut;
mod times;

use std::sync::Arc;

use lastsave_storage::{File, StorageError};

pub use self::cut::{CutError, PartCopied, copy_until, successor_header};
pub use self::times::WrittenAt;
use self::times::{Times, scanner};
use crate::error::{AofError, DamageReason};
use crate::frame::Header;
use crate::loader::{Record, RecordRole, Reread};
use crate::salvage::first_bytes;
use crate::salvage::framed::{read_damaged_header, resume_at};
use crate::salvage::lost::{next_candidate, whole_record};
use crate::scan::{Damage, FileEnd, FileScanner, Found};

/// What is known of a file before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelineOptions {
    /// Where the records begin: 0, or behind an RDB.
    pub from: u64,
    /// The file counts up to here.
    pub limit: u64,
    /// What the file holds was written by then, whatever its own marks say; unix milliseconds.
    pub end_ms: Option<u64>,
}

/// A record of the past.
#[derive(Clone, Copy, Debug)]
pub struct PastRecord<'a> {
    /// The record. It has been verified where there are frames.
    pub record: Record<'a>,
    /// Where the unit begins that the record belongs to: the MULTI of its transaction, or the record itself.
    pub unit_offset: u64,
    /// When it was written.
    pub written: WrittenAt,
}

/// A damaged place that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDamage {
    /// Where it begins; everything before is intact.
    pub offset: u64,
    /// What is wrong.
    pub reason: String,
    /// Where reading goes on; `None` when nothing of the file can be read any more.
    pub resumed_at: Option<u64>,
    /// Whether the rest of the file is all that is wrong, as a crash in the middle of a write leaves it.
    pub is_tail: bool,
}

/// What [`Timeline::step`] came upon.
#[derive(Debug)]
#[non_exhaustive]
pub enum TimelineStep<'a> {
    /// A record.
    Record(PastRecord<'a>),
    /// Something that cannot be read.
    Damage(PastDamage),
}

/// Reads one file of commands. Never holds more of it than one block or transaction, and of those not more than 16 MiB.
#[derive(Debug)]
pub struct Timeline {
    file: Arc<dyn File>,
    limit: u64,
    header: Option<Header>,
    scanner: FileScanner,
    times: Times,
    source: Source,
    /// Where the transaction under way begins.
    group: Option<u64>,
    /// Where to go on after damage.
    resume: Option<(u64, Option<u64>)>,
    pending_damage: Option<PastDamage>,
    logical_end: Option<u64>,
}

/// Where records come from at the moment.
#[derive(Debug)]
enum Source {
    /// The scanner's memory, from this record on.
    Memory(usize),
    /// A big unit, which is read again.
    Reread(Box<Reread>),
    /// There is nothing more.
    Ended,
}

impl Timeline {
    /// Begins to read.
    ///
    /// # Errors
    /// What the disk said.
    pub fn new(file: Arc<dyn File>, options: &TimelineOptions) -> Result<Self, StorageError> {
        let limit = options.limit;
        let head = if options.from == 0 { first_bytes(&file, limit)? } else { Vec::new() };
        let line_end = head.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let header = Header::from_line(&head[..line_end]);
        let (mut from, mut segment_id, mut pending_damage) = (options.from, None, None);
        if header.is_none()
            && let Some((id, end)) = read_damaged_header(&file, &head, limit)?
        {
            (from, segment_id) = (end, Some(id));
            pending_damage = Some(PastDamage {
                offset: 0,
                reason: "the header line is damaged".to_owned(),
                resumed_at: Some(end),
                is_tail: false,
            });
        }
        let not_before_ms = header.map(|header| header.time_ms);
        let times = Times::new(scanner(&file, from, limit, segment_id), not_before_ms, options.end_ms);
        Ok(Self {
            scanner: scanner(&file, from, limit, segment_id),
            file,
            limit,
            header,
            times,
            source: Source::Memory(0),
            group: None,
            resume: None,
            pending_damage,
            logical_end: None,
        })
    }

    /// The file's header line, if it has a valid one.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Where the intact part of the file ends, prepared space left out. Known once everything has been read.
    #[must_use]
    pub fn logical_end(&self) -> Option<u64> {
        self.logical_end
    }

    /// The next record or damaged place; `None` at the end.
    ///
    /// `is_command` says whether a command of a name exists. It is asked when, behind damage in a file without frames,
    /// the next record is looked for.
    ///
    /// # Errors
    /// What the disk said.
    pub fn step(
        &mut self,
        is_command: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<TimelineStep<'_>>, StorageError> {
        if let Some(damage) = self.pending_damage.take() {
            return Ok(Some(TimelineStep::Damage(damage)));
        }
        loop {
            self.resume_if_told();
            match &mut self.source {
                Source::Memory(next) if *next < self.scanner.records().len() => {
                    *next += 1;
                    return self.record().map(|record| Some(TimelineStep::Record(record)));
                }
                Source::Reread(reread) => match reread.advance() {
                    Ok(true) => return self.record().map(|record| Some(TimelineStep::Record(record))),
                    Ok(false) => self.source = Source::Memory(usize::MAX),
                    Err(error) => return self.changed_under_us(error).map(|d| Some(TimelineStep::Damage(d))),
                },
                Source::Memory(_) => match self.scanner.find()? {
                    Found::InMemory => self.source = Source::Memory(0),
                    Found::OnDisk(range) => {
                        self.source = Source::Reread(Box::new(Reread::new(Arc::clone(&self.file), range)));
                    }
                    Found::End(FileEnd::Clean(clean)) => {
                        self.source = Source::Ended;
                        self.logical_end = Some(clean.logical_end);
                    }
                    Found::End(FileEnd::Damaged(damage)) => {
                        let damage = self.pass_over(&damage, is_command)?;
                        return Ok(Some(TimelineStep::Damage(damage)));
                    }
                },
                Source::Ended => return Ok(None),
            }
        }
    }

    fn resume_if_told(&mut self) {
        if let Some((offset, segment_id)) = self.resume.take() {
            self.scanner = scanner(&self.file, offset, self.limit, segment_id);
            self.times.resume(scanner(&self.file, offset, self.limit, segment_id));
            self.source = Source::Memory(0);
            self.group = None;
        }
    }

    /// Looks for the place behind damage at which reading can go on.
    fn pass_over(
        &mut self,
        damage: &Damage,
        is_command: &dyn Fn(&[u8]) -> bool,
    ) -> Result<PastDamage, StorageError> {
        let resumed_at = match damage.segment_id {
            Some(segment_id) => resume_at(&self.file, damage, self.limit, segment_id)?,
            None if matches!(damage.reason, DamageReason::FrameWithoutHeader { .. }) => None,
            None => self.next_sound_record(damage.offset + 1, is_command)?,
        };
        match resumed_at {
            Some(offset) => self.resume = Some((offset, damage.segment_id)),
            None => {
                self.source = Source::Ended;
                self.logical_end.get_or_insert(damage.offset);
            }
        }
        // A framed block that is not closed may have been cut off in the middle of its write.
        let is_tail = resumed_at.is_none();
        Ok(PastDamage { offset: damage.offset, reason: damage.reason.to_string(), resumed_at, is_tail })
    }

    fn next_sound_record(
        &self,
        from: u64,
        is_command: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<u64>, StorageError> {
        let mut at = from;
        while let Some(candidate) = next_candidate(&self.file, at, self.limit)? {
            if let Some((_, name)) = whole_record(&self.file, candidate, self.limit)?
                && is_command(&name)
            {
                return Ok(Some(candidate));
            }
            at = candidate + 1;
        }
        Ok(None)
    }

    /// A unit is not what it was when it was verified.
    fn changed_under_us(&mut self, error: AofError) -> Result<PastDamage, StorageError> {
        self.source = Source::Ended;
        match error {
            AofError::Storage(error) => Err(error),
            error => Ok(PastDamage {
                offset: self.scanner.unit_start(),
                reason: error.to_string(),
                resumed_at: None,
                is_tail: false,
            }),
        }
    }

    fn record(&mut self) -> Result<PastRecord<'_>, StorageError> {
        let (memory, spans, bytes, offset) = match &self.source {
            Source::Memory(next) => {
                let record = &self.scanner.records()[*next - 1];
                let memory = self.scanner.memory();
                let spans = &self.scanner.arguments()[record.arguments.clone()];
                (memory, spans, &memory[record.bytes.clone()], record.offset)
            }
            Source::Reread(reread) => reread.record(),
            Source::Ended => unreachable!("a record has been found"),
        };
        let is_word = |word: &[u8]| spans.len() == 1 && memory[spans[0].clone()].eq_ignore_ascii_case(word);
        let unit_offset = self.group.unwrap_or(offset);
        let role = match self.group {
            None if is_word(b"MULTI") => {
                self.group = Some(offset);
                RecordRole::Multi
            }
            None => RecordRole::Single,
            Some(_) if is_word(b"EXEC") => {
                self.group = None;
                RecordRole::Exec
            }
            Some(_) => RecordRole::Queued,
        };
        let written = self.times.written(offset)?;
        let record = Record { memory, spans, bytes, offset, role };
        Ok(PastRecord { record, unit_offset, written })
    }
}
