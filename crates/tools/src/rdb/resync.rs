//! Finding the next record behind a damaged one.
//!
//! An RDB has no marks between its records. A place is taken for the beginning of a record when a chain of records can
//! be read from it: four of them, or all of them up to the very end of the file. A record that swallows others is a
//! wrong one, so a place is given up for a later one when a whole chain fits inside its first record.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use lastsave_rdb::{Event, FileVersion, ObjectType, Reader, ReaderOptions};
use lastsave_storage::{File, StorageError};

/// Records that prove a place, when the end of the file is not reached before.
const CHAIN_RECORDS: usize = 4;

/// Bytes read from one place before it is put aside; a big value is looked at again when nothing better is found.
const QUICK_BYTES: u64 = 1 << 20;

/// Places with a big value that are looked at again.
const SLOW_PLACES_MAX: usize = 64;

/// How far into a record others are looked for.
const SWALLOWED_BYTES_MAX: u64 = 64 << 10;

/// Bytes of the file kept in memory while places are tried.
const WINDOW_BYTES: u64 = 1 << 20;

/// Where the RDB may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Length of the file.
    pub(crate) len: u64,
    /// Whether something else may follow the RDB, as in the append-only files of Redis 4 to 6.
    pub(crate) may_go_on: bool,
}

/// The first place at or behind `from` at which a record is taken to begin.
pub(crate) fn next_record(
    file: &Arc<dyn File>,
    version: FileVersion,
    from: u64,
    bounds: Bounds,
) -> Result<Option<u64>, StorageError> {
    let mut search = Search { file, version, bounds, window: Arc::default(), window_start: 0 };
    let mut slow = Vec::new();
    let mut found = None;
    for place in from..bounds.len {
        if !search.may_begin(place)? {
            continue;
        }
        match search.probe(place, QUICK_BYTES) {
            Probe::Chain { first_end } => {
                found = Some(search.unless_it_swallows(place, first_end)?);
                break;
            }
            Probe::TooLong if slow.len() < SLOW_PLACES_MAX => slow.push(place),
            Probe::TooLong | Probe::Nothing => {}
        }
    }
    for place in slow {
        if found.is_none_or(|found| place < found)
            && let Probe::Chain { first_end } = search.probe(place, u64::MAX)
        {
            return search.unless_it_swallows(place, first_end).map(Some);
        }
    }
    Ok(found)
}

/// A place inside `record`, the last one that could be read, from which records can be read beyond the end of it, where
/// nothing can be read otherwise. Then that record is the damaged one: its length has grown, and it has swallowed others.
pub(crate) fn record_inside(
    file: &Arc<dyn File>,
    version: FileVersion,
    record: Range<u64>,
    bounds: Bounds,
) -> Result<Option<u64>, StorageError> {
    let mut search = Search { file, version, bounds, window: Arc::default(), window_start: 0 };
    let last = record.end.min(record.start + SWALLOWED_BYTES_MAX);
    for place in record.start + 1..last {
        if search.may_begin(place)? && search.runs_past(place, record.end) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// What reading from a place gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// A chain of records; the end of the first.
    Chain {
        first_end: u64,
    },
    /// The bytes that may be read did not suffice.
    TooLong,
    Nothing,
}

struct Search<'a> {
    file: &'a Arc<dyn File>,
    version: FileVersion,
    bounds: Bounds,
    window: Arc<Vec<u8>>,
    window_start: u64,
}

impl Search<'_> {
    /// Whether the byte at `place` can open a record.
    fn may_begin(&mut self, place: u64) -> Result<bool, StorageError> {
        let window_end = self.window_start + self.window.len() as u64;
        if place < self.window_start || place + WINDOW_BYTES / 2 >= window_end && window_end < self.bounds.len
        {
            let count = (self.bounds.len - place).min(WINDOW_BYTES) as usize;
            let mut window = vec![0; count];
            self.file.read_exact_at(&mut window, place)?;
            (self.window, self.window_start) = (Arc::new(window), place);
        }
        let at = (place - self.window_start) as usize;
        let byte = self.window[at];
        // The first record of a chain must have a name; this is where a hole of zeros is passed quickly.
        let names_nothing = self.window.get(at + 1) == Some(&0);
        Ok(match byte {
            0xff => {
                let end = place + 1 + if self.version.number >= 5 { 8 } else { 0 };
                end == self.bounds.len || self.bounds.may_go_on && end < self.bounds.len
            }
            0xf4 | 0xf5 | 0xf7..=0xfe => true,
            0xf2..=0xf6 => false,
            number => !names_nothing && ObjectType::new(number, self.version.lineage).is_known(),
        })
    }

    fn input(&self, place: u64, bytes_max: u64) -> WindowReader<'_> {
        WindowReader {
            file: self.file,
            window: &self.window,
            window_start: self.window_start,
            position: place,
            left: bytes_max,
            is_exhausted: false,
        }
    }

    fn options(&self) -> ReaderOptions {
        ReaderOptions {
            checksum: false,
            total_bytes: Some(self.bounds.len),
            buffer_bytes: 4096,
            refuses_empty: true,
            refuses_repeated: false,
        }
    }

    fn probe(&self, place: u64, bytes_max: u64) -> Probe {
        let mut input = self.input(place, bytes_max);
        let mut first_end = None;
        let mut records = 0;
        let mut reader = Reader::resume(&mut input, self.version, place, self.options());
        let is_cut_off = loop {
            match reader.next_event() {
                Ok(Event::End { .. }) => {
                    let is_end = reader.offset() == self.bounds.len || self.bounds.may_go_on && records > 0;
                    let first_end = first_end.unwrap_or(reader.offset());
                    return if is_end { Probe::Chain { first_end } } else { Probe::Nothing };
                }
                Ok(Event::Key(record)) if records == 0 && record.key.is_empty() => return Probe::Nothing,
                Ok(_) => {
                    records += 1;
                    let end = *first_end.get_or_insert(reader.offset());
                    if records == CHAIN_RECORDS {
                        return Probe::Chain { first_end: end };
                    }
                }
                // Two records and the end of a file that is cut short.
                Err(error) => {
                    break records >= 2 && error.kind().is_short_read() && error.offset() >= self.bounds.len;
                }
            }
        };
        drop(reader);
        match first_end {
            _ if input.is_exhausted => Probe::TooLong,
            Some(first_end) if is_cut_off => Probe::Chain { first_end },
            _ => Probe::Nothing,
        }
    }

    /// The place itself, or one inside its first record from which a whole chain can be read that ends there, too.
    fn unless_it_swallows(&mut self, place: u64, first_end: u64) -> Result<u64, StorageError> {
        for inside in place + 1..first_end.min(place + SWALLOWED_BYTES_MAX) {
            if self.may_begin(inside)? && self.chain_within(inside, first_end) {
                return Ok(inside);
            }
        }
        Ok(place)
    }

    /// Whether a chain of keys with names lies between two places.
    fn chain_within(&self, place: u64, end: u64) -> bool {
        let mut input = self.input(place, QUICK_BYTES);
        let mut reader = Reader::resume(&mut input, self.version, place, self.options());
        for _ in 0..CHAIN_RECORDS {
            match reader.next_event() {
                Ok(Event::Key(record)) if !record.key.is_empty() && record.end_offset <= end => {}
                _ => return false,
            }
        }
        true
    }

    /// Whether records can be read from a place to beyond another: a whole chain, or up to the end of the file.
    fn runs_past(&self, place: u64, beyond: u64) -> bool {
        let mut input = self.input(place, QUICK_BYTES);
        let mut reader = Reader::resume(&mut input, self.version, place, self.options());
        let mut records = 0;
        loop {
            match reader.next_event() {
                Ok(Event::End { .. }) => return records > 0 && reader.offset() == self.bounds.len,
                Ok(Event::Key(record)) if record.key.is_empty() => return false,
                Ok(_) => records += 1,
                Err(_) => return false,
            }
            if records >= CHAIN_RECORDS && reader.offset() > beyond {
                return true;
            }
        }
    }
}

/// Reads from the window where it can, from the file where it must, and not more than it may.
struct WindowReader<'a> {
    file: &'a Arc<dyn File>,
    window: &'a [u8],
    window_start: u64,
    position: u64,
    left: u64,
    is_exhausted: bool,
}

impl Read for WindowReader<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.is_exhausted = true;
            return Err(io::Error::other("enough"));
        }
        let wanted = target.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let at = self.position.checked_sub(self.window_start).and_then(|at| usize::try_from(at).ok());
        let moved = match at.and_then(|at| self.window.get(at..)).filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                let count = rest.len().min(wanted);
                target[..count].copy_from_slice(&rest[..count]);
                count
            }
            None => self.file.read_at(&mut target[..wanted], self.position)?,
        };
        self.position += moved as u64;
        self.left -= moved as u64;
        Ok(moved)
    }
}
