//! Arbitrary bytes as a file of a log under `log` and `restore`: its past is read to the end whatever is damaged, and every
//! unit before the first damage is a place to cut at.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use lastsave_aof::{Timeline, TimelineOptions, TimelineStep, copy_until};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{File, FileMode, OpenOptions, Storage, write_synced};

/// Offsets of units before the first damage, how many records there are in all, and whether there is damage.
fn read(file: &Arc<dyn File>) -> (Vec<u64>, usize, bool) {
    let limit = file.len().expect("a length");
    let options = TimelineOptions { from: 0, limit, end_ms: Some(1) };
    let mut timeline = Timeline::new(Arc::clone(file), &options).expect("the disk is sound");
    let (mut units, mut records, mut is_damaged) = (Vec::new(), 0, false);
    while let Some(step) = timeline.step(&|name| name == b"SET").expect("the disk is sound") {
        match step {
            TimelineStep::Record(past) => {
                records += 1;
                if !is_damaged && past.record.offset == past.unit_offset {
                    units.push(past.unit_offset);
                }
            }
            _ => is_damaged = true,
        }
    }
    (units, records, is_damaged)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let storage = SimulatedStorage::new(1);
    storage.put("f", data.to_vec()).expect("room for the file");
    let file = storage.open(Path::new("f"), &OpenOptions::read_only()).expect("the file is there");
    let (units, _, _) = read(&file);
    for (index, &cut) in units.iter().enumerate().take(8) {
        let target = Path::new("part");
        let outcome =
            write_synced(&storage, target, FileMode::DATA, |out| copy_until(&file, cut, 7, out).map(|_| ()));
        outcome.expect("what is before a unit is intact");
        let part = storage.open(target, &OpenOptions::read_only()).expect("the part is there");
        let (found, _, is_damaged) = read(&part);
        assert!(!is_damaged, "a part of what is intact is intact");
        assert_eq!(found, units[..index]);
    }
});
