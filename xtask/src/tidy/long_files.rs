//! A file has one role and some hundred lines. The longer ones are listed with their length, which may only shrink.

use super::{Finding, Repository};

/// More lines than this need an entry in [`EXCEPTIONS`].
const LINES_MAX: usize = 500;

/// Files that are longer, with their exact number of lines. Shorten the file, then the entry; do not add to it.
const EXCEPTIONS: &[(&str, usize)] = &[
    ("crates/commands/tests/behaviour/same_as_redis.rs", 588),
    ("crates/config/src/table.rs", 544),
    ("crates/fsync-scheduler/tests/scheduler/support.rs", 543),
    ("crates/lastsave/tests/damaged_files_are_met_with_a_clear_message.rs", 543),
];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in repository.rust_files() {
        let lines = file.text.lines().count();
        let listed = EXCEPTIONS.iter().find(|(path, _)| *path == file.path).map(|(_, lines)| *lines);
        if let Some(message) = verdict(lines, listed) {
            findings.push(Finding::about(&file.path, message));
        }
    }
    for (path, _) in EXCEPTIONS {
        if repository.file(path).is_none() {
            findings.push(Finding::about(*path, format!("is gone; remove it from {}", file!())));
        }
    }
}

fn verdict(lines: usize, listed: Option<usize>) -> Option<String> {
    match listed {
        None if lines > LINES_MAX => {
            Some(format!("{lines} lines; split it by role to at most {LINES_MAX} (100 to 400 is usual)"))
        }
        Some(listed) if lines > listed => {
            Some(format!("{lines} lines, {listed} when it was listed as too long; it may only shrink"))
        }
        Some(_) if lines <= LINES_MAX => Some(format!("short enough now; remove it from {}", file!())),
        Some(listed) if lines < listed => Some(format!("{lines} lines now; write that into {}", file!())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_only_shrink() {
        assert_eq!(verdict(LINES_MAX, None), None);
        assert_eq!(verdict(600, Some(600)), None);
        assert!(verdict(LINES_MAX + 1, None).unwrap().contains("split"));
        assert!(verdict(601, Some(600)).unwrap().contains("only shrink"));
        assert!(verdict(599, Some(600)).unwrap().contains("write that"));
        assert!(verdict(LINES_MAX, Some(600)).unwrap().contains("remove"));
    }
}
