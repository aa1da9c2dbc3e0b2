//! Finding what a path names: a log's manifest, a directory with one, a single file. And keeping a server out.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lastsave_aof::{LogNames, NameError};
use lastsave_storage::{EntryKind, LockGuard, Storage, StorageError};
use thiserror::Error;

/// Why a path names nothing that can be worked on.
#[derive(Debug, Error)]
pub(crate) enum FindError {
    #[error("{0}")]
    Storage(#[from] StorageError),
    #[error("No append-only file in {0}")]
    NoLog(String),
    #[error("No manifest in {0}, but files of a log: --rebuild-manifest {0} writes one")]
    NoManifest(String),
    #[error("The manifest cannot be used ({reason}), and none can be made: {refusal}.")]
    NoUsableManifest { reason: String, refusal: String },
    #[error("{directory} holds several logs ({}): name one of their manifests", logs.join(", "))]
    SeveralLogs { directory: String, logs: Vec<String> },
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("A server is running in {0}: shut it down first, or work on a copy")]
    InUse(String),
}

/// A log by the directory that holds its files.
#[derive(Clone, Debug)]
pub(crate) struct FoundLog {
    /// The directory.
    pub(crate) directory: PathBuf,
    /// Its names, for a storage that is rooted at the directory.
    pub(crate) names: LogNames,
    /// Whether a manifest is there.
    pub(crate) has_manifest: bool,
}

impl FoundLog {
    pub(crate) fn manifest(&self) -> PathBuf {
        self.directory.join(OsStr::from_bytes(&self.names.manifest()))
    }
}

/// Whether a path names a directory.
pub(crate) fn is_directory(storage: &dyn Storage, path: &Path) -> bool {
    storage.metadata(path).is_ok_and(|metadata| metadata.kind == EntryKind::Directory)
}

/// The logs in a directory, or, if there are none, in the directories right below it.
pub(crate) fn find_logs(storage: &dyn Storage, directory: &Path) -> Result<Vec<FoundLog>, FindError> {
    let mut logs = logs_in(storage, directory)?;
    if logs.is_empty() {
        for entry in storage.list(directory)? {
            if entry.kind == EntryKind::Directory {
                logs.extend(logs_in(storage, &directory.join(&entry.name))?);
            }
        }
    }
    if logs.is_empty() {
        return Err(FindError::NoLog(directory.display().to_string()));
    }
    Ok(logs)
}

/// The one log of a directory.
pub(crate) fn find_log(storage: &dyn Storage, directory: &Path) -> Result<FoundLog, FindError> {
    let mut logs = find_logs(storage, directory)?;
    if logs.len() > 1 {
        let logs = logs.iter().map(|log| log.manifest().display().to_string()).collect();
        return Err(FindError::SeveralLogs { directory: directory.display().to_string(), logs });
    }
    Ok(logs.remove(0))
}

/// The log that a manifest belongs to.
pub(crate) fn log_of_manifest(manifest: &Path) -> Option<FoundLog> {
    let name = manifest.file_name()?.as_bytes();
    let log = LogNames::log_of(name).filter(|_| name.ends_with(b".manifest"))?;
    let directory = manifest.parent().unwrap_or(Path::new("")).to_owned();
    let names = LogNames::from_bytes(log, b".").ok()?;
    Some(FoundLog { directory, names, has_manifest: true })
}

fn logs_in(storage: &dyn Storage, directory: &Path) -> Result<Vec<FoundLog>, FindError> {
    let mut with_manifest = BTreeSet::new();
    let mut all = BTreeSet::new();
    for entry in storage.list(directory)? {
        let name = entry.name.as_bytes();
        if entry.kind == EntryKind::Directory {
            continue;
        }
        let Some(log) = LogNames::log_of(name) else { continue };
        all.insert(log.to_vec());
        if name.ends_with(b".manifest") {
            with_manifest.insert(log.to_vec());
        }
    }
    let mut logs = Vec::new();
    for log in all {
        logs.push(FoundLog {
            directory: directory.to_owned(),
            names: LogNames::from_bytes(&log, b".")?,
            has_manifest: with_manifest.contains(&log),
        });
    }
    Ok(logs)
}

/// Keeps servers away from a file for as long as the guards live, or says that one is there. A server holds the lock of
/// its working directory: the one that holds the file or, for the file of a log with a directory of its own, the one above.
pub(crate) fn keep_servers_out(
    storage: &dyn Storage,
    file: &Path,
    is_in_log_directory: bool,
) -> Result<Vec<LockGuard>, FindError> {
    let absolute = std::path::absolute(storage.path().join(file)).unwrap_or_else(|_| file.to_owned());
    let mut guards = Vec::new();
    for directory in absolute.ancestors().skip(1).take(1 + usize::from(is_in_log_directory)) {
        match storage.lock(directory) {
            Ok(guard) => guards.push(guard),
            Err(error) if error.is_locked() => {
                return Err(FindError::InUse(directory.display().to_string()));
            }
            // Where nothing can be locked, no server holds a lock.
            Err(_) => {}
        }
    }
    Ok(guards)
}
