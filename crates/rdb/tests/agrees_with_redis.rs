//! The real Redis loads what is written here, takes the payloads, and its check tool says what ours says.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;

use common::{
    FIXTURES, fixture,
    oracle::{Reply, Server, TemporaryDirectory, check_rdb_report, is_installed},
    read_rows, small_fixtures,
};
use lastsave_rdb::{
    CheckOptions, DumpEncoder, DumpOptions, Header, KeyMetadata, RdbVersion, ReaderOptions, StringRef,
    Writer, WriterOptions, check_rdb, decode_dump,
};

fn values() -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut random = |length: usize| -> Vec<u8> {
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    };
    let mut values: Vec<Vec<u8>> = [
        "",
        "hello",
        "0",
        "-1",
        "127",
        "128",
        "-32769",
        "2147483647",
        "2147483648",
        "-9223372036854775808",
        "007",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    values.extend([20, 21, 63, 64, 16_383, 16_384, 400_000].map(&mut random));
    values.extend([21, 30, 300, 9000, 400_000].map(|length| vec![b'a'; length]));
    values.extend([100, 1000, 50_000].map(|length| {
        (0..length / 10).flat_map(|index| format!("user:{:05}", index % 700).into_bytes()).collect()
    }));
    // Compressible beginning and end around what is not.
    values.push([vec![0; 9000], random(9000), b"abcabcabd".repeat(900)].concat());
    values
}

#[test]
fn redis_loads_our_files() {
    if !is_installed("redis-server") {
        return;
    }
    let values = values();
    for version in [RdbVersion::V9, RdbVersion::V10] {
        for (compression, checksum) in [(true, true), (false, false)] {
            let header = Header {
                redis_version: "7.2.5",
                created_unix_seconds: 1_700_000_000,
                used_memory_bytes: 1 << 30,
                replication: None,
                aof_base: false,
            };
            let options = WriterOptions { version, compression, checksum };
            let mut writer = Writer::new(Vec::new(), options, &header).unwrap();
            if version.has_functions() {
                let code =
                    b"#!lua name=mylib\nredis.register_function('f', function() return 'called' end)\n";
                writer.function_library(code).unwrap();
            }
            let mut expected = Vec::new();
            for database in [0_u64, 7] {
                writer.select_database(database).unwrap();
                writer.resize(values.len() as u64, 1).unwrap();
                for (index, value) in values.iter().enumerate() {
                    let key = match index {
                        0 => b"12345".to_vec(),
                        1 => vec![b'k'; 50],
                        _ => format!("key:{database}:{index}").into_bytes(),
                    };
                    let metadata = KeyMetadata {
                        expires_at_ms: (index % 3 == 0).then_some(4_102_444_800_000 + index as i64),
                        frequency: Some(index as u8 + 5),
                        idle_seconds: None,
                    };
                    writer.string(&key, StringRef::Bytes(value), &metadata).unwrap();
                    expected.push((database, key, value.clone(), metadata));
                }
            }
            let file = writer.finish().unwrap().inner;
            let options = ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "200mb"];
            let mut server = Server::start(Some(&file), &options);
            for (database, key, value, metadata) in &expected {
                server.command(&[b"SELECT", database.to_string().as_bytes()]);
                // The frequency first: a GET changes it.
                let frequency = server.command(&[b"OBJECT", b"FREQ", key]).integer();
                assert_eq!(Some(frequency as u8), metadata.frequency);
                assert_eq!(&server.command(&[b"GET", key]).bytes(), value, "{}", key.escape_ascii());
                let expiry = server.command(&[b"PEXPIRETIME", key]).integer();
                assert_eq!(expiry, metadata.expires_at_ms.unwrap_or(-1));
            }
            if version.has_functions() {
                assert_eq!(server.command(&[b"FCALL", b"f", b"0"]).bytes(), b"called");
            }
            // And what Redis writes of it is read here the same, whatever its order.
            let mut again: Vec<_> =
                read_rows(&server.saved()).into_iter().map(|row| (row.0, row.1, row.2)).collect();
            let mut expected: Vec<_> = expected.into_iter().map(|row| (row.0, row.1, row.2)).collect();
            again.sort();
            expected.sort();
            assert!(again == expected);
        }
    }
}

#[test]
fn redis_keeps_idle_times_of_our_files() {
    if !is_installed("redis-server") {
        return;
    }
    let options = WriterOptions { version: RdbVersion::V10, ..WriterOptions::default() };
    let mut writer = Writer::bare(Vec::new(), options).unwrap();
    let metadata = KeyMetadata { idle_seconds: Some(100_000), ..KeyMetadata::default() };
    writer.string(b"k", StringRef::Bytes(b"v"), &metadata).unwrap();
    let file = writer.finish().unwrap().inner;
    let mut server =
        Server::start(Some(&file), &["--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"]);
    let idle = server.command(&[b"OBJECT", b"IDLETIME", b"k"]).integer();
    assert!((100_000..100_100).contains(&idle), "{idle}");
}

#[test]
fn payloads_go_both_ways() {
    if !is_installed("redis-server") {
        return;
    }
    let mut server = Server::start(None, &[]);
    let mut encoder = DumpEncoder::new(RdbVersion::V10, true);
    for value in values() {
        let mut ours = Vec::new();
        encoder
            .value(&mut ours, |writer| writer.string(StringRef::Bytes(&value)))
            .expect("strings fit every version");
        assert_eq!(server.command(&[b"RESTORE", b"k", b"0", &ours, b"REPLACE"]), Reply::Line("+OK".into()));
        assert_eq!(server.command(&[b"GET", b"k"]).bytes(), value);
        let theirs = server.command(&[b"DUMP", b"k"]).bytes();
        let decoded = decode_dump(&theirs, DumpOptions::default()).unwrap();
        assert_eq!(common::content(&decoded), value);
        // Where nothing is compressed there is one form only.
        if theirs[1] != 0xc3 && ours[1] != 0xc3 {
            assert_eq!(ours, theirs);
        }
    }
}

fn lines_of_a_report(report: &[u8]) -> Vec<Vec<u8>> {
    let lines = report.split(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(b"[") || line.starts_with(b"---")).map(<[u8]>::to_vec).collect()
}

fn our_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let options = CheckOptions {
        file_name: "input.rdb",
        now_ms: now.as_millis() as i64,
        reader: ReaderOptions { total_bytes: Some(bytes.len() as u64), ..ReaderOptions::default() },
    };
    let mut report = Vec::new();
    check_rdb(bytes, &options, |line| report.extend_from_slice(&[line, b"\n"].concat()));
    // What is printed may contain line ends itself.
    lines_of_a_report(&report)
}

/// The report of redis-check-rdb without what only Redis can say: lines of its source, lines of its log.
fn their_lines(directory: &TemporaryDirectory, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let kept = lines_of_a_report(&check_rdb_report(directory, bytes)?).into_iter();
    let plain = kept.map(|line| {
        let place = b"] Internal error in RDB reading offset ";
        let arrow = b" -> ";
        let start = line.windows(place.len()).position(|part| part == place);
        let end = line.windows(arrow.len()).position(|part| part == arrow);
        match (start, end) {
            (Some(start), Some(end)) => [&line[..start + 2], &line[end + arrow.len()..]].concat(),
            _ => line,
        }
    });
    Some(plain.collect())
}

fn text(lines: &[Vec<u8>]) -> String {
    lines.iter().map(|line| format!("{}\n", line.escape_ascii())).collect()
}

#[test]
fn the_check_report_is_that_of_redis_check_rdb() {
    if !is_installed("redis-check-rdb") {
        return;
    }
    let directory = TemporaryDirectory::new();
    for (name, bytes) in FIXTURES.iter().filter(|(name, _)| *name != "hash") {
        let theirs = their_lines(&directory, bytes).unwrap();
        assert_eq!(text(&our_lines(bytes)), text(&theirs), "{name}");
    }
    for name in ["strings", "expires", "functions"] {
        let bytes = fixture(name);
        for cut in (0..bytes.len()).step_by(if name == "strings" { 4 } else { 2 }) {
            let theirs = their_lines(&directory, &bytes[..cut]).unwrap();
            assert_eq!(text(&our_lines(&bytes[..cut])), text(&theirs), "{name} cut to {cut}");
        }
    }
}

#[test]
fn the_check_report_agrees_on_damage() {
    if !is_installed("redis-check-rdb") {
        return;
    }
    let directory = TemporaryDirectory::new();
    for (name, bytes) in small_fixtures().filter(|(name, _)| ["expires", "no-checksum", "lfu"].contains(name))
    {
        for index in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[index] ^= [0x80, 0x40, 0x03, 0x08][index % 4];
            let ours = our_lines(&damaged);
            // Types not served here, and opcodes of later versions, are judged differently on purpose.
            if text(&ours).contains("not supported") || damaged.contains(&244) {
                continue;
            }
            // Redis never ends on some damage.
            let Some(theirs) = their_lines(&directory, &damaged) else { continue };
            assert_eq!(text(&ours), text(&theirs), "{name}: byte {index}");
        }
    }
}
