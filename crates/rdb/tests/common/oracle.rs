//! The real Redis, when it is installed: a server of its own directory and port, and redis-check-rdb.
#![expect(clippy::disallowed_methods, reason = "tests put files where another program finds them")]
#![expect(clippy::unwrap_used, reason = "a harness that does not work fails the test")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Whether `program` can be run. Says loudly when not, so that a test that proves nothing does not look like one.
pub(crate) fn is_installed(program: &str) -> bool {
    let found =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("SKIPPED: {program} not found");
    }
    found
}

/// A new directory, removed when dropped.
pub(crate) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lastsave-rdb-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What redis-check-rdb prints for `bytes` as `input.rdb`; nothing if it does not come to an end.
pub(crate) fn check_rdb_report(directory: &TemporaryDirectory, bytes: &[u8]) -> Option<Vec<u8>> {
    fs::write(directory.path().join("input.rdb"), bytes).unwrap();
    let mut child = Command::new("redis-check-rdb")
        .arg("input.rdb")
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Reports are far smaller than a pipe's buffer, so waiting before reading is safe.
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    Some(output)
}

/// A running redis-server.
pub(crate) struct Server {
    child: Child,
    stream: BufReader<TcpStream>,
    directory: TemporaryDirectory,
}

/// A reply, as far as these tests need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Line(String),
    Bulk(Option<Vec<u8>>),
}

impl Reply {
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bulk(Some(bytes)) => bytes,
            other => panic!("not a string: {other:?}"),
        }
    }

    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Line(line) => line.trim_start_matches(':').parse().unwrap(),
            other => panic!("not a number: {other:?}"),
        }
    }
}

impl Server {
    /// Starts a server that loads `dump` (if any).
    pub(crate) fn start(dump: Option<&[u8]>, options: &[&str]) -> Self {
        let directory = TemporaryDirectory::new();
        if let Some(dump) = dump {
            fs::write(directory.path().join("dump.rdb"), dump).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--logfile", "log"])
            .args(["--enable-debug-command", "yes"])
            .args(options)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                break BufReader::new(stream);
            }
            assert!(Instant::now() < deadline, "redis-server does not listen");
            thread::sleep(Duration::from_millis(20));
        };
        let mut server = Self { child, stream, directory };
        while server.command(&[b"PING"]) != Reply::Line("+PONG".into()) {
            let log = fs::read_to_string(server.directory.path().join("log")).unwrap();
            assert!(Instant::now() < deadline, "redis-server does not load:\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub(crate) fn command(&mut self, arguments: &[&[u8]]) -> Reply {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            request.extend(format!("${}\r\n", argument.len()).into_bytes());
            request.extend_from_slice(argument);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        let Some(length) = line.strip_prefix('$') else { return Reply::Line(line) };
        let Ok(length) = length.parse::<usize>() else { return Reply::Bulk(None) };
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes.truncate(length);
        Reply::Bulk(Some(bytes))
    }

    /// Runs a command whose reply may be anything, and gives its first line.
    pub(crate) fn command_of_any_reply(&mut self, arguments: &[&[u8]]) -> String {
        let first = match self.command(arguments) {
            Reply::Line(line) => line,
            Reply::Bulk(_) => String::new(),
        };
        // Whatever else belongs to the reply stands before the next one.
        self.stream.get_mut().write_all(b"ECHO end-of-reply\r\n").unwrap();
        let mut line = String::new();
        while line != "end-of-reply\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
        }
        first
    }

    /// The file that the server writes now.
    pub(crate) fn saved(&mut self) -> Vec<u8> {
        assert_eq!(self.command(&[b"SAVE"]), Reply::Line("+OK".into()));
        fs::read(self.directory.path().join("dump.rdb")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // By the handle of our own child.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
