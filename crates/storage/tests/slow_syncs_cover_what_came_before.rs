//! A sync that takes time covers what was changed before it began, and nothing that was changed meanwhile.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use std::path::Path;

use lastsave_storage::sim::{CrashProfile, SimulatedFile, SimulatedRandom, SimulatedStorage, SlowSync};
use lastsave_storage::{File, OpenOptions, Storage};
use proptest::prelude::*;

const ROOT: &str = "";

#[derive(Clone, Debug)]
enum Action {
    Write {
        offset: u64,
        len: usize,
        byte: u8,
    },
    Resize {
        len: u64,
    },
    Begin,
    /// Of one of the syncs under way.
    End {
        which: usize,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..9000_u64, 1..6000_usize, 1..=255_u8)
            .prop_map(|(offset, len, byte)| Action::Write { offset, len, byte }),
        1 => (0..15_000_u64).prop_map(|len| Action::Resize { len }),
        2 => Just(Action::Begin),
        2 => (0..4_usize).prop_map(|which| Action::End { which }),
    ]
}

/// A durable, empty file.
fn with_file() -> (SimulatedStorage, SimulatedFile) {
    let storage = SimulatedStorage::new(1);
    let file = storage.open_file(Path::new("log"), &OpenOptions::create_new().read(true)).unwrap();
    storage.sync_directory(Path::new(ROOT)).unwrap();
    (storage, file)
}

/// What is left if nothing unsynced survives.
fn least(storage: &SimulatedStorage) -> SimulatedStorage {
    storage.crash_as(CrashProfile::LoseUnsynced, &mut SimulatedRandom::new(1))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_durable_is_the_state_at_the_beginning_of_some_ended_sync(
        actions in proptest::collection::vec(action(), 1..40),
    ) {
        let (storage, file) = with_file();
        // Each sync with its place in the order of beginnings and what the file was then.
        let mut under_way: Vec<(usize, Vec<u8>, SlowSync)> = Vec::new();
        let (mut begun, mut newest_ended, mut durable) = (0, 0, Vec::new());
        for action in actions {
            match action {
                Action::Write { offset, len, byte } => file.write_all_at(&vec![byte; len], offset).unwrap(),
                Action::Resize { len } => file.truncate(len).unwrap(),
                Action::Begin => {
                    begun += 1;
                    under_way.push((begun, storage.contents("log").unwrap(), file.begin_sync()));
                }
                Action::End { which } if which < under_way.len() => {
                    let (place, content, sync) = under_way.swap_remove(which);
                    sync.complete();
                    if place > newest_ended {
                        (newest_ended, durable) = (place, content);
                    }
                }
                Action::End { .. } => {}
            }
            prop_assert!(least(&storage).contents("log").unwrap() == durable);
        }
        let live = storage.contents("log").unwrap();
        file.datasync().unwrap();
        prop_assert!(least(&storage).contents("log").unwrap() == live);
    }
}

#[test]
fn a_name_given_during_a_sync_of_the_directory_is_at_risk() {
    let (storage, _file) = with_file();
    let create = |name| storage.open(Path::new(name), &OpenOptions::create_new()).unwrap();
    create("before");
    let sync = storage.begin_directory_sync(Path::new(ROOT)).unwrap();
    create("during");
    sync.complete();
    let names: Vec<_> = least(&storage).files().into_keys().collect();
    assert_eq!(names, [Path::new("before"), Path::new("log")]);
}

#[test]
fn a_sync_that_never_ends_makes_nothing_durable() {
    let (storage, file) = with_file();
    file.write_all_at(b"lost", 0).unwrap();
    drop(file.begin_sync());
    assert_eq!(least(&storage).contents("log").unwrap(), b"");
}
