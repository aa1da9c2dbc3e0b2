//! Salvage by structure: whole records and whole transactions, where no frame vouches for bytes.

use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::StorageError;

use super::Work;
use super::lost::{next_candidate, whole_record};
use crate::check::resp::{Lines, RecordError};
use crate::frame::{FrameLine, has_frame_tag};

/// Longest annotation line that a loader takes.
const ANNOTATION_BYTES_MAX: usize = 1023;

/// What is known of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// A frame has vouched for them.
    Verified,
    /// Nothing: names of commands are looked at, too.
    Structure,
}

/// The units under way.
#[derive(Default)]
struct Held {
    /// What will be kept, as neighbouring ranges.
    ranges: Vec<(Range<u64>, u64)>,
    /// Where the transaction under way begins.
    transaction: Option<u64>,
    /// Something in the transaction is damaged.
    is_damaged: bool,
    /// Reading went on behind a lost place at this offset: what follows may be the rest of a transaction.
    resumed: Option<u64>,
}

impl Held {
    fn push(&mut self, range: Range<u64>, records: u64) {
        match self.ranges.last_mut() {
            Some((last, count)) if last.end == range.start => {
                last.end = range.end;
                *count += records;
            }
            _ => self.ranges.push((range, records)),
        }
    }

    fn must_wait(&self) -> bool {
        self.transaction.is_some() || self.resumed.is_some()
    }
}

/// Salvages `range`.
pub(super) fn salvage(work: &mut Work<'_>, range: Range<u64>, trust: Trust) -> Result<(), StorageError> {
    let mut held = Held::default();
    let mut at = range.start;
    while let Some((damaged, reason)) = walk(work, &mut held, at..range.end, trust)? {
        let lost_from = held.transaction.take().unwrap_or(damaged);
        if lost_from < damaged {
            held.ranges.clear();
        }
        held.is_damaged = false;
        release(work, &mut held)?;
        let next = resume_at(work, damaged + 1, range.end, trust)?;
        work.lose(lost_from..next.unwrap_or(range.end), reason)?;
        let Some(next) = next else { return Ok(()) };
        held.resumed = Some(next);
        at = next;
    }
    Ok(())
}

/// Walks until the end, or until damage: its offset and what is wrong.
fn walk(
    work: &mut Work<'_>,
    held: &mut Held,
    range: Range<u64>,
    trust: Trust,
) -> Result<Option<(u64, String)>, StorageError> {
    let mut lines = Lines::new(Arc::clone(&work.file), range.start, range.end);
    loop {
        let at = lines.offset();
        match lines.peek(1)?.first() {
            None => {
                if let Some(start) = held.transaction.take() {
                    held.ranges.clear();
                    work.lose(start..at, "the file ends inside a transaction")?;
                }
                release(work, held)?;
                return Ok(None);
            }
            Some(b'#') => {
                let line = lines.pass_line()?;
                if !line.ends_with(b"\n") {
                    return Ok(Some((at, "an annotation line without an end".to_owned())));
                }
                if line.len() > ANNOTATION_BYTES_MAX {
                    return Ok(Some((at, "a line of more than 1023 bytes".to_owned())));
                }
                work.salvage.has_unverified_frames |= trust == Trust::Structure
                    && FrameLine::parse(&line).is_some_and(|frame| frame.position == at);
                let is_filler = line.iter().all(|byte| matches!(byte, b'#' | b'\r' | b'\n'));
                if !is_filler && !has_frame_tag(&line) {
                    held.push(at..lines.offset(), 0);
                    if !held.must_wait() {
                        release(work, held)?;
                    }
                }
            }
            Some(b'*') => {
                let mut name = Vec::new();
                let outcome = lines.pass_any_record(&mut 0, |_, word| {
                    name = word.to_vec();
                    Ok(())
                });
                match outcome {
                    Ok(None) => return Ok(Some((at, "a record without a name".to_owned()))),
                    Ok(Some(_)) => take(work, held, at..lines.offset(), &name, trust)?,
                    Err(RecordError::End) => {
                        return Ok(Some((at, "the file ends inside a record".to_owned())));
                    }
                    Err(RecordError::Defect(defect)) => {
                        return Ok(Some((at, format!("at offset {}: {}", defect.offset, defect.text))));
                    }
                    Err(RecordError::Storage(error)) => return Err(error),
                }
            }
            Some(&byte) => return Ok(Some((at, format!("expected '*', got byte 0x{byte:02x}")))),
        }
    }
}

/// Takes in a record whose structure is sound.
fn take(
    work: &mut Work<'_>,
    held: &mut Held,
    range: Range<u64>,
    name: &[u8],
    trust: Trust,
) -> Result<(), StorageError> {
    if name.eq_ignore_ascii_case(b"MULTI") {
        if let Some(start) = held.transaction {
            held.ranges.clear();
            work.lose(start..range.start, "a transaction without its EXEC")?;
        } else {
            release(work, held)?;
        }
        held.transaction = Some(range.start);
        held.is_damaged = false;
        held.push(range, 1);
    } else if name.eq_ignore_ascii_case(b"EXEC") {
        match held.transaction.take() {
            Some(start) if held.is_damaged => {
                held.ranges.clear();
                work.lose(start..range.end, "a transaction with a damaged command")?;
            }
            Some(_) => held.push(range, 1),
            None => {
                let start = held.resumed.unwrap_or(range.start);
                held.ranges.clear();
                work.lose(start..range.end, "a transaction without its MULTI")?;
            }
        }
        release(work, held)?;
    } else if trust == Trust::Structure && !(work.options.is_command)(name) {
        if held.transaction.is_some() {
            held.is_damaged = true;
            return Ok(());
        }
        release(work, held)?;
        work.lose(range, format!("there is no command '{}'", name.escape_ascii()))?;
    } else {
        held.push(range, 1);
        if !held.must_wait() {
            release(work, held)?;
        }
    }
    Ok(())
}

/// Keeps what was held.
fn release(work: &mut Work<'_>, held: &mut Held) -> Result<(), StorageError> {
    held.resumed = None;
    for (range, records) in held.ranges.drain(..) {
        work.keep(range, records)?;
    }
    Ok(())
}

/// The next place where a sound record of a known command begins.
fn resume_at(work: &Work<'_>, from: u64, limit: u64, trust: Trust) -> Result<Option<u64>, StorageError> {
    let mut at = from;
    while let Some(candidate) = next_candidate(&work.file, at, limit)? {
        if let Some((_, name)) = whole_record(&work.file, candidate, limit)?
            && (trust == Trust::Verified || (work.options.is_command)(&name))
        {
            return Ok(Some(candidate));
        }
        at = candidate + 1;
    }
    Ok(None)
}
