//! While data is being loaded, clients are told so, and what needs no data is answered.

mod harness;

use harness::{Client, TestServer, eventually};
use tempfile::TempDir;

const LOADING: &str = "-LOADING Redis is loading the dataset in memory";

/// A directory with a snapshot of some thousand keys.
fn with_snapshot() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    let mut server = TestServer::start(&["--dir", &directory.path().to_string_lossy()]);
    let mut client = server.client();
    assert_eq!(client.run("DEBUG POPULATE 3000 key 20"), "OK");
    assert_eq!(client.run("SAVE"), "OK");
    server.terminate();
    directory
}

/// A server that takes about three seconds to load that snapshot.
fn slow_start(directory: TempDir) -> (TestServer, Client) {
    let server = TestServer::launch(directory, harness::free_port(), &["--key-load-delay", "1000"]);
    eventually("the server listens", || Client::try_connect(server.port).is_ok());
    let client = server.client();
    (server, client)
}

#[test]
fn commands_on_data_are_refused_and_others_are_not() {
    let (mut server, mut client) = slow_start(with_snapshot());
    for refused in ["GET key:1", "SET a 1", "PING", "DBSIZE", "SAVE", "BGSAVE", "FLUSHALL"] {
        assert_eq!(client.run(refused), LOADING, "{refused}");
    }
    assert_eq!(client.info("loading"), "1");
    assert_eq!(client.run("CONFIG GET hz"), "[hz 10]");
    assert_eq!(client.run("CONFIG SET appendonly yes"), LOADING);
    assert_eq!(client.run("SELECT 3"), "OK");
    assert_eq!(client.run("DEBUG LOG hello"), "OK");
    server.wait_for_log("Ready to accept connections");
    client.run("SELECT 0");
    assert_eq!(client.run("DBSIZE"), ":3000");
    assert_eq!(client.info("loading"), "0");
}

#[test]
fn a_transaction_begun_while_loading_is_refused() {
    let (_server, mut client) = slow_start(with_snapshot());
    assert_eq!(client.run("MULTI"), "OK");
    assert_eq!(client.run("GET a"), LOADING);
    assert_eq!(client.run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
}

#[test]
fn a_server_can_be_ended_while_loading_and_leaves_the_snapshot_alone() {
    let directory = with_snapshot();
    let path = directory.path().join("dump.rdb");
    let size = path.metadata().unwrap().len();
    let (mut server, _client) = slow_start(directory);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(path.metadata().unwrap().len(), size);
    assert!(!server.log_text().contains("Ready to accept connections"), "{}", server.log_text());
}
