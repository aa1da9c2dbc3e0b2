//! Small collections in packed bytes, compression, and the checksums of both kinds of file.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_aof::Header;
use lastsave_benches::{Content, Numbers, VALUE_BYTES, key, value};
use lastsave_listpack::{Listpack, ListpackBuilder, ListpackRef};
use lastsave_lzf::{Compressor, decompress};

/// Elements of a collection: few, and the most that hashes have before they are unpacked.
const LENGTHS: [usize; 2] = [8, 128];
/// Bytes that are checksummed: a record, and a batch of them.
const CHECKSUM_BYTES: [usize; 2] = [128, 64 * 1024];

fn packed(len: usize) -> Listpack {
    let mut builder = ListpackBuilder::with_capacity(len * 24);
    (0..len).for_each(|number| builder.push(&key(number)));
    builder.finish()
}

fn listpack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("listpack");
    for len in LENGTHS {
        let pack = packed(len);
        let last = key(len - 1);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("find_last", len), |bencher| {
            bencher.iter(|| pack.find(black_box(&last), 0).is_some());
        });
        group.bench_function(BenchmarkId::new("push_and_remove", len), |bencher| {
            let mut pack = packed(len);
            bencher.iter(|| {
                pack.push_back(black_box(&last));
                let position = pack.last().expect("something was just pushed");
                pack.remove(position)
            });
        });
        group.bench_function(BenchmarkId::new("replace_middle", len), |bencher| {
            let mut pack = packed(len);
            let position = pack.seek(len as i64 / 2).expect("the middle is there");
            bencher.iter(|| pack.replace(position, black_box(&last)));
        });
        group.throughput(Throughput::Elements(len as u64));
        group.bench_function(BenchmarkId::new("build", len), |bencher| {
            bencher.iter(|| packed(black_box(len)));
        });
        group.bench_function(BenchmarkId::new("check", len), |bencher| {
            let bytes = pack.as_bytes();
            bencher.iter(|| ListpackRef::from_bytes(black_box(bytes)).map(ListpackRef::len));
        });
        group.bench_function(BenchmarkId::new("iterate", len), |bencher| {
            bencher.iter(|| pack.iter().filter(|value| !value.is_empty()).count());
        });
    }
    group.finish();
}

fn lzf(criterion: &mut Criterion) {
    let mut numbers = Numbers::new(4);
    let big: Vec<u8> = (0..100).flat_map(|_| value(&mut numbers, Content::Document)).collect();
    let cases = [
        ("noise_100", value(&mut numbers, Content::Noise)),
        ("document_100", value(&mut numbers, Content::Document)),
        ("document_10000", big),
    ];
    assert_eq!(cases[0].1.len(), VALUE_BYTES);
    let mut group = criterion.benchmark_group("lzf");
    for (name, plain) in &cases {
        group.throughput(Throughput::Bytes(plain.len() as u64));
        let mut compressor = Compressor::default();
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::new("compress", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                compressor.compress(black_box(plain), plain.len() - 4, &mut out)
            });
        });
        out.clear();
        if !compressor.compress(plain, plain.len() - 4, &mut out) {
            continue;
        }
        group.bench_function(BenchmarkId::new("decompress", name), |bencher| {
            bencher.iter(|| decompress(black_box(&out), plain.len() as u64).map(|plain| plain.len()));
        });
    }
    group.finish();
}

fn checksums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    for bytes in CHECKSUM_BYTES {
        let data = vec![0x5a_u8; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("log_frame", bytes), |bencher| {
            bencher.iter(|| {
                let mut digest = crc64fast::Digest::new();
                digest.write(black_box(&data));
                digest.sum64()
            });
        });
        group.bench_function(BenchmarkId::new("snapshot", bytes), |bencher| {
            bencher.iter(|| {
                let mut checksum = lastsave_rdb::Checksum::new();
                checksum.update(black_box(&data));
                checksum.value()
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    let header = Header { segment_id: 7, start: 12_345, predecessor: None, time_ms: 1_700_000_000_000 };
    group.bench_function("log_header", |bencher| {
        bencher.iter(|| Header::from_line(&black_box(&header).to_line()) == Some(header));
    });
    group.finish();
}

criterion_group!(benches, listpack, lzf, checksums);
criterion_main!(benches);
