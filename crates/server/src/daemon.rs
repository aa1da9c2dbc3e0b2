//! Running in the background, and the pid file.
//!
//! Instead of forking, the server starts itself again in a session of its own and lets the first process end:
//! that needs no unsafe code and leaves no half-copied threads behind.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// Set for the process that runs in the background.
const DETACHED_VARIABLE: &str = "LASTSAVE_DETACHED";

/// Which process this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detached {
    /// The one that goes on serving.
    Daemon,
    /// The one that was started by the user and is to exit successfully.
    Launcher,
}

/// Moves the server into the background. The second process reads the configuration again; `input` is what this one has
/// read from its standard input and the other one has to find there.
///
/// # Errors
/// When the second process cannot be started.
pub(crate) fn detach(arguments: &[OsString], input: Option<&[u8]>) -> std::io::Result<Detached> {
    if std::env::var_os(DETACHED_VARIABLE).is_some() {
        // Fails only for a process that already leads a session.
        let _already_leader = rustix::process::setsid();
        return Ok(Detached::Daemon);
    }
    let mut command = Command::new(std::env::current_exe()?);
    if let Some((name, rest)) = arguments.split_first() {
        command.arg0(name).args(rest);
    }
    command.env(DETACHED_VARIABLE, "1").stdout(Stdio::null()).stderr(Stdio::null());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn()?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(text)?;
    }
    Ok(Detached::Launcher)
}

/// Writes this process' id to `path`. Redis goes on without a pid file when it cannot be written.
pub(crate) fn write_pid_file(path: &str) {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)) else { return };
    let _unwritable = rustix::io::write(&file, format!("{}\n", std::process::id()).as_bytes());
}

/// Removes the pid file at exit; gives whether there was one.
pub(crate) fn remove_pid_file(path: &str) -> bool {
    rustix::fs::unlink(path).is_ok()
}

/// Raises the limit of open files so that `max_clients` connections fit beside the server's own files; returns
/// how many clients really fit.
pub(crate) fn raise_file_limit(max_clients: usize) -> usize {
    /// Files kept for logs, snapshots and listeners.
    const RESERVED_FILES: u64 = 32;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = max_clients as u64 + RESERVED_FILES;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current else { return max_clients };
    if current >= wanted {
        return max_clients;
    }
    let mut reached = current;
    // Without the privilege to raise the hard limit, the hard limit is what there is.
    for attempt in [
        (wanted, limit.maximum.map(|hard| hard.max(wanted))),
        (limit.maximum.unwrap_or(wanted).min(wanted), limit.maximum),
    ] {
        let (soft, hard) = attempt;
        if soft > reached
            && setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum: hard }).is_ok()
        {
            reached = soft;
            break;
        }
    }
    if reached >= wanted {
        tracing::info!(
            "Increased maximum number of open files to {reached} (it was originally set to {current})."
        );
        return max_clients;
    }
    let fitting = usize::try_from(reached.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX).max(1);
    tracing::warn!(
        "You requested maxclients of {max_clients} requiring at least {wanted} max file descriptors."
    );
    tracing::warn!(
        "Server can't set maximum open files to {wanted} because of OS error: Operation not permitted."
    );
    tracing::warn!(
        "Current maximum open files is {reached}. maxclients has been reduced to {fitting} to compensate for low \
         ulimit. If you need higher maxclients increase 'ulimit -n'."
    );
    fitting
}
