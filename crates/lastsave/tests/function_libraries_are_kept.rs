//! Function libraries come from Redis, outlive everything here, and run again when they go back.

mod harness;

use std::collections::BTreeMap;
use std::path::Path;

use harness::tools::our_tool;
use harness::{
    Client, Instance, PROGRAM, Program, Reply, assert_like_redis, eventually, files, has_oracle, show,
    temporary_directory,
};

const FIRST: &str = "#!lua name=first\nredis.register_function('one', function(keys, args) return 1 end)";

const SECOND: &str = "#!lua name=second\n\
    redis.register_function{function_name='two', flags={'no-writes'},\n\
    callback=function(keys, args) return redis.call('GET', keys[1]) end}\n\
    -- ------------------------------------------------------------------ the end";

/// What the Redis at hand can read.
const OLD_ENOUGH: [&str; 2] = ["--rdb-write-version", "10"];

fn lastsave(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::start(Program::Lastsave, directory, &[&OLD_ENOUGH, arguments].concat())
}

fn redis(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::start(Program::Redis, directory, arguments)
}

/// Names and texts.
fn libraries(client: &mut Client) -> BTreeMap<String, String> {
    let Reply::Array(list) = client.command(&["FUNCTION", "LIST", "WITHCODE"]) else { panic!("an array") };
    let text = |fields: &[Reply], name: &str| {
        let at = fields.iter().position(|field| show(field) == name).expect("there is such a field");
        show(&fields[at + 1])
    };
    list.iter()
        .map(|library| match library {
            Reply::Array(fields) => {
                assert_eq!(text(fields, "engine"), "LUA");
                (text(fields, "library_name"), text(fields, "library_code"))
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn both() -> BTreeMap<String, String> {
    [("first", FIRST), ("second", SECOND)].map(|(name, code)| (name.to_owned(), code.to_owned())).into()
}

fn load(client: &mut Client, code: &str) -> String {
    show(&client.command(&["FUNCTION", "LOAD", code]))
}

fn load_both(client: &mut Client) {
    assert_eq!(client.run("SET k v"), "OK");
    assert_eq!(load(client, FIRST), "first");
    assert_eq!(load(client, SECOND), "second");
}

/// Checks that a Redis in this directory runs the functions.
fn assert_redis_runs_them(directory: &Path, arguments: &[&str]) {
    let server = redis(directory, arguments);
    let mut client = server.client();
    assert_eq!(libraries(&mut client), both());
    assert_eq!(client.run("FCALL one 0"), ":1");
    assert_eq!(client.run("FCALL_RO two 1 k"), "v");
}

fn rewrite(client: &mut Client) {
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}

fn payload(client: &mut Client) -> Vec<u8> {
    match client.command(&["FUNCTION", "DUMP"]) {
        Reply::Bulk(payload) => payload.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn restore(client: &mut Client, payload: &[u8], policy: &str) -> String {
    let words: [&[u8]; 4] = [b"FUNCTION", b"RESTORE", payload, policy.as_bytes()];
    show(&client.command(&words))
}

#[test]
fn a_dump_of_redis_is_loaded_saved_in_every_way_and_runs_there_again() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let server = redis(directory.path(), &[]);
    load_both(&mut server.client());
    server.shut_down("SAVE");
    for way in ["SAVE", "BGSAVE", "DEBUG RELOAD", "SHUTDOWN"] {
        let server = lastsave(directory.path(), &[]);
        let mut client = server.client();
        assert_eq!(libraries(&mut client), both(), "before {way}");
        assert_eq!(client.run("SET k v"), "OK");
        files::remove(&directory.path().join("dump.rdb"));
        match way {
            "SHUTDOWN" => server.shut_down("SAVE"),
            "BGSAVE" => {
                client.run(way);
                eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
                server.kill();
            }
            _ => {
                assert_eq!(client.run(way), "OK");
                assert_eq!(libraries(&mut client), both(), "after {way}");
                server.kill();
            }
        }
        assert_redis_runs_them(directory.path(), &[]);
    }
}

#[test]
fn a_log_of_redis_is_loaded_rewritten_in_both_forms_and_runs_there_again() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let log = ["--appendonly", "yes"];
    let server = redis(directory.path(), &log);
    load_both(&mut server.client());
    server.shut_down("NOSAVE");
    for preamble in ["yes", "no"] {
        let server = lastsave(directory.path(), &log);
        let mut client = server.client();
        assert_eq!(libraries(&mut client), both());
        assert_eq!(client.run("DEBUG LOADAOF"), "OK");
        assert_eq!(libraries(&mut client), both());
        // Records of ours, behind those of Redis.
        assert_eq!(client.run("FUNCTION DELETE second"), "OK");
        assert_eq!(show(&client.command(&["FUNCTION", "LOAD", "REPLACE", FIRST])), "first");
        assert_eq!(load(&mut client, SECOND), "second");
        server.kill();
        let server = lastsave(directory.path(), &log);
        let mut client = server.client();
        assert_eq!(libraries(&mut client), both());
        assert_eq!(client.run(&format!("CONFIG SET aof-use-rdb-preamble {preamble}")), "OK");
        rewrite(&mut client);
        let base = files::read(&files::base(directory.path()));
        assert_eq!(base.starts_with(b"REDIS0010"), preamble == "yes");
        server.kill();
        let server = lastsave(directory.path(), &log);
        assert_eq!(libraries(&mut server.client()), both());
        server.kill();
        assert_redis_runs_them(directory.path(), &log);
    }
}

#[test]
fn a_dump_with_libraries_becomes_the_base_of_a_new_log() {
    let directory = temporary_directory();
    let server = lastsave(directory.path(), &[]);
    load_both(&mut server.client());
    assert_eq!(server.client().run("SAVE"), "OK");
    server.kill();
    let log = ["--appendonly", "yes"];
    let server = lastsave(directory.path(), &log);
    assert_eq!(libraries(&mut server.client()), both());
    server.kill();
    files::remove(&directory.path().join("dump.rdb"));
    let server = lastsave(directory.path(), &log);
    assert_eq!(libraries(&mut server.client()), both());
}

#[test]
fn payloads_are_exchanged_with_redis() {
    if !has_oracle() {
        return;
    }
    let (here, there) = (temporary_directory(), temporary_directory());
    let (ours, theirs) = (lastsave(here.path(), &[]), redis(there.path(), &[]));
    let (mut ours, mut theirs) = (ours.client(), theirs.client());
    load_both(&mut ours);
    assert_eq!(restore(&mut theirs, &payload(&mut ours), "APPEND"), "OK");
    assert_eq!(libraries(&mut theirs), both());
    assert_eq!(theirs.run("FCALL one 0"), ":1");
    assert_eq!(ours.run("FUNCTION FLUSH"), "OK");
    assert_eq!(payload(&mut ours).len(), 10);
    let full = payload(&mut theirs);
    assert_eq!(restore(&mut ours, &full, "FLUSH"), "OK");
    assert_eq!(libraries(&mut ours), both());
    for policy in ["APPEND", "REPLACE", "FLUSH", "WHATEVER"] {
        let theirs = restore(&mut theirs, &full, policy);
        let ours = restore(&mut ours, &full, policy);
        if policy == "APPEND" {
            // Which of several is named first is a matter of chance there.
            assert!(theirs.ends_with(" already exists") && ours == "-ERR Library first already exists");
        } else {
            assert_eq!(theirs, ours);
        }
    }
    for place in 0..full.len() {
        let mut damaged = full.clone();
        damaged[place] ^= 0x10;
        let refused = "-ERR DUMP payload version or checksum are wrong";
        assert_eq!(restore(&mut ours, &damaged, "FLUSH"), refused);
        assert_eq!(restore(&mut ours, &full[..place], "FLUSH"), refused);
    }
    assert_eq!(libraries(&mut ours), both());
}

#[test]
fn answers_are_those_of_redis() {
    let lines = [
        "FUNCTION LOAD \"return 1\"",
        "FUNCTION LOAD \"#!lua\\nx\"",
        "FUNCTION LOAD \"#!lua name=a name=b\\nx\"",
        "FUNCTION LOAD \"#!lua name=\\\"a b\\\"\\nx\"",
        "FUNCTION LOAD \"#!lua name=a\"",
        "FUNCTION LOAD \"#!lua foo\\nx\"",
        "FUNCTION LOAD \"#!js name=a\\nx\"",
        "FUNCTION LOAD NOW x",
        "FUNCTION LOAD",
        "FUNCTION LOAD REPLACE",
        "FUNCTION LOAD \"#!lua name=a\\nredis.register_function('f', function(keys, args) return 1 end)\"",
        "FUNCTION LOAD \"#!lua name=a\\nredis.register_function('f', function(keys, args) return 1 end)\"",
        "FUNCTION LOAD replace \"#!lua name=a\\nredis.register_function('f', function(keys, args) return 1 end)\"",
        "FUNCTION LIST LIBRARYNAME b* WITHCODE",
        "FUNCTION LIST LIBRARYNAME",
        "FUNCTION LIST WITHCODE WITHCODE",
        "FUNCTION LIST all",
        "FUNCTION DELETE A",
        "FUNCTION KILL",
        "FUNCTION FLUSH later",
        "FUNCTION FLUSH SYNC x",
        "FUNCTION RESTORE x",
        "FUNCTION RESTORE x never",
        "FUNCTION RESTORE x FLUSH y",
        "FUNCTION nope",
        "FUNCTION",
        "FCALL f",
        "FUNCTION FLUSH ASYNC",
        "FUNCTION LIST",
        "FUNCTION STATS",
        "FCALL f 0",
        "FCALL_RO f 0",
        "FUNCTION DELETE a",
        "MULTI",
        "FUNCTION LOAD \"#!lua name=a\\nredis.register_function('f', function(keys, args) return 1 end)\"",
        "FUNCTION DELETE a",
        "EXEC",
    ];
    let mut script: Vec<String> = lines.iter().map(|line| format!("0 {line}")).collect();
    script
        .extend(["1 !HELLO 3", "1 FUNCTION STATS", "1 FUNCTION LIST", "1 FUNCTION KILL"].map(str::to_owned));
    assert_like_redis(&[], &script.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn libraries_are_data_of_no_database_and_are_not_run() {
    let directory = temporary_directory();
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    let changes = |client: &mut Client| client.info("rdb_changes_since_last_save");
    load_both(&mut client);
    assert_eq!(changes(&mut client), "3");
    assert_eq!(client.info("number_of_libraries"), "2");
    assert!(client.run("FCALL one 0").starts_with("-ERR Functions cannot be called: this server keeps"));
    assert_eq!(client.run("FLUSHALL"), "OK");
    assert_eq!(client.run("CONFIG SET maxmemory 1"), "OK");
    assert!(load(&mut client, FIRST).starts_with("-OOM"));
    assert_eq!(client.run("FUNCTION DELETE first"), "OK");
    assert_eq!(client.run("CONFIG SET maxmemory 0"), "OK");
    server.kill();
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(libraries(&mut client).keys().collect::<Vec<_>>(), ["second"]);
    assert_eq!(client.run("FUNCTION FLUSH"), "OK");
    server.kill();
    let server = lastsave(directory.path(), &["--appendonly", "yes"]);
    assert_eq!(libraries(&mut server.client()), BTreeMap::new());
}

#[test]
fn a_snapshot_has_the_libraries_of_its_cut() {
    let directory = temporary_directory();
    let server = lastsave(directory.path(), &["--rdb-key-save-delay", "2000"]);
    let mut client = server.client();
    load_both(&mut client);
    assert_eq!(client.run("DEBUG POPULATE 500"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("FUNCTION DELETE first"), "OK");
    assert_eq!(load(&mut client, &SECOND.replace("second", "third")), "third");
    assert_eq!(client.info("rdb_bgsave_in_progress"), "1");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    server.kill();
    let server = lastsave(directory.path(), &[]);
    assert_eq!(libraries(&mut server.client()), both());
}

#[test]
fn a_version_without_libraries_refuses_them_everywhere() {
    let directory = temporary_directory();
    let old = ["--rdb-write-version", "9"];
    let server = Instance::start(Program::Lastsave, directory.path(), &old);
    let mut client = server.client();
    let refused = "-ERR Function libraries need 'rdb-write-version' 10 or later";
    assert_eq!(load(&mut client, FIRST), refused);
    assert_eq!(client.run("CONFIG SET rdb-write-version 11"), "OK");
    load_both(&mut client);
    let lower = client.run("CONFIG SET rdb-write-version 9");
    assert!(lower.contains("there are function libraries"), "{lower}");
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    eventually("the log", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(load(&mut client, &SECOND.replace("second", "third")), "third");
    server.kill();
    for more in [&[][..], &["--appendonly", "yes"]] {
        let mut server = Instance::launch(Program::Lastsave, directory.path(), &[&old, more].concat());
        assert_eq!(server.wait().code(), Some(1));
        let printed = server.log_text();
        assert!(printed.contains("start with 'rdb-write-version 10' or later"), "{printed}");
    }
}

#[test]
fn a_library_that_redis_would_not_load_ends_the_start() {
    let directory = temporary_directory();
    files::write(&directory.path().join("dump.rdb"), b"REDIS0010\xf5\x09#!lua a=b\xff\0\0\0\0\0\0\0\0");
    let before = files::contents(directory.path());
    let mut server = Instance::launch(Program::Lastsave, directory.path(), &[]);
    assert_eq!(server.wait().code(), Some(1));
    let printed = server.log_text();
    assert!(printed.contains("Failed loading library, Invalid library metadata"), "{printed}");
    assert_eq!(files::contents(directory.path()), before);
}

#[test]
fn the_tools_keep_and_tell_libraries() {
    let directory = temporary_directory();
    let tool = |words: &[&str]| our_tool(PROGRAM, directory.path(), words, "");
    let server = lastsave(directory.path(), &[]);
    let mut client = server.client();
    load_both(&mut client);
    assert_eq!(client.run("SAVE"), "OK");
    files::write(&directory.path().join("old.rdb"), &files::read(&directory.path().join("dump.rdb")));
    assert_eq!(client.run("FUNCTION DELETE first"), "OK");
    assert_eq!(show(&client.command(&["FUNCTION", "LOAD", "REPLACE", &format!("{SECOND}\n")])), "second");
    assert_eq!(load(&mut client, &FIRST.replace("first", "third")), "third");
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    assert_eq!(tool(&["check-rdb", "dump.rdb"]).code, Some(0));
    let ran = tool(&["check-rdb", "--diff", "dump.rdb", "old.rdb"]);
    assert_eq!(ran.code, Some(1));
    let mut lines: Vec<&str> = ran.output.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "+ \"third\" (function library)",
            "- \"first\" (function library)",
            "0 keys added, 0 removed, 0 changed, 1 unchanged; function libraries that differ: 3",
            "~ \"second\" (function library, value changed)",
        ]
    );
    assert_eq!(tool(&["check-rdb", "--diff", "old.rdb", "old.rdb"]).code, Some(0));

    // A wrong byte in a key's record; and one in the first line of a library.
    let old = files::read(&directory.path().join("old.rdb"));
    let place = |part: &[u8]| old.windows(part.len()).position(|window| window == part).expect("it is there");
    for (offset, kept) in
        [(place(b"\x00\x01k\x01v"), "[first second]"), (place(b"!lua name=first"), "[second]")]
    {
        let mut damaged = old.clone();
        damaged[offset] ^= 0x40;
        files::write(&directory.path().join("damaged.rdb"), &damaged);
        files::remove(&directory.path().join("dump.rdb"));
        let ran = tool(&["check-rdb", "--salvage", "dump.rdb", "damaged.rdb"]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        let server = lastsave(directory.path(), &[]);
        let names: Vec<String> = libraries(&mut server.client()).into_keys().collect();
        assert_eq!(format!("[{}]", names.join(" ")), kept);
        server.kill();
    }
}

#[test]
fn a_point_in_time_has_the_libraries_of_then() {
    let directory = temporary_directory();
    let log = ["--appendonly", "yes"];
    let server = lastsave(directory.path(), &log);
    let mut client = server.client();
    load_both(&mut client);
    rewrite(&mut client);
    assert_eq!(client.run("SET then now"), "OK");
    assert_eq!(client.run("FUNCTION FLUSH"), "OK");
    server.kill();
    let tool = |words: &[&str]| our_tool(PROGRAM, directory.path(), words, "");
    let ran = tool(&["log", ".", "--command", "function", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    let line = ran.output.lines().find(|line| line.contains("FLUSH")).expect("it was logged");
    let record: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
    let position = record["position"].as_str().expect("a position");
    let ran = tool(&["restore", "--to", position, "--from", ".", "--into", "restored"]);
    assert_eq!(ran.code, Some(0), "{}", ran.output);
    let server = lastsave(&directory.path().join("restored"), &log);
    assert_eq!(libraries(&mut server.client()), both());
    assert_eq!(server.client().run("GET then"), "now");
}
