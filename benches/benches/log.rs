//! Appending to the log on a real disk: writes with their frames, syncs, and group commit through the scheduler.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_aof::{
    AofDirectory, AofLog, LoadOptions, LogNames, LogSettings, OpenedLog, open_log, push_record,
};
use lastsave_benches::{Content, Numbers, key, scaled, value};
use lastsave_fsync_scheduler::{Core, Log, MonotonicClock, Options, Policy, Position, Scheduler};
use lastsave_storage::{RealStorage, Storage};

/// Commands of one batch: what one turn of the event loop executes.
const BATCHES: [usize; 2] = [1, 50];
/// A file is replaced after so many batches, so that a bench does not fill the disk.
const BATCHES_PER_FILE: u64 = scaled(10_000, 10) as u64;

/// A directory of its own on the disk of the target directory, removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn create(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the target directory is writable");
        Self(path)
    }

    /// A new, empty log in place of the one before.
    fn log(&self) -> AofLog {
        let _ = std::fs::remove_dir_all(self.0.join("appendonlydir"));
        let storage: Arc<dyn Storage> =
            Arc::new(RealStorage::open(&self.0).expect("the directory was just made"));
        let names = LogNames::new("appendonly.aof", "appendonlydir").expect("the default names are valid");
        let directory = AofDirectory::open(storage, names).expect("an empty directory is valid");
        let settings = Arc::new(LogSettings::new());
        let opened =
            open_log(&directory, &settings, LoadOptions::default()).expect("an empty directory is valid");
        match opened.0 {
            OpenedLog::Empty(empty) => empty.create(None, Position::ZERO).expect("the disk is writable").0,
            _ => unreachable!("the log was just removed"),
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn batch(commands: usize) -> Bytes {
    let mut numbers = Numbers::new(6);
    let mut out = Vec::new();
    for _ in 0..commands {
        let key = key(numbers.below(1_000_000));
        push_record(&mut out, &[b"SET", &key, &value(&mut numbers, Content::Noise)]);
    }
    Bytes::from(out)
}

fn append(criterion: &mut Criterion) {
    let directory = Directory::create("log-append");
    for (name, with_sync) in [("log/write", false), ("log/write_and_sync", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for commands in BATCHES {
            let batch = batch(commands);
            group.throughput(Throughput::Elements(commands as u64));
            group.bench_function(BenchmarkId::from_parameter(commands), |bencher| {
                bencher.iter_custom(|iterations| append_all(&directory, &batch, iterations, with_sync));
            });
        }
        group.finish();
    }
}

fn append_all(directory: &Directory, batch: &Bytes, iterations: u64, with_sync: bool) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(BATCHES_PER_FILE);
        left -= count;
        let mut log = directory.log();
        let mut end = Position::ZERO;
        let mut durable = Position::ZERO;
        let started = Instant::now();
        for _ in 0..count {
            end = end.advance(batch.len() as u64);
            log.write(std::slice::from_ref(batch), end, durable, with_sync).expect("the disk is writable");
            if with_sync {
                log.sync_handle().sync().expect("the disk syncs");
                durable = end;
            }
        }
        took += started.elapsed();
    }
    took
}

/// From the hand-over until the reply may leave, with this many batches handed over at once.
fn commit(criterion: &mut Criterion) {
    let directory = Directory::create("log-commit");
    for policy in [Policy::EverySecond, Policy::Always] {
        let mut group = criterion.benchmark_group(format!("log/commit_{}", policy.name()));
        group.sample_size(20);
        for batches in [1, 16] {
            let batch = batch(1);
            let options = Options { policy, ..Options::default() };
            let core = Core::new(directory.log(), Position::ZERO, options);
            let (bell, wakes) = mpsc::channel();
            let (scheduler, log) = Scheduler::spawn(core, Arc::new(MonotonicClock::new()), move || {
                // Nobody waits any more at the very end.
                let _ = bell.send(());
            })
            .expect("threads can be started");
            let mut end = Position::ZERO;
            group.throughput(Throughput::Elements(batches));
            group.bench_function(BenchmarkId::from_parameter(batches), |bencher| {
                bencher.iter(|| {
                    for _ in 0..batches {
                        end = end.advance(batch.len() as u64);
                        log.append(batch.clone(), end);
                    }
                    while log.want_wake(end) {
                        wakes.recv().expect("the log thread lives");
                    }
                });
            });
            log.close(true);
            assert!(scheduler.join(), "the log thread ends orderly");
        }
        group.finish();
    }
}

criterion_group!(benches, append, commit);
criterion_main!(benches);
