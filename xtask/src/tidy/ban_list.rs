//! Words that must not appear, each with what to write instead. This file is the one that may contain them.

use super::{Finding, Repository, TextFile};

struct Ban {
    needle: &'static str,
    applies: Scope,
    /// The needle must not be part of a longer word or path.
    whole_word: bool,
    instead: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Every tracked text file.
    Everywhere,
    /// Rust files.
    Rust,
    /// Rust files under `src`.
    RustSources,
}

const fn ban(needle: &'static str, applies: Scope, instead: &'static str) -> Ban {
    Ban { needle, applies, whole_word: false, instead }
}

const fn ban_word(needle: &'static str, applies: Scope, instead: &'static str) -> Ban {
    Ban { needle, applies, whole_word: true, instead }
}

const BANS: &[Ban] = &[
    ban("todo!(", Scope::Rust, "implement it, or return an error that says what is not supported"),
    ban("unimplemented!(", Scope::Rust, "implement it, or return an error that says what is not supported"),
    ban("dbg!(", Scope::Rust, "`tracing` in the server, an assertion in a test"),
    ban_word(
        "FIXME",
        Scope::Everywhere,
        "fix it, or open an issue and describe the limit where users read it",
    ),
    ban_word("XXX", Scope::Rust, "fix it, or open an issue and describe the limit where users read it"),
    ban(
        "#[allow(",
        Scope::Rust,
        "`#[expect(lint, reason = \"...\")]`, which tells when it is no longer needed",
    ),
    ban(
        "#![allow(",
        Scope::RustSources,
        "`#![expect(lint, reason = \"...\")]`, which tells when it is no longer needed",
    ),
    ban(
        "#[ignore",
        Scope::Rust,
        "a test that runs: make it fast, or give it to `cargo xtask crash` or `fuzz`",
    ),
    ban_word("/work", Scope::Everywhere, "a path relative to the repository, or `tempfile` in tests"),
    ban_word("/tmp/target", Scope::Everywhere, "`target/`, or CARGO_TARGET_DIR in the environment"),
    ban_word("/tmp/ls", Scope::Everywhere, "a document under docs/"),
    ban_word("/root", Scope::Everywhere, "a path relative to the repository or to the user's home"),
    ban_word("DESIGN.md", Scope::Everywhere, "a document of this repository, under docs/"),
    ban_word("contracts.md", Scope::Everywhere, "a document of this repository, under docs/"),
    ban_word(
        "index.crates.io",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
    ban_word(
        "static.crates.io",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
    ban_word(
        "pypi.org",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
    ban_word(
        "files.pythonhosted.org",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
    ban_word(
        "registry.npmjs.org",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
    ban_word(
        "deb.debian.org",
        Scope::Everywhere,
        "the package's name; how it is fetched is the machine's business",
    ),
];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in &repository.files {
        if file!().ends_with(&file.path) {
            continue;
        }
        for ban in BANS.iter().filter(|ban| ban.applies.includes(file)) {
            for (number, line) in file.lines().filter(|(_, line)| ban.is_in(line)) {
                // A lint name in a lock file or a hash cannot match; a whole line is enough to find the place.
                debug_assert!(!line.is_empty());
                findings.push(Finding::at(
                    &file.path,
                    number,
                    format!("`{}` is banned; instead: {}", ban.needle, ban.instead),
                ));
            }
        }
    }
}

impl Scope {
    fn includes(self, file: &TextFile) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Rust => file.has_extension("rs"),
            Self::RustSources => file.has_extension("rs") && file.path.contains("/src/"),
        }
    }
}

impl Ban {
    fn is_in(&self, line: &str) -> bool {
        line.match_indices(self.needle).any(|(start, found)| {
            !self.whole_word || {
                let before = line[..start].chars().next_back();
                let after = line[start + found.len()..].chars().next();
                !before.is_some_and(continues_word) && !after.is_some_and(continues_word)
            }
        })
    }
}

/// Whether a needle beside this character is only a part of something longer (`src/work`, `/workspace`, `XXXX`).
fn continues_word(character: char) -> bool {
    character.is_alphanumeric() || "_-.".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        let ban = ban_word("/work", Scope::Everywhere, "");
        for line in ["cd /work/main", "dir = \"/work\"", "/work"] {
            assert!(ban.is_in(line), "{line}");
        }
        for line in ["src/work.rs", "/workspace", "a/working/b", "crates/x/work/y"] {
            assert!(!ban.is_in(line), "{line}");
        }
    }

    #[test]
    fn every_ban_says_what_to_do_instead() {
        assert!(BANS.iter().all(|ban| ban.instead.len() > 10));
    }
}
