//! A server process under measurement: on a free port of the loopback interface, in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::contestant::Contestant;
use super::sync_watch::{SyncWatch, SyncWatcher};

/// With data to load this is a long time, without it a failure is found out late but surely.
const START_TIME_MAX: Duration = Duration::from_secs(600);

/// Ends the process, by its id, and removes its files when dropped.
pub(super) struct Server {
    child: Child,
    program: PathBuf,
    options: Vec<String>,
    address: SocketAddr,
    directory: PathBuf,
    watch: Option<SyncWatch>,
}

impl Server {
    /// Starts `contestant` with `options` and waits until it answers.
    pub(super) fn start(contestant: &Contestant, options: &[&str], parent: &Path) -> Result<Self> {
        Self::start_watched(contestant, options, parent, None)
    }

    /// As [`start`](Self::start), with an eye on its syncs.
    pub(super) fn start_watched(
        contestant: &Contestant,
        options: &[&str],
        parent: &Path,
        watcher: Option<&SyncWatcher>,
    ) -> Result<Self> {
        let port = free_port()?;
        let directory = parent.join(format!("{}-{}-{port}", contestant.name, std::process::id()));
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let watch = watcher.map(|watcher| watcher.watch(&directory)).transpose()?;
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = spawn(&contestant.program, &options, port, &directory, watch.as_ref())?;
        // From here on a failure drops the server, which ends the process.
        let mut server = Self {
            child,
            program: contestant.program.clone(),
            options,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            directory,
            watch,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn watch(&self) -> Option<&SyncWatch> {
        self.watch.as_ref()
    }

    /// Syncs the files of its log from here, so that the server has nothing left to sync.
    pub(super) fn sync_log(&self) -> Result<()> {
        for entry in std::fs::read_dir(self.directory.join("appendonlydir"))? {
            let file = std::fs::File::open(entry?.path())?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Ends it as `kill -9` does: it has no chance to write anything more.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again with its files, after [`kill`](Self::kill); returns how long it took until it answered.
    pub(super) fn restart(&mut self) -> Result<Duration> {
        let started = Instant::now();
        let port = self.address.port();
        self.child = spawn(&self.program, &self.options, port, &self.directory, self.watch.as_ref())?;
        self.wait_until_ready()?;
        Ok(started.elapsed())
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
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

fn spawn(
    program: &Path,
    options: &[String],
    port: u16,
    directory: &Path,
    watch: Option<&SyncWatch>,
) -> Result<Child> {
    let log = std::fs::File::options().create(true).append(true).open(directory.join("log"))?;
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--auto-aof-rewrite-percentage", "0", "--dir"])
        .arg(directory)
        .args(options)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(log.try_clone()?)
        .stdout(log);
    if let Some(watch) = watch {
        command.envs(watch.variables());
    }
    command.spawn().with_context(|| format!("cannot start {}", program.display()))
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
