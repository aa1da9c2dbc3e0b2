//! Salvage keeps every record that is intact, and names what it leaves out.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::ops::Range;
use std::path::Path;

use lastsave_aof::{Salvage, SalvageOptions, push_timestamp, salvage_commands};
use lastsave_fsync_scheduler::Position;
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{FileMode, OpenOptions, Storage, StorageError, write_synced};
use proptest::prelude::*;
use support::{Driver, INCREMENT, contents, record, settings, start};

fn is_command(name: &[u8]) -> bool {
    [b"SET".as_slice(), b"SELECT", b"DEL"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn salvage_with(bytes: &[u8], keep_unverified: bool) -> (Salvage, Vec<u8>) {
    let storage = SimulatedStorage::new(1);
    storage.put("in", bytes.to_vec()).unwrap();
    let file = storage.open(Path::new("in"), &OpenOptions::read_only()).unwrap();
    let options = SalvageOptions { keep_unverified, is_command: &is_command };
    let mut found = None;
    write_synced(&storage, Path::new("out"), FileMode::DATA, |out| {
        found = Some(salvage_commands(&file, 0..bytes.len() as u64, &options, out)?);
        Ok::<_, StorageError>(())
    })
    .unwrap();
    (found.unwrap(), contents(&storage, "out"))
}

fn salvage(bytes: &[u8]) -> (Salvage, Vec<u8>) {
    salvage_with(bytes, false)
}

fn set(number: usize) -> Vec<u8> {
    record(&[b"SET", format!("key:{number}").as_bytes(), format!("value {number}").as_bytes()])
}

/// Records of a file without frames, and where each of them lies.
fn sets(count: usize) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for number in 0..count {
        let start = bytes.len();
        bytes.extend(set(number));
        places.push(start..bytes.len());
    }
    (bytes, places)
}

/// A file with frames, and the end of every write in it.
fn framed(writes: usize) -> (Vec<u8>, Vec<usize>) {
    let storage = SimulatedStorage::new(1);
    let mut driver = Driver::new(start(&storage, &settings(1)).log, 0, Position::ZERO);
    let mut ends = vec![driver.log.current_file_bytes().unwrap() as usize];
    for _ in 0..writes {
        driver.write(1, false, true).unwrap();
        driver.sync().unwrap();
        ends.push(driver.log.current_file_bytes().unwrap() as usize);
    }
    storage.settle();
    let mut bytes = contents(&storage, INCREMENT);
    bytes.truncate(*ends.last().unwrap());
    (bytes, ends)
}

fn keys_in(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let keys = text.split("\r\n").filter(|line| line.starts_with("key:"));
    keys.map(str::to_owned).collect()
}

#[test]
fn an_intact_file_is_copied_as_it_is() {
    let (bytes, places) = sets(20);
    let (found, out) = salvage(&bytes);
    assert_eq!(out, bytes);
    assert_eq!((found.kept_records, found.kept_bytes), (places.len() as u64, bytes.len() as u64));
    assert!(found.losses.is_empty());
}

#[test]
fn one_damaged_record_costs_one_record() {
    let (bytes, places) = sets(5);
    for at in places[2].clone() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x80;
        let (found, out) = salvage(&damaged);
        let without: Vec<u8> = [&bytes[..places[2].start], &bytes[places[2].end..]].concat();
        if out == without {
            let [loss] = found.losses.as_slice() else { panic!("{:?}", found.losses) };
            assert_eq!(loss.range, places[2].start as u64..places[2].end as u64, "byte {at}");
        } else {
            // A changed byte of a key or value cannot be seen without frames.
            assert!(found.losses.is_empty(), "byte {at}: {:?}", found.losses);
            assert_eq!(out, damaged);
        }
    }
}

#[test]
fn a_damaged_transaction_is_left_out_as_a_whole() {
    let before = set(0);
    let transaction = [record(&[b"MULTI"]), set(1), set(2), record(&[b"EXEC"])].concat();
    let after = set(3);
    let whole = [before.as_slice(), &transaction, &after].concat();
    assert_eq!(salvage(&whole).1, whole);
    let expected = [before.as_slice(), &after].concat();
    // The structural bytes of MULTI, of a queued command, and of EXEC.
    for at in [0, 4, 15, 19, transaction.len() - 14, transaction.len() - 10] {
        let mut damaged = whole.clone();
        damaged[before.len() + at] ^= 0x80;
        let (found, out) = salvage(&damaged);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected), "byte {at}");
        let lost: u64 = found.losses.iter().map(|loss| loss.range.end - loss.range.start).sum();
        assert_eq!(lost, transaction.len() as u64, "byte {at}");
    }
    // A transaction that the file ends in.
    let (found, out) = salvage(&whole[..whole.len() - after.len() - 3]);
    assert_eq!(out, before);
    assert_eq!(found.losses.len(), 1);
}

#[test]
fn lost_commands_are_named_and_a_lost_select_is_written_again() {
    let mut bytes = [set(0), record(&[b"SELECT", b"7"]), set(1), set(2)].concat();
    // Only the record before the SELECT and the SELECT's own frame of bytes are hit: the SELECT stays readable.
    let at = set(0).len() - 1;
    bytes[at] = b'x';
    let (found, out) = salvage(&bytes);
    assert_eq!(out, [record(&[b"SELECT", b"7"]), set(1), set(2)].concat());
    assert_eq!(found.losses.len(), 1);
    // In a transaction that is left out, the SELECT is lost with it.
    let bytes = [
        record(&[b"MULTI"]),
        record(&[b"SELECT", b"3"]),
        record(&[b"NONESUCH", b"key"]),
        record(&[b"EXEC"]),
        set(1),
    ]
    .concat();
    let (found, out) = salvage(&bytes);
    assert_eq!(out, [record(&[b"SELECT", b"3"]), set(1)].concat());
    let names: Vec<_> = found.losses[0].commands.iter().map(|command| command.arguments[0].clone()).collect();
    assert_eq!(names, [b"MULTI".as_slice(), b"SELECT", b"NONESUCH", b"EXEC"]);
    assert!(!found.losses[0].has_unreadable_bytes);
}

#[test]
fn commands_that_do_not_exist_are_left_out() {
    let bytes = [set(0), record(&[b"SDT", b"key:1", b"v"]), set(2)].concat();
    let (found, out) = salvage(&bytes);
    assert_eq!(out, [set(0), set(2)].concat());
    assert_eq!(found.losses[0].reason, "there is no command 'SDT'");
    assert_eq!(found.losses[0].commands[0].arguments[1], b"key:1");
}

#[test]
fn times_are_kept() {
    let mut bytes = set(0);
    push_timestamp(&mut bytes, 1_700_000_000);
    bytes.extend(set(1));
    assert_eq!(salvage(&bytes).1, bytes);
}

#[test]
fn frames_come_out_as_records() {
    let (bytes, ends) = framed(6);
    let (found, out) = salvage(&bytes);
    assert_eq!(found.kept_records, 6);
    assert!(found.losses.is_empty(), "{:?}", found.losses);
    assert!(!out.contains(&b'#') || !out.windows(2).any(|pair| pair == b"#." || pair == b"#:"));
    assert_eq!(keys_in(&out).len(), ends.len() - 1);
}

#[test]
fn any_flipped_byte_costs_at_most_its_block() {
    let (bytes, ends) = framed(6);
    let (_, all) = salvage(&bytes);
    let all = keys_in(&all);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        let (found, out) = salvage(&damaged);
        let block = ends.iter().position(|&end| at < end).unwrap();
        let mut expected = all.clone();
        if block > 0 {
            expected.remove(block - 1);
        }
        let kept = keys_in(&out);
        if kept == all {
            // A mark over no bytes, or the header line.
            assert!(
                found.losses.iter().all(|loss| loss.commands_total == 0),
                "byte {at}: {:?}",
                found.losses
            );
        } else {
            assert_eq!(kept, expected, "byte {at} in block {block}");
            assert_eq!(found.losses.len(), 1, "byte {at}");
        }
        assert!(!found.losses.is_empty() || found.has_unverified_frames, "byte {at} went unnoticed");
        assert!(!found.has_unverified_frames, "one byte of a header line can be told from the others");
    }
}

#[test]
fn unverified_records_are_kept_on_demand() {
    let (mut damaged, ends) = framed(4);
    // The checksum of the second block's frame.
    damaged[ends[2] - 5] ^= 1;
    assert_eq!(keys_in(&salvage(&damaged).1).len(), 3);
    assert_eq!(keys_in(&salvage_with(&damaged, true).1).len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_comes_out_is_sound(
        flips in proptest::collection::vec((0usize..2000, any::<u8>()), 0..8),
        cut in 0usize..2000,
        with_frames: bool,
    ) {
        let (mut bytes, _) = if with_frames {
            let (bytes, _) = framed(5);
            (bytes, ())
        } else {
            (sets(40).0, ())
        };
        for (at, with) in flips {
            let at = at % bytes.len();
            bytes[at] ^= with;
        }
        bytes.truncate(bytes.len() - cut % bytes.len() / 4);
        let (_, out) = salvage(&bytes);
        // Salvaging again finds nothing to complain about.
        let (again, same) = salvage(&out);
        prop_assert!(again.losses.is_empty(), "{:?}", again.losses);
        prop_assert_eq!(same, out);
    }
}
