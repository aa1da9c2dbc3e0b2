//! `--rebuild-manifest`: shows what is there and what would be listed, asks, writes.

use std::os::unix::ffi::OsStrExt as _;

use lastsave_aof::{FileKind, ManifestPlan, PlannedFile, RebuildChoice, plan_manifest, write_manifest};
use lastsave_storage::{Clock as _, RealClock, RealStorage, Storage};

use super::Arguments;
use super::check::fail;
use crate::files::{FoundLog, find_log, is_directory, keep_servers_out, log_of_manifest};
use crate::json;
use crate::terminal::Terminal;

pub(super) fn run(storage: &dyn Storage, arguments: &Arguments, terminal: &Terminal) -> i32 {
    match rebuild(storage, arguments, terminal) {
        Ok(code) => code,
        Err(text) => fail(terminal, arguments, &text),
    }
}

fn rebuild(storage: &dyn Storage, arguments: &Arguments, terminal: &Terminal) -> Result<i32, String> {
    let path = &arguments.path;
    let log = if is_directory(storage, path) {
        find_log(storage, path).map_err(|error| error.to_string())?
    } else {
        log_of_manifest(path)
            .ok_or_else(|| format!("{} is neither a directory nor a manifest", path.display()))?
    };
    let FoundLog { directory, names, .. } = &log;
    let _guards = if arguments.dry_run {
        Vec::new()
    } else {
        keep_servers_out(storage, &log.manifest(), true).map_err(|error| error.to_string())?
    };
    let inside =
        RealStorage::open(if directory.as_os_str().is_empty() { ".".as_ref() } else { &**directory })
            .map_err(|error| error.to_string())?;
    let choice = RebuildChoice {
        base: arguments.base.as_ref().map(|name| name.as_bytes().to_vec()),
        first_increment: arguments.first_increment,
    };
    let plan = plan_manifest(&inside, names, &choice)
        .map_err(|error| format!("No manifest can be made for {}: {error}.", directory.display()))?;
    explain(&log, &plan, terminal);
    let mut is_written = false;
    let mut kept = None;
    if arguments.dry_run {
        terminal.text("Dry run: nothing was changed.");
    } else if terminal.ask("Continue? [y/N]: ") {
        let now_ms = RealClock::new().wall_ms();
        kept = write_manifest(&inside, names, &plan, now_ms).map_err(|error| error.to_string())?;
        is_written = true;
        terminal.text(&format!("Successfully wrote {}", log.manifest().display()));
        if let Some(kept) = &kept {
            terminal.text(&format!("The damaged one is kept as {}", String::from_utf8_lossy(kept)));
        }
        terminal.text("Now check it: every file that it lists is looked at by check-aof.");
    } else {
        terminal.text("Aborting...");
    }
    if arguments.json {
        terminal.result(&json::rebuild(&log.manifest(), &plan, is_written, kept.as_deref()).to_string());
    }
    Ok(i32::from(!is_written && !arguments.dry_run))
}

fn explain(log: &FoundLog, plan: &ManifestPlan, terminal: &Terminal) {
    terminal.text(&format!("Files of a log in {}:", log.directory.display()));
    for file in &plan.files {
        terminal.text(&describe(file));
    }
    if let Some(reason) = &plan.damaged {
        terminal.text(&format!("The manifest that is there cannot be used: {reason}."));
    }
    let why = if plan.from_temporary {
        "The manifest that was being written when the old one was lost names exactly these files. It would become:"
    } else {
        "The base, then all increments in the order of their numbers, make this manifest:"
    };
    terminal.text(why);
    for line in String::from_utf8_lossy(&plan.manifest.to_text()).lines() {
        terminal.text(&format!("    {line}"));
    }
    let is_listed = |kind| plan.files.iter().any(|file| file.kind == kind && file.is_listed);
    if !is_listed(FileKind::Base) {
        terminal.text("There is no base: right only if this log never had one, that is, if its first increment is number 1.");
    }
    let first = plan.files.iter().find(|file| file.kind == FileKind::Increment && file.is_listed);
    if let Some(first) = first.filter(|first| first.sequence > 1 && !plan.from_temporary) {
        terminal.text(&format!(
            "Increment {} is taken to be the first one behind the base. If a rewrite had just ended, it may be in the base \
             already, and its commands would be executed twice.",
            first.sequence
        ));
    }
}

fn describe(file: &PlannedFile) -> String {
    let what = if file.kind == FileKind::Base { "base" } else { "incr" };
    let begun =
        file.begun_ms.map_or_else(String::new, |begun| format!(", begun {}", json::utc(begun as i64)));
    let listed = if file.is_listed { "" } else { " (left out)" };
    format!(
        "    {what} {} {}: {} bytes, changed {}{begun}{listed}",
        file.sequence,
        String::from_utf8_lossy(&file.name),
        file.bytes,
        json::utc(file.modified_ms)
    )
}
