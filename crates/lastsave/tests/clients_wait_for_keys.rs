//! Clients blocked on keys: served in order and only once, and let go in every other way.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, Instance, TestServer, eventually, show, temporary_directory};

/// Sends a command that waits, and waits until the server has seen it.
fn wait_in(server: &TestServer, words: &str) -> Client {
    let mut client = server.client();
    let before: u64 = server.info("blocked_clients").parse().expect("a number");
    client.send(&words.split(' ').collect::<Vec<_>>());
    eventually("the client is blocked", || server.info("blocked_clients") == (before + 1).to_string());
    client
}

fn read(client: &mut Client) -> String {
    show(&client.read())
}

#[test]
fn who_came_first_is_served_first_and_only_once() {
    let server = TestServer::start(&[]);
    let mut first = wait_in(&server, "BLPOP a b 0");
    let mut second = wait_in(&server, "BRPOP b 0");
    let mut third = wait_in(&server, "BLMPOP 0 1 b LEFT COUNT 5");
    assert_eq!(server.info("total_blocking_keys"), "2");
    assert_eq!(server.client().run("RPUSH b 1 2 3 4"), ":4");
    assert_eq!(read(&mut first), "[b 1]");
    assert_eq!(read(&mut second), "[b 4]");
    assert_eq!(read(&mut third), "[b [2 3]]");
    assert_eq!(server.client().run("EXISTS b"), ":0");
    assert_eq!(server.info("total_blocking_keys"), "0");
    let stats = server.client().run("INFO commandstats");
    assert!(stats.contains("cmdstat_blpop:calls=1,"), "{stats}");
}

#[test]
fn a_transaction_ends_before_anybody_is_served() {
    let server = TestServer::start(&[]);
    let mut waiting = wait_in(&server, "BLPOP a b 0");
    let mut client = server.client();
    for command in ["MULTI", "RPUSH b 1", "RPUSH a 2", "RPUSH a 3", "LPOP b"] {
        client.run(command);
    }
    assert_eq!(client.run("EXEC"), "[:1 :1 :2 1]");
    assert_eq!(read(&mut waiting), "[a 2]");
    // Inside a transaction nobody waits.
    for command in ["MULTI", "BLPOP x 0", "BLMOVE x y LEFT LEFT 0"] {
        client.run(command);
    }
    assert_eq!(client.run("EXEC"), "[nil nil]");
}

#[test]
fn one_who_is_served_may_serve_others() {
    let server = TestServer::start(&[]);
    let mut last = wait_in(&server, "BLPOP c 0");
    let mut middle = wait_in(&server, "BLMOVE b c LEFT RIGHT 0");
    let mut first = wait_in(&server, "BRPOPLPUSH a b 0");
    server.client().run("LPUSH a x");
    assert_eq!(read(&mut first), "x");
    assert_eq!(read(&mut middle), "x");
    assert_eq!(read(&mut last), "[c x]");
}

#[test]
fn keys_that_come_into_being_otherwise_serve_too() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    for (prepare, act) in [
        ("RPUSH other x", "RENAME other key"),
        ("RPUSH other x", "COPY other key"),
        ("SELECT 1", "SWAPDB 0 1"),
    ] {
        client.run("FLUSHALL");
        client.run(prepare);
        if act.starts_with("SWAPDB") {
            client.run("RPUSH key x");
        }
        let mut waiting = wait_in(&server, "BLPOP key 0");
        client.run(act);
        assert_eq!(read(&mut waiting), "[key x]", "{act}");
    }
}

#[test]
fn other_types_are_waited_out_until_they_are_in_the_way() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let mut waiting = wait_in(&server, "BLPOP a b 0");
    client.run("SET a text");
    client.run("SET b text");
    assert_eq!(server.info("blocked_clients"), "1");
    client.run("DEL b");
    client.run("RPUSH b x");
    assert_eq!(read(&mut waiting), "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(client.run("LRANGE b 0 -1"), "[x]");
}

#[test]
fn waiting_ends_with_its_time() {
    let server = TestServer::start(&[]);
    let started = Instant::now();
    let mut client = server.client();
    assert_eq!(client.run("BLPOP a 0.05"), "nil");
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(client.run("BRPOPLPUSH a b 0.001"), "nil");
    // What was sent meanwhile is executed afterwards.
    client.write(b"BLPOP a 0.01\r\nPING\r\n");
    assert_eq!((read(&mut client), read(&mut client)), ("nil".to_owned(), "PONG".to_owned()));
    assert_eq!(server.info("clients_in_timeout_table"), "0");
}

#[test]
fn others_can_let_a_client_go() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let mut waiting = server.client();
    let id = waiting.run("CLIENT ID");
    for (command, expected) in [
        ("CLIENT UNBLOCK {id}", "nil"),
        ("CLIENT UNBLOCK {id} TIMEOUT", "nil"),
        ("CLIENT UNBLOCK {id} ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        waiting.send(&["BLPOP", "key", "0"]);
        eventually("the client is blocked", || server.info("blocked_clients") == "1");
        assert!(client.run("CLIENT LIST").contains("flags=b"));
        assert_eq!(client.run(&command.replace("{id}", &id[1..])), ":1");
        assert_eq!(read(&mut waiting), expected);
    }
    assert_eq!(client.run(&format!("CLIENT UNBLOCK {}", &id[1..])), ":0");
    assert_eq!(client.run("CLIENT UNBLOCK x"), "-ERR value is not an integer or out of range");
    assert_eq!(client.run("CLIENT UNBLOCK 1 NOW"), "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
}

#[test]
fn nothing_is_given_to_clients_that_are_gone() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let leaving = wait_in(&server, "BLPOP key 0");
    drop(leaving);
    eventually("the client is gone", || server.info("blocked_clients") == "0");
    let mut killed = server.client();
    let id = killed.run("CLIENT ID");
    killed.send(&["BLPOP", "key", "0"]);
    eventually("the client is blocked", || server.info("blocked_clients") == "1");
    // In one go, so that the connection is still being closed when the key comes.
    client.write(format!("CLIENT KILL ID {}\r\nRPUSH key x\r\n", &id[1..]).as_bytes());
    assert_eq!(read(&mut client), ":1");
    assert_eq!(read(&mut client), ":1");
    assert_eq!(client.run("LRANGE key 0 -1"), "[x]");
    eventually("the client is gone", || server.info("blocked_clients") == "0");
    assert_eq!(server.info("total_blocking_keys"), "0");
}

#[test]
fn who_makes_a_key_ready_is_told_what_that_changes() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("HELLO 3");
    client.run("CLIENT TRACKING ON");
    client.run("LRANGE to 0 -1");
    let mut waiting = wait_in(&server, "BLMOVE from to LEFT RIGHT 0");
    client.write(b"RPUSH from x\r\nLLEN from\r\n");
    assert_eq!(read(&mut waiting), "x");
    let replies = [read(&mut client), read(&mut client), read(&mut client)];
    assert_eq!(replies[0], ":1");
    assert!(replies[1].contains("invalidate") && replies[1].contains("to"), "{replies:?}");
    assert_eq!(replies[2], ":0");
}

#[test]
fn nobody_is_served_during_a_pause() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let mut waiting = wait_in(&server, "BLPOP key 0");
    client.run("RPUSH other x");
    // The pause begins inside the transaction that makes the key ready.
    for command in ["MULTI", "RENAME other key", "CLIENT PAUSE 300 WRITE"] {
        client.run(command);
    }
    let started = Instant::now();
    assert_eq!(client.run("EXEC"), "[OK OK]");
    assert_eq!(client.run("LLEN key"), ":1");
    assert_eq!(read(&mut waiting), "[key x]");
    assert!(started.elapsed() >= Duration::from_millis(290));
}

#[test]
fn what_was_served_stays_taken_after_a_kill() {
    let directory = temporary_directory();
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut waiting = server.client();
    waiting.send(&["BLMOVE", "from", "to", "LEFT", "RIGHT", "0"]);
    let mut client = server.client();
    eventually("the client is blocked", || client.info("blocked_clients") == "1");
    assert_eq!(client.run("RPUSH from x y"), ":2");
    assert_eq!(read(&mut waiting), "x");
    server.kill();
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    assert_eq!(client.run("LRANGE from 0 -1"), "[y]");
    assert_eq!(client.run("LRANGE to 0 -1"), "[x]");
    server.kill();
}
