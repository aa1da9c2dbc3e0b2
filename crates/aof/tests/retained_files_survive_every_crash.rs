//! Superseded file sets that are retained: a crash at any operation loses neither the log nor a file of the set, and the
//! next attempt finishes what was begun, once.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;
use std::sync::Arc;

use lastsave_aof::{AofDirectory, LoadOptions, LogNames, OpenedLog, Retention, open_log};
use lastsave_fsync_scheduler::{Log, Position, RewriteBase, Switch};
use lastsave_storage::sim::{Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Errno, FileMode, Operation, Storage, StorageError, write_synced};
use support::{DIRECTORY, Driver, count_units, load, open_directory, settings, start, unit};

const ROOT: &str = "appendonlydir-retained";
const KEEP_ALL: Retention = Retention { age_seconds: 0, bytes: 1 << 30 };

fn write_base(storage: &SimulatedStorage, units: u64) -> RewriteBase {
    let name = "temp-rewriteaof-bg-1.aof".to_owned();
    let size_bytes = write_synced(storage, Path::new(&name), FileMode::DATA, |writer| {
        (0..units).try_for_each(|number| writer.append(&unit(number)))
    })
    .unwrap();
    storage.sync_directory(Path::new("")).unwrap();
    RewriteBase { name, size_bytes }
}

fn rewrite(storage: &SimulatedStorage, driver: &mut Driver) {
    driver.log.switch(Switch::Rewrite, driver.written, driver.durable).unwrap();
    let base = write_base(storage, driver.written_units);
    driver.log.complete_rewrite(&base, driver.durable).unwrap();
}

/// A log whose history is a base of 3 units and an increment with 2 more, and which goes on with 1.
fn with_history(seed: u64) -> (SimulatedStorage, Driver) {
    let storage = SimulatedStorage::new(seed);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(3, true, true).unwrap();
    driver.sync().unwrap();
    rewrite(&storage, &mut driver);
    driver.log.directory().delete_history().unwrap();
    driver.write(2, true, true).unwrap();
    driver.sync().unwrap();
    rewrite(&storage, &mut driver);
    driver.write(1, true, true).unwrap();
    driver.sync().unwrap();
    storage.settle();
    (storage, driver)
}

/// Units in every whole set, oldest first.
fn retained_units(storage: &SimulatedStorage) -> Vec<u64> {
    let Ok(mut sets) = storage.list(Path::new(ROOT)) else { return Vec::new() };
    sets.sort_by(|one, other| one.name.cmp(&other.name));
    let root: Arc<dyn Storage> = storage.open_directory(Path::new(ROOT)).unwrap();
    let mut units = Vec::new();
    for set in sets {
        let name = set.name.to_str().unwrap();
        if storage.contents(format!("{ROOT}/{name}/appendonly.aof.manifest")).is_none() {
            continue;
        }
        let names = LogNames::new("appendonly.aof", name).unwrap();
        let directory = AofDirectory::open(Arc::clone(&root), names).unwrap();
        let (OpenedLog::Existing(mut loader), _) =
            open_log(&directory, &settings(5), LoadOptions::default()).unwrap()
        else {
            panic!("a set is a log");
        };
        units.push(count_units(&load(&mut loader).unwrap()));
    }
    units
}

fn collect(storage: &SimulatedStorage, retention: &Retention, now_ms: u64) -> Result<(), StorageError> {
    open_directory(storage).unwrap().collect_history(retention, now_ms).map(|_| ())
}

fn exists_somewhere(storage: &SimulatedStorage, name: &str) -> bool {
    storage.files().keys().any(|path| path.file_name().is_some_and(|found| found == name))
}

fn crash_while_keeping(has_links: bool) {
    for point in 0.. {
        let mut finished = false;
        for seed in 0..8 {
            let (storage, driver) = with_history(seed);
            if !has_links {
                storage.inject(Fault::fail(Operation::HardLink, Errno::NOT_PERMITTED).always());
            }
            storage.crash_after(point);
            let outcome = driver.log.directory().collect_history(&KEEP_ALL, 1_000);
            finished = !storage.is_crashed();
            assert!(outcome.is_ok() || !finished, "{outcome:?}");
            let mut random = SimulatedRandom::new(seed);
            for _ in 0..6 {
                let after = storage.crash(&mut random);
                if !has_links {
                    after.inject(Fault::fail(Operation::HardLink, Errno::NOT_PERMITTED).always());
                }
                for name in ["appendonly.aof.1.base.aof", "appendonly.aof.2.incr.aof"] {
                    assert!(exists_somewhere(&after, name), "point {point}: {name} is lost");
                }
                assert_eq!(count_units(&start(&after, &settings(3)).records), 6, "point {point}");
                collect(&after, &KEEP_ALL, 2_000).unwrap();
                assert_eq!(retained_units(&after), [5], "point {point}: one set, and whole");
                assert_eq!(count_units(&start(&after, &settings(4)).records), 6);
                let live: Vec<_> = after.list(Path::new(DIRECTORY)).unwrap();
                assert!(
                    live.iter().all(|entry| entry.name != "appendonly.aof.1.base.aof"),
                    "moved, not copied"
                );
            }
        }
        if finished {
            return;
        }
    }
}

#[test]
fn keeping_a_set_with_links() {
    crash_while_keeping(true);
}

#[test]
fn keeping_a_set_where_there_are_no_links() {
    crash_while_keeping(false);
}

#[test]
fn giving_up_the_oldest_set() {
    for point in 0.. {
        let mut finished = false;
        for seed in 0..8 {
            let (storage, mut driver) = with_history(seed);
            let directory = Arc::clone(driver.log.directory());
            directory.collect_history(&KEEP_ALL, 1_000).unwrap();
            rewrite(&storage, &mut driver);
            directory.collect_history(&KEEP_ALL, 90_000).unwrap();
            assert_eq!(retained_units(&storage), [5, 6]);
            storage.settle();
            storage.crash_after(point);
            let young = Retention { age_seconds: 60, bytes: 0 };
            let outcome = directory.collect_history(&young, 100_000);
            finished = !storage.is_crashed();
            assert!(outcome.is_ok() || !finished, "{outcome:?}");
            let mut random = SimulatedRandom::new(seed);
            for _ in 0..6 {
                let after = storage.crash(&mut random);
                let found = retained_units(&after);
                assert!(found == [5, 6] || found == [6], "point {point}: {found:?}");
                collect(&after, &young, 100_000).unwrap();
                assert_eq!(retained_units(&after), [6]);
                assert_eq!(after.list(Path::new(ROOT)).unwrap().len(), 1, "nothing is left lying about");
                assert_eq!(count_units(&start(&after, &settings(3)).records), 6);
            }
        }
        if finished {
            return;
        }
    }
}

#[test]
fn sets_are_given_up_oldest_first_by_age_and_by_size() {
    let (storage, mut driver) = with_history(1);
    let directory = Arc::clone(driver.log.directory());
    assert_eq!(directory.retained().sets, 0);
    for round in 1..=4 {
        directory.collect_history(&KEEP_ALL, round * 10_000).unwrap();
        rewrite(&storage, &mut driver);
    }
    directory.collect_history(&KEEP_ALL, 50_000).unwrap();
    let retained = directory.retained();
    assert_eq!((retained.sets, retained.oldest_ms), (5, Some(10_000)));
    let by_age = Retention { age_seconds: 30, bytes: 0 };
    directory.collect_history(&by_age, 50_000).unwrap();
    let retained = directory.retained();
    assert_eq!((retained.sets, retained.oldest_ms), (4, Some(20_000)), "the limit itself is not too old");
    let by_size = Retention { age_seconds: 0, bytes: retained.bytes - 1 };
    directory.collect_history(&by_size, 50_000).unwrap();
    assert_eq!(directory.retained().oldest_ms, Some(30_000));
    assert!(directory.retained().bytes < retained.bytes);
    directory.collect_history(&Retention::default(), 500_000_000).unwrap();
    assert_eq!(directory.retained().sets, 3, "switched off, nothing is retained and nothing given up");
}

#[test]
fn numbers_that_begin_anew_are_not_taken_for_a_set_that_is_there() {
    let (storage, driver) = with_history(1);
    driver.log.directory().collect_history(&KEEP_ALL, 1_000).unwrap();
    drop(driver);
    // Somebody removes the log; the next one has the same names.
    let (fresh, driver) = with_history(2);
    let set = format!("{ROOT}/1000");
    fresh.create_directory(Path::new(ROOT)).unwrap();
    fresh.create_directory(Path::new(&set)).unwrap();
    for (path, _) in storage.files() {
        if path.starts_with(&set) {
            fresh.put(&path, storage.contents(&path).unwrap()).unwrap();
        }
    }
    driver.log.directory().collect_history(&KEEP_ALL, 2_000).unwrap();
    assert_eq!(retained_units(&fresh), [5, 5]);
}
