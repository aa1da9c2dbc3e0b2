//! What the log says about a snapshot that cannot be loaded: in Redis' words, with the place, and with what helps.

use std::path::Path;

use lastsave_rdb::{CheckOptions, Error, ErrorKind, ReaderOptions, check_rdb};
use lastsave_storage::{FileReader, OpenOptions, Storage};

/// Redis' last line when a snapshot cannot be opened, or is not meant for this server.
pub(super) const FATAL: &str = "Fatal error loading the DB, check server logs. Exiting.";

/// Redis' last line when the bytes of a snapshot are wrong.
const TERMINATING: &str = "Terminating server after rdb file reading failure.";

/// The last line of a start that fails with this error.
pub(super) fn last_line(error: &Error) -> &'static str {
    if is_foreign(error) { FATAL } else { TERMINATING }
}

/// Whether the file is nothing that this server reads, whatever its bytes.
fn is_foreign(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WrongSignature { .. } | ErrorKind::UnsupportedVersion { .. })
}

/// Says what is wrong, and where.
pub(super) fn log_error(error: &Error) {
    let text = error.kind().redis_text();
    match error.kind() {
        _ if is_foreign(error) => {
            tracing::warn!("{text} ({error})");
            return;
        }
        ErrorKind::ChecksumMismatch { expected, got } => {
            tracing::warn!("Wrong RDB checksum expected: ({expected:x}) but got ({got:x}). Aborting now.");
        }
        kind if kind.is_short_read() => {
            tracing::warn!("Short read or OOM loading DB. Unrecoverable error, aborting now.");
        }
        _ => {}
    }
    tracing::warn!(
        "Internal error in RDB reading offset {}, {} -> {text} ({error})",
        error.offset(),
        error.activity().name()
    );
}

/// Says what is wrong with a snapshot file, what was read until there, and what can be done.
pub(super) fn report_dump(storage: &dyn Storage, name: &Path, now_ms: i64, error: &Error) {
    log_error(error);
    let mut report = String::new();
    if let Ok(file) = storage.open(name, &OpenOptions::read_only()) {
        let total_bytes = file.len().ok();
        let options = CheckOptions {
            file_name: &name.to_string_lossy(),
            now_ms,
            reader: ReaderOptions { total_bytes, ..ReaderOptions::default() },
        };
        check_rdb(FileReader::new(file), &options, |line| {
            report.push_str(&String::from_utf8_lossy(line));
            report.push('\n');
        });
    }
    tracing::warn!(raw = true, "{report}");
    let name = name.display();
    if error.is_beyond_this_reader() {
        tracing::warn!(
            "The file {name} was not changed. Let a server that can read it write an older version, let 'lastsave-server \
             check-rdb --salvage <new file> {name}' copy what is known here, or move it away to start empty."
        );
    } else {
        tracing::warn!(
            "The file {name} was not changed. Restore a copy of it from a backup, let 'lastsave-server check-rdb --salvage \
             <new file> {name}' copy what is intact, or move it away to start empty."
        );
    }
}
