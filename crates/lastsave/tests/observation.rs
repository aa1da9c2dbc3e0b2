//! The slow log, the latency monitor, MONITOR, and statistics of commands.

mod harness;

use harness::{Client, TestServer, assert_like_redis, show};

#[test]
fn the_slow_log_keeps_the_last_slow_commands() {
    let server = TestServer::start(&["--slowlog-log-slower-than", "100000"]);
    let mut client = server.client();
    client.run("CLIENT SETNAME sleeper");
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(client.run("SLOWLOG LEN"), ":0");
    assert_eq!(client.run("DEBUG SLEEP 0.15"), "OK");
    assert_eq!(client.run("SLOWLOG LEN"), ":1");
    let entries = client.run("SLOWLOG GET");
    assert!(entries.starts_with("[[:0 :") && entries.contains("[DEBUG SLEEP 0.15] 127.0.0.1:"), "{entries}");
    assert!(entries.ends_with(" sleeper]]"), "{entries}");
    client.run("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 5");
    for _ in 0..10 {
        client.run("PING");
    }
    assert_eq!(client.run("SLOWLOG LEN"), ":5");
    assert!(client.run("SLOWLOG GET 2").matches("127.0.0.1").count() == 2);
    assert_eq!(client.run("SLOWLOG GET -1").matches("127.0.0.1").count(), 5);
    assert!(client.run("SLOWLOG GET -2").starts_with("-ERR count should be greater than or equal to -1"));
    client.run("CONFIG SET requirepass secret");
    client.run("AUTH secret");
    let shown = client.run("SLOWLOG GET 3");
    assert!(shown.contains("requirepass (redacted)") && shown.contains("[AUTH (redacted)]"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
    client.run("CONFIG SET slowlog-log-slower-than -1");
    assert_eq!(client.run("SLOWLOG RESET"), "OK");
    assert_eq!(client.run("SLOWLOG LEN"), ":0");
}

#[test]
fn commands_of_a_transaction_are_logged_one_by_one() {
    let server = TestServer::start(&["--slowlog-log-slower-than", "0"]);
    let mut client = server.client();
    for words in ["SLOWLOG RESET", "MULTI", "SET a 1", "GET a", "EXEC"] {
        client.run(words);
    }
    let shown = client.run("SLOWLOG GET");
    let order: Vec<_> = ["[GET a]", "[SET a 1]", "[MULTI]", "[SLOWLOG RESET]"]
        .iter()
        .map(|words| shown.find(words).unwrap_or_else(|| panic!("no {words} in {shown}")))
        .collect();
    assert!(order.is_sorted() && !shown.contains("[EXEC]"), "{shown}");
}

#[test]
fn slow_events_are_remembered_by_the_latency_monitor() {
    let server = TestServer::start(&["--latency-monitor-threshold", "100"]);
    let mut client = server.client();
    assert_eq!(client.run("LATENCY LATEST"), "[]");
    assert_eq!(client.run("DEBUG SLEEP 0.12"), "OK");
    let latest = client.run("LATENCY LATEST");
    assert!(latest.starts_with("[[command :") && latest.contains(" :12"), "{latest}");
    assert!(client.run("LATENCY HISTORY command").starts_with("[[:"));
    assert_eq!(client.run("LATENCY HISTORY nosuch"), "[]");
    assert!(client.run("LATENCY GRAPH command").starts_with("command - high 12"));
    assert_eq!(client.run("LATENCY GRAPH nosuch"), "-ERR No samples available for event 'nosuch'");
    assert!(client.run("LATENCY DOCTOR").contains("command: 1 latency spikes"));
    assert_eq!(client.run("LATENCY RESET nosuch"), ":0");
    assert_eq!(client.run("LATENCY RESET"), ":1");
    assert_eq!(client.run("LATENCY LATEST"), "[]");
}

#[test]
fn histograms_are_shown_for_what_was_called() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    client.run("CONFIG RESETSTAT");
    assert!(client.run("LATENCY HISTOGRAM").starts_with("[config|resetstat [calls :1 histogram_usec ["));
    client.run("SET a b");
    client.run("SET c d");
    client.run("CLIENT ID");
    assert!(client.run("LATENCY HISTOGRAM nosuch SET get").starts_with("[set [calls :2 histogram_usec ["));
    assert!(client.run("LATENCY HISTOGRAM client").starts_with("[client|id [calls :1 "));
    assert!(client.run("INFO latencystats").contains("latency_percentiles_usec_set:p50="));
}

/// The part of a monitor's line behind its time.
fn monitored(client: &mut Client) -> String {
    let line = show(&client.read());
    let (time, rest) = line.split_once(' ').expect("a time and the command");
    let (seconds, fraction) = time.split_once('.').expect("seconds and microseconds");
    assert!(seconds.len() == 10 && fraction.len() == 6, "{line}");
    rest.to_owned()
}

#[test]
fn monitors_see_what_is_executed() {
    let server = TestServer::start(&[]);
    let (mut monitor, mut client) = (server.client(), server.client());
    assert_eq!(monitor.run("MONITOR"), "OK");
    let address = {
        let info = client.run("CLIENT INFO");
        let start = info.find("addr=").expect("an address") + 5;
        info[start..].split(' ').next().expect("an address").to_owned()
    };
    client.run("SELECT 5");
    client.command(&["SET", "k", "a\"\\\n\x01"]);
    for words in ["CONFIG GET hz", "NOSUCH", "MULTI", "GET k", "EXEC", "AUTH secret", "HELLO 3 AUTH a b"] {
        client.run(words);
    }
    assert_eq!(monitored(&mut monitor), format!("[0 {address}] \"CLIENT\" \"INFO\""));
    for expected in [
        "\"SELECT\" \"5\"",
        r#""SET" "k" "a\"\\\n\x01""#,
        "\"MULTI\"",
        "\"GET\" \"k\"",
        "\"EXEC\"",
        "\"AUTH\" \"(redacted)\"",
        "\"HELLO\" \"3\" \"AUTH\" \"(redacted)\" \"(redacted)\"",
    ] {
        assert_eq!(monitored(&mut monitor), format!("[5 {address}] {expected}"));
    }
    assert!(client.run("CLIENT LIST").contains(" flags=O "));
    assert_eq!(monitor.run("GET k"), "-ERR Replica can't interact with the keyspace");
    assert_eq!(monitor.run("RESET"), "RESET");
    assert_eq!(monitor.run("GET k"), "nil");
}

#[test]
fn monitors_see_a_command_that_waits_once_and_when_it_comes() {
    let server = TestServer::start(&[]);
    let (mut monitor, mut waiting, mut client) = (server.client(), server.client(), server.client());
    assert_eq!(monitor.run("MONITOR"), "OK");
    waiting.send(&["BLPOP", "list", "0"]);
    assert!(monitored(&mut monitor).ends_with("\"BLPOP\" \"list\" \"0\""));
    client.run("RPUSH list element");
    assert!(monitored(&mut monitor).ends_with("\"RPUSH\" \"list\" \"element\""));
    assert_eq!(show(&waiting.read()), "[list element]");
    client.run("ECHO end");
    assert!(monitored(&mut monitor).ends_with("\"ECHO\" \"end\""));
}

#[test]
fn errors_are_those_of_redis() {
    assert_like_redis(
        &[],
        &[
            "0 SLOWLOG GET x",
            "0 SLOWLOG NOSUCH",
            "0 SLOWLOG LEN x",
            "0 LATENCY HISTORY",
            "0 LATENCY GRAPH command",
            "0 LATENCY RESET a b",
            "0 LATENCY NOSUCH",
            "0 MULTI",
            "0 MONITOR",
            "0 EXEC",
        ],
    );
}
