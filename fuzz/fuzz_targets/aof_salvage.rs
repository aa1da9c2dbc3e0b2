//! Arbitrary bytes under the salvage of logs: what it writes loads completely, and is salvaged to itself.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use lastsave_aof::{
    AofDirectory, LoadOptions, LoadStep, LogNames, LogSettings, OpenedLog, SalvageOptions, open_log,
    salvage_commands,
};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileMode, OpenOptions, Storage, StorageError, write_synced};

const OUT: &str = "appendonlydir/appendonly.aof.1.incr.aof";
const MANIFEST: &[u8] = b"file appendonly.aof.1.incr.aof seq 1 type i\n";

/// Salvages what is at `from`; what was written, and whether nothing was left out.
fn salvage(storage: &SimulatedStorage, from: &str, keep_unverified: bool) -> (Vec<u8>, u64, bool) {
    let file = storage.open(Path::new(from), &OpenOptions::read_only()).expect("the file is there");
    let length = file.len().expect("the simulated disk does not fail");
    let is_command = |name: &[u8]| !name.is_empty();
    let options = SalvageOptions { keep_unverified, is_command: &is_command };
    let mut found = None;
    write_synced(storage, Path::new(OUT), FileMode::DATA, |out| {
        found = Some(salvage_commands(&file, 0..length, &options, out)?);
        Ok::<_, StorageError>(())
    })
    .expect("the simulated disk does not fail");
    let found = found.expect("it was salvaged");
    (storage.contents(OUT).expect("it was written"), found.kept_records, found.losses.is_empty())
}

fn loaded(storage: &SimulatedStorage) -> u64 {
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    let names = LogNames::new("appendonly.aof", "appendonlydir").expect("valid names");
    let settings = Arc::new(LogSettings::new().with_counted_segment_ids(1));
    let directory = AofDirectory::open(storage, names).expect("a valid manifest");
    let options = LoadOptions { load_truncated: false, ..LoadOptions::default() };
    let (opened, _) = open_log(&directory, &settings, options).expect("what was salvaged is a log");
    let OpenedLog::Existing(mut loader) = opened else { return 0 };
    let mut records = 0;
    while let Some(step) = loader.step().expect("what was salvaged loads") {
        records += u64::from(matches!(step, LoadStep::Record(_)));
    }
    records
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((flags, bytes)) = data.split_first() else { return };
    let storage = SimulatedStorage::new(1);
    storage.put("damaged", bytes.to_vec()).expect("room for the file");
    storage.put("appendonlydir/appendonly.aof.manifest", MANIFEST.to_vec()).expect("room for the manifest");
    let (out, kept, _) = salvage(&storage, "damaged", flags & 1 != 0);
    // SELECTs that stand for lost ones come on top.
    assert!(loaded(&storage) >= kept, "what was kept is loaded");
    storage.put("salvaged", out.clone()).expect("room for the file");
    let (again, _, is_whole) = salvage(&storage, "salvaged", false);
    assert!(is_whole && again == out, "what was salvaged is intact");
});
