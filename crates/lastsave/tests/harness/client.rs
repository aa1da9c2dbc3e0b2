//! A plain blocking client.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use lastsave_resp::{Reply, decode_reply};

use super::PATIENCE;

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One connection.
pub(crate) struct Client {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Clone for Client {
    /// The same connection: one may read while the other writes.
    fn clone(&self) -> Self {
        let stream = match &self.stream {
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
        };
        Self { stream: stream.expect("a socket can be shared"), buffer: Vec::new() }
    }
}

impl Client {
    /// Connects over TCP.
    pub(crate) fn connect(port: u16) -> Self {
        Self::try_connect(port).expect("the server accepts connections")
    }

    /// Connects over TCP, if somebody listens.
    pub(crate) fn try_connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Stream::Tcp(stream), buffer: Vec::new() })
    }

    /// Connects to a Unix socket.
    pub(crate) fn connect_unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Self { stream: Stream::Unix(stream), buffer: Vec::new() }
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).expect("the server reads");
    }

    /// Sends bytes as they are, unless the connection is gone.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }

    /// Sends a command without waiting for its reply.
    pub(crate) fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) {
        self.write(&encode(arguments));
    }

    /// Sends a command and waits for its reply.
    pub(crate) fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        self.send(arguments);
        self.read()
    }

    /// Sends a command given as words and shows its reply as text, see [`show`].
    pub(crate) fn run(&mut self, words: &str) -> String {
        let words: Vec<&str> = words.split_whitespace().collect();
        show(&self.command(&words))
    }

    /// Reads one reply.
    pub(crate) fn read(&mut self) -> Reply {
        self.try_read().expect("the server answers")
    }

    /// Reads one reply; `None` when the connection was closed instead.
    pub(crate) fn try_read(&mut self) -> Option<Reply> {
        loop {
            if let Some((reply, length)) = decode_reply(&self.buffer).expect("the server sends valid replies")
            {
                self.buffer.drain(..length);
                return Some(reply);
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// Reads until the server closes the connection; gives everything that came.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// Says that nothing more will be sent, while replies are still welcome.
    pub(crate) fn finish_sending(&self) {
        let shut = match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(std::net::Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(std::net::Shutdown::Write),
        };
        shut.expect("the connection is open");
    }

    fn fill(&mut self) -> usize {
        let mut chunk = vec![0; 1 << 16];
        let count = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut chunk),
            Stream::Unix(stream) => stream.read(&mut chunk),
        };
        match count {
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                count
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.fill(),
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// The value of a field of INFO.
    pub(crate) fn info(&mut self, field: &str) -> String {
        let text = self.run("INFO everything");
        let prefix = format!("{field}:");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("INFO has no {field}:\n{text}")).to_owned()
    }
}

/// A command in RESP.
pub(crate) fn encode<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// A reply as text: strings as they are, errors with `-`, integers with `:`, `nil`, and arrays in brackets.
pub(crate) fn show(reply: &Reply) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match reply {
        Reply::Simple(bytes) | Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => text(bytes),
        Reply::Error(bytes) => format!("-{}", text(bytes)),
        Reply::Integer(number) => format!(":{number}"),
        Reply::Null | Reply::NullArray => "nil".to_owned(),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(" "))
        }
        Reply::Map(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}={}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(" "))
        }
        other => format!("{other:?}"),
    }
}
