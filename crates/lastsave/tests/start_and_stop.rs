//! The server starts and ends as operators and their scripts expect.

mod harness;

use std::process::Command;
use std::time::Duration;

use harness::{Client, TestServer, eventually, free_port, run_to_end};
use tempfile::TempDir;

#[test]
fn version_and_help_name_the_compatible_redis() {
    let directory = TempDir::new().unwrap();
    let (code, text) = run_to_end(directory.path(), &["--version"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("Lastsave server v="), "{text}");
    assert!(text.contains("(compatible with redis 7.2"), "{text}");
    let (code, text) = run_to_end(directory.path(), &["--help"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("Usage:"), "{text}");
}

#[test]
fn the_log_tells_the_pid_before_it_says_that_the_server_is_ready() {
    let mut server = TestServer::start(&["--always-show-logo", "yes"]);
    let text = server.log_text();
    let pid = text.find(&format!(" PID: {}", server.pid())).expect("the logo shows the pid");
    let initialized = text.find("Server initialized").expect("the server says that it is initialized");
    let ready = text.find("Ready to accept connections tcp").expect("the server says that it is ready");
    assert!(pid < initialized && initialized < ready, "{text}");
    let line = text.lines().find(|line| line.contains("Ready to accept")).unwrap();
    assert!(line.starts_with(&format!("{}:M ", server.pid())), "{line}");
    assert!(line.contains(" * "), "{line}");
}

#[test]
fn a_termination_signal_ends_the_server_in_order() {
    let mut server = TestServer::start(&[]);
    let mut client = server.client();
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(server.terminate().code(), Some(0));
    let text = server.log_text();
    for expected in ["Received SIGTERM scheduling shutdown...", "User requested shutdown...", "bye bye..."] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(Client::try_connect(server.port).is_err());
}

#[test]
fn an_interrupt_ends_the_server_and_a_hangup_does_not() {
    let mut server = TestServer::start(&[]);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(server.client().run("PING"), "PONG");
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn an_abort_signal_leaves_a_report_and_a_core_file() {
    for (enabled, reports) in [("yes", 1), ("no", 0)] {
        let mut server = TestServer::start(&["--crash-log-enabled", enabled, "--appendonly", "yes"]);
        server.signal("ABRT");
        // Ended by the signal, which is what makes the system write a core file where it does so at all.
        assert_eq!(server.wait().code(), None);
        let text = server.log_text();
        for part in
            ["crashed by signal: 6 (SIGABRT)", "------ STACK TRACE ------", " aof-log: state ", " control: "]
        {
            assert_eq!(text.matches(part).count(), reports, "{part:?} in\n{text}");
        }
    }
}

#[test]
fn shutdown_closes_the_connection_without_a_reply() {
    let mut server = TestServer::start(&[]);
    let mut client = server.client();
    assert_eq!(client.run("SHUTDOWN SAVE NOSAVE"), "-ERR syntax error");
    assert_eq!(client.run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.");
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert_eq!(client.try_read(), None);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_busy_port_is_reported_and_ends_the_start() {
    let first = TestServer::start(&[]);
    let mut second = TestServer::launch(TempDir::new().unwrap(), first.port, &[]);
    assert_eq!(second.wait().code(), Some(1));
    let text = second.log_text();
    assert!(text.contains(&format!("Failed listening on port {}", first.port)), "{text}");
    assert!(!text.lines().next().unwrap_or_default().contains("already in use"), "{text}");
}

#[test]
fn a_wrong_configuration_is_reported_with_its_line() {
    let directory = TempDir::new().unwrap();
    let (code, text) = run_to_end(directory.path(), &["--port", "0", "--nosuchdirective", "1"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("FATAL CONFIG FILE ERROR"), "{text}");
    assert!(text.contains("Bad directive or wrong number of arguments"), "{text}");
    let (code, text) = run_to_end(directory.path(), &["missing.conf"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("can't open config file"), "{text}");
}

#[test]
fn the_configuration_may_come_from_a_file() {
    let directory = TempDir::new().unwrap();
    let port = free_port();
    let path = directory.path().join("test.conf");
    write(&path, &format!("port {port}\nsave \"\"\nmaxclients 123\nloglevel verbose\n"));
    let mut child = Command::new(harness::PROGRAM).arg(&path).current_dir(directory.path()).spawn().unwrap();
    eventually("the server listens", || Client::try_connect(port).is_ok());
    assert_eq!(Client::connect(port).run("CONFIG GET maxclients"), "[maxclients 123]");
    let info = Client::connect(port).info("config_file");
    assert!(info.ends_with("/test.conf"), "{info}");
    Client::connect(port).send(&["SHUTDOWN", "NOSAVE"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_daemon_runs_on_its_own_and_leaves_its_pid_in_a_file() {
    let directory = TempDir::new().unwrap();
    let port = free_port();
    let arguments = [
        "--port",
        &port.to_string(),
        "--save",
        "",
        "--daemonize",
        "yes",
        "--pidfile",
        "server.pid",
        "--logfile",
        "server.log",
    ];
    let (code, text) = run_to_end(directory.path(), &arguments);
    assert_eq!(code, Some(0), "{text}");
    eventually("the daemon listens", || Client::try_connect(port).is_ok());
    let mut client = Client::connect(port);
    let pid = client.info("process_id");
    eventually("the pid file is there", || !read(&directory.path().join("server.pid")).is_empty());
    assert_eq!(read(&directory.path().join("server.pid")).trim(), pid);
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert_eq!(client.try_read(), None);
    eventually("the pid file is gone", || !directory.path().join("server.pid").exists());
    let log = directory.path().join("server.log");
    eventually("the log is complete", || read(&log).contains("bye bye..."));
}

#[expect(clippy::disallowed_methods, reason = "a test writes the files a user would write")]
fn write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).expect("the file can be written");
}

#[expect(clippy::disallowed_methods, reason = "a test reads the files a user would read")]
fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
