//! MULTI, EXEC and WATCH keep their promises.

mod harness;

use harness::TestServer;

#[test]
fn queued_commands_run_together() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    assert_eq!(client.run("MULTI"), "OK");
    assert_eq!(client.run("SET a 1"), "QUEUED");
    assert_eq!(client.run("INCR a"), "QUEUED");
    assert_eq!(client.run("GET a"), "QUEUED");
    assert_eq!(server.client().run("EXISTS a"), ":0");
    assert_eq!(client.run("EXEC"), "[OK :2 2]");
    assert_eq!(client.run("EXEC"), "-ERR EXEC without MULTI");
}

#[test]
fn an_error_at_run_time_does_not_stop_the_others() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("MULTI");
    client.run("SET a text");
    client.run("INCR a");
    client.run("SET b 1");
    assert_eq!(client.run("EXEC"), "[OK -ERR value is not an integer or out of range OK]");
}

#[test]
fn a_command_refused_while_queueing_discards_the_transaction() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    for refused in ["NOSUCH", "GET", "SAVE", "CONFIG NOSUCH"] {
        client.run("MULTI");
        assert_eq!(client.run("SET a 1"), "QUEUED");
        assert!(client.run(refused).starts_with("-ERR"), "{refused}");
        assert_eq!(
            client.run("EXEC"),
            "-EXECABORT Transaction discarded because of previous errors.",
            "{refused}"
        );
    }
    assert_eq!(client.run("EXISTS a"), ":0");
}

#[test]
fn a_watched_key_that_changes_discards_the_transaction() {
    let server = TestServer::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    client.run("SET a 1");
    client.run("WATCH a b");
    other.run("SET b 1");
    client.run("MULTI");
    client.run("SET a 2");
    assert_eq!(client.run("EXEC"), "nil");
    assert_eq!(client.run("GET a"), "1");
    // The watch ended with EXEC.
    other.run("SET b 2");
    client.run("MULTI");
    client.run("SET a 3");
    assert_eq!(client.run("EXEC"), "[OK]");
}

#[test]
fn unwatch_discard_and_reset_end_a_watch() {
    let server = TestServer::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    for ending in ["UNWATCH", "DISCARD", "RESET"] {
        client.run("WATCH a");
        if ending == "DISCARD" {
            client.run("MULTI");
        }
        client.run(ending);
        other.run("INCR a");
        client.run("MULTI");
        client.run("PING");
        assert_eq!(client.run("EXEC"), "[PONG]", "{ending}");
    }
}

#[test]
fn a_watched_key_that_expires_discards_the_transaction() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("SET a 1 PX 30");
    client.run("WATCH a");
    std::thread::sleep(std::time::Duration::from_millis(60));
    client.run("MULTI");
    client.run("PING");
    assert_eq!(client.run("EXEC"), "nil");
}

#[test]
fn nesting_and_watching_inside_are_refused_without_harm() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    assert_eq!(client.run("DISCARD"), "-ERR DISCARD without MULTI");
    client.run("MULTI");
    assert_eq!(client.run("MULTI"), "-ERR MULTI calls can not be nested");
    assert_eq!(client.run("WATCH a"), "-ERR WATCH inside MULTI is not allowed");
    client.run("PING");
    assert_eq!(client.run("EXEC"), "[PONG]");
}

#[test]
fn a_client_that_leaves_inside_multi_leaves_nothing_behind() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("WATCH a");
    client.run("MULTI");
    client.run("SET a 1");
    drop(client);
    let mut other = server.client();
    harness::eventually("the client is gone", || other.info("connected_clients") == "1");
    assert_eq!(other.run("EXISTS a"), ":0");
    assert_eq!(other.run("SET a 2"), "OK");
}
