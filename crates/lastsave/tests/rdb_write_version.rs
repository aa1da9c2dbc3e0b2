//! What the version of the RDB format in use cannot hold is refused when it would come into being, and not left out of
//! the next save.

mod harness;

use std::path::Path;

use harness::samples::{fill, fingerprint};
use harness::{Instance, eventually, files, temporary_directory};
use tempfile::TempDir;

const VERSIONS: [&str; 4] = ["9", "10", "11", "12"];

fn with_version<'a>(version: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--rdb-write-version", version], more].concat()
}

/// Starts a server that must refuse to start, and gives what it prints.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let before = files::contents(directory);
    let mut server = Instance::launch(harness::Program::Lastsave, directory, arguments);
    let status = server.wait();
    assert_eq!(status.code(), Some(1), "{}", server.log_text());
    assert_eq!(files::contents(directory), before, "a refusal changes no file");
    server.log_text()
}

/// A directory in which a field expires: in the dump, or in the log.
fn with_an_expiring_field(arguments: &[&str], last: &str) -> TempDir {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &with_version("12", arguments));
    let mut client = server.client();
    assert_eq!(client.run("HSET plain f v"), ":1");
    assert_eq!(client.run("HSET session:1 token abc name x"), ":2");
    assert_eq!(client.run("HPEXPIREAT session:1 4102444800000 FIELDS 1 token"), "[:1]");
    assert_eq!(client.run(last), "OK");
    server.kill();
    directory
}

#[test]
fn fields_expire_only_with_a_version_that_can_hold_it() {
    for version in VERSIONS {
        let directory = temporary_directory();
        let server = Instance::lastsave(directory.path(), &with_version(version, &[]));
        let mut client = server.client();
        assert_eq!(client.run("HSET h f v"), ":1");
        for command in
            ["HEXPIRE h 100", "HPEXPIRE h 100000", "HEXPIREAT h 4102444800", "HPEXPIREAT h 4102444800000"]
        {
            let answer = client.run(&format!("{command} FIELDS 1 f"));
            if version == "12" {
                assert_eq!(answer, "[:1]");
            } else {
                assert!(
                    answer.starts_with("-ERR fields can expire only with 'rdb-write-version 12'"),
                    "{answer}"
                );
            }
        }
        let lower = client.run("CONFIG SET rdb-write-version 11");
        if version == "12" {
            assert!(lower.contains("hash fields expire, and older versions"), "{lower}");
            assert_eq!(client.run("HPERSIST h FIELDS 1 f"), "[:1]");
            assert_eq!(client.run("CONFIG SET rdb-write-version 11"), "OK");
        } else {
            assert_eq!(lower, "OK");
        }
        assert_eq!(client.run("SAVE"), "OK");
        server.kill();
        let server = Instance::lastsave(directory.path(), &[]);
        assert_eq!(server.client().run("HGET h f"), "v");
    }
}

#[test]
fn a_dump_with_fields_that_expire_is_loaded_by_version_12_only() {
    let directory = with_an_expiring_field(&[], "SAVE");
    for version in ["9", "10", "11"] {
        let printed = refused(directory.path(), &with_version(version, &[]));
        for part in ["the hash 'session:1' at offset ", "start with 'rdb-write-version 12'"] {
            assert!(printed.contains(part), "no {part:?} in {printed}");
        }
    }
    let server = Instance::lastsave(directory.path(), &with_version("12", &[]));
    assert_eq!(server.client().run("HPEXPIRETIME session:1 FIELDS 2 token name"), "[:4102444800000 :-1]");
}

#[test]
fn a_log_with_fields_that_expire_is_loaded_by_version_12_only() {
    // As records, as the base of a rewrite, and as a payload of RESTORE.
    let log = &["--appendonly", "yes"];
    let records = with_an_expiring_field(log, "SET last 1");
    let commands =
        with_an_expiring_field(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"], "SET last 1");
    let restored = temporary_directory();
    {
        let server = Instance::lastsave(records.path(), &with_version("12", log));
        let payload = match server.client().command(&["DUMP", "session:1"]) {
            harness::Reply::Bulk(payload) => payload.to_vec(),
            other => panic!("{other:?}"),
        };
        let other = Instance::lastsave(restored.path(), &with_version("12", log));
        let words: [&[u8]; 4] = [b"RESTORE", b"session:1", b"0", &payload];
        assert_eq!(harness::show(&other.client().command(&words)), "OK");
        assert_eq!(other.client().run("SET last 1"), "OK");
        other.kill();
        let mut client = server.client();
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
        server.kill();
    }
    for directory in [&records, &commands, &restored] {
        let printed = refused(directory.path(), &with_version("11", log));
        for part in ["session:1", "start with 'rdb-write-version 12'"] {
            assert!(printed.contains(part), "no {part:?} in {printed}");
        }
        let server = Instance::lastsave(directory.path(), &with_version("12", log));
        assert_eq!(server.client().run("HPEXPIRETIME session:1 FIELDS 1 token"), "[:4102444800000]");
    }
}

#[test]
fn a_payload_with_fields_that_expire_is_restored_by_version_12_only() {
    let directory = with_an_expiring_field(&[], "SAVE");
    let server = Instance::lastsave(directory.path(), &with_version("12", &[]));
    let payload = match server.client().command(&["DUMP", "session:1"]) {
        harness::Reply::Bulk(payload) => payload.to_vec(),
        other => panic!("{other:?}"),
    };
    for version in VERSIONS {
        let other = temporary_directory();
        let mut server = Instance::lastsave(other.path(), &with_version(version, &[]));
        let mut client = server.client();
        let words: [&[u8]; 4] = [b"RESTORE", b"copy", b"0", &payload];
        let answer = harness::show(&client.command(&words));
        if version == "12" {
            assert_eq!(answer, "OK");
        } else {
            assert_eq!(answer, "-ERR Bad data format");
            server.wait_for_log("RESTORE of 'copy' refused: Bad data format (hash fields that expire need");
            assert_eq!(client.run("EXISTS copy"), ":0");
        }
    }
}

#[test]
fn everything_else_goes_through_every_version() {
    for version in VERSIONS {
        let directory = temporary_directory();
        let server = Instance::lastsave(directory.path(), &with_version(version, &[]));
        let mut client = server.client();
        fill(&mut client, 2);
        let expected = fingerprint(&mut client);
        assert_eq!(client.run("SAVE"), "OK");
        let magic = format!("REDIS{version:0>4}");
        assert!(files::read(&directory.path().join("dump.rdb")).starts_with(magic.as_bytes()));
        assert_eq!(client.run("DEBUG RELOAD"), "OK");
        assert_eq!(fingerprint(&mut client), expected, "version {version}");
    }
}
