//! Fills half a gigabyte with small objects, and tells how long the longest of all allocations took and how many blocks
//! were not ready.
//!
//! `cargo run --release -p lastsave-allocator --example longest_allocation`

use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;

fn main() {
    lastsave_allocator::start();
    let mut objects = Vec::with_capacity(4 << 20);
    let mut longest = Duration::ZERO;
    for number in 0..objects.capacity() {
        let started = Instant::now();
        let object = Box::new([number; 16]);
        longest = longest.max(started.elapsed());
        objects.push(object);
    }
    println!("{} objects, the longest allocation took {longest:?}", objects.len());
    println!("{:?}", lastsave_allocator::statistics());
}
