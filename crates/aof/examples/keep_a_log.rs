//! Keeps a log in a temporary directory: writes to it, tears its end off as a power cut would, and starts again.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lastsave_aof::{
    AofDirectory, LoadOptions, LoadStep, LogNames, LogSettings, OpenedLog, open_log, push_record,
};
use lastsave_fsync_scheduler::{Log, Position};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{OpenOptions, Storage};

fn main() -> Result<(), Box<dyn Error>> {
    let storage: Arc<dyn Storage> = Arc::new(SimulatedStorage::new(1));
    let names = LogNames::new("appendonly.aof", "appendonlydir")?;
    let settings = Arc::new(LogSettings::new());
    let options = LoadOptions::default();

    let directory = AofDirectory::open(Arc::clone(&storage), names.clone())?;
    let (OpenedLog::Empty(empty), _) = open_log(&directory, &settings, options)? else {
        return Err("the directory should be empty".into());
    };
    let (mut log, notices) = empty.create(None, Position::ZERO)?;
    for notice in notices {
        println!("{}", notice.text);
    }
    let (mut end, mut durable) = (Position::ZERO, Position::ZERO);
    for number in 0..3 {
        let mut record = Vec::new();
        push_record(&mut record, &[b"SET", format!("key:{number}").as_bytes(), b"value"]);
        end = end.advance(record.len() as u64);
        log.write(&[Bytes::from(record)], end, durable, number == 1)?;
        if number == 1 {
            log.sync_handle().sync()?;
            durable = end;
        }
    }
    drop(log);

    // The last write was not synced; let the power cut have taken half of it.
    let path = Path::new("appendonlydir/appendonly.aof.1.incr.aof");
    let file = storage.open(path, &OpenOptions::read_write())?;
    file.truncate(file.len()? - 30)?;

    let directory = AofDirectory::open(storage, names)?;
    let (OpenedLog::Existing(mut loader), _) = open_log(&directory, &settings, options)? else {
        return Err("the log should be there".into());
    };
    while let Some(step) = loader.step()? {
        if let LoadStep::Record(record) = step {
            let words: Vec<_> = record.arguments().map(String::from_utf8_lossy).collect();
            println!("loaded: {}", words.join(" "));
        }
    }
    let recovered = loader.finish(Position::ZERO)?;
    for notice in &recovered.notices {
        println!("{}", notice.text);
    }
    println!("{:?}", recovered.cuts);
    Ok(())
}
