//! From damage over the refused start and the repair to the next start: what the tools keep is what was intact.

mod harness;

use std::path::Path;

use harness::tools::{Ran, our_tool};
use harness::{Instance, Program, files, has_oracle, temporary_directory};
use serde_json::Value;
use tempfile::TempDir;

const FRAMED: &[&str] = &["--appendonly", "yes", "--appendfsync", "always", "--aof-prepare", "no"];
const UNFRAMED: &[&str] = &["--appendonly", "yes", "--aof-frames", "no"];
const DUMP_ONLY: &[&str] = &["--appendonly", "no"];
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

/// A directory with a log of `keys` keys, one write each.
fn log(arguments: &[&str], keys: usize) -> TempDir {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), arguments);
    let mut client = server.client();
    for key in 0..keys {
        assert_eq!(client.run(&format!("SET key:{key} value-of-key-{key}")), "OK");
    }
    server.kill();
    directory
}

fn dump(keys: usize, name: &str) -> TempDir {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--rdbcompression", "no", "--dbfilename", name]);
    let mut client = server.client();
    for key in 0..keys {
        assert_eq!(client.run(&format!("SET key:{key} value-of-key-{key}")), "OK");
    }
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    directory
}

fn check_aof(directory: &Path, arguments: &[&str], input: &str) -> Ran {
    let arguments: Vec<&str> = ["check-aof"].iter().chain(arguments).copied().collect();
    our_tool("lastsave-server", directory, &arguments, input)
}

fn check_rdb(directory: &Path, arguments: &[&str]) -> Ran {
    our_tool("lastsave-check-rdb", directory, arguments, "")
}

fn refused(directory: &Path, arguments: &[&str]) -> String {
    let mut server = Instance::launch(Program::Lastsave, directory, arguments);
    match server.wait_until_ready() {
        Ok(()) => panic!("the server has started:\n{}", server.log_text()),
        Err(printed) => printed,
    }
}

/// Starts a server and asserts that all keys but `missing` of `keys` are there.
fn starts_without(program: Program, directory: &Path, arguments: &[&str], keys: usize, missing: &[usize]) {
    let server = Instance::start(program, directory, arguments);
    let mut client = server.client();
    for key in 0..keys {
        let expected = if missing.contains(&key) { "nil".to_owned() } else { format!("value-of-key-{key}") };
        assert_eq!(client.run(&format!("GET key:{key}")), expected, "key {key}");
    }
    assert_eq!(client.run("DBSIZE"), format!(":{}", keys - missing.len()));
}

fn place_of(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("the text is there")
}

/// Puts a salvaged log in the place of the damaged one.
fn adopt(directory: &Path) {
    files::rename(&directory.join("appendonlydir"), &directory.join("damaged"));
    files::rename(&directory.join("salvaged"), &directory.join("appendonlydir"));
}

#[test]
fn a_lost_manifest() {
    for arguments in [FRAMED, UNFRAMED] {
        let directory = log(arguments, 8);
        let manifest = directory.path().join(MANIFEST);
        let text = files::read(&manifest);
        files::remove(&manifest);
        let printed = refused(directory.path(), arguments);
        assert!(printed.contains("check-aof --rebuild-manifest appendonlydir"), "{printed}");

        let before = files::contents(directory.path());
        let asked = check_aof(directory.path(), &["--rebuild-manifest", "appendonlydir"], "n\n");
        assert_eq!(asked.code, Some(1));
        assert!(asked.output.ends_with("Continue? [y/N]: Aborting...\n"), "{}", asked.output);
        let dry = check_aof(directory.path(), &["--rebuild-manifest", "--dry-run", "appendonlydir"], "");
        assert_eq!(dry.code, Some(0), "{}", dry.output);
        assert!(files::contents(directory.path()) == before);

        let done = check_aof(directory.path(), &["--rebuild-manifest", "appendonlydir"], "y\n");
        assert_eq!(done.code, Some(0), "{}", done.output);
        assert_eq!(files::read(&manifest), text);
        assert_eq!(check_aof(directory.path(), &["appendonlydir"], "").code, Some(0));
        starts_without(Program::Lastsave, directory.path(), arguments, 8, &[]);
        let again = check_aof(directory.path(), &["--rebuild-manifest", "appendonlydir"], "y\n");
        assert_eq!(again.code, Some(1));
        assert!(again.output.contains("there is a manifest already"), "{}", again.output);
    }
}

#[test]
fn a_damaged_manifest() {
    let directory = log(FRAMED, 4);
    let manifest = directory.path().join(MANIFEST);
    let text = files::read(&manifest);
    files::write(&manifest, b"file x\n");
    assert!(refused(directory.path(), FRAMED).contains("Invalid AOF manifest file format"));
    let done = check_aof(directory.path(), &["--rebuild-manifest", "--yes", MANIFEST], "");
    assert_eq!(done.code, Some(0), "{}", done.output);
    assert_eq!(files::read(&manifest), text);
    let kept = files::names(&directory.path().join("appendonlydir"));
    let kept = kept.iter().find(|name| name.contains(".damaged-")).expect("the damaged one is kept");
    assert_eq!(files::read(&directory.path().join("appendonlydir").join(kept)), b"file x\n");
    starts_without(Program::Lastsave, directory.path(), FRAMED, 4, &[]);
}

#[test]
fn a_torn_end() {
    let directory = log(UNFRAMED, 6);
    files::append(&files::last_increment(directory.path()), b"*3\r\n$3\r\nSET\r\n$5\r\nke");
    let arguments = [UNFRAMED, &["--aof-load-truncated", "no"]].concat();
    assert!(refused(directory.path(), &arguments).contains("redis-check-aof --fix"));
    let dry = check_aof(directory.path(), &["--fix", "--dry-run", MANIFEST], "");
    assert_eq!(dry.code, Some(1));
    assert!(dry.output.ends_with("Dry run: nothing was changed.\n"), "{}", dry.output);
    let fixed = check_aof(directory.path(), &["--fix", "--yes", "--json", "."], "");
    assert_eq!(fixed.code, Some(0), "{}", fixed.output);
    let report: Value = serde_json::from_str(&fixed.output).expect("JSON and nothing else");
    let last = report["logs"][0]["files"].as_array().and_then(|files| files.last()).expect("files");
    assert_eq!((&report["valid"], &last["verdict"]), (&true.into(), &"truncated".into()));
    starts_without(Program::Lastsave, directory.path(), &arguments, 6, &[]);
}

#[test]
fn a_server_that_runs_is_left_alone() {
    let directory = log(FRAMED, 3);
    let server = Instance::lastsave(directory.path(), FRAMED);
    for arguments in [&["--fix", MANIFEST][..], &["--truncate-to-timestamp", "5", MANIFEST]] {
        let ran = check_aof(directory.path(), arguments, "y\n");
        assert_eq!(ran.code, Some(1));
        assert!(ran.output.starts_with("A server is running in "), "{}", ran.output);
    }
    assert_eq!(server.client().run("SET still alive"), "OK");
}

#[test]
fn damage_to_durable_data() {
    let directory = log(FRAMED, 20);
    let path = files::last_increment(directory.path());
    let mut bytes = files::read(&path);
    let at = place_of(&bytes, "value-of-key-7");
    bytes[at] ^= 1;
    files::write(&path, &bytes);
    assert!(refused(directory.path(), FRAMED).contains("corruption in '"));
    let fix = check_aof(directory.path(), &["--fix", "--yes", MANIFEST], "");
    assert_eq!(fix.code, Some(1));
    assert!(fix.output.contains("--salvage keeps them"), "{}", fix.output);

    let salvage = check_aof(directory.path(), &["--salvage", "salvaged", MANIFEST], "");
    assert_eq!(salvage.code, Some(0), "{}", salvage.output);
    for part in ["\"SET\" \"key:7\"", "1 places were left out", "is valid"] {
        assert!(salvage.output.contains(part), "no {part:?} in\n{}", salvage.output);
    }
    let twice = check_aof(directory.path(), &["--salvage", "salvaged", MANIFEST], "");
    assert_eq!(twice.code, Some(1), "an existing directory was overwritten");
    adopt(directory.path());
    if has_oracle() {
        let copy = temporary_directory();
        files::copy_directory(directory.path(), copy.path());
        // The base is of a version that the oracle does not read, and empty.
        files::remove(&files::base(copy.path()));
        let manifest = copy.path().join(MANIFEST);
        let text = String::from_utf8(files::read(&manifest)).expect("text");
        let increments: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
        files::write(&manifest, increments.as_bytes());
        starts_without(Program::Redis, copy.path(), &["--appendonly", "yes"], 20, &[7]);
    }
    starts_without(Program::Lastsave, directory.path(), FRAMED, 20, &[7]);
}

#[test]
fn garbage_in_a_log_without_frames() {
    let directory = log(UNFRAMED, 20);
    let path = files::last_increment(directory.path());
    let mut bytes = files::read(&path);
    let at = place_of(&bytes, "key:5\r\n");
    bytes[at - 4] = b'!';
    files::write(&path, &bytes);
    assert!(refused(directory.path(), UNFRAMED).contains("Bad file format"));
    let salvage = check_aof(directory.path(), &["--salvage", "salvaged", "--json", "appendonlydir"], "");
    assert_eq!(salvage.code, Some(0), "{}", salvage.output);
    let report: Value = serde_json::from_str(&salvage.output).expect("JSON and nothing else");
    let file = report["files"].as_array().and_then(|files| files.last()).expect("files");
    assert_eq!(file["losses"].as_array().map(Vec::len), Some(1), "{file}");
    adopt(directory.path());
    starts_without(Program::Lastsave, directory.path(), UNFRAMED, 20, &[5]);
}

#[test]
fn a_damaged_base() {
    let directory = log(FRAMED, 20);
    let server = Instance::lastsave(directory.path(), FRAMED);
    let mut client = server.client();
    assert_eq!(client.run("CONFIG SET rdbcompression no"), "OK");
    assert!(client.run("BGREWRITEAOF").ends_with("started"));
    harness::eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.run("SET key:20 value-of-key-20"), "OK");
    server.kill();
    let path = files::base(directory.path());
    let mut bytes = files::read(&path);
    let at = place_of(&bytes, "key:11");
    bytes[at - 2] = 0xee;
    files::write(&path, &bytes);
    refused(directory.path(), FRAMED);
    let salvage = check_aof(directory.path(), &["--salvage", "salvaged", "."], "");
    assert_eq!(salvage.code, Some(0), "{}", salvage.output);
    adopt(directory.path());
    starts_without(Program::Lastsave, directory.path(), FRAMED, 21, &[11]);
}

#[test]
fn a_damaged_snapshot() {
    let directory = dump(20, "dump.rdb");
    let path = directory.path().join("dump.rdb");
    let mut bytes = files::read(&path);
    let at = place_of(&bytes, "key:11");
    bytes[at - 2] = 0xee;
    files::write(&path, &bytes);
    refused(directory.path(), DUMP_ONLY);
    assert_eq!(check_rdb(directory.path(), &["dump.rdb"]).code, Some(1));
    let salvage = check_rdb(directory.path(), &["--salvage", "salvaged.rdb", "dump.rdb"]);
    assert_eq!(salvage.code, Some(0), "{}", salvage.output);
    assert!(salvage.output.contains("key \"key:11\" in db0"), "{}", salvage.output);
    assert_eq!(check_rdb(directory.path(), &["salvaged.rdb"]).code, Some(0));
    files::rename(&directory.path().join("salvaged.rdb"), &path);
    starts_without(Program::Lastsave, directory.path(), DUMP_ONLY, 20, &[11]);
}

#[test]
fn two_snapshots_are_compared() {
    let directory = dump(20, "dump.rdb");
    files::write(&directory.path().join("old.rdb"), &files::read(&directory.path().join("dump.rdb")));
    let same = check_rdb(directory.path(), &["--diff", "dump.rdb", "old.rdb"]);
    assert_eq!(
        (same.code, same.output.as_str()),
        (Some(0), "0 keys added, 0 removed, 0 changed, 20 unchanged\n")
    );
    let server = Instance::lastsave(directory.path(), DUMP_ONLY);
    let mut client = server.client();
    for (command, reply) in [
        ("SET key:1 other", "OK"),
        ("DEL key:2", ":1"),
        ("SET new 1", "OK"),
        ("PEXPIREAT key:3 9999999999999", ":1"),
    ] {
        assert_eq!(client.run(command), reply);
    }
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    let differ = check_rdb(directory.path(), &["--diff", "dump.rdb", "old.rdb"]);
    assert_eq!(differ.code, Some(1));
    let mut lines: Vec<&str> = differ.output.lines().collect();
    let summary = lines.pop();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "+ db0 \"new\" (string)",
            "- db0 \"key:2\" (string)",
            "~ db0 \"key:1\" (string, value changed)",
            "~ db0 \"key:3\" (string, expiry changed)",
        ]
    );
    assert_eq!(summary, Some("1 keys added, 1 removed, 2 changed, 17 unchanged"));
    assert_eq!(check_rdb(directory.path(), &["--diff", "nofile", "old.rdb"]).code, Some(2));
}

#[test]
fn a_snapshot_is_described_in_one_page() {
    let directory = dump(30, "dump.rdb");
    let ran = check_rdb(directory.path(), &["--report", "page.html", "--json", "dump.rdb"]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    let numbers: Value = serde_json::from_str(&ran.output).expect("JSON and nothing else");
    assert_eq!(numbers["keys"], 30);
    assert_eq!(
        (&numbers["prefixes"][0]["name"], &numbers["prefixes"][0]["keys"]),
        (&"key:".into(), &30.into())
    );
    let page = String::from_utf8(files::read(&directory.path().join("page.html"))).expect("text");
    for part in ["<svg", "Memory by type", "key:", "Biggest keys", "no expiry", "</html>"] {
        assert!(page.contains(part), "no {part:?} in the page");
    }
    for outside in ["http://", "https://", "<script", "src=", "url("] {
        assert!(!page.contains(outside), "the page needs {outside:?}");
    }
}

/// A snapshot of redis-server with every type that is read here, packed and not.
fn snapshot_of_redis() -> Vec<u8> {
    let directory = temporary_directory();
    let server = Instance::start(Program::Redis, directory.path(), &["--hash-max-listpack-entries", "8"]);
    let mut client = server.client();
    for key in 0..12 {
        client.run(&format!("SET string:{key} text-{}", "abc".repeat(key)));
        for element in 0..key * 2 + 1 {
            client.run(&format!("HSET hash:{key} field:{element} {element}"));
            client.run(&format!("SADD set:{key} member:{element}"));
            client.run(&format!("SADD integers:{key} {element}"));
            client.run(&format!("ZADD zset:{key} {element}.5 member:{element}"));
            client.run(&format!("RPUSH list:{key} element:{element}"));
        }
    }
    assert_eq!(client.run("SELECT 1"), "OK");
    assert_eq!(client.run("SET other database"), "OK");
    server.shut_down("SAVE");
    files::read(&directory.path().join("dump.rdb"))
}

#[test]
fn snapshots_of_redis_are_salvaged_for_redis() {
    if !has_oracle() {
        return;
    }
    let bytes = snapshot_of_redis();
    let (whole, keys) = lastsave_tools::salvage_bytes(&bytes);
    assert!(whole == bytes, "a sound file comes out as it is");
    assert_eq!(keys, 12 * 6 + 1);
    let directory = temporary_directory();
    let path = directory.path().join("salvaged.rdb");
    let (mut turns, mut lost) = (0, 0);
    for (turn, at) in (9..bytes.len() - 8).step_by(5).enumerate() {
        let mut damaged = bytes.clone();
        damaged[at] ^= [0x80, 0x01, 0x40, 0x13][turn % 4];
        let (out, kept) = lastsave_tools::salvage_bytes(&damaged);
        // A length that was changed may make one record of many, which the format gives no means to find out.
        assert!(kept >= keys / 2, "byte {at}: {kept} of {keys} keys");
        (turns, lost) = (turns + 1, lost + keys.saturating_sub(kept));
        if turn % 20 == 0 {
            files::write(&path, &out);
            let theirs =
                harness::tools::their_tool("redis-check-rdb", directory.path(), &["salvaged.rdb"], "");
            assert_eq!(theirs.code, Some(0), "byte {at}: {}", theirs.output);
        }
    }
    assert!(lost <= turns, "{lost} keys were lost for {turns} flipped bytes");
}
