//! What docs/operations/append-only-file.md tells a user to type, with what the page says that is seen.

mod harness;

use std::path::Path;

use harness::tools::{Ran, our_tool};
use harness::{Client, Instance, Program, encode, eventually, files, temporary_directory};
use tempfile::TempDir;

const LOG: &[&str] = &["--appendonly", "yes"];
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

fn start(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::lastsave(directory, arguments)
}

/// Starts a server that must not start; gives what it printed.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let mut server = Instance::launch(Program::Lastsave, directory, arguments);
    let printed = match server.wait_until_ready() {
        Ok(()) => panic!("the server has started:\n{}", server.log_text()),
        Err(printed) => printed,
    };
    assert_eq!(server.wait().code(), Some(1), "{printed}");
    printed
}

fn check_aof(directory: &Path, arguments: &[&str], input: &str) -> Ran {
    our_tool("redis-check-aof", directory, arguments, input)
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&files::read(path)).into_owned()
}

fn manifest(directory: &Path) -> String {
    text_of(&directory.join(MANIFEST))
}

fn records(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| encode(&line.split(' ').collect::<Vec<_>>())).collect()
}

fn rewrite(client: &mut Client) {
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}

#[test]
fn turn_it_on_and_restart() {
    let directory = temporary_directory();
    let server = start(directory.path(), LOG);
    let mut client = server.client();
    assert_eq!(client.run("SET greeting hello"), "OK");
    assert_eq!(client.info("aof_enabled"), "1");
    assert_eq!(files::names(directory.path()), ["appendonlydir"]);
    assert_eq!(
        manifest(directory.path()),
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
    assert!(
        text_of(&files::last_increment(directory.path())).contains("SET\r\n$8\r\ngreeting\r\n$5\r\nhello")
    );
    server.shut_down("");
    let mut server = start(directory.path(), LOG);
    let mut client = server.client();
    assert_eq!(client.run("GET greeting"), "hello");
    let log = server.log_text();
    for line in ["DB loaded from base file appendonly.aof.1.base.rdb", "DB loaded from append only file"] {
        assert!(log.contains(line), "no {line:?} in\n{log}");
    }
    assert_eq!(client.run("SET greeting again"), "OK");
    server.kill();
    assert_eq!(start(directory.path(), LOG).client().run("GET greeting"), "again");
}

#[test]
fn turn_it_on_while_the_server_runs() {
    let directory = temporary_directory();
    let path = directory.path().join("redis.conf");
    files::write(&path, b"appendonly no\nsave 3600 1\n");
    let server = start(directory.path(), &[]);
    server.shut_down("NOSAVE");
    let run = |config: &str| {
        let port = harness::free_port();
        let mut command = std::process::Command::new(harness::PROGRAM);
        command.args([config, "--port", &port.to_string()]);
        let mut server = Instance::spawn(&mut command, directory.path(), port);
        assert_eq!(server.wait_until_ready(), Ok(()));
        server
    };
    let server = run("redis.conf");
    let mut client = server.client();
    assert_eq!(client.run("SET before 1"), "OK");
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    eventually("the first base", || {
        client.info("aof_rewrite_scheduled") == "0" && client.info("aof_rewrite_in_progress") == "0"
    });
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    assert_eq!(client.run("SET after 1"), "OK");
    assert_eq!(client.run("CONFIG REWRITE"), "OK");
    assert!(text_of(&path).contains("appendonly yes"), "{}", text_of(&path));
    server.kill();
    let server = run("redis.conf");
    assert_eq!(server.client().run("MGET before after"), "[1 1]");
}

#[test]
fn the_three_policies() {
    for policy in ["always", "everysec", "no"] {
        let directory = temporary_directory();
        let arguments = [LOG, &["--appendfsync", policy]].concat();
        let server = start(directory.path(), &arguments);
        let mut client = server.client();
        for key in 0..50 {
            assert_eq!(client.run(&format!("SET key:{key} {key}")), "OK");
        }
        match policy {
            "always" => assert_eq!(client.info("aof_at_risk_bytes"), "0", "a reply came before the sync"),
            "everysec" => eventually("the sync", || client.info("aof_at_risk_bytes") == "0"),
            _ => assert!(client.info("aof_at_risk_bytes").parse::<u64>().expect("a number") > 0),
        }
        // Whatever the policy, WAITAOF tells whether a write is durable. (`no` syncs every 64 MiB or 30 s.)
        assert_eq!(client.run("SET last 1"), "OK");
        let waited = client.run("WAITAOF 1 0 2000");
        assert_eq!(waited, if policy == "no" { "[:0 :0]" } else { "[:1 :0]" }, "{policy}");
        server.kill();
        let server = start(directory.path(), &arguments);
        assert_eq!(server.client().run("DBSIZE"), ":51", "{policy} lost an acknowledged write to a kill");
    }
}

#[test]
fn appenddirname_and_appendfilename() {
    let directory = temporary_directory();
    let arguments = [LOG, &["--appenddirname", "log", "--appendfilename", "data.aof"]].concat();
    let server = start(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("CONFIG GET appenddirname"), "[appenddirname log]");
    assert_eq!(client.run("CONFIG GET appendfilename"), "[appendfilename data.aof]");
    assert!(client.run("CONFIG SET appendfilename other.aof").contains("can't set immutable config"));
    let names = files::names(&directory.path().join("log"));
    assert_eq!(names, ["data.aof.1.base.rdb", "data.aof.1.incr.aof", "data.aof.manifest"]);
    server.kill();
    assert_eq!(start(directory.path(), &arguments).client().run("GET a"), "1");
    for wrong in [["--appendfilename", "x/y.aof"], ["--appenddirname", "x/y"]] {
        let printed = refused(directory.path(), &[LOG, &wrong].concat());
        assert!(printed.contains("can't be a path, just a"), "{printed}");
    }
}

/// A log as Redis 6 left it, and the number of its keys: records only, or a snapshot with records behind it.
fn old_log(with_preamble: bool) -> (TempDir, usize) {
    let directory = temporary_directory();
    let mut bytes = Vec::new();
    let mut keys = 0;
    if with_preamble {
        let source = temporary_directory();
        let server = start(source.path(), &["--rdb-write-version", "9"]);
        assert_eq!(server.client().run("MSET in:snapshot:1 a in:snapshot:2 b"), "OK");
        assert_eq!(server.client().run("SAVE"), "OK");
        bytes = files::read(&source.path().join("dump.rdb"));
        keys = 2;
    }
    bytes.extend(records(&["SELECT 0", "SET one 1", "RPUSH list a b c", "MULTI", "SET two 2", "EXEC"]));
    files::write(&directory.path().join("appendonly.aof"), &bytes);
    (directory, keys + 3)
}

#[test]
fn a_single_file_of_redis_6_is_upgraded() {
    for with_preamble in [false, true] {
        let (directory, keys) = old_log(with_preamble);
        let checked = check_aof(directory.path(), &["appendonly.aof"], "");
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        assert!(checked.output.starts_with("Start checking Old-Style AOF"), "{}", checked.output);

        let mut server = start(directory.path(), LOG);
        server.wait_for_log(
            "Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory (appendonlydir).",
        );
        let mut client = server.client();
        assert_eq!(client.run("DBSIZE"), format!(":{keys}"));
        assert_eq!(client.run("LRANGE list 0 -1"), "[a b c]");
        assert_eq!(files::names(directory.path()), ["appendonlydir"]);
        assert_eq!(
            manifest(directory.path()),
            "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
        assert_eq!(client.run("SET three 3"), "OK");
        rewrite(&mut client);
        assert_eq!(
            manifest(directory.path()),
            "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
        );
        assert_eq!(files::names(&directory.path().join("appendonlydir")).len(), 3, "the old file is gone");
        server.kill();
        assert_eq!(start(directory.path(), LOG).client().run("DBSIZE"), format!(":{}", keys + 1));
    }
}

#[test]
fn a_torn_end_is_refused_on_demand_and_repaired() {
    let directory = temporary_directory();
    let server = start(directory.path(), LOG);
    assert_eq!(server.client().run("MSET a 1 b 2"), "OK");
    server.kill();
    files::append(&files::last_increment(directory.path()), b"*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$100\r\nhal");

    let strict = [LOG, &["--aof-load-truncated", "no"]].concat();
    let printed = refused(directory.path(), &strict);
    let last = printed.lines().last().unwrap_or_default();
    assert!(last.contains("Unexpected end of file reading the append only file"), "{printed}");
    assert!(last.contains("redis-check-aof --fix <filename.manifest>"), "{printed}");

    let checked = check_aof(directory.path(), &[MANIFEST], "");
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.output.contains("is not valid. Use the --fix option to try fixing it."),
        "{}",
        checked.output
    );
    let asked = check_aof(directory.path(), &["--fix", MANIFEST], "n\n");
    assert_eq!(asked.code, Some(1));
    assert!(asked.output.contains("Continue? [y/N]: Aborting..."), "{}", asked.output);
    let fixed = check_aof(directory.path(), &["--fix", MANIFEST], "y\n");
    assert_eq!(fixed.code, Some(0), "{}", fixed.output);
    assert!(
        fixed.output.contains("Successfully truncated AOF appendonly.aof.1.incr.aof"),
        "{}",
        fixed.output
    );
    assert!(fixed.output.ends_with("All AOF files and manifest are valid\n"), "{}", fixed.output);
    assert_eq!(start(directory.path(), &strict).client().run("MGET a b c"), "[1 2 nil]");
}

#[test]
fn a_torn_end_is_cut_by_the_start_itself_by_default() {
    let directory = temporary_directory();
    let server = start(directory.path(), LOG);
    assert_eq!(server.client().run("MSET a 1 b 2"), "OK");
    server.kill();
    files::append(&files::last_increment(directory.path()), b"*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$100\r\nhal");
    let mut server = start(directory.path(), LOG);
    let log = server.log_text();
    for line in
        ["!!! Truncating the AOF appendonly.aof.1.incr.aof at offset", "they are kept in cut-tail-of-"]
    {
        assert!(log.contains(line), "no {line:?} in\n{log}");
    }
    let mut client = server.client();
    assert_eq!(client.run("MGET a b c"), "[1 2 nil]");
    assert_ne!(client.info("aof_last_load_cut_bytes"), "0");
}

#[test]
fn damage_in_the_middle_is_refused_and_repaired() {
    // A file of Redis, or with `aof-frames no`: `--fix` keeps what is before the damage, `--salvage` also what is behind.
    let directory = temporary_directory();
    let unframed = [LOG, &["--aof-frames", "no"]].concat();
    let server = start(directory.path(), &unframed);
    for words in ["SET a 1", "SET b 2", "SET c 3"] {
        assert_eq!(server.client().run(words), "OK");
    }
    server.kill();
    let path = files::last_increment(directory.path());
    let bytes = files::read(&path);
    let record = records(&["SET b 2"]);
    let at = bytes.windows(record.len()).position(|window| window == record).expect("the record is there");
    files::overwrite(&path, at, b"!!!");

    let printed = refused(directory.path(), &unframed);
    let last = printed.lines().last().unwrap_or_default();
    assert!(
        last.contains("Bad file format reading the append only file appendonly.aof.1.incr.aof"),
        "{printed}"
    );
    let checked = check_aof(directory.path(), &[MANIFEST], "");
    assert!(checked.output.contains(&format!("ok_up_to={at}, ")), "{}", checked.output);
    let salvaged = check_aof(directory.path(), &["--salvage", "salvaged", MANIFEST], "");
    assert_eq!(salvaged.code, Some(0), "{}", salvaged.output);
    let fixed = check_aof(directory.path(), &["--fix", MANIFEST], "y\n");
    assert_eq!(fixed.code, Some(0), "{}", fixed.output);
    assert_eq!(start(directory.path(), &unframed).client().run("MGET a b c"), "[1 nil nil]");
    let arguments = [&unframed[..], &["--appenddirname", "salvaged"]].concat();
    assert_eq!(start(directory.path(), &arguments).client().run("MGET a b c"), "[1 nil 3]");
}

#[test]
fn damage_to_durable_data_is_not_cut_but_salvaged() {
    let directory = temporary_directory();
    let arguments = [LOG, &["--appendfsync", "always"]].concat();
    let server = start(directory.path(), &arguments);
    for words in ["SET a 1", "SET b 2", "SET c 3"] {
        assert_eq!(server.client().run(words), "OK");
    }
    server.shut_down("");
    let path = files::last_increment(directory.path());
    let bytes = files::read(&path);
    let record = records(&["SET b 2"]);
    let at = bytes.windows(record.len()).position(|window| window == record).expect("the record is there");
    files::overwrite(&path, at + record.len() - 3, b"7");

    let printed = refused(directory.path(), &arguments);
    assert!(
        printed.contains("Fatal error: corruption in 'appendonly.aof.1.incr.aof' at offset"),
        "{printed}"
    );
    let fixed = check_aof(directory.path(), &["--fix", MANIFEST], "y\n");
    assert_eq!(fixed.code, Some(1));
    assert!(fixed.output.contains("--salvage keeps them"), "{}", fixed.output);
    let salvaged = check_aof(directory.path(), &["--salvage", "salvaged", MANIFEST], "");
    assert_eq!(salvaged.code, Some(0), "{}", salvaged.output);
    assert!(salvaged.output.contains("\"SET\" \"b\""), "{}", salvaged.output);
    files::rename(&directory.path().join("appendonlydir"), &directory.path().join("damaged"));
    files::rename(&directory.path().join("salvaged"), &directory.path().join("appendonlydir"));
    assert_eq!(start(directory.path(), &arguments).client().run("MGET a b c"), "[1 nil 3]");
}

#[test]
fn rewrite_by_growth() {
    let directory = temporary_directory();
    let arguments = [LOG, &["--auto-aof-rewrite-min-size", "1k", "--aof-use-rdb-preamble", "no"]].concat();
    let mut server = start(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(
        files::base(directory.path()),
        directory.path().join("appendonlydir/appendonly.aof.1.base.aof")
    );
    let value = "v".repeat(100);
    for _ in 0..20 {
        assert_eq!(client.run(&format!("SET key {value}")), "OK");
    }
    // On a slow machine there may be more than one.
    let size = |client: &mut Client| client.info("aof_current_size").parse::<u64>().expect("a number");
    eventually("the rewrite", || {
        client.info("aof_rewrites") != "0"
            && client.info("aof_rewrite_in_progress") == "0"
            && size(&mut client) <= 1000
    });
    server.wait_for_log("Starting automatic rewriting of AOF on ");
    let seq = 1 + client.info("aof_rewrites").parse::<u64>().expect("a number");
    assert_eq!(
        manifest(directory.path()),
        format!(
            "file appendonly.aof.{seq}.base.aof seq {seq} type b\n\
             file appendonly.aof.{seq}.incr.aof seq {seq} type i\n"
        )
    );
    let base = text_of(&files::base(directory.path()));
    assert!(base.ends_with(&format!("$3\r\nSET\r\n$3\r\nkey\r\n$100\r\n{value}\r\n")), "{base}");
    server.kill();
    assert_eq!(start(directory.path(), &arguments).client().run("GET key"), value);
}

#[test]
fn rewrite_by_hand() {
    let directory = temporary_directory();
    let mut server = start(directory.path(), LOG);
    let mut client = server.client();
    for number in 0..100 {
        assert_eq!(client.run(&format!("SET counter {number}")), "OK");
    }
    let before: u64 = client.info("aof_current_size").parse().expect("a number");
    rewrite(&mut client);
    let after: u64 = client.info("aof_current_size").parse().expect("a number");
    assert!(after < before, "{before} bytes became {after}");
    assert_eq!(
        manifest(directory.path()),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    );
    let names = files::names(&directory.path().join("appendonlydir"));
    assert_eq!(names, ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"]);
    for line in [
        "Background append only file rewriting started by pid",
        "Background AOF rewrite terminated with success",
        "Background AOF rewrite finished successfully",
        "Removing the history file appendonly.aof.1.incr.aof in the background",
    ] {
        server.wait_for_log(line);
    }
    server.kill();
    assert_eq!(start(directory.path(), LOG).client().run("GET counter"), "99");
}
