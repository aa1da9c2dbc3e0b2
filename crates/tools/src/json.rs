//! What the tools found, as JSON.
//!
//! Keys and names that are not UTF-8, or hold control characters, are written with escapes such as `\xff`.

use std::path::Path;

use lastsave_aof::{CheckReport, FileKind, FileReport, FileVerdict, FrameReport, ManifestPlan, PlannedFile};
use serde_json::{Value, json};

/// Bytes as text: as they are if they are UTF-8 without control characters, else escaped.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

pub(crate) fn check_report(path: &Path, report: &CheckReport) -> Value {
    json!({
        "path": path.to_string_lossy(),
        "valid": report.is_valid,
        "multi_part": report.is_multi_part,
        "failure": report.failure,
        "files": report.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(file: &FileReport) -> Value {
    let verdict = match file.verdict {
        FileVerdict::Valid => "valid",
        FileVerdict::Empty => "empty",
        FileVerdict::Damaged => "damaged",
        FileVerdict::Truncated => "truncated",
        FileVerdict::TruncatedToTimestamp => "truncated-to-timestamp",
        FileVerdict::WouldTruncate => "would-truncate",
        FileVerdict::Unreadable => "unreadable",
    };
    json!({
        "name": file.name,
        "role": file.kind.map(role),
        "rdb": file.has_rdb,
        "size_bytes": file.size,
        "ok_up_to": file.ok_up_to,
        "errors": file.errors,
        "frames": file.frames.as_ref().map(frames),
        "verdict": verdict,
    })
}

fn role(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Base => "base",
        FileKind::History => "history",
        FileKind::Increment => "increment",
    }
}

fn frames(frames: &FrameReport) -> Value {
    json!({
        "verified_bytes": frames.verified_bytes,
        "prepared_bytes": frames.prepared_bytes,
        "durable_up_to": frames.last_long.map(|long| long.durable),
        "last_time_ms": frames.last_long.map(|long| long.time_ms),
        "damage": frames.damage.as_ref().map(|damage| json!({
            "offset": damage.offset,
            "reason": damage.text,
            "valid_frames_behind": damage.valid_frames_behind,
            "valid_end": damage.valid_end,
            "was_durable": damage.durable_mark.is_some(),
        })),
    })
}

pub(crate) fn rebuild(manifest: &Path, plan: &ManifestPlan, is_written: bool, kept: Option<&[u8]>) -> Value {
    json!({
        "manifest": manifest.to_string_lossy(),
        "text": String::from_utf8_lossy(&plan.manifest.to_text()),
        "files": plan.files.iter().map(planned_file).collect::<Vec<_>>(),
        "damaged_manifest": plan.damaged,
        "kept_as": kept.map(text),
        "from_temporary": plan.from_temporary,
        "written": is_written,
    })
}

fn planned_file(file: &PlannedFile) -> Value {
    json!({
        "name": text(&file.name),
        "role": role(file.kind),
        "sequence": file.sequence,
        "size_bytes": file.bytes,
        "modified_ms": file.modified_ms,
        "begun_ms": file.begun_ms,
        "listed": file.is_listed,
    })
}

/// A time as `2024-02-29 12:34:56 UTC`.
pub(crate) fn utc(unix_ms: i64) -> String {
    format!("{} UTC", calendar(unix_ms))
}

/// A time as `2024-02-29 12:34:56.789 UTC`.
pub(crate) fn utc_ms(unix_ms: u64) -> String {
    let unix_ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    format!("{}.{:03} UTC", calendar(unix_ms), unix_ms.rem_euclid(1000))
}

fn calendar(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day % 3600 / 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_827_696_000), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(1_709_210_096_789), "2024-02-29 12:34:56 UTC");
        assert_eq!(utc(-1), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn bytes_are_shown_without_losing_any() {
        assert_eq!(text("grün".as_bytes()), "grün");
        assert_eq!(text(b"a\xff\n"), "a\\xff\\n");
    }
}
