//! The server tells the truth about itself and its clients.

mod harness;

use harness::TestServer;

#[test]
fn info_has_the_sections_that_are_asked_for() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let text = client.run("INFO");
    assert!(text.starts_with("# Server\r\nredis_version:7.2.5\r\n"), "{text}");
    assert!(text.contains("\r\n\r\n# Clients\r\n") && !text.contains("# Commandstats"), "{text}");
    assert!(client.run("INFO everything").contains("# Commandstats"));
    let some = client.run("INFO keyspace server");
    let titles: Vec<&str> = some.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(titles, ["# Server", "# Keyspace"]);
    assert_eq!(client.run("INFO nosuch"), "");
}

#[test]
fn commands_and_errors_are_counted_by_name() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("SET a text");
    client.run("GET a");
    client.run("INCR a");
    client.run("GET");
    client.run("NOSUCH");
    client.run("CLIENT GETNAME");
    let text = client.run("INFO everything");
    let has = |part: &str| text.lines().any(|line| line.starts_with(part));
    assert!(has("cmdstat_get:calls=1,usec="), "{text}");
    assert!(text.contains("cmdstat_incr:") && has("cmdstat_client|getname:calls=1"), "{text}");
    let get = text.lines().find(|line| line.starts_with("cmdstat_get:")).unwrap();
    assert!(get.ends_with("rejected_calls=1,failed_calls=0"), "{get}");
    let incr = text.lines().find(|line| line.starts_with("cmdstat_incr:")).unwrap();
    assert!(incr.ends_with("rejected_calls=0,failed_calls=1"), "{incr}");
    assert!(has("errorstat_ERR:count=3") && has("total_error_replies:3"), "{text}");
    assert!(has("latency_percentiles_usec_get:p50="), "{text}");
    client.run("CONFIG RESETSTAT");
    let text = client.run("INFO everything");
    assert!(!text.contains("cmdstat_get") && text.contains("total_error_replies:0"), "{text}");
}

#[test]
fn clients_are_listed_with_what_they_do() {
    let server = TestServer::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    client.run("CLIENT SETNAME first");
    client.run("CLIENT SETINFO lib-name mylib");
    other.run("SELECT 3");
    other.run("MULTI");
    other.run("PING");
    let list = client.run("CLIENT LIST");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(lines[0].contains(" name=first ") && lines[0].contains("cmd=client|list"), "{list}");
    assert!(lines[0].contains("lib-name=mylib"), "{list}");
    assert!(
        lines[1].contains(" db=3 ") && lines[1].contains("multi=1 ") && lines[1].contains("flags=x"),
        "{list}"
    );
    let id = client.run("CLIENT ID");
    let id = id.trim_start_matches(':');
    assert_eq!(client.run(&format!("CLIENT LIST ID {id}")).lines().count(), 1);
    assert_eq!(client.run("CLIENT LIST TYPE replica"), "");
}

#[test]
fn clients_can_be_killed_by_address_or_id() {
    let server = TestServer::start(&[]);
    let (mut client, mut victim) = (server.client(), server.client());
    let id = victim.run("CLIENT ID").trim_start_matches(':').to_owned();
    assert_eq!(client.run(&format!("CLIENT KILL ID {id}")), ":1");
    assert_eq!(victim.try_read(), None);
    assert_eq!(client.run(&format!("CLIENT KILL ID {id}")), ":0");
    assert_eq!(client.run("CLIENT KILL 1.2.3.4:5"), "-ERR No such client");
    let mut victims: Vec<_> = (0..3).map(|_| server.client()).collect();
    for victim in &mut victims {
        victim.run("PING");
    }
    assert_eq!(client.run("CLIENT KILL TYPE normal"), ":3");
    assert_eq!(client.run("CLIENT KILL TYPE normal SKIPME no"), ":1");
    assert_eq!(client.try_read(), None);
}

#[test]
fn reply_modes_drop_exactly_what_they_promise() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.send(&["CLIENT", "REPLY", "OFF"]);
    client.send(&["SET", "a", "1"]);
    client.send(&["NOSUCH"]);
    assert_eq!(client.run("CLIENT REPLY ON"), "OK");
    assert_eq!(client.run("GET a"), "1");
    client.send(&["CLIENT", "REPLY", "SKIP"]);
    client.send(&["SET", "a", "2"]);
    assert_eq!(client.run("GET a"), "2");
}

#[test]
fn expired_keys_disappear_without_being_asked_for() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    for number in 0..200 {
        client.run(&format!("SET key:{number} value PX 20"));
    }
    client.run("SET stays value");
    harness::eventually("the keys are gone", || client.run("DBSIZE") == ":1");
    assert_eq!(client.info("expired_keys"), "200");
}

#[test]
fn digests_depend_on_data_alone() {
    let (first, second) = (TestServer::start(&[]), TestServer::start(&[]));
    let (mut first, mut second) = (first.client(), second.client());
    assert_eq!(first.run("DEBUG DIGEST"), "0".repeat(40));
    first.run("MSET a 1 b 2");
    second.run("SET b 2");
    second.run("SET a 1");
    assert_eq!(first.run("DEBUG DIGEST"), second.run("DEBUG DIGEST"));
    second.run("SET a 3");
    assert_ne!(first.run("DEBUG DIGEST"), second.run("DEBUG DIGEST"));
    assert_eq!(first.run("DEBUG POPULATE 100 p 20"), "OK");
    assert_eq!(first.run("DBSIZE"), ":102");
}

#[test]
fn a_client_whose_watched_key_was_changed_is_marked() {
    let server = TestServer::start(&[]);
    let (mut watcher, mut writer) = (server.client(), server.client());
    watcher.run("WATCH k");
    assert!(watcher.run("CLIENT INFO").contains(" flags=N "));
    writer.run("SET k v");
    assert!(watcher.run("CLIENT INFO").contains(" flags=d "));
    watcher.run("MULTI");
    assert!(writer.run("CLIENT LIST").contains(" flags=xd "));
    assert_eq!(watcher.run("EXEC"), "nil");
    assert!(watcher.run("CLIENT INFO").contains(" flags=N "));
}
