//! `check-rdb`: the argument of `redis-check-rdb`, and what goes beyond it.

mod check;
pub(crate) mod describe;
mod diff;
pub(crate) mod fuzzing;
mod resync;
pub(crate) mod salvage;
mod survey;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use lastsave_storage::{File, OpenOptions, RealStorage, Storage, StorageError};
use serde_json::{Value as Json, json};

use crate::called::Call;
use crate::progress::{Watched, bar};
use crate::terminal::Terminal;

/// Checks a snapshot.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true, override_usage = "check-rdb [OPTIONS] <rdb-file-name>")]
struct Arguments {
    /// Copy everything that is intact into a new file of the same version
    #[arg(long, value_name = "out.rdb", conflicts_with_all = ["report", "diff"])]
    salvage: Option<PathBuf>,
    /// Write a page with memory by type and prefix, biggest keys, expiries and encodings
    #[arg(long, value_name = "file.html", conflicts_with = "diff")]
    report: Option<PathBuf>,
    /// Say which keys this other snapshot has added, removed or changed
    #[arg(long, value_name = "other.rdb")]
    diff: Option<PathBuf>,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// The snapshot
    #[arg(value_name = "rdb-file-name")]
    path: PathBuf,
}

/// Runs the tool; the exit code.
pub(crate) fn run(call: &Call, version: &str) -> i32 {
    let arguments = match parse(call, version) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let terminal = Terminal::new(false, arguments.json);
    let storage: Arc<dyn Storage> = match RealStorage::open(".") {
        Ok(storage) => Arc::new(storage),
        Err(error) => return fail(&terminal, &arguments, &error.to_string()),
    };
    let length = |path: &PathBuf| storage.metadata(path).map_or(0, |metadata| metadata.len);
    let passes = if arguments.diff.is_some() { 3 } else { 1 };
    let total = passes * length(&arguments.path) + arguments.diff.as_ref().map_or(0, length);
    let progress = bar(total, !arguments.json);
    let watched = Watched::new(Arc::clone(&storage), progress.clone());
    let terminal = terminal.with_progress(progress.clone());
    let code = if let Some(out) = &arguments.salvage {
        check::salvage(&watched, &arguments, out, &terminal)
    } else if let Some(other) = &arguments.diff {
        check::diff(&watched, &arguments, other, &terminal)
    } else if let Some(page) = &arguments.report {
        check::report(&watched, &arguments, page, &terminal)
    } else {
        check::check(&watched, &arguments, &terminal)
    };
    progress.finish_and_clear();
    code
}

fn parse(call: &Call, version: &str) -> Result<Arguments, i32> {
    if matches!(call.arguments.as_slice(), [word] if word == "-v" || word == "--version") {
        println!("redis-check-rdb {version}");
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
        // redis-check-rdb takes a lone argument for a file, whatever it looks like.
        [path] => {
            let lone = [OsString::from("check-rdb"), OsString::from("--"), path.clone()];
            Arguments::try_parse_from(lone).map_err(|_| 1)
        }
        words => {
            eprintln!("Usage: {} <rdb-file-name>", call.program);
            if words.iter().any(|word| word.to_string_lossy().starts_with("--")) {
                let _ = error.print();
            }
            Err(1)
        }
    }
}

/// Says why nothing can be done; the exit code.
fn fail(terminal: &Terminal, arguments: &Arguments, text: &str) -> i32 {
    if arguments.json {
        terminal.result(&json!({ "valid": false, "error": text }).to_string());
    } else {
        terminal.result(text);
    }
    1
}

fn open(storage: &dyn Storage, path: &Path) -> Result<Arc<dyn File>, StorageError> {
    storage.open(path, &OpenOptions::read_only())
}

/// What a salvage left out, as text and JSON.
pub(crate) fn loss_line(loss: &salvage::RdbLoss) -> String {
    let mut line = format!(
        "Lost {} bytes at {}..{}: {}",
        loss.range.end - loss.range.start,
        loss.range.start,
        loss.range.end,
        loss.reason
    );
    if let Some(key) = &loss.key {
        line.push_str(&format!("; key \"{}\" in db{}", key.escape_ascii(), loss.database));
    }
    if let Some(object_type) = loss.object_type {
        line.push_str(&format!(" of type {object_type}"));
    }
    line
}

pub(crate) fn loss_json(loss: &salvage::RdbLoss) -> Json {
    json!({
        "from": loss.range.start,
        "to": loss.range.end,
        "reason": loss.reason,
        "database": loss.database,
        "key": loss.key.as_deref().map(crate::json::text),
        "type": loss.object_type,
        "database_uncertain": loss.database_is_uncertain,
    })
}
