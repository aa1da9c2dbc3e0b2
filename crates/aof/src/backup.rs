//! Copies of the log while it is written: the files before a cut, which nobody writes any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use lastsave_storage::{
    EntryKind, FileMode, OpenOptions, Storage, StorageError, create_directory_durably, replace_durably_with,
    write_synced,
};

use crate::manifest::{Manifest, ManifestEntry};
use crate::names::{LogNames, as_path};
use crate::timeline::successor_header;

/// Bytes copied at once.
const STEP_BYTES: u64 = 256 << 10;

/// Files that must not be deleted, and how many want them.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<BTreeMap<Vec<u8>, u32>>);

impl Pins {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, u32>> {
        self.0.lock().expect("no holder of the pins panics")
    }

    pub(crate) fn holds_any(&self, entries: &[ManifestEntry]) -> bool {
        let pins = self.lock();
        entries.iter().any(|entry| pins.contains_key(&entry.name))
    }
}

/// The files of the log before a cut. While this lives, none of them is deleted.
#[derive(Debug)]
pub struct SealedFiles {
    storage: Arc<dyn Storage>,
    names: LogNames,
    /// What a manifest of these files alone says.
    manifest: Manifest,
    is_framed: bool,
    pins: Arc<Pins>,
}

/// What a backup is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Files of the log in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of these bytes had to be copied, because there could be no second name.
    pub copied_bytes: u64,
}

impl SealedFiles {
    /// Pins what a manifest lists. `is_framed`: the last increment ends in a frame.
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        names: LogNames,
        manifest: Manifest,
        is_framed: bool,
        pins: Arc<Pins>,
    ) -> Self {
        for entry in manifest.loaded_files() {
            *pins.lock().entry(entry.name.clone()).or_default() += 1;
        }
        Self { storage, names, manifest, is_framed, pins }
    }

    /// Makes `target`, a directory that is not there yet or empty, one that a server can be started in: the log's
    /// directory in it holds these files under second names, or copies of them where that is impossible, and an empty
    /// increment to go on in, so that nobody ever writes to a file that the running log has as well. The manifest comes
    /// last, when everything else is durable.
    ///
    /// # Errors
    /// What the disk said. Without a manifest, what is there is no backup.
    pub fn copy_to(&self, target: &Path, now_ms: u64) -> Result<BackupReport, StorageError> {
        let log = target.join(self.names.directory());
        let mut path = PathBuf::new();
        for part in log.components() {
            path.push(part);
            create_directory_durably(&*self.storage, &path)?;
        }
        let mut report = BackupReport::default();
        let mut end = 0;
        for entry in self.manifest.loaded_files() {
            end = self.take_in(entry, &log, &mut report)?;
        }
        let mut manifest = self.manifest.clone();
        manifest.clear_cuts();
        let last = manifest.last_increment().map(|entry| entry.sequence);
        let next = manifest.push_increment(&self.names);
        let header = match last {
            Some(sequence) if self.is_framed => successor_header(sequence, end, now_ms),
            _ => Vec::new(),
        };
        write_synced(&*self.storage, &log.join(next.path()), FileMode::DATA, |out| out.append(&header))?;
        self.storage.sync_directory(&log)?;
        replace_durably_with(
            &*self.storage,
            &log.join(as_path(&self.names.temporary_manifest())),
            &log.join(as_path(&self.names.manifest())),
            FileMode::DATA,
            &manifest.to_text(),
        )?;
        Ok(report)
    }

    /// Gives a file its place; its length.
    fn take_in(
        &self,
        entry: &ManifestEntry,
        log: &Path,
        report: &mut BackupReport,
    ) -> Result<u64, StorageError> {
        let (from, to) = (self.names.path_in_directory(&entry.name), log.join(entry.path()));
        let file = self.storage.open(&from, &OpenOptions::read_only())?;
        let length = file.len()?;
        let counted = entry.cut.map_or(length, |cut| cut.min(length));
        report.files += 1;
        report.bytes += counted;
        if counted == length && self.storage.hard_link(&from, &to).is_ok() {
            return Ok(length);
        }
        report.copied_bytes += counted;
        write_synced(&*self.storage, &to, FileMode::DATA, |out| {
            let mut buffer = vec![0; STEP_BYTES.min(counted) as usize];
            let mut at = 0;
            while at < counted {
                let count = (counted - at).min(buffer.len() as u64) as usize;
                file.read_exact_at(&mut buffer[..count], at)?;
                out.append(&buffer[..count])?;
                at += count as u64;
            }
            Ok::<_, StorageError>(())
        })?;
        Ok(counted)
    }
}

impl Drop for SealedFiles {
    fn drop(&mut self) {
        let mut pins = self.pins.lock();
        for entry in self.manifest.loaded_files() {
            if let Some(count) = pins.get_mut(&entry.name) {
                *count -= 1;
                if *count == 0 {
                    pins.remove(&entry.name);
                }
            }
        }
    }
}

/// Whether a directory holds a whole backup of a log with these names.
///
/// # Errors
/// What the disk said.
pub fn is_backup(storage: &dyn Storage, directory: &Path, names: &LogNames) -> Result<bool, StorageError> {
    let log = directory.join(names.directory());
    storage.exists(&log.join(as_path(&names.manifest())))
}

/// Removes a backup, or what an interrupted one has left: first the manifest, then the rest.
///
/// # Errors
/// What the disk said.
pub fn remove_backup(storage: &dyn Storage, directory: &Path, names: &LogNames) -> Result<(), StorageError> {
    let log = directory.join(names.directory());
    match storage.unlink(&log.join(as_path(&names.manifest()))) {
        Ok(()) => storage.sync_directory(&log)?,
        Err(error) if error.not_found() => {}
        Err(error) => return Err(error),
    }
    for entry in storage.list(directory)? {
        let path = directory.join(&entry.name);
        if entry.kind != EntryKind::Directory {
            storage.unlink(&path)?;
            continue;
        }
        for inner in storage.list(&path)? {
            storage.unlink(&path.join(&inner.name))?;
        }
        storage.remove_directory(&path)?;
    }
    storage.remove_directory(directory)?;
    storage.sync_directory(directory.parent().unwrap_or(Path::new("")))
}
