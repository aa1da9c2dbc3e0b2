//! The directives of the log that the walkthroughs do not touch: each does what redis.conf says of it.

mod harness;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::tools::our_tool;
use harness::{Client, Instance, Program, Workload, eventually, files, temporary_directory};

const LOG: &[&str] = &["--appendonly", "yes"];
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

fn start(directory: &Path, arguments: &[&str]) -> Instance {
    Instance::lastsave(directory, &[LOG, arguments].concat())
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&files::read(path)).into_owned()
}

fn ok(client: &mut Client, words: &str) {
    assert_eq!(client.run(words), "OK", "{words}");
}

/// Starts a rewrite that takes until it is told to end.
fn start_slow_rewrite(client: &mut Client) {
    ok(client, "CONFIG SET rdb-key-save-delay 10000000");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
}

/// Sets more keys than a snapshot has read when it is as slow as [`start_slow_rewrite`] makes it.
fn set_keys(client: &mut Client, value: &str) {
    let pairs: String = (0..300).map(|key| format!(" key:{key} {value}")).collect();
    ok(client, &format!("MSET{pairs}"));
}

/// Lets the rewrite that is under way fail: it may hold nothing beside the data, and all keys change.
fn let_rewrite_fail(client: &mut Client) {
    ok(client, "CONFIG SET snapshot-max-extra-memory 1");
    set_keys(client, "changed");
    eventually("the end of the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    ok(client, "CONFIG SET snapshot-max-extra-memory 0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
}

#[test]
fn aof_timestamp_enabled_annotates_every_second_and_the_log_can_be_cut_there() {
    let directory = temporary_directory();
    let server = start(directory.path(), &["--aof-timestamp-enabled", "yes"]);
    let mut client = server.client();
    let started = Instant::now();
    let mut written = 0;
    while started.elapsed() < Duration::from_millis(3300) {
        assert_eq!(client.run("RPUSH list x"), format!(":{}", written + 1));
        written += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = text_of(&files::last_increment(directory.path()));
    let seconds: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#TS:"))
        .map(|second| second.parse().unwrap())
        .collect();
    assert!(seconds.len() >= 4 && seconds.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{seconds:?}");
    // Switched off while it runs, they end.
    ok(&mut client, "CONFIG SET aof-timestamp-enabled no");
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(client.run("RPUSH list y"), format!(":{}", written + 1));
    assert_eq!(text_of(&files::last_increment(directory.path())).matches("#TS:").count(), seconds.len());
    server.shut_down("");

    let second = seconds[1].to_string();
    let cut =
        our_tool("redis-check-aof", directory.path(), &["--truncate-to-timestamp", &second, MANIFEST], "");
    assert_eq!(cut.code, Some(0), "{}", cut.output);
    let truncated = format!("Successfully truncated AOF appendonly.aof.1.incr.aof to timestamp {second}");
    assert!(cut.output.contains(&truncated), "{}", cut.output);
    let server = start(directory.path(), &[]);
    let kept: usize = server.client().run("LLEN list")[1..].parse().expect("a number");
    assert!(kept > 0 && kept < written, "{kept} of {written}");
}

#[test]
fn appendfsync_is_changed_under_load() {
    let directory = temporary_directory();
    let mut workload = Workload::new(4);
    for round in 0..2 {
        let server = start(directory.path(), &[]);
        let running = workload.start(server.port);
        let mut client = server.client();
        for policy in ["always", "no", "everysec", "always", "everysec", "no", "always"] {
            let more = running.acknowledged() + 300;
            running.wait_for(more);
            ok(&mut client, &format!("CONFIG SET appendfsync {policy}"));
            // What was written under a laxer policy is waited for as well.
            if policy == "always" {
                assert_eq!(client.run(&format!("SET probe {round}")), "OK");
                assert_eq!(client.run("WAITAOF 1 0 0"), "[:1 :0]");
            }
        }
        server.kill();
        workload = running.finish();
        let server = start(directory.path(), &[]);
        assert_eq!(server.client().run("DEL probe"), ":1");
        workload.check(server.port);
        server.shut_down("");
    }
}

#[test]
fn snapshots_and_log_side_by_side() {
    let directory = temporary_directory();
    let both = [LOG, &["--save", "1 1"]].concat();
    let server = Instance::lastsave(directory.path(), &both);
    let mut client = server.client();
    ok(&mut client, "SET key of-the-snapshot");
    eventually("the snapshot", || {
        client.info("rdb_saves") != "0" && client.info("rdb_bgsave_in_progress") == "0"
    });
    assert_eq!(files::names(directory.path()), ["appendonlydir", "dump.rdb"]);
    let old_dump = files::read(&directory.path().join("dump.rdb"));
    ok(&mut client, "SET key of-the-log");
    server.kill();
    files::write(&directory.path().join("dump.rdb"), &old_dump);
    // With both, the log counts: it is the newer one.
    let server = Instance::lastsave(directory.path(), &both);
    assert_eq!(server.client().run("GET key"), "of-the-log");
    server.kill();
    // Without the log, the snapshot does.
    let server = Instance::lastsave(directory.path(), &["--save", "1 1"]);
    assert_eq!(server.client().run("GET key"), "of-the-snapshot");
}

#[test]
fn rewrites_that_fail_leave_increments_and_automatic_ones_pause() {
    let directory = temporary_directory();
    let mut server = start(directory.path(), &["--auto-aof-rewrite-percentage", "0", "--hz", "50"]);
    let mut client = server.client();
    set_keys(&mut client, "value");
    for _ in 0..3 {
        start_slow_rewrite(&mut client);
        let_rewrite_fail(&mut client);
    }
    let four = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n\
                file appendonly.aof.2.incr.aof seq 2 type i\nfile appendonly.aof.3.incr.aof seq 3 type i\n\
                file appendonly.aof.4.incr.aof seq 4 type i\n";
    assert_eq!(text_of(&directory.path().join(MANIFEST)), four);
    assert_eq!(client.info("aof_rewrites_consecutive_failures"), "3");

    ok(&mut client, "CONFIG SET auto-aof-rewrite-percentage 1 auto-aof-rewrite-min-size 1kb");
    ok(&mut client, &format!("SET big {}", "x".repeat(2000)));
    server.wait_for_log(
        "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in 1 minutes",
    );
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(client.info("aof_rewrite_in_progress"), "0");
    assert_eq!(server.log_text().matches("triggered the limit").count(), 1);
    assert_eq!(text_of(&directory.path().join(MANIFEST)), four);

    // By hand it is tried at once, and all increments become history.
    ok(&mut client, "CONFIG SET auto-aof-rewrite-percentage 0 rdb-key-save-delay 0");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(
        text_of(&directory.path().join(MANIFEST)),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.5.incr.aof seq 5 type i\n"
    );
    assert_eq!(files::names(&directory.path().join("appendonlydir")).len(), 3);
    assert_eq!(client.info("aof_rewrites_consecutive_failures"), "0");
    server.kill();
    assert_eq!(start(directory.path(), &[]).client().run("MGET key:7 key:299"), "[changed changed]");
}

#[test]
fn a_first_base_that_fails_is_tried_again_and_leaves_nothing() {
    let directory = temporary_directory();
    let mut server = Instance::lastsave(directory.path(), &[]);
    let mut client = server.client();
    set_keys(&mut client, "value");
    ok(&mut client, "CONFIG SET rdb-key-save-delay 10000000");
    ok(&mut client, "CONFIG SET appendonly yes");
    assert_eq!(client.info("aof_rewrite_in_progress"), "1");
    let names = || files::names(&directory.path().join("appendonlydir"));
    server.wait_for_log("Creating AOF incr file temp-appendonly.aof.incr to work together with the base");
    assert!(!names().contains(&"appendonly.aof.manifest".to_owned()), "no manifest before there is a base");
    ok(&mut client, "CONFIG SET snapshot-max-extra-memory 1");
    set_keys(&mut client, "changed");
    server.wait_for_log("Removing the temp incr aof file temp-appendonly.aof.incr in the background");
    ok(&mut client, "CONFIG SET snapshot-max-extra-memory 0 rdb-key-save-delay 0");
    let first = ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"];
    eventually("the first base", || names() == first && client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(names(), first);
    let told = server.log_text().matches("Removing the temp incr aof file").count();
    assert_eq!(told, 1, "told once for each time");
    server.kill();
    assert_eq!(start(directory.path(), &[]).client().run("GET key:299"), "changed");
}

#[test]
fn switching_the_log_off_ends_a_rewrite() {
    let directory = temporary_directory();
    let mut server = start(directory.path(), &[]);
    let mut client = server.client();
    ok(&mut client, "SET key value");
    start_slow_rewrite(&mut client);
    ok(&mut client, "CONFIG SET appendonly no");
    // It is over with the reply: the log is closed, and another rewrite may start.
    server.wait_for_log("Killing running AOF rewrite child: ");
    assert_eq!(client.info("aof_rewrite_in_progress"), "0");
    ok(&mut client, "CONFIG SET rdb-key-save-delay 0");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    let manifest = text_of(&directory.path().join(MANIFEST));
    assert_eq!(manifest, "file appendonly.aof.2.base.rdb seq 2 type b\n", "no increment without a log");
    assert_eq!(client.run("MULTI"), "OK");
    assert_eq!(client.run("CONFIG SET appendonly yes"), "QUEUED");
    assert_eq!(client.run("CONFIG SET appendonly no"), "QUEUED");
    assert_eq!(client.run("EXEC"), "[OK OK]", "a transaction waits for nothing");
}

#[test]
fn no_appendfsync_on_rewrite_has_no_effect() {
    let directory = temporary_directory();
    let server = start(directory.path(), &["--no-appendfsync-on-rewrite", "yes"]);
    let mut client = server.client();
    ok(&mut client, "SET key value");
    start_slow_rewrite(&mut client);
    ok(&mut client, "SET during the-rewrite");
    assert_eq!(client.run("WAITAOF 1 0 10000"), "[:1 :0]");
    assert_eq!(client.info("aof_rewrite_in_progress"), "1", "durable before the rewrite has ended");
}

#[test]
fn aof_load_corrupt_tail_max_size_allows_to_cut_so_much() {
    let directory = temporary_directory();
    let unframed = [LOG, &["--aof-frames", "no"]].concat();
    let server = Instance::lastsave(directory.path(), &unframed);
    ok(&mut server.client(), "SET key value");
    server.kill();
    let path = files::last_increment(directory.path());
    let intact = files::read(&path);
    files::append(&path, b"garbage of 27 bytes length\n");
    for limit in ["0", "26"] {
        let arguments = [&unframed[..], &["--aof-load-corrupt-tail-max-size", limit]].concat();
        let mut server = Instance::launch(Program::Lastsave, directory.path(), &arguments);
        let printed = server.wait_until_ready().expect_err("that much must not be cut");
        assert!(printed.contains("Bad file format reading the append only file"), "{printed}");
    }
    let arguments = [&unframed[..], &["--aof-load-corrupt-tail-max-size", "27"]].concat();
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(client.run("GET key"), "value");
    assert_eq!(client.info("aof_last_load_cut_bytes"), "27");
    // Without frames the log stays what Redis would write: the same file goes on.
    assert_eq!(files::last_increment(directory.path()), path);
    assert_eq!(files::read(&path), intact);
}

#[test]
fn aof_disable_auto_gc_keeps_the_history_until_it_is_switched_off() {
    let directory = temporary_directory();
    let server = start(directory.path(), &["--aof-disable-auto-gc", "yes"]);
    let mut client = server.client();
    ok(&mut client, "SET key value");
    for _ in 0..2 {
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    }
    assert_eq!(
        text_of(&directory.path().join(MANIFEST)),
        "file appendonly.aof.3.base.rdb seq 3 type b\nfile appendonly.aof.2.incr.aof seq 2 type h\n\
         file appendonly.aof.2.base.rdb seq 2 type h\nfile appendonly.aof.1.incr.aof seq 1 type h\n\
         file appendonly.aof.1.base.rdb seq 1 type h\nfile appendonly.aof.3.incr.aof seq 3 type i\n"
    );
    assert_eq!(files::names(&directory.path().join("appendonlydir")).len(), 7);
    ok(&mut client, "CONFIG SET aof-disable-auto-gc no");
    assert_eq!(
        text_of(&directory.path().join(MANIFEST)),
        "file appendonly.aof.3.base.rdb seq 3 type b\nfile appendonly.aof.3.incr.aof seq 3 type i\n"
    );
    assert_eq!(files::names(&directory.path().join("appendonlydir")).len(), 3);
}
