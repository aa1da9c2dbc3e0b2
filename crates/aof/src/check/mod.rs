//! Checking and repairing a log from outside, in the words of `redis-check-aof`, plus what frames can tell.

mod conclude;
mod examine;
mod frames;
pub(crate) mod rebuild;
pub(crate) mod resp;

use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{File, FileReader, OpenOptions, Storage, StorageError, read_file};

use self::conclude::Check;
pub use self::conclude::{FileReport, FileVerdict};
use self::examine::{Subject, examine_all};
pub use self::frames::{DamageReport, FrameReport, survey_frames};
pub use self::rebuild::{
    ManifestPlan, PlannedFile, RebuildChoice, RebuildRefusal, plan_manifest, read_header, write_manifest,
};
use crate::manifest::{FileKind, Manifest};

/// A manifest bigger than this is none.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// What to do besides looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckAction {
    /// Nothing.
    #[default]
    Verify,
    /// `--fix`: cut the last file behind its last intact unit, after asking.
    Fix {
        /// Cut even what a valid frame declares durable.
        even_durable: bool,
    },
    /// `--truncate-to-timestamp`: cut the last file before the first annotation later than this, in unix seconds.
    TruncateToTimestamp(i64),
}

/// How to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// What to do besides looking.
    pub action: CheckAction,
    /// Say what would be cut, ask nothing and change nothing.
    pub dry_run: bool,
    /// Files read at the same time; at least 1 is taken.
    pub threads: usize,
}

impl CheckOptions {
    /// One file after the other, for real.
    #[must_use]
    pub const fn new(action: CheckAction) -> Self {
        Self { action, dry_run: false, threads: 1 }
    }
}

/// The terminal, as the check sees it.
pub trait CheckConsole {
    /// Prints a line.
    fn line(&mut self, text: &str);

    /// Prints a line of the RDB check, which holds names and values as they are in the file.
    fn rdb_line(&mut self, text: &[u8]);

    /// Prints `prompt` without ending the line and reads whether the answer begins with `y`.
    fn confirm(&mut self, prompt: &str) -> bool;
}

/// Checks the RDB at the start of a file. May be called by several threads at once.
pub trait RdbChecker: Sync {
    /// Reads the RDB; its own report, and the offset behind it if it is sane.
    fn check(&self, file_name: &str, reader: FileReader) -> RdbVerdict;
}

/// What an [`RdbChecker`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RdbVerdict {
    /// The report, line by line.
    pub lines: Vec<Vec<u8>>,
    /// The offset behind the RDB; `None` if it is not sane.
    pub end: Option<u64>,
}

/// What was found, whether or not all of it was printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Whether everything is valid, or has been made so. The program's exit status is 0 for this alone.
    pub is_valid: bool,
    /// Whether a manifest with its files was checked, and not a single file.
    pub is_multi_part: bool,
    /// The files in the order in which they are loaded.
    pub files: Vec<FileReport>,
    /// Why nothing could be checked, or what went wrong beside the files: the last words that were printed.
    pub failure: Option<String>,
}

/// The check has come to its end early; why has been printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GivenUp;

/// Checks what `path` names: a manifest with all its files, or a single file of commands, with or without an RDB before
/// them. What it is, its content decides. All files are read before the first is reported on.
pub fn check_log(
    storage: &dyn Storage,
    path: &Path,
    options: &CheckOptions,
    rdb: &dyn RdbChecker,
    console: &mut dyn CheckConsole,
) -> CheckReport {
    let name = path.to_string_lossy().into_owned();
    let mut check = Check::new(storage, options, console);
    let outcome = match input_kind(storage, path) {
        Ok(InputKind::Manifest) => check_multi_part(&mut check, path, rdb),
        Ok(InputKind::SingleFile { has_rdb }) => {
            check.line("Start checking Old-Style AOF");
            let subject = Subject { name, path: path.to_owned(), kind: None, has_rdb, is_last: true };
            let examined = examine_all(storage, &[subject], options, rdb);
            examined.into_iter().try_for_each(|examined| check.conclude(examined, "AOF"))
        }
        Err(error) => check.give_up(&format!("Cannot open file {name}: {}", error.reason())),
    };
    check.into_report(outcome.is_ok())
}

fn check_multi_part(check: &mut Check<'_>, path: &Path, rdb: &dyn RdbChecker) -> Result<(), GivenUp> {
    check.report.is_multi_part = true;
    check.line("Start checking Multi Part AOF");
    let manifest = read_manifest(check, path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let total = manifest.loaded_files().count();
    let subjects: Vec<Subject> = manifest
        .loaded_files()
        .enumerate()
        .map(|(index, entry)| {
            let path = directory.join(entry.path());
            let is_base = entry.kind == FileKind::Base;
            Subject {
                name: entry.display_name(),
                has_rdb: is_base && begins_with_rdb(check.storage, &path).unwrap_or(false),
                path,
                kind: Some(entry.kind),
                is_last: index + 1 == total,
            }
        })
        .collect();
    let mut increments_announced = false;
    for examined in examine_all(check.storage, &subjects, check.options, rdb) {
        if examined.subject.kind == Some(FileKind::Base) {
            let form = if examined.subject.has_rdb { "RDB" } else { "RESP" };
            check.line(&format!("Start to check BASE AOF ({form} format)."));
            check.conclude(examined, "BASE AOF")?;
            continue;
        }
        if !std::mem::replace(&mut increments_announced, true) {
            check.line("Start to check INCR files.");
        }
        check.conclude(examined, "INCR AOF")?;
    }
    check.line("All AOF files and manifest are valid");
    Ok(())
}

fn read_manifest(check: &mut Check<'_>, path: &Path) -> Result<Manifest, GivenUp> {
    let text = match read_file(check.storage, path, MANIFEST_BYTES_MAX) {
        Ok(text) => text,
        Err(error) => {
            return check.give_up(&format!("Cannot open file {}: {}", path.display(), error.reason()));
        }
    };
    match Manifest::parse(&text) {
        Ok(manifest) => Ok(manifest),
        Err(error) => {
            let mut lines = error.report();
            let last = lines.pop().unwrap_or_default();
            lines.iter().for_each(|line| check.line(line));
            check.give_up(&last)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputKind {
    Manifest,
    SingleFile { has_rdb: bool },
}

/// The first line that is no annotation tells a manifest.
fn input_kind(storage: &dyn Storage, path: &Path) -> Result<InputKind, StorageError> {
    if begins_with_rdb(storage, path)? {
        return Ok(InputKind::SingleFile { has_rdb: true });
    }
    let file = storage.open(path, &OpenOptions::read_only())?;
    let length = file.len()?;
    let mut lines = resp::Lines::new(file, 0, length);
    loop {
        let start = lines.peek(4)?;
        if !start.starts_with(b"#") {
            let is_manifest = start == b"file";
            return Ok(if is_manifest {
                InputKind::Manifest
            } else {
                InputKind::SingleFile { has_rdb: false }
            });
        }
        lines.pass_line()?;
    }
}

pub(crate) fn begins_with_rdb(storage: &dyn Storage, path: &Path) -> Result<bool, StorageError> {
    let file: Arc<dyn File> = storage.open(path, &OpenOptions::read_only())?;
    let mut magic = [0; 8];
    let mut filled = 0;
    while filled < magic.len() {
        match file.read_at(&mut magic[filled..], filled as u64)? {
            0 => return Ok(false),
            moved => filled += moved,
        }
    }
    Ok(crate::loader::begins_with_rdb(&magic))
}
