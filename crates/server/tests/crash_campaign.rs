//! Whatever happens to the machine, the next start finds what clients were promised, and nothing that never was.
//!
//! A few seconds' worth of the crash campaign; `cargo xtask crash` runs as much of it as there is time for.

use lastsave_server::simulation::{Coverage, exhaust, run_seed};

/// Seeds that once found something. They stay, whatever the campaign makes of them by now.
const SEEDS_OF_OLD: [u64; 15] = [
    14, 45, 101, 148, 338, 499, 684, 692, 10_834, 3_001_427, 100_214, 102_784, 103_910, 1_000_416, 1_001_824,
];

#[test]
fn no_crash_loses_what_was_promised() {
    let mut coverage = Coverage::default();
    for seed in (2000..2040).chain(SEEDS_OF_OLD) {
        let report = run_seed(seed, false);
        if let Some(violation) = report.violation {
            panic!("{violation}");
        }
        coverage.add(&report.coverage);
    }
    println!("{coverage}");
    assert!(coverage.crash_points() > 1000, "a campaign crashes often: {}", coverage.crash_points());
    let never = coverage.rows_never_hit();
    for row in ["F1", "F2", "F3", "C1", "C2"] {
        assert!(!never.contains(&row), "no crash led to row {row} of the decision table");
    }
}

#[test]
fn no_crash_point_of_the_shortest_histories_loses_what_was_promised() {
    let mut coverage = Coverage::default();
    for number in 0.. {
        let Some(report) = exhaust(1, number, false) else { break };
        if let Some(violation) = report.violation {
            panic!("{violation}");
        }
        coverage.add(&report.coverage);
    }
    assert_eq!(coverage.seeds(), 48, "6 configurations, 8 actions");
    assert!(coverage.crash_points() > 500, "{}", coverage.crash_points());
}

#[test]
fn a_seed_is_one_history() {
    let (one, other) = (run_seed(7, true), run_seed(7, true));
    assert_eq!(one.trace_hash, other.trace_hash);
    assert_eq!(one.story, other.story);
}
