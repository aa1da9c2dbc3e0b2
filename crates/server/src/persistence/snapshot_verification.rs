//! Tests: a snapshot that the device does not give back as it was written never takes the place of the previous one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastsave_commands::FunctionLibraries;
use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue};
use lastsave_rdb::WriterOptions;
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{
    DirectoryEntry, File, LockGuard, Metadata, OpenOptions, Result, Space, Storage, StorageError,
};

use super::progress::Progress;
use super::snapshot_file::{AccessRecord, SnapshotError, SnapshotForm, SnapshotJob, SnapshotWritten};

const KEYS: usize = 50;
const TEMPORARY: &str = "temp-1.rdb";
const TARGET: &str = "dump.rdb";

/// What happens to a file between the sync and the next read.
#[derive(Debug, Clone, Copy)]
enum Decay {
    None,
    Flip { offset: u64, mask: u8 },
    Cut { bytes: usize },
}

/// A device on which temporary files decay once they are written.
#[derive(Debug)]
struct DecayingStorage {
    inner: SimulatedStorage,
    decay: Decay,
}

impl Storage for DecayingStorage {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> Result<Arc<dyn File>> {
        if path == Path::new(TEMPORARY) && *options == OpenOptions::read_only() {
            match self.decay {
                Decay::None => {}
                Decay::Flip { offset, mask } => self.inner.flip_bits(path, offset, mask)?,
                Decay::Cut { bytes } => self.inner.cut(path, bytes)?,
            }
        }
        self.inner.open(path, options)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.inner.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        self.inner.unlink(path)
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.inner.hard_link(existing, new)
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        self.inner.create_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.inner.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.inner.sync_directory(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>> {
        self.inner.list(path)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.inner.metadata(path)
    }

    fn lock(&self, path: &Path) -> Result<LockGuard> {
        self.inner.lock(path)
    }

    fn open_directory(&self, path: &Path) -> Result<Arc<dyn Storage>> {
        self.inner.open_directory(path)
    }

    fn space(&self) -> Result<Space> {
        self.inner.space()
    }
}

/// Saves some keys over a previous dump; gives what the job says and what lies there then.
fn save(decay: Decay, checksum: bool) -> (std::result::Result<SnapshotWritten, SnapshotError>, Vec<u8>) {
    let inner = SimulatedStorage::new(1);
    inner.put(TARGET, b"the previous dump".to_vec()).expect("there is room");
    let mut keyspace = Keyspace::new(&KeyspaceOptions { databases: 2, hash_seed: Some([1; 4]) });
    for number in 0..KEYS {
        let key = format!("key:{number}");
        let key = keyspace.key(key.as_bytes());
        let expiry = if number % 7 == 0 { Expiry::At(4_102_444_800_000) } else { Expiry::Clear };
        keyspace.db_mut(number % 2).set(&key, NewValue::encode(b"some value"), expiry);
    }
    let snapshot = keyspace.snapshot();
    let mut functions = FunctionLibraries::new();
    functions.load("#!lua name=library\n".into(), false).expect("it is one");
    let job = SnapshotJob {
        storage: Arc::new(DecayingStorage { inner: inner.clone(), decay }),
        temporary: PathBuf::from(TEMPORARY),
        target: PathBuf::from(TARGET),
        form: SnapshotForm::Dump,
        options: WriterOptions { checksum, ..WriterOptions::default() },
        access: AccessRecord::Nothing,
        created_unix_seconds: 0,
        used_memory_bytes: 0,
        key_delay: 0,
        bytes_per_second_max: 0,
        incremental_writeback: true,
        progress: Arc::new(Progress::new(snapshot.len())),
        snapshot,
        functions,
        adopt_into: None,
    };
    let result = job.run();
    assert!(inner.contents(TEMPORARY).is_none(), "no temporary file is left");
    (result, inner.contents(TARGET).expect("there is a dump"))
}

#[test]
fn a_file_that_comes_back_as_it_was_takes_its_place() {
    let (result, dump) = save(Decay::None, true);
    let written = result.expect("nothing is in the way");
    assert_eq!((written.keys, written.bytes), (KEYS as u64, dump.len() as u64));
    assert!(dump.starts_with(b"REDIS0011"));
}

#[test]
fn every_changed_byte_and_every_cut_keeps_the_previous_dump() {
    let bytes = save(Decay::None, true).1.len();
    for offset in 0..bytes {
        // A version below 5, which has no checksum, is the one change of a bit that the format cannot tell.
        for decay in [Decay::Flip { offset: offset as u64, mask: 0x80 }, Decay::Cut { bytes: offset }] {
            let (result, dump) = save(decay, true);
            assert!(matches!(result, Err(SnapshotError::Verification(_))), "{decay:?}: {result:?}");
            assert_eq!(dump, b"the previous dump", "{decay:?}");
        }
    }
}

#[test]
fn without_a_checksum_a_lost_key_is_still_noticed() {
    let (_, dump) = save(Decay::None, false);
    // The expiry of a key becomes an idle time of the same length.
    let offset = dump.iter().position(|byte| *byte == 0xfc).expect("some key expires") as u64;
    let (result, dump) = save(Decay::Flip { offset, mask: 0x04 }, false);
    assert!(matches!(result, Err(SnapshotError::Verification(_))), "{result:?}");
    assert_eq!(dump, b"the previous dump");
}

#[test]
fn what_is_said_names_the_file_and_the_cause() {
    let error: StorageError = SimulatedStorage::new(1)
        .open(Path::new("nothing"), &OpenOptions::read_only())
        .expect_err("there is no such file");
    let line = |error: SnapshotError| error.log_line(Path::new("t"), Path::new("d"), Path::new("/x"));
    assert!(line(error.into()).starts_with("Failed opening the temp RDB file t (in server root dir /x)"));
    let (result, _) = save(Decay::Cut { bytes: 100 }, true);
    let text = line(result.expect_err("it was cut"));
    assert!(text.contains("is not what was saved (") && text.ends_with("it was discarded"), "{text}");
}
