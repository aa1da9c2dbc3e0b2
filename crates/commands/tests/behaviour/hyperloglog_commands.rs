//! Random commands on HyperLogLogs, and streams of them alone.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::executor::Executor;
use crate::oracle::Oracle;
use crate::same_as_redis::Generator;
use crate::script::show_reply;

fn key(generator: &mut Generator) -> String {
    if generator.chance(5) { generator.key() } else { format!("hll:{}", generator.random.random_range(0..5)) }
}

/// A string that is, or is nearly, a HyperLogLog.
fn text(generator: &mut Generator) -> Vec<u8> {
    let mut text = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80".to_vec();
    match generator.random.random_range(0..5) {
        0 => text[4] = generator.random.random_range(0..4),
        1 => text.truncate(generator.random.random_range(3..17)),
        2 => text.extend([0x7f, 0xff, 0x00]),
        3 => text.extend([0x7f, 0xfe, 0xfc]),
        _ => {
            text[4] = 0;
            text.extend((0..12288).map(|_| generator.random.random_range(0..=255_u8)));
        }
    }
    text
}

pub(crate) fn hyperloglog_command(generator: &mut Generator) -> Vec<Vec<u8>> {
    let name = key(generator);
    match generator.random.random_range(0..10) {
        0..=3 => {
            let mut command = generator.words(&["PFADD", &name]);
            let count = if generator.chance(50) { 1 } else { generator.random.random_range(0..40) };
            command.extend(
                (0..count).map(|_| generator.random.random_range(0..9_000_u32).to_string().into_bytes()),
            );
            command
        }
        4 | 5 => generator.words(&["PFCOUNT", &name]),
        6 => {
            let other = key(generator);
            generator.words(&["PFCOUNT", &name, &other])
        }
        7 => {
            let (one, other) = (key(generator), key(generator));
            generator.words(&["PFMERGE", &name, &one, &other])
        }
        8 => {
            let sub = generator.pick(&["ENCODING", "todense", "encoding", "nothing"]);
            generator.words(&["PFDEBUG", sub, &name])
        }
        _ => vec![b"SET".to_vec(), name.into(), text(generator)],
    }
}

/// Runs a command on both sides; the replies must be the same.
#[track_caller]
fn both(executor: &mut Executor, oracle: &mut Oracle, args: &[&[u8]]) {
    let theirs = oracle.run(args);
    let ours = executor.run(args).reply;
    assert_eq!(show_reply(&ours), show_reply(&theirs), "{}", args[0].escape_ascii());
}

#[test]
fn the_same_bytes_and_counts_as_redis_at_every_size() {
    let Some(mut oracle) = Oracle::start() else { return };
    for (seed, sparse_bytes_max) in [(1, 3000), (2, 200), (3, 6000), (4, 0)] {
        let mut executor = Executor::new();
        executor.options.hll_sparse_max_bytes = sparse_bytes_max;
        oracle.run(&[b"FLUSHALL"]);
        let directive = sparse_bytes_max.to_string();
        oracle.run(&[b"CONFIG", b"SET", b"hll-sparse-max-bytes", directive.as_bytes()]);
        let mut random = SmallRng::seed_from_u64(seed);
        let mut size = 1_usize;
        while size < 15_000 {
            let elements: Vec<Vec<u8>> = (0..size.min(3000))
                .map(|_| (0..random.random_range(0..20_u8)).map(|_| random.random()).collect())
                .collect();
            for name in [&b"a"[..], b"b"] {
                let half = elements.iter().filter(|element| name == b"a" || element.len() % 2 == 0);
                let args: Vec<&[u8]> =
                    [&b"PFADD"[..], name].into_iter().chain(half.map(Vec::as_slice)).collect();
                both(&mut executor, &mut oracle, &args);
                both(&mut executor, &mut oracle, &[b"GET", name]);
                both(&mut executor, &mut oracle, &[b"PFCOUNT", name]);
                both(&mut executor, &mut oracle, &[b"GET", name]);
            }
            both(&mut executor, &mut oracle, &[b"PFCOUNT", b"a", b"b", b"none"]);
            both(&mut executor, &mut oracle, &[b"PFMERGE", b"c", b"b"]);
            both(&mut executor, &mut oracle, &[b"GET", b"c"]);
            both(&mut executor, &mut oracle, &[b"PFDEBUG", b"ENCODING", b"a"]);
            if executor.run(&[b"PFDEBUG", b"ENCODING", b"c"]).reply == b"+sparse\r\n" {
                both(&mut executor, &mut oracle, &[b"PFDEBUG", b"DECODE", b"c"]);
            }
            both(&mut executor, &mut oracle, &[b"PFMERGE", b"d", b"a", b"c"]);
            both(&mut executor, &mut oracle, &[b"GET", b"d"]);
            size = size * 2 + 1;
        }
        both(&mut executor, &mut oracle, &[b"PFDEBUG", b"GETREG", b"b"]);
        both(&mut executor, &mut oracle, &[b"GET", b"b"]);
    }
}
