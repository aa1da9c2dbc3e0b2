//! Blocks, transactions and values too big to be kept in memory while they are verified: nothing of them is handed out
//! before all of it is verified, and then all of it is.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use bytes::Bytes;
use lastsave_aof::{AofError, LoadOptions, LoadStep, OpenedLog, RecordRole, open_log};
use lastsave_fsync_scheduler::{Log, Position};
use lastsave_storage::sim::SimulatedStorage;
use support::{INCREMENT, MANIFEST, open_directory, record, settings, start, try_start};

const BIG: usize = 5 << 20;

fn big(number: u8) -> Vec<u8> {
    record(&[b"SET", &[number], &vec![number; BIG]])
}

/// Number and length of every value, with its role.
fn roles(storage: &SimulatedStorage) -> Result<Vec<(u8, usize, RecordRole)>, AofError> {
    let directory = open_directory(storage)?;
    let OpenedLog::Existing(mut loader) = open_log(&directory, &settings(2), LoadOptions::default())?.0
    else {
        panic!("there is a log")
    };
    let mut found = Vec::new();
    while let Some(step) = loader.step()? {
        if let LoadStep::Record(record) = step {
            let key = if record.len() > 1 { record.argument(1)[0] } else { 0 };
            if record.len() == 3 {
                assert!(record.argument(2).iter().all(|&byte| byte == key));
                assert_eq!(record.bytes(), big_or_small(key, record.argument(2).len()));
            }
            found.push((key, record.arguments().last().map_or(0, <[u8]>::len), record.role));
        }
    }
    Ok(found)
}

fn big_or_small(key: u8, length: usize) -> Vec<u8> {
    record(&[b"SET", &[key], &vec![key; length]])
}

fn write(log: &mut lastsave_aof::AofLog, at: &mut Position, parts: &[Vec<u8>]) {
    let batch: Vec<Bytes> = parts.iter().map(|part| Bytes::from(part.clone())).collect();
    let end = at.advance(parts.iter().map(|part| part.len() as u64).sum());
    log.write(&batch, end, Position::ZERO, false).unwrap();
    *at = end;
}

#[test]
fn a_framed_block_of_twenty_megabytes() {
    let storage = SimulatedStorage::new(1);
    let mut log = start(&storage, &settings(1)).log;
    let mut at = Position::ZERO;
    write(&mut log, &mut at, &[record(&[b"SET", &[9], &[9; 10]])]);
    let transaction = [record(&[b"MULTI"]), big(1), big(2), big(3), big(4), record(&[b"EXEC"])].concat();
    write(&mut log, &mut at, &[transaction]);
    let big_end = log.current_file_bytes().unwrap();
    write(&mut log, &mut at, &[record(&[b"SET", &[8], &[8; 10]])]);
    drop(log);
    let expected = vec![
        (9, 10, RecordRole::Single),
        (0, 5, RecordRole::Multi),
        (1, BIG, RecordRole::Queued),
        (2, BIG, RecordRole::Queued),
        (3, BIG, RecordRole::Queued),
        (4, BIG, RecordRole::Queued),
        (0, 4, RecordRole::Exec),
        (8, 10, RecordRole::Single),
    ];
    assert_eq!(roles(&storage).unwrap(), expected);
    // One flipped byte near its end, and none of its records is handed out.
    storage.flip_bits(INCREMENT, big_end - 100, 1).unwrap();
    assert_eq!(roles(&storage).unwrap(), expected[..1]);
    let started = try_start(&storage, &settings(2), LoadOptions::default(), Position::ZERO).unwrap();
    assert_eq!(started.recovered.unwrap().row, "F1");
    assert_eq!(started.records.len(), 1);
}

#[test]
fn a_value_of_twenty_megabytes_in_either_form() {
    let huge = record(&[b"SET", &[5], &vec![5; 20 << 20]]);
    let storage = SimulatedStorage::new(1);
    let mut log = start(&storage, &settings(1)).log;
    write(&mut log, &mut Position::ZERO.clone(), std::slice::from_ref(&huge));
    drop(log);
    assert_eq!(roles(&storage).unwrap(), [(5, 20 << 20, RecordRole::Single)]);

    let storage = SimulatedStorage::new(1);
    let bytes = [record(&[b"SET", &[4], &[4; 3]]), huge.clone(), record(&[b"SET", &[6], &[6; 3]])].concat();
    storage.put(INCREMENT, bytes).unwrap();
    storage.put(MANIFEST, "file appendonly.aof.1.incr.aof seq 1 type i\n").unwrap();
    assert_eq!(
        roles(&storage).unwrap(),
        [(4, 3, RecordRole::Single), (5, 20 << 20, RecordRole::Single), (6, 3, RecordRole::Single)]
    );
    storage.cut(INCREMENT, huge.len()).unwrap();
    let started = try_start(&storage, &settings(2), LoadOptions::default(), Position::ZERO).unwrap();
    assert_eq!(started.records.len(), 1, "what comes before the torn value is kept");
}

#[test]
fn a_loose_transaction_of_twenty_megabytes_without_its_exec() {
    let before = record(&[b"SET", &[4], &[4; 3]]);
    let bytes = [before, record(&[b"MULTI"]), big(1), big(2), big(3), big(4)].concat();
    let storage = SimulatedStorage::new(1);
    storage.put(INCREMENT, bytes.clone()).unwrap();
    storage.put(MANIFEST, "file appendonly.aof.1.incr.aof seq 1 type i\n").unwrap();
    assert_eq!(roles(&storage).unwrap(), [(4, 3, RecordRole::Single)]);
    let whole = [bytes, record(&[b"EXEC"])].concat();
    storage.put(INCREMENT, whole).unwrap();
    assert_eq!(roles(&storage).unwrap().len(), 7);
}
