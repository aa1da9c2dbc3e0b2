//! Documents: one title each, links that lead somewhere, and a README that names the commands that start everything.

use std::collections::BTreeSet;

use super::{Finding, Repository, TextFile};

/// The two commands a newcomer needs.
const README_COMMANDS: [&str; 2] = ["cargo run --release", "cargo xtask test"];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for document in repository.files.iter().filter(|file| file.has_extension("md")) {
        let titles = prose(&document.text).filter(|(_, line)| line.starts_with("# ")).count();
        if titles != 1 {
            findings
                .push(Finding::about(&document.path, format!("has {titles} titles (`# `), must have one")));
        }
        check_links(repository, document, findings);
    }
    match repository.file("README.md") {
        None => findings.push(Finding::about("README.md", "is missing")),
        Some(readme) => {
            for command in README_COMMANDS.iter().filter(|command| !readme.text.contains(**command)) {
                findings.push(Finding::about("README.md", format!("must show the command `{command}`")));
            }
        }
    }
}

fn check_links(repository: &Repository, document: &TextFile, findings: &mut Vec<Finding>) {
    for (number, line) in prose(&document.text) {
        for target in links(line) {
            if let Some(problem) = problem_with(repository, document, target) {
                findings.push(Finding::at(&document.path, number, format!("link `{target}`: {problem}")));
            }
        }
    }
}

fn problem_with(repository: &Repository, document: &TextFile, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { document.path.clone() } else { resolve(&document.path, path) };
    let is_folder = || repository.paths.iter().any(|tracked| tracked.starts_with(&format!("{path}/")));
    if !repository.paths.contains(&path) && !is_folder() {
        return Some(format!("there is no {path}"));
    }
    let linked = repository.file(&path).filter(|file| file.has_extension("md"))?;
    if !anchor.is_empty() && !anchors(&linked.text).contains(anchor) {
        return Some(format!("{path} has no heading with that anchor"));
    }
    None
}

/// Lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

/// The targets of `[text](target)` and `[text]: target`, outside of `code`.
fn links(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    // Every second piece between backquotes is code.
    for piece in line.split('`').step_by(2) {
        for (start, opening) in piece.match_indices("](") {
            let rest = &piece[start + opening.len()..];
            if let Some(end) = rest.find([')', ' ']) {
                targets.push(&rest[..end]);
            }
        }
    }
    if let Some((label, target)) = line.split_once("]: ")
        && label.starts_with('[')
        && !label.starts_with("[^")
    {
        targets.push(target.trim());
    }
    // A link whose text is code: its pieces were torn apart above.
    for (start, opening) in line.match_indices("`](") {
        let rest = &line[start + opening.len()..];
        if let Some(end) = rest.find([')', ' ']) {
            targets.push(&rest[..end]);
        }
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// `path` as seen from the folder of `document`, relative to the root.
fn resolve(document: &str, path: &str) -> String {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.trim_end_matches('/').split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors that renderers give to the headings: lower case, without punctuation, blanks as hyphens.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            heading
                .chars()
                .filter(|character| character.is_alphanumeric() || " -_".contains(*character))
                .map(|character| if character == ' ' { '-' } else { character })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found() {
        assert_eq!(links("see [a](docs/a.md), [b](b.md#c \"title\")"), ["b.md#c", "docs/a.md"]);
        assert_eq!(links("[`code`](x.md) but not `[y](z.md)`"), ["x.md"]);
        assert_eq!(links("[label]: docs/other.md"), ["docs/other.md"]);
        assert_eq!(links("an array [1] (really)"), Vec::<&str>::new());
    }

    #[test]
    fn links_are_relative_to_their_document() {
        assert_eq!(resolve("docs/formats/aof.md", "../guide.md"), "docs/guide.md");
        assert_eq!(resolve("README.md", "./docs/"), "docs");
    }

    #[test]
    fn headings_have_anchors() {
        let found = anchors("# The log: `always`\n```\n# not this\n```\n## Group commit\n");
        assert_eq!(found, BTreeSet::from(["the-log-always".into(), "group-commit".into()]));
    }
}
