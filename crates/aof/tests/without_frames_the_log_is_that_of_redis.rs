//! With `aof-frames no` a log is byte for byte what Redis would write, also after a start that cut a torn end off.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use lastsave_aof::LoadOptions;
use lastsave_fsync_scheduler::Position;
use lastsave_storage::sim::{SimulatedRandom, SimulatedStorage};
use support::{Driver, INCREMENT, MANIFEST, contents, count_units, manifest_text, settings, try_start, unit};

/// Without frames a log is byte for byte what Redis would write, after a cut as well: the same file, no other.
#[test]
fn a_torn_file_is_cut_and_gone_on_with_whenever_the_machine_crashes() {
    let plain = || {
        let settings = settings(2);
        settings.set_frames(false);
        settings
    };
    let whole: u64 = (0..3).map(|number| unit(number).len() as u64).sum();
    let manifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";
    let start_plain =
        |storage: &SimulatedStorage| try_start(storage, &plain(), LoadOptions::default(), Position::ZERO);
    for point in 0.. {
        let mut finished = false;
        for seed in 0..12 {
            let storage = SimulatedStorage::new(seed);
            let bytes: Vec<u8> = (0..3).flat_map(unit).chain(unit(3)[..15].to_vec()).collect();
            storage.put(INCREMENT, bytes).unwrap();
            storage.put(MANIFEST, manifest).unwrap();
            storage.settle();
            storage.crash_after(point);
            let started = start_plain(&storage);
            finished = !storage.is_crashed();
            let mut random = SimulatedRandom::new(seed);
            let after = match started {
                Ok(started) if finished => {
                    let cut = started.recovered.unwrap();
                    assert_eq!((cut.row, cut.offset, cut.bytes), ("R1", whole, 15));
                    let copy = contents(&storage, format!("appendonlydir/{}", cut.copy.unwrap()));
                    assert_eq!(copy, unit(3)[..15]);
                    assert_eq!(started.log.current_file_name().unwrap(), "appendonly.aof.1.incr.aof");
                    assert_eq!(manifest_text(&storage), manifest);
                    storage.crash_after(u64::MAX / 2);
                    let mut driver = Driver::new(started.log, 3, Position::ZERO);
                    driver.write(2, true, false).unwrap();
                    driver.sync().unwrap();
                    storage.crash(&mut random)
                }
                _ => storage.crash(&mut random),
            };
            let found = start_plain(&after).unwrap();
            assert_eq!(
                count_units(&found.records),
                if finished { 5 } else { 3 },
                "point {point}, seed {seed}"
            );
            // A start that meets a half-done cut goes on elsewhere.
            assert!(!finished || manifest_text(&after) == manifest);
        }
        if finished {
            return;
        }
    }
}
