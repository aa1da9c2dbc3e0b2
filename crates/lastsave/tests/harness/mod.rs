//! Starts the real server in a directory of its own and talks to it over sockets.
//!
//! Every server gets a free port and a temporary directory, and is ended by its own pid when the test drops it.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part of the harness")]

mod client;
pub(crate) mod collections;
mod disturbance;
mod file_journal;
pub(crate) mod files;
mod instance;
mod power_cut;
mod promises;
pub(crate) mod samples;
pub(crate) mod tools;
mod transcript;
mod units;
mod workload;

use std::ffi::OsStr;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

pub(crate) use client::{Client, encode, show};
pub(crate) use disturbance::Disturbance;
pub(crate) use file_journal::{Action, Journal, Record, Recorder};
pub(crate) use files::temporary_directory;
pub(crate) use instance::{Instance, Program, has_oracle, skipped};
pub(crate) use lastsave_resp::Reply;
pub(crate) use power_cut::{Forgets, Replay};
pub(crate) use promises::Promises;
pub(crate) use transcript::{assert_like_redis, transcript};
pub(crate) use workload::{Loss, Moment, Running, Workload};

/// Longest wait for anything to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_lastsave-server");

/// A running server.
pub(crate) struct TestServer {
    child: Child,
    /// The port it listens on.
    pub(crate) port: u16,
    log: std::fs::File,
    /// Its working directory.
    pub(crate) directory: TempDir,
}

impl TestServer {
    /// Starts a server without persistence and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        Self::start_in(directory, arguments)
    }

    /// Starts a server in a directory that may hold files already.
    pub(crate) fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        let mut server = Self::launch(directory, free_port(), arguments);
        server.wait_for_log("Ready to accept connections");
        server
    }

    /// Starts a server on a port without waiting for it.
    pub(crate) fn launch(directory: TempDir, port: u16, arguments: &[&str]) -> Self {
        let log = tempfile::tempfile().expect("a temporary file can be made");
        let child = Command::new(PROGRAM)
            .args(["--port", &port.to_string(), "--save", "", "--enable-debug-command", "yes"])
            .args(arguments)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be cloned"))
            .stderr(log.try_clone().expect("a file handle can be cloned"))
            .spawn()
            .expect("the server starts");
        Self { child, port, log, directory }
    }

    /// Connects to the server.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.port)
    }

    /// Everything the server has printed.
    pub(crate) fn log_text(&mut self) -> String {
        let mut text = String::new();
        self.log.seek(SeekFrom::Start(0)).expect("the log can be read from its start");
        self.log.read_to_string(&mut text).expect("the log is text");
        text
    }

    /// Waits until the log contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log_text().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in the log:\n{}", self.log_text());
            if let Ok(Some(status)) = self.child.try_wait() {
                assert!(
                    self.log_text().contains(text),
                    "ended with {status} without {text:?} in the log:\n{}",
                    self.log_text()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(status.expect("kill can be run").success(), "signal {name} was not delivered");
    }

    /// Waits for the process to end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end:\n{}", self.log_text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks the server to end, and waits for it.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// The value of a field of INFO.
    pub(crate) fn info(&self, field: &str) -> String {
        self.client().info(field)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// The kernel's monotonic clock, which is the same for all processes.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("some port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Runs the program to its end and gives its exit code with what it printed on both outputs.
pub(crate) fn run_to_end<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
