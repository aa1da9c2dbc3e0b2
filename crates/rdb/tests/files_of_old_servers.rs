//! Files as servers wrote them up to Redis 6.2: every version from 1 to 9, with every encoding of its time. No such
//! server is at hand, so the files are put together here; redis-server 7.0.15 reads them all and is asked, too.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;
#[path = "../examples/rdb_to_json/json.rs"]
#[expect(dead_code, reason = "the example prints more")]
mod json;

use common::oracle::{Reply, Server, is_installed};
use common::read_events;
use lastsave_rdb::{Checksum, Event, RdbVersion, ReaderOptions, fuzzing};

/// A string that is shorter than 64 bytes.
fn string(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 64);
    [&[bytes.len() as u8], bytes].concat()
}

/// A ziplist of a, 1, b, 2.
const ZIPLIST: &[u8] = b"\x15\0\0\0\x12\0\0\0\x04\0\x00\x01a\x03\xf2\x02\x01b\x03\xf3\xff";
/// A zipmap of f = 1 and g = x.
const ZIPMAP: &[u8] = b"\x02\x01f\x01\x001\x01g\x01\x00x\xff";
/// An intset of 1, 2, 3.
const INTSET: &[u8] = b"\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0";
/// The node of a stream whose one entry 1-1 has f = v.
const STREAM_NODE: &[u8] =
    b"\x1d\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\x81f\x02\0\x01\x02\x01\0\x01\0\x01\x81v\x02\x04\x01\xff";

/// First version, type, value, and the value in JSON.
fn values() -> Vec<(u8, u8, Vec<u8>, &'static str)> {
    let id = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01";
    vec![
        (1, 0, string(b"v"), r#""v""#),
        (1, 0, b"\xc1\x39\x30".to_vec(), r#""12345""#),
        (
            1,
            0,
            b"\xc3\x09\x1e\x01\x61\x61\xe0\x11\x00\x01\x61\x61".to_vec(),
            r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        ),
        (1, 1, b"\x02\x01a\xc0\x07".to_vec(), r#"["a","7"]"#),
        (1, 2, b"\x02\x01a\xc0\x07".to_vec(), r#"["a","7"]"#),
        (1, 3, b"\x03\x01a\x031.5\x01b\xfe\x01c\xff".to_vec(), r#"[["a",1.5],["b","inf"],["c","-inf"]]"#),
        (1, 4, b"\x02\x01f\x01v\xc0\x01\xc0\x02".to_vec(), r#"{"f":"v","1":"2"}"#),
        (2, 9, string(ZIPMAP), r#"{"f":"1","g":"x"}"#),
        (2, 10, string(ZIPLIST), r#"["a","1","b","2"]"#),
        (2, 11, string(INTSET), r#"["1","2","3"]"#),
        (2, 12, string(ZIPLIST), r#"[["a",1],["b",2]]"#),
        (4, 13, string(ZIPLIST), r#"{"a":"1","b":"2"}"#),
        (
            7,
            14,
            [b"\x02", &string(ZIPLIST)[..], &string(ZIPLIST)].concat(),
            r#"["a","1","b","2","a","1","b","2"]"#,
        ),
        (8, 5, b"\x01\x01m\0\0\0\0\0\0\xf8\x3f".to_vec(), r#"[["m",1.5]]"#),
        (
            9,
            15,
            [b"\x01\x10", &id[..], &string(STREAM_NODE), b"\x01\x01\x01\x00"].concat(),
            r#"{"entries":[["1-1",["f","v"]]],"last_id":"1-1","max_deleted_id":"0-0","entries_added":1,"groups":[]}"#,
        ),
    ]
}

/// A file of `version` with everything that version has, and the JSON of each value in order.
fn file(version: u8) -> (Vec<u8>, Vec<&'static str>) {
    let mut file = format!("REDIS{version:04}").into_bytes();
    if version >= 7 {
        file.extend(b"\xfa\x09redis-ver\x055.0.0\xfe\x02\xfb\x40\xff\x03");
    } else {
        file.extend(b"\xfe\x02");
    }
    let mut expected = Vec::new();
    for (index, (since, type_byte, value, text)) in values().into_iter().enumerate() {
        if since > version {
            continue;
        }
        // Times and access words as the version has them, before every third key.
        match (index % 3, version) {
            (0, ..3) => file.extend([b"\xfd", &4_000_000_000_u32.to_le_bytes()[..3], b"\x7e"].concat()),
            (0, _) => file.extend([b"\xfc", &4_102_444_800_000_i64.to_le_bytes()[..]].concat()),
            (1, 9) => file.extend(b"\xf8\x0a"),
            (2, 9) => file.extend(b"\xf9\x64"),
            _ => {}
        }
        file.push(type_byte);
        file.extend(string(format!("key:{index}").as_bytes()));
        file.extend(value);
        expected.push(text);
    }
    if version == 9 {
        // What a module keeps outside keys; it names itself, and is passed over.
        file.extend(b"\xf7\x81\0\0\0\0\0\0\x04\x01\x02\x02\x05\x03abc\x00");
    }
    file.push(0xff);
    if version >= 5 {
        let checksum = Checksum::of(&file);
        file.extend(checksum.to_le_bytes());
    }
    (file, expected)
}

#[test]
fn every_version_is_read_with_every_encoding_of_its_time() {
    for version in 1..=9 {
        let (file, expected) = file(version);
        let (events, error) = read_events(&file, ReaderOptions::default());
        assert_eq!(error, None, "version {version}");
        let found: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                Event::Key(record) => Some(json::value(&record.value)),
                _ => None,
            })
            .collect();
        assert_eq!(found, expected, "version {version}");
        let records = || {
            events.iter().filter_map(|event| match event {
                Event::Key(record) => Some(record),
                _ => None,
            })
        };
        assert!(records().any(|record| record.metadata.expires_at_ms > Some(2_000_000_000_000)));
        if version == 9 {
            assert!(records().any(|record| record.metadata.idle_seconds == Some(10)));
            assert!(records().any(|record| record.metadata.frequency == Some(100)));
            assert!(events.iter().any(|event| matches!(event, Event::ModuleAux { when: 2, .. })));
        }
    }
}

#[test]
fn redis_finds_the_same_data_in_them_as_in_what_is_written_of_them() {
    if !is_installed("redis-server") {
        return;
    }
    let digest = |file: &[u8]| match Server::start(Some(file), &[]).command(&[b"DEBUG", b"DIGEST"]) {
        Reply::Line(digest) => digest,
        other => panic!("{other:?}"),
    };
    for version in [1, 2, 4, 7, 8, 9] {
        let (mut file, _) = file(version);
        if version == 9 {
            // Redis refuses data of modules that it does not know.
            let module = file.windows(2).position(|bytes| bytes == b"\xf7\x81").expect("there is some");
            file.truncate(module);
            file.push(0xff);
            let checksum = Checksum::of(&file);
            file.extend(checksum.to_le_bytes());
        }
        let rewritten = fuzzing::rewrite_file(&file, RdbVersion::V10);
        assert_eq!(digest(&file), digest(&rewritten), "version {version}");
    }
}
