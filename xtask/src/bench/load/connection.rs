//! One client: a socket that never blocks, and the commands that it waits for.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail};

use super::replies::Replies;

/// More unanswered commands than this on one connection: the server is lost, and memory should not be lost with it.
const IN_FLIGHT_MAX: usize = 5_000_000;

pub(super) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    sent: usize,
    /// When the unanswered commands were due, in nanoseconds since the start.
    in_flight: VecDeque<u64>,
    replies: Replies,
    /// Commands begun, which is also the number of the next key in a load of own keys.
    pub(super) begun: u64,
    /// Whether the loop waits until the socket takes more.
    pub(super) waits_for_socket: bool,
}

/// What became of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Alive,
    /// The server has closed it.
    Closed,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            out: Vec::new(),
            sent: 0,
            in_flight: VecDeque::new(),
            replies: Replies::default(),
            begun: 0,
            waits_for_socket: false,
        })
    }

    /// Begins a command that was due then; the caller appends its bytes to what is returned.
    pub(super) fn begin(&mut self, due_ns: u64) -> Result<&mut Vec<u8>> {
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            bail!("the server leaves {IN_FLIGHT_MAX} commands of one client without an answer");
        }
        self.in_flight.push_back(due_ns);
        self.begun += 1;
        Ok(&mut self.out)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether something waits for the socket to take it.
    pub(super) fn has_output(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Hands the socket what it takes.
    pub(super) fn send(&mut self) -> Result<Outcome> {
        while self.has_output() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(Outcome::Alive),
                    ErrorKind::Interrupted => {}
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => return Ok(Outcome::Closed),
                    _ => return Err(error).context("cannot send"),
                },
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(Outcome::Alive)
    }

    /// Reads what the socket has, at most a buffer full, and calls `answered` with the due time of every command that it
    /// answers.
    pub(super) fn receive(&mut self, buffer: &mut [u8], mut answered: impl FnMut(u64)) -> Result<Outcome> {
        let count = match self.stream.read(buffer) {
            Ok(0) => return Ok(Outcome::Closed),
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => return Ok(Outcome::Alive),
                ErrorKind::ConnectionReset => return Ok(Outcome::Closed),
                _ => return Err(error).context("cannot receive"),
            },
        };
        match self.replies.read(&buffer[..count]) {
            Ok(ended) => {
                for _ in 0..ended {
                    let due_ns = self.in_flight.pop_front().context("the server sent a reply too many")?;
                    answered(due_ns);
                }
                Ok(Outcome::Alive)
            }
            Err(text) => bail!("a command failed: {text}"),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
