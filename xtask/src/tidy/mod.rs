//! `cargo xtask tidy`: the repository's own rules, as far as a program can check them.
//!
//! Also a test of this package, so that `cargo test` tells as well. One module per kind of rule; a rule adds a
//! [`Finding`] per violation and says in it what to do.

mod ban_list;
mod crate_graph;
mod documents;
mod libraries;
mod lock_files;
mod long_files;
mod packaging;
mod sources;

use std::fmt;

use anyhow::{Context, Result, bail};

use crate::workspace::{self, Package};

/// A violation of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Relative to the repository's root.
    file: String,
    /// Counted from one; 0 if it is about the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    fn about(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, message: message.into() }
    }

    fn at(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.file, self.message),
            line => write!(formatter, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// A tracked text file.
struct TextFile {
    /// Relative to the repository's root.
    path: String,
    text: String,
}

impl TextFile {
    fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// What the rules look at.
struct Repository {
    packages: Vec<Package>,
    files: Vec<TextFile>,
    /// All tracked files, binary ones included.
    paths: Vec<String>,
}

impl Repository {
    fn read() -> Result<Self> {
        let paths = workspace::tracked_files()?;
        let mut files = Vec::new();
        for path in &paths {
            let bytes =
                std::fs::read(workspace::root().join(path)).with_context(|| format!("cannot read {path}"))?;
            // What is not UTF-8 is a fixture: bytes for a parser, not text for people.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile { path: path.clone(), text });
            }
        }
        Ok(Self { packages: workspace::packages()?, files, paths })
    }

    fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    fn rust_files(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.has_extension("rs"))
    }
}

pub(crate) fn run() -> Result<()> {
    let findings = check()?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("tidy: {count} finding{}, listed above", if count == 1 { "" } else { "s" }),
    }
}

fn check() -> Result<Vec<Finding>> {
    let repository = Repository::read()?;
    let mut findings = Vec::new();
    crate_graph::check(&repository, &mut findings);
    sources::check(&repository, &mut findings);
    ban_list::check(&repository, &mut findings);
    long_files::check(&repository, &mut findings);
    libraries::check(&repository, &mut findings);
    documents::check(&repository, &mut findings);
    lock_files::check(&mut findings);
    packaging::check(&repository, &mut findings);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let findings = super::check().unwrap();
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
    }
}
