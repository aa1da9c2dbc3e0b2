//! CLIENT PAUSE and CLIENT UNBLOCK.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, TestServer, assert_like_redis, show};

fn wait_for_blocked(client: &mut Client, count: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.info("blocked_clients") != count {
        assert!(Instant::now() < deadline, "not {count} clients wait");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn writes_wait_for_the_end_of_a_pause_and_reads_do_not() {
    let server = TestServer::start(&[]);
    let (mut writer, mut publisher, mut other) = (server.client(), server.client(), server.client());
    writer.run("SET k 1 PX 50");
    assert_eq!(other.run("CLIENT PAUSE 100000 WRITE"), "OK");
    writer.send(&["SET", "k", "2"]);
    publisher.send(&["PUBLISH", "a", "b"]);
    wait_for_blocked(&mut other, "2");
    assert!(other.run("CLIENT LIST").contains(" flags=b "));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(other.run("GET k"), "nil");
    assert_eq!(other.run("DBSIZE"), ":1", "what has expired stays until the end of the pause");
    assert_eq!(other.run("MULTI"), "OK");
    assert_eq!(other.run("GET k"), "QUEUED");
    assert_eq!(other.run("EXEC"), "[nil]");
    assert_eq!(other.run("CLIENT UNPAUSE"), "OK");
    assert_eq!(show(&writer.read()), "OK");
    assert_eq!(show(&publisher.read()), ":0");
    assert_eq!(other.run("GET k"), "2");
    assert_eq!(other.info("blocked_clients"), "0");
}

#[test]
fn a_pause_of_everything_ends_by_itself() {
    let server = TestServer::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    let started = Instant::now();
    assert_eq!(client.run("CLIENT PAUSE 200"), "OK");
    assert_eq!(other.run("PING"), "PONG");
    assert!(started.elapsed() >= Duration::from_millis(190), "{:?}", started.elapsed());
}

#[test]
fn clients_that_wait_can_be_let_go() {
    let server = TestServer::start(&["--appendonly", "yes"]);
    let (mut waiting, mut other) = (server.client(), server.client());
    let id = waiting.run("CLIENT ID");
    for (reason, expected) in
        [("", ":0"), (" TIMEOUT", ":0"), (" ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK")]
    {
        waiting.send(&["WAIT", "1", "0"]);
        wait_for_blocked(&mut other, "1");
        assert_eq!(other.run(&format!("CLIENT UNBLOCK {}{reason}", &id[1..])), ":1");
        assert_eq!(show(&waiting.read()), expected);
        assert_eq!(other.run(&format!("CLIENT UNBLOCK {}{reason}", &id[1..])), ":0");
    }
    assert_eq!(waiting.run("PING"), "PONG");
}

#[test]
fn errors_are_those_of_redis() {
    assert_like_redis(
        &[],
        &[
            "0 CLIENT PAUSE x",
            "0 CLIENT PAUSE -1",
            "0 CLIENT PAUSE 1 MAYBE",
            "0 CLIENT PAUSE",
            "0 CLIENT UNPAUSE",
            "0 CLIENT UNBLOCK x",
            "0 CLIENT UNBLOCK 1 MAYBE",
            "0 CLIENT UNBLOCK 12345",
            "0 CLIENT NOSUCH",
        ],
    );
}
