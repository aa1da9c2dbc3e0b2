//! `cargo xtask ci`: every check, with the time each took and the first failure repeated at the end.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::shell::{Tool, ToolFailed, heading};
use crate::test_run::Tally;
use crate::{crash, deny, fuzz, loom, sanitize, test_run, tidy, workspace};

/// A smoke run shows that a target still builds and runs; finding faults takes longer runs, by hand.
const FUZZ_SECONDS_EACH: u64 = 5;
const CRASH_SECONDS: u64 = 20;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only this step (may be repeated).
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Stop at the first failure.
    #[arg(long)]
    fail_fast: bool,
}

/// In the order in which they run: the quickest verdicts first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    Format,
    Tidy,
    Clippy,
    Doc,
    Deny,
    Test,
    Loom,
    Sanitize,
    Fuzz,
    Crash,
}

struct Outcome {
    step: Step,
    took: Duration,
    error: Option<anyhow::Error>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let mut outcomes = Vec::new();
    let mut tally = Tally::default();
    for step in Step::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(step) {
            continue;
        }
        heading(&format!("ci: {}", step.name()));
        let step_started = Instant::now();
        let error = step.run(&mut tally).err();
        let took = step_started.elapsed();
        match &error {
            None => println!("--- {}: passed in {}", step.name(), seconds(took)),
            Some(error) => println!("--- {}: FAILED after {}: {error:#}", step.name(), seconds(took)),
        }
        let is_failed = error.is_some();
        outcomes.push(Outcome { step: *step, took, error });
        if is_failed && arguments.fail_fast {
            break;
        }
    }
    report(&outcomes, started.elapsed(), &tally)
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, tally: &mut Tally) -> Result<()> {
        match self {
            Self::Format => {
                check_format(workspace::root())?;
                check_format(&workspace::root().join("fuzz"))
            }
            Self::Tidy => tidy::run(),
            Self::Clippy => {
                let clippy = |wanted: &[&str]| {
                    Tool::cargo()
                        .arg("clippy")
                        .args(wanted)
                        .args(["--all-targets", "--", "--deny", "warnings"])
                        .run()
                };
                clippy(&["--workspace"])?;
                // The crash campaign's own faults are in no other build.
                clippy(&["--package", "lastsave-server", "--features", "mutants"])
            }
            // Libraries only: the binary shares its name with the library that does its work.
            Self::Doc => Tool::cargo()
                .args(["doc", "--workspace", "--lib", "--no-deps"])
                .env("RUSTDOCFLAGS", "--deny warnings")
                .run(),
            Self::Deny => deny::run(),
            Self::Test => test_run::run_counted(&test_run::Arguments::default(), tally),
            Self::Loom => loom::run(),
            Self::Sanitize => sanitize::run(&sanitize::Arguments::default()),
            Self::Fuzz => fuzz::run(&fuzz::Arguments::smoke(FUZZ_SECONDS_EACH)),
            Self::Crash => crash::run_smoke(CRASH_SECONDS),
        }
    }
}

/// Lists the files that are not formatted; what would change in them is seen after formatting.
fn check_format(folder: &Path) -> Result<()> {
    let tool = Tool::cargo().args(["fmt", "--all", "--", "--check", "--files-with-diff"]).directory(folder);
    tool.run().context("not formatted; `cargo fmt --all` there corrects it")
}

fn report(outcomes: &[Outcome], took: Duration, tally: &Tally) -> Result<()> {
    heading("ci: summary");
    for outcome in outcomes {
        let verdict = if outcome.error.is_some() { "FAILED" } else { "passed" };
        println!("{:<10} {verdict} {:>9}", outcome.step.name(), seconds(outcome.took));
    }
    println!("{:<10} {:>16}", "total", seconds(took));
    let failed = outcomes.iter().filter_map(|outcome| Some((outcome.step, outcome.error.as_ref()?)));
    let names: Vec<String> = failed.clone().map(|(step, _)| step.name()).collect();
    if let Some((step, error)) = failed.clone().next() {
        println!("\nFirst failure: {}", step.name());
        if let Some(failure) = error.downcast_ref::<ToolFailed>() {
            println!("the end of its output:");
            for line in &failure.tail {
                println!("    {line}");
            }
        }
        for failure in tally.failures.iter().filter(|_| step == Step::Test) {
            println!("    FAILED: {failure}");
        }
        println!("{error:#}");
        println!("Again, just this step: cargo xtask ci --only {}", step.name());
    }
    if outcomes.iter().any(|outcome| outcome.step == Step::Test) {
        // Last, where readers of logs look for it; the steps after the tests have closing lines of their own.
        println!("{}", tally.closing_line());
    }
    if !names.is_empty() {
        bail!("failed: {}", names.join(", "));
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
