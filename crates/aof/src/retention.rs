//! File sets that a rewrite made superfluous, kept beside the log for a while.
//!
//! A set is a base with the increments behind it, in a directory of its own that is a whole log, manifest and all:
//! `<appenddirname>-retained/<unix ms at which it was superseded>/`. It lies outside of the log's directory, so that
//! whoever takes over the log deletes nothing of it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lastsave_storage::{
    EntryKind, FileMode, OpenOptions, Storage, StorageError, create_directory_durably, read_file,
    replace_durably_with, unlink_durably,
};

use crate::directory::MANIFEST_BYTES_MAX;
use crate::manifest::{FileKind, Manifest, ManifestEntry};
use crate::names::{LogNames, RETAINED_SUFFIX, as_path};
use crate::notice::Notice;

/// Bytes compared at once.
const STEP_BYTES: usize = 256 << 10;

/// How long, and how much of, superseded file sets is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// `aof-retain-age`: seconds since a set was superseded; 0: no matter how long.
    pub age_seconds: u64,
    /// `aof-retain-size`: bytes of all sets together; 0: no matter how many.
    pub bytes: u64,
}

impl Retention {
    /// Whether anything is kept at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.age_seconds > 0 || self.bytes > 0
    }
}

/// What is kept at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetainedSets {
    /// Number of sets.
    pub sets: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// When the oldest one was superseded, unix milliseconds.
    pub oldest_ms: Option<u64>,
}

/// The directory of the sets of one log.
#[derive(Debug)]
pub(crate) struct RetainedDirectory<'a> {
    storage: &'a dyn Storage,
    names: &'a LogNames,
    root: PathBuf,
}

/// A set on disk.
#[derive(Debug)]
struct SetOnDisk {
    superseded_ms: u64,
    /// What it lists; `None` while it has no manifest, which is when it is being removed.
    manifest: Option<Manifest>,
}

impl<'a> RetainedDirectory<'a> {
    pub(crate) fn new(storage: &'a dyn Storage, names: &'a LogNames) -> Self {
        let mut root = names.directory().as_os_str().to_owned();
        root.push(RETAINED_SUFFIX);
        Self { storage, names, root: PathBuf::from(root) }
    }

    /// Keeps what a manifest lists as history. When it returns, every file of a whole set has a durable name outside of
    /// the log's directory, and may be removed from there. Safe to repeat after a crash at any step.
    pub(crate) fn keep(&self, manifest: &Manifest, now_ms: u64) -> Result<Vec<Notice>, StorageError> {
        let mut notices = Vec::new();
        for set in sets_in_history(self.names, manifest) {
            if let Some(missing) = self.missing_file(&set)? {
                notices.push(Notice::warning(format!(
                    "The superseded AOF files up to {} are not retained: {missing} is missing",
                    set.last_increment().or(set.base()).map_or_else(String::new, ManifestEntry::display_name)
                )));
                continue;
            }
            let path = match self.find_begun(&set)? {
                Some(path) => path,
                None => self.begin(&set, now_ms)?,
            };
            for entry in set.loaded_files() {
                self.take_in(entry, &path)?;
            }
            self.storage.sync_directory(&path)?;
            notices.push(Notice::info(format!("Superseded AOF files are retained in {}", path.display())));
        }
        Ok(notices)
    }

    /// The name of a file that is in neither place.
    fn missing_file(&self, set: &Manifest) -> Result<Option<String>, StorageError> {
        let begun = self.find_begun(set)?;
        for entry in set.loaded_files() {
            let is_here = self.storage.exists(&self.names.path_in_directory(&entry.name))?;
            let is_there = match &begun {
                Some(path) => self.storage.exists(&path.join(entry.path()))?,
                None => false,
            };
            if !is_here && !is_there {
                return Ok(Some(entry.display_name()));
            }
        }
        Ok(None)
    }

    /// The directory of a set that an interrupted attempt has begun: it lists the same names, and what is in both places
    /// are the same files.
    fn find_begun(&self, set: &Manifest) -> Result<Option<PathBuf>, StorageError> {
        for found in self.list()? {
            if found.manifest.as_ref() != Some(set) {
                continue;
            }
            let path = self.path_of(found.superseded_ms);
            let mut is_same = true;
            for entry in set.loaded_files() {
                let here = metadata(self.storage, &self.names.path_in_directory(&entry.name))?;
                let there = metadata(self.storage, &path.join(entry.path()))?;
                if let (Some(here), Some(there)) = (here, there) {
                    // Numbers may have begun anew since, with files of the same names.
                    is_same &= here.len == there.len
                        && here.links > 1
                        && self.holds_the_same(entry, &path, here.len)?;
                }
            }
            if is_same {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Whether both files with a name have the same bytes.
    fn holds_the_same(&self, entry: &ManifestEntry, set: &Path, length: u64) -> Result<bool, StorageError> {
        let here =
            self.storage.open(&self.names.path_in_directory(&entry.name), &OpenOptions::read_only())?;
        let there = self.storage.open(&set.join(entry.path()), &OpenOptions::read_only())?;
        let mut buffers = (vec![0; STEP_BYTES], vec![0; STEP_BYTES]);
        let mut at = 0;
        while at < length {
            let count = (length - at).min(STEP_BYTES as u64) as usize;
            here.read_exact_at(&mut buffers.0[..count], at)?;
            there.read_exact_at(&mut buffers.1[..count], at)?;
            if buffers.0[..count] != buffers.1[..count] {
                return Ok(false);
            }
            at += count as u64;
        }
        Ok(true)
    }

    /// Makes the directory of a set, with the manifest: a directory without one is one that is being removed.
    fn begin(&self, set: &Manifest, now_ms: u64) -> Result<PathBuf, StorageError> {
        create_directory_durably(self.storage, &self.root)?;
        let taken: BTreeSet<u64> = self.list()?.iter().map(|set| set.superseded_ms).collect();
        let superseded_ms = (now_ms..).find(|ms| !taken.contains(ms)).unwrap_or(now_ms);
        let path = self.path_of(superseded_ms);
        create_directory_durably(self.storage, &path)?;
        replace_durably_with(
            self.storage,
            &path.join(as_path(&self.names.temporary_manifest())),
            &path.join(as_path(&self.names.manifest())),
            FileMode::DATA,
            &set.to_text(),
        )?;
        Ok(path)
    }

    /// Gives a file its place in a set: as a second name, or, where there are none, as its only one.
    fn take_in(&self, entry: &ManifestEntry, set: &Path) -> Result<(), StorageError> {
        let (from, to) = (self.names.path_in_directory(&entry.name), set.join(entry.path()));
        if self.storage.exists(&to)? {
            return Ok(());
        }
        if self.storage.hard_link(&from, &to).is_ok() {
            return Ok(());
        }
        self.storage.rename(&from, &to)?;
        self.storage.sync_directory(set)?;
        self.storage.sync_directory(self.names.directory())
    }

    /// Removes the sets that are too old, and the oldest ones while there are too many bytes; says what is left.
    pub(crate) fn give_up(
        &self,
        retention: &Retention,
        now_ms: u64,
    ) -> Result<(RetainedSets, Vec<Notice>), StorageError> {
        let mut notices = Vec::new();
        let mut sets = Vec::new();
        for set in self.list()? {
            let path = self.path_of(set.superseded_ms);
            if set.manifest.is_none() {
                self.remove(&path)?;
            } else {
                sets.push((set.superseded_ms, self.bytes_in(&path)?, path));
            }
        }
        let mut total: u64 = sets.iter().map(|(_, bytes, _)| bytes).sum();
        let mut left = Vec::new();
        for (superseded_ms, bytes, path) in sets {
            let age_ms = now_ms.saturating_sub(superseded_ms);
            let is_too_old = retention.age_seconds > 0 && age_ms > retention.age_seconds.saturating_mul(1000);
            let is_too_much = retention.bytes > 0 && total > retention.bytes;
            if retention.is_on() && (is_too_old || is_too_much) {
                self.remove(&path)?;
                total -= bytes;
                notices.push(Notice::info(format!(
                    "Removed the retained AOF files in {} ({bytes} bytes)",
                    path.display()
                )));
            } else {
                left.push(superseded_ms);
            }
        }
        let oldest_ms = left.first().copied();
        Ok((RetainedSets { sets: left.len() as u64, bytes: total, oldest_ms }, notices))
    }

    /// Removes a set: first what makes it one.
    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        unlink_durably(self.storage, &path.join(as_path(&self.names.manifest())))?;
        for entry in self.storage.list(path)? {
            match self.storage.unlink(&path.join(&entry.name)) {
                Err(error) if !error.not_found() => return Err(error),
                _ => {}
            }
        }
        self.storage.remove_directory(path)?;
        self.storage.sync_directory(&self.root)
    }

    /// The sets, oldest first.
    fn list(&self) -> Result<Vec<SetOnDisk>, StorageError> {
        let entries = match self.storage.list(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut sets = Vec::new();
        for entry in entries {
            let number = entry.name.to_str().filter(|_| entry.kind == EntryKind::Directory);
            // Anything else in there is not ours.
            let Some(superseded_ms) = number.and_then(|name| name.parse().ok()) else { continue };
            let path = self.path_of(superseded_ms).join(as_path(&self.names.manifest()));
            let manifest = match read_file(self.storage, &path, MANIFEST_BYTES_MAX) {
                // A damaged manifest is still one: its set is not thrown away before its time.
                Ok(text) => Some(Manifest::parse(&text).unwrap_or_default()),
                Err(error) if error.not_found() => None,
                Err(error) => return Err(error),
            };
            sets.push(SetOnDisk { superseded_ms, manifest });
        }
        sets.sort_by_key(|set| set.superseded_ms);
        Ok(sets)
    }

    fn bytes_in(&self, path: &Path) -> Result<u64, StorageError> {
        let mut bytes = 0;
        for entry in self.storage.list(path)? {
            bytes += metadata(self.storage, &path.join(&entry.name))?.map_or(0, |found| found.len);
        }
        Ok(bytes)
    }

    fn path_of(&self, superseded_ms: u64) -> PathBuf {
        self.root.join(OsStr::from_bytes(superseded_ms.to_string().as_bytes()))
    }
}

fn metadata(storage: &dyn Storage, path: &Path) -> Result<Option<lastsave_storage::Metadata>, StorageError> {
    match storage.metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The sets among the files of a history, oldest first. The increments of a set stand before its base there.
fn sets_in_history(names: &LogNames, manifest: &Manifest) -> Vec<Manifest> {
    let is_base =
        |entry: &ManifestEntry| !matches!(names.sequence_of(&entry.name), Some((_, FileKind::Increment)));
    let bases = manifest.history().iter().filter(|entry| is_base(entry)).count();
    let mut sets = Vec::new();
    let (mut base, mut increments) = (None, Vec::new());
    let mut finish = |base: &mut Option<_>, increments: &mut Vec<(i64, Vec<u8>)>| {
        increments.sort_by_key(|(sequence, _)| *sequence);
        let set = Manifest::from_files(base.take(), std::mem::take(increments));
        if !set.is_empty() {
            sets.push(set);
        }
    };
    for entry in manifest.history() {
        if !is_base(entry) {
            increments.push((entry.sequence, entry.name.clone()));
            continue;
        }
        base = Some((entry.sequence, entry.name.clone()));
        if bases > 1 {
            finish(&mut base, &mut increments);
        }
    }
    finish(&mut base, &mut increments);
    sets.reverse();
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::BaseForm;

    #[test]
    fn a_history_is_taken_apart_into_its_sets() {
        let names = LogNames::new("a", "d").expect("names");
        let mut manifest = Manifest::new();
        for round in 0..3 {
            manifest.replace_base(&names, BaseForm::Rdb);
            manifest.push_increment(&names);
            if round == 1 {
                manifest.push_increment(&names);
            }
            manifest.retire_increments(1);
        }
        let texts: Vec<String> = sets_in_history(&names, &manifest)
            .iter()
            .map(|set| String::from_utf8(set.to_text()).expect("text"))
            .collect();
        assert_eq!(
            texts,
            [
                "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n",
                "file a.2.base.rdb seq 2 type b\nfile a.3.incr.aof seq 3 type i\n",
            ]
        );
    }
}
