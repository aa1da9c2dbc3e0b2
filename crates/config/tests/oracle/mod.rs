//! Runs the installed redis-server beside our own code. It listens on a Unix socket only, so that no port is
//! taken.

#![allow(dead_code, clippy::allow_attributes, reason = "every test binary uses a part of this module")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lastsave_config::StorageHost;
use lastsave_storage::RealStorage;

pub(crate) fn program() -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .map(|directory| directory.join("redis-server"))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: redis-server not found");
    }
    found
}

pub(crate) fn host(directory: &Path) -> StorageHost {
    let storage = RealStorage::open(directory).expect("the temporary directory is there");
    StorageHost::new(Arc::new(storage), directory.canonicalize().expect("it has a path"))
}

/// What a server that refuses its configuration says: the block on standard error, or the logged line about a
/// file that cannot be opened. `None` if it takes the configuration.
pub(crate) fn refusal(program: &Path, directory: &Path, arguments: &[&str]) -> Option<String> {
    // A server that is told to listen nowhere leaves by itself, right after it took its configuration.
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("redis-server runs");
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().expect("a child can be waited for").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("it is ours");
            panic!("redis-server serves with {arguments:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it has ended");
    if !output.stderr.is_empty() {
        return Some(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    log.find("Fatal error, can't open").map(|at| log[at..].to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Bulk(Option<Vec<u8>>),
    Integer(i64),
    Array(Vec<Reply>),
}

pub(crate) struct Oracle {
    child: Child,
    stream: BufReader<UnixStream>,
}

impl Oracle {
    /// Starts a server in `directory` with these arguments; `None` if there is no redis-server.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Option<Self> {
        program()?;
        let started = Self::start_if_possible(directory, arguments);
        assert!(started.is_some(), "redis-server refused {arguments:?}");
        started
    }

    /// As [`start`](Self::start), and `None` if the server refuses its configuration.
    pub(crate) fn start_if_possible(directory: &Path, arguments: &[&str]) -> Option<Self> {
        let program = program()?;
        let socket = directory.join("oracle.sock");
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--port", "0", "--unixsocket"])
            .arg(&socket)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let deadline = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            if let Ok(stream) = UnixStream::connect(&socket) {
                break stream;
            }
            if child.try_wait().expect("ours").is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket has a timeout");
        let mut oracle = Self { child, stream: BufReader::new(stream) };
        // A server that cannot load its modules accepts connections before it leaves.
        let mut answer = String::new();
        let asked = oracle.stream.get_mut().write_all(b"PING\r\n");
        let answered = asked.and_then(|()| oracle.stream.read_line(&mut answer));
        (answered.is_ok() && !answer.is_empty()).then_some(oracle)
    }

    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            let argument = argument.as_ref();
            request.extend(format!("${}\r\n", argument.len()).into_bytes());
            request.extend_from_slice(argument);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).expect("the server reads");
        self.reply()
    }

    /// CONFIG GET as pairs.
    pub(crate) fn config_get<A: AsRef<[u8]>>(&mut self, patterns: &[A]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut arguments = vec![b"config".to_vec(), b"get".to_vec()];
        arguments.extend(patterns.iter().map(|pattern| pattern.as_ref().to_vec()));
        let Reply::Array(items) = self.call(&arguments) else { panic!("CONFIG GET gives an array") };
        let bulk = |reply: &Reply| match reply {
            Reply::Bulk(Some(bytes)) => bytes.clone(),
            other => panic!("{other:?} in CONFIG GET"),
        };
        items.chunks(2).map(|pair| (bulk(&pair[0]), bulk(&pair[1]))).collect()
    }

    fn reply(&mut self) -> Reply {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("the server answers");
        let text = String::from_utf8_lossy(&line[1..line.len() - 2]).into_owned();
        match line[0] {
            b'+' => Reply::Simple(text),
            b'-' => Reply::Error(text),
            b':' => Reply::Integer(text.parse().expect("a number")),
            b'$' if text == "-1" => Reply::Bulk(None),
            b'$' => {
                let mut bytes = vec![0; text.parse::<usize>().expect("a length") + 2];
                self.stream.read_exact(&mut bytes).expect("the server answers");
                bytes.truncate(bytes.len() - 2);
                Reply::Bulk(Some(bytes))
            }
            b'*' => Reply::Array((0..text.parse().unwrap_or(0)).map(|_| self.reply()).collect()),
            other => panic!("reply of type {other}"),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
