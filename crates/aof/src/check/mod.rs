//! Checking and repairing a log from outside, in the words of `redis-check-aof`, plus what frames can tell.

mod files;
mod frames;
mod rebuild;
mod resp;

use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{File, FileReader, OpenOptions, Storage, StorageError, read_file};

pub use self::frames::{DamageReport, FrameReport, survey_frames};
pub use self::rebuild::{RebuildRefusal, rebuild_manifest};
use crate::manifest::{Manifest, ManifestEntry};

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

/// The terminal, as the check sees it.
pub trait CheckConsole {
    /// Prints a line.
    fn line(&mut self, text: &str);

    /// Prints `prompt` without ending the line and reads whether the answer begins with `y`.
    fn confirm(&mut self, prompt: &str) -> bool;

    /// Checks an RDB at the start of a file, printing its own lines; the offset behind it if it is sane.
    fn check_rdb(&mut self, file_name: &str, reader: FileReader) -> Option<u64>;
}

/// The check failed; why has been printed. The program exits with status 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log is not valid")]
pub struct CheckFailed;

/// Checks what `path` names: a manifest with all its files, or a single file of commands, with or without an RDB before
/// them. What it is, its content decides.
///
/// # Errors
/// [`CheckFailed`], after the reason has been printed.
pub fn check_log(
    storage: &dyn Storage,
    path: &Path,
    action: CheckAction,
    console: &mut dyn CheckConsole,
) -> Result<(), CheckFailed> {
    let name = path.to_string_lossy().into_owned();
    let kind = match input_kind(storage, path) {
        Ok(kind) => kind,
        Err(error) => {
            console.line(&format!("Cannot open file {name}: {}", error.reason()));
            return Err(CheckFailed);
        }
    };
    let mut check = files::Check { storage, action, console, lines: 1 };
    match kind {
        InputKind::Manifest => check_multi_part(&mut check, path),
        InputKind::SingleFile { has_rdb } => {
            check.console.line("Start checking Old-Style AOF");
            let verdict = check.single_file(&name, path, true, has_rdb)?;
            check.report(&name, "AOF", verdict)
        }
    }
}

fn check_multi_part(check: &mut files::Check<'_>, path: &Path) -> Result<(), CheckFailed> {
    check.console.line("Start checking Multi Part AOF");
    let manifest = read_manifest(check, path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let total = manifest.loaded_files().count();
    let mut number = 0;
    let mut check_entry = |check: &mut files::Check<'_>, entry: &ManifestEntry, what: &str, has_rdb: bool| {
        number += 1;
        let name = entry.display_name();
        let verdict = check.single_file(&name, &directory.join(entry.path()), number == total, has_rdb)?;
        check.report(&name, what, verdict)
    };
    if let Some(base) = manifest.base() {
        let path = directory.join(base.path());
        let has_rdb = begins_with_rdb(check.storage, &path).unwrap_or(false);
        let form = if has_rdb { "RDB" } else { "RESP" };
        check.console.line(&format!("Start to check BASE AOF ({form} format)."));
        check_entry(check, base, "BASE AOF", has_rdb)?;
    }
    if !manifest.increments().is_empty() {
        check.console.line("Start to check INCR files.");
        for entry in manifest.increments() {
            check_entry(check, entry, "INCR AOF", false)?;
        }
    }
    check.console.line("All AOF files and manifest are valid");
    Ok(())
}

fn read_manifest(check: &mut files::Check<'_>, path: &Path) -> Result<Manifest, CheckFailed> {
    let text = match read_file(check.storage, path, 64 << 20) {
        Ok(text) => text,
        Err(error) => {
            check.console.line(&format!("Cannot open file {}: {}", path.display(), error.reason()));
            return Err(CheckFailed);
        }
    };
    Manifest::parse(&text).map_err(|error| {
        for line in error.report() {
            check.console.line(&line);
        }
        CheckFailed
    })
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

fn begins_with_rdb(storage: &dyn Storage, path: &Path) -> Result<bool, StorageError> {
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
