//! `cargo xtask test`: all tests of the workspace, with what they compare themselves with in place.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use anyhow::{Result, bail};
use clap::Args;

use crate::shell::{Tool, heading};
use crate::{oracle, workspace};

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Passed to the test programs: a filter, `--nocapture`, `--exact` ...
    #[arg(last = true)]
    passed_on: Vec<String>,
}

/// What the closing lines of the test programs add up to.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
    /// "program: test" of every failed one.
    pub(crate) failures: Vec<String>,
    /// What tests say they leave out for want of something.
    pub(crate) skips: BTreeSet<String>,
    program: String,
}

impl Tally {
    /// Reads one line of cargo's or a test program's output.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some((_, reason)) = line.split_once("SKIPPED: ") {
            self.skips.insert(reason.to_owned());
        } else if let Some(rest) = line.strip_prefix("Running ").or_else(|| line.strip_prefix("Doc-tests ")) {
            rest.split(" (").next().unwrap_or(rest).clone_into(&mut self.program);
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(format!("{}: {name}", self.program));
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            let mut words = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).peekable();
            while let Some(word) = words.next() {
                let (Ok(count), Some(kind)) = (word.parse::<u64>(), words.peek()) else { continue };
                match *kind {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    "ignored" => self.ignored += count,
                    _ => {}
                }
            }
        }
    }

    /// As [`read`](Self::read), for a watcher that shows every line.
    pub(crate) fn read_and_show(&mut self, line: &str) -> bool {
        self.read(line);
        true
    }

    /// The summary in the one form that every reader of test logs understands.
    pub(crate) fn closing_line(&self) -> String {
        let skipped = if self.ignored > 0 { format!(", {} skipped", self.ignored) } else { String::new() };
        format!("tests: {} passed, {} failed{skipped}", self.passed, self.failed)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    run_counted(arguments, &mut Tally::default())
}

/// As [`run`], and adds the counts to `tally`.
pub(crate) fn run_counted(arguments: &Arguments, tally: &mut Tally) -> Result<()> {
    let prepared = oracle::prepare();
    let outcome = run_tests(arguments, tally, prepared.python_path.as_deref());
    for failure in &tally.failures {
        println!("FAILED: {failure}");
    }
    for gap in &prepared.not_run {
        println!("{gap}");
    }
    for reason in &tally.skips {
        println!("NOT RUN: some tests because: {reason}");
    }
    println!("{}", tally.closing_line());
    outcome?;
    if let Some(gap) = prepared.essential_gap()
        && workspace::is_ci()
    {
        bail!("with CI set, tests must not be left out. {gap}");
    }
    if arguments.passed_on.is_empty() && tally.passed == 0 {
        bail!("not one test ran");
    }
    Ok(())
}

fn run_tests(arguments: &Arguments, tally: &mut Tally, python_path: Option<&OsStr>) -> Result<()> {
    // The development profile: what it adds, overflow checks and debug assertions, is part of the test.
    let cargo_test = || {
        let tool = Tool::cargo().args(["test", "--no-fail-fast"]);
        match python_path {
            Some(path) => tool.env("PYTHONPATH", path),
            None => tool,
        }
    };
    if arguments.passed_on.is_empty() {
        heading("one round of every bench");
        cargo_test().args(["-p", "lastsave-benches", "--benches"]).run()?;
        heading("tests");
    }
    let mut tests = cargo_test().arg("--workspace");
    if !arguments.passed_on.is_empty() {
        tests = tests.arg("--").args(&arguments.passed_on);
    }
    tests.run_watched(|line| tally.read_and_show(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut tally = Tally::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/lastsave_resp-0123)",
            "test parser::tests::inline ... ok",
            "test parser::tests::pipeline ... FAILED",
            "test result: FAILED. 40 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "SKIPPED: redis-server not found",
            "   Doc-tests lastsave_resp",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.52s",
        ] {
            tally.read(line);
        }
        assert_eq!((tally.passed, tally.failed, tally.ignored), (42, 1, 2));
        assert_eq!(tally.failures, ["unittests src/lib.rs: parser::tests::pipeline"]);
        assert_eq!(tally.skips, BTreeSet::from(["redis-server not found".to_owned()]));
        assert_eq!(tally.closing_line(), "tests: 42 passed, 1 failed, 2 skipped");
    }
}
