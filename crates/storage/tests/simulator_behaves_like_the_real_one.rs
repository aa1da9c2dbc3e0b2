//! Without faults nobody can tell the simulated file system from the real one: random operations, same outcomes.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{
    EntryKind, Errno, File, FileMode, OpenOptions, RealStorage, Storage, StorageError, read_file,
};
use proptest::prelude::*;

/// Few names, so that operations meet.
const NAMES: [&str; 8] = ["a", "b", "d", "d/a", "d/e", "d/e/f", "none/x", "a/x"];

#[derive(Clone, Debug)]
enum Step {
    Open { name: usize, options: OpenOptions },
    Close { handle: usize },
    Read { handle: usize, offset: u64, len: usize },
    Write { handle: usize, offset: u64, bytes: Vec<u8> },
    WriteVectored { handle: usize, offset: u64, pieces: Vec<Vec<u8>> },
    Truncate { handle: usize, len: u64 },
    Allocate { handle: usize, offset: u64, len: u64 },
    Sync { handle: usize },
    Forget { handle: usize, offset: u64, len: u64 },
    Rename { from: usize, to: usize },
    Unlink { name: usize },
    Link { existing: usize, new: usize },
    MakeDirectory { name: usize },
    RemoveDirectory { name: usize },
    SyncDirectory { name: usize },
    Look { name: usize },
    Lock { name: usize },
}

fn name() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..20_000u64, 1 => Just(u64::MAX)]
}

fn options() -> impl Strategy<Value = OpenOptions> {
    (any::<[bool; 5]>(), any::<bool>()).prop_map(|([read, write, create, create_new, truncate], usual)| {
        if usual {
            return OpenOptions::read_write().create(true);
        }
        OpenOptions { read, write, create, create_new, truncate, mode: FileMode::DATA }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let handle = 0..4usize;
    let bytes = || prop::collection::vec(any::<u8>(), 0..6000);
    let pieces = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..5);
    prop_oneof![
        4 => (name(), options()).prop_map(|(name, options)| Step::Open { name, options }),
        1 => handle.clone().prop_map(|handle| Step::Close { handle }),
        3 => (handle.clone(), offset(), 0..9000usize)
            .prop_map(|(handle, offset, len)| Step::Read { handle, offset, len }),
        4 => (handle.clone(), offset(), bytes())
            .prop_map(|(handle, offset, bytes)| Step::Write { handle, offset, bytes }),
        2 => (handle.clone(), offset(), pieces)
            .prop_map(|(handle, offset, pieces)| Step::WriteVectored { handle, offset, pieces }),
        2 => (handle.clone(), offset()).prop_map(|(handle, len)| Step::Truncate { handle, len }),
        1 => (handle.clone(), offset(), 0..9000u64)
            .prop_map(|(handle, offset, len)| Step::Allocate { handle, offset, len }),
        1 => handle.clone().prop_map(|handle| Step::Sync { handle }),
        1 => (handle, 0..20_000u64, 0..20_000u64)
            .prop_map(|(handle, offset, len)| Step::Forget { handle, offset, len }),
        3 => (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => name().prop_map(|name| Step::Unlink { name }),
        2 => (name(), name()).prop_map(|(existing, new)| Step::Link { existing, new }),
        3 => name().prop_map(|name| Step::MakeDirectory { name }),
        1 => name().prop_map(|name| Step::RemoveDirectory { name }),
        1 => name().prop_map(|name| Step::SyncDirectory { name }),
        3 => name().prop_map(|name| Step::Look { name }),
        1 => name().prop_map(|name| Step::Lock { name }),
    ]
}

/// What a step brought, as far as it must be the same everywhere.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    NoHandle,
    Moved(usize),
    Bytes(Vec<u8>),
    Seen { len: Option<u64>, kind: EntryKind, links: Option<u64>, entries: Vec<(String, EntryKind)> },
    Failed(Option<Errno>),
}

fn outcome<T>(result: Result<T, StorageError>, outcome: impl FnOnce(T) -> Outcome) -> Outcome {
    result.map_or_else(|error| Outcome::Failed(error.errno()), outcome)
}

struct Machine {
    storage: Arc<dyn Storage>,
    handles: Vec<Arc<dyn File>>,
}

impl Machine {
    fn with_handle(&self, handle: usize, act: impl FnOnce(&dyn File) -> Outcome) -> Outcome {
        match self.handles.len() {
            0 => Outcome::NoHandle,
            count => act(&*self.handles[handle % count]),
        }
    }

    fn run(&mut self, step: &Step) -> Outcome {
        let path = |name: &usize| Path::new(NAMES[*name]);
        let done = |result| outcome(result, |()| Outcome::Done);
        let storage = &self.storage;
        match step {
            Step::Open { name, options } => match storage.open(path(name), options) {
                Ok(file) => {
                    self.handles.push(file);
                    Outcome::Done
                }
                Err(error) => Outcome::Failed(error.errno()),
            },
            Step::Close { handle } => {
                if self.handles.is_empty() {
                    return Outcome::NoHandle;
                }
                let index = handle % self.handles.len();
                self.handles.remove(index);
                Outcome::Done
            }
            Step::Read { handle, offset, len } => self.with_handle(*handle, |file| {
                let mut buffer = vec![0; *len];
                outcome(file.read_at(&mut buffer, *offset), |moved| Outcome::Bytes(buffer[..moved].to_vec()))
            }),
            Step::Write { handle, offset, bytes } => {
                self.with_handle(*handle, |file| outcome(file.write_at(bytes, *offset), Outcome::Moved))
            }
            Step::WriteVectored { handle, offset, pieces } => self.with_handle(*handle, |file| {
                let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                outcome(file.write_vectored_at(&slices, *offset), Outcome::Moved)
            }),
            Step::Truncate { handle, len } => self.with_handle(*handle, |file| done(file.truncate(*len))),
            Step::Allocate { handle, offset, len } => {
                self.with_handle(*handle, |file| done(file.allocate(*offset, *len)))
            }
            Step::Sync { handle } => self.with_handle(*handle, |file| done(file.datasync())),
            Step::Forget { handle, offset, len } => {
                self.with_handle(*handle, |file| done(file.advise_dont_need(*offset, *len)))
            }
            Step::Rename { from, to } => done(storage.rename(path(from), path(to))),
            Step::Unlink { name } => done(storage.unlink(path(name))),
            Step::Link { existing, new } => done(storage.hard_link(path(existing), path(new))),
            Step::MakeDirectory { name } => done(storage.create_directory(path(name))),
            Step::RemoveDirectory { name } => done(storage.remove_directory(path(name))),
            Step::SyncDirectory { name } => done(storage.sync_directory(path(name))),
            Step::Look { name } => look(&**storage, path(name)),
            Step::Lock { name } => outcome(storage.lock(path(name)), |guard| {
                assert!(storage.lock(path(name)).is_err_and(|error| error.is_locked()));
                drop(guard);
                Outcome::Done
            }),
        }
    }
}

/// Everything to be seen at a path; the length and links of a directory are the file system's own affair.
fn look(storage: &dyn Storage, path: &Path) -> Outcome {
    outcome(storage.metadata(path), |found| {
        let is_file = found.kind == EntryKind::File;
        let entries = storage.list(path).map_or_else(
            |error| {
                assert_eq!(error.errno(), Some(Errno::NOT_DIRECTORY));
                Vec::new()
            },
            |entries| {
                entries.iter().map(|entry| (entry.name.to_string_lossy().into_owned(), entry.kind)).collect()
            },
        );
        let (len, links) = (is_file.then_some(found.len), is_file.then_some(found.links));
        Outcome::Seen { len, kind: found.kind, links, entries }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn same_steps_same_outcomes(steps in prop::collection::vec(step(), 1..60)) {
        let directory = tempfile::tempdir().unwrap();
        let mut real =
            Machine { storage: Arc::new(RealStorage::open(directory.path()).unwrap()), handles: Vec::new() };
        let simulator = SimulatedStorage::new(1);
        let mut simulated = Machine { storage: Arc::new(simulator.clone()), handles: Vec::new() };
        for (index, step) in steps.iter().enumerate() {
            prop_assert_eq!(real.run(step), simulated.run(step), "step {}: {:?}", index, step);
        }
        for (path, len) in simulator.files() {
            let bytes = read_file(&*real.storage, &path, 1 << 30).unwrap();
            prop_assert_eq!(bytes.len() as u64, len);
            prop_assert!(bytes == simulator.contents(&path).unwrap(), "{}", path.display());
        }
    }
}
