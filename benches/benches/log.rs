//! The log: writes with their frames, syncs, group commit through the scheduler on the machine's disk and on one that takes
//! a millisecond for every sync, and reading it all again.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_aof::{LoadStep, OpenedLog};
use lastsave_benches::{LogFolder, log_batch, scaled};
use lastsave_fsync_scheduler::{Core, Log, MonotonicClock, Options, Policy, Position, Scheduler};

/// Commands of one batch: what one turn of the event loop executes.
const BATCHES: [usize; 2] = [1, 50];
/// A file is replaced after so many batches, so that a bench does not fill the disk.
const BATCHES_PER_FILE: u64 = scaled(10_000, 10) as u64;
/// Batches in the log that is read.
const BATCHES_READ: usize = scaled(2_000, 20);
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn append(criterion: &mut Criterion) {
    let folder = LogFolder::create(FOLDER, "log-append", None);
    for (name, with_sync) in [("log/write", false), ("log/write_and_sync", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for commands in BATCHES {
            let batch = log_batch(commands);
            group.throughput(Throughput::Elements(commands as u64));
            group.bench_function(BenchmarkId::from_parameter(commands), |bencher| {
                bencher.iter_custom(|iterations| append_all(&folder, &batch, iterations, with_sync));
            });
        }
        group.finish();
    }
}

fn append_all(folder: &LogFolder, batch: &Bytes, iterations: u64, with_sync: bool) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(BATCHES_PER_FILE);
        left -= count;
        let mut log = folder.new_log();
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
    let real = LogFolder::create(FOLDER, "log-commit", None);
    commit_on(criterion, &real, "log/commit", &[Policy::EverySecond, Policy::Always]);
    let steady = LogFolder::create(FOLDER, "log-commit-steady", Some(Duration::from_millis(1)));
    commit_on(criterion, &steady, "log/commit_on_1_ms_disk", &[Policy::Always]);
}

fn commit_on(criterion: &mut Criterion, folder: &LogFolder, name: &str, policies: &[Policy]) {
    for policy in policies {
        let mut group = criterion.benchmark_group(format!("{name}_{}", policy.name()));
        group.sample_size(20);
        for batches in [1, 16, 256] {
            let batch = log_batch(1);
            let options = Options { policy: *policy, ..Options::default() };
            let core = Core::new(folder.new_log(), Position::ZERO, options);
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

/// A start: everything is read, verified and handed out as commands.
fn recover(criterion: &mut Criterion) {
    let folder = LogFolder::create(FOLDER, "log-recover", None);
    let mut group = criterion.benchmark_group("log/recover");
    group.sample_size(20);
    for commands in BATCHES {
        let batch = log_batch(commands);
        let mut log = folder.new_log();
        let mut end = Position::ZERO;
        for _ in 0..BATCHES_READ {
            end = end.advance(batch.len() as u64);
            log.write(std::slice::from_ref(&batch), end, Position::ZERO, false)
                .expect("the disk is writable");
        }
        drop(log);
        group.throughput(Throughput::Elements((BATCHES_READ * commands) as u64));
        group.bench_function(BenchmarkId::new("commands_per_frame", commands), |bencher| {
            bencher.iter(|| assert_eq!(count_records(&folder), BATCHES_READ * commands));
        });
    }
    group.finish();
}

fn count_records(folder: &LogFolder) -> usize {
    let OpenedLog::Existing(mut loader) = folder.open() else { unreachable!("a log was written") };
    let mut records = 0;
    while let Some(step) = loader.step().expect("the log is valid") {
        records += usize::from(matches!(step, LoadStep::Record(_)));
    }
    records
}

criterion_group!(benches, append, commit, recover);
criterion_main!(benches);
