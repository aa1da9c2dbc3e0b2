//! Damages a log and a snapshot, and salvages both: `cargo run -p lastsave-tools --example salvage`.

use std::error::Error;
use std::path::Path;

use lastsave_aof::push_record;
use lastsave_rdb::{KeyMetadata, StringRef, Writer, WriterOptions};
use lastsave_storage::{FileMode, RealStorage, StorageError, write_synced};

const KEYS: [&str; 5] = ["apple", "banana", "cherry", "date", "elder"];

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).into_os_string();

    let mut log = Vec::new();
    let mut writer = Writer::bare(Vec::new(), WriterOptions::default())?;
    for key in KEYS {
        push_record(&mut log, &[b"SET", key.as_bytes(), b"a value"]);
        writer.string(key.as_bytes(), StringRef::Bytes(b"a value"), &KeyMetadata::default())?;
    }
    let mut snapshot = writer.finish()?.inner;
    // The third record of each: the mark of its key's length, and its type.
    let place = |bytes: &[u8]| bytes.windows(6).position(|part| part == b"cherry").ok_or("no third record");
    let (in_log, in_snapshot) = (place(&log)?, place(&snapshot)?);
    log[in_log - 4] = b'!';
    snapshot[in_snapshot - 2] = 0xee;

    let storage = RealStorage::open(directory.path())?;
    for (name, bytes) in [("old.aof", &log), ("dump.rdb", &snapshot)] {
        write_synced(&storage, Path::new(name), FileMode::DATA, |out| {
            out.append(bytes)?;
            Ok::<_, StorageError>(())
        })?;
    }
    for arguments in [
        ["check-aof".into(), "--salvage".into(), path("new-log"), path("old.aof")],
        ["check-rdb".into(), "--salvage".into(), path("new.rdb"), path("dump.rdb")],
    ] {
        let mut line = vec!["lastsave-server".into()];
        line.extend(arguments);
        let code = lastsave_tools::run(&line, "7.2.5");
        assert_eq!(code, Some(0), "both can be salvaged");
        println!();
    }
    Ok(())
}
