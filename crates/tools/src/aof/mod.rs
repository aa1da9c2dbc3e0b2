//! `check-aof`: the arguments of `redis-check-aof`, and what goes beyond them.

mod check;
mod losses;
mod rebuild;
mod salvage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use lastsave_aof::CheckAction;
use lastsave_storage::{RealStorage, Storage};

pub(crate) use self::check::RdbFile;
use crate::called::Call;
use crate::terminal::Terminal;

/// What `redis-check-aof` says of itself.
const USAGE: &str = "[--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>";

/// Checks and repairs an append-only file.
#[derive(Debug, Parser)]
#[command(
    disable_version_flag = true,
    override_usage = "check-aof [OPTIONS] <file.manifest|file.aof|directory>"
)]
struct Arguments {
    /// Cut the last file behind its last intact record, after asking
    #[arg(long, conflicts_with_all = ["truncate_to_timestamp", "rebuild_manifest", "salvage"])]
    fix: bool,
    /// With --fix: cut even what a frame proves to have been durable
    #[arg(long, requires = "fix")]
    even_durable: bool,
    /// Cut the last file before the first time annotation later than this (unix seconds)
    #[arg(long, value_name = "timestamp", allow_hyphen_values = true,
          conflicts_with_all = ["rebuild_manifest", "salvage"])]
    truncate_to_timestamp: Option<OsString>,
    /// Write a manifest for the files that are there, after asking
    #[arg(long, conflicts_with = "salvage")]
    rebuild_manifest: bool,
    /// With --rebuild-manifest: the base to list, when there are several
    #[arg(long, value_name = "name", requires = "rebuild_manifest")]
    base: Option<OsString>,
    /// With --rebuild-manifest: the first increment to list
    #[arg(long, value_name = "number", requires = "rebuild_manifest")]
    first_increment: Option<i64>,
    /// Copy everything that is intact into a new log in this directory, which must be new or empty
    #[arg(long, value_name = "outdir")]
    salvage: Option<PathBuf>,
    /// With --salvage: keep commands of damaged blocks that still look whole
    #[arg(long, requires = "salvage")]
    keep_unverified: bool,
    /// Answer every question with yes
    #[arg(long, short = 'y')]
    yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "salvage")]
    dry_run: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Files read at the same time (default: as many as there are processors)
    #[arg(long, value_name = "number")]
    threads: Option<usize>,
    /// A manifest, a single append-only file, or a directory that holds a log
    #[arg(value_name = "path")]
    path: PathBuf,
}

impl Arguments {
    fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// Runs the tool; the exit code.
pub(crate) fn run(call: &Call, version: &str) -> i32 {
    let arguments = match parse(call, version) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let terminal = Terminal::new(arguments.yes, arguments.json);
    let storage: Arc<dyn Storage> = match RealStorage::open(".") {
        Ok(storage) => Arc::new(storage),
        Err(error) => {
            terminal.result(&error.to_string());
            return 1;
        }
    };
    if let Some(outdir) = &arguments.salvage {
        return salvage::run(&storage, &arguments, outdir, terminal);
    }
    if arguments.rebuild_manifest {
        return rebuild::run(&*storage, &arguments, &terminal);
    }
    let action = match action(&arguments) {
        Ok(action) => action,
        Err(text) => {
            terminal.result(text);
            return 1;
        }
    };
    check::run(&storage, &arguments, action, terminal)
}

fn parse(call: &Call, version: &str) -> Result<Arguments, i32> {
    if matches!(call.arguments.as_slice(), [word] if word == "-v" || word == "--version") {
        println!("redis-check-aof {version}");
        return Err(0);
    }
    let words = std::iter::once(OsString::from(&call.program)).chain(call.arguments.iter().cloned());
    let error = match Arguments::try_parse_from(words) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    if !error.use_stderr() {
        // Help was asked for.
        let _ = error.print();
        return Err(0);
    }
    match call.arguments.as_slice() {
        // redis-check-aof takes a lone argument for a file, whatever it looks like.
        [path] => {
            let lone = [OsString::from("check-aof"), OsString::from("--"), path.clone()];
            Arguments::try_parse_from(lone).map_err(|_| 1)
        }
        words => {
            println!("Usage: {} {USAGE}", call.program);
            if words.iter().any(|word| is_our_own(&word.to_string_lossy())) {
                let _ = error.print();
            }
            Err(1)
        }
    }
}

/// Whether a word is an option that redis-check-aof does not know, so that its usage line explains nothing.
fn is_our_own(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    ["--even-durable", "--rebuild-manifest", "--base", "--first-increment", "--salvage", "--keep-unverified"]
        .contains(&name)
        || ["--yes", "-y", "--dry-run", "--json", "--threads"].contains(&name)
}

fn action(arguments: &Arguments) -> Result<CheckAction, &'static str> {
    if arguments.fix {
        return Ok(CheckAction::Fix { even_durable: arguments.even_durable });
    }
    let Some(text) = &arguments.truncate_to_timestamp else { return Ok(CheckAction::Verify) };
    let digits = text.to_str().map(str::trim_ascii_start);
    match digits.and_then(|digits| if digits.is_empty() { Some(0) } else { digits.parse().ok() }) {
        // Redis cannot tell 0 from no time at all.
        Some(0) => Ok(CheckAction::Verify),
        Some(seconds) => Ok(CheckAction::TruncateToTimestamp(seconds)),
        None => Err("Invalid timestamp, aborting..."),
    }
}
