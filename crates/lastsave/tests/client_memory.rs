//! What clients use: `maxmemory-clients`, CLIENT NO-EVICT, and the fields that tell of it.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, TestServer};

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A field of the client with this name in CLIENT LIST; none when there is no such client.
fn field(client: &mut Client, name: &str, field: &str) -> Option<usize> {
    let list = client.run("CLIENT LIST");
    let line = list.lines().find(|line| line.contains(&format!(" name={name} ")))?;
    let value = line.split(' ').find_map(|word| word.strip_prefix(&format!("{field}=")));
    Some(value.expect("the field exists").parse().expect("the field is a number"))
}

#[test]
fn the_biggest_clients_go_first() {
    let server = TestServer::start(&["--maxmemory-clients", "3mb"]);
    let mut control = server.client();
    control.run("CLIENT NO-EVICT ON");
    let (mut small, mut big) = (server.client(), server.client());
    small.run("CLIENT SETNAME small");
    big.run("CLIENT SETNAME big");
    small.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000\r\n");
    small.write(&vec![b'x'; 500_000]);
    wait_until("the input", || field(&mut control, "small", "qbuf").is_some_and(|bytes| bytes > 400_000));
    assert!(field(&mut control, "small", "tot-mem").is_some_and(|bytes| bytes > 400_000));
    // The connection may be closed before everything is sent.
    let _closed = big.try_write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n");
    let _closed = big.try_write(&vec![b'x'; 4_000_000]);
    wait_until("the eviction", || field(&mut control, "big", "qbuf").is_none());
    assert!(field(&mut control, "small", "qbuf").is_some());
    assert_eq!(control.info("evicted_clients"), "1");
}

#[test]
fn whoever_must_not_be_evicted_stays() {
    let server = TestServer::start(&["--maxmemory-clients", "1mb"]);
    let (mut control, mut client) = (server.client(), server.client());
    control.run("CLIENT NO-EVICT ON");
    client.run("CLIENT SETNAME big");
    assert_eq!(client.run("CLIENT NO-EVICT ON"), "OK");
    client.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n");
    client.write(&vec![b'x'; 2_500_000]);
    wait_until("the input", || field(&mut control, "big", "qbuf").is_some_and(|bytes| bytes > 2_400_000));
    assert!(control.run("CLIENT LIST").contains(" flags=e "));
    client.write(&vec![b'x'; 500_000]);
    client.write(b"\r\n");
    assert_eq!(harness::show(&client.read()), "OK");
    assert_eq!(control.info("evicted_clients"), "0");
}

#[test]
fn a_lower_limit_acts_at_once() {
    let server = TestServer::start(&[]);
    let (mut control, mut client) = (server.client(), server.client());
    control.run("CLIENT NO-EVICT ON");
    client.run("CLIENT SETNAME big");
    client.run("MULTI");
    let value = "x".repeat(100_000);
    for _ in 0..20 {
        assert_eq!(client.command(&["SET", "k", &value]), harness::Reply::Simple(b"QUEUED".to_vec()));
    }
    assert!(field(&mut control, "big", "multi-mem").is_some_and(|bytes| bytes > 2_000_000));
    assert_eq!(control.run("CONFIG SET maxmemory-clients 1mb"), "OK");
    wait_until("the eviction", || field(&mut control, "big", "qbuf").is_none());
}

#[test]
fn memory_is_told_in_every_field_of_redis() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("SET k v");
    client.run("HELLO 3");
    let stats = client.run("MEMORY STATS");
    for name in [
        "peak.allocated",
        "clients.normal",
        "functions.caches",
        "db.0={overhead.hashtable.main",
        "keys.count=:1",
        "dataset.percentage",
        "allocator-rss.bytes",
        "fragmentation.bytes",
    ] {
        assert!(stats.contains(name), "no {name} in {stats}");
    }
    assert!(client.run("MEMORY DOCTOR").contains("too little data"));
    assert_eq!(client.run("MEMORY PURGE"), "OK");
    assert_eq!(client.run("MEMORY MALLOC-STATS"), "Stats not supported for the current allocator");
    assert!(client.run("MEMORY HELP").contains("MALLOC-STATS"));
}

#[test]
fn an_endless_reply_is_given_up_with_its_client() {
    let server = TestServer::start(&["--client-output-buffer-limit", "normal 1000000 0 0"]);
    let mut control = server.client();
    control.run("HSET h f v");
    control.run("SADD s m");
    for words in [&["HRANDFIELD", "h", "-9999999999"][..], &["SRANDMEMBER", "s", "-9999999999"]] {
        let mut client = server.client();
        client.send(words);
        assert!(client.read_to_end().is_empty(), "{words:?}");
    }
    assert_eq!(control.info("client_output_buffer_limit_disconnections"), "2");
}
