//! Runs the crash campaign; `cargo xtask crash` is the way to call it.
//!
//! Ends with code 1 when a promise was broken, and says how to see it again.

use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use lastsave_server::simulation::{Coverage, Mutant, SeedReport, exhaust, run_seed};

const USAGE: &str = "usage: crash_campaign [--seed N | --seeds A..B] [--seconds N] [--jobs N] [--keep-going] \
    [--verbose] [--complete] [--mutants | --quick-mutants | --mutant NAME | --exhaustive LENGTH]";

/// Lines for the process that has started this one.
const COUNTS: &str = "@ ";

/// Seeds in which a mutant must be noticed.
const MUTANT_SEEDS_MAX: u64 = 2000;

#[derive(Clone)]
struct Arguments {
    seeds: Range<u64>,
    time: Option<Duration>,
    jobs: u64,
    /// Of every `jobs` seeds this one, for the process that has started this one.
    share: Option<u64>,
    keep_going: bool,
    verbose: bool,
    /// Rows and call sites that were not hit are failures too.
    complete: bool,
    mutants: Option<&'static [Mutant]>,
    mutant: Option<Mutant>,
    exhaustive: Option<usize>,
}

fn parse(words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        seeds: 0..1000,
        time: None,
        jobs: 1,
        share: None,
        keep_going: false,
        verbose: false,
        complete: false,
        mutants: None,
        mutant: None,
        exhaustive: None,
    };
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
            "--jobs" => arguments.jobs = words.next()?.parse().ok().filter(|jobs| *jobs > 0)?,
            "--share" => arguments.share = Some(words.next()?.parse().ok()?),
            "--exhaustive" => arguments.exhaustive = Some(words.next()?.parse().ok()?),
            "--mutant" => {
                let name = words.next()?;
                arguments.mutant =
                    Some(Mutant::ALL.into_iter().find(|mutant| format!("{mutant:?}") == name)?);
            }
            "--mutants" => arguments.mutants = Some(&Mutant::ALL),
            "--quick-mutants" => arguments.mutants = Some(Mutant::QUICK),
            "--keep-going" => arguments.keep_going = true,
            "--verbose" => arguments.verbose = true,
            "--complete" => arguments.complete = true,
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
    if let Some(mutants) = arguments.mutants {
        return test_the_campaign(mutants, started);
    }
    let (total, is_well) = if arguments.jobs > 1 && arguments.share.is_none() {
        run_in_processes(&arguments)
    } else {
        run_here(&arguments, started)
    };
    if arguments.share.is_some() {
        for line in total.to_lines() {
            println!("{COUNTS}{line}");
        }
        return ExitCode::SUCCESS;
    }
    print!("{total}");
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "campaign: {} seeds, {} crash points in {seconds:.1} s ({:.0} a second), {} violations",
        total.seeds(),
        total.crash_points(),
        total.crash_points() as f64 / seconds,
        total.violations(),
    );
    let is_complete = total.rows_never_hit().is_empty() && total.sites_never_hit().is_empty();
    if !is_well || total.violations() > 0 || (arguments.complete && !is_complete) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// One history, one seed or more.
fn run_one(arguments: &Arguments, number: u64) -> Option<SeedReport> {
    match (arguments.exhaustive, arguments.mutant) {
        (Some(length), _) => exhaust(length, number, arguments.verbose),
        (None, Some(mutant)) => Some(mutant.run_seed(number, arguments.verbose)),
        (None, None) => Some(run_seed(number, arguments.verbose)),
    }
}

fn run_here(arguments: &Arguments, started: Instant) -> (Coverage, bool) {
    let mut total = Coverage::default();
    let seeds = if arguments.exhaustive.is_some() { 0..u64::MAX } else { arguments.seeds.clone() };
    for seed in seeds.skip(arguments.share.unwrap_or(0) as usize).step_by(arguments.jobs as usize) {
        if arguments.time.is_some_and(|time| started.elapsed() >= time) {
            break;
        }
        let Some(report) = run_one(arguments, seed) else { break };
        total.add(&report.coverage);
        for line in &report.story {
            println!("{line}");
        }
        if let Some(violation) = &report.violation {
            println!("{violation}");
            if !arguments.keep_going {
                break;
            }
        }
        if arguments.verbose {
            println!("seed {seed}: trace {:016x}", report.trace_hash);
        }
    }
    (total, true)
}

/// Shares the seeds among processes: each simulation has one log to collect its lines in. Gives what they have counted,
/// and whether all of them came to their end.
fn run_in_processes(arguments: &Arguments) -> (Coverage, bool) {
    let mut total = Coverage::default();
    let children: Vec<Option<Child>> = (0..arguments.jobs).map(|share| start_share(share).ok()).collect();
    let mut is_well = children.iter().all(Option::is_some);
    let readers: Vec<_> = children
        .into_iter()
        .flatten()
        .map(|mut child| {
            std::thread::spawn(move || {
                let mut counts = Vec::new();
                if let Some(output) = child.stdout.take() {
                    for line in BufReader::new(output).lines().map_while(Result::ok) {
                        match line.strip_prefix(COUNTS) {
                            Some(count) => counts.push(count.to_owned()),
                            None => println!("{line}"),
                        }
                    }
                }
                (counts, child.wait().is_ok_and(|status| status.success()))
            })
        })
        .collect();
    for reader in readers {
        let (counts, has_ended_well) = reader.join().unwrap_or_default();
        let is_read = counts.iter().all(|line| total.add_line(line).is_some());
        is_well &= has_ended_well && is_read;
    }
    (total, is_well)
}

fn start_share(share: u64) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(std::env::args().skip(1))
        .args(["--share", &share.to_string()])
        .stdout(Stdio::piped())
        .spawn()
}

/// Each promise, broken on purpose, must be found broken.
fn test_the_campaign(mutants: &[Mutant], started: Instant) -> ExitCode {
    let mut unnoticed = 0;
    for mutant in mutants {
        let mut points = 0;
        let noticed = (0..MUTANT_SEEDS_MAX).find_map(|seed| {
            let report = mutant.run_seed(seed, false);
            points += report.coverage.crash_points();
            report.violation.map(|violation| (seed, violation.what))
        });
        match noticed {
            Some((seed, what)) => {
                let what = what.lines().next().unwrap_or_default().to_owned();
                println!("{mutant:?}: noticed in seed {seed}, after {points} crash points: {what}");
            }
            None => {
                println!("{mutant:?}: NOT NOTICED in {MUTANT_SEEDS_MAX} seeds, {points} crash points");
                unnoticed += 1;
            }
        }
    }
    println!("mutants: {unnoticed} not noticed, {:.1} s", started.elapsed().as_secs_f64());
    if unnoticed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
