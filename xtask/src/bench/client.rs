//! The least client that can fill a server and ask it something.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load::Commands;

/// No answer for this long is a failure, not slowness.
const TIMEOUT: Duration = Duration::from_secs(60);
const OK: [u8; 5] = *b"+OK\r\n";
/// Commands sent before their replies are read: enough to hide the way there and back, few enough for socket buffers.
const PIPELINE: u64 = 500;

pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command and returns the first line of its reply, without the line end.
    pub(super) fn command(&mut self, arguments: &[&str]) -> Result<String> {
        let mut frame = Vec::new();
        write_command(&mut frame, arguments.iter().map(|argument| argument.as_bytes()));
        self.stream.get_mut().write_all(&frame)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Sends a command and returns its reply, which is a bulk string.
    pub(super) fn text(&mut self, arguments: &[&str]) -> Result<String> {
        let head = self.command(arguments)?;
        let Some(len) = head.strip_prefix('$').and_then(|len| len.parse::<usize>().ok()) else {
            bail!("{arguments:?} was answered {head}");
        };
        let mut text = vec![0; len + 2];
        self.stream.read_exact(&mut text)?;
        text.truncate(len);
        Ok(String::from_utf8(text)?)
    }

    /// Sends what is already encoded.
    pub(super) fn send(&mut self, frames: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(frames)?)
    }

    /// Reads `count` replies that must be OK.
    pub(super) fn expect_ok(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let mut reply = [0; OK.len()];
            self.stream.read_exact(&mut reply)?;
            if reply != OK {
                let mut rest = String::new();
                self.stream.read_line(&mut rest)?;
                bail!("a command failed: {}{rest}", String::from_utf8_lossy(&reply));
            }
        }
        Ok(())
    }

    /// Sends commands in pipelines. Their replies are single lines, or a bulk string each, and no errors.
    pub(super) fn run_many(&mut self, commands: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
        let mut frames = Vec::new();
        let mut count = 0;
        for command in commands {
            write_command(&mut frames, command.iter().map(String::as_bytes));
            count += 1;
            if count == PIPELINE {
                self.send(&frames)?;
                self.expect_no_errors(count)?;
                frames.clear();
                count = 0;
            }
        }
        self.send(&frames)?;
        self.expect_no_errors(count)
    }

    /// Reads so many replies: single lines, or a bulk string each, and no errors.
    pub(super) fn expect_no_errors(&mut self, count: u64) -> Result<()> {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.starts_with('-') {
                bail!("a command failed: {}", line.trim_end());
            }
            if line.starts_with('$') {
                self.stream.read_line(&mut line)?;
            }
        }
        Ok(())
    }

    /// Which of the keys exist.
    pub(super) fn exist(&mut self, keys: impl IntoIterator<Item = String>) -> Result<Vec<bool>> {
        let mut keys = keys.into_iter().peekable();
        let mut exist = Vec::new();
        let mut frames = Vec::new();
        while keys.peek().is_some() {
            frames.clear();
            let mut count = 0;
            for key in keys.by_ref().take(PIPELINE as usize) {
                write_command(&mut frames, [b"EXISTS", key.as_bytes()]);
                count += 1;
            }
            self.send(&frames)?;
            for _ in 0..count {
                let mut reply = [0; 4];
                self.stream.read_exact(&mut reply)?;
                match &reply {
                    b":0\r\n" => exist.push(false),
                    b":1\r\n" => exist.push(true),
                    other => bail!("EXISTS was answered {}", String::from_utf8_lossy(other)),
                }
            }
        }
        Ok(exist)
    }

    /// Sets the keys number 0 to `keys` - 1.
    pub(super) fn fill(&mut self, keys: u64, commands: &mut Commands) -> Result<()> {
        self.fill_range(0..keys, commands)?;
        Ok(())
    }

    /// Sets the keys with these numbers; returns the longest time that a pipeline of them took.
    pub(super) fn fill_range(&mut self, keys: Range<u64>, commands: &mut Commands) -> Result<Duration> {
        let mut frames = Vec::new();
        let mut slowest = Duration::ZERO;
        let mut next = keys.start;
        while next < keys.end {
            let end = keys.end.min(next + PIPELINE);
            frames.clear();
            for number in next..end {
                commands.push_set(number, &mut frames);
            }
            let started = Instant::now();
            self.send(&frames)?;
            self.expect_ok((end - next) as usize)?;
            slowest = slowest.max(started.elapsed());
            next = end;
        }
        Ok(slowest)
    }
}

fn write_command<'a>(
    out: &mut Vec<u8>,
    arguments: impl IntoIterator<Item = &'a [u8], IntoIter: ExactSizeIterator>,
) {
    let arguments = arguments.into_iter();
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}
