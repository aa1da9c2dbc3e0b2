//! A sync that failed leaves bytes that can be read and are not on the device, and no later sync tells. Neither the same
//! process nor the next one may take them for durable.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use lastsave_aof::LoadOptions;
use lastsave_fsync_scheduler::{Log, LogError, Position, Switch};
use lastsave_storage::sim::{CrashProfile, Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Errno, Operation};
use support::{Driver, count_units, settings, start, try_start};

/// How many of the lost pages a failed sync loses is up to the seed.
const SEEDS: u64 = 20;

fn after_power_cut(storage: &SimulatedStorage, seed: u64) -> SimulatedStorage {
    storage.crash_as(CrashProfile::LoseUnsynced, &mut SimulatedRandom::new(seed))
}

#[test]
fn what_a_failed_sync_lost_is_written_again_by_the_next_start() {
    for seed in 0..SEEDS {
        let storage = SimulatedStorage::new(seed);
        let mut driver = Driver::new(start(&storage, &settings(seed)).log, 0, Position::ZERO);
        driver.write(5, true, true).unwrap();
        driver.sync().unwrap();
        driver.write(20, false, false).unwrap();
        storage.inject(Fault::fail(Operation::Datasync, Errno::IO));
        assert!(driver.sync().is_err());
        drop(driver);

        let storage = storage.kill(&mut SimulatedRandom::new(seed));
        let found = count_units(&start(&storage, &settings(seed + 100)).records);
        assert_eq!(found, 25, "seed {seed}: the process was killed, nothing else");
        let storage = after_power_cut(&storage, seed);
        let found = count_units(&start(&storage, &settings(seed + 200)).records);
        assert_eq!(found, 25, "seed {seed}: a start makes durable what it has loaded");
    }
}

#[test]
fn the_plan_of_a_first_start_is_written_again() {
    for seed in 0..SEEDS {
        let storage = SimulatedStorage::new(seed);
        storage.inject(Fault::fail(Operation::Datasync, Errno::IO).on_path("manifest"));
        let first = try_start(&storage, &settings(seed), LoadOptions::default(), Position::ZERO);
        assert!(first.is_err(), "seed {seed}");
        let mut driver = Driver::new(start(&storage, &settings(seed + 100)).log, 0, Position::ZERO);
        driver.write(3, true, true).unwrap();
        driver.sync().unwrap();
        drop(driver);
        let storage = after_power_cut(&storage, seed);
        assert_eq!(count_units(&start(&storage, &settings(seed + 200)).records), 3, "seed {seed}");
    }
}

#[test]
fn a_switch_that_was_refused_does_not_forget_where_writes_ended() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(3, true, false).unwrap();
    driver.sync().unwrap();
    driver.write(2, false, false).unwrap();
    storage.inject(Fault::fail(Operation::Write, Errno::IO).on_path("temp-appendonly.aof.manifest"));
    let moved = driver.log.switch(Switch::Rewrite, driver.written, driver.durable);
    assert!(matches!(moved, Err(LogError::Refused(_))), "{moved:?}");
    // A write fails before anybody has learned that more is durable.
    driver.log.start_new_increment(driver.durable).unwrap();
    let units: Vec<bytes::Bytes> = (3..5).map(|number| support::unit(number).into()).collect();
    driver.log.write(&units, driver.written, driver.durable, true).unwrap();
    driver.log.sync_handle().sync().unwrap();
    driver.log.adopt_new_increment(driver.durable, driver.written).unwrap();
    drop(driver);
    let storage = after_power_cut(&storage, 1);
    assert_eq!(count_units(&start(&storage, &settings(2)).records), 5);
}

#[test]
fn an_increment_left_in_doubt_ends_where_its_successor_says() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(3, true, false).unwrap();
    driver.sync().unwrap();
    // The new increment's name is synced, the manifest's is not.
    storage.inject(Fault::fail(Operation::SyncDirectory, Errno::IO).on_path(support::DIRECTORY).after(1));
    let moved = driver.log.switch(Switch::Rewrite, driver.written, driver.durable);
    assert!(matches!(moved, Err(LogError::Failed(_))), "{moved:?}");
    driver.log.start_new_increment(driver.durable).unwrap();
    driver.log.adopt_new_increment(driver.durable, driver.written).unwrap();
    driver.write(2, true, true).unwrap();
    driver.sync().unwrap();
    drop(driver);
    let storage = after_power_cut(&storage, 1);
    assert_eq!(count_units(&start(&storage, &settings(2)).records), 5);
}

#[test]
fn switching_off_keeps_an_increment_that_failed() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(3, true, true).unwrap();
    storage.inject(Fault::fail(Operation::Datasync, Errno::IO));
    let off = driver.log.switch(Switch::Disable, driver.written, driver.durable);
    assert!(matches!(off, Err(LogError::Failed(_))), "{off:?}");
    driver.log.start_new_increment(driver.durable).unwrap();
}
