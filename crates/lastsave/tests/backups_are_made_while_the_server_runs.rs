//! BACKUP: directories that a server can be started in, made while the log is written, many at once, each with exactly what
//! had been acknowledged when it was asked for.

mod harness;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::tools::our_tool;
use harness::{
    Client, Instance, PROGRAM, Program, TestServer, eventually, files, has_oracle, temporary_directory,
};

const ARGUMENTS: &[&str] = &["--appendonly", "yes", "--rdb-write-version", "10"];

fn digest_in(program: Program, directory: &Path) -> String {
    let server = Instance::start(program, directory, &["--appendonly", "yes", "--save", ""]);
    let digest = server.client().run("DEBUG DIGEST");
    server.shut_down("NOSAVE");
    digest
}

/// A copy of a backup is whole: for check-aof, for us, and for Redis. The backup itself is left as it is.
fn assert_whole(backup: &Path, expected: &str) {
    let check = our_tool(PROGRAM, backup, &["check-aof", "appendonlydir"], "");
    assert_eq!(check.code, Some(0), "{}", check.output);
    let mut programs = vec![Program::Lastsave, Program::Lastsave];
    if has_oracle() {
        programs.extend([Program::Redis, Program::Lastsave]);
    }
    let copy = temporary_directory();
    files::copy_directory(&backup.join("appendonlydir"), &copy.path().join("appendonlydir"));
    for program in programs {
        assert_eq!(digest_in(program, copy.path()), expected);
    }
}

fn names(client: &mut Client) -> String {
    client.run("BACKUP LIST")
}

#[test]
fn a_backup_holds_what_was_there_when_it_was_asked_for() {
    for more in
        [&[][..], &["--appendfsync", "always"], &["--aof-frames", "no"], &["--aof-use-rdb-preamble", "no"]]
    {
        let server = TestServer::start(&[ARGUMENTS, more].concat());
        let mut client = server.client();
        let mut digests = Vec::new();
        for round in 0..3 {
            for number in 0..20 {
                client.run(&format!("SET key:{number} value-{round}"));
            }
            client.run("SELECT 4");
            client.run(&format!("RPUSH list {round}"));
            client.run("SELECT 0");
            digests.push(client.run("DEBUG DIGEST"));
            let made = client.run(&format!("BACKUP CREATE round-{round}"));
            assert!(
                made.ends_with(&format!("/backups/round-{round}\""))
                    || made.ends_with(&format!("round-{round}")),
                "{made}"
            );
            if round == 1 {
                client.run("BGREWRITEAOF");
                eventually("the rewrite", || server.info("aof_rewrite_in_progress") == "0");
            }
        }
        client.run("FLUSHALL");
        for (round, digest) in digests.iter().enumerate() {
            assert_whole(&server.directory.path().join(format!("backups/round-{round}")), digest);
        }
        assert_eq!(server.info("backups_completed"), "3");
        assert_eq!(server.info("backup_last_status"), "ok");
        assert_eq!(server.info("backups_in_progress"), "0");
    }
}

#[test]
fn a_server_that_is_started_in_a_backup_leaves_the_log_alone() {
    let mut server = TestServer::start(ARGUMENTS);
    let mut client = server.client();
    client.run("SET a 1");
    let at_backup = client.run("DEBUG DIGEST");
    client.run("BACKUP CREATE b");
    client.run("SET a 2");
    let digest = client.run("DEBUG DIGEST");
    let backup = server.directory.path().join("backups/b");
    assert_eq!(server.info("backup_last_copied_bytes"), "0", "second names, no copies");
    let mut programs = vec![Program::Lastsave];
    if has_oracle() {
        programs.push(Program::Redis);
    }
    for program in programs {
        let mut arguments = vec!["--appendonly", "yes", "--save", ""];
        if program == Program::Lastsave {
            arguments.extend(["--rdb-write-version", "10"]);
        }
        let other = Instance::start(program, &backup, &arguments);
        assert_eq!(other.client().run("DEBUG DIGEST"), at_backup);
        other.client().run("SET elsewhere 1");
        other.client().run("DEL elsewhere");
        other.client().run("BGREWRITEAOF");
        eventually("the rewrite", || other.client().info("aof_rewrite_in_progress") == "0");
        other.shut_down("NOSAVE");
    }
    drop(client);
    server.terminate();
    let directory = std::mem::replace(&mut server.directory, temporary_directory());
    assert_eq!(digest_in(Program::Lastsave, directory.path()), digest);
}

#[test]
fn a_backup_under_write_load_is_a_point_in_time() {
    let server = TestServer::start(ARGUMENTS);
    let (port, stop) = (server.port, AtomicBool::new(false));
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = Client::connect(port);
            let mut number: u64 = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                // One transaction each, so that a backup in between would show.
                for words in [
                    "MULTI".to_owned(),
                    format!("SET a {number}"),
                    format!("SET b {number}"),
                    "EXEC".to_owned(),
                ] {
                    client.run(&words);
                }
            }
            number
        });
        let mut client = server.client();
        let mut before = 0;
        for round in 0..6 {
            if round == 3 {
                client.run("BGREWRITEAOF");
            }
            let low: u64 = number_of(&mut client);
            client.run(&format!("BACKUP CREATE {round}"));
            let high: u64 = number_of(&mut client);
            let found = value_in(&server.directory.path().join(format!("backups/{round}")));
            assert!((low..=high).contains(&found), "{low} <= {found} <= {high}");
            assert!(low >= before);
            before = low;
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("the writer ends")
    });
    assert!(written > 0);
}

fn number_of(client: &mut Client) -> u64 {
    client.run("GET a").trim_matches('"').parse().unwrap_or(0)
}

/// The value that both keys have in a backup.
fn value_in(backup: &Path) -> u64 {
    let copy = temporary_directory();
    files::copy_directory(&backup.join("appendonlydir"), &copy.path().join("appendonlydir"));
    let server = Instance::start(Program::Lastsave, copy.path(), &["--appendonly", "yes", "--save", ""]);
    let mut client = server.client();
    let (a, b) = (client.run("GET a"), client.run("GET b"));
    assert_eq!(a, b, "a transaction is there as a whole or not at all");
    drop(client);
    server.shut_down("NOSAVE");
    a.trim_matches('"').parse().unwrap_or(0)
}

#[test]
fn many_backups_at_once() {
    let server = TestServer::start(ARGUMENTS);
    let mut client = server.client();
    for number in 0..200 {
        client.run(&format!("SET key:{number} {number}"));
    }
    let digest = client.run("DEBUG DIGEST");
    let mut askers: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for asker in &mut askers {
        asker.send(&["BACKUP", "CREATE"]);
    }
    let mut paths: Vec<String> = askers.iter_mut().map(|asker| harness::show(&asker.read())).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 8, "{paths:?}");
    let backups = server.directory.path().join("backups");
    let made = files::names(&backups);
    assert_eq!(made.len(), 8);
    for name in made.iter().take(2) {
        assert_whole(&backups.join(name), &digest);
    }
    assert_eq!(names(&mut client).matches("state=complete").count(), 8);
}

#[test]
fn backups_are_listed_and_deleted_and_odd_requests_refused() {
    let server = TestServer::start(ARGUMENTS);
    let mut client = server.client();
    client.run("SET a 1");
    client.run("BACKUP CREATE one");
    client.run("BACKUP CREATE two");
    assert!(client.run("BACKUP CREATE one").contains("is there already"));
    assert!(names(&mut client).contains("name=one,state=complete"));
    client.run("BACKUP DELETE one");
    assert!(!names(&mut client).contains("name=one"));
    assert_eq!(files::names(&server.directory.path().join("backups")), ["two"]);
    assert!(client.run("BACKUP DELETE one").contains("no backup"));
    for odd in ["..", ".x", "a/b"] {
        assert!(client.run(&format!("BACKUP CREATE {odd}")).contains("name of a backup"), "{odd}");
        assert!(client.run(&format!("BACKUP DELETE {odd}")).contains("name of a backup"), "{odd}");
    }
    // Without a record in between, no file is added to the log.
    let files_before = files::names(&server.directory.path().join("appendonlydir")).len();
    client.run("BACKUP CREATE three");
    assert_eq!(files::names(&server.directory.path().join("appendonlydir")).len(), files_before);
    client.run("CONFIG SET appendonly no");
    assert!(client.run("BACKUP CREATE four").contains("has to be on"));
}
