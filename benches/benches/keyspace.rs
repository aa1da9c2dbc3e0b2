//! Lookups, writes, writes while a snapshot is open, and the cut of a snapshot.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_benches::{Content, Numbers, key, scaled, value};
use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue};

/// More than any cache holds, in an optimized build.
const KEYS: usize = scaled(1_000_000, 1_000);
/// Commands of one pipelined batch.
const BATCH: usize = 32;

fn filled(keys: usize) -> Keyspace {
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let mut numbers = Numbers::new(1);
    for number in 0..keys {
        set(&mut keyspace, number, &value(&mut numbers, Content::Noise));
    }
    keyspace
}

fn set(keyspace: &mut Keyspace, number: usize, value: &[u8]) -> bool {
    let name = key(number);
    let key = keyspace.key(&name);
    keyspace.db_mut(0).set(&key, NewValue::Bytes(value), Expiry::Clear)
}

fn get(criterion: &mut Criterion) {
    let keyspace = filled(KEYS);
    let mut numbers = Numbers::new(2);
    let mut group = criterion.benchmark_group("keyspace/get");
    group.throughput(Throughput::Elements(1));
    for (name, end) in [("hit", KEYS), ("half_miss", 2 * KEYS)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let name = key(numbers.below(end));
                keyspace.db(0).get(&keyspace.key(&name)).map(|entry| entry.allocated_bytes())
            });
        });
    }
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("hit_batch_prefetched", |bencher| {
        bencher.iter(|| {
            let names: [_; BATCH] = std::array::from_fn(|_| key(numbers.below(KEYS)));
            let keys = names.each_ref().map(|name| keyspace.key(name));
            let database = keyspace.db(0);
            keys.iter().for_each(|key| database.prefetch_segment(key));
            keys.iter().for_each(|key| database.prefetch_entry(key));
            keys.iter().filter_map(|key| database.get(key)).map(|entry| entry.key().len()).sum::<usize>()
        });
    });
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keyspace/set");
    group.throughput(Throughput::Elements(1));
    let mut numbers = Numbers::new(3);
    let content = value(&mut numbers, Content::Noise);

    let mut keyspace = filled(KEYS);
    group.bench_function("overwrite", |bencher| {
        bencher.iter(|| set(&mut keyspace, numbers.below(KEYS), black_box(&content)));
    });
    drop(keyspace);

    // Into an empty keyspace that grows, a new one whenever it is as big as that of the other benches.
    group.bench_function("insert", |bencher| {
        bencher.iter_custom(|iterations| {
            in_rounds(iterations, KEYS, |count| {
                let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
                let started = Instant::now();
                for number in 0..count {
                    set(&mut keyspace, number, black_box(&content));
                }
                started.elapsed()
            })
        });
    });

    // The worst case: a snapshot that nobody reads, so every node that is met for the first time must be copied.
    let mut keyspace = filled(KEYS);
    group.bench_function("overwrite_during_snapshot", |bencher| {
        bencher.iter_custom(|iterations| {
            in_rounds(iterations, KEYS / 4, |count| {
                let snapshot = keyspace.snapshot();
                let started = Instant::now();
                for _ in 0..count {
                    set(&mut keyspace, numbers.below(KEYS), black_box(&content));
                }
                let took = started.elapsed();
                drop(snapshot);
                keyspace.reap_snapshots();
                keyspace.wait_for_reclaim();
                took
            })
        });
    });
    group.finish();
}

/// Splits `iterations` into rounds of at most `round`, each with a setup that is not measured.
fn in_rounds(iterations: u64, round: usize, mut run: impl FnMut(usize) -> Duration) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(round as u64);
        took += run(count as usize);
        left -= count;
    }
    took
}

fn cut(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keyspace/cut");
    for keys in [scaled(10_000, 100), KEYS] {
        let mut keyspace = filled(keys);
        let content = value(&mut Numbers::new(4), Content::Noise);
        group.bench_function(BenchmarkId::from_parameter(keys), |bencher| {
            bencher.iter_custom(|iterations| {
                in_rounds(iterations, 1, |_| {
                    // Between two cuts there is always a write; without one a cut could be shared.
                    set(&mut keyspace, 0, &content);
                    let started = Instant::now();
                    let snapshot = keyspace.snapshot();
                    let took = started.elapsed();
                    drop(snapshot);
                    keyspace.reap_snapshots();
                    took
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, get, write, cut);
criterion_main!(benches);
