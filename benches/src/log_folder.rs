//! A folder for a log on the disk of the target directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lastsave_aof::{
    AofDirectory, AofLog, LoadOptions, LogNames, LogSettings, OpenedLog, open_log, push_record,
};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::{RealStorage, Storage};

use crate::{Content, Numbers, SteadyDisk, key, value};

/// A directory of its own, removed when dropped.
#[derive(Debug)]
pub struct LogFolder {
    path: PathBuf,
    sync_time: Option<Duration>,
}

impl LogFolder {
    /// In `parent`; with a `sync_time` syncs only wait so long.
    ///
    /// # Panics
    /// When the disk is not writable.
    #[must_use]
    pub fn create(parent: &str, name: &str, sync_time: Option<Duration>) -> Self {
        let path = Path::new(parent).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the target directory is writable");
        Self { path, sync_time }
    }

    /// A new, empty log in place of the one before.
    ///
    /// # Panics
    /// When the disk is not writable.
    #[must_use]
    pub fn new_log(&self) -> AofLog {
        let _ = std::fs::remove_dir_all(self.path.join("appendonlydir"));
        match self.open() {
            OpenedLog::Empty(empty) => empty.create(None, Position::ZERO).expect("the disk is writable").0,
            _ => unreachable!("the log was just removed"),
        }
    }

    /// The log that is there.
    ///
    /// # Panics
    /// When the disk or the log is damaged.
    #[must_use]
    pub fn open(&self) -> OpenedLog {
        let real: Arc<dyn Storage> =
            Arc::new(RealStorage::open(&self.path).expect("the directory was just made"));
        let storage = match self.sync_time {
            Some(sync_time) => Arc::new(SteadyDisk::new(real, sync_time)),
            None => real,
        };
        let names = LogNames::new("appendonly.aof", "appendonlydir").expect("the default names are valid");
        let directory = AofDirectory::open(storage, names).expect("the directory is valid");
        let settings = Arc::new(LogSettings::new());
        open_log(&directory, &settings, LoadOptions::default()).expect("the log is valid").0
    }
}

impl Drop for LogFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// What one turn of the event loop hands to the log: so many SETs.
#[must_use]
pub fn log_batch(commands: usize) -> Bytes {
    let mut numbers = Numbers::new(6);
    let mut out = Vec::new();
    for _ in 0..commands {
        let key = key(numbers.below(1_000_000));
        push_record(&mut out, &[b"SET", &key, &value(&mut numbers, Content::Noise)]);
    }
    Bytes::from(out)
}
