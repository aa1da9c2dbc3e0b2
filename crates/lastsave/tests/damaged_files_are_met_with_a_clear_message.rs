//! Damage to files is met by a start that loses nothing of what was acknowledged, or by a refusal that says which file is
//! damaged where, and that changes nothing.

mod harness;

use std::path::{Path, PathBuf};

use harness::samples::noise;
use harness::{Instance, Program, files, temporary_directory};
use tempfile::TempDir;

const FRAMED: &[&str] = &["--appendonly", "yes", "--appendfsync", "always", "--aof-prepare", "no"];
const UNFRAMED: &[&str] = &["--appendonly", "yes", "--aof-frames", "no"];
const DUMP_ONLY: &[&str] = &["--appendonly", "no"];

/// A directory with a log of `records` records; killed, or ended in order.
fn log(arguments: &[&str], records: usize, killed: bool) -> TempDir {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), arguments);
    let mut client = server.client();
    for record in 0..records {
        assert_eq!(client.run(&format!("SET key:{record} {record}")), "OK");
    }
    if killed {
        server.kill();
    } else {
        server.shut_down("NOSAVE");
    }
    directory
}

/// A directory with a dump of `keys` keys.
fn dump(keys: usize) -> TempDir {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--rdbcompression", "no"]);
    let mut client = server.client();
    for key in 0..keys {
        assert_eq!(client.run(&format!("SET key:{key} value-of-key-{key}")), "OK");
    }
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    directory
}

/// Starts a server that must refuse, with exit code 1 and without touching any file. Gives what it printed.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let before = files::contents(directory);
    let mut server = Instance::launch(Program::Lastsave, directory, arguments);
    let printed = match server.wait_until_ready() {
        Ok(()) => panic!("the server has started:\n{}", server.log_text()),
        Err(printed) => printed,
    };
    assert_eq!(server.wait().code(), Some(1), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    let after = files::contents(directory);
    let names =
        |files: &std::collections::BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before), "files came or went:\n{printed}");
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{} was changed:\n{printed}", path.display());
    }
    printed
}

/// Like [`refused`], and the message has these parts.
fn refused_saying(directory: &Path, arguments: &[&str], parts: &[&str]) {
    let printed = refused(directory, arguments);
    for part in parts {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

/// Starts a server that must get over it: the first `records` keys are there and no others, it can be written to, and
/// what is written is there after a kill and another start. Gives what it printed at its first start.
fn starts_with(directory: &Path, arguments: &[&str], records: usize) -> String {
    let mut server = Instance::lastsave(directory, arguments);
    let printed = server.log_text();
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE"), format!(":{records}"), "{printed}");
    for record in 0..records {
        assert_eq!(client.run(&format!("GET key:{record}")), record.to_string(), "{printed}");
    }
    assert_eq!(client.run("SET after:the:damage 1"), "OK");
    server.kill();
    let server = Instance::lastsave(directory, arguments);
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE"), format!(":{}", records + 1));
    assert_eq!(client.run("GET after:the:damage"), "1");
    assert_eq!(client.run("DEL after:the:damage"), ":1");
    printed
}

/// What was set aside, by name.
fn side_files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let log = directory.join("appendonlydir");
    let names = files::names(&log).into_iter().filter(|name| name.starts_with("cut-tail-of-"));
    names.map(|name| (name.clone(), files::read(&log.join(name)))).collect()
}

/// Offset of the record that sets a key.
fn offset_of(bytes: &[u8], key: &str) -> usize {
    let record = format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n", key.len());
    bytes
        .windows(record.len())
        .position(|window| window == record.as_bytes())
        .expect("the record is in the file")
}

#[test]
fn a_log_cut_at_any_byte_starts_with_whole_records() {
    for arguments in [FRAMED, UNFRAMED] {
        let source = log(arguments, 6, true);
        let name = files::last_increment(source.path());
        let bytes = files::read(&name);
        let from = offset_of(&bytes, "key:3");
        let ends: Vec<usize> = (0..6).map(|record| offset_of(&bytes, &format!("key:{record}"))).collect();
        // Every byte of one record with its frame, and some of the others.
        let step_from = offset_of(&bytes, "key:4");
        for length in (from..=step_from).step_by(5).chain((step_from..bytes.len()).step_by(23)) {
            let directory = temporary_directory();
            files::copy_directory(source.path(), directory.path());
            files::set_length(&files::last_increment(directory.path()), length);
            let mut server = Instance::lastsave(directory.path(), arguments);
            let printed = server.log_text();
            let keys: usize = server.client().run("DBSIZE")[1..].parse().unwrap();
            // A record counts from where its bytes, or the frame behind them, are complete.
            let started = ends.iter().filter(|start| **start < length).count();
            assert!(keys == started || keys + 1 == started, "{keys} keys in {length} bytes:\n{printed}");
            for key in 0..keys {
                assert_eq!(server.client().run(&format!("GET key:{key}")), key.to_string());
            }
        }
    }
}

#[test]
fn a_torn_tail_is_set_aside_and_told() {
    for (arguments, killed) in [(FRAMED, true), (FRAMED, false), (UNFRAMED, true)] {
        let directory = log(arguments, 5, killed);
        let path = files::last_increment(directory.path());
        let length = files::read(&path).len();
        let tail = b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$100\r\nhalf";
        files::append(&path, tail);
        let printed = starts_with(directory.path(), arguments, 5);
        let side = side_files(directory.path());
        assert_eq!(side.len(), 1, "{side:?}");
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(side[0].0.starts_with(&format!("cut-tail-of-{name}-at-{length}-")), "{side:?} {length}");
        assert_eq!(side[0].1, tail);
        assert!(printed.contains(&name) && printed.contains(&length.to_string()), "{printed}");
        let goes_on = files::last_increment(directory.path()) == path;
        assert!(goes_on == (arguments == UNFRAMED) && (goes_on || files::read(&path).len() == length));
    }
}

#[test]
fn redis_words_are_used_for_a_tail_that_redis_tore() {
    let directory = log(UNFRAMED, 5, true);
    let path = files::last_increment(directory.path());
    let length = files::read(&path).len();
    files::append(&path, b"*3\r\n$3\r\nSE");
    let printed = starts_with(directory.path(), UNFRAMED, 5);
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    for line in [
        format!("!!! Warning: short read while loading the AOF file {name}!!!"),
        format!("!!! Truncating the AOF {name} at offset {length} !!!"),
        format!("AOF {name} loaded anyway because aof-load-truncated is enabled"),
    ] {
        assert!(printed.contains(&line), "no {line:?} in\n{printed}");
    }
}

#[test]
fn a_tail_of_zeros_is_cut() {
    for killed in [true, false] {
        let directory = log(FRAMED, 5, killed);
        let path = files::last_increment(directory.path());
        let length = files::read(&path).len();
        files::append(&path, &[0; 8192]);
        starts_with(directory.path(), FRAMED, 5);
        assert_eq!(files::read(&path).len(), length);
    }
}

#[test]
fn a_last_block_of_zeros_is_cut() {
    // As after a power failure that left the new length, but not the bytes.
    let directory = log(&["--appendonly", "yes", "--appendfsync", "no"], 5, true);
    let path = files::last_increment(directory.path());
    let bytes = files::read(&path);
    let from = offset_of(&bytes, "key:4");
    files::overwrite(&path, from, &vec![0; bytes.len() - from]);
    starts_with(directory.path(), FRAMED, 4);
}

#[test]
fn a_tail_of_garbage_is_set_aside() {
    for killed in [true, false] {
        let directory = log(FRAMED, 5, killed);
        let path = files::last_increment(directory.path());
        let garbage = noise(1, 5000);
        files::append(&path, &garbage);
        starts_with(directory.path(), FRAMED, 5);
        assert_eq!(side_files(directory.path())[0].1, garbage);
    }
}

#[test]
fn half_a_transaction_is_set_aside() {
    let half = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1\r\n1\r\n";
    for arguments in [FRAMED, UNFRAMED] {
        let directory = log(arguments, 5, true);
        files::append(&files::last_increment(directory.path()), half);
        starts_with(directory.path(), arguments, 5);
        assert_eq!(side_files(directory.path())[0].1, half);
    }
}

#[test]
fn half_a_transaction_of_ours_is_set_aside() {
    for arguments in [FRAMED, UNFRAMED] {
        let directory = log(arguments, 5, true);
        let server = Instance::lastsave(directory.path(), arguments);
        let mut client = server.client();
        for words in ["MULTI", "SET left 1", "SET right 1"] {
            client.run(words);
        }
        assert_eq!(client.run("EXEC"), "[OK OK]");
        server.kill();
        let path = files::last_increment(directory.path());
        let bytes = files::read(&path);
        files::set_length(&path, offset_of(&bytes, "right") + 20);
        starts_with(directory.path(), arguments, 5);
    }
}

#[test]
fn a_short_frame_is_a_torn_tail() {
    let directory = log(&["--appendonly", "yes", "--appendfsync", "no"], 5, true);
    let path = files::last_increment(directory.path());
    let bytes = files::read(&path);
    files::set_length(&path, bytes.len() - 7);
    starts_with(directory.path(), FRAMED, 4);
}

#[test]
fn with_aof_load_truncated_no_nothing_is_cut() {
    let tails: [&[u8]; 4] =
        [b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$100\r\nhalf", &[0; 100], b"*1\r\n$5\r\nMULTI\r\n", b"*"];
    for arguments in [FRAMED, UNFRAMED] {
        let source = log(arguments, 5, true);
        for tail in tails {
            if arguments == UNFRAMED && tail[0] == 0 {
                // That is no record, whatever aof-load-truncated says.
                continue;
            }
            let directory = temporary_directory();
            files::copy_directory(source.path(), directory.path());
            let path = files::last_increment(directory.path());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files::append(&path, tail);
            let refuse = [arguments, &["--aof-load-truncated", "no"]].concat();
            let text = format!(
                "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup"
            );
            refused_saying(directory.path(), &refuse, &[&text]);
            starts_with(directory.path(), arguments, 5);
        }
    }
}

#[test]
fn damage_in_the_middle_of_a_log_is_refused_with_file_and_offset() {
    let source = log(FRAMED, 20, false);
    let path = files::last_increment(source.path());
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let bytes = files::read(&path);
    let record = offset_of(&bytes, "key:7");
    // A flipped bit in a value, an overwritten record, zeros, and bytes that are missing.
    let cases: [(&str, Vec<u8>); 4] = [
        ("bit", {
            let mut bytes = bytes.clone();
            bytes[record + 30] ^= 1;
            bytes
        }),
        ("record", [&bytes[..record], &noise(1, 20), &bytes[record + 20..]].concat()),
        ("zeros", [&bytes[..record], &[0; 64], &bytes[record + 64..]].concat()),
        ("header", [&noise(1, 10), &bytes[10..]].concat()),
    ];
    for (case, damaged) in cases {
        let directory = temporary_directory();
        files::copy_directory(source.path(), directory.path());
        files::write(&files::last_increment(directory.path()), &damaged);
        if case == "header" {
            // Without its header the file looks like one of Redis.
            let place = format!("AOF file {name} cannot be read at offset 0");
            refused_saying(directory.path(), FRAMED, &[&place]);
        } else {
            let place = format!("corruption in '{name}' at offset {record}");
            refused_saying(directory.path(), FRAMED, &[&place, "nothing has been cut"]);
        }
    }
}

#[test]
fn damage_in_a_log_without_frames_is_refused_in_redis_words() {
    let source = log(UNFRAMED, 20, false);
    let path = files::last_increment(source.path());
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let bytes = files::read(&path);
    let record = offset_of(&bytes, "key:7");
    for (at, damage) in [(record, &b"+"[..]), (record + 4, b"%"), (record, &[0; 8]), (record + 1, b"x")] {
        let directory = temporary_directory();
        files::copy_directory(source.path(), directory.path());
        files::overwrite(&files::last_increment(directory.path()), at, damage);
        let text = format!(
            "Bad file format reading the append only file {name}: make a backup of your AOF file, then use \
             ./redis-check-aof --fix <filename.manifest>"
        );
        refused_saying(directory.path(), UNFRAMED, &[&text]);
    }
    // Garbage behind the last record is no truncation either.
    files::append(&path, b"garbage that goes on for a while\r\n");
    let text = format!("Bad file format reading the append only file {name}");
    refused_saying(source.path(), UNFRAMED, &[&text]);
    starts_with(source.path(), &[UNFRAMED, &["--aof-load-corrupt-tail-max-size", "1kb"]].concat(), 20);
}

#[test]
fn an_earlier_file_that_ends_early_is_refused_every_time() {
    for arguments in [FRAMED, UNFRAMED] {
        let directory = log(arguments, 5, true);
        let log = directory.path().join("appendonlydir");
        let first = files::last_increment(directory.path());
        // A second increment, as a rewrite leaves it that never came to its end.
        let server = Instance::lastsave(
            directory.path(),
            &[arguments, &["--rdb-key-save-delay", "10000000"]].concat(),
        );
        let mut client = server.client();
        assert!(client.run("BGREWRITEAOF").ends_with("started"));
        assert_eq!(client.run("SET key:5 5"), "OK");
        server.kill();
        assert_ne!(files::last_increment(directory.path()), first);
        let bytes = files::read(&first);
        files::set_length(&first, bytes.len() - 10);
        let name = first.file_name().unwrap().to_string_lossy().into_owned();
        for _ in 0..2 {
            let printed = refused(directory.path(), arguments);
            let expected = if arguments == FRAMED {
                "corruption in '"
            } else {
                "the truncated file is not the last file"
            };
            assert!(printed.contains(expected) && printed.contains(&name), "{printed}");
        }
        files::write(&log.join(name), &bytes);
        starts_with(directory.path(), arguments, 6);
    }
}

#[test]
fn a_damaged_manifest_is_refused() {
    const BASE: &str = "file appendonly.aof.1.base.rdb seq 1 type b\n";
    const INCREMENT: &str = "file appendonly.aof.1.incr.aof seq 1 type i\n";
    let source = log(FRAMED, 5, true);
    let long = format!("{BASE}file {} seq 1 type i\n", "x".repeat(1100));
    let cases: [(&str, String); 14] = [
        ("Found an empty AOF manifest", String::new()),
        ("Invalid AOF manifest file format", format!("{BASE}file appendonly.aof.1.incr.aof seq 1\n")),
        ("Invalid AOF manifest file format", format!("{BASE}file appendonly.aof.1.incr.aof seq 0 type i\n")),
        ("Invalid AOF manifest file format", format!("{BASE}file appendonly.aof.1.incr.aof seq x type i\n")),
        ("Invalid AOF manifest file format", format!("{BASE}name appendonly.aof.1.incr.aof seq 1 type i\n")),
        (
            "Invalid AOF manifest file format",
            format!("{BASE}file \"appendonly.aof.1.incr.aof seq 1 type i\n"),
        ),
        ("Invalid AOF manifest file format", format!("{BASE}\n{INCREMENT}")),
        ("Invalid AOF manifest file format", "garbage\n".to_owned()),
        (
            "File can't be a path, just a filename",
            format!("{BASE}file ../appendonly.aof.1.incr.aof seq 1 type i\n"),
        ),
        ("Found duplicate base file information", format!("{BASE}{BASE}{INCREMENT}")),
        ("Found a non-monotonic sequence number", format!("{BASE}{INCREMENT}{INCREMENT}")),
        ("Unknown AOF file type", format!("{BASE}file appendonly.aof.1.incr.aof seq 1 type x\n")),
        ("The AOF manifest file contains too long line", long),
        ("AOF manifest", format!("{BASE}{}", INCREMENT.trim_end())),
    ];
    for (text, manifest) in cases {
        let directory = temporary_directory();
        files::copy_directory(source.path(), directory.path());
        files::write(&directory.path().join("appendonlydir/appendonly.aof.manifest"), manifest.as_bytes());
        let printed = refused(directory.path(), FRAMED);
        for part in ["*** FATAL AOF MANIFEST FILE ERROR ***", text] {
            assert!(printed.contains(part), "{manifest:?}: no {part:?} in\n{printed}");
        }
    }
}

#[test]
fn a_manifest_may_be_written_by_hand() {
    let directory = log(FRAMED, 5, true);
    let manifest = "# by hand\nTYPE b future value FILE \"appendonly.aof.1.base.rdb\" SEQ 1\n\
                    file 'appendonly.aof.1.incr.aof'   seq 1x type incremental\r\n";
    files::write(&directory.path().join("appendonlydir/appendonly.aof.manifest"), manifest.as_bytes());
    starts_with(directory.path(), FRAMED, 5);
}

#[test]
fn data_without_a_manifest_is_refused() {
    for arguments in [FRAMED, UNFRAMED] {
        let directory = log(arguments, 5, true);
        let manifest = directory.path().join("appendonlydir/appendonly.aof.manifest");
        let text = files::read(&manifest);
        files::remove(&manifest);
        refused_saying(
            directory.path(),
            arguments,
            &[
                "no manifest",
                "appendonly.aof.1.incr.aof",
                "Refusing to start with an empty data set",
                "check-aof",
            ],
        );
        // Comments alone list nothing either.
        files::write(&manifest, b"# nothing\n");
        refused_saying(directory.path(), arguments, &["Refusing to start with an empty data set"]);
        files::write(&manifest, &text);
        starts_with(directory.path(), arguments, 5);
    }
}

#[test]
fn a_missing_file_is_refused() {
    for which in [files::base, files::last_increment] {
        let directory = log(FRAMED, 5, true);
        let path = which(directory.path());
        let bytes = files::read(&path);
        files::remove(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = format!("Unable to obtain the AOF file {name} length. stat: No such file or directory");
        refused_saying(directory.path(), FRAMED, &[&text]);
        files::write(&path, &bytes);
        starts_with(directory.path(), FRAMED, 5);
    }
}

#[test]
fn a_damaged_base_is_refused() {
    let source = log(FRAMED, 5, true);
    let server = Instance::lastsave(source.path(), FRAMED);
    let mut client = server.client();
    assert!(client.run("BGREWRITEAOF").ends_with("started"));
    harness::eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    server.kill();
    let name = files::base(source.path());
    let bytes = files::read(&name);
    let name = name.file_name().unwrap().to_string_lossy().into_owned();
    let mut flipped = bytes.clone();
    let key = bytes.windows(5).position(|window| window == b"key:3").unwrap();
    flipped[key + 4] ^= 1;
    for (text, damaged) in [
        ("Wrong RDB checksum expected", flipped),
        ("Short read or OOM loading DB", bytes[..bytes.len() / 2].to_vec()),
        ("Short read or OOM loading DB", bytes[..bytes.len() - 3].to_vec()),
    ] {
        let directory = temporary_directory();
        files::copy_directory(source.path(), directory.path());
        files::write(&files::base(directory.path()), &damaged);
        let aborted = format!("Error reading the RDB base file {name}, AOF loading aborted");
        refused_saying(directory.path(), FRAMED, &[text, &aborted]);
    }
}

#[test]
fn a_command_that_is_not_known_is_named() {
    let directory = log(UNFRAMED, 5, true);
    let path = files::last_increment(directory.path());
    files::append(&path, b"*2\r\n$11\r\nnosuchthing\r\n$1\r\nx\r\n");
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = format!("Unknown command 'nosuchthing' reading the append only file {name}");
    refused_saying(directory.path(), UNFRAMED, &[&text]);
}

#[test]
fn a_damaged_dump_is_refused() {
    let source = dump(20);
    let bytes = files::read(&source.path().join("dump.rdb"));
    let place = bytes.windows(5).position(|window| window == b"key:7").unwrap();
    let changed = |at: usize, with: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("Wrong signature trying to load DB from file", b"this is no dump at all, but a text".to_vec()),
        ("Wrong signature trying to load DB from file", noise(3, 1000)),
        ("Short read or OOM loading DB", Vec::new()),
        ("Short read or OOM loading DB", b"REDIS00".to_vec()),
        ("Short read or OOM loading DB", bytes[..bytes.len() / 2].to_vec()),
        ("Short read or OOM loading DB", bytes[..bytes.len() - 1].to_vec()),
        ("Wrong RDB checksum expected", changed(place, b"KEY")),
        ("Wrong RDB checksum expected", changed(bytes.len() - 1, &[bytes[bytes.len() - 1] ^ 0x55])),
        ("Can't handle RDB format version 99", changed(5, b"0099")),
        ("Invalid object type: 238", changed(place - 2, &[238])),
    ];
    for (text, damaged) in cases {
        let directory = temporary_directory();
        files::write(&directory.path().join("dump.rdb"), &damaged);
        // As in Redis, scripts can tell a file that is not meant for this server from one that is damaged.
        let is_foreign = text.starts_with("Wrong signature") || text.starts_with("Can't handle");
        let last_line = if is_foreign {
            "Fatal error loading the DB, check server logs. Exiting."
        } else {
            "Terminating server after rdb file reading failure."
        };
        refused_saying(directory.path(), DUMP_ONLY, &[text, "The file dump.rdb was not changed", last_line]);
        // Nor is it passed over when it would become the base of a log.
        let printed = refused(directory.path(), FRAMED);
        assert!(printed.contains(text), "{printed}");
    }
}

#[test]
fn a_dump_that_is_a_directory_is_refused() {
    let directory = temporary_directory();
    files::make_directory(&directory.path().join("dump.rdb"));
    let printed = refused(directory.path(), DUMP_ONLY);
    assert!(printed.contains("dump.rdb") && printed.contains("Is a directory"), "{printed}");
}

#[test]
fn a_type_that_is_not_served_is_named_with_its_key() {
    let directory = temporary_directory();
    // The value of a module.
    let dump = b"REDIS0011\xfe\x00\x07\x0asome:graph\x81\x01\x02\x03\x04\x05\x06\x07\x08\x00";
    files::write(&directory.path().join("dump.rdb"), dump);
    let printed = refused(directory.path(), DUMP_ONLY);
    assert!(printed.contains("some:graph") && printed.contains("module"), "{printed}");
    assert!(printed.contains("Terminating server after rdb file reading failure."), "{printed}");
}
