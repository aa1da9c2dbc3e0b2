//! A server process under measurement: on a free port of the loopback interface, in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Contestant;
use super::client::Client;

const START_TIME_MAX: Duration = Duration::from_secs(10);

/// Ends the process, by its id, and removes its files when dropped.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    directory: PathBuf,
}

impl Server {
    /// Starts `contestant` with `options` and waits until it answers.
    pub(super) fn start(contestant: &Contestant, options: &[&str], parent: &Path) -> Result<Self> {
        let port = free_port()?;
        let directory = parent.join(format!("{}-{}-{port}", contestant.name, std::process::id()));
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let log = std::fs::File::create(directory.join("log"))?;
        let child = Command::new(&contestant.program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--auto-aof-rewrite-percentage", "0", "--dir"])
            .arg(&directory)
            .args(options)
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .spawn()
            .with_context(|| format!("cannot start {}", contestant.program.display()))?;
        // From here on a failure drops the server, which ends the process.
        let mut server = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), directory };
        server.wait_until_ready()?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            let answers = Client::connect(self.address).and_then(|mut client| client.command(&["PING"]));
            if answers.as_deref().is_ok_and(|reply| reply == "+PONG") {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", self.log());
            }
            if started.elapsed() > START_TIME_MAX {
                bail!("the server does not answer after {START_TIME_MAX:?}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good as ended, and files left behind are in the target directory.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
