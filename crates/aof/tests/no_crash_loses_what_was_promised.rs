//! Lives of a log on a simulated machine, each ended by a crash at some operation: whatever was synced is there after a
//! power cut, whatever was written is there after a kill, nothing is there that was not written, in order and once, and
//! the log never refuses to start. Then the next life begins with what was found.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;

use lastsave_aof::{AofError, LoadOptions};
use lastsave_fsync_scheduler::{Log, LogError, Position, RewriteBase, Switch};
use lastsave_storage::sim::{Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Errno, FileMode, Operation, Storage, StorageError, write_synced};
use support::{Driver, count_units, settings, try_start, unit};

const LIVES: u64 = 5;

/// What a life promised before it ended.
#[derive(Clone, Copy, Debug, Default)]
struct Promise {
    durable_units: u64,
    written_units: u64,
    attempted_units: u64,
}

/// A base that the test writes as a snapshot would.
fn write_base(storage: &SimulatedStorage, units: u64) -> Result<RewriteBase, StorageError> {
    let name = "temp-rewriteaof-bg-7.aof".to_owned();
    let size_bytes = write_synced(storage, Path::new(&name), FileMode::DATA, |writer| {
        (0..units).try_for_each(|number| writer.append(&unit(number)))
    })?;
    storage.sync_directory(Path::new(""))?;
    Ok(RewriteBase { name, size_bytes })
}

struct Life<'a> {
    storage: &'a SimulatedStorage,
    random: &'a mut SimulatedRandom,
    driver: Driver,
    promise: Promise,
    rewrite_cut: Option<u64>,
    select: bool,
}

impl Life<'_> {
    fn note(&mut self) {
        self.promise.durable_units = self.driver.durable_units;
        self.promise.written_units = self.driver.written_units;
        self.promise.attempted_units = self.promise.attempted_units.max(self.driver.written_units);
    }

    fn write(&mut self) -> Result<(), LogError> {
        let count = self.random.pick(1..5);
        self.promise.attempted_units = self.promise.attempted_units.max(self.driver.written_units + count);
        let long = self.random.chance(1, 3);
        self.driver.write(count, self.select, long)?;
        self.select = self.random.chance(1, 8);
        self.note();
        Ok(())
    }

    /// What the scheduler does after a failed sync or write: the unsynced units are written again elsewhere.
    fn recover_from_failure(&mut self) -> Result<(), LogError> {
        for _ in 0..4 {
            if self.try_new_increment().is_ok() {
                return Ok(());
            }
            if self.storage.is_crashed() {
                break;
            }
            self.storage.clear_faults();
        }
        // The scheduler would ask for a snapshot.
        self.rebase()
    }

    fn try_new_increment(&mut self) -> Result<(), LogError> {
        let (durable, target, units) = (self.driver.durable, self.driver.written, self.driver.written_units);
        let durable_units = self.driver.durable_units;
        self.driver.log.start_new_increment(durable)?;
        if target > durable {
            // Positions must come out as before, so the very same bytes are written again.
            let batch: Vec<bytes::Bytes> = (durable_units..units).map(|number| unit(number).into()).collect();
            let bytes: u64 = batch.iter().map(|bytes| bytes.len() as u64).sum();
            // Selections are left out of the model's bytes; pad them with annotations to keep the position.
            self.driver.log.write(&batch, target.max(durable.advance(bytes)), durable, true)?;
        }
        self.driver.log.sync_handle().sync()?;
        self.driver.log.adopt_new_increment(durable, target)?;
        self.driver.durable = target;
        self.driver.durable_units = units;
        self.rewrite_cut = self.rewrite_cut.filter(|_| true);
        self.note();
        Ok(())
    }

    fn rebase(&mut self) -> Result<(), LogError> {
        let at = self.driver.written;
        let units = self.driver.written_units;
        self.driver.log.switch(Switch::Rebase, at, self.driver.durable)?;
        let base = write_base(self.storage, units).map_err(|_| LogError::Misuse("no base"))?;
        self.driver.log.complete_rewrite(&base, self.driver.durable)?;
        self.driver.durable = at;
        self.driver.durable_units = units;
        self.rewrite_cut = None;
        self.note();
        Ok(())
    }

    fn step(&mut self) -> Result<(), LogError> {
        match self.random.pick(0..24) {
            0..8 => self.write(),
            8..12 => {
                self.driver.sync()?;
                self.note();
                Ok(())
            }
            12 => self.driver.mark(),
            13..16 => self.driver.prepare(),
            16 | 17 if self.rewrite_cut.is_none() => {
                let kind = if self.random.chance(1, 4) { Switch::Backup } else { Switch::Rewrite };
                self.driver.log.switch(kind, self.driver.written, self.driver.durable)?;
                self.driver.durable = self.driver.written;
                self.driver.durable_units = self.driver.written_units;
                self.select = true;
                if kind == Switch::Rewrite {
                    self.rewrite_cut = Some(self.driver.written_units);
                }
                self.note();
                Ok(())
            }
            16..19 => match self.rewrite_cut.take() {
                Some(_) if self.random.chance(1, 4) => self.driver.log.abort_rewrite(),
                Some(units) => {
                    let base = write_base(self.storage, units).map_err(|_| LogError::Misuse("no base"))?;
                    self.driver.log.complete_rewrite(&base, self.driver.durable)
                }
                None => Ok(()),
            },
            19 => {
                // Only a failure of the disk may stop this, and it stops everything.
                let _ = self.driver.log.directory().delete_history();
                Ok(())
            }
            20 => {
                self.storage.inject(Fault::fail(Operation::Datasync, Errno::IO));
                Ok(())
            }
            21 => {
                self.storage.limit_growth(self.random.pick(0..3000), Errno::NO_SPACE);
                let _ = self.write();
                self.storage.lift_space_limit();
                Ok(())
            }
            22 => {
                let failing =
                    [Operation::SyncDirectory, Operation::Rename, Operation::Create, Operation::Truncate];
                let operation = failing[self.random.index(failing.len())];
                self.storage.inject(Fault::fail(operation, Errno::IO));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Lives until the machine crashes or the steps are used up.
    fn live(&mut self, steps: u64) -> Promise {
        for _ in 0..steps {
            let outcome = self.step();
            if std::env::var_os("LASTSAVE_SEED").is_some() {
                println!("{:?} {outcome:?} {:?}", self.promise, self.driver.log.current_file_name());
            }
            match outcome {
                Ok(()) | Err(LogError::Full(_) | LogError::Refused(_)) => {}
                Err(_) if self.storage.is_crashed() => break,
                Err(LogError::Misuse(text)) if text != "no base" => panic!("misuse: {text}"),
                Err(_) => {
                    self.rewrite_cut = None;
                    let _ = self.driver.log.abort_rewrite();
                    self.storage.clear_faults();
                    if self.recover_from_failure().is_err() {
                        break;
                    }
                }
            }
            if self.storage.is_crashed() {
                break;
            }
        }
        self.storage.clear_faults();
        self.promise
    }
}

/// Starts the machine until a start succeeds, crashing some of the starts on the way.
fn start_with_crashes(
    mut storage: SimulatedStorage,
    random: &mut SimulatedRandom,
    prepare: bool,
) -> (SimulatedStorage, support::Started, bool) {
    let mut lost_power = false;
    loop {
        let settings = settings(random.next_u64());
        settings.set_prepare(prepare);
        if random.chance(1, 2) {
            storage.crash_after(random.pick(0..25));
        }
        let outcome =
            try_start(&storage, &settings, LoadOptions::default(), Position::new(random.pick(0..1000)));
        match outcome {
            Ok(started) if !storage.is_crashed() => {
                storage.crash_after(u64::MAX / 2);
                return (storage, started, lost_power);
            }
            Ok(_) => {}
            Err(AofError::Storage(error)) if error.is_crash() => {}
            Err(AofError::MissingFile { source, .. }) if source.is_crash() => {}
            Err(AofError::ManifestUnreadable { source, .. }) if source.is_crash() => {}
            Err(AofError::Manifest(_)) if storage.is_crashed() => {}
            Err(error) => panic!("refused to start: {error}\n{:#?}", storage.files()),
        }
        storage = storage.crash(random);
        lost_power = true;
    }
}

fn run(seed: u64) {
    let mut random = SimulatedRandom::new(seed);
    let mut storage = SimulatedStorage::new(seed);
    let mut promise = Promise::default();
    let mut killed = false;
    for life in 0..LIVES {
        let prepare = random.chance(1, 2);
        let (machine, started, lost_power) = start_with_crashes(storage, &mut random, prepare);
        storage = machine;
        let found = count_units(&started.records);
        let least = if killed && !lost_power { promise.written_units } else { promise.durable_units };
        assert!(
            (least..=promise.attempted_units).contains(&found),
            "seed {seed}, life {life}: {found} units found, {promise:?}, killed: {killed}, cut: {:?}",
            started.recovered
        );
        let position = Position::new(random.pick(0..1000));
        drop(started);
        // Start once more: the state after a start must be as good as the one before, and positions are chosen here.
        let settings = settings(random.next_u64());
        settings.set_prepare(prepare);
        let started = try_start(&storage, &settings, LoadOptions::default(), position).unwrap();
        assert_eq!(
            count_units(&started.records),
            found,
            "seed {seed}, life {life}: the second start differs"
        );
        assert_eq!(started.recovered, None, "seed {seed}, life {life}: a start leaves nothing to cut");

        if random.chance(2, 3) {
            storage.crash_after(random.pick(0..80));
        }
        let driver = Driver::new(started.log, found, position);
        let mut life = Life {
            storage: &storage,
            random: &mut random,
            driver,
            promise: Promise { durable_units: found, written_units: found, attempted_units: found },
            rewrite_cut: None,
            select: true,
        };
        promise = life.live(40);
        if life.random.chance(1, 3) && life.driver.sync().is_ok() {
            life.note();
            promise = life.promise;
            let _ = life.driver.close();
        }
        killed = !storage.is_crashed() && random.chance(1, 3);
        storage = if killed { storage.kill(&mut random) } else { storage.crash(&mut random) };
    }
}

#[test]
fn many_lives() {
    let seeds = std::env::var("LASTSAVE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    for seed in 0..seeds {
        run(seed);
    }
}

/// For a seed that failed: `LASTSAVE_SEED=17 cargo test one_life -- --nocapture`.
#[test]
fn one_life() {
    if let Some(seed) = std::env::var("LASTSAVE_SEED").ok().and_then(|text| text.parse().ok()) {
        run(seed);
    }
}
