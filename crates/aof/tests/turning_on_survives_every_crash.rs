//! `appendonly yes` at run time, and a re-base, with a crash at every operation: a start finds the old log or the new
//! one, whole, and the new one once completion has been reported.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;

use lastsave_aof::{AofLog, LoadOptions};
use lastsave_fsync_scheduler::{Log, LogError, Position, RewriteBase, Switch};
use lastsave_storage::sim::{SimulatedRandom, SimulatedStorage};
use lastsave_storage::{FileMode, Storage, StorageError, write_synced};
use support::{Driver, count_units, open_directory, settings, start, try_start, unit};

const OLD_UNITS: u64 = 5;
const BASE_UNITS: u64 = 9;
const NEW_UNITS: u64 = 14;

fn write_base(storage: &SimulatedStorage) -> Result<RewriteBase, StorageError> {
    let name = "temp-rewriteaof-bg-1.aof".to_owned();
    let size_bytes = write_synced(storage, Path::new(&name), FileMode::DATA, |writer| {
        (0..BASE_UNITS).try_for_each(|number| writer.append(&unit(number)))
    })?;
    storage.sync_directory(Path::new(""))?;
    Ok(RewriteBase { name, size_bytes })
}

/// Turns the log on (or re-bases it) and brings it to `NEW_UNITS` durable units.
fn turn_on(storage: &SimulatedStorage, kind: Switch) -> Result<(), LogError> {
    let crashed = |_| LogError::Misuse("crashed");
    let settings = settings(9);
    let position = Position::new(100);
    let log = match kind {
        Switch::Rebase => {
            let started = try_start(storage, &settings, LoadOptions::default(), position);
            started.map_err(|_| LogError::Misuse("crashed"))?.log
        }
        _ => AofLog::off(open_directory(storage).map_err(|_| LogError::Misuse("crashed"))?, settings),
    };
    let mut driver = Driver::new(log, BASE_UNITS, position);
    driver.log.switch(kind, position, position)?;
    driver.write(2, true, false)?;
    let base = write_base(storage).map_err(crashed)?;
    driver.write(2, false, false)?;
    driver.log.complete_rewrite(&base, driver.durable)?;
    driver.write(1, false, true)?;
    driver.sync()?;
    let _ = driver.log.directory().delete_history();
    Ok(())
}

fn crash_everywhere(kind: Switch, has_old_log: bool) {
    for point in 0.. {
        let mut finished = false;
        for seed in 0..12 {
            let storage = SimulatedStorage::new(seed);
            if has_old_log {
                let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
                driver.write(OLD_UNITS, true, true).unwrap();
                driver.sync().unwrap();
                driver.log.switch(Switch::Disable, driver.written, driver.durable).unwrap();
            }
            storage.settle();
            storage.crash_after(point);
            let outcome = turn_on(&storage, kind);
            finished = !storage.is_crashed();
            let completed = outcome.is_ok();
            assert!(completed || !finished, "{outcome:?}");
            let mut random = SimulatedRandom::new(seed);
            for _ in 0..8 {
                let after = storage.crash(&mut random);
                let found = count_units(&start(&after, &settings(3)).records);
                let old = if has_old_log { OLD_UNITS } else { 0 };
                let is_new = (BASE_UNITS..=NEW_UNITS).contains(&found);
                assert!(is_new || (found == old && !completed), "point {point}, seed {seed}: {found}");
                assert!(!completed || found == NEW_UNITS);
                assert_eq!(count_units(&start(&after, &settings(4)).records), found);
            }
        }
        if finished {
            return;
        }
    }
}

#[test]
fn turning_on_for_the_first_time() {
    crash_everywhere(Switch::Enable, false);
}

#[test]
fn turning_on_again() {
    crash_everywhere(Switch::Enable, true);
}

#[test]
fn a_new_base_for_a_log_in_doubt() {
    crash_everywhere(Switch::Rebase, true);
}
