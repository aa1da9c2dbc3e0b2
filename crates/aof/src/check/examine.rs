//! Looking at the files of a log: structure and frames. Reads only, several files at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use lastsave_storage::{File, FileReader, OpenOptions, Storage, StorageError};

use super::frames::{FrameReport, frame_end_before, survey_frames};
use super::resp::{Lines, RecordError, Transaction};
use super::{CheckAction, CheckOptions, RdbChecker};
use crate::manifest::FileKind;
use crate::numbers::leading_integer;
use crate::record::TIMESTAMP_TAG;

/// A file to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// `None` for a file that no manifest lists.
    pub(super) kind: Option<FileKind>,
    pub(super) has_rdb: bool,
    pub(super) is_last: bool,
}

/// A file that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Examined {
    pub(super) subject: Subject,
    /// What the RDB at its start was reported to be like.
    pub(super) rdb_lines: Vec<Vec<u8>>,
    pub(super) finding: Finding,
}

/// What became of looking at a file.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    Empty,
    /// It could not be looked at; the reason as the tool words it.
    Failed(String),
    Read(Box<Extent>),
}

/// How far a file is intact.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) size: u64,
    pub(super) ok_up_to: u64,
    /// Lines passed, counted as the tool counts them.
    pub(super) lines: u64,
    /// Lines to be printed: what is wrong.
    pub(super) errors: Vec<String>,
    pub(super) frames: Option<FrameReport>,
    /// The first time annotation beyond the limit: its offset, and where the file may be cut before it.
    pub(super) too_late: Option<TooLate>,
}

/// A time annotation beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate {
    pub(super) at: u64,
    /// A block is cut only where a frame ends, or the rest of it would be a torn tail.
    pub(super) cut: u64,
}

/// Looks at all files; the results come in the order of the subjects.
pub(super) fn examine_all(
    storage: &dyn Storage,
    subjects: &[Subject],
    options: &CheckOptions,
    rdb: &dyn RdbChecker,
) -> Vec<Examined> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, subjects.len().max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((index, subject)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    subjects.get(index).map(|subject| (index, subject))
                } {
                    let examined = examine(storage, subject, options.action, rdb);
                    sender.send((index, examined)).expect("the results are awaited");
                }
            });
        }
    });
    drop(sender);
    let mut results: Vec<(usize, Examined)> = receiver.into_iter().collect();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, examined)| examined).collect()
}

fn examine(storage: &dyn Storage, subject: &Subject, action: CheckAction, rdb: &dyn RdbChecker) -> Examined {
    let mut rdb_lines = Vec::new();
    let finding = match storage.open(&subject.path, &OpenOptions::read_only()) {
        Ok(file) => examine_open(subject, &file, action, rdb, &mut rdb_lines).unwrap_or_else(|error| {
            Finding::Failed(format!("Failed to read from AOF {}, aborting... ({error})", subject.name))
        }),
        Err(error) => Finding::Failed(format!(
            "Cannot open file {}: {}, aborting...",
            subject.path.display(),
            error.reason()
        )),
    };
    Examined { subject: subject.clone(), rdb_lines, finding }
}

fn examine_open(
    subject: &Subject,
    file: &Arc<dyn File>,
    action: CheckAction,
    rdb: &dyn RdbChecker,
    rdb_lines: &mut Vec<Vec<u8>>,
) -> Result<Finding, StorageError> {
    let size = file.len()?;
    if size == 0 {
        return Ok(Finding::Empty);
    }
    let mut start = 0;
    if subject.has_rdb {
        let verdict = rdb.check(&subject.path.to_string_lossy(), FileReader::new(Arc::clone(file)));
        *rdb_lines = verdict.lines;
        let Some(end) = verdict.end else {
            return Ok(Finding::Failed("RDB preamble of AOF file is not sane, aborting.".to_owned()));
        };
        start = end.min(size);
        rdb_lines.push(b"RDB preamble is OK, proceeding with AOF tail...".to_vec());
    }
    let limit = match action {
        CheckAction::TruncateToTimestamp(limit) => Some(limit),
        CheckAction::Verify | CheckAction::Fix { .. } => None,
    };
    let mut extent = match walk(subject, file, start, size, limit)? {
        Walked::Read(extent) => extent,
        Walked::Failed(text) => return Ok(Finding::Failed(text)),
    };
    if extent.too_late.is_none() {
        extent.frames = survey_frames(file, size)?;
        if let Some(damage) = extent.frames.as_ref().and_then(|frames| frames.damage.as_ref()) {
            // What no frame closes does not count, even where its structure is sound.
            extent.ok_up_to = extent.ok_up_to.min(damage.offset);
            extent.errors.push(format!("0x{:>16x}: {}", damage.offset, damage.text));
        }
    }
    Ok(Finding::Read(extent))
}

enum Walked {
    Read(Box<Extent>),
    Failed(String),
}

/// Walks records and annotations.
fn walk(
    subject: &Subject,
    file: &Arc<dyn File>,
    start: u64,
    size: u64,
    limit: Option<i64>,
) -> Result<Walked, StorageError> {
    // Redis names some things by their path and some by their name alone.
    let path = subject.path.to_string_lossy();
    let mut lines = Lines::new(Arc::clone(file), start, size);
    let mut transaction = Transaction::default();
    let mut extent = Box::new(Extent {
        size,
        ok_up_to: start,
        lines: 0,
        errors: Vec::new(),
        frames: None,
        too_late: None,
    });
    let mut last_argument_at = start;
    loop {
        if !transaction.is_open {
            extent.ok_up_to = lines.offset();
        }
        match lines.peek(1)?.first() {
            None => break,
            Some(b'#') => {
                let at = lines.offset();
                let line = lines.pass_line()?;
                match is_too_late(&line, limit) {
                    None => return Ok(Walked::Failed("Invalid timestamp annotation".to_owned())),
                    Some(false) => {}
                    Some(true) => {
                        let cut = frame_end_before(file, at)?.unwrap_or(at);
                        extent.too_late = Some(TooLate { at, cut });
                        return Ok(Walked::Read(extent));
                    }
                }
            }
            Some(b'*') => match lines.pass_record(&path, &mut extent.lines, &mut transaction) {
                Ok(last) => last_argument_at = last.unwrap_or(last_argument_at),
                Err(RecordError::End) => {
                    last_argument_at = lines.offset();
                    break;
                }
                Err(RecordError::Storage(error)) => return Err(error),
                Err(RecordError::Defect(defect)) => {
                    extent.errors.push(format!("0x{:>16x}: {}", defect.offset, defect.text));
                    return Ok(Walked::Read(extent));
                }
            },
            Some(_) => {
                extent.errors.push(format!("AOF {} format error", subject.name));
                return Ok(Walked::Read(extent));
            }
        }
    }
    if transaction.is_open {
        extent.errors.push(format!("0x{last_argument_at:>16x}: Reached EOF before reading EXEC for MULTI"));
    }
    Ok(Walked::Read(extent))
}

/// Whether an annotation names a time beyond the limit; `None` when it should name a time and does not.
fn is_too_late(line: &[u8], limit: Option<i64>) -> Option<bool> {
    let (Some(limit), Some(number)) = (limit, line.strip_prefix(TIMESTAMP_TAG)) else { return Some(false) };
    let is_number = number.strip_suffix(b"\r\n").is_some_and(|digits| {
        let digits = digits.strip_prefix(b"-").unwrap_or(digits);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    is_number.then(|| leading_integer(number) > limit)
}
