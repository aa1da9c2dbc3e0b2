//! Fills a keyspace, takes a snapshot, overwrites everything while another thread reads it, and shows what it cost.
//!
//! `cargo run --release -p lastsave-keyspace --example snapshot_while_writing -- [keys]`

use std::convert::Infallible;
use std::time::Instant;

use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue};

fn main() {
    let keys: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let value = [7_u8; 100];
    let write = |keyspace: &mut Keyspace, number: u64| {
        let name = format!("key:{number:012}");
        let key = keyspace.key(name.as_bytes());
        keyspace.db_mut(0).set(&key, NewValue::Bytes(&value), Expiry::Clear);
    };
    let started = Instant::now();
    for number in 0..keys {
        write(&mut keyspace, number);
    }
    let live_bytes = keyspace.memory().live_bytes;
    println!(
        "{keys} keys written in {:?}, {} bytes per key",
        started.elapsed(),
        live_bytes as u64 / keys.max(1)
    );

    let started = Instant::now();
    let mut snapshot = keyspace.snapshot();
    println!("snapshot taken in {:?}", started.elapsed());
    let reader = std::thread::spawn(move || {
        let mut bytes = 0;
        while snapshot
            .visit_next(|entry| {
                bytes += entry.key().len() + entry.allocated_bytes();
                Ok::<_, Infallible>(())
            })
            .expect("visiting cannot fail")
            .is_some()
        {}
        bytes
    });
    let started = Instant::now();
    let mut writes = 0_u64;
    while !reader.is_finished() {
        write(&mut keyspace, writes.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys.max(1));
        writes += 1;
    }
    println!("{writes} overwrites during the snapshot in {:?}", started.elapsed());
    println!("read {} bytes", reader.join().expect("the reader does not panic"));
    keyspace.reap_snapshots();
    println!(
        "peak extra memory: {:.1} %",
        100.0 * keyspace.memory().retired_bytes_peak as f64 / live_bytes as f64
    );
}
