//! Runs the tools: ours, and those of Redis that they are compared with.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::PROGRAM;

/// What a tool printed on standard output, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
}

/// Runs the program under test as `tool` (`redis-check-aof`, for example), with `input` on its standard input.
pub(crate) fn our_tool(tool: &str, directory: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(PROGRAM);
    command.arg0(tool);
    run(&mut command, directory, arguments, input)
}

/// Runs the tool of Redis.
pub(crate) fn their_tool(tool: &str, directory: &Path, arguments: &[&str], input: &str) -> Ran {
    run(&mut Command::new(tool), directory, arguments, input)
}

fn run(command: &mut Command, directory: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tool runs");
    // A tool that asks nothing may have closed its input already.
    let _ = child.stdin.take().expect("standard input is a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the tool ends");
    Ran { code: output.status.code(), output: String::from_utf8_lossy(&output.stdout).into_owned() }
}
