//! Arbitrary bytes in place of a log, and arbitrary damage to a real one: a start refuses or goes on, it never panics,
//! and it never hands out what was not written.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;
use std::sync::OnceLock;

use lastsave_aof::{
    AofError, CheckAction, CheckConsole, CheckOptions, LoadOptions, RdbChecker, RdbVerdict, check_log,
};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::FileReader;
use lastsave_storage::sim::SimulatedStorage;
use proptest::prelude::*;
use support::{Driver, INCREMENT, MANIFEST, contents, number_of, settings, start, try_start};

struct Quiet;

impl CheckConsole for Quiet {
    fn line(&mut self, _text: &str) {}

    fn confirm(&mut self, _prompt: &str) -> bool {
        true
    }

    fn rdb_line(&mut self, _text: &[u8]) {}
}

impl RdbChecker for Quiet {
    fn check(&self, _file_name: &str, _reader: FileReader) -> RdbVerdict {
        RdbVerdict::default()
    }
}

/// A framed log of twelve units with prepared space, and its manifest.
fn log() -> &'static (Vec<u8>, Vec<u8>) {
    static LOG: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    LOG.get_or_init(|| {
        let storage = SimulatedStorage::new(1);
        let settings = settings(1);
        settings.set_prepare(true);
        let mut driver = Driver::new(start(&storage, &settings).log, 0, Position::ZERO);
        driver.prepare().unwrap();
        for round in 0..6 {
            driver.write(2, round == 0, round % 2 == 0).unwrap();
            driver.sync().unwrap();
        }
        (contents(&storage, INCREMENT), contents(&storage, MANIFEST))
    })
}

fn machine(increment: Vec<u8>, manifest: Vec<u8>) -> SimulatedStorage {
    let storage = SimulatedStorage::new(1);
    storage.put(INCREMENT, increment).unwrap();
    storage.put(MANIFEST, manifest).unwrap();
    storage
}

fn options() -> impl Strategy<Value = LoadOptions> {
    (any::<bool>(), 0..200u64, 100..5000u64).prop_map(|(load_truncated, tail, window)| LoadOptions {
        load_truncated,
        corrupt_tail_max_bytes: tail,
        sync_window_bytes: window,
    })
}

/// Bytes that look more like a log than noise does.
fn log_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec()),
        Just(b"*1\r\n$5\r\nMULTI\r\n".to_vec()),
        Just(b"*1\r\n$4\r\nEXEC\r\n".to_vec()),
        Just(b"#TS:1\r\n".to_vec()),
        Just(b"####\r\n".to_vec()),
        Just(log().0[..95].to_vec()),
        (0..log().0.len(), 1..200usize)
            .prop_map(|(at, length)| { log().0[at..(at + length).min(log().0.len())].to_vec() }),
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(vec![0; 600]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn try_everything(storage: &SimulatedStorage, options: LoadOptions) -> Result<support::Started, AofError> {
    for (path, action) in
        [(MANIFEST, CheckAction::Verify), (INCREMENT, CheckAction::TruncateToTimestamp(i64::MAX))]
    {
        check_log(storage, Path::new(path), &CheckOptions::new(action), &Quiet, &mut Quiet);
    }
    try_start(storage, &settings(5), options, Position::ZERO)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_files(increment in log_like(), manifest in proptest::collection::vec(any::<u8>(), 0..80), options in options()) {
        let _ = try_everything(&machine(increment.clone(), manifest), options);
        let storage = machine(increment, log().1.clone());
        if let Ok(started) = try_everything(&storage, options) {
            let again = try_start(&storage, &settings(6), options, Position::ZERO).unwrap();
            prop_assert_eq!(again.records, started.records, "a start that succeeds is repeatable");
            prop_assert!(again.recovered.is_none());
        }
    }

    #[test]
    fn a_damaged_log(
        damage in proptest::collection::vec((0..20_000usize, any::<u8>()), 0..6),
        cut in 0..30_000usize,
        tail in log_like(),
        options in options(),
    ) {
        let mut bytes = log().0.clone();
        for (at, byte) in damage {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        bytes.truncate(cut);
        bytes.extend_from_slice(&tail);
        // Outcomes that go on hand out the units from the first one on, each intact, and then at most what looks like an
        // append of Redis.
        if let Ok(started) = try_everything(&machine(bytes, log().1.clone()), options) {
            let units = started.records.iter().take_while(|record| {
                record.len() == 3 && record[0] == b"SET" && record[1].starts_with(b"key:")
                    || record[0] == b"SELECT"
            });
            for (number, unit) in units.filter(|record| record[0] != b"SELECT").enumerate() {
                if tail.is_empty() {
                    prop_assert_eq!(number_of(unit), number as u64);
                }
            }
        }
    }
}
