//! Pipelines of any depth and values of any size are answered completely and in order, and nobody else has to wait.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Reply, TestServer};

#[test]
fn a_deep_pipeline_is_answered_in_order() {
    const DEPTH: usize = 100_000;
    let server = TestServer::start(&[]);
    let mut writer = server.client();
    let mut reader = writer.clone();
    let sender = std::thread::spawn(move || {
        let mut pipeline = Vec::new();
        for number in 0..DEPTH {
            pipeline.extend(harness::encode(&["ECHO", &number.to_string()]));
        }
        writer.write(&pipeline);
    });
    for number in 0..DEPTH {
        assert_eq!(reader.read(), Reply::Bulk(number.to_string().into_bytes()));
    }
    sender.join().unwrap();
}

#[test]
fn slow_commands_of_one_pipeline_let_others_in_between() {
    const DEPTH: usize = 40;
    let server = TestServer::start(&[]);
    let (mut slow, mut other) = (server.client(), server.client());
    let mut pipeline = Vec::new();
    for number in 0..DEPTH {
        pipeline.extend(harness::encode(&["DEBUG", "SLEEP", "0.05"]));
        pipeline.extend(harness::encode(&["ECHO", &number.to_string()]));
    }
    slow.write(&pipeline);
    assert_eq!(slow.read(), Reply::Simple(b"OK".to_vec()));
    // Two seconds of work are waiting; whoever comes now is served after one command of them.
    let started = Instant::now();
    assert_eq!(other.run("PING"), "PONG");
    assert!(started.elapsed() < Duration::from_millis(1000), "{:?}", started.elapsed());
    for number in 0..DEPTH {
        if number > 0 {
            assert_eq!(slow.read(), Reply::Simple(b"OK".to_vec()));
        }
        assert_eq!(slow.read(), Reply::Bulk(number.to_string().into_bytes()));
    }
}

#[test]
fn commands_may_arrive_in_pieces() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let value = vec![b'v'; 100_000];
    let mut bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n".to_vec();
    bytes.extend_from_slice(&value);
    bytes.extend_from_slice(b"\r\nPING\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n");
    for chunk in bytes.chunks(7001) {
        client.write(chunk);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(client.read(), Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.read(), Reply::Simple(b"PONG".to_vec()));
    assert_eq!(client.read(), Reply::Integer(100_000));
    for byte in b"*1\r\n$4\r\nPING\r\n" {
        client.write(&[*byte]);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(client.read(), Reply::Simple(b"PONG".to_vec()));
}

#[test]
fn values_of_all_sizes_come_back_as_they_were() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    for size in [0, 1, 4095, 4096, 16_383, 16_384, 32_767, 32_768, 65_537, 1_000_000, 20_000_000] {
        let value: Vec<u8> = (0..size).map(|index: usize| (index % 251) as u8).collect();
        assert_eq!(client.command(&[&b"SET"[..], b"k", &value]), Reply::Simple(b"OK".to_vec()));
        assert!(client.command(&[&b"GET"[..], b"k"]) == Reply::Bulk(value), "{size} bytes");
    }
}

#[test]
fn big_and_small_commands_mix_in_one_pipeline() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let big = vec![b'b'; 50_000];
    let mut bytes = Vec::new();
    for round in 0..20 {
        bytes.extend(harness::encode(&[&b"SET"[..], format!("small:{round}").as_bytes(), b"s"]));
        bytes.extend(harness::encode(&[&b"SET"[..], format!("big:{round}").as_bytes(), &big]));
        bytes.extend(harness::encode(&[&b"STRLEN"[..], format!("big:{round}").as_bytes()]));
    }
    client.write(&bytes);
    for _ in 0..20 {
        assert_eq!(client.read(), Reply::Simple(b"OK".to_vec()));
        assert_eq!(client.read(), Reply::Simple(b"OK".to_vec()));
        assert_eq!(client.read(), Reply::Integer(50_000));
    }
    assert_eq!(client.command(&["GET", "small:19"]), Reply::Bulk(b"s".to_vec()));
}

#[test]
fn a_reader_that_does_not_read_stalls_nobody() {
    let server = TestServer::start(&[]);
    let mut setup = server.client();
    setup.command(&[&b"SET"[..], b"big", &vec![b'x'; 1_000_000]]);
    let mut lazy = server.client();
    for _ in 0..100 {
        lazy.send(&["GET", "big"]);
    }
    let started = Instant::now();
    let mut other = server.client();
    for _ in 0..1000 {
        assert_eq!(other.run("PING"), "PONG");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    for _ in 0..100 {
        assert!(matches!(lazy.read(), Reply::Bulk(value) if value.len() == 1_000_000));
    }
}

#[test]
fn a_declared_length_costs_no_memory() {
    let server = TestServer::start(&[]);
    let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
    for client in &mut clients {
        client.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nxxx");
    }
    let mut observer = server.client();
    let bytes: u64 = observer.info("mem_clients_normal").parse().unwrap();
    assert!(bytes < 10_000_000, "{bytes}");
}

#[test]
fn replies_are_sent_to_a_client_that_has_finished_sending() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.write(b"SET a 1\r\nINCR a\r\nGET a\r\n");
    client.finish_sending();
    assert_eq!(client.read_to_end(), b"+OK\r\n:2\r\n$1\r\n2\r\n");
}
