//! Every library can be used alone: it says what it is for, shows an example that runs, and obeys the common lints.

use super::{Finding, Repository};
use crate::workspace::Package;

/// Crate docs shorter than this say nothing.
const CRATE_DOC_LINES_MIN: usize = 5;
/// They are the exceptions to `unsafe_code = "forbid"`, so they repeat the other lints.
const OWN_LINTS: &[&str] = &["lastsave-keyspace", "lastsave-allocator"];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for package in &repository.packages {
        check_manifest(repository, package, findings);
        if package.has_library && !package.is_private {
            check_documentation(repository, package, findings);
        }
    }
}

fn check_manifest(repository: &Repository, package: &Package, findings: &mut Vec<Finding>) {
    let path = format!("{}/Cargo.toml", package.folder);
    let Some(manifest) = repository.file(&path) else {
        findings.push(Finding::about(path, "is not tracked"));
        return;
    };
    let inherits = manifest.text.contains("[lints]\nworkspace = true");
    if !inherits && !OWN_LINTS.contains(&package.name.as_str()) {
        findings
            .push(Finding::about(path, "must inherit the workspace's lints: `[lints]`, `workspace = true`"));
    }
}

fn check_documentation(repository: &Repository, package: &Package, findings: &mut Vec<Finding>) {
    let path = format!("{}/src/lib.rs", package.folder);
    let Some(root) = repository.file(&path) else {
        findings.push(Finding::about(path, "is not tracked"));
        return;
    };
    let doc_lines = root.text.lines().take_while(|line| line.starts_with("//!")).count();
    if doc_lines < CRATE_DOC_LINES_MIN {
        findings.push(Finding::about(
            &path,
            "crate docs must say what the crate is for and what it must not know",
        ));
    }
    if !package.has_example {
        findings.push(Finding::about(&path, "the crate needs a program under examples/"));
    }
    let source_folder = format!("{}/src/", package.folder);
    let mut sources = repository.rust_files().filter(|file| file.path.starts_with(&source_folder));
    if !sources.any(|file| has_doctest(&file.text)) {
        findings.push(Finding::about(&path, "the crate needs an example in its docs that runs as a test"));
    }
}

/// Whether doc comments contain a block that rustdoc compiles and runs.
fn has_doctest(text: &str) -> bool {
    let mut is_inside = false;
    for line in text.lines().map(str::trim_start) {
        let Some(doc) = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")) else {
            is_inside = false;
            continue;
        };
        let Some(words) = doc.trim_start().strip_prefix("```") else { continue };
        if !is_inside && words.split(',').all(|word| matches!(word.trim(), "" | "rust" | "should_panic")) {
            return true;
        }
        is_inside = !is_inside;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_that_run_count() {
        assert!(has_doctest("//! A crate.\n//!\n//! ```\n//! run();\n//! ```\n"));
        assert!(has_doctest("/// ```text\n/// a\n/// ```\n/// ```rust\n/// b();\n/// ```\n"));
        assert!(!has_doctest("//! ```text\n//! a table\n//! ```\n"));
        assert!(!has_doctest("//! ```no_run\n//! f();\n//! ```\n"));
        assert!(!has_doctest("// ```\n// a();\n// ```\n"));
    }
}
