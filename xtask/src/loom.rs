//! `cargo xtask loom`: the model-checked tests, which try every order in which threads can meet.
//!
//! They replace atomics by loom's under `--cfg loom`, so they are a build of their own. Every package that depends on
//! loom takes part. Not optimized: the models take a second, an optimized build of what they need would take minutes.

use anyhow::{Result, bail};

use crate::shell::Tool;
use crate::test_run::Tally;
use crate::workspace;

/// What the paths of models contain. Other unit tests cannot run in this build: loom's atomics work in a model only.
const MODELS: [&str; 2] = ["::loom_tests::", "::model::"];

pub(crate) fn run() -> Result<()> {
    let packages: Vec<_> = workspace::packages()?.into_iter().filter(|package| package.uses_loom).collect();
    if packages.is_empty() {
        bail!("no package depends on loom: the models are gone");
    }
    for package in packages {
        let mut tally = Tally::default();
        Tool::cargo()
            .args(["test", "--package", &package.name, "--lib", "--"])
            .args(MODELS)
            .env("RUSTFLAGS", "--cfg loom")
            .env("CARGO_TARGET_DIR", workspace::target_directory().join("loom"))
            .run_watched(|line| tally.read_and_show(line))?;
        if tally.passed == 0 {
            bail!(
                "{} depends on loom, but none of its unit tests is a model ({})",
                package.name,
                MODELS.join(", ")
            );
        }
    }
    Ok(())
}
