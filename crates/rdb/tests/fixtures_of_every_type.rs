//! Files that redis-server 7.0.15 wrote for every type and encoding, at the limits between encodings: what they hold is
//! kept beside them as JSON lines. And damaged ones, with what is said about each.
//!
//! `LASTSAVE_WRITE_FIXTURES=1 cargo test -p lastsave-rdb --test fixtures_of_every_type` writes them again with the
//! redis-server that is installed; times of deliveries and headers then differ.
#![expect(clippy::disallowed_methods, reason = "a test keeps its fixtures in files")]

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;
#[path = "../examples/rdb_to_json/json.rs"]
mod json;

use std::fs;
use std::path::PathBuf;

use common::oracle::{Reply, Server, is_installed};
use common::{TYPE_FIXTURES, read_events};
use lastsave_rdb::{Event, RdbVersion, ReaderOptions, fuzzing};

/// What made a fixture.
struct Recipe {
    name: &'static str,
    options: &'static [&'static str],
    /// One command a line; `word*n` stands for the word n times.
    commands: &'static str,
}

const RECIPES: &[Recipe] = &[
    Recipe {
        name: "lists",
        options: &["--list-max-listpack-size", "4"],
        commands: "RPUSH one a
            RPUSH one-full-node a b c d
            RPUSH three-nodes 1 2 3 4 5 6 7 8 9
            RPUSH integers 0 127 128 -1 4095 -4096 4096 32767 -32768 32768 8388607 -8388608 8388608
            RPUSH integers 2147483647 -2147483648 2147483648 9223372036854775807 -9223372036854775808
            RPUSH no-integers 007 +1 1.0 -0 9223372036854775808
            RPUSH strings x*1 x*63 x*64",
    },
    Recipe {
        name: "lists-compressed",
        options: &["--list-max-listpack-size", "2", "--list-compress-depth", "1"],
        commands: "RPUSH inner-nodes head ab*100 cd*100 ef*100 gh*100 tail
            RPUSH long-string abc*1400",
    },
    Recipe {
        name: "lists-with-plain-nodes",
        options: &[],
        commands: "DEBUG QUICKLIST-PACKED-THRESHOLD 50b
            RPUSH plain small x*49 x*50 123
            RPUSH only-plain y*60",
    },
    Recipe {
        name: "hashes",
        options: &["--hash-max-listpack-entries", "3", "--hash-max-listpack-value", "8"],
        commands: "HSET fields-at-limit a 1 b 2 c 3
            HSET fields-beyond-limit a 1 b 2 c 3 d 4
            HSET value-at-limit f*8 x*8
            HSET value-beyond-limit field x*9
            HSET field-beyond-limit f*9 value
            HSET integers -1 127 128 70000",
    },
    Recipe {
        name: "sets",
        options: &["--set-max-intset-entries", "4"],
        commands: "SADD sixteen-bits 1 -32768 32767
            SADD thirty-two-bits 32768 -2147483648
            SADD sixty-four-bits 2147483648 -9223372036854775808
            SADD members-at-limit 1 2 3 4
            SADD members-beyond-limit 1 2 3 4 5
            SADD strings one two 3",
    },
    Recipe {
        name: "sorted-sets",
        options: &["--zset-max-listpack-entries", "4", "--zset-max-listpack-value", "8"],
        commands: "ZADD at-limit 1 a 2 b 2 c 3 d
            ZADD beyond-limit 1 a 2 b 2 c 3 d -1 e
            ZADD value-at-limit 0 m*8
            ZADD value-beyond-limit 0 m*9
            ZADD packed-scores inf a -inf b -0 c 0.1 d
            ZADD scores inf a -inf b -0 c 0.1 d 1e300 e 3.0000000000000004 f 9007199254740993 g 5e-324 h
            ZADD integers-as-members 10 1 20 200",
    },
    Recipe {
        name: "streams",
        options: &["--stream-node-max-entries", "3"],
        commands: "XADD one-entry 1-1 field value
            XADD nodes 1-1 a 1 b 2
            XADD nodes 1-2 a 3 b 4
            XADD nodes 2-0 other 5
            XADD nodes 3-0 a 6
            XADD nodes 18446744073709551615-18446744073709551614 a 7
            XDEL nodes 1-2
            XGROUP CREATE nodes readers 0
            XGROUP CREATE nodes idle $
            XGROUP CREATECONSUMER nodes readers nobody
            XREADGROUP GROUP readers alice COUNT 2 STREAMS nodes >
            XREADGROUP GROUP readers bob COUNT 1 STREAMS nodes >
            XACK nodes readers 1-1
            XADD emptied 5-5 a 1
            XDEL emptied 5-5
            XGROUP CREATE made-by-group g $ MKSTREAM
            XADD told 7-0 a 1
            XSETID told 9-0 ENTRIESADDED 100 MAXDELETEDID 8-0",
    },
    Recipe {
        name: "keys-with-times",
        options: &[],
        commands: "HSET h f v
            PEXPIREAT h 4102444800123
            SELECT 1
            RPUSH l a
            EXPIREAT l 4102444800
            SADD s 1
            PEXPIREAT s 4102444800001
            ZADD z 1 m
            XADD x 1-1 f v
            PEXPIREAT x 4102444800002
            SET k*60 compressed-key",
    },
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/types")
}

/// A command of a recipe.
fn words(line: &str) -> Vec<Vec<u8>> {
    let expanded = line.split_whitespace().map(|word| match word.split_once('*') {
        Some((text, count)) => text.repeat(count.parse().expect("a number")).into_bytes(),
        None => word.as_bytes().to_vec(),
    });
    expanded.collect()
}

/// The content of a file, one key a line, in the order of database and key.
fn lines(file: &[u8]) -> String {
    let (events, error) = read_events(file, ReaderOptions::default());
    assert_eq!(error, None);
    let (mut database, mut lines) = (0, Vec::new());
    for event in &events {
        match event {
            Event::SelectDatabase(index) => database = *index,
            Event::Key(record) => lines.push(json::key_line(database, record) + "\n"),
            _ => {}
        }
    }
    lines.sort();
    lines.concat()
}

fn digest(server: &mut Server) -> String {
    match server.command(&[b"DEBUG", b"DIGEST"]) {
        Reply::Line(digest) => digest,
        other => panic!("{other:?}"),
    }
}

#[test]
fn redis_makes_the_same_of_the_recipes_today() {
    if !is_installed("redis-server") {
        return;
    }
    let is_writing = std::env::var_os("LASTSAVE_WRITE_FIXTURES").is_some();
    for recipe in RECIPES {
        let mut server = Server::start(None, recipe.options);
        for line in recipe.commands.lines() {
            let words = words(line);
            let arguments: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let reply = server.command_of_any_reply(&arguments);
            assert!(!reply.starts_with('-'), "{line}: {reply}");
        }
        if is_writing {
            let file = server.saved();
            fs::write(folder().join(format!("{}.rdb", recipe.name)), &file).unwrap();
            fs::write(folder().join(format!("{}.jsonl", recipe.name)), lines(&file)).unwrap();
        }
        let mut loaded = Server::start(Some(&good(recipe.name)), recipe.options);
        assert_eq!(digest(&mut loaded), digest(&mut server), "{}", recipe.name);
    }
    if is_writing {
        for (name, damage, _) in DAMAGED {
            fs::write(folder().join(format!("damaged-{name}.rdb")), damage()).unwrap();
        }
    }
}

#[test]
fn they_hold_what_was_put_in() {
    for (name, file) in TYPE_FIXTURES {
        let expected = fs::read_to_string(folder().join(format!("{name}.jsonl"))).unwrap();
        assert_eq!(lines(file), expected, "{name}");
    }
    assert_eq!(TYPE_FIXTURES.len(), RECIPES.len());
}

#[test]
fn every_encoding_of_redis_7_0_is_among_them() {
    let mut types: Vec<_> = TYPE_FIXTURES
        .iter()
        .flat_map(|(_, file)| read_events(file, ReaderOptions::default()).0)
        .filter_map(|event| match event {
            Event::Key(record) => Some(record.object_type.number()),
            _ => None,
        })
        .collect();
    types.sort_unstable();
    types.dedup();
    // string, set, hash, zset-v2, intset, hash-listpack, zset-listpack, quicklist-v2, stream-v2
    assert_eq!(types, [0, 2, 4, 5, 11, 16, 17, 18, 19]);
}

#[test]
fn redis_finds_the_same_data_in_them_when_written_again() {
    if !is_installed("redis-server") {
        return;
    }
    let digest_of = |file: &[u8]| digest(&mut Server::start(Some(file), &[]));
    for (name, file) in TYPE_FIXTURES {
        let expected = digest_of(file);
        assert_ne!(expected, "0".repeat(40));
        assert_eq!(digest_of(&fuzzing::rewrite_file(file, RdbVersion::V10)), expected, "{name}");
    }
}

/// A fixture as it lies on the disk now.
fn good(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.rdb"))).expect("the fixture is there")
}

/// A good file with a part replaced by another, and the checksum made right again.
fn replaced(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    let file = good(name);
    let at = file.windows(from.len()).position(|window| window == from).expect("the part is there");
    let mut changed = [&file[..at], to, &file[at + from.len()..file.len() - 8]].concat();
    let checksum = lastsave_rdb::Checksum::of(&changed);
    changed.extend(checksum.to_le_bytes());
    changed
}

/// Makes a damaged file.
type Damage = fn() -> Vec<u8>;

/// Name, how it came about, and parts of what is said about it.
const DAMAGED: &[(&str, Damage, &[&str])] = &[
    (
        "cut-in-a-key",
        || good("hashes")[..150].to_vec(),
        &["the input ends too early", "at offset", "doing read-"],
    ),
    (
        "one-bit",
        || {
            let mut file = good("sets");
            let at = file.windows(3).position(|window| window == b"one").expect("a member");
            file[at] ^= 1;
            file
        },
        &["wrong checksum: expected", "doing check-sum"],
    ),
    (
        "huge-string",
        // The 60 times k of a compressed key, said to be 2^32-1 bytes.
        || replaced("keys-with-times", b"\xc3\x09\x3c", b"\xc3\x09\x80\xff\xff\xff\xff"),
        &["invalid compressed string (9 bytes declared to hold 4294967295)", "doing read-key"],
    ),
    (
        "huge-list",
        || replaced("lists", b"\x12\x03one", b"\x12\x03one\x81\x7f\xff\xff\xff\xff\xff\xff\xff"),
        &["key \"one\"", "type 18 (quicklist-v2)"],
    ),
    (
        "listpack-of-another-size",
        || replaced("hashes", b"\x06\x00\x81a\x02", b"\x07\x00\x81a\x02"),
        &["invalid hash", "key \"fields-at-limit\"", "type 16 (hash-listpack)"],
    ),
    (
        "stream-id-of-fifteen-bytes",
        || replaced("streams", b"\x13\x09one-entry\x01\x10", b"\x13\x09one-entry\x01\x0f"),
        &["invalid stream", "key \"one-entry\"", "type 19 (stream-v2)"],
    ),
    (
        "score-that-is-no-number",
        || replaced("sorted-sets", b"\x00\x00\x00\x00\x00\x00\xf0\x7f", b"\x01\x00\x00\x00\x00\x00\xf8\x7f"),
        &["invalid sorted set", "key \"scores\"", "type 5 (zset-v2)"],
    ),
    (
        "unknown-type",
        || replaced("sets", b"\x02\x07strings", b"\x4d\x07strings"),
        &["unknown object type or opcode 77", "key \"strings\"", "RDB version 10, written by Redis 7.0.15"],
    ),
];

#[test]
fn damaged_files_are_refused_with_their_place() {
    for (name, damage, parts) in DAMAGED {
        let file = fs::read(folder().join(format!("damaged-{name}.rdb"))).unwrap();
        assert_eq!(file, damage(), "{name} is what its description makes");
        for total_bytes in [None, Some(file.len() as u64)] {
            let (_, error) = read_events(&file, ReaderOptions { total_bytes, ..ReaderOptions::default() });
            let text = error.unwrap_or_else(|| panic!("{name} is accepted")).to_string();
            for part in *parts {
                assert!(text.contains(part), "{name}: no {part:?} in: {text}");
            }
        }
    }
}
