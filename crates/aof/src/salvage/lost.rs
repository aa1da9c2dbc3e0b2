//! What can still be read of bytes that were left out, and where the next record may begin.

use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use crate::check::resp::{Lines, RecordError};
use crate::record::{NumberLine, parse_number_line};
use crate::scan::Window;

/// Commands named for one loss.
const NAMED_MAX: usize = 1000;

/// Bytes of a command that are read to name its arguments.
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// A whole command among bytes that were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCommand {
    /// Its offset in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its name and arguments; those of a very long command only as far as they are within its first 64 KiB.
    pub arguments: Vec<Vec<u8>>,
}

/// What a range holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) commands: Vec<LostCommand>,
    pub(super) total: u64,
    /// The database of the last SELECT.
    pub(super) selected: Option<Vec<u8>>,
    pub(super) has_unreadable_bytes: bool,
}

/// Lists the whole commands in a range.
pub(super) fn list(file: &Arc<dyn File>, range: Range<u64>) -> Result<Found, StorageError> {
    let mut found = Found::default();
    let mut at = range.start;
    let mut readable_to = range.start;
    while let Some(candidate) = next_candidate(file, at, range.end)? {
        let Some((end, _)) = whole_record(file, candidate, range.end)? else {
            at = candidate + 1;
            continue;
        };
        found.has_unreadable_bytes |= candidate > readable_to;
        found.total += 1;
        let arguments = arguments(file, candidate, end)?;
        if let [name, database] = arguments.as_slice()
            && name.eq_ignore_ascii_case(b"SELECT")
            && !database.is_empty()
            && database.iter().all(u8::is_ascii_digit)
        {
            found.selected = Some(database.clone());
        }
        if found.commands.len() < NAMED_MAX {
            found.commands.push(LostCommand { offset: candidate, bytes: end - candidate, arguments });
        }
        (at, readable_to) = (end, end);
    }
    found.has_unreadable_bytes |= readable_to < range.end;
    Ok(found)
}

/// The first offset in `from..limit` at which a record may begin: a `*` and a digit.
pub(crate) fn next_candidate(
    file: &Arc<dyn File>,
    from: u64,
    limit: u64,
) -> Result<Option<u64>, StorageError> {
    let mut window = Window::new(Arc::clone(file), from, limit);
    loop {
        if window.fill(2)? < 2 {
            return Ok(None);
        }
        let bytes = window.available();
        if let Some(at) = bytes.windows(2).position(|pair| pair[0] == b'*' && pair[1].is_ascii_digit()) {
            return Ok(Some(window.offset() + at as u64));
        }
        let passed = bytes.len() - 1;
        window.advance(passed);
    }
}

/// The end and the name of the record at `from`, if there is one whose whole structure is sound.
pub(crate) fn whole_record(
    file: &Arc<dyn File>,
    from: u64,
    limit: u64,
) -> Result<Option<(u64, Vec<u8>)>, StorageError> {
    let mut lines = Lines::new(Arc::clone(file), from, limit);
    let mut name = Vec::new();
    let outcome = lines.pass_any_record(&mut 0, |_, word| {
        name = word.to_vec();
        Ok(())
    });
    match outcome {
        // A record has a name.
        Ok(last) => Ok(last.map(|_| (lines.offset(), name))),
        Err(RecordError::Storage(error)) => Err(error),
        Err(RecordError::End | RecordError::Defect(_)) => Ok(None),
    }
}

/// The arguments of a sound record.
fn arguments(file: &Arc<dyn File>, from: u64, end: u64) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut head = vec![0; (end - from).min(HEAD_BYTES_MAX) as usize];
    file.read_exact_at(&mut head, from)?;
    let mut arguments = Vec::new();
    let Ok(Some((_, mut at))) = parse_number_line(&head, from, NumberLine::Count) else {
        return Ok(arguments);
    };
    while let Some(rest) = head.get(at..)
        && let Ok(Some((length, line))) = parse_number_line(rest, from + at as u64, NumberLine::Length)
        && let Ok(length) = usize::try_from(length)
        && let Some(argument) = rest.get(line..line.saturating_add(length))
    {
        arguments.push(argument.to_vec());
        at += line + length + 2;
    }
    Ok(arguments)
}
