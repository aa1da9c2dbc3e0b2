//! The way there and back: what the log writes is what the loader hands out, whatever the form of the file.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use lastsave_fsync_scheduler::{Log, Position, RewriteBase, Switch};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileMode, Storage, StorageError, write_synced};
use support::{Driver, count_units, manifest_text, settings, start, unit};

fn fresh(prepare: bool, frames: bool) -> (SimulatedStorage, Driver) {
    let storage = SimulatedStorage::new(1);
    let settings = settings(1);
    settings.set_prepare(prepare);
    settings.set_frames(frames);
    let started = start(&storage, &settings);
    (storage, Driver::new(started.log, 0, Position::ZERO))
}

#[test]
fn units_survive_a_clean_stop_in_every_form() {
    for (prepare, frames) in [(false, false), (false, true), (true, true)] {
        let (storage, mut driver) = fresh(prepare, frames);
        for round in 0..40 {
            driver.prepare().unwrap();
            driver.write(1 + round % 3, round % 10 == 0, round % 2 == 0).unwrap();
            if round % 4 == 0 {
                driver.sync().unwrap();
            }
        }
        driver.sync().unwrap();
        driver.close().unwrap();
        let settings = settings(2);
        settings.set_frames(frames);
        let again = start(&storage, &settings);
        assert_eq!(count_units(&again.records), driver.written_units);
        assert_eq!(again.recovered, None);
        assert_eq!(
            manifest_text(&storage),
            "file appendonly.aof.1.incr.aof seq 1 type i\n",
            "no file too many"
        );
    }
}

#[test]
fn a_killed_log_with_prepared_space_is_gone_on_with() {
    let (storage, mut driver) = fresh(true, true);
    driver.prepare().unwrap();
    for _ in 0..30 {
        driver.write(2, false, true).unwrap();
        driver.prepare().unwrap();
    }
    let mut units = driver.written_units;
    drop(driver);
    for _ in 0..3 {
        let settings = settings(2);
        settings.set_prepare(true);
        let again = start(&storage, &settings);
        assert_eq!(count_units(&again.records), units);
        assert_eq!(again.recovered, None);
        let mut driver = Driver::new(again.log, units, Position::new(5000));
        driver.write(3, true, false).unwrap();
        driver.prepare().unwrap();
        driver.write(3, true, false).unwrap();
        units += 6;
    }
    assert_eq!(manifest_text(&storage), "file appendonly.aof.1.incr.aof seq 1 type i\n");
}

fn write_base(storage: &SimulatedStorage, name: &str, units: u64) -> RewriteBase {
    let size_bytes = write_synced(storage, std::path::Path::new(name), FileMode::DATA, |writer| {
        for number in 0..units {
            writer.append(&unit(number))?;
        }
        Ok::<(), StorageError>(())
    })
    .unwrap();
    storage.sync_directory(std::path::Path::new("")).unwrap();
    RewriteBase { name: name.to_owned(), size_bytes }
}

#[test]
fn a_rewrite_replaces_what_came_before_its_cut() {
    let (storage, mut driver) = fresh(true, true);
    driver.write(5, true, false).unwrap();
    driver.prepare().unwrap();
    driver.write(5, false, false).unwrap();
    driver.log.switch(Switch::Rewrite, driver.written, driver.durable).unwrap();
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    );
    let base = write_base(&storage, "temp-rewriteaof-bg-1.aof", 10);
    driver.write(5, true, false).unwrap();
    driver.log.complete_rewrite(&base, driver.durable).unwrap();
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.1.base.aof seq 1 type b\n\
         file appendonly.aof.1.incr.aof seq 1 type h\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n"
    );
    let bytes = driver.log.bytes();
    assert_eq!(bytes.current, bytes.base);
    driver.write(1, false, false).unwrap();
    let directory = std::sync::Arc::clone(driver.log.directory());
    assert_eq!(directory.delete_history().unwrap().len(), 1);
    assert!(storage.contents(support::INCREMENT).is_none());
    assert_eq!(count_units(&start(&storage, &settings(3)).records), 16);
}

#[test]
fn switching_the_log_on_and_off_at_run_time() {
    let storage = SimulatedStorage::new(1);
    let directory = support::open_directory(&storage).unwrap();
    let log = lastsave_aof::AofLog::off(directory, settings(1));
    let mut driver = Driver::new(log, 10, Position::new(1000));
    driver.log.switch(Switch::Enable, driver.written, driver.durable).unwrap();
    assert!(storage.contents(support::MANIFEST).is_none(), "nothing is listed without a base");
    driver.write(5, true, false).unwrap();
    driver.log.abort_rewrite().unwrap();
    assert!(storage.contents("appendonlydir/temp-appendonly.aof.incr").is_none());

    driver.log.switch(Switch::Enable, driver.written, driver.durable).unwrap();
    let base = write_base(&storage, "temp-rewriteaof-bg-2.aof", 15);
    driver.write(5, true, false).unwrap();
    driver.log.complete_rewrite(&base, driver.durable).unwrap();
    driver.write(5, false, false).unwrap();
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
    driver.sync().unwrap();
    driver.log.switch(Switch::Disable, driver.written, driver.durable).unwrap();
    assert_eq!(count_units(&start(&storage, &settings(3)).records), 25);

    let directory = std::sync::Arc::clone(driver.log.directory());
    let base = write_base(&storage, "temp-rewriteaof-bg-3.aof", 25);
    let path = std::path::Path::new(&base.name);
    directory
        .replace_base_while_off(&lastsave_aof::NewBase { path, form: lastsave_aof::BaseForm::Commands })
        .unwrap();
    directory.delete_history().unwrap();
    assert_eq!(manifest_text(&storage), "file appendonly.aof.2.base.aof seq 2 type b\n");
    driver.log.switch(Switch::Enable, driver.written, driver.durable).unwrap();
    let base = write_base(&storage, "temp-rewriteaof-bg-4.aof", 25);
    driver.log.complete_rewrite(&base, driver.durable).unwrap();
    assert!(manifest_text(&storage).contains("file appendonly.aof.1.incr.aof seq 1 type i\n"));
    assert_eq!(count_units(&start(&storage, &settings(3)).records), 25);
}

#[test]
fn a_failed_sync_moves_what_is_in_doubt_to_a_new_increment() {
    use lastsave_storage::{Errno, Operation, sim::Fault};
    let (storage, mut driver) = fresh(false, true);
    driver.write(5, true, false).unwrap();
    driver.sync().unwrap();
    driver.write(5, false, false).unwrap();
    storage.inject(Fault::fail(Operation::Datasync, Errno::IO));
    assert!(driver.sync().is_err());

    let end = driver.written;
    for _ in 0..2 {
        driver.written = driver.durable;
        driver.written_units = driver.durable_units;
        driver.log.start_new_increment(driver.durable).unwrap();
        driver.write(5, false, false).unwrap();
    }
    assert_eq!(driver.written, end);
    let durable = driver.durable;
    driver.sync().unwrap();
    driver.log.adopt_new_increment(durable, end).unwrap();
    driver.write(5, false, false).unwrap();
    assert_eq!(count_units(&start(&storage, &settings(3)).records), 15);
}
