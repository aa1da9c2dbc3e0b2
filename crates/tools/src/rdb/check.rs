//! The four things to do with a snapshot: check it, salvage it, describe it, compare it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lastsave_rdb::{CheckOptions, CheckSummary, ReaderOptions, check_rdb};
use lastsave_storage::{
    Clock as _, File, FileMode, FileReader, RealClock, Storage, StorageError, rename_durably,
    replace_durably_with, write_synced,
};
use serde_json::json;

use super::diff::{self, Side};
use super::salvage::{RdbSalvage, survey, write};
use super::{Arguments, fail, loss_json, loss_line, open};
use crate::report;
use crate::terminal::Terminal;

/// Checks the file as `redis-check-rdb` does.
pub(super) fn check(storage: &dyn Storage, arguments: &Arguments, terminal: &Terminal) -> i32 {
    let name = arguments.path.to_string_lossy();
    let file = match open(storage, &arguments.path) {
        Ok(file) => file,
        Err(error) if arguments.json => return fail(terminal, arguments, &error.to_string()),
        Err(_) => {
            // All that redis-check-rdb says of a file that it cannot open.
            terminal.text(&format!("[offset 0] Checking RDB file {name}"));
            return 1;
        }
    };
    let summary = check_open(&*file, FileReader::new(std::sync::Arc::clone(&file)), &name, |line| {
        terminal.bytes(line);
    });
    if arguments.json {
        terminal.result(&summary_json(&name, &summary).to_string());
    }
    i32::from(!summary.is_ok())
}

fn check_open(file: &dyn File, reader: FileReader, name: &str, line: impl FnMut(&[u8])) -> CheckSummary {
    let total_bytes = file.len().ok();
    let options = CheckOptions {
        file_name: name,
        now_ms: RealClock::new().wall_ms(),
        reader: ReaderOptions { total_bytes, ..ReaderOptions::default() },
    };
    check_rdb(reader, &options, line)
}

fn summary_json(name: &str, summary: &CheckSummary) -> serde_json::Value {
    json!({
        "path": name,
        "valid": summary.is_ok(),
        "bytes": summary.bytes,
        "keys": summary.keys,
        "expires": summary.expires,
        "already_expired": summary.already_expired,
        "error": summary.error.as_ref().map(|error| json!({
            "reason": error.kind().redis_text(),
            "detail": error.to_string(),
            "offset": error.offset(),
            "record_offset": error.record_offset(),
            "doing": error.activity().name(),
            "key": error.key().map(crate::json::text),
            "type": error.object_type().map(lastsave_rdb::ObjectType::name),
        })),
    })
}

/// Copies what is intact into a new file.
pub(super) fn salvage(storage: &dyn Storage, arguments: &Arguments, out: &Path, terminal: &Terminal) -> i32 {
    let name = arguments.path.to_string_lossy();
    match try_salvage(storage, arguments, out) {
        Ok(salvage) => {
            for loss in &salvage.losses {
                terminal.text(&loss_line(loss));
            }
            for note in notes(&salvage) {
                terminal.text(&note);
            }
            let losses = salvage.losses.len();
            terminal.text(&format!(
                "Salvaged {} keys of {name} into {}; {losses} places were left out.",
                salvage.keys,
                out.display()
            ));
            if arguments.json {
                let report = json!({
                    "path": name,
                    "out": out.to_string_lossy(),
                    "version": salvage.version.number,
                    "keys": salvage.keys,
                    "losses": salvage.losses.iter().map(loss_json).collect::<Vec<_>>(),
                    "checksum_wrong": salvage.checksum_is_wrong,
                    "truncated": salvage.is_truncated,
                    "notes": notes(&salvage),
                });
                terminal.result(&report.to_string());
            }
            0
        }
        Err(text) => fail(terminal, arguments, &text),
    }
}

/// What has to be known besides the list of losses.
pub(crate) fn notes(salvage: &RdbSalvage) -> Vec<String> {
    let mut notes = Vec::new();
    if salvage.checksum_is_wrong && salvage.losses.is_empty() {
        notes.push(
            "The checksum does not match, though every record can be read: some byte of a key or value, or of the \
             checksum itself, is not what was written. Nothing tells which."
                .to_owned(),
        );
    }
    if salvage.losses.iter().any(|loss| loss.database_is_uncertain) {
        notes.push(
            "If another database was selected in a lost place, the keys behind it are now in the one before, up to the \
             next selection."
                .to_owned(),
        );
    }
    notes
}

fn try_salvage(storage: &dyn Storage, arguments: &Arguments, out: &Path) -> Result<RdbSalvage, String> {
    let text = |error: StorageError| error.to_string();
    if storage.exists(out).map_err(text)? {
        return Err(format!("{} is there already", out.display()));
    }
    let file = open(storage, &arguments.path).map_err(text)?;
    let salvage = survey(&file, false).map_err(text)?;
    let temporary = temporary_name(out);
    write_synced(storage, &temporary, FileMode::DATA, |writer| write(&file, &salvage, writer))
        .map_err(text)?;
    let written = open(storage, &temporary).map_err(text)?;
    let reader = FileReader::new(std::sync::Arc::clone(&written));
    let summary = check_open(&*written, reader, "", |_| {});
    if let Some(error) = summary.error {
        return Err(format!("What was written to {} cannot be read back: {error}", temporary.display()));
    }
    rename_durably(storage, &temporary, out).map_err(text)?;
    Ok(salvage)
}

fn temporary_name(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().as_bytes();
    out.with_file_name(OsStr::from_bytes(&[b"temp-", name].concat()))
}

/// Writes the page about the file.
pub(super) fn report(storage: &dyn Storage, arguments: &Arguments, page: &Path, terminal: &Terminal) -> i32 {
    let name = arguments.path.to_string_lossy();
    let file = match open(storage, &arguments.path) {
        Ok(file) => file,
        Err(error) => return fail(terminal, arguments, &error.to_string()),
    };
    let now_ms = RealClock::new().wall_ms();
    let statistics = match report::collect(&file, now_ms) {
        Ok(statistics) => statistics,
        Err(text) => return fail(terminal, arguments, &format!("{name}: {text}")),
    };
    let html = report::html(&name, &statistics);
    let written = replace_durably_with(storage, &temporary_name(page), page, FileMode::DATA, html.as_bytes());
    if let Err(error) = written {
        return fail(terminal, arguments, &error.to_string());
    }
    if arguments.json {
        terminal.result(&report::json(&name, &statistics).to_string());
    }
    terminal.text(&format!("{} keys of {name} are described in {}", statistics.keys, page.display()));
    0
}

/// Says how two files differ. As `diff` does, the exit code tells whether they do: 0 no, 1 yes, 2 could not be told.
pub(super) fn diff(storage: &dyn Storage, arguments: &Arguments, other: &Path, terminal: &Terminal) -> i32 {
    let (before_name, after_name) = (arguments.path.to_string_lossy(), other.to_string_lossy());
    let compared = (|| {
        let (before, after) = (open(storage, &arguments.path)?, open(storage, other)?);
        let before = Side { name: &before_name, file: &before };
        let after = Side { name: &after_name, file: &after };
        // Found differences are told as they are found, one JSON object a line.
        diff::compare(&before, &after, None, |difference| {
            if arguments.json {
                terminal.result(&difference.json().to_string());
            } else {
                terminal.text(&difference.line());
            }
        })
    })();
    match compared {
        Ok(counts) => {
            let diff::Counts { added, removed, changed, unchanged, libraries } = counts;
            let differ = match libraries {
                0 => String::new(),
                _ => format!("; function libraries that differ: {libraries}"),
            };
            terminal.text(&format!(
                "{added} keys added, {removed} removed, {changed} changed, {unchanged} unchanged{differ}"
            ));
            if arguments.json {
                let totals = json!({
                    "added": added, "removed": removed, "changed": changed, "unchanged": unchanged,
                    "function_libraries": libraries,
                });
                terminal.result(&totals.to_string());
            }
            i32::from(!counts.are_equal())
        }
        Err(error) => {
            fail(terminal, arguments, &error.to_string());
            2
        }
    }
}
