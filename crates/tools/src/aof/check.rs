//! Checking, cutting torn ends, cutting to a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastsave_aof::{CheckAction, CheckOptions, CheckReport, RdbChecker, RdbVerdict, check_log};
use lastsave_rdb::{CheckOptions as RdbCheckOptions, ReaderOptions, check_rdb};
use lastsave_storage::{Clock as _, FileReader, RealClock, Storage};
use serde_json::json;

use super::Arguments;
use crate::files::{FindError, find_logs, is_directory, keep_servers_out};
use crate::json;
use crate::progress::{Watched, bar};
use crate::terminal::Terminal;

pub(super) fn run(
    storage: &Arc<dyn Storage>,
    arguments: &Arguments,
    action: CheckAction,
    terminal: Terminal,
) -> i32 {
    let paths = match paths(&**storage, &arguments.path) {
        Ok(paths) => paths,
        Err(error) => return fail(&terminal, arguments, &error.to_string()),
    };
    let changes = action != CheckAction::Verify && !arguments.dry_run;
    let mut guards = Vec::new();
    for path in paths.iter().filter(|_| changes) {
        match keep_servers_out(&**storage, path, is_manifest(path)) {
            Ok(held) => guards.extend(held),
            Err(error) => return fail(&terminal, arguments, &error.to_string()),
        }
    }
    let progress = bar(total_bytes(&**storage, &paths), !arguments.json);
    let watched = Watched::new(Arc::clone(storage), progress.clone());
    let mut terminal = terminal.with_progress(progress.clone());
    let options = CheckOptions { action, dry_run: arguments.dry_run, threads: arguments.threads() };
    let reports: Vec<(PathBuf, CheckReport)> = paths
        .into_iter()
        .map(|path| {
            let report = check_log(&watched, &path, &options, &RdbFile, &mut terminal);
            (path, report)
        })
        .collect();
    progress.finish_and_clear();
    let is_valid = reports.iter().all(|(_, report)| report.is_valid);
    if arguments.json {
        let logs: Vec<_> = reports.iter().map(|(path, report)| json::check_report(path, report)).collect();
        terminal.result(&json!({ "valid": is_valid, "logs": logs }).to_string());
    }
    drop(guards);
    i32::from(!is_valid)
}

/// Says why nothing can be done; the exit code.
pub(super) fn fail(terminal: &Terminal, arguments: &Arguments, text: &str) -> i32 {
    if arguments.json {
        terminal.result(&json!({ "valid": false, "error": text }).to_string());
    } else {
        terminal.result(text);
    }
    1
}

/// What is to be checked: the path itself, or the manifests of a directory.
fn paths(storage: &dyn Storage, path: &Path) -> Result<Vec<PathBuf>, FindError> {
    if !is_directory(storage, path) {
        return Ok(vec![path.to_owned()]);
    }
    let logs = find_logs(storage, path)?;
    if let Some(log) = logs.iter().find(|log| !log.has_manifest) {
        return Err(FindError::NoManifest(log.directory.display().to_string()));
    }
    Ok(logs.iter().map(|log| log.manifest()).collect())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "manifest")
}

/// About how much will be read: what the directories of the manifests hold, or the file itself.
fn total_bytes(storage: &dyn Storage, paths: &[PathBuf]) -> u64 {
    let length = |path: &Path| storage.metadata(path).map_or(0, |metadata| metadata.len);
    let of_path = |path: &PathBuf| {
        if !is_manifest(path) {
            return length(path);
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        let entries = storage.list(directory).unwrap_or_default();
        entries.iter().map(|entry| length(&directory.join(&entry.name))).sum()
    };
    // Structure and frames are two passes.
    paths.iter().map(of_path).sum::<u64>() * 2
}

/// Checks RDB files with the crate that reads them.
pub(crate) struct RdbFile;

impl RdbChecker for RdbFile {
    fn check(&self, file_name: &str, reader: FileReader) -> RdbVerdict {
        let total_bytes = reader.file().len().ok();
        let options = RdbCheckOptions {
            file_name,
            now_ms: RealClock::new().wall_ms(),
            reader: ReaderOptions { total_bytes, ..ReaderOptions::default() },
        };
        let mut lines = Vec::new();
        let summary = check_rdb(reader, &options, |line| lines.push(line.to_vec()));
        RdbVerdict { lines, end: summary.is_ok().then_some(summary.bytes) }
    }
}
