//! A test per row of the decision table in `docs/formats/aof.md`, and every flipped byte and every cut of a small log.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use lastsave_aof::{AofError, DamageReason, Evidence, LoadOptions};
use lastsave_fsync_scheduler::{Log, Position, Switch};
use lastsave_storage::sim::SimulatedStorage;
use support::{
    Driver, INCREMENT, MANIFEST, contents, count_units, manifest_text, record, settings, start, try_start,
    unit,
};

/// A framed log of `durable` synced units and `unsynced` ones behind them, every unit a block of its own. Long frames
/// before each sync, as the scheduler asks for them. Returns the offset behind each unit's frame too.
fn framed(durable: u64, unsynced: u64) -> (SimulatedStorage, Vec<u64>) {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    let mut ends = vec![driver.log.current_file_bytes().unwrap()];
    for number in 0..durable + unsynced {
        driver.write(1, false, number % 2 == 1).unwrap();
        if number < durable {
            driver.sync().unwrap();
        }
        ends.push(driver.log.current_file_bytes().unwrap());
    }
    storage.settle();
    (storage, ends)
}

fn loose(units: u64) -> SimulatedStorage {
    let storage = SimulatedStorage::new(1);
    let bytes: Vec<u8> = (0..units).flat_map(unit).collect();
    storage.put(INCREMENT, bytes).unwrap();
    storage.put(MANIFEST, "file appendonly.aof.1.incr.aof seq 1 type i\n").unwrap();
    storage
}

fn append(storage: &SimulatedStorage, path: &str, bytes: &[u8]) {
    let at = contents(storage, path).len();
    storage.overwrite(path, at, bytes).unwrap();
}

fn with(storage: &SimulatedStorage, options: LoadOptions) -> Result<support::Started, AofError> {
    try_start(storage, &settings(2), options, Position::ZERO)
}

fn strict() -> LoadOptions {
    LoadOptions { load_truncated: false, ..LoadOptions::default() }
}

fn evidence(outcome: Result<support::Started, AofError>) -> Evidence {
    match outcome.map(|started| started.recovered) {
        Err(AofError::Corrupt(corruption)) => corruption.evidence,
        other => panic!("no corruption: {other:?}"),
    }
}

/// Asserts that a start cuts the increment at `offset`, keeps a copy, goes on elsewhere, and starts well again.
fn assert_cut(storage: &SimulatedStorage, row: &str, offset: u64, units: u64) {
    let before = contents(storage, INCREMENT);
    assert!(matches!(with(storage, strict()), Err(AofError::Truncated { .. })), "row F9 or R2");
    assert_eq!(contents(storage, INCREMENT), before, "a refusal changes nothing");
    let started = start(storage, &settings(2));
    let cut = started.recovered.unwrap();
    assert_eq!((cut.row, cut.offset), (row, offset));
    assert_eq!(cut.offset + cut.bytes, before.len() as u64);
    assert_eq!(count_units(&started.records), units);
    assert_eq!(contents(storage, INCREMENT), before[..offset as usize]);
    let tail = &before[offset as usize..];
    match &cut.copy {
        Some(copy) => assert_eq!(contents(storage, format!("appendonlydir/{copy}")), tail),
        None => assert!(tail.iter().all(|&byte| byte == 0)),
    }
    assert_eq!(
        started.log.current_file_name().unwrap(),
        "appendonly.aof.2.incr.aof",
        "never append to a cut file"
    );
    let notice = |start: &str| started.notices.iter().any(|text| text.starts_with(start));
    assert!(notice("!!! Warning: short read while loading the AOF file appendonly.aof.1.incr.aof!!!"));
    assert!(notice(&format!("!!! Truncating the AOF appendonly.aof.1.incr.aof at offset {offset} !!!")));
    assert!(notice("AOF appendonly.aof.1.incr.aof loaded anyway because aof-load-truncated is enabled"));

    let mut driver = Driver::new(started.log, units, Position::ZERO);
    driver.write(2, true, true).unwrap();
    drop(driver);
    let again = start(storage, &settings(3));
    assert_eq!(count_units(&again.records), units + 2);
    assert!(again.recovered.is_none());
}

#[test]
fn row_c1_a_clean_end_is_gone_on_with() {
    let (storage, ends) = framed(2, 2);
    let started = with(&storage, strict()).unwrap();
    assert_eq!(count_units(&started.records), 4);
    assert_eq!(started.log.current_file_bytes(), ends.last().copied());
    assert_eq!(started.log.current_file_name().unwrap(), "appendonly.aof.1.incr.aof");
}

#[test]
fn row_c2_prepared_space_is_trimmed() {
    let storage = SimulatedStorage::new(1);
    let prepared = settings(1);
    prepared.set_prepare(true);
    let mut driver = Driver::new(start(&storage, &prepared).log, 0, Position::ZERO);
    driver.prepare().unwrap();
    driver.write(3, true, true).unwrap();
    let end = driver.log.current_file_bytes().unwrap();
    drop(driver);
    assert!(contents(&storage, INCREMENT).len() as u64 > end + 1000);
    for missing in [0, 1, 2, 3, 24, 63, 64, 65, 500] {
        let storage = storage.kill(&mut lastsave_storage::sim::SimulatedRandom::new(1));
        let length = contents(&storage, INCREMENT).len();
        storage.cut(INCREMENT, length - missing).unwrap();
        let started = with(&storage, strict()).unwrap();
        assert_eq!(count_units(&started.records), 3);
        assert_eq!(contents(&storage, INCREMENT).len() as u64, end);
    }
}

#[test]
fn row_f1_a_garbage_tail_is_cut() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, b"\x01\x02garbage that is no record");
    assert_cut(&storage, "F1", ends[3], 3);
}

#[test]
fn row_f1_a_damaged_unsynced_block_is_cut() {
    let (storage, ends) = framed(2, 2);
    storage.flip_bits(INCREMENT, ends[3] + 20, 1).unwrap();
    assert_cut(&storage, "F1", ends[3], 3);
}

#[test]
fn row_f2_a_short_frame_is_cut() {
    for missing in [1, 2, 3, 20, 23] {
        let (storage, ends) = framed(2, 1);
        storage.cut(INCREMENT, ends[3] as usize - missing).unwrap();
        let short = contents(&storage, INCREMENT);
        let row = if short.ends_with(b"\n") || missing == 24 { "F1" } else { "F2" };
        assert_cut(&storage, row, ends[2], 2);
    }
}

#[test]
fn row_f2_whole_records_without_a_frame_are_cut() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, &unit(3));
    assert_cut(&storage, "F2", ends[3], 3);
}

#[test]
fn row_f2_half_a_record_is_cut() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, &unit(3)[..20]);
    assert_cut(&storage, "F2", ends[3], 3);
}

#[test]
fn row_f2_half_a_transaction_is_cut() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, b"#\r\n");
    append(&storage, INCREMENT, &record(&[b"MULTI"]));
    append(&storage, INCREMENT, &unit(3));
    assert_cut(&storage, "F2", ends[3], 3);
}

#[test]
fn row_f3_a_zero_filled_tail_is_cut() {
    for zeros in [1, 100, 5000] {
        let (storage, ends) = framed(2, 1);
        append(&storage, INCREMENT, &vec![0; zeros]);
        assert_cut(&storage, "F3", ends[3], 3);
    }
}

#[test]
fn row_f4_damage_before_a_durable_mark_stops_the_start() {
    let (storage, ends) = framed(4, 0);
    let before = contents(&storage, INCREMENT);
    storage.flip_bits(INCREMENT, ends[1] + 15, 4).unwrap();
    let Err(AofError::Corrupt(corruption)) = with(&storage, LoadOptions::default()).map(|_| ()) else {
        panic!("the start goes on")
    };
    assert_eq!(corruption.file, "appendonly.aof.1.incr.aof");
    assert_eq!(corruption.offset, ends[1]);
    assert!(matches!(corruption.evidence, Evidence::DurableMark { durable, .. } if durable == ends[3]));
    assert_eq!(contents(&storage, INCREMENT).len(), before.len(), "nothing is cut");
    let report: Vec<String> =
        AofError::Corrupt(corruption).report().into_iter().map(|notice| notice.text).collect();
    assert!(report[0].contains(&format!("appendonly.aof.1.incr.aof' at offset {}", ends[1])), "{report:?}");
    assert!(report[1].contains("salvage"), "{report:?}");
}

#[test]
fn row_f5_more_valid_data_behind_the_damage_than_was_ever_unsynced_stops_the_start() {
    let (storage, ends) = framed(1, 9);
    storage.flip_bits(INCREMENT, ends[1] + 15, 4).unwrap();
    let options = LoadOptions { sync_window_bytes: 200, ..LoadOptions::default() };
    assert!(matches!(evidence(with(&storage, options)), Evidence::BeyondSyncWindow { bytes } if bytes > 200));
    assert_eq!(with(&storage, LoadOptions::default()).unwrap().recovered.unwrap().offset, ends[1]);
}

#[test]
fn row_f6_damage_in_a_file_that_was_left_stops_the_start() {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    driver.write(2, true, true).unwrap();
    driver.log.switch(Switch::Backup, driver.written, driver.durable).unwrap();
    driver.write(1, true, true).unwrap();
    driver.sync().unwrap();
    storage.settle();
    let length = contents(&storage, INCREMENT).len();
    for (cut, flip) in [(length - 1, 0), (length - 92, 0), (120, 0), (length, 4), (length, 200)] {
        let storage = storage.kill(&mut lastsave_storage::sim::SimulatedRandom::new(1));
        storage.cut(INCREMENT, cut).unwrap();
        if flip > 0 {
            storage.flip_bits(INCREMENT, (length - flip) as u64, 1).unwrap();
        }
        assert_eq!(
            evidence(with(&storage, LoadOptions::default())),
            Evidence::NotLastFile,
            "cut {cut}, flip {flip}"
        );
        assert_eq!(contents(&storage, INCREMENT).len(), cut, "nothing is cut");
    }
}

#[test]
fn row_f7_a_torn_file_followed_by_empty_ones_is_the_last() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, b"garbage");
    storage.put("appendonlydir/appendonly.aof.2.incr.aof", "").unwrap();
    append(&storage, MANIFEST, b"file appendonly.aof.2.incr.aof seq 2 type i\n");
    let started = start(&storage, &settings(2));
    assert_eq!(started.recovered.unwrap().offset, ends[3]);
    assert_eq!(count_units(&started.records), 3);
    assert_eq!(started.log.current_file_name().unwrap(), "appendonly.aof.3.incr.aof");
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.1.incr.aof seq 1 type i\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n\
         file appendonly.aof.3.incr.aof seq 3 type i\n"
    );
}

#[test]
fn row_f8_what_lies_behind_a_declared_end_is_void() {
    let (storage, ends) = framed(2, 2);
    storage.put(MANIFEST, format!("file appendonly.aof.1.incr.aof seq 1 type i cut {}\n", ends[2])).unwrap();
    let started = with(&storage, strict()).unwrap();
    assert_eq!(count_units(&started.records), 2);
    assert_eq!(contents(&storage, INCREMENT).len() as u64, ends[2]);
    assert!(!manifest_text(&storage).contains("cut"));

    let (storage, ends) = framed(2, 2);
    storage
        .put(MANIFEST, format!("file appendonly.aof.1.incr.aof seq 1 type i cut {}\n", ends[4] + 1))
        .unwrap();
    assert_eq!(evidence(with(&storage, LoadOptions::default())), Evidence::NotLastFile);
}

#[test]
fn row_h1_frames_without_their_header_stop_the_start() {
    let (storage, _) = framed(2, 1);
    storage.flip_bits(INCREMENT, 30, 1).unwrap();
    assert_eq!(evidence(with(&storage, LoadOptions::default())), Evidence::HeaderSynced);
    let (storage, _) = framed(2, 1);
    storage.flip_bits(INCREMENT, 0, 1).unwrap();
    let generous = LoadOptions { corrupt_tail_max_bytes: 1 << 20, ..LoadOptions::default() };
    assert_eq!(evidence(with(&storage, generous)), Evidence::HeaderSynced, "however much may be cut");
    assert!(matches!(with(&storage, LoadOptions::default()).map(|_| ()), Err(AofError::BadFormat { .. })));
}

#[test]
fn row_a1_what_redis_appended_is_kept() {
    for prepare in [false, true] {
        let storage = SimulatedStorage::new(1);
        let prepared = settings(1);
        prepared.set_prepare(prepare);
        let mut driver = Driver::new(start(&storage, &prepared).log, 0, Position::ZERO);
        driver.prepare().unwrap();
        driver.write(3, true, true).unwrap();
        drop(driver);
        for first in [record(&[b"SELECT", b"0"]), b"#TS:1700000000\r\n".to_vec()] {
            let storage = storage.kill(&mut lastsave_storage::sim::SimulatedRandom::new(1));
            append(&storage, INCREMENT, &first);
            append(&storage, INCREMENT, &unit(3));
            append(&storage, INCREMENT, &unit(4));
            let started = with(&storage, strict()).unwrap();
            assert_eq!(count_units(&started.records), 5, "prepare {prepare}");
            assert_eq!(started.log.current_file_name().unwrap(), "appendonly.aof.2.incr.aof");
        }
        // Torn behind Redis' records: Redis' rules.
        append(&storage, INCREMENT, &record(&[b"MULTI"]));
        append(&storage, INCREMENT, &unit(3));
        append(&storage, INCREMENT, &record(&[b"EXEC"]));
        append(&storage, INCREMENT, &unit(4)[..9]);
        let started = with(&storage, LoadOptions::default()).unwrap();
        assert_eq!(count_units(&started.records), 4);
        assert_eq!(started.recovered.unwrap().row, "R1");
    }
}

#[test]
fn row_r1_a_truncated_file_without_frames_is_cut() {
    let whole: u64 = (0..3).map(|number| unit(number).len() as u64).sum();
    for tail in [&unit(3)[..1], &unit(3)[..15], b"*3", b"*3\r\n$3", b"#TS:12"] {
        let storage = loose(3);
        append(&storage, INCREMENT, tail);
        assert_cut(&storage, "R1", whole, 3);
    }
    let storage = loose(3);
    append(&storage, INCREMENT, &record(&[b"MULTI"]));
    append(&storage, INCREMENT, &unit(3));
    assert_cut(&storage, "R1", whole, 3);
}

#[test]
fn row_r3_a_truncated_file_that_is_not_the_last_stops_the_start() {
    let storage = loose(3);
    append(&storage, INCREMENT, &unit(3)[..15]);
    storage.put("appendonlydir/appendonly.aof.2.incr.aof", "").unwrap();
    append(&storage, MANIFEST, b"file appendonly.aof.2.incr.aof seq 2 type i\n");
    let before = contents(&storage, INCREMENT);
    for _ in 0..2 {
        let outcome = with(&storage, LoadOptions::default()).map(|_| ());
        assert!(matches!(outcome, Err(AofError::TruncatedNotLast { .. })), "{outcome:?}");
        assert_eq!(contents(&storage, INCREMENT), before, "nothing is cut before this is known");
    }
}

#[test]
fn row_r4_and_r5_a_bad_format_stops_the_start_unless_the_operator_allowed_a_cut() {
    let whole: u64 = (0..3).map(|number| unit(number).len() as u64).sum();
    let storage = loose(3);
    append(&storage, INCREMENT, b"garbage");
    let outcome = with(&storage, LoadOptions::default());
    match outcome.map(|_| ()) {
        Err(error @ AofError::BadFormat { .. }) => {
            let last = error.report().pop().unwrap().text;
            assert!(
                last.starts_with("Bad file format reading the append only file appendonly.aof.1.incr.aof")
            );
        }
        other => panic!("{other:?}"),
    }
    let small = LoadOptions { corrupt_tail_max_bytes: 6, ..LoadOptions::default() };
    assert!(matches!(with(&storage, small).map(|_| ()), Err(AofError::BadFormat { .. })));
    let enough = LoadOptions { corrupt_tail_max_bytes: 7, ..LoadOptions::default() };
    let started = with(&storage, enough).unwrap();
    let cut = started.recovered.unwrap();
    assert_eq!((cut.row, cut.offset, count_units(&started.records)), ("R5", whole, 3));
}

#[test]
fn row_m1_files_without_a_manifest_stop_the_start() {
    let (storage, _) = framed(2, 1);
    let bytes = contents(&storage, INCREMENT);
    let storage = SimulatedStorage::new(2);
    storage.put(INCREMENT, bytes.clone()).unwrap();
    let error = with(&storage, LoadOptions::default()).map(|_| ()).unwrap_err();
    assert!(matches!(error, AofError::FilesWithoutManifest { .. }));
    assert!(error.report().iter().any(|notice| notice.text.contains("--rebuild-manifest")));
    assert_eq!(contents(&storage, INCREMENT), bytes);
    let plan = lastsave_aof::plan_manifest(&storage, &support::names(), &Default::default()).unwrap();
    lastsave_aof::write_manifest(&storage, &support::names(), &plan, 0).unwrap();
    assert_eq!(count_units(&start(&storage, &settings(2)).records), 3);
}

#[test]
fn row_m2_a_missing_file_stops_the_start() {
    let storage = loose(3);
    append(&storage, MANIFEST, b"file appendonly.aof.2.incr.aof seq 2 type i\n");
    let error = with(&storage, LoadOptions::default()).map(|_| ()).unwrap_err();
    let report = error.report();
    assert_eq!(report.len(), 1);
    assert_eq!(
        report[0].text,
        "Unable to obtain the AOF file appendonly.aof.2.incr.aof length. stat: No such file or directory"
    );
}

#[test]
fn an_old_single_file_is_taken_in() {
    let storage = SimulatedStorage::new(1);
    let bytes: Vec<u8> = (0..3).flat_map(unit).collect();
    storage.put("appendonly.aof", bytes).unwrap();
    let started = start(&storage, &settings(1));
    assert_eq!(count_units(&started.records), 3);
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
    assert!(storage.contents("appendonly.aof").is_none());
    drop(started);
    assert_eq!(count_units(&start(&storage, &settings(1)).records), 3);
}

#[test]
fn a_torn_old_single_file_is_cut_and_kept_as_base() {
    let storage = SimulatedStorage::new(1);
    let bytes: Vec<u8> = (0..4).flat_map(unit).collect();
    storage.put("appendonly.aof", &bytes[..bytes.len() - 2]).unwrap();
    let started = start(&storage, &settings(1));
    assert_eq!(count_units(&started.records), 3);
    let cut = started.recovered.unwrap();
    assert_eq!((cut.row, cut.file.as_str()), ("R1", "appendonly.aof"));
    assert_eq!(contents(&storage, "appendonlydir/appendonly.aof").len() as u64, cut.offset);
    assert_eq!(count_units(&start(&storage, &settings(1)).records), 3);
}

#[test]
fn two_torn_files_that_acknowledged_nothing_are_both_cut() {
    let (storage, ends) = framed(2, 1);
    append(&storage, INCREMENT, b"garbage");
    let header = lastsave_aof::Header { segment_id: 5, start: 0, predecessor: None, time_ms: 1 }.to_line();
    storage
        .put("appendonlydir/appendonly.aof.2.incr.aof", [header.as_slice(), b"more garbage"].concat())
        .unwrap();
    append(&storage, MANIFEST, b"file appendonly.aof.2.incr.aof seq 2 type i\n");
    let directory = support::open_directory(&storage).unwrap();
    let opened = lastsave_aof::open_log(&directory, &settings(2), LoadOptions::default()).unwrap().0;
    let lastsave_aof::OpenedLog::Existing(mut loader) = opened else { panic!("there is a log") };
    assert_eq!(count_units(&support::load(&mut loader).unwrap()), 3);
    let cuts = loader.finish(Position::ZERO).unwrap().cuts;
    let offsets: Vec<u64> = cuts.iter().map(|cut| cut.offset).collect();
    assert_eq!(offsets, [ends[3], header.len() as u64]);
    assert!(start(&storage, &settings(2)).recovered.is_none());
}

/// What the table wants for a flip or cut of a log whose last long frame declares `ends[durable_blocks]` durable.
#[test]
fn every_flipped_byte_of_a_small_log_is_judged() {
    // Four synced units; the frame of the fourth (long) declares the first three durable.
    let (whole, ends) = framed(4, 1);
    let bytes = contents(&whole, INCREMENT);
    for offset in 0..bytes.len() as u64 {
        for mask in [1, 0x20, 0x80] {
            let storage = SimulatedStorage::new(1);
            let mut damaged = bytes.clone();
            damaged[offset as usize] ^= mask;
            storage.put(INCREMENT, damaged).unwrap();
            storage.put(MANIFEST, contents(&whole, MANIFEST)).unwrap();
            let outcome = with(&storage, LoadOptions::default());
            let block = ends.iter().filter(|&&end| end <= offset).count();
            let text = format!("offset {offset}, mask {mask:x}, block {block}, ends {ends:?}");
            match outcome {
                // The header, or what was durable and known to be so.
                Err(AofError::Corrupt(_) | AofError::BadFormat { .. }) => assert!(block <= 3, "{text}"),
                Ok(started) => {
                    assert!(block >= 4, "went on: {text}");
                    assert_eq!(count_units(&started.records), block as u64 - 1, "{text}");
                    assert_eq!(started.recovered.unwrap().offset, ends[block - 1], "{text}");
                }
                Err(error) => panic!("{error}: {text}"),
            }
        }
    }
}

#[test]
fn every_cut_of_a_small_log_starts() {
    let (whole, ends) = framed(4, 1);
    let bytes = contents(&whole, INCREMENT);
    for length in ends[0]..bytes.len() as u64 {
        let storage = SimulatedStorage::new(1);
        storage.put(INCREMENT, &bytes[..length as usize]).unwrap();
        storage.put(MANIFEST, contents(&whole, MANIFEST)).unwrap();
        let started = start(&storage, &settings(2));
        let blocks = ends.iter().filter(|&&end| end <= length).count();
        assert_eq!(count_units(&started.records), blocks as u64 - 1, "length {length}");
        let is_clean = ends.contains(&length);
        assert_eq!(started.recovered.is_none(), is_clean, "length {length}");
    }
}

#[test]
fn a_record_claims_no_memory_it_does_not_have() {
    for text in [
        "*2000000000\r\n",
        "*1\r\n$2000000000000000000\r\n",
        "*1\r\n$9223372036854775807\r\n",
        "*1\r\n$-5\r\n",
    ] {
        let storage = loose(1);
        append(&storage, INCREMENT, text.as_bytes());
        assert!(with(&storage, strict()).is_err(), "{text:?}");
    }
    assert_ne!(DamageReason::Zeros, DamageReason::RecordTruncated);
}
