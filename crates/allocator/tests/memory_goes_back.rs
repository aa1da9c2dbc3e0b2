//! In a process that uses the allocator: data stays what it is, and memory that nobody uses any more goes back.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;

const BLOCK: u64 = 2 << 20;

#[expect(clippy::disallowed_methods, reason = "the kernel's numbers are not data")]
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("the second number");
    pages * rustix::param::page_size() as u64
}

fn filled(count: u64) -> Vec<Vec<u64>> {
    (0..count).map(|number| vec![number; 16 + (number % 100) as usize]).collect()
}

#[test]
fn data_stays_and_memory_that_is_not_used_goes_back() {
    lastsave_allocator::start();
    let lists = filled(600_000);
    let large = vec![7_u8; 100 << 20];
    let full = lastsave_allocator::statistics();
    let full_resident = resident_bytes();
    assert!(full.used_bytes > 400 << 20, "{full:?}");
    assert!(full.used_bytes <= full.reserved_bytes, "{full:?}");
    assert!(full.first_touched_blocks <= full.used_bytes.div_ceil(BLOCK) + 64, "{full:?}");

    // Threads take and give back at the same time, beside the thread that provides.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let mine = filled(20_000);
                    let whole = mine
                        .iter()
                        .zip(0_u64..)
                        .all(|(list, number)| list.iter().all(|item| *item == number));
                    assert!(whole, "a list holds what was written to it");
                }
            });
        }
    });
    assert!(lists.iter().zip(0_u64..).all(|(list, number)| list.iter().all(|item| *item == number)));
    assert!(large.iter().all(|byte| *byte == 7));
    drop((lists, large));

    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let now = lastsave_allocator::statistics();
        if now.used_bytes + now.ready_bytes < full.used_bytes / 4 && resident_bytes() < full_resident / 4 {
            break;
        }
        assert!(Instant::now() < deadline, "{now:?}, resident {}", resident_bytes());
        std::thread::sleep(Duration::from_millis(100));
    }
    let zeros = vec![0_u8; 200 << 20];
    assert!(zeros.iter().all(|byte| *byte == 0), "memory that comes back is empty");
}
