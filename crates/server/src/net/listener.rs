//! Listening sockets.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, Type};
use thiserror::Error;

use super::socket::Socket;
use super::token::Source;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenOptions {
    /// Addresses of the `bind` directive; a leading `-` makes one optional, `*` and `::*` stand for all.
    pub(crate) addresses: Vec<String>,
    /// TCP port; 0 = none.
    pub(crate) port: u16,
    /// Length of the kernel's accept queue.
    pub(crate) backlog: i32,
    /// Path of the Unix socket; empty = none.
    pub(crate) unix_path: String,
    /// Mode of the Unix socket's file; 0 = as the umask leaves it.
    pub(crate) unix_mode: u32,
}

/// Why listening failed. The texts are Redis' log lines.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ListenError {
    /// An address that was asked for cannot be used.
    #[error("Could not create server TCP listening socket {address}:{port}: {step}: {cause}")]
    Tcp {
        /// As given in `bind`.
        address: String,
        /// The port.
        port: u16,
        /// The system call that failed.
        step: &'static str,
        /// System error text.
        cause: String,
    },
    /// The Unix socket cannot be opened.
    #[error("Failed opening Unix socket: {step}: {cause}")]
    Unix {
        /// The system call that failed.
        step: &'static str,
        /// System error text.
        cause: String,
    },
    /// The poll refused a listener.
    #[error("Failed to watch a listening socket: {0}")]
    Poll(#[source] io::Error),
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// All listening sockets.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    listeners: Vec<Listener>,
    unix_path: String,
    tcp_count: usize,
}

impl Listeners {
    /// Opens everything `options` asks for. On failure nothing stays open.
    pub(crate) fn open(options: &ListenOptions) -> Result<Self, ListenError> {
        let mut listeners = Self { unix_path: options.unix_path.clone(), ..Self::default() };
        if options.port != 0 {
            for address in &options.addresses {
                listeners.open_address(address, options)?;
            }
            listeners.tcp_count = listeners.listeners.len();
            if listeners.tcp_count == 0 && !options.addresses.is_empty() {
                return Err(ListenError::Tcp {
                    address: options.addresses.join(" "),
                    port: options.port,
                    step: "bind",
                    cause: "no usable address".to_owned(),
                });
            }
        }
        if !options.unix_path.is_empty() {
            listeners.listeners.push(Listener::Unix(open_unix(&options.unix_path, options)?));
        }
        Ok(listeners)
    }

    fn open_address(&mut self, written: &str, options: &ListenOptions) -> Result<(), ListenError> {
        let (optional, address) = match written.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let resolved: Vec<SocketAddr> = match address {
            "*" => vec![SocketAddr::from(([0, 0, 0, 0], options.port))],
            "::*" => vec![SocketAddr::from(([0_u16; 8], options.port))],
            _ => match (address, options.port).to_socket_addrs() {
                Ok(addresses) => addresses.take(1).collect(),
                Err(error) => {
                    return if optional {
                        Ok(())
                    } else {
                        Err(tcp_error(address, options.port, "getaddrinfo", &error))
                    };
                }
            },
        };
        for socket_address in resolved {
            match open_tcp(socket_address, options.backlog) {
                Ok(listener) => self.listeners.push(Listener::Tcp(listener)),
                Err((_, error)) if is_unavailable(&error) && (optional || address == "::*") => {}
                Err((step, error)) => return Err(tcp_error(address, options.port, step, &error)),
            }
        }
        Ok(())
    }

    /// Makes the poll report connections.
    pub(crate) fn register(&mut self, registry: &Registry) -> Result<(), ListenError> {
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            let token = Source::Listener(index).token();
            match listener {
                Listener::Tcp(tcp) => registry.register(tcp, token, Interest::READABLE),
                Listener::Unix(unix) => registry.register(unix, token, Interest::READABLE),
            }
            .map_err(ListenError::Poll)?;
        }
        Ok(())
    }

    /// Makes the poll forget the listeners, before they are dropped.
    pub(crate) fn deregister(&mut self, registry: &Registry) {
        for listener in &mut self.listeners {
            // The socket is closed right after, which deregisters it in any case.
            let _closing = match listener {
                Listener::Tcp(tcp) => registry.deregister(tcp),
                Listener::Unix(unix) => registry.deregister(unix),
            };
        }
    }

    /// Accepts one connection; `None` when there is none waiting.
    pub(crate) fn accept(&self, index: usize) -> io::Result<Option<Socket>> {
        let accepted = match self.listeners.get(index) {
            Some(Listener::Tcp(tcp)) => tcp.accept().map(|(stream, _)| Socket::Tcp(stream)),
            Some(Listener::Unix(unix)) => unix.accept().map(|(stream, _)| Socket::Unix(stream)),
            None => return Ok(None),
        };
        match accepted {
            Ok(socket) => Ok(Some(socket)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many sockets listen.
    pub(crate) fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Whether any of them is TCP.
    pub(crate) fn has_tcp(&self) -> bool {
        self.tcp_count > 0
    }

    /// Path of the Unix socket; empty = none.
    pub(crate) fn unix_path(&self) -> &str {
        &self.unix_path
    }

    /// Removes the Unix socket's file (at shutdown).
    pub(crate) fn remove_unix_file(&self) {
        if !self.unix_path.is_empty() {
            let _already_gone = rustix::fs::unlink(&self.unix_path);
        }
    }
}

fn tcp_error(address: &str, port: u16, step: &'static str, error: &io::Error) -> ListenError {
    ListenError::Tcp { address: address.to_owned(), port, step, cause: crate::errno::text(error) }
}

/// Errors that mean "this machine has no such address", which an optional address may have.
fn is_unavailable(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.raw_os_error().is_some_and(|code| {
        [
            Errno::ADDRNOTAVAIL,
            Errno::AFNOSUPPORT,
            Errno::PROTONOSUPPORT,
            Errno::SOCKTNOSUPPORT,
            Errno::PFNOSUPPORT,
        ]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
    })
}

fn open_tcp(address: SocketAddr, backlog: i32) -> Result<TcpListener, (&'static str, io::Error)> {
    let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket =
        RawSocket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(|error| ("socket", error))?;
    if address.is_ipv6() {
        socket.set_only_v6(true).map_err(|error| ("setsockopt", error))?;
    }
    socket.set_reuse_address(true).map_err(|error| ("setsockopt SO_REUSEADDR", error))?;
    socket.set_nonblocking(true).map_err(|error| ("fcntl", error))?;
    socket.bind(&address.into()).map_err(|error| ("bind", error))?;
    socket.listen(backlog).map_err(|error| ("listen", error))?;
    Ok(TcpListener::from_std(socket.into()))
}

fn open_unix(path: &str, options: &ListenOptions) -> Result<UnixListener, ListenError> {
    let failed =
        |step: &'static str, error: &io::Error| ListenError::Unix { step, cause: crate::errno::text(error) };
    // A file left behind by an earlier process would make bind fail.
    let _absent = rustix::fs::unlink(path);
    let socket =
        RawSocket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| failed("socket", &error))?;
    socket.set_nonblocking(true).map_err(|error| failed("fcntl", &error))?;
    let address = SockAddr::unix(path).map_err(|error| failed("bind", &error))?;
    socket.bind(&address).map_err(|error| failed("bind", &error))?;
    socket.listen(options.backlog).map_err(|error| failed("listen", &error))?;
    if options.unix_mode != 0 {
        rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(options.unix_mode))
            .map_err(|error| failed("chmod", &error.into()))?;
    }
    Ok(UnixListener::from_std(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::{ListenError, ListenOptions, Listeners};

    fn options(addresses: &[&str], port: u16) -> ListenOptions {
        ListenOptions {
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
            port,
            backlog: 16,
            unix_path: String::new(),
            unix_mode: 0,
        }
    }

    fn free_port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn port_zero_opens_nothing() {
        assert_eq!(Listeners::open(&options(&["127.0.0.1"], 0)).unwrap().len(), 0);
    }

    #[test]
    fn an_optional_address_may_be_missing() {
        let listeners = Listeners::open(&options(&["127.0.0.1", "-192.0.2.1"], free_port())).unwrap();
        assert_eq!(listeners.len(), 1);
    }

    #[test]
    fn a_busy_port_is_an_error_with_redis_text() {
        let port = free_port();
        let _first = Listeners::open(&options(&["127.0.0.1"], port)).unwrap();
        let error = Listeners::open(&options(&["127.0.0.1"], port)).unwrap_err();
        assert!(matches!(error, ListenError::Tcp { step: "bind", .. }));
        assert!(error.to_string().ends_with("bind: Address already in use"), "{error}");
    }
}
