//! A timeline hands out every record of a file with its place and the time within which it was written, and passes over
//! what is damaged.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lastsave_aof::{PastDamage, RecordRole, Timeline, TimelineOptions, TimelineStep, WrittenAt};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{Clock, FileMode, OpenOptions, Storage, write_synced};
use proptest::prelude::*;
use support::{Driver, INCREMENT, contents, open_directory, record, settings, unit};

/// A clock that goes by hand.
#[derive(Debug, Default)]
struct ManualClock(AtomicI64);

impl ManualClock {
    fn set_wall_ms(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is kept of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    arguments: Vec<Vec<u8>>,
    offset: u64,
    unit_offset: u64,
    role: RecordRole,
    written: WrittenAt,
}

fn read(
    storage: &SimulatedStorage,
    path: &str,
    end_ms: Option<u64>,
) -> (Vec<Seen>, Vec<PastDamage>, Option<u64>) {
    let file = storage.open(Path::new(path), &OpenOptions::read_only()).unwrap();
    let limit = file.len().unwrap();
    let mut timeline = Timeline::new(file, &TimelineOptions { from: 0, limit, end_ms }).unwrap();
    let (mut seen, mut damages) = (Vec::new(), Vec::new());
    let is_command = |name: &[u8]| matches!(name, b"SET" | b"SELECT" | b"MULTI" | b"EXEC" | b"INCR");
    while let Some(step) = timeline.step(&is_command).unwrap() {
        match step {
            TimelineStep::Record(past) => seen.push(Seen {
                arguments: past.record.arguments().map(<[u8]>::to_vec).collect(),
                offset: past.record.offset,
                unit_offset: past.unit_offset,
                role: past.record.role,
                written: past.written,
            }),
            TimelineStep::Damage(damage) => damages.push(damage),
            _ => {}
        }
    }
    (seen, damages, timeline.logical_end())
}

fn put(storage: &SimulatedStorage, path: &str, bytes: &[u8]) {
    write_synced(storage, Path::new(path), FileMode::DATA, |out| out.append(bytes)).unwrap();
}

/// A driver of a framed log on a clock that stands still unless it is told.
fn framed(prepare: bool) -> (SimulatedStorage, Arc<ManualClock>, Driver) {
    let storage = SimulatedStorage::new(1);
    let clock = Arc::new(ManualClock::default());
    clock.set_wall_ms(1_000_000);
    let settings = Arc::new(
        lastsave_aof::LogSettings::new()
            .with_counted_segment_ids(1)
            .with_prepare_step_bytes(8192)
            .with_clock(clock.clone()),
    );
    settings.set_prepare(prepare);
    let started = support::start(&storage, &settings);
    (storage, clock, Driver::new(started.log, 0, Position::ZERO))
}

#[test]
fn frames_tell_between_which_times_a_record_was_written() {
    for prepare in [false, true] {
        let (storage, clock, mut driver) = framed(prepare);
        driver.prepare().unwrap();
        clock.set_wall_ms(1_000_050);
        driver.write(2, false, true).unwrap();
        clock.set_wall_ms(1_000_060);
        driver.write(1, false, false).unwrap();
        driver.write(1, false, false).unwrap();
        clock.set_wall_ms(1_000_090);
        driver.sync().unwrap();
        driver.mark().unwrap();
        clock.set_wall_ms(5_000_000);
        driver.write(1, false, false).unwrap();
        driver.write(1, false, false).unwrap();
        let (seen, damages, end) = read(&storage, INCREMENT, Some(5_000_700));
        assert_eq!(damages, []);
        let times: Vec<_> = seen
            .iter()
            .map(|seen| (seen.written.not_before_ms.unwrap(), seen.written.not_after_ms.unwrap()))
            .collect();
        assert_eq!(
            times,
            [
                (1_000_000, 1_000_050),
                (1_000_000, 1_000_050),
                (1_000_050, 1_000_090),
                (1_000_050, 1_000_090),
                // The first write for long closes itself with the time.
                (1_000_090, 5_000_000),
                (5_000_000, 5_000_700),
            ]
        );
        assert_eq!(end, driver.log.current_file_bytes());
    }
}

#[test]
fn annotations_tell_the_second() {
    let storage = SimulatedStorage::new(1);
    let mut file = unit(0);
    file.extend_from_slice(b"#TS:1000\r\n");
    file.extend(unit(1));
    file.extend(record(&[b"MULTI"]));
    file.extend_from_slice(b"#TS:1007\r\n");
    file.extend(unit(2));
    file.extend(record(&[b"EXEC"]));
    put(&storage, "f", &file);
    let (seen, damages, end) = read(&storage, "f", None);
    assert_eq!((damages, end), (vec![], Some(file.len() as u64)));
    let times: Vec<_> =
        seen.iter().map(|seen| (seen.written.not_before_ms, seen.written.not_after_ms)).collect();
    let second = |second: u64| (Some(second * 1000), Some(second * 1000 + 999));
    assert_eq!(times, [(None, Some(1_000_999)), second(1000), second(1000), second(1007), second(1007)]);
    let multi = seen[2].offset;
    assert_eq!(
        seen.iter().map(|seen| (seen.role, seen.unit_offset)).collect::<Vec<_>>(),
        [
            (RecordRole::Single, 0),
            (RecordRole::Single, seen[1].offset),
            (RecordRole::Multi, multi),
            (RecordRole::Queued, multi),
            (RecordRole::Exec, multi),
        ]
    );
}

#[test]
fn damage_costs_its_own_block_only() {
    let (storage, _, mut driver) = framed(false);
    let mut ends = vec![driver.log.current_file_bytes().unwrap()];
    for _ in 0..10 {
        driver.write(2, false, true).unwrap();
        ends.push(driver.log.current_file_bytes().unwrap());
    }
    let mut bytes = contents(&storage, INCREMENT);
    bytes[ends[4] as usize + 20] ^= 1;
    put(&storage, "damaged", &bytes);
    let (seen, damages, _) = read(&storage, "damaged", None);
    assert_eq!(seen.len(), 18);
    let [damage] = damages.as_slice() else { panic!("{damages:?}") };
    assert_eq!((damage.offset, damage.resumed_at, damage.is_tail), (ends[4], Some(ends[5]), false));
    bytes[0] ^= 1;
    put(&storage, "damaged", &bytes);
    let (again, damages, _) = read(&storage, "damaged", None);
    assert_eq!(again.len(), 18, "a damaged header does not cost the file");
    assert_eq!(damages.len(), 2);
}

#[test]
fn records_without_frames_are_found_again_behind_damage() {
    let storage = SimulatedStorage::new(1);
    let (first, second) = (unit(1), unit(3));
    let bytes = [first.as_slice(), b"garbage*7\r\n$3\r\n", &second].concat();
    put(&storage, "f", &bytes);
    let (seen, damages, _) = read(&storage, "f", None);
    assert_eq!(seen.len(), 2);
    assert_eq!(damages[0].resumed_at, Some((bytes.len() - second.len()) as u64));
    put(&storage, "f", &bytes[..bytes.len() - 1]);
    let (seen, damages, end) = read(&storage, "f", None);
    assert_eq!((seen.len(), end), (1, Some(first.len() as u64)));
    assert!(damages[0].is_tail);
}

#[test]
fn units_too_big_to_keep_are_read_all_the_same() {
    let storage = SimulatedStorage::new(1);
    let value = vec![b'v'; 9 << 20];
    let mut bytes = record(&[b"MULTI"]);
    for key in [b"a", b"b", b"c"] {
        bytes.extend(record(&[b"SET", key, &value]));
    }
    bytes.extend(record(&[b"EXEC"]));
    bytes.extend(unit(1));
    put(&storage, "f", &bytes);
    let (seen, damages, _) = read(&storage, "f", None);
    assert_eq!(damages, []);
    assert_eq!(seen.len(), 6);
    assert!(seen[..5].iter().all(|seen| seen.unit_offset == 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        frames: bool,
    ) {
        let storage = SimulatedStorage::new(1);
        let settings = settings(1);
        settings.set_frames(frames);
        let mut driver = Driver::new(support::start(&storage, &settings).log, 0, Position::ZERO);
        for round in 0..6 {
            driver.write(2, round == 3, round % 2 == 0).unwrap();
        }
        prop_assert!(open_directory(&storage).is_ok());
        let mut bytes = contents(&storage, INCREMENT);
        let at = at.index(bytes.len());
        bytes.splice(at..bytes.len().min(at + noise.len() / 2), noise);
        put(&storage, "f", &bytes);
        let (seen, _, _) = read(&storage, "f", Some(1));
        prop_assert!(seen.windows(2).all(|pair| pair[0].offset < pair[1].offset));
    }
}
