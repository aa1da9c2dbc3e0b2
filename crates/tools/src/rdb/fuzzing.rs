//! Salvage of arbitrary bytes, for fuzzing and tests.

use std::path::Path;

use lastsave_rdb::{CheckOptions, ReaderOptions, check_rdb};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileMode, OpenOptions, Storage as _, StorageError, write_synced};

use super::salvage::{survey, write};

/// Salvages `bytes` as an RDB; what is written, and how many keys it holds.
///
/// # Panics
/// When what was written is no valid file, or holds another number of keys than was claimed.
#[must_use]
pub fn salvage_bytes(bytes: &[u8]) -> (Vec<u8>, u64) {
    let storage = SimulatedStorage::new(1);
    let (source, target) = (Path::new("damaged.rdb"), Path::new("salvaged.rdb"));
    storage.put(source, bytes.to_vec()).expect("the simulated disk has no limit");
    let file = storage.open(source, &OpenOptions::read_only()).expect("it was just written");
    let salvage = survey(&file, false).expect("the simulated disk does not fail");
    write_synced(&storage, target, FileMode::DATA, |out| {
        write(&file, &salvage, out)?;
        Ok::<_, StorageError>(())
    })
    .expect("the simulated disk does not fail");
    let written = storage.contents(target).expect("it was just written");
    let options = CheckOptions { file_name: "salvaged", now_ms: 0, reader: ReaderOptions::default() };
    let summary = check_rdb(&written[..], &options, |_| {});
    assert_eq!(summary.error, None, "what was salvaged is not valid");
    assert_eq!(summary.keys, salvage.keys, "other keys than claimed");
    (written, salvage.keys)
}
