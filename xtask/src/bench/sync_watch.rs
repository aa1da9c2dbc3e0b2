//! When a server syncs its files and how long that takes, seen from outside and the same for every server; and a way to
//! make its disk slow.
//!
//! A small library in C is loaded into the server with `LD_PRELOAD`: it has the kernel trap fsync and fdatasync. Without a
//! C compiler the scenarios do without.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

use crate::shell::Tool;

const SOURCE: &str = include_str!("sync_watch.c");
const HEADER: &str = include_str!("../../../crates/lastsave/tests/harness/preload/trapped_calls.h");
/// Start, duration and whether it is the log: 64 bits each.
const RECORD_BYTES: usize = 24;

/// The compiled library.
pub(super) struct SyncWatcher {
    library: PathBuf,
}

/// What watches one server.
pub(super) struct SyncWatch {
    library: PathBuf,
    delay: PathBuf,
    records: PathBuf,
}

/// One fsync or fdatasync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sync {
    /// By the kernel's monotonic clock.
    pub(super) started_ns: u64,
    pub(super) took_ns: u64,
    /// Of a file of the append-only log, and not of a snapshot or a folder.
    pub(super) is_log: bool,
}

impl SyncWatcher {
    /// Compiles the library; `None`, with a remark, where that is impossible.
    pub(super) fn build(directory: &Path) -> Result<Option<Self>> {
        let (source, library) = (directory.join("sync_watch.c"), directory.join("sync_watch.so"));
        std::fs::write(&source, SOURCE).with_context(|| format!("cannot write {}", source.display()))?;
        std::fs::write(directory.join("trapped_calls.h"), HEADER)?;
        let compiled =
            Tool::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).args([&library, &source]).output();
        match compiled {
            Ok(_) => Ok(Some(Self { library })),
            Err(error) => {
                println!("SKIPPED: watching the servers' syncs needs a C compiler: {error:#}");
                Ok(None)
            }
        }
    }

    /// A watch for a server that is about to start in this folder.
    pub(super) fn watch(&self, directory: &Path) -> Result<SyncWatch> {
        let watch = SyncWatch {
            library: self.library.clone(),
            delay: directory.join("sync_delay"),
            records: directory.join("sync_records"),
        };
        std::fs::write(&watch.delay, 0_u64.to_le_bytes())?;
        std::fs::write(&watch.records, [])?;
        Ok(watch)
    }
}

impl SyncWatch {
    /// What the server's environment needs.
    pub(super) fn variables(&self) -> [(&'static str, &Path); 3] {
        [
            ("LD_PRELOAD", &self.library),
            ("LASTSAVE_BENCH_SYNC_DELAY", &self.delay),
            ("LASTSAVE_BENCH_SYNC_RECORDS", &self.records),
        ]
    }

    /// From now on every sync takes so much longer.
    pub(super) fn set_delay(&self, delay: Duration) -> Result<()> {
        let us = delay.as_micros() as u64;
        let file = File::options().write(true).open(&self.delay)?;
        Ok(file.write_all_at(&us.to_le_bytes(), 0)?)
    }

    /// All syncs so far, in the order in which they began.
    pub(super) fn syncs(&self) -> Result<Vec<Sync>> {
        let bytes = std::fs::read(&self.records).context("the list of syncs is gone")?;
        let mut syncs: Vec<Sync> = bytes.chunks_exact(RECORD_BYTES).map(decode).collect();
        syncs.sort_by_key(|sync| sync.started_ns);
        Ok(syncs)
    }
}

impl Sync {
    pub(super) fn end_ns(&self) -> u64 {
        self.started_ns + self.took_ns
    }
}

fn decode(record: &[u8]) -> Sync {
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&record[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    Sync { started_ns: number(0), took_ns: number(8), is_log: number(16) != 0 }
}

/// A moment by the clock that the records use.
pub(super) fn monotonic_ns(at: Instant) -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let now_ns = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    now_ns.saturating_sub(at.elapsed().as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_understood() {
        let mut record = Vec::new();
        for number in [5_u64, 7, 1] {
            record.extend_from_slice(&number.to_le_bytes());
        }
        let sync = decode(&record);
        assert_eq!(sync, Sync { started_ns: 5, took_ns: 7, is_log: true });
        assert_eq!(sync.end_ns(), 12);
    }

    #[test]
    fn moments_are_on_the_kernels_clock() {
        let earlier = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        let now = monotonic_ns(Instant::now());
        assert!(now - monotonic_ns(earlier) >= 1_900_000);
    }
}
