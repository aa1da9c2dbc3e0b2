//! Parsing requests and encoding replies.

use std::hint::black_box;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lastsave_benches::{Content, Numbers, VALUE_BYTES, key, value};
use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer, encode_command};

const PIPELINES: [usize; 3] = [1, 32, 512];

fn pipeline(commands: usize, is_write: bool) -> Vec<u8> {
    let mut numbers = Numbers::new(7);
    let mut out = BytesMut::new();
    for _ in 0..commands {
        let key = key(numbers.below(1_000_000));
        if is_write {
            encode_command(&mut out, &[b"SET", &key, &value(&mut numbers, Content::Noise)]);
        } else {
            encode_command(&mut out, &[b"GET", &key]);
        }
    }
    out.to_vec()
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resp/parse");
    for (name, is_write) in [("get", false), ("set", true)] {
        for commands in PIPELINES {
            let input = pipeline(commands, is_write);
            group.throughput(Throughput::Elements(commands as u64));
            group.bench_with_input(BenchmarkId::new(name, commands), &input, |bencher, input| {
                let (mut parser, mut batch, limits) = (Parser::new(), Batch::new(), Limits::default());
                bencher.iter(|| {
                    batch.clear();
                    let progress = parser.parse(black_box(input), &limits, &mut batch, usize::MAX);
                    assert_eq!(progress.consumed, input.len());
                    // What the dispatcher looks at first.
                    batch.requests(input).map(|request| request.arg(1).len()).sum::<usize>()
                });
            });
        }
    }
    group.finish();
}

/// Produces one reply.
type Encode<'a> = &'a dyn Fn(&mut ReplyBuffer);

fn reply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resp/reply");
    let small = value(&mut Numbers::new(7), Content::Noise);
    let big = Bytes::from(vec![b'x'; 64 * 1024]);
    let kinds: [(&str, Encode<'_>); 4] = [
        ("ok", &|out| out.ok()),
        ("integer", &|out| out.integer(black_box(12_345))),
        ("bulk", &|out| out.bulk(black_box(&small))),
        ("bulk_shared_64k", &|out| out.bulk_shared(&big)),
    ];
    assert_eq!(small.len(), VALUE_BYTES);
    for (name, encode) in kinds {
        for replies in PIPELINES {
            group.throughput(Throughput::Elements(replies as u64));
            group.bench_function(BenchmarkId::new(name, replies), |bencher| {
                let mut out = ReplyBuffer::new(Protocol::Resp2);
                bencher.iter(|| {
                    for _ in 0..replies {
                        encode(&mut out);
                    }
                    send_all(&mut out)
                });
            });
        }
    }
    group.finish();
}

/// Takes everything out the way a socket that accepts all would.
fn send_all(out: &mut ReplyBuffer) -> usize {
    let mut sent = 0;
    while out.pending() > 0 {
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        out.io_slices(u64::MAX, &mut slices);
        let bytes = slices.iter().map(|slice| black_box(slice).len()).sum();
        drop(slices);
        out.consume(bytes);
        sent += bytes;
    }
    sent
}

criterion_group!(benches, parse, reply);
criterion_main!(benches);
