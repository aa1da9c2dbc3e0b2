//! Who this server is: versions, ids and paths.

use std::path::PathBuf;

use rand::Rng as _;

/// The Redis version whose behaviour and protocol this server has; clients choose features by it.
pub const REDIS_VERSION: &str = "7.2.5";

/// The version of this server.
pub const LASTSAVE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Ids and paths of this process.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// 40 hexadecimal digits, new for every run.
    pub(crate) run_id: String,
    /// 40 hexadecimal digits that name the history of the data.
    pub(crate) replication_id: String,
    /// Absolute path of the program.
    pub(crate) executable: PathBuf,
    /// The kernel's number of the executor thread, which is the first thread of the process.
    pub(crate) executor_thread: u32,
    /// Absolute path of the configuration file; empty without one.
    pub(crate) config_file: PathBuf,
}

impl Identity {
    /// New ids for this run.
    pub(crate) fn new(config_file: Option<PathBuf>) -> Self {
        Self {
            run_id: random_id(),
            replication_id: random_id(),
            executor_thread: std::process::id(),
            executable: std::env::current_exe().unwrap_or_default(),
            config_file: config_file.unwrap_or_default(),
        }
    }

    /// A new history begins (DEBUG CHANGE-REPL-ID).
    pub(crate) fn change_replication_id(&mut self) {
        self.replication_id = random_id();
    }
}

/// What `--version` prints.
pub fn version_line() -> String {
    let bits = usize::BITS;
    format!(
        "Lastsave server v={LASTSAVE_VERSION} (compatible with redis {REDIS_VERSION}) sha=00000000:0 \
         malloc=mimalloc bits={bits} build=0"
    )
}

fn random_id() -> String {
    let mut random = rand::rng();
    (0..40).map(|_| char::from_digit(random.random_range(0..16), 16).unwrap_or('0')).collect()
}
