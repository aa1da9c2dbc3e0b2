//! The sessions of docs/operations/snapshots.md work as written: each is typed into a shell, and what comes is compared.

#![expect(clippy::disallowed_methods, reason = "a user's session leaves files")]

mod harness;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{PROGRAM, files, free_port, skipped, temporary_directory};

const PAGE: &str = include_str!("../../../docs/operations/snapshots.md");

/// A command of a session, and what comes then.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    expected: Vec<String>,
}

/// The headings of the page with their sessions.
fn sessions() -> Vec<(String, Vec<Step>)> {
    let mut sessions = Vec::new();
    for section in PAGE.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').expect("a section has text");
        let Some((_, rest)) = text.split_once("```console\n") else { continue };
        let (session, rest) = rest.split_once("\n```").expect("a session ends");
        assert!(!rest.contains("```console"), "one session a section");
        let mut steps: Vec<Step> = Vec::new();
        for line in session.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), expected: Vec::new() }),
                None => steps.last_mut().expect("a command comes first").expected.push(line.to_owned()),
            }
        }
        sessions.push((heading.to_owned(), steps));
    }
    sessions
}

/// Whether a line is as the page has it, where `...` stands for anything.
fn line_is(line: &str, pattern: &str) -> bool {
    match pattern.split_once("...") {
        None => line == pattern,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && line_is(&rest[at..], after))
        }),
    }
}

/// Whether lines are as the page has them, where a line `...` stands for any number of lines.
fn lines_are(lines: &[&str], patterns: &[String]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((pattern, rest)) if pattern == "..." => {
            (0..=lines.len()).any(|at| lines_are(&lines[at..], rest))
        }
        Some((pattern, rest)) => {
            lines.split_first().is_some_and(|(line, more)| line_is(line, pattern) && lines_are(more, rest))
        }
    }
}

/// A shell in a directory of its own, in which the two programs use a port of its own, and the client shows what it shows on
/// a terminal.
struct Shell {
    directory: tempfile::TempDir,
    programs: tempfile::TempDir,
}

impl Shell {
    fn new() -> Self {
        let shell = Self { directory: temporary_directory(), programs: temporary_directory() };
        let port = free_port();
        shell.program("redis-cli", &format!("exec $REAL_CLI --no-raw -p {port} \"$@\""));
        // A server that does not come up has its say; one that does leaves the shell to the next command.
        shell.program(
            "lastsave-server",
            &format!(
                "case \"$1\" in check-rdb) exec {PROGRAM} \"$@\";; esac
                 {PROGRAM} --port {port} \"$@\" > {log} 2>&1 &
                 echo $! > {pid}
                 while kill -0 $! 2> /dev/null; do
                     [ \"$($REAL_CLI -p {port} ping 2> /dev/null)\" = PONG ] && exit
                     sleep 0.02
                 done
                 cat {log}",
                log = shell.programs.path().join("log").display(),
                pid = shell.pid_file().display()
            ),
        );
        shell
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.programs.path().join(name);
        files::write(&path, format!("#!/bin/sh\n{script}\n").as_bytes());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn pid_file(&self) -> PathBuf {
        self.programs.path().join("pid")
    }

    /// Types a command; gives what it prints.
    fn run(&self, command: &str, client: &Path) -> String {
        // The server's stand-in is back when the server is ready: nothing needs to run beside the shell.
        let command = command.trim_end_matches('&');
        let path = format!("{}:{}", self.programs.path().display(), std::env::var("PATH").expect("a path"));
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(self.directory.path())
            .env("PATH", path)
            .env("REAL_CLI", client)
            .output()
            .expect("bash runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The last server of the session may be gone already.
        if let Ok(pid) = std::fs::read_to_string(self.pid_file()) {
            let _ended = Command::new("kill").args(["-9", pid.trim()]).output();
        }
    }
}

fn client() -> Option<PathBuf> {
    let found = Command::new("sh").args(["-c", "command -v redis-cli"]).output().expect("sh runs");
    let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if path.is_empty() {
        skipped("redis-cli not found");
        return None;
    }
    Some(PathBuf::from(path))
}

/// Types the session under a heading.
fn walk(heading: &str) {
    let Some(client) = client() else { return };
    let (_, steps) =
        sessions().into_iter().find(|(known, _)| known == heading).expect("the page has this section");
    let shell = Shell::new();
    let mut transcript = String::new();
    for Step { command, expected } in steps {
        let output = shell.run(&command, &client);
        transcript += &format!("$ {command}\n{output}");
        let lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
        assert!(
            lines_are(&lines, &expected),
            "expected:\n{}\nso far:\n{transcript}\nserver:\n{}",
            expected.join("\n"),
            std::fs::read_to_string(shell.programs.path().join("log")).unwrap_or_default()
        );
    }
}

/// One test for each section, and a test that there is one.
macro_rules! walkthroughs {
    ($($name:ident: $heading:literal,)*) => {
        $(
            #[test]
            fn $name() {
                walk($heading);
            }
        )*

        #[test]
        fn every_session_of_the_page_is_walked() {
            let headings: Vec<String> = sessions().into_iter().map(|(heading, _)| heading).collect();
            assert_eq!(headings, [$($heading),*]);
        }
    };
}

walkthroughs! {
    a_save_point_fires: "A save point fires",
    a_snapshot_is_made_by_hand_and_lastsave_tells_when: "A snapshot by hand",
    a_snapshot_is_cancelled: "A snapshot is cancelled",
    a_moved_directory_and_name_are_used: "Directory and name change",
    a_copied_dump_restores: "A copied dump restores",
    flushall_leaves_an_empty_dump_and_flushdb_none: "FLUSHALL empties the dump, FLUSHDB does not",
    a_shutdown_without_a_log_leaves_a_dump: "A shutdown saves",
    without_save_points_there_are_no_snapshots: "Snapshots are switched off",
    compression_and_checksum_can_be_off: "Without compression and without a checksum",
    writes_are_refused_while_saves_fail: "Writes are refused while saves fail",
    a_damaged_dump_is_refused_and_repaired: "A damaged dump is refused and repaired",
}

#[test]
fn dots_stand_for_anything() {
    let patterns = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(line_is("(integer) 17", "(integer) ...") && !line_is("integer 17", "(integer) ..."));
    assert!(line_is("a b c", "... b ...") && !line_is("a b c", "... d ..."));
    assert!(lines_are(&["a", "b", "c"], &patterns(&["...", "c"])));
    assert!(!lines_are(&["a", "b", "c"], &patterns(&["...", "b"])));
    assert!(!lines_are(&["a"], &[]) && lines_are(&[], &patterns(&["..."])));
}
