//! A clone of a big hash costs nothing, and each change afterwards copies one path: how much, and how long it takes.
//!
//! `cargo run --release -p lastsave-collections --example clones_share_what_is_equal -- 1000000`

use std::time::Instant;

use lastsave_collections::{Collection as _, Hash, HashLimits};

fn main() {
    let fields = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000_u32);
    let limits = HashLimits::default();
    let mut hash = Hash::new();
    for number in 0..fields {
        hash.set(format!("field:{number}").as_bytes(), b"a value of some length", &limits);
    }
    println!("{} fields, {} bytes", hash.len(), hash.heap_bytes());

    let started = Instant::now();
    let clone = hash.clone();
    println!("cloned in {:?}", started.elapsed());

    for changes in [1, 100, 10_000_u32] {
        let started = Instant::now();
        for number in 0..changes {
            let field = format!("field:{}", number.wrapping_mul(2_654_435_761) % fields.max(1));
            hash.set(field.as_bytes(), b"another value", &limits);
        }
        println!("{changes} changes copied {} bytes in {:?}", hash.take_copied_bytes(), started.elapsed());
    }
    println!("the clone still has {} fields, {} bytes", clone.len(), clone.heap_bytes());
}
