//! Every crate can be packaged as it would be published.
//!
//! All in one call: a crate that depends on another one of ours can only be packaged together with it as long as none
//! is published, because cargo then resolves the dependency to the package it has just made. `cargo package -p` of a
//! single dependent fails. Without the verifying build: the tests build the same sources, and the dependents would all
//! be built from scratch.

use super::{Finding, Repository};
use crate::shell::{Tool, ToolFailed};
use crate::workspace;

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    // `--allow-dirty`: tidy is for changes that are not committed yet.
    let mut tool = Tool::cargo()
        .args(["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"])
        // Not into the directory of a build that may be under way.
        .env("CARGO_TARGET_DIR", workspace::target_directory().join("tidy"));
    for package in repository.packages.iter().filter(|package| package.is_private) {
        tool = tool.args(["--exclude", &package.name]);
    }
    if let Err(error) = tool.output() {
        let details = match error.downcast_ref::<ToolFailed>() {
            Some(failure) => failure.tail.join("\n    "),
            None => String::new(),
        };
        findings.push(Finding::about("Cargo.toml", format!("packaging: {error:#}\n    {details}")));
    }
}
