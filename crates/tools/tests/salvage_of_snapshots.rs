//! Salvage of a snapshot keeps every record but the damaged one, and writes what every reader takes.

use lastsave_rdb::{Event, KeyMetadata, Reader, ReaderOptions, StringRef, Writer, WriterOptions};
use lastsave_tools::salvage_bytes;
use proptest::prelude::*;

/// A key as it is compared: database, name, value as text.
type Key = (u64, Vec<u8>, String);

/// A file of strings in two databases: short and long, numbers, with and without expiry.
fn file(keys: usize) -> Vec<u8> {
    let mut writer = Writer::bare(Vec::new(), WriterOptions::default()).expect("a vector takes everything");
    writer.aux("redis-ver", StringRef::Bytes(b"7.2.5")).expect("a vector takes everything");
    for database in 0..2_u64 {
        writer.select_database(database).expect("a vector takes everything");
        writer.resize(keys as u64, keys as u64 / 3).expect("a vector takes everything");
        for number in 0..keys {
            let metadata = KeyMetadata {
                expires_at_ms: (number % 3 == 0).then_some(1_900_000_000_000 + number as i64),
                ..KeyMetadata::default()
            };
            let key = format!("key:{database}:{number}");
            let value = match number % 4 {
                0 => number.to_string(),
                1 => "a value of some length ".repeat(number % 9 + 1),
                2 => format!("short {number}"),
                _ => "x".repeat(number % 80),
            };
            writer
                .string(key.as_bytes(), StringRef::Bytes(value.as_bytes()), &metadata)
                .expect("a vector takes everything");
        }
    }
    writer.finish().expect("a vector takes everything").inner
}

/// All keys, and where each record lies.
fn keys(bytes: &[u8]) -> Vec<(Key, std::ops::Range<u64>)> {
    let mut reader = Reader::new(bytes, ReaderOptions::default());
    let mut keys = Vec::new();
    let mut database = 0;
    loop {
        match reader.next_event().expect("a sound file") {
            Event::SelectDatabase(index) => database = index,
            Event::Key(record) => {
                let value = format!("{:?} {:?}", record.value, record.metadata);
                keys.push(((database, record.key, value), record.offset..record.end_offset));
            }
            Event::End { .. } => return keys,
            _ => {}
        }
    }
}

#[test]
fn a_sound_file_comes_out_byte_for_byte() {
    let bytes = file(40);
    let (out, count) = salvage_bytes(&bytes);
    assert_eq!(out, bytes);
    assert_eq!(count, 80);
}

#[test]
fn a_flipped_byte_costs_at_most_the_record_it_is_in() {
    let bytes = file(30);
    let all = keys(&bytes);
    let mut lost_neighbours = 0;
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0x40] {
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            let (out, _) = salvage_bytes(&damaged);
            let kept: Vec<Key> = keys(&out).into_iter().map(|(key, _)| key).collect();
            let missing = all
                .iter()
                .filter(|(key, place)| !place.contains(&(at as u64)) && !kept.contains(key))
                .count();
            // What is damaged is no part of a key: the selection of a database, or its sizes.
            if all.iter().any(|(_, place)| place.contains(&(at as u64))) {
                lost_neighbours += missing;
            }
        }
    }
    // The format has no marks between records, so once in a while a wrong place looks sound.
    let tried = bytes.len() * 3;
    assert!(lost_neighbours * 500 < tried, "{lost_neighbours} intact records lost in {tried} tries");
}

#[test]
fn a_file_cut_anywhere_keeps_all_whole_records() {
    let bytes = file(20);
    let all = keys(&bytes);
    for cut in 0..bytes.len() {
        let (out, _) = salvage_bytes(&bytes[..cut]);
        let kept = keys(&out);
        let whole = all.iter().filter(|(_, place)| place.end <= cut as u64).count();
        assert!(kept.len() == whole, "cut at {cut}: {} of {whole} records", kept.len());
    }
}

#[test]
fn a_hole_of_zeros_or_noise_costs_what_it_covers() {
    let bytes = file(200);
    let all = keys(&bytes);
    for (start, length) in [(500_usize, 100_usize), (2000, 512), (3000, 1000), (4096, 512)] {
        for fill in [0_u8, 0xff, 0x20] {
            let mut damaged = bytes.clone();
            damaged[start..start + length].fill(fill);
            let (out, _) = salvage_bytes(&damaged);
            let kept: Vec<Key> = keys(&out).into_iter().map(|(key, _)| key).collect();
            let hole = start as u64..(start + length) as u64;
            let intact = all.iter().filter(|(_, place)| place.end <= hole.start || place.start >= hole.end);
            let missing: Vec<_> = intact.filter(|(key, _)| !kept.contains(key)).collect();
            // The records at both ends of the hole may be whole in their structure, with some bytes changed.
            let changed = kept.iter().filter(|key| !all.iter().any(|(known, _)| known == *key)).count();
            assert!(changed <= 2, "hole {hole:?} of {fill}: {changed} keys made up");
            assert!(missing.len() <= 1, "hole {hole:?} of {fill}: {} lost", missing.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_damage_leaves_something_that_loads(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let mut bytes = file(25);
        for (at, with) in changes {
            let at = at.index(bytes.len());
            bytes[at] = with;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        // It panics itself when what it wrote does not load.
        let _ = salvage_bytes(&bytes);
    }

    #[test]
    fn noise_leaves_something_that_loads(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = salvage_bytes(&bytes);
    }
}
