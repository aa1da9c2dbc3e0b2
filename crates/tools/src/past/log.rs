//! `log`: what was written when, and where.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use lastsave_storage::{RealStorage, Storage};

use super::filter::Filter;
use super::point::{Place, Point};
use super::printer::Printer;
use super::sets::{FileSet, SetFile, find_sets};
use super::walk::{Met, Walked, walk};
use super::{Position, parse};
use crate::called::Call;

/// Prints the commands of an append-only file with the time they were written, their position and their database.
///
/// A position is the place in front of a record: `restore --to` of that position keeps everything before it.
#[derive(Debug, Parser)]
#[command(
    disable_version_flag = true,
    override_usage = "log [OPTIONS] <directory|file.manifest|file.aof>..."
)]
struct Arguments {
    /// Only commands on this key, and those that change whole databases
    #[arg(long, value_name = "key")]
    key: Vec<OsString>,
    /// Only commands on keys that begin like this
    #[arg(long, value_name = "prefix")]
    prefix: Vec<OsString>,
    /// Only commands on keys that match this pattern, as KEYS takes it
    #[arg(long, value_name = "pattern")]
    r#match: Vec<OsString>,
    /// Only this command, such as FLUSHALL
    #[arg(long, short = 'c', value_name = "name")]
    command: Vec<OsString>,
    /// Only commands in this database
    #[arg(long, value_name = "number")]
    db: Option<u64>,
    /// Only what may have been written at this time or later, or stands at this position or behind it
    #[arg(long, value_name = "time|position", value_parser = Point::parse)]
    since: Option<Point>,
    /// Only what may have been written by this time, or stands before this position
    #[arg(long, value_name = "time|position", value_parser = Point::parse)]
    until: Option<Point>,
    /// Stop after this many commands
    #[arg(long, value_name = "number")]
    limit: Option<u64>,
    /// Also print the commands of bases, which hold a data set and no history
    #[arg(long)]
    bases: bool,
    /// Print all arguments, and all bytes of them
    #[arg(long)]
    full: bool,
    /// Print a JSON object per line
    #[arg(long)]
    json: bool,
    /// A data directory, the directory of a log, a manifest, or a single append-only file
    #[arg(value_name = "path", required = true)]
    paths: Vec<PathBuf>,
}

/// Runs the tool; the exit code.
pub(crate) fn run(call: &Call) -> i32 {
    let arguments: Arguments = match parse(call) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let storage: Arc<dyn Storage> = match RealStorage::open(".") {
        Ok(storage) => Arc::new(storage),
        Err(error) => {
            eprintln!("{error}");
            return 1;
        }
    };
    let mut log = Log {
        storage: &*storage,
        filter: filter(&arguments),
        arguments: &arguments,
        printer: Printer::new(arguments.json, arguments.full),
        printed: 0,
        is_damaged: false,
    };
    for path in &arguments.paths {
        let sets = match find_sets(&storage, path) {
            Ok(sets) => sets,
            Err(error) => {
                log.printer.note(&error.to_string());
                log.is_damaged = true;
                continue;
            }
        };
        match log.sets(&sets) {
            Ok(true) => {}
            Ok(false) => break,
            Err(text) => {
                log.printer.note(&text);
                log.is_damaged = true;
            }
        }
    }
    let is_damaged = log.is_damaged;
    log.printer.finish();
    i32::from(is_damaged)
}

fn filter(arguments: &Arguments) -> Filter {
    let bytes = |words: &[OsString]| words.iter().cloned().map(OsString::into_vec).collect();
    let moment = |point: &Option<Point>| match point {
        Some(Point::Time(moment)) => Some(*moment),
        _ => None,
    };
    Filter {
        keys: bytes(&arguments.key),
        prefixes: bytes(&arguments.prefix),
        patterns: bytes(&arguments.r#match),
        commands: bytes(&arguments.command),
        database: arguments.db,
        since: moment(&arguments.since),
        until: moment(&arguments.until),
    }
}

/// A log being printed.
struct Log<'a> {
    storage: &'a dyn Storage,
    arguments: &'a Arguments,
    filter: Filter,
    printer: Printer,
    printed: u64,
    is_damaged: bool,
}

impl Log<'_> {
    /// Prints sets; `false` when nothing more is wanted.
    fn sets(&mut self, sets: &[FileSet]) -> Result<bool, String> {
        let since = self.position(sets, self.arguments.since.as_ref())?;
        let until = self.position(sets, self.arguments.until.as_ref())?;
        let is_ambiguous = Position::numbers_repeat(sets);
        for (set_index, set) in sets.iter().enumerate() {
            for note in &set.notes {
                self.is_damaged = true;
                self.printer.note(note);
            }
            for (file_index, file) in set.files.iter().enumerate() {
                let first = Position { set: set_index, file: file_index, offset: 0 };
                let last = Position { offset: u64::MAX, ..first };
                let is_outside =
                    since.is_some_and(|since| last < since) || until.is_some_and(|until| first >= until);
                if is_outside {
                    continue;
                }
                let prefix = set.kept_as.as_deref().filter(|_| is_ambiguous);
                let span = (since.unwrap_or(first), until.unwrap_or(last));
                if !self.file(set, file, first, prefix, span) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn position(&self, sets: &[FileSet], point: Option<&Point>) -> Result<Option<Position>, String> {
        match point {
            Some(Point::Position(place)) => Position::of(sets, place).map(Some),
            _ => Ok(None),
        }
    }

    fn file(
        &mut self,
        set: &FileSet,
        file: &SetFile,
        first: Position,
        prefix: Option<&str>,
        (since, until): (Position, Position),
    ) -> bool {
        if file.length.is_none() {
            self.is_damaged = true;
            return self.printer.note(&format!("{} is missing", file.name()));
        }
        if !self.printer.file(&set.title(), file) {
            return false;
        }
        if file.is_rdb_base() || (file.is_data_set() && !self.arguments.bases) {
            return true;
        }
        let place = |offset: u64| {
            Place { set: prefix.map(str::to_owned), sequence: file.entry.sequence, offset }
                .text(file.is_increment())
        };
        let mut wants_more = true;
        let (printer, filter, limit) = (&mut self.printer, &self.filter, self.arguments.limit);
        let (printed, is_damaged) = (&mut self.printed, &mut self.is_damaged);
        let mut visit = |met: Met<'_>| {
            match met {
                Met::Record(past, database) => {
                    let at = Position { offset: past.record.offset, ..first };
                    if at >= until {
                        return false;
                    }
                    if at < since || !filter.wants(&past.record, database, &past.written) {
                        return true;
                    }
                    *printed += 1;
                    wants_more =
                        printer.record(&place(past.record.offset), &place(past.unit_offset), &past, database)
                            && limit.is_none_or(|limit| *printed < limit);
                }
                Met::Damage(damage) => {
                    *is_damaged = true;
                    wants_more = printer.damage(&place(damage.offset), file, &damage);
                }
            }
            wants_more
        };
        match walk(self.storage, file, &mut visit) {
            Ok(Walked::ToTheEnd(_) | Walked::Stopped) => wants_more,
            Err(error) => {
                self.is_damaged = true;
                self.printer.note(&error.to_string())
            }
        }
    }
}
