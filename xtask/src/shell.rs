//! Runs other programs: shows their output as it comes, lets the caller read along, and keeps its end for the report.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// How many of the last output lines a [`ToolFailed`] carries.
const TAIL_LINES: usize = 60;

/// After this long without output it is asked whether the program still runs.
const SILENCE_TIME: Duration = Duration::from_secs(2);

/// A program about to be run in the repository's root.
pub(crate) struct Tool {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    removed_variables: Vec<&'static str>,
    directory: PathBuf,
}

/// A program ended with a failure. `Display` names the command; the end of its output is kept apart, because whoever
/// ran a single command has just seen it.
#[derive(Debug)]
pub(crate) struct ToolFailed {
    command: String,
    status: ExitStatus,
    pub(crate) tail: Vec<String>,
}

impl fmt::Display for ToolFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` failed: {}", self.command, self.status)
    }
}

impl std::error::Error for ToolFailed {}

impl Tool {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            removed_variables: Vec::new(),
            directory: workspace::root().to_owned(),
        }
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// Without this variable, should this program's own environment have it.
    pub(crate) fn without_env(mut self, name: &'static str) -> Self {
        self.removed_variables.push(name);
        self
    }

    pub(crate) fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        directory.as_ref().clone_into(&mut self.directory);
        self
    }

    /// Runs it and shows its output.
    pub(crate) fn run(&self) -> Result<()> {
        self.run_watched(|_| true)
    }

    /// As [`run`](Self::run), and calls `watch` with every line of standard output and standard error; it says whether the
    /// line is shown.
    pub(crate) fn run_watched(&self, mut watch: impl FnMut(&str) -> bool) -> Result<()> {
        println!("$ {self}");
        let mut command = self.command();
        if std::io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        // One pipe for both streams, so that their lines keep their order.
        let (reader, writer) = std::io::pipe().context("no pipe")?;
        let mut child = command
            .stdin(Stdio::null())
            .stderr(writer.try_clone()?)
            .stdout(writer)
            .spawn()
            .with_context(|| format!("cannot start `{self}`"))?;
        // It holds the writing ends too; the output ends when the last one is closed.
        drop(command);
        let lines = forward_lines(reader);
        let mut tail = VecDeque::with_capacity(TAIL_LINES);
        loop {
            let line = match lines.recv_timeout(SILENCE_TIME) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => break,
                // Silent because it works, or because it is gone and something that it started lives on.
                Err(RecvTimeoutError::Timeout) if child.try_wait()?.is_none() => continue,
                Err(RecvTimeoutError::Timeout) => {
                    println!(
                        "warning: `{self}` has ended, but something that it started holds on to its output"
                    );
                    break;
                }
            };
            let plain = without_colours(&line);
            if watch(&plain) {
                println!("{line}");
            }
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(plain);
        }
        let status = child.wait()?;
        if !status.success() {
            bail!(ToolFailed { command: self.to_string(), status, tail: tail.into() });
        }
        Ok(())
    }

    /// Runs it without showing anything and returns its standard output.
    pub(crate) fn output(&self) -> Result<String> {
        let output =
            self.command().stdin(Stdio::null()).output().with_context(|| format!("cannot start `{self}`"))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let tail = text.lines().map(str::to_owned).collect();
            bail!(ToolFailed { command: self.to_string(), status: output.status, tail });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether it starts and succeeds. Shows nothing.
    pub(crate) fn succeeds(&self) -> bool {
        self.command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory);
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        for name in &self.removed_variables {
            command.env_remove(name);
        }
        command
    }
}

/// The command as a developer would type it in the repository's root.
impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relative = self.directory.strip_prefix(workspace::root()).unwrap_or(&self.directory);
        if !relative.as_os_str().is_empty() {
            write!(formatter, "cd {} && ", quoted(relative.as_os_str()))?;
        }
        for (name, value) in &self.variables {
            write!(formatter, "{name}={} ", quoted(value))?;
        }
        let program = Path::new(&self.program).file_name().unwrap_or(&self.program);
        write!(formatter, "{}", quoted(program))?;
        for argument in &self.arguments {
            write!(formatter, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,+@%".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) { text.into_owned() } else { format!("'{text}'") }
}

/// Reads lines on a thread of their own, until the other ends of the pipe are closed.
fn forward_lines(pipe: PipeReader) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        // An error ends the output like its regular end does; the exit status tells the rest.
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}

/// Removes terminal colour sequences, so that what is read from a tool's output does not depend on the terminal.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, sequence)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        // `[`, parameters and a letter, or `(` and the name of a character set: both end with the first letter.
        rest = match sequence.find(|character: char| character.is_ascii_alphabetic()) {
            Some(end) => &sequence[end + 1..],
            None => "",
        };
    }
    plain.push_str(rest);
    plain
}

/// Prints a heading that can be found in a long log.
pub(crate) fn heading(text: &str) {
    println!("\n=== {text} ===");
    // Not being able to show progress is no reason to stop.
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed() {
        assert_eq!(without_colours("test a ... \u{1b}[31mFAILED\u{1b}[m"), "test a ... FAILED");
        assert_eq!(without_colours("\u{1b}(B\u{1b}[m-old"), "-old");
        assert_eq!(without_colours("cut \u{1b}[3"), "cut ");
    }

    #[test]
    fn a_failure_carries_the_end_of_the_output() {
        let failure = Tool::new("sh")
            .args(["-c", "for i in $(seq 100); do echo line $i; done; exit 3"])
            .run()
            .unwrap_err()
            .downcast::<ToolFailed>()
            .unwrap();
        assert_eq!(failure.tail.len(), TAIL_LINES);
        assert_eq!(failure.tail.last().unwrap(), "line 100");
        assert_eq!(failure.status.code(), Some(3));
    }

    #[test]
    fn a_process_left_behind_does_not_block() {
        Tool::new("sh").args(["-c", "sleep 30 & echo started"]).run().unwrap();
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let tool = Tool::new("/usr/bin/cargo").args(["run", "--", "a b"]).env("RUSTFLAGS", "--cfg loom");
        assert_eq!(tool.to_string(), "RUSTFLAGS='--cfg loom' cargo run -- 'a b'");
    }
}
