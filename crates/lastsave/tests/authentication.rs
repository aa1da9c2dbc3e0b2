//! A password keeps everybody out who does not know it.

mod harness;

use harness::TestServer;

const NOAUTH: &str = "-NOAUTH Authentication required.";

#[test]
fn nothing_but_authentication_is_let_through() {
    let server = TestServer::start(&["--requirepass", "secret"]);
    let mut client = server.client();
    for command in ["PING", "GET a", "INFO", "CONFIG GET requirepass", "MULTI", "CLIENT LIST", "SHUTDOWN"] {
        assert_eq!(client.run(command), NOAUTH, "{command}");
    }
    assert!(client.run("HELLO 3").starts_with("-NOAUTH HELLO must be called"));
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(client.run("AUTH wrong"), wrong);
    assert_eq!(client.run("AUTH nobody secret"), wrong);
    assert_eq!(client.run("AUTH secret"), "OK");
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(client.info("acl_access_denied_auth"), "2");
}

#[test]
fn hello_authenticates_and_chooses_the_protocol() {
    let server = TestServer::start(&["--requirepass", "secret"]);
    let mut client = server.client();
    let reply = client.run("HELLO 3 AUTH default secret SETNAME me");
    assert!(reply.starts_with('{') && reply.contains("proto=:3"), "{reply}");
    assert_eq!(client.run("CLIENT GETNAME"), "me");
    assert_eq!(client.run("HELLO 4"), "-NOPROTO unsupported protocol version");
}

#[test]
fn a_password_set_later_holds_for_new_clients() {
    let server = TestServer::start(&[]);
    let (mut client, mut old) = (server.client(), server.client());
    assert_eq!(old.run("PING"), "PONG");
    assert!(client.run("AUTH x").starts_with("-ERR AUTH <password> called without any password configured"));
    assert_eq!(client.run("CONFIG SET requirepass secret"), "OK");
    assert_eq!(client.run("PING"), "PONG");
    let mut newcomer = server.client();
    assert_eq!(newcomer.run("PING"), NOAUTH);
    assert_eq!(client.run("RESET"), "RESET");
    assert_eq!(client.run("PING"), NOAUTH);
    assert_eq!(client.run("AUTH secret"), "OK");
    client.command(&["CONFIG", "SET", "requirepass", ""]);
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn commands_behind_the_authentication_in_one_pipeline_are_not_held_to_its_limits() {
    let server = TestServer::start(&["--requirepass", "secret"]);
    let mut client = server.client();
    let mut pipeline = harness::encode(&["AUTH", "secret"]);
    let mut set = vec!["MSET".to_owned()];
    set.extend((0..40).map(|number| format!("key{number}")));
    pipeline.extend(harness::encode(&set));
    client.write(&pipeline);
    assert_eq!(harness::show(&client.read()), "OK");
    assert_eq!(harness::show(&client.read()), "OK");
}

#[test]
fn unauthenticated_input_is_held_to_small_sizes() {
    let server = TestServer::start(&["--requirepass", "secret"]);
    let mut client = server.client();
    client.write(b"*100\r\n");
    assert_eq!(client.read_to_end(), b"-ERR Protocol error: unauthenticated multibulk length\r\n");
    let mut client = server.client();
    client.write(b"*2\r\n$4\r\nAUTH\r\n$20000\r\n");
    assert_eq!(client.read_to_end(), b"-ERR Protocol error: unauthenticated bulk length\r\n");
}
