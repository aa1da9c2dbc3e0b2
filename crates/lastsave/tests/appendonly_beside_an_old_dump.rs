//! Switching the log on never leaves data behind: neither by a restart with `appendonly yes` beside an old dump, nor at
//! run time.

mod harness;

use std::path::Path;

use harness::samples::{fill, fingerprint};
use harness::{Client, Instance, Program, Workload, eventually, files, has_oracle, temporary_directory};
use tempfile::TempDir;

const LOG: &[&str] = &["--appendonly", "yes"];
const NO_LOG: &[&str] = &["--appendonly", "no"];

/// A directory with a dump and nothing else, and what is in it.
fn dump() -> (TempDir, String) {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--rdb-write-version", "10"]);
    let mut client = server.client();
    fill(&mut client, 1);
    let expected = fingerprint(&mut client);
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    assert_eq!(files::names(directory.path()), ["dump.rdb"]);
    (directory, expected)
}

fn log_is_complete(client: &mut Client) -> bool {
    client.info("aof_enabled") == "1"
        && client.info("aof_rewrite_in_progress") == "0"
        && client.info("aof_rewrite_scheduled") == "0"
}

fn found(directory: &Path, arguments: &[&str]) -> String {
    let server = Instance::lastsave(directory, arguments);
    fingerprint(&mut server.client())
}

#[test]
fn a_key_that_has_expired_in_the_dump_is_out_of_the_way_of_the_log() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), NO_LOG);
    let mut client = server.client();
    assert_eq!(client.run("SET key text PX 100"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    std::thread::sleep(std::time::Duration::from_millis(150));
    // The base of the log is the dump with everything that is in it.
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("RPUSH key element"), ":1");
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("LRANGE key 0 -1"), "[element]");
}

#[test]
fn a_dump_becomes_the_base_of_the_log() {
    for policy in ["always", "everysec"] {
        let (directory, expected) = dump();
        let arguments = ["--appendonly", "yes", "--appendfsync", policy];
        let mut server = Instance::lastsave(directory.path(), &arguments);
        let log = server.log_text();
        assert!(log.contains("dump.rdb: it was loaded and becomes the base"), "{log}");
        let mut client = server.client();
        assert_eq!(fingerprint(&mut client), expected);
        assert_eq!(client.run("SET more 1"), "OK");
        let expected = fingerprint(&mut client);
        server.kill();
        // From now on the log counts, whatever becomes of the dump.
        files::remove(&directory.path().join("dump.rdb"));
        assert_eq!(found(directory.path(), &arguments), expected);
        if has_oracle() {
            let redis = Instance::start(Program::Redis, directory.path(), LOG);
            assert_eq!(fingerprint(&mut redis.client()), expected);
        }
    }
}

#[test]
fn a_start_that_was_killed_while_it_took_the_dump_in_is_repeated() {
    let (directory, expected) = dump();
    for delay_ms in [30, 60, 90, 120, 150, 180] {
        let server = Instance::launch(
            Program::Lastsave,
            directory.path(),
            &["--appendonly", "yes", "--key-load-delay", "300"],
        );
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        server.kill();
    }
    assert_eq!(found(directory.path(), LOG), expected);
}

#[test]
fn with_aof_import_rdb_no_the_dump_is_left_alone_as_redis_does() {
    let (directory, expected) = dump();
    let arguments = ["--appendonly", "yes", "--aof-import-rdb", "no"];
    let server = Instance::lastsave(directory.path(), &arguments);
    assert_eq!(server.client().run("DBSIZE"), ":0");
    assert_eq!(server.client().run("SET new 1"), "OK");
    server.kill();
    let server = Instance::lastsave(directory.path(), &arguments);
    assert_eq!(server.client().run("KEYS *"), "[new]");
    server.kill();
    assert_eq!(found(directory.path(), NO_LOG), expected);
}

#[test]
fn a_log_counts_and_an_old_dump_beside_it_does_not() {
    let (directory, _) = dump();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("FLUSHALL"), "OK");
    assert_eq!(server.client().run("SET only 1"), "OK");
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("KEYS *"), "[only]");
}

#[test]
fn a_first_start_without_any_data_is_empty() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("DBSIZE"), ":0");
    let names = files::names(&directory.path().join("appendonlydir"));
    assert_eq!(names, ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"]);
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("DBSIZE"), ":0");
}

#[test]
fn the_log_is_switched_on_and_off_under_load() {
    let directory = temporary_directory();
    let mut workload = Workload::new(4);
    let mut server = Instance::lastsave(directory.path(), NO_LOG);
    for round in 0..3 {
        let running = workload.start(server.port);
        running.wait_for(500);
        let mut client = server.client();
        for _ in 0..3 {
            assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
            let more = running.acknowledged() + 300;
            running.wait_for(more);
            if round != 1 {
                eventually("the first base", || log_is_complete(&mut client));
            }
            assert_eq!(client.run("CONFIG SET appendonly no"), "OK");
            running.wait_for(more + 300);
        }
        assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
        eventually("the first base", || log_is_complete(&mut client));
        let more = running.acknowledged() + 1000;
        running.wait_for(more);
        server.kill();
        workload = running.finish();
        // Started with the log on, it has everything; and it is switched off only at run time.
        server = Instance::lastsave(directory.path(), LOG);
        workload.check(server.port);
        assert_eq!(server.client().run("CONFIG SET appendonly no"), "OK");
    }
}

#[test]
fn a_log_that_was_switched_off_holds_what_was_written_until_then() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    let mut workload = {
        let running = Workload::new(4).start(server.port);
        running.wait_for(1000);
        running.finish()
    };
    let mut client = server.client();
    assert_eq!(client.run("CONFIG SET appendonly no"), "OK");
    assert_eq!(client.info("aof_enabled"), "0");
    assert_eq!(
        client.run("WAITAOF 1 0 0"),
        "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    );
    assert_eq!(client.run("SET not:logged 1"), "OK");
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    let mut client = server.client();
    assert_eq!(client.run("EXISTS not:logged"), ":0");
    workload.check(server.port);
}

#[test]
fn switching_on_replaces_the_log_of_before() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    let mut client = server.client();
    for words in ["SET old 1", "SET both 1", "CONFIG SET appendonly no", "DEL old", "SET both 2", "SET new 1"]
    {
        let answer = client.run(words);
        assert!(!answer.starts_with('-'), "{words}: {answer}");
    }
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    eventually("the first base", || log_is_complete(&mut client));
    assert_eq!(client.run("SET newest 1"), "OK");
    let expected = fingerprint(&mut client);
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(fingerprint(&mut server.client()), expected);
    // What was superseded is removed in the background.
    eventually("one base and one increment", || {
        let listed = files::names(&directory.path().join("appendonlydir"));
        let count = |part: &str| listed.iter().filter(|name| name.contains(part)).count();
        (count(".base."), count(".incr.")) == (1, 1)
    });
}

#[test]
fn a_kill_before_the_first_base_is_complete_leaves_the_log_of_before() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    let mut client = server.client();
    for words in
        ["SET logged 1", "CONFIG SET appendonly no", "SET later 1", "CONFIG SET rdb-key-save-delay 10000000"]
    {
        assert_eq!(client.run(words), "OK", "{words}");
    }
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    assert_eq!(client.run("SET while:waiting 1"), "OK");
    assert_eq!(client.info("aof_rewrite_in_progress"), "1");
    // Nothing of it is on record yet, so the end is refused as Redis refuses it.
    assert_eq!(client.run("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("KEYS *"), "[logged]");
}

#[test]
fn a_rewrite_without_a_log_makes_a_base_that_counts_later() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), NO_LOG);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("KEYS *"), "[a]");
}

#[test]
fn a_rewrite_waits_for_a_save_and_a_save_for_a_rewrite() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 500000"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("BGSAVE"), "-ERR Background save already in progress");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting scheduled");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "1");
    assert_eq!(client.run("BGREWRITEAOF"), "-ERR Background append only file rewriting already in progress");
    let refusal = client.run("BGSAVE");
    assert!(
        refusal.starts_with("-ERR Another child process is active (AOF?): can't BGSAVE right now."),
        "{refusal}"
    );
    assert_eq!(client.run("BGSAVE SCHEDULE"), "Background saving scheduled");
    eventually("both", || client.info("rdb_saves") == "2" && client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}
