//! Salvage by frames: a block is kept when its frame matches, and the next one is found by the frames behind damage.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use super::Work;
use super::loose::{self, Trust};
use crate::digits::WORD_DIGITS;
use crate::frame::{FrameLine, Header, LONG_FRAME_BYTES, SHORT_FRAME_BYTES};
use crate::scan::{Damage, FileEnd, FileScanner, Found, Window};

/// Where the digits of the id stand in a header line.
const ID_PLACE: Range<usize> = 15..31;

/// Bytes looked at in one go.
const STEP_BYTES: usize = 256 * 1024;

/// Salvages `from..limit`; `from` is 0 or where a block begins.
pub(super) fn salvage(
    work: &mut Work<'_>,
    from: u64,
    limit: u64,
    segment_id: u64,
) -> Result<(), StorageError> {
    let mut at = from;
    while let Some(damage) = blocks(work, scanner(&work.file.clone(), at, limit, segment_id), limit)? {
        let next = resume_at(&work.file, &damage, limit, segment_id)?;
        let lost = damage.offset..next.unwrap_or(limit);
        if work.options.keep_unverified {
            loose::salvage(work, lost, Trust::Structure)?;
        } else {
            work.lose(lost, damage.reason.to_string())?;
        }
        let Some(next) = next else { return Ok(()) };
        at = next;
    }
    Ok(())
}

fn scanner(file: &Arc<dyn File>, at: u64, limit: u64, segment_id: u64) -> FileScanner {
    let file = Arc::clone(file);
    if at == 0 {
        FileScanner::new(file, 0, limit)
    } else {
        FileScanner::framed_at(file, at, limit, segment_id)
    }
}

/// Keeps verified blocks up to the end (`None`) or to damage.
fn blocks(work: &mut Work<'_>, mut scanner: FileScanner, limit: u64) -> Result<Option<Damage>, StorageError> {
    loop {
        let found = scanner.find()?;
        if !scanner.is_framed() {
            // What Redis has appended.
            let appended: Range<u64> = scanner.unit_start()..limit;
            loose::salvage(work, appended, Trust::Structure)?;
            return Ok(None);
        }
        match found {
            Found::InMemory => {
                for record in scanner.records() {
                    work.keep_bytes(&scanner.memory()[record.bytes.clone()])?;
                }
            }
            Found::OnDisk(range) => loose::salvage(work, range, Trust::Verified)?,
            Found::End(FileEnd::Clean(_)) => return Ok(None),
            Found::End(FileEnd::Damaged(damage)) => return Ok(Some(damage)),
        }
    }
}

/// The first place behind damage at which a verified block begins, or from which on nothing follows.
pub(crate) fn resume_at(
    file: &Arc<dyn File>,
    damage: &Damage,
    limit: u64,
    segment_id: u64,
) -> Result<Option<u64>, StorageError> {
    let mut suspected: BTreeSet<u64> = damage
        .block_starts
        .iter()
        .copied()
        .filter(|start| (damage.offset + 1..limit).contains(start))
        .collect();
    let mut window = Window::new(Arc::clone(file), damage.offset, limit);
    loop {
        let available = window.fill(STEP_BYTES)?;
        let is_last = available as u64 == window.remaining();
        // A line that is cut by the end of the step is looked at in the next one.
        let usable = if is_last { available } else { available - (LONG_FRAME_BYTES - 1) };
        suspected.extend(ends_of_frames(window.available(), usable, window.offset()));
        let passed = window.offset() + usable as u64;
        while let Some(&start) = suspected.first()
            && (is_last || start <= passed)
        {
            suspected.remove(&start);
            if begins_block(file, start, limit, segment_id)? {
                return Ok(Some(start));
            }
        }
        if is_last {
            return Ok(None);
        }
        window.advance(usable);
    }
}

/// Ends of the lines that begin in `bytes[..usable]`, are shaped like frames and stand where they say.
fn ends_of_frames(bytes: &[u8], usable: usize, offset: u64) -> Vec<u64> {
    let mut ends = Vec::new();
    for at in (0..usable).filter(|&at| bytes[at] == b'#') {
        let length = match bytes.get(at + 1) {
            Some(b'.') => SHORT_FRAME_BYTES,
            Some(b':') => LONG_FRAME_BYTES,
            _ => continue,
        };
        let position = offset + at as u64;
        let frame = bytes.get(at..at + length).and_then(FrameLine::parse);
        if frame.is_some_and(|frame| frame.position == position) {
            ends.push(position + length as u64);
        }
    }
    ends
}

/// Whether a verified block, or nothing but prepared space, begins at `start`.
fn begins_block(file: &Arc<dyn File>, start: u64, limit: u64, segment_id: u64) -> Result<bool, StorageError> {
    let mut scanner = FileScanner::framed_at(Arc::clone(file), start, limit, segment_id);
    Ok(!matches!(scanner.find()?, Found::End(FileEnd::Damaged(_))))
}

/// What a damaged header line can still tell: the id, and where the line ends. An id counts only when the first block
/// was written with it, or when the checksum of the line vouches for it.
pub(crate) fn read_damaged_header(
    file: &Arc<dyn File>,
    head: &[u8],
    limit: u64,
) -> Result<Option<(u64, u64)>, StorageError> {
    let line_end = head.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
    if let Some(header) = line_end.and_then(|end| with_one_byte_changed(&head[..end])) {
        return Ok(Some((header.segment_id, line_end.unwrap_or(0) as u64)));
    }
    let id = head.get(ID_PLACE).and_then(|digits| std::str::from_utf8(digits).ok());
    let Some(id) = id.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else { return Ok(None) };
    let by_checksum = head.windows(4).position(|part| part == b"crc=").map(|at| at + 4 + WORD_DIGITS + 2);
    for end in [by_checksum, line_end].into_iter().flatten() {
        let end = end as u64;
        let mut scanner = FileScanner::framed_at(Arc::clone(file), end.min(limit), limit, id);
        if matches!(scanner.find()?, Found::InMemory | Found::OnDisk(_)) && scanner.is_framed() {
            return Ok(Some((id, end)));
        }
    }
    Ok(None)
}

/// The header that the line was before one of its bytes changed: its checksum tells.
fn with_one_byte_changed(line: &[u8]) -> Option<Header> {
    let mut line = line.to_vec();
    for at in 0..line.len().saturating_sub(1) {
        let found = line[at];
        for byte in 0x20..0x7f {
            line[at] = byte;
            if let Some(header) = Header::from_line(&line) {
                return Some(header);
            }
        }
        line[at] = found;
    }
    None
}
