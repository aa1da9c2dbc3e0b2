//! A cut for a backup, and the copy behind it: a crash at any operation leaves the log as it was, and a backup that is
//! whole or has no manifest.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;
use std::sync::Arc;

use lastsave_aof::{
    AofDirectory, LoadOptions, OpenedLog, Retention, SealedFiles, is_backup, open_log, remove_backup,
};
use lastsave_fsync_scheduler::{Log, LogError, Position, RewriteBase, Switch};
use lastsave_storage::sim::{Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Errno, FileMode, Operation, Storage, write_synced};
use support::{DIRECTORY, Driver, count_units, load, manifest_text, names, settings, start, unit};

const BACKUP: &str = "backups/b";

/// Seals what there is.
fn seal(driver: &mut Driver) -> Result<SealedFiles, LogError> {
    driver.log.switch(Switch::Backup, driver.written, driver.durable)?;
    driver.durable = driver.written;
    Ok(driver.log.directory().take_sealed().unwrap())
}

fn rewrite(storage: &SimulatedStorage, driver: &mut Driver) {
    driver.log.switch(Switch::Rewrite, driver.written, driver.durable).unwrap();
    let name = "temp-rewriteaof-bg-1.aof".to_owned();
    let units = driver.written_units;
    let size_bytes = write_synced(storage, Path::new(&name), FileMode::DATA, |writer| {
        (0..units).try_for_each(|number| writer.append(&unit(number)))
    })
    .unwrap();
    storage.sync_directory(Path::new("")).unwrap();
    driver.log.complete_rewrite(&RewriteBase { name, size_bytes }, driver.durable).unwrap();
}

/// Units in the backup, by a start that refuses whatever is torn.
fn units_in_backup(storage: &SimulatedStorage) -> u64 {
    let inside: Arc<dyn Storage> = storage.open_directory(Path::new(BACKUP)).unwrap();
    let directory = AofDirectory::open(inside, names()).unwrap();
    let options = LoadOptions { load_truncated: false, ..LoadOptions::default() };
    match open_log(&directory, &settings(5), options).unwrap() {
        (OpenedLog::Existing(mut loader), _) => {
            let units = count_units(&load(&mut loader).unwrap());
            // Going on in the backup must not touch what the log has as well.
            let recovered = loader.finish(Position::ZERO).unwrap();
            let mut driver = Driver::new(recovered.log, units, Position::ZERO);
            driver.write(3, true, true).unwrap();
            driver.sync().unwrap();
            units
        }
        (OpenedLog::Empty(_), _) => panic!("a backup is a log"),
    }
}

fn crash_everywhere(has_links: bool, frames: bool) {
    for point in 0.. {
        let mut finished = false;
        for seed in 0..6 {
            let storage = SimulatedStorage::new(seed);
            let settings_of_log = settings(1);
            settings_of_log.set_frames(frames);
            let mut driver = Driver::new(start(&storage, &settings_of_log).log, 0, Position::ZERO);
            driver.write(3, true, true).unwrap();
            driver.sync().unwrap();
            rewrite(&storage, &mut driver);
            driver.write(2, true, true).unwrap();
            driver.sync().unwrap();
            storage.settle();
            if !has_links {
                storage.inject(Fault::fail(Operation::HardLink, Errno::NOT_PERMITTED).always());
            }
            storage.crash_after(point);
            let outcome = seal(&mut driver)
                .and_then(|sealed| {
                    sealed.copy_to(Path::new(BACKUP), 77).map_err(|_| LogError::Misuse("crashed"))
                })
                .and_then(|made| {
                    // Without frames, Redis' rules hold for a write that is torn.
                    let more = if frames { 1 } else { 0 };
                    driver.write(more, frames, true).and_then(|()| driver.sync()).map(|()| made)
                });
            finished = !storage.is_crashed();
            assert!(outcome.is_ok() || !finished, "{outcome:?}");
            if let Ok(made) = &outcome {
                assert_eq!((made.files, made.copied_bytes == made.bytes), (2, !has_links));
            }
            let mut random = SimulatedRandom::new(seed);
            for _ in 0..6 {
                let after = storage.crash(&mut random);
                after.clear_faults();
                let is_whole = is_backup(&after, Path::new(BACKUP), &names()).unwrap();
                assert!(is_whole || outcome.is_err(), "point {point}: a reported backup is there");
                if is_whole {
                    assert_eq!(units_in_backup(&after), 5, "point {point}");
                }
                let found = count_units(&start(&after, &settings(3)).records);
                let all = if frames { 6 } else { 5 };
                assert!(found == all || (found == 5 && outcome.is_err()), "point {point}: {found}");
                if after.exists(Path::new(BACKUP)).unwrap() {
                    remove_backup(&after, Path::new(BACKUP), &names()).unwrap();
                }
                assert!(!after.exists(Path::new(BACKUP)).unwrap());
                assert_eq!(count_units(&start(&after, &settings(4)).records), found);
            }
        }
        if finished {
            return;
        }
    }
}

#[test]
fn a_backup_of_second_names() {
    crash_everywhere(true, true);
}

#[test]
fn a_backup_of_copies() {
    crash_everywhere(false, true);
}

#[test]
fn a_backup_of_files_without_frames() {
    crash_everywhere(true, false);
}

#[test]
fn what_a_backup_wants_outlives_a_rewrite() {
    for retention in [Retention::default(), Retention { age_seconds: 0, bytes: 1 << 30 }] {
        let storage = SimulatedStorage::new(1);
        storage.inject(Fault::fail(Operation::HardLink, Errno::NOT_PERMITTED).always());
        let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
        driver.write(4, true, true).unwrap();
        let sealed = seal(&mut driver).unwrap();
        driver.write(2, true, true).unwrap();
        rewrite(&storage, &mut driver);
        let directory = Arc::clone(driver.log.directory());
        directory.collect_history(&retention, 1).unwrap();
        assert!(manifest_text(&storage).contains(" type h"), "what is pinned stays");
        sealed.copy_to(Path::new(BACKUP), 77).unwrap();
        assert_eq!(units_in_backup(&storage), 4);
        drop(sealed);
        directory.collect_history(&retention, 2).unwrap();
        assert!(!manifest_text(&storage).contains(" type h"));
        assert_eq!(directory.retained().sets, u64::from(retention.is_on()));
    }
}

#[test]
fn without_a_record_in_between_no_file_is_added() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(4, true, true).unwrap();
    let first = seal(&mut driver).unwrap();
    let text = manifest_text(&storage);
    driver.mark().unwrap();
    let second = seal(&mut driver).unwrap();
    assert_eq!(manifest_text(&storage), text);
    first.copy_to(Path::new("backups/a"), 1).unwrap();
    second.copy_to(Path::new(BACKUP), 2).unwrap();
    assert_eq!(units_in_backup(&storage), 4);
    assert_eq!(storage.list(Path::new(DIRECTORY)).unwrap().len(), 3);
}
