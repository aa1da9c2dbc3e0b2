//! Sends a client's replies.

use std::io::{self, IoSlice};

use lastsave_resp::{IO_SLICES_MAX, ReplyBuffer};
use smallvec::SmallVec;

use super::socket::Socket;

/// Bytes sent to one client per turn of the loop at most, so that a fast reader of big values does not keep the
/// others waiting.
const TURN_BYTES_MAX: usize = 1024 * 1024;

/// What is left after sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Everything that may be sent is sent.
    Nothing,
    /// The socket took no more.
    SocketFull,
    /// The client had its share of this turn.
    NextTurn,
    /// The connection is broken.
    Broken,
}

/// What one flush did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flushed {
    /// Bytes the socket took.
    pub(crate) sent: usize,
    /// Calls made.
    pub(crate) writes: u64,
    /// What is left.
    pub(crate) left: Left,
}

/// Sends what is pending before stream position `limit`, in as few calls as possible.
pub(crate) fn flush(socket: &mut Socket, reply: &mut ReplyBuffer, limit: u64) -> Flushed {
    let mut flushed = Flushed { sent: 0, writes: 0, left: Left::Nothing };
    loop {
        let (offered, written) = {
            let mut slices: SmallVec<[IoSlice<'_>; IO_SLICES_MAX]> = SmallVec::new();
            reply.io_slices(limit, &mut slices);
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            if offered == 0 {
                return flushed;
            }
            (offered, socket.write_vectored(&slices))
        };
        match written {
            Ok(0) => return Flushed { left: Left::Broken, ..flushed },
            Ok(count) => {
                reply.consume(count);
                flushed.sent += count;
                flushed.writes += 1;
                if count < offered {
                    // The kernel took part of it: its buffer is full now.
                    return Flushed { left: Left::SocketFull, ..flushed };
                }
                if flushed.sent >= TURN_BYTES_MAX && reply.pending() > 0 {
                    return Flushed { left: Left::NextTurn, ..flushed };
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Flushed { left: Left::SocketFull, ..flushed };
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Flushed { left: Left::Broken, ..flushed },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use lastsave_resp::{Protocol, ReplyBuffer};

    use super::{Left, flush};
    use crate::net::socket::Socket;

    fn pair() -> (Socket, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (Socket::Unix(mio::net::UnixStream::from_std(near)), far)
    }

    #[test]
    fn nothing_beyond_the_limit_is_sent() {
        let (mut socket, mut far) = pair();
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        reply.ok();
        let limit = reply.produced();
        reply.integer(7);
        assert_eq!(flush(&mut socket, &mut reply, limit).sent, 5);
        let mut got = [0; 5];
        far.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"+OK\r\n");
        assert_eq!(flush(&mut socket, &mut reply, u64::MAX).sent, 4);
    }

    #[test]
    fn a_full_socket_is_reported() {
        let (mut socket, _far) = pair();
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        reply.bulk(&vec![b'x'; 8 << 20]);
        assert_eq!(flush(&mut socket, &mut reply, u64::MAX).left, Left::SocketFull);
        assert!(reply.pending() > 0);
    }

    #[test]
    fn a_broken_connection_is_reported() {
        let (mut socket, far) = pair();
        drop(far);
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        reply.ok();
        assert_eq!(flush(&mut socket, &mut reply, u64::MAX).left, Left::Broken);
    }
}
