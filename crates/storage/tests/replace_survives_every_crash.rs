//! Crash at every single operation of every helper: the names always lead to a whole file, the old or the new.

use std::path::Path;

use lastsave_storage::sim::{Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{
    Errno, FileMode, Operation, Result, Storage, create_directory_durably, create_durably, hard_link_durably,
    read_file, rename_durably, replace_durably_with, unlink_durably, write_synced,
};

const TEMPORARY: &str = "temp";
const TARGET: &str = "dump.rdb";

fn replace(storage: &dyn Storage, bytes: &[u8]) -> Result<()> {
    replace_durably_with(storage, Path::new(TEMPORARY), Path::new(TARGET), FileMode::DUMP, bytes)
}

fn found(storage: &SimulatedStorage, name: &str) -> Option<Vec<u8>> {
    storage.contents(name)
}

/// Runs `act` with a crash at each of its operations, and without; then `judge` looks at what came back, many times,
/// knowing whether `act` returned success.
fn crash_everywhere(
    prepare: impl Fn(&SimulatedStorage),
    act: impl Fn(&dyn Storage) -> Result<()>,
    judge: impl Fn(&SimulatedStorage, bool),
) {
    for point in 0.. {
        let mut finished = false;
        for seed in 0..20 {
            let storage = SimulatedStorage::new(seed);
            prepare(&storage);
            storage.crash_after(point);
            let outcome = act(&storage);
            finished = !storage.is_crashed();
            assert_eq!(outcome.is_ok(), finished, "{outcome:?}");
            let mut random = SimulatedRandom::new(seed);
            for _ in 0..20 {
                judge(&storage.crash(&mut random), finished);
            }
            judge(&storage.kill(&mut random), finished);
        }
        if finished {
            return;
        }
    }
}

#[test]
fn replacing_leaves_all_of_the_old_or_all_of_the_new() {
    let (old, new) = (vec![b'o'; 9000], vec![b'n'; 300_000]);
    crash_everywhere(
        |storage| storage.put(TARGET, old.clone()).unwrap(),
        |storage| replace(storage, &new),
        |after, finished| {
            let bytes = found(after, TARGET).expect("the name never goes away");
            assert!(bytes == new || (bytes == old && !finished), "{} bytes", bytes.len());
            // The next start can do it again, over whatever was left behind.
            replace(after, b"again").unwrap();
            assert_eq!(read_file(after, Path::new(TARGET), 100).unwrap(), b"again");
        },
    );
}

#[test]
fn creating_by_replacing_leaves_nothing_or_all() {
    crash_everywhere(
        |_| {},
        |storage| replace(storage, b"complete"),
        |after, finished| match found(after, TARGET) {
            Some(bytes) => assert_eq!(bytes, b"complete"),
            None => assert!(!finished),
        },
    );
}

#[test]
fn an_old_dump_keeps_its_second_name() {
    crash_everywhere(
        |storage| storage.put(TARGET, b"old".as_slice()).unwrap(),
        |storage| {
            let write = |writer: &mut lastsave_storage::FileWriter| writer.append(b"new");
            write_synced(storage, Path::new(TEMPORARY), FileMode::DUMP, write)?;
            hard_link_durably(storage, Path::new(TARGET), Path::new("previous.rdb"))?;
            rename_durably(storage, Path::new(TEMPORARY), Path::new(TARGET))?;
            unlink_durably(storage, Path::new("previous.rdb"))
        },
        |after, finished| {
            let target = found(after, TARGET).expect("the name never goes away");
            match found(after, "previous.rdb") {
                Some(previous) => assert!(!finished && previous == b"old"),
                None => assert!(finished || target == b"old" || target == b"new"),
            }
            assert!(target == b"new" || (target == b"old" && !finished));
        },
    );
}

#[test]
fn a_link_and_a_removal_are_there_to_stay() {
    crash_everywhere(
        |storage| storage.put(TARGET, b"x".as_slice()).unwrap(),
        |storage| hard_link_durably(storage, Path::new(TARGET), Path::new("second")),
        |after, finished| assert!(!finished || found(after, "second").as_deref() == Some(b"x")),
    );
    crash_everywhere(
        |storage| storage.put(TARGET, b"x".as_slice()).unwrap(),
        |storage| unlink_durably(storage, Path::new(TARGET)),
        |after, finished| assert!(!finished || found(after, TARGET).is_none()),
    );
}

#[test]
fn a_move_between_directories_never_loses_the_file() {
    crash_everywhere(
        |storage| {
            storage.put("from/file", b"x".as_slice()).unwrap();
            storage.put("to/other", b"y".as_slice()).unwrap();
        },
        |storage| rename_durably(storage, Path::new("from/file"), Path::new("to/file")),
        |after, finished| {
            let (from, to) = (found(after, "from/file"), found(after, "to/file"));
            assert!(from.is_some() || to.is_some());
            assert!(!finished || (from.is_none() && to.is_some()));
        },
    );
}

#[test]
fn a_created_file_and_directory_are_there_to_stay() {
    crash_everywhere(
        |_| {},
        |storage| {
            create_directory_durably(storage, Path::new("appendonlydir"))?;
            create_durably(storage, Path::new("appendonlydir/log"), FileMode::DATA).map(drop)
        },
        |after, finished| {
            assert!(!finished || found(after, "appendonlydir/log").as_deref() == Some(b""));
            // A directory that an earlier run made, but did not sync, becomes durable now.
            create_directory_durably(after, Path::new("appendonlydir")).unwrap();
            let mut random = SimulatedRandom::new(3);
            assert!(after.crash(&mut random).exists(Path::new("appendonlydir")).unwrap());
        },
    );
}

#[test]
fn any_failure_leaves_the_old_file_and_removes_the_temporary_one() {
    let steps = [
        (Operation::Create, Errno::NO_SPACE),
        (Operation::Write, Errno::NO_SPACE),
        (Operation::Write, Errno::IO),
        (Operation::Datasync, Errno::IO),
        (Operation::Rename, Errno::IO),
    ];
    for (operation, errno) in steps {
        let storage = SimulatedStorage::new(1);
        storage.put(TARGET, b"old".as_slice()).unwrap();
        storage.inject(Fault::fail(operation, errno));
        let error = replace(&storage, b"new").unwrap_err();
        assert_eq!((error.operation(), error.errno()), (operation, Some(errno)));
        assert_eq!(found(&storage, TARGET).unwrap(), b"old");
        assert_eq!(storage.files().len(), 1, "{operation:?}");
        let mut random = SimulatedRandom::new(1);
        for _ in 0..50 {
            assert_eq!(found(&storage.crash(&mut random), TARGET).unwrap(), b"old");
        }
        replace(&storage, b"new").unwrap();
    }
}
