//! Runs the crash campaign: `crash_campaign [--seed N | --seeds A..B] [--seconds N] [--verbose]`.
//!
//! Ends with code 1 when a promise was broken, and says how to see it again.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lastsave_server::simulation::{Coverage, run_seed};

const USAGE: &str =
    "usage: crash_campaign [--seed N | --seeds A..B] [--seconds N] [--keep-going] [--verbose]";

struct Arguments {
    seeds: std::ops::Range<u64>,
    time: Option<Duration>,
    keep_going: bool,
    verbose: bool,
}

fn parse(words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments { seeds: 0..1000, time: None, keep_going: false, verbose: false };
    let mut words = words;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => {
                let seed: u64 = words.next()?.parse().ok()?;
                arguments.seeds = seed..seed + 1;
            }
            "--seeds" => {
                let range = words.next()?;
                let (first, end) = range.split_once("..")?;
                arguments.seeds = first.parse().ok()?..end.parse().ok()?;
            }
            "--seconds" => {
                arguments.time = Some(Duration::from_secs(words.next()?.parse().ok()?));
                if arguments.seeds == (0..1000) {
                    arguments.seeds = 0..u64::MAX;
                }
            }
            "--keep-going" => arguments.keep_going = true,
            "--verbose" => arguments.verbose = true,
            _ => return None,
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let Some(arguments) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    let mut total = Coverage::default();
    let mut violations = 0;
    for seed in arguments.seeds.clone() {
        if arguments.time.is_some_and(|time| started.elapsed() >= time) {
            break;
        }
        let report = run_seed(seed, arguments.verbose);
        total.add(&report.coverage);
        for line in &report.story {
            println!("{line}");
        }
        if let Some(violation) = &report.violation {
            violations += 1;
            println!("{violation}");
            if !arguments.keep_going {
                break;
            }
        }
        if arguments.verbose {
            println!("seed {seed}: trace {:016x}", report.trace_hash);
        }
    }
    println!(
        "campaign: {} seeds, {} crash points in {:.1} s, {violations} violations",
        total.seeds,
        total.crash_points,
        started.elapsed().as_secs_f64()
    );
    print!("{total}");
    if violations > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
