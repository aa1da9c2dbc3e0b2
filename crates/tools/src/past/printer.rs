//! Records as lines of text or of JSON.

use std::io::{self, BufWriter, Write as _};

use lastsave_aof::{PastDamage, PastRecord, Record, RecordRole};
use serde_json::{Value, json};

use super::sets::SetFile;
use crate::json::{text, utc_ms};

/// Longest argument that is printed whole.
const ARGUMENT_BYTES_MAX: usize = 64;

/// Most arguments that are printed.
const ARGUMENTS_MAX: usize = 16;

/// Prints until nobody reads any more.
#[derive(Debug)]
pub(super) struct Printer {
    out: BufWriter<io::Stdout>,
    is_json: bool,
    is_full: bool,
}

impl Printer {
    pub(super) fn new(is_json: bool, is_full: bool) -> Self {
        Self { out: BufWriter::with_capacity(64 << 10, io::stdout()), is_json, is_full }
    }

    /// Says something about a file; `false` when nobody reads any more, as from all methods here.
    pub(super) fn file(&mut self, set: &str, file: &SetFile) -> bool {
        let length = file.length.unwrap_or(0);
        if self.is_json {
            return self.line(
                &json!({
                    "file": file.name(),
                    "set": set,
                    "size_bytes": file.length,
                    "begun_ms": file.header.map(|header| header.time_ms).or(file.rdb_ms),
                })
                .to_string(),
            );
        }
        let begun = match (file.header, file.rdb_ms) {
            (Some(header), _) => format!(", begun {}", utc_ms(header.time_ms)),
            (None, Some(rdb_ms)) => format!(", an RDB of {}", utc_ms(rdb_ms)),
            (None, None) => String::new(),
        };
        self.line(&format!("-- {} ({set}): {length} bytes{begun}", file.name()))
    }

    pub(super) fn record(
        &mut self,
        position: &str,
        unit: &str,
        past: &PastRecord<'_>,
        database: Option<u64>,
    ) -> bool {
        let line = if self.is_json {
            self.record_json(position, unit, past, database).to_string()
        } else {
            let time = past.written.not_after_ms.map_or_else(|| "-".to_owned(), utc_ms);
            let database = database.map_or_else(|| "db?".to_owned(), |database| format!("db{database}"));
            format!("{time} {position} {database} {}", self.words(&past.record))
        };
        self.line(&line)
    }

    pub(super) fn damage(&mut self, position: &str, file: &SetFile, damage: &PastDamage) -> bool {
        if self.is_json {
            return self.line(
                &json!({
                    "damage": damage.reason,
                    "file": file.name(),
                    "position": position,
                    "offset": damage.offset,
                    "resumed_at": damage.resumed_at,
                })
                .to_string(),
            );
        }
        let rest = match damage.resumed_at {
            Some(offset) => format!("reading goes on at offset {offset}"),
            None => format!(
                "nothing more of the file can be read ({} bytes)",
                file.limit().saturating_sub(damage.offset)
            ),
        };
        self.line(&format!(
            "-- {} is damaged at offset {}: {}; {rest}",
            file.name(),
            damage.offset,
            damage.reason
        ))
    }

    /// Says something that stops nothing.
    pub(super) fn note(&mut self, note: &str) -> bool {
        if self.is_json {
            self.line(&json!({ "note": note }).to_string())
        } else {
            self.line(&format!("-- {note}"))
        }
    }

    /// Hands everything over to the reader.
    pub(super) fn finish(mut self) {
        // Whoever reads us may have gone away; the exit code still tells.
        let _ = self.out.flush();
    }

    fn line(&mut self, line: &str) -> bool {
        self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n")).is_ok()
    }

    fn record_json(&self, position: &str, unit: &str, past: &PastRecord<'_>, database: Option<u64>) -> Value {
        let record = past.record;
        let role = match record.role {
            RecordRole::Single => "single",
            RecordRole::Multi => "multi",
            RecordRole::Queued => "queued",
            RecordRole::Exec => "exec",
        };
        let most = if self.is_full { usize::MAX } else { ARGUMENTS_MAX };
        let arguments: Vec<String> = record
            .arguments()
            .skip(1)
            .take(most)
            .map(|argument| {
                if self.is_full || argument.len() <= ARGUMENT_BYTES_MAX {
                    text(argument)
                } else {
                    format!("{}...", text(&argument[..ARGUMENT_BYTES_MAX]))
                }
            })
            .collect();
        json!({
            "time": past.written.not_after_ms.map(utc_ms),
            "not_before_ms": past.written.not_before_ms,
            "not_after_ms": past.written.not_after_ms,
            "position": position,
            "unit": unit,
            "offset": record.offset,
            "bytes": record.bytes().len(),
            "database": database,
            "role": role,
            "command": text(record.argument(0)),
            "arguments": arguments,
            "arguments_total": record.len() - 1,
        })
    }

    fn words(&self, record: &Record<'_>) -> String {
        words(record, self.is_full)
    }
}

/// A record as one would type it.
pub(super) fn words(record: &Record<'_>, is_full: bool) -> String {
    let mut line = String::new();
    for (index, argument) in record.arguments().enumerate() {
        if !is_full && index == ARGUMENTS_MAX {
            line.push_str(&format!(" ... ({} more)", record.len() - index));
            break;
        }
        if index > 0 {
            line.push(' ');
        }
        if is_full || argument.len() <= ARGUMENT_BYTES_MAX {
            line.push_str(&format!("\"{}\"", argument.escape_ascii()));
        } else {
            let shown = argument[..ARGUMENT_BYTES_MAX].escape_ascii();
            line.push_str(&format!("\"{shown}\"... ({} bytes)", argument.len()));
        }
    }
    line
}
