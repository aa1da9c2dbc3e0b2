//! `cargo xtask sanitize`: the tests of the one crate with unsafe code, under AddressSanitizer and ThreadSanitizer.
//!
//! The stable toolchain ships both runtimes; `RUSTC_BOOTSTRAP` unlocks the flag. The standard library stays without
//! instrumentation, which costs AddressSanitizer little and makes ThreadSanitizer report its mutexes: those reports are
//! listed in a suppression file, and only the test made for it runs there.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::shell::{Tool, heading};
use crate::test_run::Tally;
use crate::workspace;

const PACKAGE: &str = "lastsave-keyspace";
const THREAD_TEST: &str = "snapshots_are_read_from_another_thread";
const THREAD_SUPPRESSIONS: &str = "crates/keyspace/tests/thread-sanitizer.supp";
/// Sanitizers need an explicit target, so that build scripts and macros are built without them.
const TARGET: &str = "x86_64-unknown-linux-gnu";

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Only this one.
    #[arg(long)]
    only: Option<Sanitizer>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sanitizer {
    Address,
    Thread,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    for sanitizer in [Sanitizer::Address, Sanitizer::Thread] {
        if arguments.only.is_none_or(|only| only == sanitizer) {
            run_one(sanitizer)?;
        }
    }
    Ok(())
}

fn run_one(sanitizer: Sanitizer) -> Result<()> {
    let name = match sanitizer {
        Sanitizer::Address => "address",
        Sanitizer::Thread => "thread",
    };
    heading(&format!("{name} sanitizer"));
    // Optimized: the tests are long and the instrumentation slows them further. Assertions stay on.
    let tool = Tool::cargo()
        .args(["test", "--release", "--package", PACKAGE, "--target", TARGET])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_TARGET_DIR", workspace::target_directory().join(format!("sanitize-{name}")));
    let tool = match sanitizer {
        Sanitizer::Address => tool.args(["--lib", "--tests"]).env("RUSTFLAGS", "-Zsanitizer=address"),
        Sanitizer::Thread => tool
            .args(["--test", THREAD_TEST])
            .env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer")
            .env("TSAN_OPTIONS", thread_options()),
    };
    let mut tally = Tally::default();
    tool.run_watched(|line| tally.read_and_show(line))?;
    if tally.passed == 0 {
        bail!("not one test ran under the {name} sanitizer");
    }
    Ok(())
}

fn thread_options() -> String {
    // An absolute path: the tests run in their package's folder.
    format!("suppressions={}", workspace::root().join(THREAD_SUPPRESSIONS).display())
}
