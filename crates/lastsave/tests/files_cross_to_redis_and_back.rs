//! A directory may be opened by Redis and by Lastsave in turn, whoever wrote it last and however that one ended.

mod harness;

use std::path::Path;

use harness::samples::{fill, fingerprint, noise};
use harness::{Instance, Program, eventually, files, has_oracle, temporary_directory};

/// What the Redis at hand can read.
const OLD_ENOUGH: [&str; 2] = ["--rdb-write-version", "10"];

fn lastsave(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::start(Program::Lastsave, directory, &[&OLD_ENOUGH, arguments].concat())
}

fn redis(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::start(Program::Redis, directory, arguments)
}

fn rewrite(server: &Instance) {
    let mut client = server.client();
    let answer = client.run("BGREWRITEAOF");
    assert!(answer.starts_with("Background append only file rewriting"), "{answer}");
    eventually("the rewrite", || {
        client.info("aof_rewrite_in_progress") == "0" && client.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}

#[test]
fn a_dump_written_here_loads_there() {
    if !has_oracle() {
        return;
    }
    for version in ["9", "10"] {
        let directory = temporary_directory();
        let server = Instance::lastsave(directory.path(), &["--rdb-write-version", version]);
        let mut client = server.client();
        fill(&mut client, 1);
        let expected = fingerprint(&mut client);
        assert_eq!(client.run("SAVE"), "OK");
        server.kill();
        let other = redis(directory.path(), &[]);
        assert_eq!(fingerprint(&mut other.client()), expected, "version {version}");
    }
}

#[test]
fn a_dump_written_here_with_other_settings_loads_there() {
    if !has_oracle() {
        return;
    }
    let settings: [&[&str]; 4] = [
        &["--rdbcompression", "no"],
        &["--rdbchecksum", "no"],
        &["--maxmemory-policy", "allkeys-lru"],
        &["--maxmemory-policy", "allkeys-lfu"],
    ];
    for setting in settings {
        let directory = temporary_directory();
        let server = lastsave(directory.path(), setting);
        let mut client = server.client();
        fill(&mut client, 1);
        let expected = fingerprint(&mut client);
        assert_eq!(client.run("BGSAVE"), "Background saving started");
        eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
        server.kill();
        let other = redis(directory.path(), &[]);
        assert_eq!(fingerprint(&mut other.client()), expected, "{setting:?}");
    }
}

#[test]
fn a_dump_written_there_loads_here() {
    if !has_oracle() {
        return;
    }
    let settings: [&[&str]; 5] = [
        &[],
        &["--rdbcompression", "no"],
        &["--rdbchecksum", "no"],
        &["--maxmemory-policy", "allkeys-lru"],
        &["--maxmemory-policy", "allkeys-lfu"],
    ];
    for setting in settings {
        let directory = temporary_directory();
        let server = redis(directory.path(), setting);
        let mut client = server.client();
        fill(&mut client, 2);
        let expected = fingerprint(&mut client);
        server.shut_down("SAVE");
        let other = lastsave(directory.path(), &[]);
        assert_eq!(fingerprint(&mut other.client()), expected, "{setting:?}");
    }
}

/// Hands one directory back and forth; each time it is checked and written to.
fn hand_over(ours: &[&str], theirs: &[&str], first: Program) {
    let directory = temporary_directory();
    let mut expected = None;
    for turn in 0..8 {
        let is_ours = turn % 2 == usize::from(first == Program::Redis);
        let server = if is_ours {
            lastsave(directory.path(), &[&["--appendonly", "yes"], ours].concat())
        } else {
            redis(directory.path(), &[&["--appendonly", "yes"], theirs].concat())
        };
        let mut client = server.client();
        let found = fingerprint(&mut client);
        if let Some(expected) = &expected {
            let who = if is_ours { "Lastsave" } else { "Redis" };
            assert_eq!(
                &found, expected,
                "turn {turn}: {who} has loaded something else ({ours:?}, {theirs:?})"
            );
        }
        fill(&mut client, turn as u64);
        // Every second pair of turns has a rewrite in it.
        if turn % 4 >= 2 {
            rewrite(&server);
            assert_eq!(client.run(&format!("SET behind:the:rewrite {turn}")), "OK");
        }
        expected = Some(fingerprint(&mut client));
        if turn % 3 == 0 {
            server.shut_down("NOSAVE");
        } else {
            server.kill();
        }
    }
}

#[test]
fn a_log_with_frames_and_prepared_space_is_handed_back_and_forth() {
    if has_oracle() {
        hand_over(&["--appendfsync", "always"], &["--appendfsync", "always"], Program::Lastsave);
    }
}

#[test]
fn a_log_with_frames_is_handed_back_and_forth() {
    if has_oracle() {
        hand_over(&["--appendfsync", "everysec"], &[], Program::Lastsave);
    }
}

#[test]
fn a_log_without_frames_is_handed_back_and_forth() {
    if has_oracle() {
        hand_over(&["--aof-frames", "no"], &["--aof-timestamp-enabled", "yes"], Program::Lastsave);
    }
}

#[test]
fn a_log_with_bases_of_commands_is_handed_back_and_forth() {
    if has_oracle() {
        let settings = ["--aof-use-rdb-preamble", "no", "--aof-timestamp-enabled", "yes"];
        hand_over(&settings, &settings, Program::Lastsave);
    }
}

#[test]
fn a_log_that_redis_began_is_handed_back_and_forth() {
    if has_oracle() {
        hand_over(&["--appendfsync", "always"], &["--aof-timestamp-enabled", "yes"], Program::Redis);
    }
}

#[test]
fn a_value_of_64_mb_crosses_in_both_files_and_both_directions() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let value = noise(64, 64 << 20);
    let set = [&b"SET"[..], b"big", &value];
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(harness::show(&client.command(&set)), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.run("SET small 1"), "OK");
    server.kill();
    // From our log, into a base of Redis; it would write one by itself as well.
    let server = redis(directory.path(), &["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]);
    let mut client = server.client();
    assert!(
        client.command(&["GET", "big"]) == harness::Reply::Bulk(value.clone()),
        "Redis has read another value"
    );
    assert_eq!(client.run("GET small"), "1");
    assert_eq!(client.run("APPEND big end"), format!(":{}", value.len() + 3));
    rewrite(&server);
    server.kill();
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("STRLEN big"), format!(":{}", value.len() + 3));
    assert_eq!(client.run(&format!("GETRANGE big {} -1", value.len())), "end");
    server.kill();
    // From our dump.
    let server = redis(directory.path(), &[]);
    assert!(
        server.client().command(&["GET", "big"]) == harness::Reply::Bulk(value),
        "Redis has read another value"
    );
}

#[test]
fn expired_keys_do_not_come_back_and_others_keep_their_time() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    for words in [
        "SET short 1 PX 300",
        "SET long 1 PXAT 4102444800123",
        "SET none 1",
        "SET lost 1 EX 100",
        "PERSIST lost",
    ] {
        let answer = client.run(words);
        assert!(!answer.starts_with('-'), "{words}: {answer}");
    }
    server.kill();
    std::thread::sleep(std::time::Duration::from_millis(400));
    for program in [Program::Redis, Program::Lastsave, Program::Redis] {
        let server = Instance::start(program, directory.path(), &["--appendonly", "yes"]);
        let mut client = server.client();
        assert_eq!(client.run("GET short"), "nil", "{program:?}");
        assert_eq!(client.run("PEXPIRETIME long"), ":4102444800123", "{program:?}");
        assert_eq!(client.run("PTTL none"), ":-1", "{program:?}");
        assert_eq!(client.run("PTTL lost"), ":-1", "{program:?}");
        server.kill();
    }
}

/// A log as Redis 6 left it.
fn old_log(directory: &Path, preamble: bool) -> String {
    let source = temporary_directory();
    let setting = if preamble { "yes" } else { "no" };
    let server = redis(source.path(), &["--appendonly", "yes", "--aof-use-rdb-preamble", setting]);
    let mut client = server.client();
    fill(&mut client, 3);
    rewrite(&server);
    fill(&mut client, 4);
    let expected = fingerprint(&mut client);
    server.shut_down("NOSAVE");
    let log = [files::read(&files::base(source.path())), files::read(&files::last_increment(source.path()))]
        .concat();
    files::write(&directory.join("appendonly.aof"), &log);
    expected
}

#[test]
fn a_log_of_one_file_is_taken_over() {
    if !has_oracle() {
        return;
    }
    for preamble in [true, false] {
        let directory = temporary_directory();
        let expected = old_log(directory.path(), preamble);
        let mut server = lastsave(directory.path(), &["--appendonly", "yes"]);
        let log = server.log_text();
        assert!(log.contains("Successfully migrated an old-style AOF file (appendonly.aof)"), "{log}");
        assert_eq!(files::names(directory.path()), ["appendonlydir"]);
        let mut client = server.client();
        assert_eq!(fingerprint(&mut client), expected, "preamble {preamble}");
        fill(&mut client, 5);
        let expected = fingerprint(&mut client);
        server.kill();
        // Both can go on with it, before and after it has got a base of the new form.
        let other = redis(directory.path(), &["--appendonly", "yes"]);
        assert_eq!(fingerprint(&mut other.client()), expected, "preamble {preamble}");
        other.kill();
        let server = lastsave(directory.path(), &["--appendonly", "yes"]);
        assert_eq!(fingerprint(&mut server.client()), expected, "preamble {preamble}");
        rewrite(&server);
        server.kill();
        let other = redis(directory.path(), &["--appendonly", "yes"]);
        assert_eq!(fingerprint(&mut other.client()), expected, "preamble {preamble}");
        eventually("the old file to go", || {
            !files::names(&directory.path().join("appendonlydir")).contains(&"appendonly.aof".to_owned())
        });
    }
}

#[test]
fn a_torn_log_of_one_file_is_taken_over() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let expected = old_log(directory.path(), true);
    files::append(&directory.path().join("appendonly.aof"), b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$100\r\nhalf");
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    assert_eq!(fingerprint(&mut server.client()), expected);
}
