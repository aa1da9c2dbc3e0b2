//! Going through the records of one file of a set, with their databases.

use std::sync::Arc;

use lastsave_aof::{PastDamage, PastRecord, Timeline, TimelineOptions, TimelineStep};
use lastsave_commands::lookup;
use lastsave_rdb::{CheckOptions, ReaderOptions, check_rdb};
use lastsave_storage::{Clock as _, File, FileReader, RealClock, Storage, StorageError};

use super::sets::SetFile;

/// What is met in a file.
#[derive(Debug)]
pub(super) enum Met<'a> {
    /// A record, and the database it is executed in, where that is known.
    Record(PastRecord<'a>, Option<u64>),
    /// A damaged place.
    Damage(PastDamage),
}

/// What became of a walk.
#[derive(Debug)]
pub(super) enum Walked {
    /// The file has been read up to this offset, where it ends but for prepared space.
    ToTheEnd(u64),
    /// `visit` wanted no more.
    Stopped,
}

/// Hands every record of a file to `visit`, until that says `false`.
pub(super) fn walk(
    storage: &dyn Storage,
    file: &SetFile,
    visit: &mut dyn FnMut(Met<'_>) -> bool,
) -> Result<Walked, StorageError> {
    let opened = file.open(storage)?;
    let limit = file.limit();
    let from = if file.begins_with_rdb {
        match end_of_rdb(&opened, &file.name()) {
            Some(end) => end.min(limit),
            None => {
                let damage = PastDamage {
                    offset: 0,
                    reason: "the RDB at its start cannot be read".to_owned(),
                    resumed_at: None,
                    is_tail: false,
                };
                visit(Met::Damage(damage));
                return Ok(Walked::Stopped);
            }
        }
    } else {
        0
    };
    let options = TimelineOptions { from, limit, end_ms: file.end_ms };
    let mut timeline = Timeline::new(opened, &options)?;
    let mut database = Some(0);
    let is_command = |name: &[u8]| lookup(name).is_some();
    while let Some(step) = timeline.step(&is_command)? {
        let goes_on = match step {
            TimelineStep::Record(past) => {
                let goes_on = visit(Met::Record(past, database));
                if let Some(selected) = selected(&past) {
                    database = Some(selected);
                }
                goes_on
            }
            TimelineStep::Damage(damage) => {
                // A SELECT may be among what cannot be read.
                database = None;
                visit(Met::Damage(damage))
            }
            _ => true,
        };
        if !goes_on {
            return Ok(Walked::Stopped);
        }
    }
    if file.is_short() {
        let damage = PastDamage {
            offset: limit,
            reason: format!(
                "the file is {} bytes shorter than it is on record to be",
                file.declared.unwrap_or(0) - limit
            ),
            resumed_at: None,
            is_tail: false,
        };
        if !visit(Met::Damage(damage)) {
            return Ok(Walked::Stopped);
        }
    }
    Ok(Walked::ToTheEnd(timeline.logical_end().unwrap_or(limit)))
}

fn selected(past: &PastRecord<'_>) -> Option<u64> {
    let record = past.record;
    let is_select = record.len() == 2 && record.argument(0).eq_ignore_ascii_case(b"SELECT");
    is_select.then(|| std::str::from_utf8(record.argument(1)).ok()?.parse().ok()).flatten()
}

/// Where the RDB ends that a file begins with.
fn end_of_rdb(file: &Arc<dyn File>, name: &str) -> Option<u64> {
    let total_bytes = file.len().ok();
    let options = CheckOptions {
        file_name: name,
        now_ms: RealClock::new().wall_ms(),
        reader: ReaderOptions { total_bytes, ..ReaderOptions::default() },
    };
    let summary = check_rdb(FileReader::new(Arc::clone(file)), &options, |_| {});
    summary.is_ok().then_some(summary.bytes)
}
