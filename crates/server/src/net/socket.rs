//! One accepted client socket, TCP or Unix.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::time::Duration;

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};

/// A non-blocking client socket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection to the Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// Turns Nagle's algorithm off and keep-alive probes on (`keepalive_seconds` 0 = none).
    ///
    /// Failures are of no consequence to the connection, and a peer that is already gone causes them.
    pub(crate) fn tune(&self, keepalive_seconds: u64) {
        let Self::Tcp(stream) = self else { return };
        let _gone = stream.set_nodelay(true);
        if keepalive_seconds > 0 {
            let interval = Duration::from_secs((keepalive_seconds / 3).max(1));
            let keepalive = TcpKeepalive::new()
                .with_time(Duration::from_secs(keepalive_seconds))
                .with_interval(interval)
                .with_retries(3);
            let _gone = SockRef::from(stream).set_tcp_keepalive(&keepalive);
        }
    }

    /// Registers the socket with the poll.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => registry.register(stream, token, Interest::READABLE),
            Self::Unix(stream) => registry.register(stream, token, Interest::READABLE),
        }
    }

    /// Makes the poll forget the socket, before it is dropped.
    pub(crate) fn deregister(&mut self, registry: &Registry) {
        // Closing the socket, which comes next, deregisters it in any case.
        let _closing = match self {
            Self::Tcp(stream) => registry.deregister(stream),
            Self::Unix(stream) => registry.deregister(stream),
        };
    }

    /// Asks to be told when the socket can be written, or no longer.
    pub(crate) fn want_writable(
        &mut self,
        registry: &Registry,
        token: Token,
        wanted: bool,
    ) -> io::Result<()> {
        let interest = if wanted { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        match self {
            Self::Tcp(stream) => registry.reregister(stream, token, interest),
            Self::Unix(stream) => registry.reregister(stream, token, interest),
        }
    }

    /// Writes as much as the socket takes of `slices`.
    pub(crate) fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // One piece, the usual case, is `send`, of which the kernel makes less than of `writev`.
        match (self, slices) {
            (Self::Tcp(stream), [slice]) => stream.write(slice),
            (Self::Tcp(stream), _) => stream.write_vectored(slices),
            (Self::Unix(stream), [slice]) => stream.write(slice),
            (Self::Unix(stream), _) => stream.write_vectored(slices),
        }
    }

    /// Writes a short text that needs no retry (refusals to clients that are dropped at once).
    pub(crate) fn write_once(&mut self, text: &[u8]) {
        let _gone = match self {
            Self::Tcp(stream) => stream.write(text),
            Self::Unix(stream) => stream.write(text),
        };
    }

    /// Reads and drops what has arrived, so that closing does not reset the connection before the peer has read
    /// the refusal.
    pub(crate) fn discard_input(&mut self) {
        let mut scratch = [0_u8; 1024];
        for _ in 0..16 {
            let read = match self {
                Self::Tcp(stream) => stream.read(&mut scratch),
                Self::Unix(stream) => stream.read(&mut scratch),
            };
            if !matches!(read, Ok(bytes) if bytes > 0) {
                return;
            }
        }
    }

    /// The peer, as CLIENT LIST shows it (`unix_path` names the listener for Unix sockets).
    pub(crate) fn peer_name(&self, unix_path: &str) -> String {
        match self {
            Self::Tcp(stream) => {
                stream.peer_addr().map_or_else(|_| "?:0".to_owned(), |address| name(&address))
            }
            Self::Unix(_) => format!("{unix_path}:0"),
        }
    }

    /// Our own end, as CLIENT LIST shows it.
    pub(crate) fn local_name(&self, unix_path: &str) -> String {
        match self {
            Self::Tcp(stream) => {
                stream.local_addr().map_or_else(|_| "?:0".to_owned(), |address| name(&address))
            }
            Self::Unix(_) => format!("{unix_path}:0"),
        }
    }

    /// Whether the peer is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.peer_addr().is_ok_and(|address| match address {
                SocketAddr::V4(v4) => v4.ip().is_loopback(),
                SocketAddr::V6(v6) => {
                    v6.ip().is_loopback() || v6.ip().to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
                }
            }),
            Self::Unix(_) => true,
        }
    }

    /// Whether this is a Unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// The file descriptor's number, shown by CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

/// `ip:port`, with brackets around IPv6 addresses as Redis prints them.
fn name(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.to_string(),
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => format!("{v4}:{}", v6.port()),
            None => format!("[{}]:{}", v6.ip(), v6.port()),
        },
    }
}
