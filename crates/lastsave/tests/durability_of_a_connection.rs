//! CLIENT DURABILITY: a connection chooses what its own replies wait for, on the one log that all share.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Instance, Reply, TestServer, temporary_directory};

/// Under `no`, nothing is synced for half a minute unless somebody asks.
fn relaxed_server() -> TestServer {
    TestServer::start(&["--appendonly", "yes", "--appendfsync", "no"])
}

/// Whether the client's last write would survive a power loss now.
fn is_durable(client: &mut Client) -> bool {
    client.run("WAITAOF 1 0 1") == "[:1 :0]"
}

#[test]
fn always_answers_a_write_when_it_is_durable() {
    let server = relaxed_server();
    let (mut safe, mut other) = (server.client(), server.client());
    assert_eq!(safe.run("CLIENT DURABILITY"), "default");
    assert_eq!(safe.run("CLIENT DURABILITY always"), "OK");
    assert_eq!(safe.run("CLIENT DURABILITY"), "always");
    for round in 0..50 {
        assert_eq!(other.run(&format!("SET other:{round} 1")), "OK");
        assert!(!is_durable(&mut other), "round {round}: nobody has asked for a sync");
        assert_eq!(safe.run(&format!("SET safe:{round} 1")), "OK");
        assert!(is_durable(&mut safe), "round {round}");
    }
}

#[test]
fn always_waits_for_the_writes_of_others_that_it_reveals() {
    let server = relaxed_server();
    let (mut safe, mut other) = (server.client(), server.client());
    safe.run("CLIENT DURABILITY always");
    assert_eq!(other.run("SET key value"), "OK");
    assert!(!is_durable(&mut other));
    assert_eq!(safe.run("GET key"), "value");
    assert!(is_durable(&mut other), "what was read is durable");
}

#[test]
fn connections_that_want_always_share_syncs() {
    let server = relaxed_server();
    let mut clients: Vec<Client> = (0..30).map(|_| server.client()).collect();
    for client in &mut clients {
        client.run("CLIENT DURABILITY always");
    }
    let mut control = server.client();
    let before = control.info("aof_fsyncs");
    for client in &mut clients {
        client.write(&b"INCR counter\r\n".repeat(100));
    }
    for client in &mut clients {
        for _ in 0..100 {
            assert!(matches!(client.read(), Reply::Integer(_)));
        }
        assert!(is_durable(client));
    }
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let syncs = number(&control.info("aof_fsyncs")) - number(&before);
    assert!((1..1000).contains(&syncs), "{syncs} syncs for 3000 writes");
}

#[test]
fn everysec_is_synced_within_a_second_or_two_where_the_policy_does_not() {
    let server = relaxed_server();
    let mut client = server.client();
    client.run("CLIENT DURABILITY everysec");
    let started = Instant::now();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.run("WAITAOF 1 0 10000"), "[:1 :0]");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn less_than_the_policy_can_be_chosen_too() {
    let server = TestServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.client();
    assert_eq!(client.run("CLIENT DURABILITY everysec"), "OK");
    for round in 0..100 {
        assert_eq!(client.run(&format!("SET key {round}")), "OK");
        assert_eq!(client.run("GET key"), round.to_string());
    }
    assert_eq!(client.run("WAITAOF 1 0 5000"), "[:1 :0]");
}

#[test]
fn a_choice_holds_for_the_replies_behind_it() {
    let server = relaxed_server();
    let mut client = server.client();
    client.write(
        b"CLIENT DURABILITY always\r\nSET a 1\r\nCLIENT DURABILITY default\r\nSET b 2\r\nCLIENT DURABILITY\r\n",
    );
    for expected in ["OK", "OK", "OK", "OK", "default"] {
        assert_eq!(harness::show(&client.read()), expected);
    }
    assert_eq!(client.run("CLIENT DURABILITY always"), "OK");
    assert_eq!(client.run("RESET"), "RESET");
    assert_eq!(client.run("CLIENT DURABILITY"), "default");
}

#[test]
fn what_always_acknowledged_is_there_after_a_kill() {
    let directory = temporary_directory();
    let arguments = ["--appendonly", "yes", "--appendfsync", "no"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    client.run("CLIENT DURABILITY always");
    for round in 0..100 {
        assert_eq!(client.run(&format!("RPUSH list {round}")), format!(":{}", round + 1));
    }
    server.kill();
    let server = Instance::lastsave(directory.path(), &arguments);
    assert_eq!(server.client().run("LLEN list"), ":100");
}

#[test]
fn what_cannot_be_promised_is_refused() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let refused = client.run("CLIENT DURABILITY always");
    assert!(refused.starts_with("-ERR CLIENT DURABILITY needs the append only file"), "{refused}");
    assert_eq!(client.run("CLIENT DURABILITY default"), "OK");
    assert!(client.run("CLIENT DURABILITY sometimes").starts_with("-ERR The durability of a connection is"));
    assert_eq!(client.run("CLIENT DURABILITY always now"), "-ERR syntax error");
}
