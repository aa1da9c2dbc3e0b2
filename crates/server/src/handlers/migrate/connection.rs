//! Connections to the servers that MIGRATE sends keys to, and which of them are kept for the next time.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use lastsave_resp::{Reply, ReplyLimits, decode_reply_within};

/// Connections kept at most.
const CONNECTIONS_MAX: usize = 64;
/// A connection not used for longer is closed.
const IDLE_MS_MAX: u64 = 10_000;
/// Bytes that the timeout is granted for.
const PIECE_BYTES: usize = 64 * 1024;
/// Replies to AUTH, SELECT and RESTORE are short lines.
const LIMITS: ReplyLimits = ReplyLimits { max_depth: 1, max_bulk_bytes: 64 * 1024, max_elements: 16 };

/// One connection to another server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    received: BytesMut,
    /// The database that is surely selected there.
    pub(super) db: Option<i64>,
    last_used_ms: u64,
}

impl Connection {
    fn open(host: &[u8], port: &[u8], timeout: Duration) -> io::Result<Self> {
        let invalid = || io::Error::from(ErrorKind::InvalidInput);
        let host = std::str::from_utf8(host).map_err(|_| invalid())?;
        let port: u16 =
            std::str::from_utf8(port).ok().and_then(|port| port.parse().ok()).ok_or_else(invalid)?;
        let mut failure = invalid();
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, received: BytesMut::new(), db: None, last_used_ms: 0 });
                }
                Err(error) if is_timeout(&error) => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Sends everything, or fails when the other side takes too little of it for the time of `timeout`.
    pub(super) fn send(&mut self, bytes: &[u8], timeout: Duration) -> io::Result<()> {
        bytes.chunks(PIECE_BYTES).try_for_each(|piece| self.send_piece(piece, timeout))
    }

    fn send_piece(&mut self, mut piece: &[u8], timeout: Duration) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        while !piece.is_empty() {
            self.stream.set_write_timeout(Some(time_left(deadline)?))?;
            match self.stream.write(piece) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => piece = &piece[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the reply to one command: done, or the text of an error. Fails when there is none in time, and when it
    /// is something that none of MIGRATE's commands is answered with.
    pub(super) fn receive(&mut self, timeout: Duration) -> io::Result<Result<(), Vec<u8>>> {
        let deadline = Instant::now() + timeout;
        loop {
            match decode_reply_within(&self.received, &LIMITS) {
                Ok(None) => self.fill(deadline)?,
                Ok(Some((reply, length))) => {
                    self.received.advance(length);
                    return match reply {
                        Reply::Simple(_) => Ok(Ok(())),
                        Reply::Error(text) => Ok(Err(text)),
                        other => Err(io::Error::new(ErrorKind::InvalidData, format!("reply {other:?}"))),
                    };
                }
                Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
            }
        }
    }

    fn fill(&mut self, deadline: Instant) -> io::Result<()> {
        let mut chunk = [0; 4096];
        self.stream.set_read_timeout(Some(time_left(deadline)?))?;
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.received.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the other side is still there and has said nothing since its last reply. What it said would be taken for
    /// the reply to the next command.
    fn is_quiet(&self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            peeked
        };
        self.received.is_empty() && peek().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// Whether something failed because it took too long.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

fn time_left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Connections to the targets of recent MIGRATEs, by host and port as the clients wrote them.
#[derive(Debug, Default)]
pub(crate) struct MigrateConnections {
    by_target: HashMap<Vec<u8>, Connection>,
}

impl MigrateConnections {
    /// The connection to a target, a new one if none is kept or the one that is kept is of no use any more.
    pub(super) fn get(
        &mut self,
        host: &[u8],
        port: &[u8],
        timeout: Duration,
        now_ms: u64,
    ) -> io::Result<&mut Connection> {
        let target = target(host, port);
        let kept = self.by_target.remove(&target).filter(Connection::is_quiet);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(host, port, timeout)?,
        };
        connection.last_used_ms = now_ms;
        if self.by_target.len() >= CONNECTIONS_MAX {
            self.close_longest_idle();
        }
        Ok(self.by_target.entry(target).or_insert(connection))
    }

    /// Closes the connection to a target.
    pub(super) fn close(&mut self, host: &[u8], port: &[u8]) {
        self.by_target.remove(&target(host, port));
    }

    /// Closes those that nobody has used for a while.
    pub(crate) fn close_idle(&mut self, now_ms: u64) {
        self.by_target.retain(|_, connection| now_ms.saturating_sub(connection.last_used_ms) <= IDLE_MS_MAX);
    }

    /// Connections that are kept.
    pub(crate) fn len(&self) -> usize {
        self.by_target.len()
    }

    fn close_longest_idle(&mut self) {
        let oldest = self.by_target.iter().min_by_key(|(_, connection)| connection.last_used_ms);
        if let Some(target) = oldest.map(|(target, _)| target.clone()) {
            self.by_target.remove(&target);
        }
    }
}

fn target(host: &[u8], port: &[u8]) -> Vec<u8> {
    [host, b":", port].concat()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(200);

    fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port().to_string();
        (listener, port)
    }

    fn local_port(connection: &Connection) -> u16 {
        connection.stream.local_addr().expect("a connected socket has an address").port()
    }

    #[test]
    fn a_connection_is_kept_until_it_has_been_idle_for_long() {
        let (_listener, port) = listen();
        let mut connections = MigrateConnections::default();
        let get = |connections: &mut MigrateConnections, now_ms| {
            local_port(
                connections.get(b"127.0.0.1", port.as_bytes(), TIMEOUT, now_ms).expect("somebody listens"),
            )
        };
        let first = get(&mut connections, 1000);
        assert_eq!(get(&mut connections, 5000), first);
        connections.close_idle(5000 + IDLE_MS_MAX);
        assert_eq!(connections.len(), 1);
        connections.close_idle(5001 + IDLE_MS_MAX);
        assert_eq!(connections.len(), 0);
        assert_ne!(get(&mut connections, 20_000), first);
    }

    #[test]
    fn a_connection_on_which_something_was_said_is_not_used_again() {
        let (listener, port) = listen();
        let mut connections = MigrateConnections::default();
        for farewell in [&b""[..], b"-ERR you were not meant to read this\r\n"] {
            let first = connections.get(b"127.0.0.1", port.as_bytes(), TIMEOUT, 0).expect("somebody listens");
            let first = local_port(first);
            let (mut accepted, _) = listener.accept().expect("a connection is there");
            accepted.write_all(farewell).expect("the other side is there");
            if farewell.is_empty() {
                drop(accepted);
            }
            std::thread::sleep(Duration::from_millis(50));
            let second =
                connections.get(b"127.0.0.1", port.as_bytes(), TIMEOUT, 0).expect("somebody listens");
            assert_ne!(local_port(second), first, "{farewell:?}");
            let (_accepted, _) = listener.accept().expect("a second connection is there");
            connections.close(b"127.0.0.1", port.as_bytes());
        }
    }

    #[test]
    fn the_one_idle_for_longest_makes_room() {
        let targets: Vec<(TcpListener, String)> = (0..=CONNECTIONS_MAX).map(|_| listen()).collect();
        let mut connections = MigrateConnections::default();
        for (now_ms, (_, port)) in (100..).zip(&targets) {
            connections.get(b"127.0.0.1", port.as_bytes(), TIMEOUT, now_ms).expect("somebody listens");
        }
        assert_eq!(connections.len(), CONNECTIONS_MAX);
        assert!(!connections.by_target.contains_key(&target(b"127.0.0.1", targets[0].1.as_bytes())));
    }

    #[test]
    fn only_short_status_and_error_replies_are_taken() {
        let (listener, port) = listen();
        let mut connections = MigrateConnections::default();
        let mut receive = |bytes: &[u8]| {
            let connection =
                connections.get(b"127.0.0.1", port.as_bytes(), TIMEOUT, 0).expect("somebody listens");
            let (mut accepted, _) = listener.accept().expect("a connection is there");
            accepted.write_all(bytes).expect("the other side is there");
            let received = connection.receive(TIMEOUT).map_err(|error| error.kind());
            connections.close(b"127.0.0.1", port.as_bytes());
            received
        };
        assert_eq!(receive(b"+OK\r\n"), Ok(Ok(())));
        assert_eq!(receive(b"-BUSYKEY it is there\r\n"), Ok(Err(b"BUSYKEY it is there".to_vec())));
        for bytes in [&b":1\r\n"[..], b"$2\r\nOK\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"*1\r\n*1\r\n"] {
            assert_eq!(receive(bytes), Err(ErrorKind::InvalidData), "{}", bytes.escape_ascii());
        }
        assert!(matches!(receive(b"+O"), Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)));
    }

    #[test]
    fn nobody_listening_is_an_error_and_so_is_an_address_that_is_none() {
        let (listener, port) = listen();
        drop(listener);
        let mut connections = MigrateConnections::default();
        for (host, port) in [("127.0.0.1", port.as_str()), ("127.0.0.1", "many"), ("127.0.0.1", "70000")] {
            assert!(connections.get(host.as_bytes(), port.as_bytes(), TIMEOUT, 0).is_err(), "{host}:{port}");
        }
        assert!(connections.get(b"\xff", b"1", TIMEOUT, 0).is_err());
        assert_eq!(connections.len(), 0);
    }
}
