//! `cargo xtask fuzz`: the fuzz targets, for some seconds or for as long as wanted.
//!
//! The targets are a workspace of their own (`fuzz/`), whose cargo configuration holds the instrumentation. What a run
//! discovers is kept in `fuzz/corpus`, failing inputs in `fuzz/artifacts`; git ignores both.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::shell::{Tool, ToolFailed, heading};
use crate::workspace;

/// The target that must fail: it shows that the fuzzer finds a fault, so that the silence of the others means something.
const CANARY: &str = "canary";
/// What the canary says when it is found.
const CANARY_SONG: &str = "the canary was found";
/// With coverage feedback it takes a second; without, four matching bytes are out of reach.
const CANARY_SECONDS: u64 = 60;
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The flags of `fuzz/.cargo/config.toml`, which an environment variable replaces, plus AddressSanitizer.
const ADDRESS_SANITIZER_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Zsanitizer=address";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only this target.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// With AddressSanitizer.
    #[arg(long)]
    asan: bool,
}

impl Arguments {
    /// All targets, `seconds` each.
    pub(crate) fn smoke(seconds: u64) -> Self {
        Self { target: None, seconds, asan: false }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let names = target_names()?;
    if !names.iter().any(|name| name == CANARY) {
        bail!("fuzz/ has no target `{CANARY}`: nothing shows that the fuzzer finds faults");
    }
    let chosen: Vec<&String> = match &arguments.target {
        Some(wanted) => names.iter().filter(|name| *name == wanted).collect(),
        None => names.iter().collect(),
    };
    if chosen.is_empty() {
        bail!("no such fuzz target; there are {}", names.join(", "));
    }
    heading("build of the fuzz targets");
    let programs = build(arguments.asan)?;
    let mut failed = Vec::new();
    for name in chosen {
        if name == CANARY {
            run_canary(&programs)?;
        } else {
            heading(&format!("fuzz target {name}, {} s", arguments.seconds));
            if let Err(error) = run_target(&programs, name, arguments.seconds) {
                eprintln!("error: {error:#}");
                failed.push(error);
            }
        }
    }
    // All targets had their turn; the first finding is the one to look at.
    failed.into_iter().next().map_or(Ok(()), Err)
}

fn folder() -> PathBuf {
    workspace::root().join("fuzz")
}

fn target_names() -> Result<Vec<String>> {
    let text = Tool::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .directory(folder())
        .output()?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let targets = metadata["packages"][0]["targets"].as_array().context("fuzz/ has no targets")?;
    Ok(targets.iter().filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}

/// Builds all targets and returns the folder of the programs.
fn build(with_address_sanitizer: bool) -> Result<PathBuf> {
    let name = if with_address_sanitizer { "fuzz-address" } else { "fuzz" };
    let target_directory = workspace::target_directory().join(name);
    let tool = Tool::cargo()
        .args(["build", "--release", "--bins"])
        .env("CARGO_TARGET_DIR", &target_directory)
        .directory(folder());
    let tool = if with_address_sanitizer {
        tool.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", ADDRESS_SANITIZER_FLAGS)
    } else {
        // Flags from outside would replace the instrumentation.
        tool.without_env("RUSTFLAGS")
    };
    tool.run()?;
    Ok(target_directory.join(TRIPLE).join("release"))
}

fn run_target(programs: &Path, name: &str, seconds: u64) -> Result<()> {
    let corpus = folder().join("corpus").join(name);
    let seeds = folder().join("seeds").join(name);
    let artifacts = folder().join("artifacts").join(name);
    for directory in [&corpus, &artifacts] {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    let mut tool = Tool::new(programs.join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(&corpus);
    if seeds.is_dir() {
        tool = tool.arg(&seeds);
    }
    let mut is_instrumented = true;
    tool.run_watched(|line| {
        is_instrumented &= !line.contains("no interesting inputs were found");
        !is_progress(line)
    })
    .with_context(|| format!("fuzz target {name} found something; the input is in fuzz/artifacts/{name}"))?;
    if !is_instrumented {
        bail!("fuzz target {name} saw no coverage: the instrumentation was not applied");
    }
    Ok(())
}

/// One of the thousands of lines about single discoveries; "INITED", "pulse" and "DONE" tell enough.
fn is_progress(line: &str) -> bool {
    line.starts_with('#') && (line.contains("NEW") || line.contains("REDUCE") || line.contains("RELOAD"))
}

/// Succeeds if the canary fails, and for the right reason.
fn run_canary(programs: &Path) -> Result<()> {
    heading("fuzz target canary, which must fail");
    let artifacts = workspace::target_directory().join("fuzz-canary");
    std::fs::create_dir_all(&artifacts).with_context(|| format!("cannot create {}", artifacts.display()))?;
    let outcome = Tool::new(programs.join(CANARY))
        .arg(format!("-max_total_time={CANARY_SECONDS}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .run_watched(|line| !is_progress(line));
    let found = outcome.as_ref().is_err_and(|error| {
        let failure = error.downcast_ref::<ToolFailed>();
        failure.is_some_and(|failure| failure.tail.iter().any(|line| line.contains(CANARY_SONG)))
    });
    if !found {
        outcome?;
        bail!("the canary lived: this fuzzer would not find a fault");
    }
    println!("as it should: the canary failed");
    Ok(())
}
