//! Publish and subscribe, and keyspace events, as clients see them.

mod harness;

use std::time::{Duration, Instant};

use harness::{Program, TestServer, assert_like_redis, transcript};

#[test]
fn subscriptions_and_messages_are_those_of_redis() {
    assert_like_redis(
        &[],
        &[
            "0 SUBSCRIBE a b a",
            "0 PSUBSCRIBE a* z*",
            "1 PUBLISH a hello",
            "1 PUBLISH zz \"\"",
            "1 PUBSUB CHANNELS b*",
            "1 PUBSUB NUMSUB a b nosuch",
            "1 PUBSUB NUMSUB",
            "1 PUBSUB NUMPAT",
            "0 UNSUBSCRIBE b nosuch",
            "0 PUNSUBSCRIBE a*",
            "1 PUBLISH b again",
            "0 PUNSUBSCRIBE",
            "0 PUNSUBSCRIBE",
            "0 UNSUBSCRIBE",
            "0 UNSUBSCRIBE",
            "0 SUNSUBSCRIBE",
            "1 PUBLISH a unheard",
            "1 PUBSUB CHANNELS",
            "1 PUBSUB NUMPAT",
            "1 PUBSUB CHANNELS a b",
            "1 PUBSUB NOSUCH",
            "1 SUBSCRIBE",
            "1 PUBLISH a",
        ],
    );
}

#[test]
fn shard_channels_are_a_space_of_their_own() {
    assert_like_redis(
        &[],
        &[
            "0 SSUBSCRIBE a b",
            "0 SUBSCRIBE a",
            "0 PSUBSCRIBE *",
            "1 SPUBLISH a hello",
            "1 PUBLISH a hello",
            "1 PUBSUB SHARDNUMSUB a b c",
            "1 PUBSUB SHARDCHANNELS b*",
            "0 SUNSUBSCRIBE a",
            "0 SUNSUBSCRIBE",
            "1 SPUBLISH a unheard",
        ],
    );
}

#[test]
fn a_listener_may_do_little_else_in_the_second_protocol() {
    assert_like_redis(
        &[],
        &[
            "0 SUBSCRIBE a",
            "0 GET k",
            "0 PUBLISH a b",
            "0 CONFIG GET maxmemory",
            "0 MULTI",
            "0 PING",
            "0 PING text",
            "0 PING one two",
            "0 NOSUCH",
            "0 RESET",
            "0 PING",
            "0 GET k",
            "1 PUBLISH a unheard",
        ],
    );
}

#[test]
fn the_third_protocol_pushes_and_restricts_nothing() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 SUBSCRIBE a",
            "0 SET k v",
            "0 GET k",
            "0 PING",
            "1 PUBLISH a hello",
            "0 PSUBSCRIBE x*",
            "1 PUBLISH xx hello",
            "0 UNSUBSCRIBE",
            "0 SSUBSCRIBE s",
            "1 SPUBLISH s hello",
        ],
    );
    let ours = transcript(
        Program::Lastsave,
        &[],
        &["0 !HELLO 3", "0 SUBSCRIBE a", "0 PUBLISH a self", "0 GET k", "1 PUBLISH a other"],
    );
    let pushes: Vec<&str> = ours[0].lines().collect();
    assert!(pushes[0].starts_with(">[\"subscribe\""), "{pushes:?}");
    assert!(pushes[1] == ":1", "the reply comes before what it publishes: {pushes:?}");
    assert!(pushes[2].starts_with(">[\"message\"") && pushes[3].starts_with("Null"), "{pushes:?}");
}

#[test]
fn messages_of_a_transaction_come_behind_it() {
    assert_like_redis(
        &[],
        &[
            "0 SUBSCRIBE a b",
            "1 MULTI",
            "1 PUBLISH a 1",
            "1 SET k v",
            "1 PUBLISH b 2",
            "1 EXEC",
            "2 MULTI",
            "2 SUBSCRIBE x y",
            "2 UNSUBSCRIBE x",
            "2 EXEC",
            "1 PUBLISH y heard",
        ],
    );
}

#[test]
fn subscribing_answers_even_when_replies_are_off() {
    assert_like_redis(
        &[],
        &[
            "0 CLIENT REPLY OFF",
            "0 SUBSCRIBE a",
            "1 PUBLISH a hello",
            "0 UNSUBSCRIBE a",
            "0 CLIENT REPLY ON",
            "2 CLIENT REPLY SKIP",
            "2 SUBSCRIBE a",
            "1 PUBLISH a hello",
        ],
    );
}

#[test]
fn keyspace_events_are_published_as_redis_does() {
    assert_like_redis(
        &["--notify-keyspace-events", "KEA"],
        &[
            "0 PSUBSCRIBE *",
            "1 SELECT 3",
            "1 SET k v",
            "1 SET k v EX 100",
            "1 APPEND k w",
            "1 RENAME k l",
            "1 COPY l m",
            "1 MOVE m 4",
            "1 EXPIRE l 100",
            "1 PERSIST l",
            "1 GETDEL l",
            "1 MSET a 1 b 2",
            "1 MULTI",
            "1 INCR a",
            "1 DEL b",
            "1 EXEC",
            "1 PEXPIRE a 1",
            "1 sleep 300",
            "1 CONFIG SET notify-keyspace-events Kg$",
            "1 SET k v",
            "1 DEL k",
            "1 CONFIG SET notify-keyspace-events Em",
            "1 GET k",
            "1 TTL k",
            "1 CONFIG GET notify-keyspace-events",
            "1 CONFIG SET notify-keyspace-events \"\"",
            "1 SET k v",
        ],
    );
}

#[test]
fn a_message_does_not_reveal_a_write_that_may_still_be_lost() {
    let server = TestServer::start(&[
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--notify-keyspace-events",
        "KEA",
    ]);
    let (mut listener, mut writer) = (server.client(), server.client());
    assert_eq!(listener.run("PSUBSCRIBE *"), "[psubscribe * :1]");
    assert_eq!(writer.run("DEBUG AOF-FLUSH-SLEEP 600000"), "OK");
    let started = Instant::now();
    writer.send(&["SET", "a", "1"]);
    assert_eq!(harness::show(&listener.read()), "[pmessage * __keyspace@0__:a set]");
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    writer.read();
    listener.read();
    let started = Instant::now();
    writer.write(
        &[harness::encode(&["SET", "a", "2"]), harness::encode(&["PUBLISH", "news", "a is 2"])].concat(),
    );
    for _ in 0..3 {
        listener.read();
    }
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
}

#[test]
fn a_listener_that_does_not_read_is_given_up() {
    let server = TestServer::start(&["--client-output-buffer-limit", "pubsub 100000 0 0"]);
    let (mut listener, mut publisher) = (server.client(), server.client());
    assert_eq!(listener.run("SUBSCRIBE a"), "[subscribe a :1]");
    let payload = "x".repeat(50_000);
    let deadline = Instant::now() + Duration::from_secs(20);
    while publisher.run(&format!("PUBLISH a {payload}")) == ":1" {
        assert!(Instant::now() < deadline, "the listener stays");
    }
    assert_eq!(publisher.info("client_output_buffer_limit_disconnections"), "1");
    assert_eq!(publisher.info("pubsub_channels"), "0");
}

#[test]
fn listeners_show_in_the_list_of_clients() {
    let server = TestServer::start(&[]);
    let (mut listener, mut other) = (server.client(), server.client());
    listener.run("SUBSCRIBE a");
    listener.send(&["SSUBSCRIBE", "b", "c"]);
    listener.read();
    listener.read();
    let line = other.run("CLIENT LIST TYPE pubsub");
    assert!(line.contains(" flags=P ") && line.contains(" sub=1 psub=0 ssub=2 "), "{line}");
    assert_eq!(line.lines().count(), 1);
    assert_eq!(other.info("pubsub_channels"), "1");
    assert_eq!(other.info("pubsubshard_channels"), "2");
    drop(listener);
    let deadline = Instant::now() + Duration::from_secs(10);
    while other.info("pubsub_channels") != "0" {
        assert!(Instant::now() < deadline, "a closed connection stays subscribed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn evicted_keys_are_announced() {
    let server = TestServer::start(&["--notify-keyspace-events", "Ee"]);
    let (mut listener, mut tracker, mut writer) = (server.client(), server.client(), server.client());
    listener.run("PSUBSCRIBE *");
    writer.run("SETEX volatile 10000 x");
    tracker.run("HELLO 3");
    tracker.run("CLIENT TRACKING ON");
    tracker.run("GET volatile");
    writer.run("CONFIG SET maxmemory-policy volatile-lru maxmemory 1");
    assert_eq!(harness::show(&listener.read()), "[pmessage * __keyevent@0__:evicted volatile]");
    assert_eq!(harness::show(&tracker.read()), "[invalidate [volatile]]");
    writer.run("CONFIG SET maxmemory 0");
}
