//! The directory of a log: its manifest on disk and in memory, and the changes of both that survive a crash.

use std::collections::VecDeque;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use lastsave_storage::{
    EntryKind, FileMode, OpenOptions, Operation, Storage, StorageError, create_directory_durably, read_file,
    rename_durably, replace_durably_with, unlink_durably, write_synced,
};

use crate::backup::{Pins, SealedFiles};
use crate::error::AofError;
use crate::manifest::{BaseForm, FileKind, Manifest, ManifestDefect, ManifestEntry, ManifestError};
use crate::names::{LogNames, as_path};
use crate::notice::Notice;
use crate::retention::{RetainedDirectory, RetainedSets, Retention};

/// A manifest bigger than this is none.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The manifest and the files beside it. Shared by the log, the loader and whoever deletes history; all changes of the
/// manifest go through here, one at a time.
#[derive(Debug)]
pub struct AofDirectory {
    storage: Arc<dyn Storage>,
    names: LogNames,
    state: Mutex<State>,
    /// Held while files of the history are retained, deleted or given up.
    collecting: Mutex<()>,
    /// What is retained.
    retained: Mutex<RetainedSets>,
    /// What backups still want.
    pins: Arc<Pins>,
    /// What was sealed for backups, oldest first.
    sealed: Mutex<VecDeque<SealedFiles>>,
}

#[derive(Debug)]
struct State {
    manifest: Manifest,
    /// The manifest on disk may be the one before: history must not be deleted.
    in_doubt: bool,
    /// Unlisted files found beside a missing manifest.
    orphans: Vec<String>,
}

/// A base that is complete and synced, by its path below `dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBase<'a> {
    /// Path below the storage's root.
    pub path: &'a Path,
    /// Its form.
    pub form: BaseForm,
}

impl AofDirectory {
    /// Reads the manifest, if there is one. `storage` is rooted at `dir`. Changes nothing on disk.
    ///
    /// # Errors
    /// A manifest that cannot be read or is damaged.
    pub fn open(storage: Arc<dyn Storage>, names: LogNames) -> Result<Arc<Self>, AofError> {
        let directory = Self {
            storage,
            names,
            state: Mutex::new(State { manifest: Manifest::new(), in_doubt: false, orphans: Vec::new() }),
            collecting: Mutex::new(()),
            retained: Mutex::new(RetainedSets::default()),
            pins: Arc::default(),
            sealed: Mutex::default(),
        };
        directory.reload()?;
        Ok(Arc::new(directory))
    }

    /// Reads the manifest again, as DEBUG LOADAOF does.
    ///
    /// # Errors
    /// As [`AofDirectory::open`].
    pub fn reload(&self) -> Result<(), AofError> {
        let manifest = self.read_manifest(&self.names.manifest())?.unwrap_or_default();
        let orphans = if manifest.is_without_data() { self.unlisted_files(&manifest)? } else { Vec::new() };
        let mut state = self.state();
        state.manifest = manifest;
        state.orphans = orphans;
        Ok(())
    }

    /// The storage that the log lives in, rooted at `dir`.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The names of the log's files.
    #[must_use]
    pub fn names(&self) -> &LogNames {
        &self.names
    }

    /// A copy of the manifest as it stands.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        self.state().manifest.clone()
    }

    /// Base and increment files beside a manifest that is missing or lists no data.
    #[must_use]
    pub fn orphans(&self) -> Vec<String> {
        self.state().orphans.clone()
    }

    /// Fails when files of a log lie here without a manifest: taking their names would destroy them. Those of a first
    /// start that did not come to its end are no such files.
    pub(crate) fn refuse_orphans(&self) -> Result<(), AofError> {
        let files = self.orphans();
        if files.is_empty() || self.is_interrupted_first_start(&files) {
            return Ok(());
        }
        Err(AofError::FilesWithoutManifest { directory: self.names.directory_display(), files })
    }

    /// Whether all files without a manifest are named by the plan of a first manifest. A plan is there only as long as it
    /// has not become the manifest, and nothing is promised before that.
    fn is_interrupted_first_start(&self, orphans: &[String]) -> bool {
        let Some(plan) = self.planned_manifest() else { return false };
        let first = |entry: &ManifestEntry| entry.sequence == 1;
        plan.history().is_empty()
            && plan.base().is_none_or(first)
            && plan.increments().len() <= 1
            && plan.increments().iter().all(first)
            && orphans.iter().all(|orphan| plan.loaded_files().any(|entry| entry.display_name() == *orphan))
    }

    /// Makes the directory if it is missing.
    pub(crate) fn ensure_exists(&self) -> Result<(), StorageError> {
        create_directory_durably(&*self.storage, self.names.directory())
    }

    /// Makes `manifest` the one on disk and in memory.
    ///
    /// # Errors
    /// When the failed operation is a sync of the directory, either manifest may be what a power cut leaves, and the new
    /// one is what is seen until then; otherwise the old one stands.
    pub(crate) fn persist(&self, manifest: Manifest) -> Result<(), StorageError> {
        let mut state = self.state();
        self.persist_locked(&mut state, manifest)
    }

    fn persist_locked(&self, state: &mut State, manifest: Manifest) -> Result<(), StorageError> {
        if manifest == state.manifest && !state.in_doubt {
            return Ok(());
        }
        let outcome = replace_durably_with(
            &*self.storage,
            &self.names.path_in_directory(&self.names.temporary_manifest()),
            &self.names.path_in_directory(&self.names.manifest()),
            FileMode::DATA,
            &manifest.to_text(),
        );
        match outcome {
            Ok(()) => {
                state.manifest = manifest;
                state.in_doubt = false;
                state.orphans.clear();
                Ok(())
            }
            Err(error) => {
                if error.operation() == Operation::SyncDirectory {
                    state.in_doubt = true;
                }
                Err(error)
            }
        }
    }

    /// Takes note that the manifest seen on disk is `manifest`, although nobody knows whether durably so.
    pub(crate) fn adopt_in_doubt(&self, manifest: Manifest) {
        let mut state = self.state();
        state.manifest = manifest;
        state.in_doubt = true;
    }

    /// Drops the declaration that an increment is longer than it counts, after its file has been cut durably. Goes to
    /// disk with the next change.
    pub(crate) fn forget_cut(&self, sequence: i64) {
        self.state().manifest.set_cut(FileKind::Increment, sequence, None);
    }

    /// Makes a finished base file the base while the log is off: everything listed before becomes history.
    ///
    /// # Errors
    /// What the disk said; the old base stands unless the directory could not be synced.
    pub fn replace_base_while_off(&self, base: &NewBase<'_>) -> Result<Vec<Notice>, AofError> {
        self.refuse_orphans()?;
        self.ensure_exists()?;
        let mut manifest = self.manifest();
        let entry = manifest.replace_base(&self.names, base.form);
        manifest.retire_increments(0);
        if self.needs_plan() {
            self.announce(&manifest)?;
        }
        let notice = self.move_into_place(base.path, &entry)?;
        if let Err(error) = self.publish(manifest) {
            if error.operation() != Operation::SyncDirectory {
                self.remove_quietly(&entry.name);
            }
            return Err(error.into());
        }
        Ok(vec![notice])
    }

    /// Moves a finished, synced file to the name of `entry`.
    pub(crate) fn move_into_place(&self, from: &Path, entry: &ManifestEntry) -> Result<Notice, StorageError> {
        rename_durably(&*self.storage, from, &self.names.path_in_directory(&entry.name))?;
        let what = if entry.kind == FileKind::Increment { "incr" } else { "base" };
        Ok(Notice::info(format!(
            "Successfully renamed the temporary AOF {what} file {} into {}",
            from.file_name().unwrap_or_default().to_string_lossy(),
            entry.display_name()
        )))
    }

    /// Deletes the files of the history and then forgets them. To be called once the base that replaced them has been
    /// verified. Files that are missing already are fine.
    ///
    /// # Errors
    /// What the disk said. What could not be deleted stays listed; the call may be repeated.
    pub fn delete_history(&self) -> Result<Vec<Notice>, StorageError> {
        let history = self.manifest().history().to_vec();
        self.delete_from_history(&history)
    }

    /// Deletes these files of the history and forgets them.
    fn delete_from_history(&self, files: &[ManifestEntry]) -> Result<Vec<Notice>, StorageError> {
        let mut state = self.state();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        if state.in_doubt {
            // The manifest before may still need them.
            let manifest = state.manifest.clone();
            self.persist_locked(&mut state, manifest)?;
        }
        let mut notices = Vec::new();
        // A name goes away at once; the space of a big file takes its time, when the last handle is closed. That is after
        // the manifest is free again for the log.
        let mut handles = Vec::new();
        for entry in files {
            let listed = state.manifest.loaded_files().any(|other| other.name == entry.name);
            assert!(!listed, "a file in use is not part of the history");
            notices.push(Notice::info(format!(
                "Removing the history file {} in the background",
                entry.display_name()
            )));
            let path = self.names.path_in_directory(&entry.name);
            handles.extend(self.storage.open(&path, &OpenOptions::read_only()));
            match self.storage.unlink(&path) {
                Err(error) if !error.not_found() => return Err(error),
                _ => {}
            }
        }
        // A file that comes back once nobody lists it would stay for ever.
        self.sync_names()?;
        let mut manifest = state.manifest.clone();
        manifest.forget_history(files);
        if !manifest.is_empty() {
            self.persist_locked(&mut state, manifest)?;
        }
        drop(state);
        drop(handles);
        Ok(notices)
    }

    /// Takes note of a cut for a backup: what `manifest` lists is not written any more.
    pub(crate) fn seal(&self, manifest: Manifest, is_framed: bool) {
        let (storage, names, pins) = (Arc::clone(&self.storage), self.names.clone(), Arc::clone(&self.pins));
        let files = SealedFiles::new(storage, names, manifest, is_framed, pins);
        self.sealed.lock().expect("no holder of the lock panics").push_back(files);
    }

    /// The files before the cut of the oldest [`Switch::Backup`](lastsave_fsync_scheduler::Switch::Backup) that has
    /// succeeded and whose files were not taken yet. History is not deleted while a backup holds any of it: call
    /// [`AofDirectory::collect_history`] when the backup is done.
    pub fn take_sealed(&self) -> Option<SealedFiles> {
        self.sealed.lock().expect("no holder of the lock panics").pop_front()
    }

    /// Retains the files of the history as `retention` says, deletes them from the log's directory, and gives up what was
    /// retained too long or is too much. To be called as [`AofDirectory::delete_history`], and now and then.
    ///
    /// # Errors
    /// What the disk said; then nothing was deleted that should have been retained. The call may be repeated.
    pub fn collect_history(&self, retention: &Retention, now_ms: u64) -> Result<Vec<Notice>, StorageError> {
        let _collecting = self.collecting.lock().expect("no holder of the lock panics");
        let directory = RetainedDirectory::new(&*self.storage, &self.names);
        let mut notices = Vec::new();
        if self.pins.holds_any(self.manifest().history()) {
            // A backup still wants them; whoever made it asks again afterwards.
        } else if retention.is_on() {
            // Only this thread takes anything out of the history; what comes in meanwhile is kept and deleted next time.
            let manifest = self.manifest();
            notices.extend(directory.keep(&manifest, now_ms)?);
            notices.extend(self.delete_from_history(manifest.history())?);
        } else {
            notices.extend(self.delete_history()?);
        }
        let (left, given_up) = directory.give_up(retention, now_ms)?;
        *self.retained.lock().expect("no holder of the lock panics") = left;
        notices.extend(given_up);
        Ok(notices)
    }

    /// What is retained, as far as it has been looked at: by [`AofDirectory::collect_history`].
    #[must_use]
    pub fn retained(&self) -> RetainedSets {
        *self.retained.lock().expect("no holder of the lock panics")
    }

    /// Removes a file that no manifest lists; a failure leaves a harmless leftover.
    pub(crate) fn remove_quietly(&self, name: &[u8]) {
        let _ = unlink_durably(&*self.storage, &self.names.path_in_directory(name));
    }

    /// Whether no manifest that lists data was ever published here, so that the first one needs a plan.
    pub(crate) fn needs_plan(&self) -> bool {
        self.manifest().is_without_data()
    }

    /// Writes the first manifest to its temporary name, durably, before the files that it names get their names: a crash
    /// on the way leaves files that the next start can tell from a log that lost its manifest.
    pub(crate) fn announce(&self, manifest: &Manifest) -> Result<(), StorageError> {
        let path = self.names.path_in_directory(&self.names.temporary_manifest());
        match self.planned_manifest() {
            // An earlier attempt may have made files already; their plan must not go away even for a moment. It is written
            // again all the same: a sync of it may have failed, and then no later one can be believed.
            Some(plan) if plan == *manifest => {
                return replace_durably_with(
                    &*self.storage,
                    &self.names.path_in_directory(&self.names.repeated_manifest()),
                    &path,
                    FileMode::DATA,
                    &manifest.to_text(),
                );
            }
            Some(_) => {
                for orphan in self.orphans() {
                    unlink_durably(&*self.storage, &self.names.path_in_directory(orphan.as_bytes()))?;
                }
            }
            None => {}
        }
        let text = manifest.to_text();
        write_synced(&*self.storage, &path, FileMode::DATA, |writer| writer.append(&text))?;
        self.sync_names()
    }

    /// Publishes the manifest announced before, by renaming that very file: at no moment are there files without either.
    pub(crate) fn publish_announced(&self, manifest: Manifest) -> Result<(), StorageError> {
        let mut state = self.state();
        rename_durably(
            &*self.storage,
            &self.names.path_in_directory(&self.names.temporary_manifest()),
            &self.names.path_in_directory(&self.names.manifest()),
        )?;
        state.manifest = manifest;
        state.orphans.clear();
        Ok(())
    }

    /// Makes `manifest` the one on disk: by its plan, when it is the first.
    pub(crate) fn publish(&self, manifest: Manifest) -> Result<(), StorageError> {
        if self.needs_plan() { self.publish_announced(manifest) } else { self.persist(manifest) }
    }

    /// The plan that an interrupted first start left.
    fn planned_manifest(&self) -> Option<Manifest> {
        self.read_manifest(&self.names.temporary_manifest()).ok().flatten()
    }

    fn read_manifest(&self, name: &[u8]) -> Result<Option<Manifest>, AofError> {
        let path = self.names.path_in_directory(name);
        match read_file(&*self.storage, &path, MANIFEST_BYTES_MAX) {
            Ok(text) => Ok(Some(Manifest::parse(&text)?)),
            Err(error) if error.not_found() => Ok(None),
            Err(error) if error.operation() == Operation::Read => {
                Err(ManifestError::without_line(ManifestDefect::Unreadable).into())
            }
            Err(source) => {
                Err(AofError::ManifestUnreadable { name: String::from_utf8_lossy(name).into_owned(), source })
            }
        }
    }

    /// Files that are named as bases and increments are, and that `manifest` does not list.
    fn unlisted_files(&self, manifest: &Manifest) -> Result<Vec<String>, StorageError> {
        let entries = match self.storage.list(self.names.directory()) {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let is_unlisted = |name: &[u8]| {
            self.names.is_base_or_increment(name)
                && !manifest.history().iter().any(|entry| entry.name == name)
        };
        Ok(entries
            .into_iter()
            .filter(|entry| entry.kind != EntryKind::Directory && is_unlisted(entry.name.as_bytes()))
            .map(|entry| entry.name.to_string_lossy().into_owned())
            .collect())
    }

    /// Takes in a log of the time before manifests: `<dir>/A` becomes the base of a new manifest and moves into the
    /// log's directory. Safe to repeat after a crash at any step.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn upgrade_single_file(&self) -> Result<Option<Notice>, AofError> {
        let old = as_path(self.names.single_file());
        match self.storage.metadata(old) {
            Ok(metadata) if metadata.kind == EntryKind::File => {}
            Ok(_) => return Ok(None),
            Err(error) if error.not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let manifest = self.manifest();
        let upgraded = Manifest::for_single_file(&self.names);
        let moved = self.names.path_in_directory(self.names.single_file());
        if !manifest.is_empty() && (manifest != upgraded || self.storage.exists(&moved)?) {
            return Ok(None);
        }
        self.refuse_orphans()?;
        self.ensure_exists()?;
        self.persist(upgraded)?;
        rename_durably(&*self.storage, old, &moved)?;
        Ok(Some(Notice::info(format!(
            "Successfully migrated an old-style AOF file ({}) into the AOF directory ({}).",
            self.names.file_display(),
            self.names.directory_display()
        ))))
    }

    /// Creates an empty file for an increment, replacing an unlisted leftover. The caller writes the header, then calls
    /// [`AofDirectory::sync_names`].
    pub(crate) fn create_file(&self, name: &[u8]) -> Result<Arc<dyn lastsave_storage::File>, StorageError> {
        let path = self.names.path_in_directory(name);
        match self.storage.unlink(&path) {
            Err(error) if !error.not_found() => return Err(error),
            _ => {}
        }
        self.storage.open(&path, &OpenOptions::create_new().read(true))
    }

    /// Makes the names in the log's directory durable.
    pub(crate) fn sync_names(&self) -> Result<(), StorageError> {
        self.storage.sync_directory(self.names.directory())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the manifest panics")
    }
}
