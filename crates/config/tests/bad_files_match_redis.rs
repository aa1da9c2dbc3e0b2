//! A configuration Redis refuses is refused with the same words, and one it takes is taken.

#![expect(clippy::disallowed_methods, reason = "tests set the scene on the real disk")]

mod oracle;

use lastsave_config::{CommandLine, load, parse_command_line};

const SERVER: &str = "Redis 7.0.15";

/// Files whose effect on both servers must be the same. `{D}` is a directory with `good.conf` and `bad.conf`.
const FILES: &[&str] = &[
    "bogus",
    "bogus 1 2",
    "\n\n  # comment\n\tbogus yes\n",
    "port",
    "port 1 2",
    "port x",
    "port -1",
    "port 70000",
    "port 01",
    "port \"12",
    "port '12'3",
    "appendonly maybe",
    "APPENDONLY YES\nbogus",
    "appendfsync sometimes",
    "maxmemory-policy lru",
    "maxmemory -1",
    "maxmemory 1tb",
    "maxmemory ''\nbogus",
    "maxmemory mb\nbogus",
    "maxmemory-clients 101%",
    "maxmemory-clients -1",
    "maxmemory-clients 5%\nbogus",
    "maxmemory-clients %",
    "hash-max-listpack-value 9223372036854775808",
    "unixsocketperm 778",
    "unixsocketperm 7777",
    "unixsocketperm 777\nbogus",
    "save 1",
    "save a b",
    "save 0 1",
    "save 1 -1",
    "save \"\" 1",
    "save",
    "save \"900 1\" 300 10",
    "save 900 1 300\nbogus",
    "shutdown-on-sigint nosave save",
    "shutdown-on-sigint bogus",
    "shutdown-on-sigint \"\"",
    "shutdown-on-sigterm",
    "client-output-buffer-limit normal 0 0",
    "client-output-buffer-limit master 0 0 0",
    "client-output-buffer-limit bogus 0 0 0",
    "client-output-buffer-limit slave 1x 0 0",
    "client-output-buffer-limit slave 1 0 -1",
    "client-output-buffer-limit slave 1 0 1x",
    "client-output-buffer-limit slave 1mb 1kb 5 pubsub 1 2 3\nbogus",
    "oom-score-adj-values 1 2",
    "oom-score-adj-values 1 2 3000",
    "oom-score-adj-values 1 2 x",
    "oom-score-adj relative\nbogus",
    "oom-score-adj bogus",
    "notify-keyspace-events q",
    "notify-keyspace-events K E",
    "latency-tracking-info-percentiles 101",
    "latency-tracking-info-percentiles x",
    "latency-tracking-info-percentiles \"\"\nbogus",
    "bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
    "bind \"\"\nbogus",
    "replicaof 1",
    "replicaof a x",
    "replicaof a 65536",
    "replicaof no one\nbogus",
    "slaveof a -1",
    "dbfilename a/b",
    "dbfilename ''\nbogus",
    "appendfilename a/b",
    "appendfilename \"\"",
    "appenddirname a\\b",
    "appenddirname a/b",
    "appenddirname ''",
    "dir /nonexistent/directory",
    "dir ''",
    "dir",
    "dir good.conf",
    "cluster-announce-hostname a_b",
    "proc-title-template {bogus}",
    "proc-title-template ''",
    "include",
    "include good.conf bad.conf",
    "include bad.conf",
    "include good.conf\nbogus",
    "include b*.conf",
    "include 'nothing-*.conf'\nbogus",
    "include [!a-fh-z]*.conf\nbogus",
    "rename-command",
    "user",
    "loadmodule",
    "foo.bar",
    "sentinel monitor a b c",
    "sentinel\nbogus",
    "list-max-ziplist-entries 1\nlua-replicate-commands yes\nbogus",
    "list-max-ziplist-entries",
    "list-max-ziplist-entries 1 2",
    "logfile /nonexistent/directory/log",
    "hz -1",
    "databases 0",
    "io-threads 129",
    "maxclients 0",
    "timeout -1",
    "slowlog-log-slower-than -2",
    "proto-max-bulk-len 1kb",
    "client-query-buffer-limit 5x",
    "repl-backlog-size 0",
    "active-expire-effort 11",
    "loading-process-events-interval-bytes 5",
    "enable-debug-command maybe",
    "repl-diskless-load x",
    "supervised x",
    "syslog-facility mail",
    "loglevel loud",
    "acl-pubsub-default none",
    "sanitize-dump-payload x",
    "propagation-error-behavior x",
    "cluster-preferred-endpoint-type x",
    "tracking-table-max-keys -1",
    "lfu-log-factor 99999999999",
    "hash-max-ziplist-entries -1",
    "lua-time-limit -1",
    "port\t 0\t\r\nbogus\t x \r",
    "\"port\" 0\n'bogus' 1",
    "po\"rt\" 0\nbogus",
];

/// Command lines, with the program's name left out.
const COMMAND_LINES: &[&[&str]] = &[
    &["--invalid"],
    &["--port"],
    &["--port", "0", "--loglevel"],
    &["--port", "6379", "6380"],
    &["--port", "--loglevel", "verbose"],
    &["--port", "--bla", "--loglevel", "verbose"],
    &["--logfile", "--my--log--file", "--loglevel", "--bla"],
    &["--shutdown-on-sigint"],
    &["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
    &["--replicaof", "127.0.0.1", "abc"],
    &["--replicaof", "--127.0.0.1", "abc"],
    &["--replicaof", "--127.0.0.1", "--abc"],
    &["-x"],
    &["x=1", "--port", "0"],
    &["missing.conf"],
    &["good.conf", "bogus", "1"],
    &["good.conf", "--bogus", "a\"b\n", "c\\"],
    &["good.conf", "--save", "--bogus", "1"],
    &["good.conf", "--save", "--port 0", "--bogus"],
    &["bad.conf", "--port", "0"],
    &["--maxmemory 700mb", "--bogus"],
    &["--maxmemory '700mb'", "--maxmemory-policy 'volatile-lru'", "--bogus"],
    &["--maxmemory '700mb"],
    &["--port", "0", "--"],
];

fn ours(directory: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let CommandLine::Serve(source) = parse_command_line(arguments.iter().map(Into::into)) else {
        panic!("{arguments:?} does not serve")
    };
    let error = load(&source, &oracle::host(directory)).err()?;
    // A word of Redis 7.2 that the installed 7.0 does not list.
    Some(error.report(SERVER).replace("notice, warning, nothing", "notice, warning"))
}

#[test]
fn refusals_have_the_same_words() {
    let Some(program) = oracle::program() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    std::fs::write(path.join("good.conf"), "# good\nport 0\n").expect("writable");
    std::fs::write(path.join("bad.conf"), "\nport 0\nport x\n").expect("writable");
    let mut wrong = Vec::new();
    let mut compare = |arguments: &[&str], shown: &str| {
        let theirs = oracle::refusal(&program, path, arguments);
        let ours = ours(path, arguments);
        if ours != theirs {
            wrong.push(format!("{shown:?}:\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    };
    for text in FILES {
        std::fs::write(path.join("test.conf"), format!("port 0\n{text}")).expect("writable");
        compare(&["test.conf"], text);
    }
    for arguments in COMMAND_LINES {
        compare(arguments, &arguments.join(" "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
