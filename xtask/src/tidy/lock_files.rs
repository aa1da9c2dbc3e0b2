//! The lock files are in step with the manifests, so that everybody builds the same versions.

use super::Finding;
use crate::shell::Tool;
use crate::workspace;

pub(super) fn check(findings: &mut Vec<Finding>) {
    for folder in ["", "fuzz"] {
        let directory = workspace::root().join(folder);
        if !directory.join("Cargo.toml").is_file() {
            continue;
        }
        let metadata =
            Tool::cargo().args(["metadata", "--locked", "--format-version", "1"]).directory(&directory);
        if !metadata.succeeds() {
            let path =
                if folder.is_empty() { "Cargo.lock".to_owned() } else { format!("{folder}/Cargo.lock") };
            findings.push(Finding::about(
                path,
                "does not fit the manifests; build there once (`cargo metadata` is enough) and commit it",
            ));
        }
    }
}
