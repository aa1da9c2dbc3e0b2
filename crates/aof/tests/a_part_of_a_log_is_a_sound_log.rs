//! The beginning of an increment, cut at any unit, is loaded as exactly the units before the cut: by us and, since it is
//! nothing but records and annotations, by every other reader.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;

use bytes::Bytes;
use lastsave_aof::{
    CutError, LoadOptions, Manifest, Timeline, TimelineOptions, TimelineStep, copy_until, successor_header,
};
use lastsave_fsync_scheduler::{Log as _, Position};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileMode, OpenOptions, Storage, write_synced};
use support::{DIRECTORY, Driver, INCREMENT, MANIFEST, contents, names, record, settings, start, try_start};

type Records = Vec<Vec<Vec<u8>>>;

/// A log of blocks with one and several units, transactions and times, and what Redis appended behind it if wanted.
fn source(frames: bool, prepare: bool, appended: bool) -> SimulatedStorage {
    let storage = SimulatedStorage::new(1);
    let settings = settings(1);
    settings.set_frames(frames);
    settings.set_prepare(prepare);
    let mut driver = Driver::new(start(&storage, &settings).log, 0, Position::ZERO);
    for round in 0..6 {
        driver.prepare().unwrap();
        driver.write(1 + round % 3, round == 0, round % 2 == 0).unwrap();
        let mut batch = if round == 3 { b"#TS:1700000000\r\n".to_vec() } else { Vec::new() };
        for words in [&[&b"MULTI"[..]][..], &[b"INCR", b"a"], &[b"INCR", b"b"], &[b"EXEC"], &[b"DEL", b"c"]] {
            batch.extend(record(words));
        }
        let end = driver.written.advance(batch.len() as u64);
        driver.log.write(&[Bytes::from(batch)], end, driver.durable, false).unwrap();
        driver.written = end;
    }
    if appended {
        driver.sync().unwrap();
        driver.close().unwrap();
        let mut bytes = contents(&storage, INCREMENT);
        for words in [&[&b"SELECT"[..], b"0"][..], &[b"SET", b"by", b"redis"], &[b"SET", b"and", b"again"]] {
            bytes.extend(record(words));
        }
        put(&storage, INCREMENT, &bytes);
    }
    storage
}

fn put(storage: &SimulatedStorage, path: &str, bytes: &[u8]) {
    write_synced(storage, Path::new(path), FileMode::DATA, |out| out.append(bytes)).unwrap();
    storage.sync_directory(Path::new(path).parent().unwrap()).unwrap();
}

/// Offsets of the units, the end, and the records before each: without MULTI and EXEC, as the loader's test hands them out.
fn units(storage: &SimulatedStorage) -> Vec<(u64, Records)> {
    let file = storage.open(Path::new(INCREMENT), &OpenOptions::read_only()).unwrap();
    let options = TimelineOptions { from: 0, limit: file.len().unwrap(), end_ms: None };
    let mut timeline = Timeline::new(file, &options).unwrap();
    let (mut units, mut records) = (Vec::new(), Records::new());
    while let Some(step) = timeline.step(&|_| true).unwrap() {
        let TimelineStep::Record(past) = step else { panic!("{step:?}") };
        if past.record.offset == past.unit_offset {
            units.push((past.record.offset, records.clone()));
        }
        if past.record.len() > 1 {
            records.push(past.record.arguments().map(<[u8]>::to_vec).collect());
        }
    }
    units.push((timeline.logical_end().unwrap(), records));
    units
}

#[test]
fn every_cut_is_loaded_as_what_is_before_it() {
    for (frames, prepare, appended) in
        [(true, false, false), (true, true, false), (true, false, true), (false, false, false)]
    {
        let storage = source(frames, prepare, appended);
        let file = storage.open(Path::new(INCREMENT), &OpenOptions::read_only()).unwrap();
        for (cut, expected) in units(&storage) {
            let target = SimulatedStorage::new(2);
            target.create_directory(Path::new(DIRECTORY)).unwrap();
            target.sync_directory(Path::new("")).unwrap();
            let mut part = None;
            write_synced(&target, Path::new(INCREMENT), FileMode::DATA, |out| {
                part = Some(copy_until(&file, cut, 1_700_000_000_000, out)?);
                Ok::<_, CutError>(())
            })
            .unwrap();
            let part = part.unwrap();
            assert_eq!(contents(&target, INCREMENT).len() as u64, part.bytes);
            let mut increments = vec![(1, names().increment(1))];
            if part.is_framed {
                increments.push((2, names().increment(2)));
                let path = format!("{DIRECTORY}/appendonly.aof.2.incr.aof");
                put(&target, &path, &successor_header(1, part.bytes, 1_700_000_000_001));
            }
            put(&target, MANIFEST, &Manifest::from_files(None, increments).to_text());

            // Nothing of it may be taken for torn, even by a start that refuses what is torn.
            let strict = LoadOptions { load_truncated: false, ..LoadOptions::default() };
            let settings = settings(7);
            let started = try_start(&target, &settings, strict, Position::ZERO).unwrap();
            assert_eq!(started.records, expected, "cut at {cut}");
            let mut driver = Driver::new(started.log, 0, Position::ZERO);
            driver.write(2, true, false).unwrap();
            driver.sync().unwrap();
            drop(driver);
            let again = try_start(&target, &settings, strict, Position::ZERO).unwrap();
            assert_eq!(again.records.len(), expected.len() + 3, "the log goes on behind the cut");
        }
    }
}

#[test]
fn a_cut_that_would_tear_something_is_refused() {
    let storage = source(true, false, false);
    let file = storage.open(Path::new(INCREMENT), &OpenOptions::read_only()).unwrap();
    let bytes = contents(&storage, INCREMENT);
    let multi = bytes.windows(5).position(|word| word == b"MULTI").unwrap() as u64 + 7;
    for cut in [multi, multi + 3] {
        let outcome = write_synced(&storage, Path::new("out"), FileMode::DATA, |out| {
            copy_until(&file, cut, 0, out).map(|_| ())
        });
        assert!(matches!(outcome, Err(CutError::Damaged { .. })), "{outcome:?}");
    }
}
