//! Rules about Rust files: they open with what they are for, touch the disk through one crate, and are safe but for two.

use super::{Finding, Repository, TextFile};

/// The crates that may contain unsafe code: one for what nothing else can do as fast, one a binding to an allocator.
const UNSAFE_FOLDERS: &[&str] = &["crates/keyspace/", "crates/allocator/"];
/// The one crate that may touch the disk.
const STORAGE_FOLDER: &str = "crates/storage/";

/// Files elsewhere that may name `std::fs`, and why that takes nothing away from the simulated disk.
const DISK_EXCEPTIONS: &[(&str, &str)] = &[(
    "crates/server/src/logging.rs",
    "the operator's log file is not data: it is appended to, never synced, and nothing is recovered from it",
)];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in repository.rust_files() {
        check_header(file, findings);
        if file.path.starts_with("crates/") && file.path.contains("/src/") {
            let is_excepted = DISK_EXCEPTIONS.iter().any(|(path, _)| *path == file.path);
            if !file.path.starts_with(STORAGE_FOLDER) && !is_excepted {
                check_disk_access(file, findings);
            }
            if !UNSAFE_FOLDERS.iter().any(|folder| file.path.starts_with(folder)) {
                check_safety(file, findings);
            }
        }
    }
}

fn check_header(file: &TextFile, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//!") {
        findings.push(Finding::about(&file.path, "must open with `//!` and say what the file is for"));
    }
}

/// `clippy.toml` bans the functions; this also sees the types, and code that is not compiled here.
fn check_disk_access(file: &TextFile, findings: &mut Vec<Finding>) {
    if file.path.ends_with("/tests.rs") {
        return;
    }
    let code = without_tests(&file.text);
    let mut in_group = false;
    for (index, line) in code.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
        in_group |= line.contains("use std::{");
        let is_named = line.contains("std::fs") || (in_group && words(line).any(|word| word == "fs"));
        in_group &= !line.contains(';');
        if is_named {
            findings.push(Finding::at(
                &file.path,
                index + 1,
                "`std::fs` is banned; instead: lastsave-storage, so that the disk can be simulated",
            ));
        }
    }
}

fn check_safety(file: &TextFile, findings: &mut Vec<Finding>) {
    for (number, line) in file.lines().filter(|(_, line)| !is_comment(line)) {
        if words(line).any(|word| word == "unsafe") && !line.contains('"') {
            findings.push(Finding::at(
                &file.path,
                number,
                "unsafe code is banned outside lastsave-keyspace and lastsave-allocator; instead: rustix or another safe wrapper",
            ));
        }
    }
}

/// The part of a source file before its unit tests, which stand last.
fn without_tests(text: &str) -> &str {
    let start = ["#[cfg(test)]\nmod ", "#[cfg(all(test"].iter().filter_map(|marker| text.find(marker)).min();
    &text[..start.unwrap_or(text.len())]
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !character.is_alphanumeric() && character != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str, check: fn(&TextFile, &mut Vec<Finding>)) -> usize {
        let mut findings = Vec::new();
        check(&TextFile { path: path.into(), text: text.into() }, &mut findings);
        findings.len()
    }

    #[test]
    fn disk_access_is_seen_in_every_form() {
        let count = |text| findings("crates/x/src/a.rs", text, check_disk_access);
        assert_eq!(count("use std::fs::File;\n"), 1);
        assert_eq!(count("use std::{\n    fs,\n    io,\n};\n"), 1);
        assert_eq!(count("use std::{io, fs::File};\n"), 1);
        assert_eq!(count("// std::fs is for storage\nuse std::io;\nlet fs = 1;\n"), 0);
        assert_eq!(count("fn a() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n"), 0);
    }

    #[test]
    fn unsafe_code_is_seen() {
        let count = |text| findings("crates/x/src/a.rs", text, check_safety);
        assert_eq!(count("let a = unsafe { *pointer };\nunsafe impl Send for A {}\n"), 2);
        assert_eq!(count("// unsafe here\nlet unsafely = 1;\n"), 0);
    }
}
