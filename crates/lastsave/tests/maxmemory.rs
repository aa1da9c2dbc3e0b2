//! The data stay within `maxmemory`, and what is given up for that is given up in the log as well.

mod harness;

use harness::{Client, Instance, Program, TestServer, eventually, has_oracle, temporary_directory};

fn number(client: &mut Client, section: &str, field: &str) -> u64 {
    let info = client.run(&format!("INFO {section}"));
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.expect("INFO has the field").trim().parse().expect("a number")
}

/// Leaves so many bytes to the data.
fn limit(client: &mut Client, policy: &str, bytes: u64) {
    let used = number(client, "memory", "used_memory");
    assert_eq!(client.run(&format!("CONFIG SET maxmemory {} maxmemory-policy {policy}", used + bytes)), "OK");
}

#[test]
fn the_data_stay_within_the_limit_and_are_the_same_after_a_restart() {
    let directory = temporary_directory();
    let arguments = ["--appendonly", "yes", "--appendfsync", "no"];
    let server = Instance::lastsave(directory.path(), &arguments);
    let mut client = server.client();
    limit(&mut client, "allkeys-lru", 500_000);
    let value = "v".repeat(1000);
    for index in 0..3000 {
        assert_eq!(client.run(&format!("SET key:{index} {value}")), "OK");
    }
    assert!(number(&mut client, "stats", "evicted_keys") > 2000);
    assert_eq!(client.run("EXISTS key:2999"), ":1");
    let digest = client.run("DEBUG DIGEST");
    server.kill();
    let server = Instance::lastsave(directory.path(), &arguments);
    assert_eq!(server.client().run("DEBUG DIGEST"), digest);
}

/// What a client of a server whose memory is used up sees.
fn replies_when_memory_is_used_up(client: &mut Client) -> Vec<String> {
    [
        "SET b 2",
        "GET a",
        "INCR a",
        "DEL nothing",
        "EXPIRE a 1000",
        "MULTI",
        "GET a",
        "DISCARD",
        "MULTI",
        "EXEC",
        "WATCH a",
        "UNWATCH",
        "CONFIG SET maxmemory 0",
        "MULTI",
        "SET b 2",
        "CONFIG SET maxmemory 1",
        "DISCARD",
        "CONFIG SET maxmemory 0",
        "SET b 2",
    ]
    .iter()
    .map(|line| format!("{line}: {}", client.run(line)))
    .collect()
}

#[test]
fn commands_that_need_memory_are_refused_where_redis_refuses_them() {
    if !has_oracle() {
        return;
    }
    let replies = [Program::Lastsave, Program::Redis].map(|program| {
        let directory = temporary_directory();
        let server = Instance::start(program, directory.path(), &[]);
        let mut client = server.client();
        client.run("SET a 1");
        client.run("CONFIG SET maxmemory 1");
        replies_when_memory_is_used_up(&mut client)
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn a_transaction_is_refused_as_a_whole_when_one_of_its_commands_needs_memory() {
    let server = TestServer::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    for (command, answer) in [
        (
            "SET a 1",
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
        ),
        ("GET a", "[nil]"),
    ] {
        other.run("CONFIG SET maxmemory 0");
        client.run("MULTI");
        assert_eq!(client.run(command), "QUEUED");
        other.run("CONFIG SET maxmemory 1");
        assert_eq!(client.run("EXEC"), answer);
    }
    assert!(number(&mut client, "stats", "current_eviction_exceeded_time") < 60_000);
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert!(number(&mut client, "stats", "total_eviction_exceeded_time") > 0);
    other.run("CONFIG SET maxmemory 0");
}

#[test]
fn lowering_the_limit_gives_keys_up_without_anybody_asking() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let used = number(&mut client, "memory", "used_memory");
    let value = "v".repeat(400);
    for index in 0..4000 {
        client.run(&format!("SET key:{index} {value}"));
    }
    client.run("CONFIG SET maxmemory-eviction-tenacity 0");
    client.run(&format!("CONFIG SET maxmemory {} maxmemory-policy allkeys-random", used + 100_000));
    // The loop goes on by itself; this client only looks from time to time, and each look gives up a few keys at most.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let keys: u64 = client.run("DBSIZE")[1..].parse().expect("a number");
    assert!(keys < 300, "{keys} keys left");
    assert_eq!(number(&mut client, "stats", "current_eviction_exceeded_time"), 0);
}

#[test]
fn messages_about_keys_given_up_do_not_make_more_keys_go() {
    let server = TestServer::start(&[]);
    let mut client = server.client();
    let mut trackers: Vec<Client> = (0..10).map(|_| server.client()).collect();
    for tracker in &mut trackers {
        tracker.run("HELLO 3");
        assert_eq!(tracker.run("CLIENT TRACKING ON"), "OK");
    }
    let suffix = "x".repeat(1000);
    for index in 0..300 {
        client.run(&format!("SET {index}{suffix} x"));
        for tracker in &mut trackers {
            assert_eq!(tracker.run(&format!("GET {index}{suffix}")), "x");
        }
    }
    // What the clients' buffers took for the keys is given back within a second or two.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let used = number(&mut client, "memory", "used_memory");
    client.run(&format!("CONFIG SET maxmemory {} maxmemory-policy allkeys-lru", used - 40_000));
    for _ in 0..20 {
        client.run("DBSIZE");
    }
    let evicted = number(&mut client, "stats", "evicted_keys");
    assert!((10..=60).contains(&evicted), "{evicted} keys went");
    let pushed = trackers[0].read();
    assert!(harness::show(&pushed).contains("invalidate"), "{}", harness::show(&pushed));
}

#[test]
fn the_clients_that_cost_most_are_closed_unless_they_must_not_be() {
    let server = TestServer::start(&["--maxmemory-clients", "2mb"]);
    let (mut client, mut modest) = (server.client(), server.client());
    modest.run("CLIENT SETNAME modest");
    let (mut greedy, mut spared) = (server.client(), server.client());
    greedy.run("CLIENT SETNAME greedy");
    spared.run("CLIENT SETNAME spared");
    spared.run("CLIENT NO-EVICT ON");
    for hoarder in [&mut spared, &mut greedy] {
        // Half a command of three megabytes.
        hoarder.write(b"*2\r\n$3\r\nGET\r\n$6000000\r\n");
        for _ in 0..30 {
            if hoarder.try_write(&[b'x'; 100_000]).is_err() {
                break;
            }
        }
    }
    eventually("one client is closed", || number(&mut client, "stats", "evicted_clients") == 1);
    let list = client.run("CLIENT LIST");
    assert!(
        list.contains("name=spared") && list.contains("name=modest") && !list.contains("name=greedy"),
        "{list}"
    );
    assert_eq!(modest.run("PING"), "PONG");
}
