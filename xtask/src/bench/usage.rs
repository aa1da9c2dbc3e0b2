//! What the kernel says a process has used.

use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of CPU times in `/proc/<pid>/stat`: a constant of Linux' user interface, whatever the kernel ticks at.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of all threads so far, ended ones included.
pub(super) fn cpu_time(process_id: u32) -> Result<Duration> {
    let path = format!("/proc/{process_id}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = cpu_ticks(&text).with_context(|| format!("cannot understand {path}: {text}"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// The fields utime and stime, 14 and 15 counted from one. The program's name, field 2, may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Resident memory in bytes.
pub(super) fn resident_bytes(process_id: u32) -> Result<u64> {
    let path = format!("/proc/{process_id}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse().ok())
        .with_context(|| format!("{path} has no VmRSS"))?;
    Ok(kilobytes * 1024)
}

/// Memory that the children of a process have for themselves, in bytes; 0 when there are none (any more).
pub(super) fn children_private_bytes(process_id: u32) -> u64 {
    let path = format!("/proc/{process_id}/task/{process_id}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let private = |child: &str| {
        let text = std::fs::read_to_string(format!("/proc/{child}/smaps_rollup")).unwrap_or_default();
        private_dirty_kilobytes(&text)
    };
    children.split_whitespace().map(private).sum::<u64>() * 1024
}

fn private_dirty_kilobytes(rollup: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_confuse() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 1 0 34 14 0 0 20 0 5 0 314284 0";
        assert_eq!(cpu_ticks(stat), Some(48));
    }

    #[test]
    fn private_pages_are_found() {
        assert_eq!(private_dirty_kilobytes("Rss: 12 kB\nPrivate_Dirty:     3204 kB\n"), 3204);
        assert_eq!(private_dirty_kilobytes(""), 0);
    }

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        cpu_time(own).unwrap();
        assert!(resident_bytes(own).unwrap() > 100_000);
    }
}
