//! Finding the point that a log is to be wound back to: which file set, which file, and behind which record.

use lastsave_aof::{PastRecord, Timeline, TimelineOptions, TimelineStep, WrittenAt};
use lastsave_storage::Storage;

use super::Position;
use super::point::{Moment, Place, Point};
use super::printer::words;
use super::sets::{FileSet, SetFile};
use super::walk::{Met, Walked, walk};
use crate::json::utc_ms;

/// What is to be kept.
#[derive(Debug)]
pub(super) struct Goal {
    /// Index of the set whose base is taken.
    pub(super) set: usize,
    /// Index of the last file of it that is needed.
    pub(super) last_file: usize,
    /// The last file is kept up to here.
    pub(super) cut: u64,
    /// What was written by then, unix milliseconds.
    pub(super) time_ms: u64,
    pub(super) last_kept: Option<Seen>,
    pub(super) first_dropped: Option<Seen>,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
}

/// A record that was passed, as little of it as can be found again.
#[derive(Clone, Copy, Debug)]
struct Passed {
    file: usize,
    offset: u64,
    bytes: u64,
    written: WrittenAt,
    database: Option<u64>,
}

impl Passed {
    fn of(file: usize, past: &PastRecord<'_>, database: Option<u64>) -> Self {
        let bytes = past.record.bytes().len() as u64;
        Self { file, offset: past.record.offset, bytes, written: past.written, database }
    }

    /// Reads the record again.
    fn describe(self, storage: &dyn Storage, set: &FileSet) -> Result<Seen, String> {
        let file = &set.files[self.file];
        let place = Place { set: None, sequence: file.entry.sequence, offset: self.offset };
        let opened = file.open(storage).map_err(|error| error.to_string())?;
        let options = TimelineOptions { from: self.offset, limit: self.offset + self.bytes, end_ms: None };
        let mut timeline = Timeline::new(opened, &options).map_err(|error| error.to_string())?;
        let step = timeline.step(&|_| false).map_err(|error| error.to_string())?;
        let words = match step {
            Some(TimelineStep::Record(past)) => words(&past.record, false),
            _ => String::new(),
        };
        let position = place.text(file.is_increment());
        Ok(Seen { position, written: self.written, database: self.database, words })
    }
}

/// A record as it is reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) position: String,
    pub(super) written: WrittenAt,
    pub(super) database: Option<u64>,
    pub(super) words: String,
}

impl Seen {
    /// The record as `log` prints it.
    pub(super) fn line(&self) -> String {
        let time = self.written.not_after_ms.map_or_else(|| "-".to_owned(), utc_ms);
        let database = self.database.map_or_else(|| "db?".to_owned(), |database| format!("db{database}"));
        format!("{time} {} {database} {}", self.position, self.words)
    }
}

/// Where the first record that is not kept is recognised.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// It is the one at this offset of the file with this index.
    Position(usize, u64),
    /// It was not certainly written by then.
    Time(Moment),
    /// There is none.
    End,
}

/// Finds a point.
///
/// # Errors
/// The point is not covered by the files, or what is before it is damaged.
pub(super) fn find(storage: &dyn Storage, sets: &[FileSet], point: &Point) -> Result<Goal, String> {
    let (set, limit) = match point {
        Point::Position(place) => {
            let position = Position::of(sets, place).map_err(|text| format!("{text} {}", covered(sets)))?;
            (position.set, Limit::Position(position.file, position.offset))
        }
        Point::Time(moment) => (set_of_time(sets, *moment)?, Limit::Time(*moment)),
        Point::End => (sets.len() - 1, Limit::End),
    };
    Search::new(storage, sets, set, limit).run()
}

/// The newest set whose base is not younger than the moment.
fn set_of_time(sets: &[FileSet], moment: Moment) -> Result<usize, String> {
    let is_old_enough = |set: &FileSet| set.begins_ms().is_some_and(|begins| begins <= moment.last_ms);
    sets.iter().rposition(is_old_enough).ok_or_else(|| {
        format!("{} is before everything that is kept. {}", utc_ms(moment.first_ms), covered(sets))
    })
}

/// What points there are.
pub(super) fn covered(sets: &[FileSet]) -> String {
    let mut spans: Vec<String> = Vec::new();
    let mut begun: Option<String> = None;
    for (index, set) in sets.iter().enumerate() {
        let begins = set.begins_ms().map_or_else(|| "an unknown time".to_owned(), utc_ms);
        let from = begun.take().unwrap_or(begins);
        if sets.get(index + 1).is_some_and(|next| set.is_continued_by(next)) {
            begun = Some(from);
            continue;
        }
        let end = set.files.last().and_then(|file| file.end_ms);
        spans.push(format!("{from} to {}", end.map_or_else(|| "an unknown time".to_owned(), utc_ms)));
    }
    format!("The files cover {}; --to end is the newest point.", spans.join(", and "))
}

/// A walk to the point.
struct Search<'a> {
    storage: &'a dyn Storage,
    sets: &'a [FileSet],
    set: usize,
    limit: Limit,
    last_kept: Option<Passed>,
    first_dropped: Option<Passed>,
    notes: Vec<String>,
    latest_ms: u64,
}

/// What a walk through one file found.
#[derive(Default)]
struct Found {
    /// Where the unit begins that is not kept any more.
    cut: Option<u64>,
    /// Why the point cannot be reached.
    trouble: Option<String>,
    /// The intact part ends here, in a write that was not finished.
    torn_at: Option<u64>,
}

impl<'a> Search<'a> {
    fn new(storage: &'a dyn Storage, sets: &'a [FileSet], set: usize, limit: Limit) -> Self {
        let latest_ms = sets[set].begins_ms().unwrap_or(0);
        Self { storage, sets, set, limit, last_kept: None, first_dropped: None, notes: Vec::new(), latest_ms }
    }

    fn run(mut self) -> Result<Goal, String> {
        let set = &self.sets[self.set];
        self.refuse_missing_files(set)?;
        self.notes.extend(set.notes.iter().cloned());
        let mut end = 0;
        for (index, file) in set.files.iter().enumerate() {
            if file.is_data_set() {
                end = file.limit();
                continue;
            }
            let is_last_of_all = self.set + 1 == self.sets.len() && index + 1 == set.files.len();
            let (found, walked) = self.file(index, file)?;
            if let Some(cut) = found.cut {
                return self.goal(index, cut);
            }
            if let Some(torn_at) = found.torn_at.filter(|_| is_last_of_all) {
                self.notes.push(format!(
                    "{} ends in a write that was not finished, at offset {torn_at}; that is left out.",
                    file.name()
                ));
                end = torn_at;
                continue;
            }
            if let Some(trouble) = found.trouble {
                return Err(trouble);
            }
            if let Walked::ToTheEnd(logical_end) = walked {
                end = logical_end;
            }
            if let Limit::Position(wanted, offset) = self.limit
                && wanted == index
            {
                if offset == end {
                    return self.goal(index, end);
                }
                return Err(self.no_record_at(file, offset));
            }
        }
        if let Limit::Time(moment) = self.limit {
            self.refuse_the_future(set, moment)?;
        }
        let last_file = set.files.len().saturating_sub(1);
        self.goal(last_file, end)
    }

    fn goal(self, last_file: usize, cut: u64) -> Result<Goal, String> {
        let set = &self.sets[self.set];
        let describe =
            |passed: Option<Passed>| passed.map(|passed| passed.describe(self.storage, set)).transpose();
        Ok(Goal {
            set: self.set,
            last_file,
            cut,
            time_ms: self.latest_ms,
            last_kept: describe(self.last_kept)?,
            first_dropped: describe(self.first_dropped)?,
            notes: self.notes,
        })
    }

    /// Goes through one file up to the point.
    fn file(&mut self, index: usize, file: &SetFile) -> Result<(Found, Walked), String> {
        let mut found = Found::default();
        let limit = self.limit;
        // The unit under way is kept only as a whole: what its first record was preceded by.
        let mut before_unit = self.last_kept;
        let (last_kept, first_dropped) = (&mut self.last_kept, &mut self.first_dropped);
        let latest_ms = &mut self.latest_ms;
        let mut visit = |met: Met<'_>| match met {
            Met::Record(past, database) => {
                let offset = past.record.offset;
                let is_unit_start = offset == past.unit_offset;
                if is_unit_start {
                    before_unit = *last_kept;
                }
                let is_dropped = match limit {
                    Limit::Position(wanted, at) => {
                        if wanted == index && offset > at {
                            // The point is inside a record: nothing is cut there.
                            return false;
                        }
                        wanted == index && offset == at
                    }
                    Limit::Time(moment) => !moment.includes(&past.written),
                    Limit::End => false,
                };
                let seen = Passed::of(index, &past, database);
                if is_dropped {
                    found.cut = Some(past.unit_offset);
                    if !is_unit_start {
                        *last_kept = before_unit;
                    }
                    *first_dropped = Some(seen);
                    return false;
                }
                if let Some(time) = past.written.not_after_ms {
                    *latest_ms = time;
                }
                *last_kept = Some(seen);
                true
            }
            Met::Damage(damage) => {
                if let Limit::Position(wanted, at) = limit
                    && (wanted, at) == (index, damage.offset)
                {
                    // Everything before it is intact.
                    found.cut = Some(at);
                    return false;
                }
                if damage.is_tail {
                    found.torn_at = Some(damage.offset);
                }
                let place = Place { set: None, sequence: file.entry.sequence, offset: damage.offset };
                found.trouble = Some(format!(
                    "{} is damaged at offset {}, before the point that is asked for: {}. What is before it can be \
                     restored with --to {}; check-aof --salvage copies what is intact behind it.",
                    file.name(),
                    damage.offset,
                    damage.reason,
                    place.text(file.is_increment())
                ));
                false
            }
        };
        let walked = walk(self.storage, file, &mut visit).map_err(|error| error.to_string())?;
        Ok((found, walked))
    }

    fn refuse_missing_files(&self, set: &FileSet) -> Result<(), String> {
        match set.files.iter().find(|file| file.length.is_none()) {
            Some(missing) => Err(format!("{} is missing ({})", missing.name(), set.title())),
            None => Ok(()),
        }
    }

    fn no_record_at(&self, file: &SetFile, offset: u64) -> String {
        let last = self.last_kept.as_ref().map_or_else(
            || "there is none before it".to_owned(),
            |passed| format!("the last one before it is at offset {}", passed.offset),
        );
        format!(
            "No record of {} begins at offset {offset}, and it does not end there: {last}. Positions are those that \
             log prints.",
            file.name()
        )
    }

    /// A time behind the last record is covered as long as something tells that nothing was written until then.
    fn refuse_the_future(&self, set: &FileSet, moment: Moment) -> Result<(), String> {
        let is_covered = match self.sets.get(self.set + 1) {
            Some(next) => set.is_continued_by(next),
            None => {
                let end = set.files.last().and_then(|file| file.end_ms).unwrap_or(0).max(self.latest_ms);
                moment.first_ms <= end
            }
        };
        if is_covered {
            return Ok(());
        }
        Err(format!("{} is not covered by the files. {}", utc_ms(moment.first_ms), covered(self.sets)))
    }
}
