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

/// Commands on few keys: strings and collections that are created, grown, replaced and met with the wrong type.
fn write_commands(client: &mut Client, count: u64) {
    let mut state = 88_172_645_463_325_252_u64;
    let mut roll = |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % sides
    };
    for _ in 0..count {
        let key = format!("k{}", roll(300));
        let most = if roll(9) == 0 { 700 } else { 30 };
        let elements = roll(most) + 1;
        let element =
            |number: u64| if number.is_multiple_of(3) { number.to_string() } else { format!("e{number}") };
        let mut command = vec![String::new(), key];
        match roll(10) {
            0 | 1 => {
                command[0] = "SET".to_owned();
                let times = roll(1000) as usize + 1;
                command.push(element(roll(1000)).repeat(times));
            }
            2 | 3 => {
                command[0] = "HSET".to_owned();
                (0..elements).for_each(|_| command.extend([element(roll(900)), element(roll(90))]));
            }
            4 | 5 => {
                command[0] = if roll(2) == 0 { "RPUSH" } else { "LPUSH" }.to_owned();
                (0..elements).for_each(|_| command.push(element(roll(900))));
            }
            6 => {
                command[0] = "SADD".to_owned();
                let only_integers = roll(2) == 0;
                (0..elements).for_each(|_| {
                    let number = roll(900);
                    command.push(if only_integers { number.to_string() } else { element(number) });
                });
            }
            7 => {
                command[0] = "ZADD".to_owned();
                (0..elements).for_each(|_| command.extend([roll(50).to_string(), element(roll(900))]));
            }
            8 => command[0] = "DEL".to_owned(),
            _ => {
                command[0] = "EXPIRE".to_owned();
                command.push((100_000 + roll(1000)).to_string());
            }
        }
        client.command(&command);
    }
}

/// Of every key its encoding, and the digest of all data.
fn description(client: &mut Client) -> Vec<String> {
    let mut lines = vec![client.run("DEBUG DIGEST"), client.run("DBSIZE")];
    lines.extend((0..300).map(|number| client.run(&format!("OBJECT ENCODING k{number}"))));
    lines.extend((0..300).map(|number| client.run(&format!("PEXPIRETIME k{number}"))));
    lines
}

#[test]
fn a_log_loads_to_what_its_commands_made_and_so_does_a_snapshot() {
    let directory = TempDir::new().expect("a temporary directory");
    let place = directory.path().to_string_lossy().into_owned();
    let mut server = TestServer::start(&["--dir", &place, "--appendonly", "yes"]);
    let mut client = server.client();
    write_commands(&mut client, 4000);
    let made = description(&mut client);
    server.terminate();

    let mut server = TestServer::start(&["--dir", &place, "--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(description(&mut client), made, "after the log");
    assert_eq!(client.run("SAVE"), "OK");
    server.terminate();

    let mut server = TestServer::start(&["--dir", &place, "--appendonly", "no"]);
    assert_eq!(description(&mut server.client()), made, "after the snapshot");
    server.terminate();
}
