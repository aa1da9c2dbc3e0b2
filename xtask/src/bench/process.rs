//! What the kernel says a process has used.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of CPU times in `/proc/<pid>/stat`: a constant of Linux' user interface, whatever the kernel ticks at.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time so far: of all threads, ended ones included, and of all children, which is where Redis saves.
pub(super) fn cpu_time(process_id: u32) -> Result<Duration> {
    let path = format!("/proc/{process_id}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let mut ticks = cpu_ticks(&text).with_context(|| format!("cannot understand {path}: {text}"))?;
    for child in children(process_id) {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        ticks += cpu_ticks(&stat).unwrap_or(0);
    }
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// The fields utime, stime, and the same of children that were waited for: 14 to 17 counted from one. The program's name,
/// field 2, may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<u64> =
        after_name.split(' ').skip(14 - 3).take(4).map(|field| field.parse().ok()).collect::<Option<_>>()?;
    (fields.len() == 4).then(|| fields.iter().sum())
}

/// Bytes of the page cache that the process and its ended children made dirty so far, by the kernel's count: where the file
/// system caches in pieces of many pages, it counts the whole piece for every byte changed in it.
pub(super) fn dirtied_bytes(process_id: u32) -> Result<u64> {
    let path = format!("/proc/{process_id}/io");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("{path} has no write_bytes"))
}

/// Bytes that reached the device of a folder so far, from all processes; `None` where a file system has no single device.
pub(super) fn device_bytes(folder: &Path) -> Option<u64> {
    const SECTOR_BYTES: u64 = 512;
    let device = std::fs::metadata(folder).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let text = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    written_sectors(&text).map(|sectors| sectors * SECTOR_BYTES)
}

/// The seventh field.
fn written_sectors(stat: &str) -> Option<u64> {
    stat.split_whitespace().nth(6)?.parse().ok()
}

fn children(process_id: u32) -> Vec<String> {
    let path = format!("/proc/{process_id}/task/{process_id}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().map(str::to_owned).collect()
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

/// Memory that processes can still have, in bytes; `None` where the kernel does not tell.
pub(super) fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Memory that the children of a process have for themselves, in bytes; 0 when there are none (any more).
pub(super) fn children_private_bytes(process_id: u32) -> u64 {
    let private = |child: &String| {
        let text = std::fs::read_to_string(format!("/proc/{child}/smaps_rollup")).unwrap_or_default();
        private_dirty_kilobytes(&text)
    };
    children(process_id).iter().map(private).sum::<u64>() * 1024
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
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 1 0 34 14 3 1 20 0 5 0 314284 0";
        assert_eq!(cpu_ticks(stat), Some(52));
    }

    #[test]
    fn written_sectors_are_found() {
        assert_eq!(written_sectors("  100  1  2000  30  40  5  77 600 0 9 9\n"), Some(77));
        assert_eq!(written_sectors(""), None);
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
        dirtied_bytes(own).unwrap();
        assert!(resident_bytes(own).unwrap() > 100_000);
        assert!(available_bytes().unwrap() > 100_000);
    }
}
