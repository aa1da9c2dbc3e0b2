//! The executor writes at full speed while other threads read snapshots. Run under ThreadSanitizer and AddressSanitizer
//! by `cargo xtask sanitize`.

use std::convert::Infallible;
use std::thread;

use lastsave_keyspace::{Expiry, IntegerBuffer, Keyspace, KeyspaceOptions, NewValue, Snapshot, Value};

/// Keys come in pairs that always hold the same text; a snapshot that mixes two moments would see them differ.
const PAIRS: u64 = 3_000;

fn value_of(round: u64, pair: u64) -> String {
    match pair % 4 {
        0 => format!("{round}"),
        1 => format!("round {round} of pair {pair}"),
        2 => format!("{round:0>200}"),
        _ => format!("{round:0>5000}"),
    }
}

fn write_pair(keyspace: &mut Keyspace, round: u64, pair: u64) {
    let text = value_of(round, pair);
    for half in ["a", "b"] {
        let name = format!("{pair}:{half}");
        let key = keyspace.key(name.as_bytes());
        keyspace.db_mut((pair % 2) as usize).set(&key, NewValue::encode(text.as_bytes()), Expiry::Clear);
    }
}

fn read(mut snapshot: Snapshot) -> usize {
    let mut seen = std::collections::HashMap::new();
    while snapshot
        .visit_next(|entry| {
            let Value::String(value) = entry.value() else { unreachable!("only strings are written") };
            let text = value.to_text(&mut IntegerBuffer::new()).to_vec();
            let name = String::from_utf8(entry.key().to_vec()).expect("keys are text");
            let pair = name.split(':').next().expect("keys have two parts").to_owned();
            if let Some(other) = seen.insert(pair, text.clone()) {
                assert_eq!(other, text, "{name} is of another moment than its twin");
            }
            Ok::<_, Infallible>(())
        })
        .expect("visiting cannot fail")
        .is_some()
    {}
    seen.len()
}

#[test]
fn twins_agree_in_every_snapshot_while_they_are_overwritten() {
    let mut keyspace = Keyspace::new(&KeyspaceOptions { databases: 2, hash_seed: None });
    for pair in 0..PAIRS {
        write_pair(&mut keyspace, 0, pair);
    }
    let mut readers = Vec::new();
    let mut state = 1_u64;
    for round in 1..=60_u64 {
        let snapshot = keyspace.snapshot();
        readers.push(thread::spawn(move || read(snapshot)));
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pair = (state >> 33) % PAIRS;
            match state % 16 {
                0 => {
                    for half in ["a", "b"] {
                        let name = format!("{pair}:{half}");
                        let key = keyspace.key(name.as_bytes());
                        keyspace.db_mut((pair % 2) as usize).remove(&key);
                    }
                }
                1 => {
                    for half in ["a", "b"] {
                        let name = format!("{pair}:{half}");
                        let key = keyspace.key(name.as_bytes());
                        keyspace.db_mut((pair % 2) as usize).append(&key, b"+");
                    }
                }
                _ => write_pair(&mut keyspace, round, pair),
            }
        }
        if round % 20 == 0 {
            keyspace.flush(0);
        }
        keyspace.reap_snapshots();
        if readers.len() > 3 {
            let seen = readers.remove(0).join().expect("the reader does not panic");
            assert!(seen > 0);
        }
    }
    for reader in readers {
        reader.join().expect("the reader does not panic");
    }
    keyspace.reap_snapshots();
    keyspace.flush_all();
    keyspace.wait_for_reclaim();
    assert_eq!(keyspace.memory().live_bytes, 0);
    assert_eq!(keyspace.memory().retired_bytes, 0);
}
