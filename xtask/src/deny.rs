//! `cargo xtask deny`: licences, banned crates and sources of everything we depend on.
//!
//! The advisory database is left out: it cannot be fetched everywhere the checks run.

use anyhow::{Context, Result};

use crate::shell::Tool;

pub(crate) fn run() -> Result<()> {
    if !Tool::cargo().args(["deny", "--version"]).succeeds() {
        println!("cargo-deny is missing; building it takes some minutes, once");
        // Without default features it needs neither a git library nor a TLS library of its own.
        Tool::cargo()
            .args(["install", "cargo-deny", "--locked", "--no-default-features"])
            .run()
            .context("cargo-deny cannot be installed")?;
    }
    Tool::cargo().args(["deny", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]).run()
}
