//! An accident is found with `log` and undone with `restore`: a point in time or a position becomes a data directory of its
//! own, which Lastsave, redis-server and check-aof take.

mod harness;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use harness::tools::{Ran, our_tool};
use harness::{
    Client, Instance, PROGRAM, Program, TestServer, eventually, files, has_oracle, temporary_directory,
};

/// Runs a subcommand of the server's program.
fn tool(directory: &Path, words: &[&str]) -> Ran {
    our_tool(PROGRAM, directory, words, "")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

fn digest(client: &mut Client) -> String {
    client.run("DEBUG DIGEST")
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_millis()
}

/// Data in two databases, a transaction, and a value of more than one argument.
fn fill(client: &mut Client, round: usize) {
    for number in 0..50 {
        client.run(&format!("SET key:{round}:{number} value-{number}"));
    }
    for words in [
        "SELECT 3",
        "HSET hash field one other two",
        "MULTI",
        "INCR counter",
        "RPUSH list a b c",
        "EXEC",
        "SELECT 0",
    ] {
        client.run(words);
    }
}

/// The position that `log` prints of the only command with that name.
fn position_of(directory: &Path, from: &str, command: &str) -> String {
    let ran = tool(directory, &["log", from, "--command", command, "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    let mut lines = ran.output.lines().filter(|line| line.contains("\"position\""));
    let line = lines.next().unwrap_or_else(|| panic!("{command} is not found: {}", ran.output));
    assert_eq!(lines.next(), None, "one {command}");
    let record: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
    record["position"].as_str().expect("a position is text").to_owned()
}

/// The digest of a data directory, as a server that starts in it has it.
fn digest_in(program: Program, directory: &Path) -> String {
    let arguments = ["--appendonly", "yes", "--save", ""];
    let server = Instance::start(program, directory, &arguments);
    let digest = digest(&mut server.client());
    server.shut_down("NOSAVE");
    digest
}

/// Checks that a restored directory is valid and holds what it should, for us and for Redis, twice each: the log must be
/// in order after the first server went on in it.
fn assert_restored(into: &Path, expected: &str) {
    let check = tool(into, &["check-aof", "appendonlydir"]);
    assert_eq!(check.code, Some(0), "{}", check.output);
    assert_eq!(digest_in(Program::Lastsave, into), expected);
    assert_eq!(digest_in(Program::Lastsave, into), expected);
    if has_oracle() {
        assert_eq!(digest_in(Program::Redis, into), expected);
        assert_eq!(digest_in(Program::Lastsave, into), expected);
    }
}

fn into_of(outer: &tempfile::TempDir) -> PathBuf {
    outer.path().join("restored")
}

#[test]
fn an_accidental_flushall_is_found_and_undone() {
    for policy in ["everysec", "always", "no"] {
        let server =
            TestServer::start(&["--appendonly", "yes", "--appendfsync", policy, "--rdb-write-version", "10"]);
        let mut client = server.client();
        fill(&mut client, 1);
        client.run("BGREWRITEAOF");
        eventually("the rewrite", || server.info("aof_rewrite_in_progress") == "0");
        fill(&mut client, 2);
        let before = digest(&mut client);
        client.run("FLUSHALL");
        fill(&mut client, 3);

        // The server is still running.
        let from = server.directory.path();
        let position = position_of(from, ".", "flushall");
        let outer = temporary_directory();
        let into = into_of(&outer);
        let ran = tool(from, &["restore", "--to", &position, "--from", ".", "--into", text(&into)]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert!(ran.output.contains("First record dropped: "), "{}", ran.output);
        assert!(ran.output.to_lowercase().contains("\"flushall\""), "{}", ran.output);
        assert_restored(&into, &before);

        // What is there already is left alone.
        let again = tool(from, &["restore", "--to", &position, "--from", ".", "--into", text(&into)]);
        assert_eq!(again.code, Some(1));
        assert!(again.output.contains("is not empty"), "{}", again.output);
    }
}

#[test]
fn a_time_keeps_what_was_written_by_then() {
    let server = TestServer::start(&["--appendonly", "yes", "--rdb-write-version", "10"]);
    let mut client = server.client();
    let mut moments = Vec::new();
    let started = now_ms();
    for round in 0..4 {
        std::thread::sleep(std::time::Duration::from_millis(250));
        fill(&mut client, round);
        // The first write after a while tells the time, and so bounds what was written before it.
        std::thread::sleep(std::time::Duration::from_millis(1250));
        moments.push((now_ms(), digest(&mut client)));
    }
    client.run("SET last 1");
    let from = server.directory.path();
    for (moment, digest) in moments {
        let outer = temporary_directory();
        let into = into_of(&outer);
        let ran = tool(from, &["restore", "--to", &moment.to_string(), "--from", ".", "--into", text(&into)]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert_restored(&into, &digest);
    }
    let outer = temporary_directory();
    let into = into_of(&outer);
    for outside in [started - 3_600_000, now_ms() + 3_600_000] {
        let ran =
            tool(from, &["restore", "--to", &outside.to_string(), "--from", ".", "--into", text(&into)]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.output.contains("The files cover 20"), "{}", ran.output);
        assert!(!into.exists(), "nothing is made for a point that is not there");
    }
}

#[test]
fn a_transaction_is_kept_as_a_whole_or_not_at_all() {
    for frames in ["yes", "no"] {
        let server =
            TestServer::start(&["--appendonly", "yes", "--aof-frames", frames, "--rdb-write-version", "10"]);
        let mut client = server.client();
        client.run("SET a 1");
        let before = digest(&mut client);
        for words in ["MULTI", "SET a 2", "LPUSH inside x", "SET b 3", "EXEC"] {
            client.run(words);
        }
        let after = digest(&mut client);
        client.run("DEL a");
        let from = server.directory.path();
        for (command, expected) in
            [("lpush", &before), ("exec", &before), ("multi", &before), ("del", &after)]
        {
            let outer = temporary_directory();
            let into = into_of(&outer);
            let position = position_of(from, ".", command);
            let ran = tool(from, &["restore", "--to", &position, "--from", ".", "--into", text(&into)]);
            assert_eq!(ran.code, Some(0), "{}", ran.output);
            assert_restored(&into, expected);
        }
    }
}

#[test]
fn everything_is_kept_up_to_the_end_and_a_torn_end_is_left_out() {
    let server = TestServer::start(&["--appendonly", "yes", "--rdb-write-version", "10"]);
    let mut client = server.client();
    fill(&mut client, 1);
    let digest = digest(&mut client);
    let from = server.directory.path();
    let increment = from.join("appendonlydir/appendonly.aof.1.incr.aof");
    let copy = temporary_directory();
    let restored = |tail: &[u8]| {
        let log = copy.path().join("appendonlydir");
        if !log.exists() {
            files::make_directory(&log);
        }
        for name in ["appendonly.aof.manifest", "appendonly.aof.1.base.rdb"] {
            files::write(&log.join(name), &files::read(&from.join("appendonlydir").join(name)));
        }
        files::write(&log.join("appendonly.aof.1.incr.aof"), &[&files::read(&increment), tail].concat());
        let outer = temporary_directory();
        let into = into_of(&outer);
        let ran = tool(copy.path(), &["restore", "--to", "end", "--from", ".", "--into", text(&into)]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert_restored(&into, &digest);
        ran.output
    };
    assert!(!restored(b"").contains("not finished"));
    assert!(restored(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\nhalf").contains("not finished"));
}

#[test]
fn damage_before_the_point_is_named_and_nothing_is_made_up() {
    let server = TestServer::start(&["--appendonly", "yes"]);
    let mut client = server.client();
    fill(&mut client, 1);
    client.run("DEL key:1:7");
    fill(&mut client, 2);
    let from = server.directory.path();
    let position = position_of(from, ".", "del");
    drop(client);
    let increment = from.join("appendonlydir/appendonly.aof.1.incr.aof");
    let bytes = files::read(&increment);
    let at = bytes.windows(8).position(|part| part == b"key:1:20").expect("the key is in the file");
    files::overwrite(&increment, at, b"X");
    let log = tool(from, &["log", ".", "--command", "DEL"]);
    assert_eq!(log.code, Some(1), "damage shows in the exit code");
    assert!(log.output.contains("is damaged at offset"), "{}", log.output);
    assert!(log.output.contains("\"key:1:7\""), "what is behind the damage is found: {}", log.output);
    let outer = temporary_directory();
    let into = into_of(&outer);
    let ran = tool(from, &["restore", "--to", &position, "--from", ".", "--into", text(&into)]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.output.contains("is damaged at offset"), "{}", ran.output);
    let best =
        ran.output.split("--to ").nth(1).and_then(|rest| rest.split(';').next()).expect("a point is offered");
    let ran = tool(from, &["restore", "--to", best, "--from", ".", "--into", text(&into)]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    assert!(ran.output.contains("key:1:19"), "{}", ran.output);
}

#[test]
fn log_finds_by_key_prefix_pattern_database_and_time() {
    let server = TestServer::start(&["--appendonly", "yes"]);
    let mut client = server.client();
    for words in
        ["SET user:1 a", "SET user:2 b", "MSET other c user:1 d", "SELECT 5", "SET user:1 e", "FLUSHDB"]
    {
        client.run(words);
    }
    let long = "v".repeat(100);
    client.run(&format!("SET long {long}"));
    let from = server.directory.path();
    let found = |words: &[&str]| {
        let ran = tool(from, &[&["log", "."], words].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        ran.output.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(&["--key", "user:1"]).len(), 4, "and what empties a database");
    assert_eq!(found(&["--prefix", "user:", "--db", "0"]).len(), 3);
    assert_eq!(found(&["--match", "*:2", "-c", "set"]).len(), 1);
    assert_eq!(found(&["--key", "user:1", "--db", "5"]).len(), 2);
    assert_eq!(found(&["--until", "2001-01-01", "-c", "set"]).len(), 0);
    assert_eq!(found(&["--since", "2001-01-01", "-c", "set"]).len(), 4);
    assert_eq!(found(&["--limit", "2"]).len(), 2);
    let line = |words: &[&str]| found(words).pop().expect("a line");
    assert!(line(&["--key", "long", "-c", "set"]).ends_with("... (100 bytes)"));
    assert!(line(&["--key", "long", "-c", "set", "--full"]).ends_with(&format!("\"{long}\"")));
    let position = position_of(from, ".", "flushdb");
    assert!(line(&["--since", &position]).contains("\"long\""));
    assert!(line(&["--until", &position]).contains("db5 \"SET\" \"user:1\" \"e\""));
}

fn rewrite(server: &TestServer, client: &mut Client) {
    let before: u64 = server.info("aof_rewrites").parse().expect("a number");
    client.run("BGREWRITEAOF");
    eventually("the rewrite", || {
        server.info("aof_rewrites") == (before + 1).to_string()
            && server.info("aof_rewrite_in_progress") == "0"
    });
}

#[test]
fn a_point_before_a_rewrite_is_restored_from_what_was_retained() {
    let arguments = ["--appendonly", "yes", "--aof-retain-size", "100mb", "--rdb-write-version", "10"];
    let server = TestServer::start(&arguments);
    let mut client = server.client();
    let mut digests = Vec::new();
    for (round, marker) in ["ping:1", "ping:2", "ping:3"].into_iter().enumerate() {
        fill(&mut client, round);
        // Until a sync has told the time of what was written.
        std::thread::sleep(std::time::Duration::from_millis(1250));
        digests.push((marker, now_ms(), digest(&mut client)));
        client.run(&format!("SET {marker} x"));
        rewrite(&server, &mut client);
        eventually("the set is retained", || server.info("aof_retained_sets") == (round + 1).to_string());
    }
    client.run("FLUSHALL");
    assert_ne!(server.info("aof_retained_bytes"), "0");
    let from = server.directory.path();
    // The kept files are out of the way of whoever takes over the log.
    assert_eq!(files::names(&from.join("appendonlydir")).len(), 3);
    let restored = |to: &str, expected: &str| {
        let outer = temporary_directory();
        let into = into_of(&outer);
        let ran = tool(from, &["restore", "--to", to, "--from", ".", "--into", text(&into)]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert_restored(&into, expected);
        ran.output
    };
    for (marker, moment, digest) in &digests {
        let ran = tool(from, &["log", ".", "--key", marker, "--command", "set", "--json"]);
        let line = ran.output.lines().find(|line| line.contains("\"position\"")).expect("a line");
        let record: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let output = restored(record["position"].as_str().expect("text"), digest);
        assert!(output.contains("File set: retained"), "{output}");
        let output = restored(&moment.to_string(), digest);
        assert!(output.contains("File set: retained"), "{output}");
    }
    // Redis deletes nothing of it, and a set is a log by itself.
    let sets = files::names(&from.join("appendonlydir-retained"));
    assert_eq!(sets.len(), 3);
    for set in &sets {
        let check = tool(from, &["check-aof", &format!("appendonlydir-retained/{set}")]);
        assert_eq!(check.code, Some(0), "{}", check.output);
    }
    let mut server = server;
    server.terminate();
    let directory = std::mem::replace(&mut server.directory, temporary_directory());
    if has_oracle() {
        let redis = Instance::start(Program::Redis, directory.path(), &["--appendonly", "yes", "--save", ""]);
        redis.client().run("BGREWRITEAOF");
        eventually("the rewrite", || {
            redis.client().info("aof_rewrites") == "1"
                && redis.client().info("aof_rewrite_in_progress") == "0"
        });
        redis.shut_down("NOSAVE");
    }
    assert_eq!(files::names(&directory.path().join("appendonlydir-retained")), sets);
}

#[test]
fn an_older_base_serves_when_the_newest_is_damaged() {
    let arguments = ["--appendonly", "yes", "--aof-retain-size", "100mb", "--rdb-write-version", "10"];
    let server = TestServer::start(&arguments);
    let mut client = server.client();
    for round in 0..2 {
        fill(&mut client, round);
        rewrite(&server, &mut client);
        eventually("the set is retained", || server.info("aof_retained_sets") == (round + 1).to_string());
    }
    fill(&mut client, 2);
    let digest = digest(&mut client);
    let from = server.directory.path();
    let base = files::base(from);
    let middle = files::read(&base).len() / 2;
    files::overwrite(&base, middle, b"XXXX");
    let outer = temporary_directory();
    let into = into_of(&outer);
    let ran = tool(from, &["restore", "--to", "end", "--from", ".", "--into", text(&into)]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.output.contains("--base"), "{}", ran.output);
    assert_eq!(files::names(&into), Vec::<String>::new(), "nothing half done is left");
    let sets = files::names(&from.join("appendonlydir-retained"));
    for set in &sets {
        let outer = temporary_directory();
        let into = into_of(&outer);
        let ran =
            tool(from, &["restore", "--to", "end", "--from", ".", "--into", text(&into), "--base", set]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert_restored(&into, &digest);
    }
}

#[test]
fn retained_sets_go_by_age_and_by_size() {
    let server = TestServer::start(&["--appendonly", "yes", "--aof-retain-age", "3600"]);
    let mut client = server.client();
    for round in 0..3 {
        fill(&mut client, round);
        rewrite(&server, &mut client);
    }
    eventually("three sets", || server.info("aof_retained_sets") == "3");
    let bytes: u64 = server.info("aof_retained_bytes").parse().expect("a number");
    client.run(&format!("CONFIG SET aof-retain-size {}", bytes - 1));
    eventually("the oldest is given up", || server.info("aof_retained_sets") == "2");
    client.run("CONFIG SET aof-retain-size 0 aof-retain-age 1");
    eventually("the others grow old", || server.info("aof_retained_sets") == "0");
    assert_eq!(files::names(&server.directory.path().join("appendonlydir-retained")).len(), 0);
    client.run("CONFIG SET aof-retain-age 0");
    rewrite(&server, &mut client);
    assert_eq!(server.info("aof_retained_sets"), "0", "nothing is retained by default");
}

#[test]
fn a_log_of_redis_is_wound_back() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let server = Instance::start(Program::Redis, directory.path(), &["--appendonly", "yes", "--save", ""]);
    let mut client = server.client();
    fill(&mut client, 1);
    let before = digest(&mut client);
    client.run("FLUSHALL");
    client.run("SET after 1");
    server.shut_down("NOSAVE");
    let position = position_of(directory.path(), ".", "flushall");
    let outer = temporary_directory();
    let into = into_of(&outer);
    let ran = tool(directory.path(), &["restore", "--to", &position, "--from", ".", "--into", text(&into)]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    assert_restored(&into, &before);
}
