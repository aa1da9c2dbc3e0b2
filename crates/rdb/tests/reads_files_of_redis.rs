//! Files that Redis wrote are read completely and exactly.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;

use common::{Row, content, fixture, read_events, read_rows};
use lastsave_rdb::{
    Activity, Checksum, ChecksumStatus, ErrorKind, Event, FileVersion, KeyMetadata, Lineage, Reader,
    ReaderOptions,
};

fn get(rows: &[Row], key: &[u8]) -> (Vec<u8>, KeyMetadata) {
    let row = rows.iter().find(|row| row.1 == key).expect("the key is in the file");
    (row.2.clone(), row.3)
}

#[test]
fn strings_in_every_encoding() {
    let rows = read_rows(fixture("strings"));
    let long: String = (1..=40).map(|index| format!("user:{index:04},")).collect();
    let len14: String =
        ('0'..='9').flat_map(|digit| ('a'..='j').flat_map(move |letter| [digit, letter])).take(100).collect();
    let expected: [(&[u8], &[u8]); 14] = [
        (b"empty", b""),
        (b"raw", b"hello"),
        (b"123", b"-5"),
        (b"int8", b"127"),
        (b"int16", b"-32768"),
        (b"int32", b"2147483647"),
        (b"int64", b"9223372036854775807"),
        (b"minimum", b"-9223372036854775808"),
        (b"not-int", b"007"),
        (b"bytes", b"\x01\xff\r"),
        (b"lzf", &[b'a'; 30]),
        (b"lzf-long", long.as_bytes()),
        (&[b'a'; 40], b"compressed key"),
        (b"len14", len14.as_bytes()),
    ];
    assert_eq!(rows.len(), expected.len());
    for (key, value) in expected {
        assert_eq!(get(&rows, key).0, value, "{}", key.escape_ascii());
    }
}

#[test]
fn lengths_beyond_fourteen_bits() {
    let rows = read_rows(fixture("long"));
    assert_eq!(get(&rows, b"r16383").0, [b'a'; 16383]);
    assert_eq!(get(&rows, b"r16384").0, [b'a'; 16384]);
}

#[test]
fn expiries_even_those_that_have_passed() {
    let rows = read_rows(fixture("expires"));
    let expiry = |key: &[u8]| get(&rows, key).1.expires_at_ms;
    assert_eq!(expiry(b"forever"), None);
    assert_eq!(expiry(b"far"), Some(4_102_444_800_123));
    assert_eq!(expiry(b"near"), Some(1_900_000_000_000));
    assert!(expiry(b"past").unwrap() < 1_900_000_000_000);
}

#[test]
fn databases_and_their_sizes() {
    let (events, error) = read_events(fixture("databases"), ReaderOptions::default());
    assert_eq!(error, None);
    let mut keys: Vec<_> =
        common::rows(&events).into_iter().map(|(db, key, value, _)| (db, key, value)).collect();
    let mut expected = vec![
        (0, b"a".to_vec(), b"0".to_vec()),
        (3, b"b".to_vec(), b"3".to_vec()),
        (15, b"c".to_vec(), b"15".to_vec()),
        (15, b"d".to_vec(), b"16".to_vec()),
    ];
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected);
    let sizes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Resize { keys, expires } => Some((*keys, *expires)),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [(1, 0), (1, 0), (2, 0)]);
}

#[test]
fn access_times_of_both_policies() {
    let rows = read_rows(fixture("lru"));
    let idle = get(&rows, b"idle").1;
    assert!(idle.idle_seconds.unwrap() >= 1 && idle.frequency.is_none() && idle.expires_at_ms.is_some());
    assert_eq!(get(&rows, b"fresh").1.idle_seconds, Some(0));
    let rows = read_rows(fixture("lfu"));
    let (cold, hot) = (get(&rows, b"cold").1, get(&rows, b"hot").1);
    assert_eq!(cold.idle_seconds, None);
    assert!(hot.frequency.unwrap() > cold.frequency.unwrap());
}

#[test]
fn a_missing_checksum_is_told() {
    let end = |options| match read_events(fixture("no-checksum"), options).0.pop() {
        Some(Event::End { checksum }) => checksum,
        other => panic!("{other:?}"),
    };
    assert_eq!(end(ReaderOptions::default()), ChecksumStatus::Disabled);
    assert_eq!(end(ReaderOptions { checksum: false, ..ReaderOptions::default() }), ChecksumStatus::Disabled);
    let (events, _) =
        read_events(fixture("empty"), ReaderOptions { checksum: false, ..ReaderOptions::default() });
    assert!(matches!(events.last(), Some(Event::End { checksum: ChecksumStatus::Skipped(_) })));
    let (events, _) = read_events(fixture("empty"), ReaderOptions::default());
    assert!(matches!(events.last(), Some(Event::End { checksum: ChecksumStatus::Verified(_) })));
}

#[test]
fn functions_and_header_fields() {
    let (events, error) = read_events(fixture("functions"), ReaderOptions::default());
    assert_eq!(error, None);
    assert_eq!(events[0], Event::Version(FileVersion { lineage: Lineage::Redis, number: 10 }));
    let names: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Aux { name, .. } => Some(String::from_utf8(name.clone()).unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["redis-ver", "redis-bits", "ctime", "used-mem", "aof-base"]);
    assert!(events.iter().any(
        |event| matches!(event, Event::FunctionLibrary { code } if code.starts_with(b"#!lua name=mylib\n"))
    ));
}

#[test]
fn a_type_that_is_not_served_is_named_with_its_key() {
    let mut file = fixture("hash").to_vec();
    let type_at = file.windows(3).position(|bytes| bytes == b"\x10\x01h").unwrap();
    file[type_at] = 7;
    let (events, error) = read_events(&file, ReaderOptions::default());
    let error = error.unwrap();
    let ErrorKind::UnservedModule { module } = error.kind() else { panic!("{error}") };
    assert_eq!(module.name().len(), 9);
    assert_eq!(error.object_type().map(|object_type| object_type.name()), Some("module-value"));
    assert_eq!(error.key(), Some(&b"h"[..]));
    assert_eq!(error.activity(), Activity::ReadObjectValue);
    let record = error.record_offset() as usize;
    assert_eq!(record, type_at);
    assert_eq!(error.offset() as usize, record + 3);
    assert!(error.to_string().contains("module-value") && error.to_string().contains("\"h\""));
    // What stands before it was delivered.
    assert!(common::rows(&events).iter().all(|row| row.1 == b"before"));
}

#[test]
fn what_follows_the_file_is_given_back() {
    let tail = b"*1\r\n$4\r\nPING\r\n".repeat(1000);
    for (buffer_bytes, total) in [(64, false), (1 << 20, false), (64, true), (1 << 20, true)] {
        let input = [fixture("aof-base"), &tail].concat();
        let total_bytes = total.then_some(input.len() as u64);
        let mut reader =
            Reader::new(&input[..], ReaderOptions { buffer_bytes, total_bytes, ..ReaderOptions::default() });
        let mut base = false;
        loop {
            match reader.next_event().unwrap() {
                Event::Aux { name, value } if name == b"aof-base" => base = value == b"1",
                Event::Key(record) => assert_eq!(content(&record.value), b"v"),
                Event::End { .. } => break,
                _ => {}
            }
        }
        assert!(base);
        assert!(matches!(reader.next_event(), Ok(Event::End { .. })));
        let remainder = reader.into_remainder();
        assert_eq!(remainder.offset, fixture("aof-base").len() as u64);
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut remainder.into_read(), &mut rest).unwrap();
        assert_eq!(rest, tail);
    }
}

/// A file put together by hand.
fn assemble(magic: &[u8; 9], body: &[u8], checksum: bool) -> Vec<u8> {
    let mut file = [magic, body, b"\xff"].concat();
    if checksum {
        file.extend(Checksum::of(&file).to_le_bytes());
    }
    file
}

#[test]
fn expiries_in_seconds_of_old_files() {
    let body = b"\xfe\x00\xfd\x00\xf1\x53\x65\x00\x01k\x01v\xfd\xff\xff\xff\xff\x00\x01j\x01w";
    let file = assemble(b"REDIS0002", body, false);
    let (events, error) = read_events(&file, ReaderOptions::default());
    assert_eq!(error, None);
    let rows = common::rows(&events);
    assert_eq!(rows[0].3.expires_at_ms, Some(0x6553_f100 * 1000));
    assert_eq!(rows[1].3.expires_at_ms, Some(-1000));
    assert_eq!(events.last(), Some(&Event::End { checksum: ChecksumStatus::Absent }));
}

#[test]
fn every_version_from_one_to_fourteen_and_those_of_valkey() {
    let body = b"\xfe\x00\x00\x01k\x01v";
    for number in 1..=14 {
        let magic = format!("REDIS{number:04}");
        let file = assemble(magic.as_bytes().try_into().unwrap(), body, number >= 5);
        assert_eq!(read_rows(&file).len(), 1, "{magic}");
    }
    assert_eq!(read_rows(&assemble(b"VALKEY080", body, true)).len(), 1);
    assert_eq!(read_rows(&assemble(b"VALKEY081", body, true)).len(), 1);
    for magic in [b"REDIS0000", b"REDIS0015", b"REDIS0080", b"VALKEY082", b"VALKEY011"] {
        let (_, error) = read_events(&assemble(magic, body, true), ReaderOptions::default());
        assert!(matches!(error.unwrap().kind(), ErrorKind::UnsupportedVersion { .. }));
    }
}

#[test]
fn records_that_carry_no_data_for_us_are_passed_over() {
    let mut body = Vec::new();
    // A module's data, a slot's sizes, and AUX fields between an expiry and its key.
    body.extend(b"\xf7\x81\x00\x00\x00\x00\x00\x00\x04\x01\x02\x01\x02\x05\x05\x03abc\x00");
    body.extend(b"\xfe\x00\xf4\x05\x01\x00\xfb\x01\x01\xfc\x01\x00\x00\x00\x00\x00\x00\x00");
    body.extend(b"\xfa\x01%\x01x\x00\x01k\x01v");
    // -1 stands for no expiry; numbers may be longer than they need to be; blocks of a database may repeat.
    body.extend(b"\xfe\x80\x00\x00\x00\x00\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x00\x40\x01j\x01w");
    let file = assemble(b"REDIS0012", &body, true);
    let (events, error) = read_events(&file, ReaderOptions::default());
    assert_eq!(error, None);
    let rows = common::rows(&events);
    assert_eq!(rows[0].3.expires_at_ms, Some(1));
    assert_eq!(rows[1].3.expires_at_ms, None);
    assert!(events.iter().any(|event| matches!(event, Event::SlotInfo { slot: 5, keys: 1, expires: 0 })));
    assert!(events.iter().any(
        |event| matches!(event, Event::ModuleAux { module, when: 1, .. } if module.name() == "AAAAAAAAB")
    ));
}

#[test]
fn records_that_must_be_understood_are_refused() {
    let refused = |body: &[u8]| {
        let (_, error) = read_events(&assemble(b"REDIS0012", body, true), ReaderOptions::default());
        error.unwrap()
    };
    assert_eq!(refused(b"\xf6").kind(), &ErrorKind::PreReleaseFunctions);
    assert_eq!(refused(b"\xf3").kind(), &ErrorKind::UnservedOpcode { opcode: 243 });
    assert_eq!(refused(b"\xf2").kind(), &ErrorKind::UnknownType { number: 242 });
    let unknown = refused(b"\xfe\x00\x63\x03abc\x00");
    assert_eq!(unknown.kind(), &ErrorKind::UnknownType { number: 99 });
    assert_eq!((unknown.key(), unknown.offset()), (Some(&b"abc"[..]), 12));
    for (number, name) in [(7, "module-value"), (21, "stream-v3"), (25, "hash-listpack-md")] {
        let error = refused(&[number, 1, b'k', 0]);
        assert_eq!(error.object_type().map(|object_type| object_type.name()), Some(name));
    }
}

#[test]
fn what_is_beyond_this_reader_is_told_with_its_writer_and_its_readers() {
    let text = |magic: &[u8; 9], body: &[u8]| {
        let (_, error) = read_events(&assemble(magic, body, true), ReaderOptions::default());
        let error = error.unwrap();
        assert!(error.is_beyond_this_reader());
        error.to_string()
    };
    let redis = b"\xfa\x09redis-ver\x058.8.1";
    let valkey = b"\xfa\x0avalkey-ver\x059.2.0";
    let after = |header: &[u8], record: &[u8]| [header, b"\xfe\x00", record].concat();
    assert_eq!(
        text(b"REDIS0014", &after(redis, b"\x1c\x07numbers\x00")),
        "values of type 28 (array) are not supported; at offset 37, in the record at offset 28, doing \
         read-object-value, type 28 (array), key \"numbers\"; a file of RDB version 14, written by Redis 8.8.1; can be \
         read by Redis 8.8 and newer"
    );
    for (magic, body, parts) in [
        (
            b"REDIS0013",
            after(redis, b"\x1a\x01k\x00"),
            ["key \"k\"", "by Redis 8.8.1", "by Redis 8.6 and newer"],
        ),
        (b"REDIS0013", after(redis, b"\xf3\x01"), ["opcode 243", "by Redis 8.8.1", "by Redis 8.6 and newer"]),
        (
            b"VALKEY080",
            after(valkey, b"\xf3\x01"),
            ["opcode 243", "by Valkey 9.2.0", "by Valkey 9.0 and newer"],
        ),
        (b"VALKEY081", after(valkey, b"\xf2\x01"), ["opcode 242", "81 (Valkey)", "by Valkey 9.2 and newer"]),
        (b"VALKEY081", after(valkey, b"\x17\x01k"), ["path-hash", "key \"k\"", "by Valkey 9.2 and newer"]),
        (b"REDIS0011", after(redis, b"\x63\x01k"), ["opcode 99", "key \"k\"", "read by Redis 8.8.1, if"]),
        (
            b"REDIS0011",
            after(redis, b"\x07\x01k\x81\x00\x00\x00\x00\x00\x00\x04\x01\x00"),
            ["the module AAAAAAAAB (version 1)", "key \"k\"", "that has loaded the module of AAAAAAAAB"],
        ),
        (
            b"REDIS0020",
            Vec::new(),
            ["Redis RDB version 20 is not", "at offset 9", "by a Redis newer than 8.8"],
        ),
        (b"VALKEY099", Vec::new(), ["Valkey RDB version 99 is", "at offset 9", "by a Valkey newer than 9.2"]),
    ] {
        let text = text(magic, &body);
        for part in parts {
            assert!(text.contains(part), "no {part:?} in: {text}");
        }
    }
    // Damage is no matter of versions.
    let (_, error) = read_events(b"REDIS0011\xfe\x00\x00\x05k", ReaderOptions::default());
    assert!(!error.unwrap().is_beyond_this_reader());
}
