//! CLIENT TRACKING: who is told that a key has changed.

mod harness;

use std::time::{Duration, Instant};

use harness::{TestServer, assert_like_redis, show};

#[test]
fn readers_are_told_once_when_a_key_changes() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 CLIENT TRACKING ON",
            "0 GET a",
            "0 MGET a b c",
            "0 TTL d",
            "1 SET a 1",
            "1 SET a 2",
            "1 DEL b",
            "1 MSET c 1 d 2",
            "0 GET a",
            "0 SET a own",
            "0 GET c",
            "0 CLIENT TRACKINGINFO",
            "1 EXPIRE c 100",
            "0 GET c",
            "1 PERSIST c",
            "0 GET c",
            "1 RENAME c e",
            "0 GET e",
            "1 PEXPIRE e 1",
            "1 sleep 8",
            "0 GET e",
            "1 sleep 300",
            "0 MULTI",
            "0 GET a",
            "0 GET e",
            "0 EXEC",
            "1 SET e again",
            "0 CLIENT TRACKING OFF",
            "0 GET a",
            "1 SET a 3",
            "0 CLIENT TRACKINGINFO",
        ],
    );
}

#[test]
fn a_flush_invalidates_everything() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 CLIENT TRACKING ON",
            "0 GET a",
            "1 FLUSHDB",
            "1 FLUSHALL",
            "0 FLUSHALL",
            "1 SET a 1",
        ],
    );
}

#[test]
fn opting_in_and_out_is_about_the_next_command() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 CLIENT CACHING YES",
            "0 CLIENT TRACKING ON OPTIN",
            "0 CLIENT CACHING NO",
            "0 GET a",
            "0 CLIENT CACHING YES",
            "0 CLIENT TRACKINGINFO",
            "0 GET b",
            "0 GET c",
            "0 CLIENT CACHING YES",
            "0 MULTI",
            "0 GET d",
            "0 GET e",
            "0 EXEC",
            "1 MSET a 1 b 1 c 1 d 1 e 1",
            "0 CLIENT TRACKING ON OPTOUT",
            "0 CLIENT TRACKING OFF",
            "0 CLIENT TRACKING ON OPTOUT",
            "0 CLIENT CACHING NO",
            "0 GET a",
            "0 GET b",
            "1 MSET a 1 b 1",
        ],
    );
}

#[test]
fn prefixes_are_broadcast() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:",
            "2 !HELLO 3",
            "2 CLIENT TRACKING ON BCAST NOLOOP",
            "1 SET a:1 x",
            "1 MSET b:1 x c:1 x",
            "2 SET a:2 x",
            "0 SET b:2 x",
            "0 CLIENT TRACKING ON BCAST PREFIX a:x",
            "0 CLIENT TRACKING ON BCAST PREFIX d PREFIX de",
            "0 CLIENT TRACKING ON BCAST PREFIX e",
            "0 CLIENT TRACKINGINFO",
            "2 CLIENT TRACKINGINFO",
            "1 DEL e1",
            "1 SET e1 x",
            "1 FLUSHALL",
        ],
    );
}

#[test]
fn not_to_be_told_of_own_changes_can_be_chosen() {
    assert_like_redis(
        &[],
        &[
            "0 !HELLO 3",
            "0 CLIENT TRACKING ON NOLOOP",
            "0 GET a",
            "0 SET a 1",
            "1 SET a 2",
            "0 GET a",
            "1 SET a 3",
        ],
    );
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    assert_like_redis(
        &[],
        &[
            "0 CLIENT TRACKING ON PREFIX a",
            "0 CLIENT TRACKING ON BCAST OPTIN",
            "0 CLIENT TRACKING ON OPTIN OPTOUT",
            "0 CLIENT TRACKING MAYBE",
            "0 CLIENT TRACKING ON NOSUCH",
            "0 CLIENT TRACKING ON REDIRECT 999999",
            "0 CLIENT TRACKING ON REDIRECT x",
            "0 CLIENT GETREDIR",
            "0 CLIENT TRACKING ON",
            "0 CLIENT GETREDIR",
            "0 CLIENT TRACKING ON BCAST",
            "0 CLIENT TRACKING OFF",
            "0 CLIENT TRACKING ON OPTIN",
            "0 CLIENT TRACKING ON OPTOUT",
            "0 CLIENT CACHING MAYBE",
            "0 CLIENT TRACKINGINFO",
        ],
    );
}

#[test]
fn invalidations_can_be_redirected_to_a_listener() {
    let server = TestServer::start(&[]);
    let (mut tracker, mut listener, mut writer) = (server.client(), server.client(), server.client());
    let id = listener.run("CLIENT ID");
    assert_eq!(tracker.run("HELLO 3").chars().next(), Some('{'));
    assert_eq!(tracker.run(&format!("CLIENT TRACKING ON REDIRECT {}", &id[1..])), "OK");
    assert_eq!(tracker.run("CLIENT GETREDIR"), id);
    assert!(tracker.run("CLIENT INFO").contains(" flags=t db=0 "));
    assert!(tracker.run("CLIENT INFO").contains(&format!(" redir={} ", &id[1..])));
    listener.run("SUBSCRIBE __redis__:invalidate");
    tracker.run("GET a");
    writer.run("SET a 1");
    assert_eq!(show(&listener.read()), "[message __redis__:invalidate [a]]");
    writer.run("FLUSHALL");
    assert_eq!(show(&listener.read()), "[message __redis__:invalidate nil]");
    tracker.run("GET a");
    drop(listener);
    let deadline = Instant::now() + Duration::from_secs(10);
    while writer.info("connected_clients") != "3" && writer.info("pubsub_channels") != "0" {
        assert!(Instant::now() < deadline, "the listener is not forgotten");
    }
    writer.run("SET a 2");
    assert_eq!(show(&tracker.read()), format!("[tracking-redir-broken {id}]"));
    assert!(tracker.run("CLIENT TRACKINGINFO").contains("broken_redirect"));
    assert!(tracker.run("CLIENT INFO").contains(" flags=tR "));
}

#[test]
fn too_many_keys_are_forgotten_by_telling_their_readers() {
    let server = TestServer::start(&["--tracking-table-max-keys", "3"]);
    let (mut tracker, mut other) = (server.client(), server.client());
    tracker.run("HELLO 3");
    tracker.run("CLIENT TRACKING ON");
    for key in ["a", "b", "c", "d"] {
        tracker.run(&format!("GET {key}"));
    }
    assert_eq!(other.info("tracking_total_keys"), "3");
    assert!(show(&tracker.read()).starts_with("[invalidate ["));
    assert_eq!(other.info("tracking_total_items"), "3");
    assert_eq!(other.info("tracking_clients"), "1");
    tracker.run("RESET");
    assert_eq!(other.info("tracking_clients"), "0");
    assert_eq!(other.info("tracking_total_keys"), "0");
}
