//! `restore`: a new data directory that holds the history up to a point.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use lastsave_storage::{Clock as _, RealClock, RealStorage, Storage};
use serde_json::{Value, json};

use super::goal::{self, Goal, Seen};
use super::parse;
use super::point::Point;
use super::sets::{FileSet, beginning_with, find_sets};
use super::target::{Taken, Target};
use crate::called::Call;
use crate::json::utc_ms;

/// Makes a new data directory whose append-only file holds exactly the history up to a point of time or to a position.
///
/// A time keeps everything that was certainly written by then; a position, as log prints it, keeps everything in front of
/// it. What a transaction did is kept as a whole or not at all. The source is only read, and may be that of a running
/// server.
#[derive(Debug, Parser)]
#[command(
    disable_version_flag = true,
    override_usage = "restore --to <time|position|end> --from <dir> --into <dir>"
)]
struct Arguments {
    /// The point: a time (UTC unless it names a zone; without a fraction, the whole second), a position such as 3:1234, or
    /// end
    #[arg(long, value_name = "time|position", value_parser = Point::parse)]
    to: Point,
    /// The data directory (with the file sets that were retained), the directory of a log, or a manifest
    #[arg(long, value_name = "dir")]
    from: PathBuf,
    /// The new data directory, which must not exist or be empty
    #[arg(long, value_name = "dir")]
    into: PathBuf,
    /// Begin with the base of this retained set, and not with the newest one that is old enough
    #[arg(long, value_name = "set")]
    base: Option<String>,
    /// Copy the base even where both directories could share it by a hard link
    #[arg(long)]
    copy: bool,
    /// Say what would be kept, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// Runs the tool; the exit code.
pub(crate) fn run(call: &Call) -> i32 {
    let arguments: Arguments = match parse(call) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let (code, lines, report) = match restore(&arguments) {
        Ok(restored) => (0, restored.lines(&arguments), restored.json(&arguments)),
        Err(text) => (1, vec![text.clone()], json!({ "restored": false, "error": text })),
    };
    if arguments.json {
        println!("{report}");
    } else {
        for line in lines {
            println!("{line}");
        }
    }
    code
}

/// What was done.
struct Restored {
    set: String,
    goal: Goal,
    taken: Vec<Taken>,
}

fn restore(arguments: &Arguments) -> Result<Restored, String> {
    let storage: Arc<dyn Storage> = Arc::new(RealStorage::open(".").map_err(|error| error.to_string())?);
    let sets = find_sets(&storage, &arguments.from).map_err(|error| error.to_string())?;
    refuse_several_logs(&sets)?;
    let sets = match &arguments.base {
        Some(name) => vec![beginning_with(sets, name)?],
        None => sets,
    };
    let goal = goal::find(&*storage, &sets, &arguments.to)?;
    let set = &sets[goal.set];
    let taken = if arguments.dry_run {
        Vec::new()
    } else {
        let now_ms = u64::try_from(RealClock::new().wall_ms()).unwrap_or(0);
        Target::create(&*storage, &arguments.into, set, !arguments.copy, now_ms)?.write(set, &goal)?
    };
    Ok(Restored { set: set.title(), goal, taken })
}

fn refuse_several_logs(sets: &[FileSet]) -> Result<(), String> {
    let live: Vec<&FileSet> = sets.iter().filter(|set| set.kept_as.is_none()).collect();
    let first = &sets[0];
    let is_one_log = sets.iter().all(|set| set.log == first.log && set.log_directory == first.log_directory);
    if live.len() <= 1 && is_one_log {
        return Ok(());
    }
    let names: Vec<String> = sets
        .iter()
        .map(|set| format!("{}/{}", set.log_directory.display(), String::from_utf8_lossy(&set.log)))
        .collect();
    Err(format!("There are several logs ({}): name the manifest of one of them.", names.join(", ")))
}

impl Restored {
    fn lines(&self, arguments: &Arguments) -> Vec<String> {
        let seen = |seen: &Option<Seen>| seen.as_ref().map_or_else(|| "nothing".to_owned(), Seen::line);
        let mut lines = vec![format!("File set: {}", self.set)];
        lines.extend(
            self.taken.iter().map(|taken| format!("  {} ({}, {} bytes)", taken.name, taken.how, taken.bytes)),
        );
        lines.push(format!("Last record kept:     {}", seen(&self.goal.last_kept)));
        lines.push(format!("First record dropped: {}", seen(&self.goal.first_dropped)));
        lines.extend(self.goal.notes.iter().cloned());
        lines.push(if arguments.dry_run {
            "Nothing was written (--dry-run).".to_owned()
        } else {
            let into = arguments.into.display();
            format!("Restored into {into}; it was read back and is valid. Start a server there with --dir {into} --appendonly yes.")
        });
        lines
    }

    fn json(&self, arguments: &Arguments) -> Value {
        let seen = |seen: &Option<Seen>| {
            seen.as_ref().map(|seen| {
                json!({
                    "position": seen.position,
                    "time": seen.written.not_after_ms.map(utc_ms),
                    "not_before_ms": seen.written.not_before_ms,
                    "not_after_ms": seen.written.not_after_ms,
                    "database": seen.database,
                    "command": seen.words,
                })
            })
        };
        let files: Vec<Value> = self
            .taken
            .iter()
            .map(|taken| json!({ "name": taken.name, "how": taken.how, "size_bytes": taken.bytes }))
            .collect();
        json!({
            "restored": !arguments.dry_run,
            "into": arguments.into.to_string_lossy(),
            "set": self.set,
            "files": files,
            "last_kept": seen(&self.goal.last_kept),
            "first_dropped": seen(&self.goal.first_dropped),
            "notes": self.goal.notes,
        })
    }
}
