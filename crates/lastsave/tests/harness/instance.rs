//! A server on a directory that outlives it: ours, or the redis-server that files are exchanged with.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{Client, PATIENCE, PROGRAM, free_port};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The one under test.
    Lastsave,
    /// The oracle.
    Redis,
}

/// A running server; it is killed when dropped, and its directory stays.
pub(crate) struct Instance {
    child: Child,
    /// The port it listens on.
    pub(crate) port: u16,
    log: std::fs::File,
    directory: PathBuf,
}

impl Instance {
    /// Starts a server on a directory and waits until it has loaded what is there.
    pub(crate) fn start(program: Program, directory: &Path, arguments: &[&str]) -> Self {
        Self::try_start(program, directory, arguments, &[])
            .unwrap_or_else(|log| panic!("{program:?} {arguments:?} did not start:\n{log}"))
    }

    /// Starts a server with variables in its environment; gives what it has printed if it refuses.
    pub(crate) fn try_start(
        program: Program,
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &Path)],
    ) -> Result<Self, String> {
        for _ in 0..5 {
            let mut instance = Self::launch_with(program, directory, arguments, environment);
            match instance.wait_until_ready() {
                Ok(()) => return Ok(instance),
                Err(log) if log.contains("Failed listening") => {}
                Err(log) => return Err(log),
            }
        }
        panic!("no port is free");
    }

    /// Starts the server under test.
    pub(crate) fn lastsave(directory: &Path, arguments: &[&str]) -> Self {
        Self::start(Program::Lastsave, directory, arguments)
    }

    /// Starts a server without waiting for it.
    pub(crate) fn launch(program: Program, directory: &Path, arguments: &[&str]) -> Self {
        Self::launch_with(program, directory, arguments, &[])
    }

    fn launch_with(
        program: Program,
        directory: &Path,
        arguments: &[&str],
        environment: &[(&str, &Path)],
    ) -> Self {
        let port = free_port();
        let program = match program {
            Program::Lastsave => PROGRAM,
            Program::Redis => "redis-server",
        };
        let mut command = Command::new(program);
        command
            .args(["--port", &port.to_string(), "--save", "", "--enable-debug-command", "yes"])
            .args(arguments)
            .envs(environment.iter().copied());
        Self::spawn(&mut command, directory, port)
    }

    /// Runs a command line that ends in a server.
    pub(crate) fn spawn(command: &mut Command, directory: &Path, port: u16) -> Self {
        let log = tempfile::tempfile().expect("a temporary file can be made");
        let child = command
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be cloned"))
            .stderr(log.try_clone().expect("a file handle can be cloned"))
            .spawn()
            .expect("the server starts");
        Self { child, port, log, directory: directory.to_owned() }
    }

    /// Waits until clients are welcome; gives what was printed if the server ends instead.
    pub(crate) fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().expect("the process can be waited for").is_some();
            let log = self.log_text();
            if log.contains("eady to accept connections") {
                return Ok(());
            }
            if ended {
                return Err(log);
            }
            assert!(Instant::now() < deadline, "the server does not get ready:\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Connects to the server.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.port)
    }

    /// Its directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything the server has printed.
    pub(crate) fn log_text(&mut self) -> String {
        let mut bytes = Vec::new();
        self.log.seek(SeekFrom::Start(0)).expect("the log can be read from its start");
        self.log.read_to_end(&mut bytes).expect("the log can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the log contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log_text().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} in the log:\n{}", self.log_text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the process can be waited for");
    }

    /// Lets a server that is being killed by its own count of time, or by a signal, end.
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

    /// Whether the process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be waited for").is_none()
    }

    /// Ends the server by SHUTDOWN with these options.
    pub(crate) fn shut_down(mut self, options: &str) {
        let words = format!("SHUTDOWN {options}");
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut client = self.client();
        client.send(&words);
        let reply = client.try_read();
        assert!(reply.is_none(), "SHUTDOWN {options}: {reply:?}\n{}", self.log_text());
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", self.log_text());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log_text();
            println!("--- what the server in {} has printed:\n{log}", self.directory.display());
        }
        // It may have ended already.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Whether the redis-server that files are exchanged with is there. If not, the test that asked is over, and says so
/// past the test runner's capture.
pub(crate) fn has_oracle() -> bool {
    let output = Command::new("redis-server").arg("--version").output();
    let found = output.is_ok_and(|output| output.status.success());
    if !found {
        skipped("redis-server not found");
    }
    found
}

/// Says that something was not tested, past the test runner's capture.
pub(crate) fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "SKIPPED: {reason} ({test})").expect("standard error can be written");
}
