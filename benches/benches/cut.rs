//! The cut of a snapshot in a big keyspace, and the first write after it, a hundred times with writes in between.
//!
//! `cargo bench -p lastsave-benches --bench cut -- 20000000` for twenty million keys. Not a criterion bench: that would
//! take thousands of cuts, and fill the keyspace for each number of them.

use std::time::{Duration, Instant};

use lastsave_benches::{Content, Numbers, key, scaled, value};
use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue};

const KEYS: usize = scaled(2_000_000, 1_000);
const CUTS: usize = scaled(100, 3);
/// Random overwrites while each snapshot is live.
const WRITES: usize = scaled(10_000, 100);

fn main() {
    let given = std::env::args().skip(1).find_map(|argument| argument.parse::<usize>().ok());
    let keys = given.unwrap_or(KEYS).max(1);
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let mut numbers = Numbers::new(1);
    let content = value(&mut numbers, Content::Noise);
    let set = |keyspace: &mut Keyspace, number: usize| {
        let name = key(number);
        let key = keyspace.key(&name);
        keyspace.db_mut(0).set(&key, NewValue::Bytes(&content), Expiry::Clear);
    };
    for number in 0..keys {
        set(&mut keyspace, number);
    }
    let (mut cuts, mut first_writes) = (Vec::new(), Vec::new());
    for _ in 0..CUTS {
        let started = Instant::now();
        let snapshot = keyspace.snapshot();
        cuts.push(started.elapsed());
        let started = Instant::now();
        set(&mut keyspace, numbers.below(keys));
        first_writes.push(started.elapsed());
        for _ in 0..WRITES {
            set(&mut keyspace, numbers.below(keys));
        }
        drop(snapshot);
        keyspace.reap_snapshots();
    }
    println!("{keys} keys, {CUTS} snapshots, {WRITES} overwrites during each");
    report("cut", cuts);
    report("first write after it", first_writes);
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let highest = times.last().copied().unwrap_or_default();
    println!("{what}: median {:?}, highest {highest:?}", times[times.len() / 2]);
}
