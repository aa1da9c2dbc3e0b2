//! A dump is the data of one moment, however much is written meanwhile; and it is made when Redis would make it.

mod harness;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::samples::{fill, fingerprint};
use harness::{Client, Instance, Program, Workload, eventually, files, has_oracle, temporary_directory};

fn dump(directory: &Path) -> Vec<u8> {
    files::read(&directory.join("dump.rdb"))
}

fn has_dump(directory: &Path) -> bool {
    files::names(directory).contains(&"dump.rdb".to_owned())
}

fn temporary_files(directory: &Path) -> Vec<String> {
    files::names(directory).into_iter().filter(|name| name.starts_with("temp-")).collect()
}

fn wait_for_save(client: &mut Client) {
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
}

/// What a server finds in a directory.
fn keys(directory: &Path) -> String {
    let server = Instance::lastsave(directory, &[]);
    server.client().run("DBSIZE")
}

/// Saves again and again under load, and looks at every dump.
fn saves_under_load(arguments: &[&str], reader: Program) {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &[&["--rdb-write-version", "10"], arguments].concat());
    let mut client = server.client();
    let mut workload = Workload::new(4);
    for round in 0..4 {
        let before = workload.clone();
        let running = workload.start(server.port);
        running.wait_for(400 + 100 * round);
        assert_eq!(client.run(&format!("SET marker {round}")), "OK");
        assert_eq!(client.run("BGSAVE"), "Background saving started");
        assert_eq!(client.run("SET marker late"), "OK");
        let more = running.acknowledged() + 200;
        wait_for_save(&mut client);
        running.wait_for(more);
        workload = running.finish();
        // What the dump holds is not what the server holds now.
        assert_eq!(temporary_files(directory.path()), Vec::<String>::new());
        let copy = temporary_directory();
        files::write(&copy.path().join("dump.rdb"), &dump(directory.path()));
        let other = Instance::start(reader, copy.path(), &[]);
        assert_eq!(other.client().run("GET marker"), round.to_string());
        before.until(&workload).check(other.port);
    }
    workload.check(server.port);
}

#[test]
fn a_background_save_under_load_holds_one_moment() {
    saves_under_load(&[], Program::Lastsave);
}

#[test]
fn a_slow_background_save_under_load_holds_one_moment() {
    saves_under_load(&["--rdb-key-save-delay", "1000"], Program::Lastsave);
}

#[test]
fn a_background_save_beside_a_log_holds_one_moment() {
    saves_under_load(&["--appendonly", "yes", "--rdb-key-save-delay", "500"], Program::Lastsave);
}

#[test]
fn redis_finds_one_moment_in_a_dump_that_was_written_under_load() {
    if has_oracle() {
        saves_under_load(&["--rdb-key-save-delay", "300"], Program::Redis);
    }
}

#[test]
fn save_answers_when_the_dump_is_there() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &[]);
    let mut client = server.client();
    fill(&mut client, 1);
    let expected = fingerprint(&mut client);
    let changes: u64 = client.info("rdb_changes_since_last_save").parse().unwrap();
    assert!(changes > 100, "{changes}");
    assert_eq!(client.run("SAVE"), "OK");
    assert!(has_dump(directory.path()));
    assert_eq!(client.info("rdb_changes_since_last_save"), "0");
    assert_eq!(client.info("rdb_saves"), "1");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let saved: u64 = client.run("LASTSAVE")[1..].parse().unwrap();
    assert!(saved <= now && now - saved < 5, "{saved} {now}");
    assert_eq!(client.info("rdb_last_save_time"), saved.to_string());
    server.kill();
    let server = Instance::lastsave(directory.path(), &[]);
    let mut client = server.client();
    assert_eq!(fingerprint(&mut client), expected);
    assert_eq!(client.info("rdb_changes_since_last_save"), "0");
}

#[test]
fn changes_are_counted_as_redis_counts_them() {
    let directory = temporary_directory();
    let mut servers = vec![Instance::lastsave(directory.path(), &[])];
    if has_oracle() {
        servers.push(Instance::start(Program::Redis, directory.path(), &[]));
    }
    for server in servers {
        let mut client = server.client();
        for (words, changes) in [
            ("SET a 1", 1),
            ("MSET b 1 c 2", 2),
            ("GET a", 0),
            ("SET a 2 NX", 0),
            ("SETNX a 2", 0),
            ("INCR a", 1),
            ("APPEND a x", 1),
            ("SETRANGE a 0 y", 1),
            ("DEL b c nothing", 2),
            ("EXPIRE a 100", 1),
            ("EXPIRE nothing 100", 0),
            ("PERSIST a", 1),
            ("PERSIST a", 0),
            ("RENAME a d", 1),
            ("GETDEL d", 1),
            ("SET e 1 PX 1", 1),
            ("MSETNX f 1 g 2", 2),
            ("MSETNX f 1 h 2", 0),
            ("FLUSHDB", 0),
        ] {
            let before: i64 = client.info("rdb_changes_since_last_save").parse().unwrap();
            client.run(words);
            let after: i64 = client.info("rdb_changes_since_last_save").parse().unwrap();
            if words != "FLUSHDB" {
                // The key that expires meanwhile counts as a change as well.
                let expiry = i64::from(words.starts_with("MSETNX"));
                assert!(
                    (changes..=changes + expiry).contains(&(after - before)),
                    "{words}: {}",
                    after - before
                );
            }
        }
    }
}

#[test]
fn changes_after_the_cut_remain_unsaved() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--rdb-key-save-delay", "100000"]);
    let mut client = server.client();
    assert_eq!(client.run("MSET a 1 b 2 c 3"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("MSET a 4 d 5"), "OK");
    assert_eq!(client.run("SAVE"), "-ERR Background save already in progress");
    wait_for_save(&mut client);
    assert_eq!(client.info("rdb_changes_since_last_save"), "2");
    server.kill();
    let server = Instance::lastsave(directory.path(), &[]);
    assert_eq!(server.client().run("MGET a b c d"), "[1 2 3 nil]");
}

#[test]
fn a_save_point_saves_by_itself() {
    let directory = temporary_directory();
    let mut server = Instance::lastsave(directory.path(), &["--save", "1 2"]);
    let mut client = server.client();
    let started = client.run("LASTSAVE");
    assert_eq!(client.run("SET a 1"), "OK");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!has_dump(directory.path()), "one change is not enough");
    assert_eq!(client.run("SET b 1"), "OK");
    eventually("the save", || has_dump(directory.path()));
    server.wait_for_log("2 changes in 1 seconds. Saving...");
    server.wait_for_log("Background saving terminated with success");
    eventually("the count", || client.info("rdb_changes_since_last_save") == "0");
    assert_ne!(client.run("LASTSAVE"), started);
    server.kill();
    assert_eq!(keys(directory.path()), ":2");
}

#[test]
fn save_points_can_be_taken_away_and_given() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--save", "1 1"]);
    let mut client = server.client();
    assert_eq!(client.command(&["CONFIG", "SET", "save", ""]), harness::Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.run("CONFIG GET save"), "[save ]");
    assert_eq!(client.run("SET a 1"), "OK");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!has_dump(directory.path()));
    assert_eq!(
        client.command(&["CONFIG", "SET", "save", "3600 5 1 1"]),
        harness::Reply::Simple(b"OK".to_vec())
    );
    eventually("the save", || has_dump(directory.path()));
    assert_eq!(client.command(&["CONFIG", "SET", "save", ""]), harness::Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.run("SET b 1"), "OK");
    server.shut_down("");
    assert_eq!(keys(directory.path()), ":1");
}

#[test]
fn a_shutdown_saves_when_it_should() {
    for (points, options, is_saved) in [
        ("3600 1", "", true),
        ("3600 1", "NOSAVE", false),
        ("3600 1", "SAVE", true),
        ("", "", false),
        ("", "SAVE", true),
        ("3600 1", "NOW", true),
        ("3600 1", "FORCE", true),
    ] {
        let directory = temporary_directory();
        let server = Instance::lastsave(directory.path(), &["--save", points]);
        assert_eq!(server.client().run("SET a 1"), "OK");
        server.shut_down(options);
        assert_eq!(has_dump(directory.path()), is_saved, "save {points:?}, SHUTDOWN {options}");
        assert_eq!(keys(directory.path()), format!(":{}", u8::from(is_saved)));
    }
}

#[test]
fn a_termination_signal_saves_what_has_save_points() {
    for (points, signal, is_saved) in [("3600 1", "TERM", true), ("3600 1", "INT", true), ("", "TERM", false)]
    {
        let directory = temporary_directory();
        let mut server = Instance::lastsave(directory.path(), &["--save", points]);
        assert_eq!(server.client().run("SET a 1"), "OK");
        let status =
            std::process::Command::new("kill").args(["-s", signal, &server.pid().to_string()]).status();
        assert!(status.unwrap().success());
        assert_eq!(server.wait().code(), Some(0));
        assert_eq!(has_dump(directory.path()), is_saved, "save {points:?}, {signal}");
    }
}

#[test]
fn a_shutdown_under_load_saves_everything_acknowledged() {
    for arguments in [&["--save", "3600 1"][..], &["--appendonly", "yes"]] {
        let directory = temporary_directory();
        let mut server = Instance::lastsave(directory.path(), arguments);
        let running = Workload::new(4).start(server.port);
        running.wait_for(1500);
        let status =
            std::process::Command::new("kill").args(["-s", "TERM", &server.pid().to_string()]).status();
        assert!(status.unwrap().success());
        assert_eq!(server.wait().code(), Some(0));
        let mut workload = running.finish();
        let server = Instance::lastsave(directory.path(), arguments);
        workload.check(server.port);
    }
}

#[test]
fn flushall_saves_emptiness_when_there_are_save_points() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--save", "3600 100"]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    let full = dump(directory.path());
    assert_eq!(client.run("FLUSHDB"), "OK");
    assert_eq!(dump(directory.path()), full, "FLUSHDB does not save");
    assert_eq!(client.run("FLUSHALL"), "OK");
    assert_ne!(dump(directory.path()), full, "FLUSHALL saves");
    assert_eq!(client.info("rdb_changes_since_last_save"), "0");
    server.kill();
    assert_eq!(keys(directory.path()), ":0");
}

#[test]
fn flushall_leaves_the_dump_alone_without_save_points() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &[]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    let full = dump(directory.path());
    assert_eq!(client.run("FLUSHALL"), "OK");
    assert_eq!(dump(directory.path()), full);
    server.kill();
    assert_eq!(keys(directory.path()), ":1");
}

#[test]
fn flushall_stops_a_running_save() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--save", "3600 1000"]);
    let mut client = server.client();
    for key in 0..500 {
        assert_eq!(client.run(&format!("SET key:{key} 1")), "OK");
    }
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 20000"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("FLUSHALL"), "OK");
    eventually("the end of the save", || client.info("rdb_bgsave_in_progress") == "0");
    // Stopping it is no failure.
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(client.run("SET b 1"), "OK");
    server.kill();
    assert_eq!(keys(directory.path()), ":0");
    assert_eq!(temporary_files(directory.path()), Vec::<String>::new());
}

#[test]
fn a_kill_during_a_save_leaves_the_dump_of_before() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &[]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.run("MSET b 1 c 1"), "OK");
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 10000000"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    std::thread::sleep(Duration::from_millis(100));
    server.kill();
    assert_eq!(keys(directory.path()), ":1");
}

#[test]
fn a_kill_at_any_moment_of_many_saves_leaves_a_whole_dump() {
    let directory = temporary_directory();
    for round in 0..6 {
        let server = Instance::lastsave(directory.path(), &[]);
        let mut client = server.client();
        let found: u64 = client.run("GET count").parse().unwrap_or(0);
        let pair = client.run("MGET count copy");
        assert!(pair == format!("[{found} {found}]") || !has_dump(directory.path()), "{pair}");
        let until = std::time::Instant::now() + Duration::from_millis(60 + 23 * round);
        let mut count = found;
        while std::time::Instant::now() < until || !has_dump(directory.path()) {
            count += 1;
            assert_eq!(client.run(&format!("MSET count {count} copy {count}")), "OK");
            let _answer = client.run("BGSAVE");
        }
        server.kill();
    }
    assert_eq!(keys(directory.path()), ":2");
}

#[test]
fn directory_and_name_of_the_dump_may_change() {
    let (directory, other) = (temporary_directory(), temporary_directory());
    let server =
        Instance::lastsave(directory.path(), &["--enable-protected-configs", "yes", "--save", "3600 1"]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    let first = dump(directory.path());
    assert_eq!(client.run("SET b 1"), "OK");
    assert_eq!(client.run("CONFIG SET dbfilename other.rdb"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(files::names(directory.path()), ["dump.rdb", "other.rdb"]);
    let path = other.path().to_str().unwrap();
    assert_eq!(client.run(&format!("CONFIG SET dir {path}")), "OK");
    assert_eq!(
        client.run("CONFIG GET dir"),
        format!("[dir {}]", other.path().canonicalize().unwrap().display())
    );
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    wait_for_save(&mut client);
    assert_eq!(files::names(other.path()), ["other.rdb"]);
    assert_eq!(dump(directory.path()), first);
    assert!(client.run("CONFIG SET dir /no/such/directory").ends_with("No such file or directory"));
    assert_eq!(
        client.run("CONFIG SET dbfilename a/b.rdb"),
        "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename can't be a path, just a \
         filename"
    );
    // A rewrite and a shutdown find their way as well.
    assert_eq!(client.run("SET c 1"), "OK");
    server.shut_down("");
    files::rename(&other.path().join("other.rdb"), &other.path().join("dump.rdb"));
    assert_eq!(keys(other.path()), ":3");
}

#[test]
fn a_log_stays_complete_when_the_directory_changes() {
    let (directory, other) = (temporary_directory(), temporary_directory());
    let arguments = ["--enable-protected-configs", "yes", "--appendonly", "yes"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run(&format!("CONFIG SET dir {}", other.path().display())), "OK");
    assert_eq!(client.run("SET b 1"), "OK");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    assert_eq!(client.run("SET c 1"), "OK");
    server.kill();
    // The log is whole, in the one directory or in the other.
    let moved = other.path().join("appendonlydir/appendonly.aof.manifest").exists();
    let home = if moved { other.path() } else { directory.path() };
    let server = Instance::lastsave(home, &["--appendonly", "yes"]);
    assert_eq!(server.client().run("MGET a b c"), "[1 1 1]");
}

#[test]
fn debug_reload_and_loadaof_bring_back_the_same_data() {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    fill(&mut client, 6);
    let expected = fingerprint(&mut client);
    assert_eq!(client.run("DEBUG RELOAD"), "OK");
    assert_eq!(fingerprint(&mut client), expected);
    assert_eq!(client.run("DEBUG LOADAOF"), "OK");
    assert_eq!(fingerprint(&mut client), expected);
    assert_eq!(client.run("SET more 1"), "OK");
    let expected = fingerprint(&mut client);
    assert_eq!(client.run("DEBUG LOADAOF"), "OK");
    assert_eq!(fingerprint(&mut client), expected);
    server.kill();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    assert_eq!(fingerprint(&mut server.client()), expected);
}
