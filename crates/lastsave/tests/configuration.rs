//! CONFIG changes the running server, all or nothing.

mod harness;

use std::path::Path;

use harness::{Client, TestServer, eventually, free_port};
use tempfile::TempDir;

#[test]
fn a_new_port_takes_effect_and_the_old_one_closes() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let port = free_port();
    assert_eq!(client.run(&format!("CONFIG SET port {port}")), "OK");
    assert_eq!(Client::connect(port).run("PING"), "PONG");
    assert!(Client::try_connect(server.port).is_err());
    assert_eq!(client.run("PING"), "PONG");
}

#[test]
fn a_port_in_use_is_refused_and_the_old_one_stays() {
    let server = TestServer::start(&[]);
    let other = TestServer::start(&[]);
    let mut client = server.client();
    let reply = client.run(&format!("CONFIG SET port {}", other.port));
    assert!(reply.contains("Unable to listen on this port"), "{reply}");
    assert_eq!(client.run("CONFIG GET port"), format!("[port {}]", server.port));
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn an_address_that_does_not_exist_is_refused() {
    let server = TestServer::start(&["--bind", "127.0.0.1"]);
    let mut client = server.client();
    let reply = client.run("CONFIG SET bind 192.0.2.1");
    assert!(reply.contains("Failed to bind to specified addresses"), "{reply}");
    assert_eq!(server.client().run("CONFIG GET bind"), "[bind 127.0.0.1]");
    assert_eq!(
        client.command(&["CONFIG", "SET", "bind", "127.0.0.1 -192.0.2.1"]),
        harness::Reply::Simple(b"OK".to_vec())
    );
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn several_directives_change_together_or_not_at_all() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    assert_eq!(client.run("CONFIG SET hz 20 maxclients 500"), "OK");
    assert_eq!(client.run("CONFIG GET hz maxclients"), "[hz 20 maxclients 500]");
    let reply = client.run("CONFIG SET hz 30 maxclients nothing");
    assert!(
        reply.starts_with("-ERR CONFIG SET failed (possibly related to argument 'maxclients')"),
        "{reply}"
    );
    assert_eq!(client.run("CONFIG GET hz maxclients"), "[hz 20 maxclients 500]");
}

#[test]
fn a_lower_limit_of_clients_holds_for_new_ones() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("CONFIG SET maxclients 1");
    let mut second = server.client();
    assert_eq!(second.read_to_end(), b"-ERR max number of clients reached\r\n");
    assert_eq!(client.info("rejected_connections"), "1");
    client.run("CONFIG SET maxclients 2");
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn the_configuration_is_written_back_to_its_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("server.conf");
    write(&path, "# my comment\nmaxclients 100\n");
    let server = TestServer::start_in(directory, &[]);
    let reply = server.client().run("CONFIG REWRITE");
    assert_eq!(reply, "-ERR The server is running without a config file");
    drop(server);

    let directory = TempDir::new().unwrap();
    let path = directory.path().join("server.conf");
    let port = free_port();
    write(&path, &format!("# my comment\nport {port}\nsave \"\"\nmaxclients 100\n"));
    let mut child = std::process::Command::new(harness::PROGRAM)
        .arg(&path)
        .current_dir(directory.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    eventually("the server listens", || Client::try_connect(port).is_ok());
    let mut client = Client::connect(port);
    assert_eq!(client.run("CONFIG SET maxclients 200 timeout 77"), "OK");
    assert_eq!(client.run("CONFIG REWRITE"), "OK");
    let text = read(&path);
    assert!(text.contains("# my comment\n") && text.contains("maxclients 200\n"), "{text}");
    assert!(text.contains("timeout 77\n"), "{text}");
    client.send(&["SHUTDOWN", "NOSAVE"]);
    child.wait().unwrap();
}

#[test]
fn renamed_commands_have_only_their_new_names() {
    let arguments = ["--rename-command", "CONFIG", "secret", "--rename-command", "FLUSHALL", ""];
    let server = TestServer::start(&arguments);
    let mut client = server.client();
    assert!(client.run("CONFIG GET hz").starts_with("-ERR unknown command 'CONFIG'"));
    assert_eq!(client.run("SECRET GET hz"), "[hz 10]");
    assert!(client.run("FLUSHALL").starts_with("-ERR unknown command 'FLUSHALL'"));
}

#[test]
fn immutable_and_protected_directives_are_refused() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    assert!(client.run("CONFIG SET databases 3").contains("can't set immutable config"));
    assert!(client.run("CONFIG SET dir /tmp").contains("can't set protected config"));
}

#[test]
fn the_working_directory_can_be_changed_when_allowed() {
    let server = TestServer::start(&["--enable-protected-configs", "yes"]);
    let target = TempDir::new().unwrap();
    let mut client = server.client();
    let path = target.path().canonicalize().unwrap();
    assert_eq!(client.run(&format!("CONFIG SET dir {}", path.display())), "OK");
    assert_eq!(client.run("CONFIG GET dir"), format!("[dir {}]", path.display()));
    assert!(client.run("CONFIG SET dir /no/such/place").contains("No such file or directory"));
    assert_eq!(client.run("CONFIG GET dir"), format!("[dir {}]", path.display()));
}

#[test]
fn debug_needs_to_be_enabled() {
    let server = TestServer::start(&["--enable-debug-command", "no"]);
    let reply = server.client().run("DEBUG SLEEP 0");
    assert!(
        reply.starts_with("-ERR DEBUG command not allowed. If the enable-debug-command option"),
        "{reply}"
    );
    let server = TestServer::start(&["--enable-debug-command", "local"]);
    assert_eq!(server.client().run("DEBUG SLEEP 0"), "OK");
}

#[expect(clippy::disallowed_methods, reason = "a test writes the files a user would write")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the file can be written");
}

#[expect(clippy::disallowed_methods, reason = "a test reads the files a user would read")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
