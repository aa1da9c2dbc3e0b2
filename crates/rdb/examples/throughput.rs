//! Measures writer and reader in memory, and LZF beside the `lzf` crate.
//!
//! ```text
//! cargo run --release -p lastsave-rdb --example throughput
//! ```

use std::{
    hint::black_box,
    io::{self, Write},
    time::Instant,
};

use lastsave_rdb::{Event, KeyMetadata, Reader, ReaderOptions, StringRef, Writer, WriterOptions};

const KEYS: usize = 400_000;
const ROUNDS: usize = 5;

/// Counts what it is given, as a file system would take it.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        black_box(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Values of 100 bytes: noise, or JSON with a few fields that differ.
fn values(compressible: bool) -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..10_000)
        .map(|_| {
            let mut value = Vec::new();
            if compressible {
                let (id, total) = (random() % 1_000_000, random() % 10_000);
                let text = format!(
                    "{{\"user_id\":{id},\"user_name\":\"user-{id}\",\"user_total\":{total},\"user_active\":true,\"user_tags\":[\"a\",\"b\"]}}"
                );
                value.extend_from_slice(text.as_bytes());
            } else {
                while value.len() < 100 {
                    value.extend_from_slice(&random().to_le_bytes());
                }
            }
            value.resize(100, b' ');
            value
        })
        .collect()
}

fn write<W: Write>(output: W, values: &[Vec<u8>], compression: bool) -> W {
    let options = WriterOptions { compression, ..WriterOptions::default() };
    let mut writer = Writer::bare(output, options).expect("memory takes every byte");
    let metadata = KeyMetadata::default();
    let mut key = *b"key:000000000000";
    for index in 0..KEYS {
        key[8..].copy_from_slice(&(index as u64).to_le_bytes());
        let value = StringRef::Bytes(&values[index % values.len()]);
        writer.string(&key, value, &metadata).expect("memory takes every byte");
    }
    writer.finish().expect("memory takes every byte").inner
}

/// The best of some rounds, in nanoseconds per key.
fn best(mut round: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_nanos() as f64 / KEYS as f64);
    }
    best
}

fn report(what: &str, nanoseconds: f64) {
    // 116 bytes of key and value.
    println!("{what:<55} {nanoseconds:7.1} ns per key {:7.2} GB/s", 116.0 / nanoseconds);
}

fn main() {
    for compressible in [false, true] {
        let kind = if compressible { "JSON" } else { "noise" };
        let values = values(compressible);
        for compression in [false, true] {
            let settings = format!("{kind}, compression {}", if compression { "on" } else { "off" });
            report(
                &format!("write {settings}"),
                best(|| assert!(write(Counted(0), &values, compression).0 > 0)),
            );
            let file = write(Vec::new(), &values, compression);
            report(
                &format!("read {settings} ({} MB)", file.len() / 1_000_000),
                best(|| {
                    let options =
                        ReaderOptions { total_bytes: Some(file.len() as u64), ..ReaderOptions::default() };
                    let mut reader = Reader::new(&file[..], options);
                    loop {
                        let event = reader.next_event().expect("our own file");
                        if matches!(black_box(event), Event::End { .. }) {
                            break;
                        }
                    }
                }),
            );
        }
        report(
            &format!("lzf crate, compress {kind}"),
            best(|| {
                for index in 0..KEYS {
                    drop(black_box(lzf::compress(&values[index % values.len()])));
                }
            }),
        );
        let compressed: Vec<_> = values.iter().map(|value| lzf::compress(value)).collect();
        report(
            &format!("lzf crate, decompress {kind}"),
            best(|| {
                for index in 0..KEYS {
                    if let Ok(bytes) = &compressed[index % values.len()] {
                        drop(black_box(lzf::decompress(bytes, 100)));
                    }
                }
            }),
        );
    }
}
