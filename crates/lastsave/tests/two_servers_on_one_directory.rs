//! Two servers never write to one directory: the second refuses, and the first does not notice.

mod harness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use harness::{Instance, Program, Workload, files, temporary_directory};

const LOG: &[&str] = &["--appendonly", "yes"];
const DUMP: &[&str] = &["--save", "3600 1"];
const NOTHING: &[&str] = &[];

/// Starts a second server, which must refuse.
fn refused(directory: &Path, arguments: &[&str]) {
    let mut second = Instance::launch(Program::Lastsave, directory, arguments);
    let printed = match second.wait_until_ready() {
        Ok(()) => panic!("a second server has started ({arguments:?}):\n{}", second.log_text()),
        Err(printed) => printed,
    };
    assert_eq!(second.wait().code(), Some(1), "{printed}");
    let name = directory.canonicalize().expect("the directory exists");
    let told = format!("Another server is using the directory {}.", name.display());
    assert!(printed.contains(&told) || arguments.contains(&"--dir"), "no {told:?} in {printed}");
    assert!(printed.contains("'dir'"), "{printed}");
}

/// The files are those of before; the log may have grown, as the first server puts on record what it has synced.
fn assert_undisturbed(directory: &Path, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let after = files::contents(directory);
    assert!(after.keys().eq(before.keys()), "files came or went: {:?}", after.keys());
    for (path, bytes) in before {
        assert!(after[path].starts_with(bytes), "{} was changed", path.display());
    }
}

#[test]
fn the_second_refuses_to_start() {
    for first in [LOG, DUMP] {
        let directory = temporary_directory();
        let server = Instance::lastsave(directory.path(), first);
        let mut client = server.client();
        assert_eq!(client.run("SET a 1"), "OK");
        assert_eq!(client.run("SAVE"), "OK");
        let before = files::contents(directory.path());
        for second in [LOG, DUMP] {
            refused(directory.path(), second);
        }
        assert_undisturbed(directory.path(), &before);
        assert_eq!(client.run("SET b 2"), "OK");
        assert_eq!(client.run("SAVE"), "OK");
        server.kill();
        let server = Instance::lastsave(directory.path(), first);
        assert_eq!(server.client().run("MGET a b"), "[1 2]");
    }
}

#[test]
fn the_first_writes_on_while_others_try_to_start() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), LOG);
    let running = Workload::new(3).start(server.port);
    for _ in 0..5 {
        refused(directory.path(), LOG);
    }
    running.wait_for(1000);
    let mut workload = running.finish();
    workload.check(server.port);
    server.kill();
    let server = Instance::lastsave(directory.path(), LOG);
    workload.check(server.port);
}

#[test]
fn another_name_of_the_directory_does_not_help() {
    let directory = temporary_directory();
    let link = temporary_directory();
    let path = link.path().join("other");
    std::os::unix::fs::symlink(directory.path(), &path).unwrap();
    let _server = Instance::lastsave(directory.path(), LOG);
    refused(link.path(), &["--appendonly", "yes", "--dir", path.to_str().unwrap()]);
}

#[test]
fn a_server_that_was_killed_holds_nothing() {
    let directory = temporary_directory();
    for _ in 0..3 {
        let server = Instance::lastsave(directory.path(), LOG);
        assert_eq!(server.client().run("INCR starts").chars().next(), Some(':'));
        server.kill();
    }
    let server = Instance::lastsave(directory.path(), LOG);
    assert_eq!(server.client().run("GET starts"), "3");
}

#[test]
fn persistence_is_not_switched_on_in_a_directory_in_use() {
    let directory = temporary_directory();
    let first = Instance::lastsave(directory.path(), LOG);
    let mut client = first.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    // Without persistence there is nothing that two servers could overwrite.
    let mut second = Instance::lastsave(directory.path(), NOTHING);
    let mut other = second.client();
    assert_eq!(other.run("SET a 2"), "OK");
    let before = files::contents(directory.path());
    let refusal = "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check \
                   server logs.";
    assert_eq!(other.run("CONFIG SET appendonly yes"), refusal);
    second.wait_for_log("Another server is using the directory");
    assert_eq!(other.run("CONFIG GET appendonly"), "[appendonly no]");
    for words in ["SAVE", "BGSAVE", "BGREWRITEAOF"] {
        let answer = other.run(words);
        assert!(answer.starts_with('-'), "{words}: {answer}");
    }
    assert_eq!(other.run("CONFIG SET appendonly no"), "OK");
    assert_undisturbed(directory.path(), &before);
    first.kill();
    // Now the directory is free.
    assert_eq!(other.run("SAVE"), "OK");
}

#[test]
fn a_log_holds_its_directory_when_the_dumps_go_elsewhere() {
    let (home, away, third) = (temporary_directory(), temporary_directory(), temporary_directory());
    let arguments = ["--appendonly", "yes", "--enable-protected-configs", "yes"];
    let server = Instance::lastsave(home.path(), &arguments);
    let mut client = server.client();
    let mut enter = |path: &Path| client.run(&format!("CONFIG SET dir {}", path.display()));
    assert_eq!(enter(home.path()), "OK");
    assert_eq!(enter(Path::new(".")), "OK");
    refused(home.path(), LOG);
    assert_eq!(enter(away.path()), "OK");
    refused(home.path(), LOG);
    refused(away.path(), LOG);
    // Within itself, back, and to and fro.
    for path in [away.path(), third.path(), away.path(), home.path(), home.path(), third.path()] {
        assert_eq!(enter(path), "OK");
        refused(home.path(), LOG);
        refused(path, LOG);
    }
    // What was left is free.
    let other = Instance::lastsave(away.path(), LOG);
    let refusal = enter(away.path());
    assert!(refusal.starts_with("-ERR CONFIG SET failed (possibly related to argument 'dir')"), "{refusal}");
    refused(home.path(), LOG);
    refused(third.path(), LOG);
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(other.client().run("DBSIZE"), ":0");
    server.kill();
    let server = Instance::lastsave(home.path(), LOG);
    assert_eq!(server.client().run("GET a"), "1");
}

#[test]
fn a_server_does_not_move_into_a_directory_in_use() {
    let (ours, theirs) = (temporary_directory(), temporary_directory());
    let first = Instance::lastsave(theirs.path(), LOG);
    assert_eq!(first.client().run("SET a 1"), "OK");
    let arguments = ["--appendonly", "yes", "--enable-protected-configs", "yes"];
    let second = Instance::lastsave(ours.path(), &arguments);
    let mut client = second.client();
    let answer = client.command(&["CONFIG", "SET", "dir", theirs.path().to_str().unwrap()]);
    let answer = harness::show(&answer);
    assert!(answer.starts_with("-ERR CONFIG SET failed (possibly related to argument 'dir')"), "{answer}");
    let directory = client.run("CONFIG GET dir");
    assert!(directory.contains(ours.path().to_str().unwrap()), "{directory}");
    // It still holds its own.
    refused(ours.path(), LOG);
    assert_eq!(client.run("SET b 1"), "OK");
    second.kill();
    let second = Instance::lastsave(ours.path(), LOG);
    assert_eq!(second.client().run("GET b"), "1");
}
