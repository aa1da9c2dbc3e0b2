//! Connections are let in, limited and closed as configured.

mod harness;

use std::time::{Duration, Instant};

use harness::{Client, TestServer, eventually};

#[test]
fn a_unix_socket_serves_beside_tcp() {
    let server = TestServer::start(&["--unixsocket", "test.sock", "--unixsocketperm", "700"]);
    let path = server.directory.path().join("test.sock");
    let mut client = Client::connect_unix(&path);
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(server.client().run("GET a"), "1");
    let line = client.run("CLIENT INFO");
    assert!(line.contains("flags=U") && line.contains("test.sock:0"), "{line}");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_server_may_listen_on_a_unix_socket_alone() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut server = TestServer::launch(directory, 0, &["--unixsocket", "only.sock"]);
    server.wait_for_log("Ready to accept connections unix");
    let mut client = Client::connect_unix(&server.directory.path().join("only.sock"));
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(server.terminate().code(), Some(0));
    assert!(!server.directory.path().join("only.sock").exists());
}

#[test]
fn a_server_that_would_listen_nowhere_does_not_start() {
    let mut server = TestServer::launch(tempfile::TempDir::new().unwrap(), 0, &[]);
    assert_eq!(server.wait().code(), Some(1));
    assert!(server.log_text().contains("Configured to not listen anywhere"), "{}", server.log_text());
}

#[test]
fn idle_clients_are_closed_after_the_timeout() {
    let server = TestServer::start(&["--timeout", "1"]);
    let mut idle = server.client();
    assert_eq!(idle.run("PING"), "PONG");
    let started = Instant::now();
    assert_eq!(idle.try_read(), None);
    let waited = started.elapsed();
    assert!(waited > Duration::from_millis(900) && waited < Duration::from_secs(10), "{waited:?}");
}

#[test]
fn input_that_breaks_the_protocol_is_answered_and_ends_the_connection() {
    let cases: [(&[u8], &[u8]); 5] = [
        (b"*abc\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n:5\r\n", b"-ERR Protocol error: expected '$', got ':'\r\n"),
        (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (b"SET \"a b\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"PING\r\n*1\r\n$abc\r\nPING\r\n", b"+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"),
    ];
    let server = TestServer::start(&[]);
    for (input, expected) in cases {
        let mut client = server.client();
        client.write(input);
        let got = client.read_to_end();
        assert_eq!(got.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn a_client_that_outgrows_its_query_buffer_is_closed() {
    let server = TestServer::start(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.client();
    client.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$400000000\r\n");
    let chunk = vec![b'x'; 100_000];
    let refused = (0..200).any(|_| client.try_write(&chunk).is_err());
    assert!(refused, "the server went on reading");
    assert_eq!(server.info("client_query_buffer_limit_disconnections"), "1");
}

#[test]
fn a_client_that_does_not_read_is_closed_at_its_output_limit() {
    let server = TestServer::start(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut setup = server.client();
    setup.command(&[&b"SET"[..], b"big", &vec![b'x'; 100_000]]);
    let mut lazy = server.client();
    for _ in 0..200 {
        if lazy.try_write(&harness::encode(&["GET", "big"])).is_err() {
            break;
        }
    }
    eventually("the client is closed", || setup.info("client_output_buffer_limit_disconnections") == "1");
}

#[test]
fn many_clients_come_and_go() {
    let server = TestServer::start(&[]);
    for _ in 0..5 {
        let mut clients: Vec<Client> = (0..200).map(|_| server.client()).collect();
        for client in &mut clients {
            client.send(&["INCR", "counter"]);
        }
        for client in &mut clients {
            client.read();
        }
    }
    let mut last = server.client();
    assert_eq!(last.run("GET counter"), "1000");
    eventually("all others are gone", || last.info("connected_clients") == "1");
}

#[test]
fn quit_answers_before_it_closes() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.write(b"PING\r\nQUIT\r\nPING\r\n");
    assert_eq!(client.read_to_end(), b"+PONG\r\n+OK\r\n");
}

#[test]
fn who_speaks_http_is_not_served() {
    let mut server = TestServer::start(&[]);
    for first in ["POST / HTTP/1.1", "GET k\r\nHost: localhost"] {
        let mut client = server.client();
        client.write(format!("{first}\r\nSET k evil\r\n").as_bytes());
        client.read_to_end();
    }
    server.wait_for_log("Possible SECURITY ATTACK detected");
    assert_eq!(server.client().run("EXISTS k"), ":0");
}
