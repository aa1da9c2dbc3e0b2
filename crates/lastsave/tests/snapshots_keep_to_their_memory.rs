//! `snapshot-max-extra-memory`: what a snapshot may keep alive beside the data, and what happens when that is used up.

mod harness;

use std::time::{Duration, Instant};

use harness::samples::noise;
use harness::{Client, Instance, Reply, eventually, files, show, temporary_directory};

const KEYS: usize = 2_000;
const VALUE_BYTES: usize = 10_000;
/// Holds a snapshot up at its first keys until it is told to hurry.
const SLOW: [&str; 2] = ["--rdb-key-save-delay", "10000000"];

/// One command that writes `count` keys.
fn write(client: &mut Client, count: usize, seed: u64) -> String {
    let value = noise(seed, VALUE_BYTES);
    let names: Vec<String> = (0..count).map(|key| format!("key:{key}")).collect();
    let mut words: Vec<&[u8]> = vec![b"MSET"];
    for name in &names {
        words.extend([name.as_bytes(), &value]);
    }
    show(&client.command(&words))
}

fn extra_bytes(client: &mut Client) -> usize {
    client.info("rdb_last_cow_size").parse().expect("a number")
}

#[test]
fn a_save_that_needs_too_much_is_cancelled_and_counts_as_failed() {
    let directory = temporary_directory();
    let arguments = [&SLOW[..], &["--snapshot-max-extra-memory", "2mb"]].concat();
    let mut server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(write(&mut client, KEYS, 1), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    // Less than the budget is no reason.
    assert_eq!(write(&mut client, 100, 2), "OK");
    assert_eq!(client.info("rdb_bgsave_in_progress"), "1");
    assert_eq!(write(&mut client, 1000, 3), "OK");
    eventually("the end of the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "err");
    server.wait_for_log("is cancelled: snapshot-max-extra-memory is 2 MB (snapshot-over-budget cancel)");
    server.wait_for_log("Background saving error");
    assert_eq!(files::names(directory.path()), Vec::<String>::new(), "nothing is left of it");
    // The next one may succeed.
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
}

#[test]
fn a_rewrite_that_needs_too_much_is_cancelled_and_the_log_goes_on() {
    let directory = temporary_directory();
    let arguments = [&SLOW[..], &["--appendonly", "yes", "--snapshot-max-extra-memory", "2mb"]].concat();
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(write(&mut client, KEYS, 1), "OK");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    assert_eq!(write(&mut client, 1000, 2), "OK");
    eventually("the end of the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    assert_eq!(client.run("SET after 1"), "OK");
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    server.kill();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("GET after"), "1");
    for (key, seed) in [(0, 2), (999, 2), (1000, 1), (KEYS - 1, 1)] {
        assert!(client.command(&["GET", &format!("key:{key}")]) == Reply::Bulk(noise(seed, VALUE_BYTES)));
    }
}

#[test]
fn near_its_budget_a_snapshot_hurries() {
    let directory = temporary_directory();
    let arguments = [&SLOW[..], &["--snapshot-max-extra-memory", "10mb"]].concat();
    let mut server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(write(&mut client, KEYS, 1), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    // 1000 values and the nodes above them: more than nine tenths, less than all.
    assert_eq!(write(&mut client, 1000, 2), "OK");
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    server.wait_for_log("near snapshot-max-extra-memory (10 MB): it goes on without compression and delays");
}

#[test]
fn a_background_save_keeps_to_its_rate_and_a_save_that_is_waited_for_does_not() {
    let directory = temporary_directory();
    let arguments = ["--snapshot-max-bytes-per-second", "5mb", "--rdbcompression", "no"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(write(&mut client, KEYS, 1), "OK");
    let started = Instant::now();
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    eventually("the end of the save", || client.info("rdb_bgsave_in_progress") == "0");
    let background = started.elapsed();
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    // 20 MB
    assert!(background >= Duration::from_secs(3), "{background:?}");
    let started = Instant::now();
    assert_eq!(client.run("SAVE"), "OK");
    assert!(started.elapsed() < background, "{:?}", started.elapsed());
}

#[test]
fn writers_wait_for_a_snapshot_that_needs_too_much_if_so_configured() {
    let directory = temporary_directory();
    let budget = ["--snapshot-max-extra-memory", "3mb", "--snapshot-over-budget", "slow-writers"];
    let server = Instance::lastsave(directory.path(), &[&SLOW[..], &budget].concat());
    let (mut client, mut writer) = (server.client(), server.client());
    assert_eq!(write(&mut client, KEYS, 1), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    let value = noise(2, VALUE_BYTES);
    for key in 0..KEYS {
        writer.send(&[&b"SET"[..], format!("key:{key}").as_bytes(), &value]);
        // Readers are answered all the time.
        if key.is_multiple_of(100) {
            assert_eq!(client.run("EXISTS key:0"), ":1");
        }
    }
    for _ in 0..KEYS {
        assert_eq!(show(&writer.read()), "OK");
    }
    eventually("the save", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");
    // All of the data was overwritten; what one turn writes may come on top of the budget.
    let extra_bytes = extra_bytes(&mut client);
    assert!(extra_bytes > 2_000_000, "{extra_bytes}");
    assert!(extra_bytes < KEYS * VALUE_BYTES / 2, "{extra_bytes}");
}
