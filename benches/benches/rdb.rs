//! Writing and reading a snapshot file, in memory, and writing one from a keyspace as BGSAVE does.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_benches::{Content, Numbers, VALUE_BYTES, key, scaled, value};
use lastsave_keyspace::{Expiry, IntegerBuffer, Keyspace, KeyspaceOptions, NewValue, Value};
use lastsave_rdb::{Event, KeyMetadata, Reader, ReaderOptions, StringRef, Writer, WriterOptions};

const KEYS: usize = scaled(20_000, 100);

fn values(content: Content) -> Vec<Vec<u8>> {
    let mut numbers = Numbers::new(5);
    (0..KEYS).map(|_| value(&mut numbers, content)).collect()
}

fn encode(out: Vec<u8>, values: &[Vec<u8>], compression: bool) -> Vec<u8> {
    let options = WriterOptions { compression, ..WriterOptions::default() };
    let mut writer = Writer::bare(out, options).expect("memory takes everything");
    writer.select_database(0).expect("memory takes everything");
    writer.resize(values.len() as u64, 0).expect("memory takes everything");
    for (number, value) in values.iter().enumerate() {
        let written = writer.string(&key(number), StringRef::Bytes(value), &KeyMetadata::default());
        written.expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything").inner
}

fn decode(file: &[u8]) -> usize {
    let options = ReaderOptions { total_bytes: Some(file.len() as u64), ..ReaderOptions::default() };
    let mut reader = Reader::new(file, options);
    let mut keys = 0;
    loop {
        match reader.next_event().expect("the writer's output is readable") {
            Event::Key(_) => keys += 1,
            Event::End { .. } => return keys,
            _ => {}
        }
    }
}

fn rdb(criterion: &mut Criterion) {
    let cases = [
        ("noise", Content::Noise, true),
        ("document", Content::Document, true),
        ("document_uncompressed", Content::Document, false),
    ];
    let bytes = Throughput::Bytes((KEYS * (16 + VALUE_BYTES)) as u64);

    let mut group = criterion.benchmark_group("rdb/encode");
    group.throughput(bytes.clone());
    for (name, content, compression) in cases {
        let values = values(content);
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                // The same memory again: this is about the encoder, not about growing a vector.
                let mut reused = std::mem::take(&mut out);
                reused.clear();
                out = encode(reused, &values, compression);
                out.len()
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("rdb/decode");
    group.throughput(bytes);
    for (name, content, compression) in cases {
        let file = encode(Vec::new(), &values(content), compression);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| assert_eq!(decode(&file), KEYS));
        });
    }
    group.finish();
}

/// From the cut to the last byte.
fn snapshot(criterion: &mut Criterion) {
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let mut numbers = Numbers::new(5);
    for number in 0..KEYS {
        let (name, value) = (key(number), value(&mut numbers, Content::Noise));
        let key = keyspace.key(&name);
        keyspace.db_mut(0).set(&key, NewValue::Bytes(&value), Expiry::Clear);
    }
    let mut group = criterion.benchmark_group("rdb/snapshot");
    group.throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("write", |bencher| {
        bencher.iter(|| {
            let mut snapshot = keyspace.snapshot();
            let mut writer =
                Writer::bare(Vec::new(), WriterOptions::default()).expect("memory takes everything");
            writer.select_database(0).expect("memory takes everything");
            writer.resize(KEYS as u64, 0).expect("memory takes everything");
            loop {
                let visited = snapshot.visit_next(|entry| {
                    let Value::String(string) = entry.value() else { unreachable!("only strings were set") };
                    let mut buffer = IntegerBuffer::new();
                    let text = StringRef::Bytes(string.to_text(&mut buffer));
                    writer.string(entry.key(), text, &KeyMetadata::default())
                });
                if visited.expect("memory takes everything").is_none() {
                    break;
                }
            }
            drop(snapshot);
            keyspace.reap_snapshots();
            writer.finish().expect("memory takes everything").inner.len()
        });
    });
    group.finish();
}

criterion_group!(benches, rdb, snapshot);
criterion_main!(benches);
