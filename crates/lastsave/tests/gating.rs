//! No reply leaves before the log has what it tells: neither a write's own, nor that of whoever has seen the write.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Reply, TestServer};

/// How long the log sleeps before each write in these tests.
const FLUSH_SLEEP: Duration = Duration::from_millis(600);
/// What takes less than this did not wait for the log.
const AT_ONCE: Duration = Duration::from_millis(300);

/// A server whose log takes its time, with one key that is durable already.
fn slow_server(policy: &str) -> TestServer {
    let server = TestServer::start(&["--appendonly", "yes", "--appendfsync", policy]);
    let mut client = server.client();
    assert_eq!(client.run("SET old durable"), "OK");
    if policy != "no" {
        assert_eq!(client.run("WAITAOF 1 0 5000"), "[:1 :0]");
    }
    let reply = client.run(&format!("DEBUG AOF-FLUSH-SLEEP {}", FLUSH_SLEEP.as_micros()));
    assert_eq!(reply, "OK");
    server
}

fn timed(client: &mut Client, words: &str) -> (String, Duration) {
    let started = Instant::now();
    let reply = client.run(words);
    (reply, started.elapsed())
}

#[test]
fn a_write_is_answered_after_the_log_has_it() {
    for policy in ["always", "everysec", "no"] {
        let server = slow_server(policy);
        let (reply, took) = timed(&mut server.client(), "SET a 1");
        assert_eq!(reply, "OK");
        assert!(took >= AT_ONCE, "{policy}: {took:?}");
    }
}

#[test]
fn what_is_durable_is_answered_at_once() {
    let server = slow_server("always");
    let (mut writer, mut reader) = (server.client(), server.client());
    writer.send(&["SET", "a", "1"]);
    std::thread::sleep(Duration::from_millis(50));
    for words in ["PING", "CLIENT ID", "CONFIG GET hz", "NOSUCH", "MULTI", "DISCARD"] {
        let (_, took) = timed(&mut reader, words);
        assert!(took < AT_ONCE, "{words}: {took:?}");
    }
    assert_eq!(writer.read(), Reply::Simple(b"OK".to_vec()));
}

#[test]
fn whoever_sees_an_unsynced_write_waits_for_it() {
    let server = slow_server("always");
    for words in
        ["GET a", "EXISTS a", "INCR a", "SETNX a 5", "DBSIZE", "KEYS *", "RANDOMKEY", "SCAN 0", "INFO"]
    {
        let (mut writer, mut reader) = (server.client(), server.client());
        writer.send(&["SET", "a", "1"]);
        std::thread::sleep(Duration::from_millis(50));
        let (_, took) = timed(&mut reader, words);
        assert!(took >= AT_ONCE, "{words}: {took:?}");
        assert_eq!(writer.read(), Reply::Simple(b"OK".to_vec()));
    }
}

#[test]
fn a_transaction_that_did_not_run_waits_for_the_write_that_stopped_it() {
    let server = slow_server("always");
    let (mut writer, mut watcher) = (server.client(), server.client());
    watcher.run("WATCH a");
    watcher.run("MULTI");
    watcher.run("PING");
    writer.send(&["SET", "a", "1"]);
    std::thread::sleep(Duration::from_millis(50));
    let (reply, took) = timed(&mut watcher, "EXEC");
    assert_eq!(reply, "nil");
    assert!(took >= AT_ONCE, "{took:?}");
    writer.read();
}

#[test]
fn replies_of_one_client_keep_their_order() {
    let server = slow_server("always");
    let mut client = server.client();
    client.write(b"GET old\r\nSET a 1\r\nPING\r\nGET old\r\n");
    let started = Instant::now();
    assert_eq!(client.read(), Reply::Bulk(b"durable".to_vec()));
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(client.read(), Reply::Simple(b"OK".to_vec()));
    assert!(started.elapsed() >= AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(client.read(), Reply::Simple(b"PONG".to_vec()));
    assert_eq!(client.read(), Reply::Bulk(b"durable".to_vec()));
}

#[test]
fn writes_that_arrive_during_a_sync_share_the_next_one() {
    let server = slow_server("always");
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    let started = Instant::now();
    for client in &mut clients {
        client.send(&["INCR", "counter"]);
    }
    for client in &mut clients {
        client.read();
    }
    assert!(started.elapsed() < FLUSH_SLEEP * 5, "{:?}", started.elapsed());
}

#[test]
fn without_a_log_nobody_waits_and_waitaof_says_so() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("SET a 1");
    let expected = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(client.run("WAITAOF 1 0 0"), expected);
    assert_eq!(client.run("WAITAOF 0 0 0"), "[:0 :0]");
    assert_eq!(client.run("WAITAOF 0 1 10"), "[:0 :0]");
}

#[test]
fn waitaof_ends_with_an_error_when_the_log_is_switched_off() {
    let server = slow_server("always");
    let (mut waiter, mut other) = (server.client(), server.client());
    assert_eq!(other.run("CONFIG SET appendfsync no"), "OK");
    waiter.run("SET a 1");
    waiter.send(&["WAITAOF", "1", "0", "0"]);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(other.run("CONFIG SET appendonly no"), "OK");
    match waiter.read() {
        // The sync may have come first.
        Reply::Error(_) | Reply::Array(_) => {}
        unexpected => panic!("{unexpected:?}"),
    }
    assert_eq!(waiter.run("PING"), "PONG");
}
