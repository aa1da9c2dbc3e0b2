//! What the tests compare with: Debian's redis-server, and redis-py as a foreign client. Installs both where it may.
//!
//! The tests themselves skip what needs a missing program, so that a plain `cargo test` works everywhere. Here is where
//! that becomes visible: whatever could not be had is reported at the end of a run.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::Tool;
use crate::workspace;

/// What the packages redis-server and redis-tools bring and tests use.
const PROGRAMS: [&str; 4] = ["redis-server", "redis-cli", "redis-check-aof", "redis-check-rdb"];
/// The client library for the compatibility test. Bounded, so that a new major version is a decision.
const REDIS_PY: &str = "redis>=5.0,<9";

/// Tests that are left out, and why.
pub(crate) struct NotRun {
    what: &'static str,
    because: String,
    /// Without it the run proves too little to count: an error where `CI` is set.
    is_essential: bool,
}

impl fmt::Display for NotRun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NOT RUN: {} because {}", self.what, self.because)
    }
}

/// What is there after [`prepare`].
pub(crate) struct Prepared {
    pub(crate) not_run: Vec<NotRun>,
    /// For the tests' environment, where redis-py was installed beside the build instead of into the system.
    pub(crate) python_path: Option<OsString>,
}

impl Prepared {
    /// The first missing thing without which an unattended run must fail.
    pub(crate) fn essential_gap(&self) -> Option<&NotRun> {
        self.not_run.iter().find(|gap| gap.is_essential)
    }
}

/// Makes sure that redis-server and redis-py are there, installing them if this user may.
pub(crate) fn prepare() -> Prepared {
    let mut not_run = Vec::new();
    if let Err(error) = have_redis_server() {
        not_run.push(NotRun {
            what: "every comparison with redis-server",
            because: format!("{error:#}"),
            is_essential: true,
        });
    }
    let python_path = have_redis_py().unwrap_or_else(|error| {
        not_run.push(NotRun {
            what: "the compatibility test with redis-py",
            because: format!("{error:#}"),
            is_essential: false,
        });
        None
    });
    Prepared { not_run, python_path }
}

fn have_redis_server() -> Result<()> {
    let is_there = || PROGRAMS.into_iter().all(|name| workspace::find_program(name).is_some());
    if is_there() {
        return Ok(());
    }
    if workspace::find_program("apt-get").is_none() {
        bail!("redis-server is not installed, and there is no apt-get to install it with");
    }
    if !is_root()? {
        bail!("redis-server is not installed; `apt-get install redis-server redis-tools` as root does it");
    }
    let _no_services = ServiceBarrier::raise()?;
    let apt = || Tool::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt().args(["update", "-q"]).run()?;
    apt().args(["install", "-q", "-y", "--no-install-recommends", "redis-server", "redis-tools"]).run()?;
    if !is_there() {
        bail!("redis-server is still missing after its installation");
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(std::fs::metadata("/proc/self").context("cannot tell which user this is")?.uid() == 0)
}

/// Keeps Debian's package scripts from starting the service they install: the tests start servers of their own.
struct ServiceBarrier {
    file: Option<PathBuf>,
}

impl ServiceBarrier {
    fn raise() -> Result<Self> {
        let file = Path::new("/usr/sbin/policy-rc.d");
        if file.exists() {
            // This machine has a policy already; it is not ours to change.
            return Ok(Self { file: None });
        }
        // 101 is "action forbidden by policy".
        std::fs::write(file, "#!/bin/sh\nexit 101\n")
            .and_then(|()| std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file: Some(file.to_owned()) })
    }
}

impl Drop for ServiceBarrier {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && let Err(error) = std::fs::remove_file(file)
        {
            eprintln!(
                "warning: {} keeps services from starting and could not be removed: {error}",
                file.display()
            );
        }
    }
}

/// Returns the `PYTHONPATH` that finds redis-py, or `None` if none is needed.
fn have_redis_py() -> Result<Option<OsString>> {
    if workspace::find_program("python3").is_none() {
        bail!("there is no python3");
    }
    let python = || Tool::new("python3");
    let imports = ["-c", "import redis"];
    if python().args(imports).succeeds() {
        return Ok(None);
    }
    // Into the target directory, so that nobody's Python installation changes.
    let directory = workspace::target_directory().join("redis-py");
    let mut paths = vec![directory.clone()];
    if let Some(given) = std::env::var_os("PYTHONPATH") {
        paths.extend(std::env::split_paths(&given));
    }
    let python_path = std::env::join_paths(paths).context("the target directory's name contains a colon")?;
    if !python().args(imports).env("PYTHONPATH", &python_path).succeeds() {
        python()
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--root-user-action=ignore",
            ])
            .arg("--target")
            .arg(&directory)
            .arg(REDIS_PY)
            .run()
            .context("redis-py cannot be installed")?;
    }
    if !python().args(imports).env("PYTHONPATH", &python_path).succeeds() {
        bail!("redis-py cannot be imported after its installation");
    }
    Ok(Some(python_path))
}
