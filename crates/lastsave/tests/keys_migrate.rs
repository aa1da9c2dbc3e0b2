//! MIGRATE: keys move to another server, ours or Redis, and what went wrong leaves them where they were.

mod harness;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use harness::samples::{fill, fingerprint, noise};
use harness::{
    Client, Instance, Program, Reply, TestServer, assert_like_redis, files, free_port, has_oracle, show,
    temporary_directory,
};

/// What the Redis at hand can read.
const OLD_ENOUGH: [&str; 2] = ["--rdb-write-version", "10"];

/// MIGRATE with everything behind the port.
fn migrate(client: &mut Client, port: u16, rest: &str) -> String {
    let rest: Vec<&str> = rest.split_whitespace().map(|word| word.trim_matches('"')).collect();
    let port = port.to_string();
    show(&client.command(&[&["MIGRATE", "127.0.0.1", port.as_str()], rest.as_slice()].concat()))
}

/// A source and a target with a client each.
fn pair(arguments: &[&str]) -> (TestServer, Client, TestServer, Client) {
    let (source, target) = (TestServer::start(arguments), TestServer::start(&[]));
    let (client, other) = (source.client(), target.client());
    (source, client, target, other)
}

#[test]
fn a_key_moves_with_its_time_to_live() {
    let (_source, mut client, target, mut other) = pair(&[]);
    client.run("SET plain value");
    client.run("SET mortal value PX 100000");
    assert_eq!(migrate(&mut client, target.port, "plain 0 5000"), "OK");
    assert_eq!(migrate(&mut client, target.port, "mortal 9 5000"), "OK");
    assert_eq!(client.run("DBSIZE"), ":0");
    assert_eq!((other.run("GET plain"), other.run("PTTL plain")), ("value".to_owned(), ":-1".to_owned()));
    other.run("SELECT 9");
    assert_eq!(other.run("GET mortal"), "value");
    let left: u64 = other.run("PTTL mortal").trim_start_matches(':').parse().expect("a number");
    assert!((70_000..=100_000).contains(&left), "{left}");
}

#[test]
fn copy_leaves_the_key_and_replace_replaces_one() {
    let (_source, mut client, target, mut other) = pair(&[]);
    client.run("RPUSH key a b c");
    other.run("SET key other");
    let busy = "-ERR Target instance replied with error: BUSYKEY Target key name already exists.";
    assert_eq!(migrate(&mut client, target.port, "key 0 5000"), busy);
    assert_eq!(migrate(&mut client, target.port, "key 0 5000 COPY"), busy);
    assert_eq!((client.run("LLEN key"), other.run("GET key")), (":3".to_owned(), "other".to_owned()));
    assert_eq!(migrate(&mut client, target.port, "key 0 5000 COPY REPLACE"), "OK");
    assert_eq!(
        (client.run("LLEN key"), other.run("LRANGE key 0 -1")),
        (":3".to_owned(), "[a b c]".to_owned())
    );
    assert_eq!(migrate(&mut client, target.port, "key 0 5000 replace"), "OK");
    assert_eq!((client.run("EXISTS key"), other.run("LLEN key")), (":0".to_owned(), ":3".to_owned()));
}

#[test]
fn of_many_keys_each_has_its_own_fate() {
    let (_source, mut client, target, mut other) = pair(&[]);
    for number in 0..3000 {
        client.send(&["SET", &format!("key:{number}"), &format!("value {number}")]);
    }
    (0..3000).for_each(|_| assert_eq!(show(&client.read()), "OK"));
    other.run("SET key:7 before");
    other.run("SET key:2999 before");
    let keys: Vec<String> = (0..3000).map(|number| format!("key:{number}")).collect();
    let keys = format!("\"\" 0 20000 KEYS no-such-key {} key:5", keys.join(" "));
    let answer = migrate(&mut client, target.port, &keys);
    assert_eq!(answer, "-ERR Target instance replied with error: BUSYKEY Target key name already exists.");
    assert_eq!((client.run("DBSIZE"), other.run("DBSIZE")), (":2".to_owned(), ":3000".to_owned()));
    assert_eq!(
        (client.run("GET key:7"), other.run("GET key:7")),
        ("value 7".to_owned(), "before".to_owned())
    );
    assert_eq!(other.run("GET key:2998"), "value 2998");
    assert_eq!(migrate(&mut client, target.port, "\"\" 0 5000 REPLACE KEYS key:7 key:2999"), "OK");
    assert_eq!((client.run("DBSIZE"), other.run("GET key:7")), (":0".to_owned(), "value 7".to_owned()));
}

#[test]
fn big_values_move() {
    let (_source, mut client, target, mut other) = pair(&[]);
    let value = noise(1, 30 << 20);
    client.command(&[b"SET", &b"big"[..], &value]);
    let members: Vec<Vec<u8>> = (0..200_000).map(|number| format!("member:{number}").into_bytes()).collect();
    let mut words = vec![b"SADD".to_vec(), b"crowd".to_vec()];
    words.extend(members);
    client.command(&words);
    assert_eq!(migrate(&mut client, target.port, "\"\" 0 20000 KEYS big crowd"), "OK");
    assert_eq!(other.command(&["GET", "big"]), Reply::Bulk(value));
    assert_eq!((other.run("SCARD crowd"), client.run("DBSIZE")), (":200000".to_owned(), ":0".to_owned()));
}

/// Moves everything the first server holds to the second.
fn move_everything(from: &Instance, to: &Instance) {
    let mut client = from.client();
    for db in ["0", "1", "3", "15"] {
        client.run(&format!("SELECT {db}"));
        let Reply::Array(keys) = client.command(&["KEYS", "*"]) else { panic!("KEYS replies an array") };
        assert!(!keys.is_empty());
        let port = to.port.to_string();
        let mut words: Vec<&[u8]> =
            vec![b"MIGRATE", b"127.0.0.1", port.as_bytes(), b"", db.as_bytes(), b"20000", b"KEYS"];
        words.extend(keys.iter().map(|key| match key {
            Reply::Bulk(key) => key.as_slice(),
            other => panic!("KEYS replies keys: {other:?}"),
        }));
        assert_eq!(show(&client.command(&words)), "OK");
    }
}

#[test]
fn all_types_move_between_all_servers() {
    let programs: &[(Program, Program)] = if has_oracle() {
        &[
            (Program::Lastsave, Program::Lastsave),
            (Program::Lastsave, Program::Redis),
            (Program::Redis, Program::Lastsave),
        ]
    } else {
        &[(Program::Lastsave, Program::Lastsave)]
    };
    for (source, target) in programs {
        let directories = [temporary_directory(), temporary_directory()];
        let start = |program: Program, index: usize| {
            let arguments: &[&str] = if program == Program::Lastsave { &OLD_ENOUGH } else { &[] };
            Instance::start(program, directories[index].path(), arguments)
        };
        let (source, target) = (start(*source, 0), start(*target, 1));
        fill(&mut source.client(), 1);
        let expected = fingerprint(&mut source.client());
        move_everything(&source, &target);
        assert_eq!(fingerprint(&mut target.client()), expected);
        assert_eq!(source.client().run("INFO keyspace").lines().count(), 1);
    }
}

#[test]
fn a_target_that_sleeps_takes_nothing_away() {
    let (_source, mut client, target, mut other) = pair(&[]);
    client.run("SET key value");
    // The connection is there already: what fails is the wait for the answer.
    assert_eq!(migrate(&mut client, target.port, "key 0 5000 COPY"), "OK");
    other.run("DEL key");
    other.send(&["DEBUG", "SLEEP", "1.5"]);
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    assert_eq!(
        migrate(&mut client, target.port, "key 0 300"),
        "-IOERR error or timeout reading to target instance"
    );
    let waited_ms = started.elapsed().as_millis();
    assert!((300..1000).contains(&waited_ms), "{waited_ms}");
    assert_eq!(client.run("GET key"), "value");
    assert_eq!(client.info("migrate_cached_sockets"), "0");
    other.read();
    // It has the key now as well: which of the two is right is for an operator to say.
    assert_eq!(migrate(&mut client, target.port, "key 0 5000 REPLACE"), "OK");
    assert_eq!((client.run("EXISTS key"), other.run("GET key")), (":0".to_owned(), "value".to_owned()));
}

#[test]
fn a_timeout_of_none_is_a_second() {
    let (_source, mut client, target, mut other) = pair(&[]);
    client.run("SET key value");
    other.send(&["DEBUG", "SLEEP", "2.5"]);
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    assert!(migrate(&mut client, target.port, "key 0 -1").starts_with("-IOERR"));
    let waited_ms = started.elapsed().as_millis();
    assert!((1000..2000).contains(&waited_ms), "{waited_ms}");
    assert_eq!(client.run("GET key"), "value");
}

#[test]
fn nobody_at_the_target_takes_nothing_away() {
    let source = TestServer::start(&[]);
    let mut client = source.client();
    client.run("SET key value");
    let connecting = "-IOERR error or timeout connecting to the client";
    let writing = "-IOERR error or timeout writing to target instance";
    assert_eq!(migrate(&mut client, free_port(), "key 0 1000"), writing);
    for address in ["MIGRATE no-such-host.invalid 6379 key 0 100", "MIGRATE 127.0.0.1 none key 0 100"] {
        assert_eq!(client.run(address), connecting);
    }
    assert_eq!(client.run("GET key"), "value");
    assert_eq!(migrate(&mut client, free_port(), "no-such-key 0 1000"), "NOKEY");
}

#[test]
fn a_password_is_given_and_a_wrong_one_told() {
    let source = TestServer::start(&[]);
    let target = TestServer::start(&["--requirepass", "secret"]);
    let (mut client, mut other) = (source.client(), target.client());
    other.run("AUTH secret");
    client.run("MSET a 1 b 2 c 3 d 4");
    let refused = |text: &str| format!("-ERR Target instance replied with error: {text}");
    let wrong = refused("WRONGPASS invalid username-password pair or user is disabled.");
    assert_eq!(migrate(&mut client, target.port, "a 0 5000"), refused("NOAUTH Authentication required."));
    assert_eq!(migrate(&mut client, target.port, "a 0 5000 AUTH guess"), wrong);
    assert_eq!(migrate(&mut client, target.port, "a 0 5000 AUTH2 nobody secret"), wrong);
    assert_eq!((client.run("DBSIZE"), other.run("DBSIZE")), (":4".to_owned(), ":0".to_owned()));
    assert_eq!(migrate(&mut client, target.port, "a 0 5000 AUTH secret"), "OK");
    assert_eq!(migrate(&mut client, target.port, "\"\" 0 5000 AUTH2 default secret KEYS b c"), "OK");
    // The connection is known to the target by now.
    assert_eq!(migrate(&mut client, target.port, "d 0 5000"), "OK");
    assert_eq!((client.run("DBSIZE"), other.run("DBSIZE")), (":0".to_owned(), ":4".to_owned()));
}

#[test]
fn passwords_are_nowhere_to_be_read() {
    let source = TestServer::start(&["--slowlog-log-slower-than", "0"]);
    let (mut client, mut monitor) = (source.client(), source.client());
    assert_eq!(monitor.run("MONITOR"), "OK");
    assert_eq!(migrate(&mut client, free_port(), "\"\" 0 10 AUTH2 me secret KEYS auth key"), "NOKEY");
    let hidden = "AUTH2 (redacted) (redacted) KEYS auth key";
    let logged = client.run("SLOWLOG GET");
    assert!(logged.contains(hidden) && !logged.contains("secret"), "{logged}");
    let shown = show(&monitor.read());
    assert!(shown.contains("\"AUTH2\" \"(redacted)\" \"(redacted)\" \"KEYS\" \"auth\" \"key\""), "{shown}");
}

#[test]
fn a_target_that_was_restarted_is_connected_to_again() {
    let source = TestServer::start(&[]);
    let mut client = source.client();
    client.run("MSET a 1 b 2");
    let mut target = TestServer::start(&[]);
    assert_eq!(migrate(&mut client, target.port, "a 0 5000"), "OK");
    assert_eq!(client.info("migrate_cached_sockets"), "1");
    let port = target.port;
    target.terminate();
    let mut target = TestServer::launch(temporary_directory(), port, &[]);
    target.wait_for_log("Ready to accept connections");
    assert_eq!(migrate(&mut client, port, "b 0 5000"), "OK");
    assert_eq!(target.client().run("GET b"), "2");
    assert_eq!(client.info("migrate_cached_sockets"), "1");
}

/// A target that answers each connection with its next script, once something was said, and then hangs up; gives how many
/// bytes each connection brought at least.
fn scripted_target(scripts: Vec<&'static [u8]>) -> (u16, std::thread::JoinHandle<Vec<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let serve = move |script: &[u8]| {
        let (mut stream, _): (TcpStream, _) = listener.accept().expect("the server connects");
        let count = stream.read(&mut [0; 65536]).expect("the server says something");
        stream.write_all(script).expect("the server listens");
        count
    };
    (port, std::thread::spawn(move || scripts.iter().map(|script| serve(script)).collect()))
}

#[test]
fn a_connection_that_breaks_is_tried_once_more_unless_the_target_has_begun() {
    let source = TestServer::start(&[]);
    let mut client = source.client();
    client.run("MSET a 1 b 2");
    let reading = "-IOERR error or timeout reading to target instance";
    // Nothing was answered: a second connection may do better.
    let (port, target) = scripted_target(vec![b"", b"+OK\r\n+OK\r\n+OK\r\n"]);
    assert_eq!(migrate(&mut client, port, "\"\" 0 2000 COPY KEYS a b"), "OK");
    assert!(target.join().expect("the target ends").iter().all(|count| *count > 0));
    // It does not: twice is enough.
    let (port, target) = scripted_target(vec![b"", b"+OK\r\n"]);
    assert_eq!(migrate(&mut client, port, "\"\" 0 2000 KEYS a b"), reading);
    target.join().expect("the target ends");
    assert_eq!(client.run("DBSIZE"), ":2");
    // One key has moved: it is gone, the other one is not, and nothing is sent again.
    let (port, target) = scripted_target(vec![b"+OK\r\n+OK\r\n"]);
    assert_eq!(migrate(&mut client, port, "\"\" 0 2000 KEYS a b"), reading);
    target.join().expect("the target ends");
    assert_eq!((client.run("EXISTS a"), client.run("EXISTS b")), (":0".to_owned(), ":1".to_owned()));
}

#[test]
fn an_answer_that_is_none_takes_nothing_away() {
    let source = TestServer::start(&[]);
    let mut client = source.client();
    client.run("SET key value");
    for script in ["HTTP/1.1 200 OK\r\n\r\n", "+OK\r\n:1\r\n", "+OK\r\n$-1\r\n"] {
        let (port, target) = scripted_target(vec![script.as_bytes()]);
        assert_eq!(
            migrate(&mut client, port, "key 0 2000"),
            "-IOERR error or timeout reading to target instance"
        );
        target.join().expect("the target ends");
        assert_eq!(client.run("GET key"), "value");
    }
}

#[test]
fn select_is_sent_when_the_database_changes_and_after_errors() {
    let (_source, mut client, target, mut other) = pair(&[]);
    client.run("MSET a 1 b 2 c 3 d 4 e 5");
    assert_eq!(other.run("CONFIG RESETSTAT"), "OK");
    other.run("SET b before");
    for (key, db, is_fine) in
        [("a", 0, true), ("b", 0, false), ("c", 0, true), ("d", 2, true), ("e", 2, true)]
    {
        let answer = migrate(&mut client, target.port, &format!("{key} {db} 5000"));
        assert_eq!(answer == "OK", is_fine, "{key}: {answer}");
    }
    let stats = other.run("INFO commandstats");
    assert!(stats.contains("cmdstat_select:calls=3,"), "{stats}");
    let too_high = migrate(&mut client, target.port, "b 77 5000");
    assert_eq!(too_high, "-ERR Target instance replied with error: ERR DB index is out of range");
    assert_eq!(client.run("GET b"), "2");
}

#[test]
fn the_log_has_the_keys_deleted() {
    let target = TestServer::start(&[]);
    let directory = temporary_directory();
    let arguments = ["--appendonly", "yes", "--aof-frames", "no"];
    let source = Instance::lastsave(directory.path(), &arguments);
    let mut client = source.client();
    client.run("MSET a 1 b 2 c 3 d 4 e 5");
    client.run("SELECT 1");
    client.run("SET f 6");
    assert_eq!(migrate(&mut client, target.port, "f 0 5000"), "OK");
    client.run("SELECT 0");
    assert_eq!(migrate(&mut client, target.port, "\"\" 0 5000 KEYS a nothing b"), "OK");
    assert_eq!(migrate(&mut client, target.port, "c 0 5000 COPY"), "OK");
    let changes = client.info("rdb_changes_since_last_save");
    assert_eq!(changes, "9", "six keys set and three moved");
    for (words, answer) in [("MULTI", "OK"), ("SET g 7", "QUEUED")] {
        assert_eq!(client.run(words), answer);
    }
    assert_eq!(migrate(&mut client, target.port, "d 0 5000"), "QUEUED");
    assert_eq!(client.run("EXEC"), "[OK OK]");
    source.kill();
    let log = files::read(&files::last_increment(directory.path()));
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\nb\r\n"), "{log}");
    assert!(!log.contains("MIGRATE"), "{log}");
    let source = Instance::lastsave(directory.path(), &arguments);
    let mut client = source.client();
    assert_eq!(client.run("MGET a b c d e g"), "[nil nil 3 nil 5 7]");
    client.run("SELECT 1");
    assert_eq!(client.run("DBSIZE"), ":0");
}

#[test]
fn who_watches_reads_or_listens_is_told() {
    let (source, mut client, target, _other) = pair(&["--notify-keyspace-events", "KEA"]);
    let (mut watcher, mut listener, mut reader) = (source.client(), source.client(), source.client());
    client.run("MSET key value kept value");
    reader.run("HELLO 3");
    assert_eq!(reader.run("CLIENT TRACKING ON"), "OK");
    reader.run("GET key");
    watcher.run("WATCH key");
    listener.run("PSUBSCRIBE __keyevent@0__:del");
    assert_eq!(migrate(&mut client, target.port, "kept 0 5000 COPY"), "OK");
    assert_eq!(migrate(&mut client, target.port, "key 0 5000"), "OK");
    assert_eq!(show(&listener.read()), "[pmessage __keyevent@0__:del __keyevent@0__:del key]");
    assert_eq!(show(&reader.read()), "[invalidate [key]]");
    watcher.run("MULTI");
    watcher.run("PING");
    assert_eq!(watcher.run("EXEC"), "nil");
}

#[test]
fn what_needs_no_target_is_answered_as_redis_does() {
    assert_like_redis(
        &[],
        &[
            "0 SET key value",
            "0 MIGRATE 127.0.0.1 1 key 0",
            "0 MIGRATE 127.0.0.1 1 nothing 0 100",
            "0 MIGRATE 127.0.0.1 1 nothing 0 0 COPY REPLACE AUTH2 a b",
            "0 MIGRATE 127.0.0.1 1 \"\" 0 100 KEYS",
            "0 MIGRATE 127.0.0.1 1 \"\" 0 100 KEYS nothing nothing",
            "0 MIGRATE 127.0.0.1 1 \"\" 0 100",
            "0 MIGRATE 127.0.0.1 1 key 0 100 KEYS key",
            "0 MIGRATE 127.0.0.1 1 key 0 100 NOTHING",
            "0 MIGRATE 127.0.0.1 1 key 0 100 AUTH",
            "0 MIGRATE 127.0.0.1 1 key 0 100 AUTH2 user",
            "0 MIGRATE 127.0.0.1 1 key zero 100",
            "0 MIGRATE 127.0.0.1 1 key 0 much",
            "0 MIGRATE 127.0.0.1 1 key 0 100",
            "0 MIGRATE no-such-host.invalid 6379 key 0 100",
            "0 COMMAND GETKEYS MIGRATE 127.0.0.1 1 key 0 100",
            "0 COMMAND GETKEYS MIGRATE 127.0.0.1 1 \"\" 0 100 AUTH keys KEYS a b",
            "0 COMMAND GETKEYS MIGRATE 127.0.0.1 1 key 0 100 KEYS a b",
            "0 COMMAND GETKEYSANDFLAGS MIGRATE 127.0.0.1 1 \"\" 0 100 COPY KEYS a b",
            "0 GET key",
        ],
    );
}
