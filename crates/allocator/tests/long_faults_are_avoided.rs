//! In a process that uses the allocator: while long faults are to be avoided, new memory comes in small pages, and in huge ones
//! again afterwards.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "the kernel's numbers are not data")]

use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;

const PIECE_BYTES: usize = 64 << 20;

fn huge_page_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux tells");
    let line = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:")).expect("a line of it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KB");
    kib << 10
}

/// Whether a new piece of memory consists of huge pages, mostly.
fn new_piece_is_huge(pieces: &mut Vec<Vec<u8>>) -> bool {
    let before = huge_page_bytes();
    pieces.push(vec![1; PIECE_BYTES]);
    huge_page_bytes().saturating_sub(before) > PIECE_BYTES as u64 / 2
}

fn wait_until_new_pieces_are(huge: bool, pieces: &mut Vec<Vec<u8>>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while new_piece_is_huge(pieces) != huge {
        assert!(
            Instant::now() < deadline && pieces.len() < 40,
            "new memory is still not as it was asked for"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn new_memory_is_small_pages_only_while_long_faults_are_avoided() {
    lastsave_allocator::start();
    let mut pieces = Vec::new();
    if !new_piece_is_huge(&mut pieces) {
        eprintln!("SKIPPED: this kernel gives no huge pages here, so there are no long faults to avoid");
        return;
    }
    lastsave_allocator::avoid_long_faults(true);
    wait_until_new_pieces_are(false, &mut pieces);
    lastsave_allocator::avoid_long_faults(false);
    wait_until_new_pieces_are(true, &mut pieces);
}
