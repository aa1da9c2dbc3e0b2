//! Arbitrary bytes as the last increment of a log: recovery refuses them or goes on, and then recovers cleanly once more.
#![no_main]

use std::sync::Arc;

use lastsave_aof::{AofDirectory, LoadOptions, LogNames, LogSettings, OpenedLog, open_log};
use lastsave_storage::Storage;
use lastsave_storage::sim::SimulatedStorage;

const MANIFEST: &[u8] = b"file appendonly.aof.1.incr.aof seq 1 type i\n";

/// Loads everything. Gives how many records there were, or nothing when the log was refused.
fn recover(storage: &SimulatedStorage) -> Option<usize> {
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    let names = LogNames::new("appendonly.aof", "appendonlydir").expect("valid names");
    let settings = Arc::new(LogSettings::new().with_counted_segment_ids(1));
    let directory = AofDirectory::open(storage, names).ok()?;
    let options = LoadOptions { corrupt_tail_max_bytes: 64, ..LoadOptions::default() };
    let (opened, _) = open_log(&directory, &settings, options).ok()?;
    let OpenedLog::Existing(mut loader) = opened else { return None };
    let mut records = 0;
    loop {
        match loader.step().ok()? {
            None => break,
            Some(lastsave_aof::LoadStep::Record(record)) => {
                assert!(record.arguments().count() == record.len());
                records += 1;
            }
            Some(lastsave_aof::LoadStep::Rdb(_)) => return None,
            Some(_) => {}
        }
    }
    loader.finish(lastsave_fsync_scheduler::Position::ZERO).ok()?;
    Some(records)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let storage = SimulatedStorage::new(1);
    storage.put("appendonlydir/appendonly.aof.1.incr.aof", data.to_vec()).expect("room for the file");
    storage.put("appendonlydir/appendonly.aof.manifest", MANIFEST.to_vec()).expect("room for the manifest");
    if let Some(records) = recover(&storage) {
        assert_eq!(recover(&storage), Some(records), "a recovered log loads again, to the same");
    }
});
