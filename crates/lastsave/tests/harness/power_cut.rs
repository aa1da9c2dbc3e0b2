//! What a power cut would have left of a server's files: its journal replayed on the simulated disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lastsave_storage::sim::{SimulatedFile, SimulatedRandom, SimulatedStorage, SlowSync};
use lastsave_storage::{EntryKind, File as _, OpenOptions, Storage as _, StorageError};

use super::{Action, Record, files};

/// The simulated disk in the state that the journal has led to so far.
pub(crate) struct Replay {
    disk: SimulatedStorage,
    open: BTreeMap<u64, SimulatedFile>,
    /// Syncs that have begun and not ended.
    syncs: BTreeMap<u64, SyncUnderWay>,
    longest_sync_ns: u64,
    now_ns: u64,
    forgets: Forgets,
}

struct SyncUnderWay {
    begun_ns: u64,
    /// Of a file of the append-only log.
    is_log: bool,
    is_directory: bool,
    covered: SlowSync,
}

/// What a disk does not keep although it says so; for showing that somebody notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgets {
    Nothing,
    /// The bytes of the append-only log.
    Log,
    /// The entries of directories.
    Names,
}

impl Replay {
    /// From the files in a real directory, all of them durable.
    pub(crate) fn from(directory: &Path, forgets: Forgets) -> Self {
        let disk = SimulatedStorage::new(0);
        copy_in(directory, &disk, Path::new(""));
        disk.settle();
        Self { disk, open: BTreeMap::new(), syncs: BTreeMap::new(), longest_sync_ns: 0, now_ns: 0, forgets }
    }

    /// Does what the server did.
    pub(crate) fn apply(&mut self, record: Record) {
        self.now_ns = record.at_ns;
        self.act(record.action).expect("the simulated disk does what the real one did");
    }

    fn act(&mut self, action: Action) -> Result<(), StorageError> {
        match action {
            Action::Open { file, name, creates, truncates } => {
                let options =
                    OpenOptions { truncate: truncates, ..OpenOptions::read_write().create(creates) };
                self.open.insert(file, self.disk.open_file(&name, &options)?);
            }
            Action::Write { file, offset, bytes } => self.file(file).write_all_at(&bytes, offset)?,
            Action::Truncate { file, len } => self.file(file).truncate(len)?,
            Action::Allocate { file, offset, len } => self.file(file).allocate(offset, len)?,
            Action::Rename { from, to } => self.disk.rename(&from, &to)?,
            Action::Unlink { name, is_directory: true } => self.disk.remove_directory(&name)?,
            Action::Unlink { name, is_directory: false } => self.disk.unlink(&name)?,
            Action::MakeDirectory { name } => self.disk.create_directory(&name)?,
            Action::Link { existing, new } => self.disk.hard_link(&existing, &new)?,
            Action::BeginSync { sync, file, name, is_directory } => {
                let covered = match is_directory {
                    true => self.disk.begin_directory_sync(&name)?,
                    false => self.file(file).begin_sync(),
                };
                let is_log = name.extension().is_some_and(|extension| extension == "aof");
                let begun_ns = self.now_ns;
                self.syncs.insert(sync, SyncUnderWay { begun_ns, is_log, is_directory, covered });
            }
            Action::EndSync { sync } => {
                let ended = self.syncs.remove(&sync).expect("a sync begins before it ends");
                if ended.is_log {
                    self.longest_sync_ns = self.longest_sync_ns.max(self.now_ns - ended.begun_ns);
                }
                let is_forgotten = match self.forgets {
                    Forgets::Nothing => false,
                    Forgets::Log => ended.is_log,
                    Forgets::Names => ended.is_directory,
                };
                if !is_forgotten {
                    ended.covered.complete();
                }
            }
        }
        Ok(())
    }

    fn file(&self, number: u64) -> &SimulatedFile {
        self.open.get(&number).expect("a file is opened before it is used")
    }

    /// When the last operation so far was over.
    pub(crate) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// How long a sync of the log has taken, those under way among them.
    pub(crate) fn longest_sync_ns(&self) -> u64 {
        let under_way = self.syncs.values().filter(|sync| sync.is_log);
        under_way.map(|sync| self.now_ns - sync.begun_ns).fold(self.longest_sync_ns, u64::max)
    }

    /// Writes one of the states that a power cut may leave at this moment into a real, empty directory.
    pub(crate) fn cut_power(&self, random: &mut SimulatedRandom, directory: &Path) {
        copy_out(&self.disk.crash(random), Path::new(""), directory);
    }

    /// The files as the server sees them.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let contents = |path: PathBuf| {
            let bytes = self.disk.contents(&path).expect("a listed file is there");
            (path, bytes)
        };
        self.disk.files().into_keys().map(contents).collect()
    }
}

fn copy_in(directory: &Path, disk: &SimulatedStorage, below: &Path) {
    for name in files::names(directory) {
        let (real, simulated) = (directory.join(&name), below.join(&name));
        if real.is_dir() {
            disk.create_directory(&simulated).expect("the simulated disk takes a directory");
            copy_in(&real, disk, &simulated);
        } else {
            disk.put(&simulated, files::read(&real)).expect("the simulated disk takes a file");
        }
    }
}

fn copy_out(disk: &SimulatedStorage, below: &Path, directory: &Path) {
    for entry in disk.list(below).expect("the simulated disk can be listed") {
        let (simulated, real) = (below.join(&entry.name), directory.join(&entry.name));
        if entry.kind == EntryKind::Directory {
            files::make_directory(&real);
            copy_out(disk, &simulated, &real);
        } else {
            files::write(&real, &disk.contents(&simulated).expect("a listed file is there"));
        }
    }
}
