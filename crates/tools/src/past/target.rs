//! Writing the log that holds a history up to a point.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use lastsave_aof::{
    CheckAction, CheckOptions, FileKind, LogNames, Manifest, check_log, copy_until, successor_header,
};
use lastsave_storage::{
    FileMode, Storage, StorageError, create_directory_durably, replace_durably_with, write_synced,
};

use super::goal::Goal;
use super::sets::{FileSet, SetFile};
use crate::aof::RdbFile;
use crate::terminal::Silent;

/// Bytes copied at once.
const STEP_BYTES: u64 = 256 << 10;

/// How a file came into the new log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) how: &'static str,
    pub(super) bytes: u64,
}

/// A log being written.
pub(super) struct Target<'a> {
    storage: &'a dyn Storage,
    directory: PathBuf,
    names: LogNames,
    base: Option<(i64, Vec<u8>)>,
    increments: Vec<(i64, Vec<u8>)>,
    taken: Vec<Taken>,
    links: bool,
    now_ms: u64,
}

impl<'a> Target<'a> {
    /// Makes the directories: `into`, which must be new or empty, and that of the log in it.
    ///
    /// # Errors
    /// There is something in `into`, or what the disk said.
    pub(super) fn create(
        storage: &'a dyn Storage,
        into: &Path,
        set: &FileSet,
        links: bool,
        now_ms: u64,
    ) -> Result<Self, String> {
        let names = LogNames::from_bytes(&set.log, b".").map_err(|error| error.to_string())?;
        let told = |error: StorageError| error.to_string();
        create_directory_durably(storage, into).map_err(told)?;
        if !storage.list(into).map_err(told)?.is_empty() {
            return Err(format!(
                "{} is not empty: a history is restored into a directory of its own",
                into.display()
            ));
        }
        let directory = into.join(&set.log_directory);
        create_directory_durably(storage, &directory).map_err(told)?;
        let (base, increments, taken) = (None, Vec::new(), Vec::new());
        Ok(Self { storage, directory, names, base, increments, taken, links, now_ms })
    }

    /// Takes everything in that the goal wants of a set, publishes the manifest and reads back what was written.
    ///
    /// # Errors
    /// Damage, or what the disk said. Nothing is left then of what was written.
    pub(super) fn write(mut self, set: &FileSet, goal: &Goal) -> Result<Vec<Taken>, String> {
        match self.write_and_verify(set, goal) {
            Ok(()) => Ok(self.taken),
            Err(text) => {
                self.clean_up();
                Err(text)
            }
        }
    }

    /// Removes what was written; whatever resists is no log, because its manifest goes first.
    fn clean_up(&self) {
        let _gone = self.storage.unlink(&self.path(&self.names.manifest()));
        for entry in self.storage.list(&self.directory).unwrap_or_default() {
            let _gone = self.storage.unlink(&self.directory.join(&entry.name));
        }
        let _gone = self.storage.remove_directory(&self.directory);
    }

    fn write_and_verify(&mut self, set: &FileSet, goal: &Goal) -> Result<(), String> {
        for (index, file) in set.files.iter().enumerate().take(goal.last_file + 1) {
            let cut = (index == goal.last_file).then_some(goal.cut);
            let outcome = match file.entry.kind {
                FileKind::Increment => self.increment(file, cut, goal.time_ms),
                _ => self.base(file, cut),
            };
            outcome.map_err(|text| format!("{}: {text}", file.name()))?;
        }
        self.publish().map_err(|error| error.to_string())?;
        self.verify()
    }

    fn path(&self, name: &[u8]) -> PathBuf {
        self.directory.join(OsStr::from_bytes(name))
    }

    fn base(&mut self, file: &SetFile, cut: Option<u64>) -> Result<(), String> {
        let name = file.entry.name.clone();
        let limit = cut.unwrap_or(file.limit()).min(file.limit());
        let target = self.path(&name);
        let is_whole = Some(limit) == file.length;
        // Nobody changes a base, so both logs may share it.
        let is_linked = self.links && is_whole && self.storage.hard_link(&file.path, &target).is_ok();
        if !is_linked {
            self.copy(file, &target, limit).map_err(|error| error.to_string())?;
        }
        let how = match (is_linked, is_whole) {
            (true, _) => "linked",
            (false, true) => "copied",
            (false, false) => "cut",
        };
        self.taken.push(Taken { name: file.name(), how, bytes: limit });
        self.base = Some((file.entry.sequence, name));
        Ok(())
    }

    fn increment(&mut self, file: &SetFile, cut: Option<u64>, time_ms: u64) -> Result<(), String> {
        let name = file.entry.name.clone();
        let target = self.path(&name);
        let Some(cut) = cut else {
            // Whoever comes behind it says where it ends.
            self.copy(file, &target, file.limit()).map_err(|error| error.to_string())?;
            self.taken.push(Taken { name: file.name(), how: "copied", bytes: file.limit() });
            self.increments.push((file.entry.sequence, name));
            return Ok(());
        };
        let opened = file.open(self.storage).map_err(|error| error.to_string())?;
        let mut part = None;
        let outcome = write_synced(self.storage, &target, FileMode::DATA, |out| {
            part = Some(copy_until(&opened, cut, time_ms, out)?);
            Ok::<_, lastsave_aof::CutError>(())
        });
        outcome.map_err(|error| error.to_string())?;
        let Some(part) = part else { return Ok(()) };
        let how = if part.is_reframed { "cut inside a block" } else { "cut" };
        self.taken.push(Taken { name: file.name(), how, bytes: part.bytes });
        self.increments.push((file.entry.sequence, name));
        if part.is_framed {
            self.successor(file.entry.sequence, part.bytes).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// An empty increment, in which the log goes on.
    fn successor(&mut self, sequence: i64, end_offset: u64) -> Result<(), StorageError> {
        let line = successor_header(sequence, end_offset, self.now_ms);
        let next = sequence + 1;
        let name = self.names.increment(next);
        let target = self.path(&name);
        write_synced(self.storage, &target, FileMode::DATA, |out| out.append(&line))?;
        self.taken.push(Taken {
            name: String::from_utf8_lossy(&name).into_owned(),
            how: "new, to go on in",
            bytes: line.len() as u64,
        });
        self.increments.push((next, name));
        Ok(())
    }

    fn copy(&self, file: &SetFile, target: &Path, limit: u64) -> Result<(), StorageError> {
        let opened = file.open(self.storage)?;
        write_synced(self.storage, target, FileMode::DATA, |out| {
            let mut buffer = vec![0; STEP_BYTES.min(limit) as usize];
            let mut at = 0;
            while at < limit {
                let count = (limit - at).min(buffer.len() as u64) as usize;
                opened.read_exact_at(&mut buffer[..count], at)?;
                out.append(&buffer[..count])?;
                at += count as u64;
            }
            Ok::<_, StorageError>(())
        })?;
        Ok(())
    }

    /// Everything else is durable before the manifest names it.
    fn publish(&self) -> Result<(), StorageError> {
        self.storage.sync_directory(&self.directory)?;
        let manifest = Manifest::from_files(self.base.clone(), self.increments.clone());
        replace_durably_with(
            self.storage,
            &self.path(&self.names.temporary_manifest()),
            &self.path(&self.names.manifest()),
            FileMode::DATA,
            &manifest.to_text(),
        )
    }

    /// Reads back what was written.
    fn verify(&self) -> Result<(), String> {
        let manifest = self.path(&self.names.manifest());
        let options = CheckOptions::new(CheckAction::Verify);
        let report = check_log(self.storage, &manifest, &options, &RdbFile, &mut Silent);
        if report.is_valid {
            return Ok(());
        }
        let damaged = report.files.iter().flat_map(|file| &file.errors).next().cloned();
        let reason = report.failure.or(damaged).unwrap_or_default();
        let base = self
            .base
            .as_ref()
            .map_or_else(String::new, |(_, name)| String::from_utf8_lossy(name).into_owned());
        Err(format!(
            "What was restored is not valid: {reason} If the base {base} is damaged, an older one may do: --base."
        ))
    }
}
