//! redis-cli, redis-benchmark and client libraries work as they are.

mod harness;

use std::io::Write as _;
use std::process::{Command, Stdio};

use harness::{Instance, skipped, temporary_directory};
use tempfile::TempDir;

/// A server in a directory of its own.
struct Served {
    server: Instance,
    _directory: TempDir,
}

fn serve() -> Served {
    let directory = temporary_directory();
    let server = Instance::lastsave(directory.path(), &["--appendonly", "yes"]);
    Served { server, _directory: directory }
}

fn has_program(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        skipped(&format!("{name} not found"));
    }
    found
}

impl Served {
    /// Runs a program against the server; gives what it printed, on both outputs.
    fn try_run(&self, program: &str, arguments: &[&str], input: &[u8]) -> (bool, String) {
        let mut child = Command::new(program)
            .args(["-p", &self.server.port.to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        stdin.write_all(input).expect("the program reads its input");
        drop(stdin);
        let output = child.wait_with_output().expect("the program ends");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    fn cli(&self, arguments: &[&str]) -> String {
        self.cli_with_input(arguments, b"")
    }

    fn cli_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        let (succeeded, text) = self.try_run("redis-cli", arguments, input);
        assert!(succeeded, "redis-cli {arguments:?}: {text}");
        text
    }

    fn benchmark(&self, arguments: &[&str]) -> String {
        let (succeeded, text) = self.try_run("redis-benchmark", arguments, b"");
        assert!(succeeded, "redis-benchmark {arguments:?}: {text}");
        assert!(!text.to_lowercase().contains("error"), "redis-benchmark {arguments:?}: {text}");
        text
    }
}

#[test]
fn redis_cli_runs_commands() {
    if !has_program("redis-cli") {
        return;
    }
    let served = serve();
    for protocol in ["-2", "-3"] {
        for (arguments, expected) in [
            (&["PING"][..], "PONG\n"),
            (&["SET", "key", "a value"], "OK\n"),
            (&["GET", "key"], "a value\n"),
            (&["--no-raw", "GET", "key"], "\"a value\"\n"),
            (&["--no-raw", "GET", "nothing"], "(nil)\n"),
            (&["--no-raw", "DEL", "key"], "(integer) 1\n"),
            (&["--no-raw", "MSET", "a", "1", "b", "2"], "OK\n"),
            (&["--no-raw", "MGET", "a", "b", "c"], "1) \"1\"\n2) \"2\"\n3) (nil)\n"),
            (&["--csv", "MGET", "a", "b", "c"], "\"1\",\"2\",NULL\n"),
            (&["-n", "3", "SET", "in three", "1"], "OK\n"),
            (&["-n", "3", "DBSIZE"], "1\n"),
            (&["ECHO", "h\u{e9}llo"], "h\u{e9}llo\n"),
            (&["-r", "3", "INCR", "counter"], if protocol == "-2" { "1\n2\n3\n" } else { "4\n5\n6\n" }),
        ] {
            let arguments = [&[protocol], arguments].concat();
            assert_eq!(served.cli(&arguments), expected, "{arguments:?}");
        }
        let config = served.cli(&[protocol, "--no-raw", "CONFIG", "GET", "appendonly"]);
        let expected = if protocol == "-2" {
            "1) \"appendonly\"\n2) \"yes\"\n"
        } else {
            "1# \"appendonly\" => \"yes\"\n"
        };
        assert_eq!(config, expected);
    }
}

#[test]
fn redis_cli_shows_errors() {
    if !has_program("redis-cli") {
        return;
    }
    let served = serve();
    for protocol in ["-2", "-3"] {
        let (_, text) = served.try_run("redis-cli", &[protocol, "NOSUCHTHING", "x"], b"");
        assert_eq!(text.trim_end(), "ERR unknown command 'NOSUCHTHING', with args beginning with: 'x'");
        let (succeeded, text) = served.try_run("redis-cli", &[protocol, "-e", "GET"], b"");
        assert!(!succeeded);
        assert_eq!(text.trim_end(), "ERR wrong number of arguments for 'get' command");
    }
}

#[test]
fn redis_cli_reads_commands_from_its_input() {
    if !has_program("redis-cli") {
        return;
    }
    let served = serve();
    let session = b"SET key \"two words\"\nGET key\nMULTI\nINCR counter\nINCR counter\nEXEC\nSELECT 2\nDBSIZE\nHELLO 3\nPING\n";
    let text = served.cli_with_input(&[], session);
    assert!(text.starts_with("OK\ntwo words\nOK\nQUEUED\nQUEUED\n1\n2\nOK\n0\n"), "{text}");
    assert!(text.ends_with("PONG\n"), "{text}");
    assert_eq!(served.cli_with_input(&["-x", "SET", "from:input"], b"the value"), "OK\n");
    assert_eq!(served.cli(&["GET", "from:input"]), "the value\n");
}

#[test]
fn redis_cli_loads_in_bulk() {
    if !has_program("redis-cli") {
        return;
    }
    let served = serve();
    let mut input = Vec::new();
    for number in 0..5000 {
        input.extend(harness::encode(&["SET", &format!("key:{number}"), &number.to_string()]));
    }
    input.extend_from_slice(b"GET\r\n");
    let (_, text) = served.try_run("redis-cli", &["--pipe"], &input);
    assert!(text.contains("errors: 1, replies: 5001"), "{text}");
    assert_eq!(served.cli(&["DBSIZE"]), "5000\n");
    assert_eq!(served.cli(&["GET", "key:4999"]), "4999\n");
}

#[test]
fn redis_cli_looks_around() {
    if !has_program("redis-cli") {
        return;
    }
    let served = serve();
    for key in 0..300 {
        let value = "x".repeat(key + 1);
        assert_eq!(served.server.client().run(&format!("SET key:{key} {value}")), "OK");
    }
    let scanned = served.cli(&["--scan", "--pattern", "key:1*"]);
    assert_eq!(scanned.lines().count(), 111, "{scanned}");
    let big = served.cli(&["--bigkeys"]);
    assert!(big.contains("Sampled 300 keys in the keyspace!"), "{big}");
    assert!(big.contains("Biggest string found '\"key:299\"' has 300 bytes"), "{big}");
    let memory = served.cli(&["--memkeys"]);
    assert!(memory.contains("Sampled 300 keys in the keyspace!"), "{memory}");
    let info = served.cli(&["INFO"]);
    for field in ["redis_version:", "tcp_port:", "aof_enabled:1", "db0:keys=300"] {
        assert!(info.contains(field), "no {field:?} in {info}");
    }
    let help = served.cli(&["COMMAND", "COUNT"]);
    assert!(help.trim().parse::<u32>().is_ok_and(|count| count > 50), "{help}");
    let url = format!("redis://127.0.0.1:{}/0", served.server.port);
    assert_eq!(served.cli(&["-u", &url, "DBSIZE"]), "300\n");
}

#[test]
fn redis_benchmark_runs() {
    if !has_program("redis-benchmark") {
        return;
    }
    let served = serve();
    for pipeline in ["1", "32"] {
        for extra in [&[][..], &["-3"], &["-r", "1000", "-d", "500"]] {
            let arguments =
                [&["-t", "set,get,incr,mset,ping", "-n", "2000", "-q", "-P", pipeline], extra].concat();
            let text = served.benchmark(&arguments);
            for test in ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"] {
                let line = text.split(['\r', '\n']).rfind(|line| line.starts_with(&format!("{test}:")));
                let line = line.unwrap_or_else(|| panic!("no {test} in {text}"));
                assert!(line.contains("requests per second"), "{line}");
            }
        }
    }
    let text = served.benchmark(&["-n", "1000", "-q", "APPEND", "key:__rand_int__", "x"]);
    assert!(text.contains("requests per second"), "{text}");
    let text = served.benchmark(&["-t", "set", "-n", "1000", "--csv", "--threads", "2"]);
    assert!(text.contains("\"SET\","), "{text}");
}

#[test]
fn redis_py_works() {
    let importable = Command::new("python3").args(["-c", "import redis"]).output();
    if !importable.is_ok_and(|output| output.status.success()) {
        skipped("redis-py not importable");
        return;
    }
    let served = serve();
    let script = r"
import sys, redis
for protocol in (2, 3):
    client = redis.Redis(port=int(sys.argv[1]), protocol=protocol)
    assert client.ping()
    assert client.set('key', b'value', ex=100)
    assert client.get('key') == b'value'
    assert 0 < client.ttl('key') <= 100
    assert client.set('key', 'other', nx=True) is None
    with client.pipeline() as pipe:
        pipe.set('counter', 1).incr('counter').mget('counter', 'nothing')
        assert pipe.execute() == [True, 2, [b'2', None]]
    def move(pipe):
        value = int(pipe.get('counter'))
        pipe.multi()
        pipe.set('counter', value + 1)
    assert client.transaction(move, 'counter') == [True]
    assert sorted(client.scan_iter()) == [b'counter', b'key']
    assert client.info('persistence')['aof_enabled'] == 1
    assert client.config_get('appendonly') == {'appendonly': 'yes'}
    assert client.flushall()
";
    let output =
        Command::new("python3").args(["-c", script, &served.server.port.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
