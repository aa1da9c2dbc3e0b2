//! A configuration both servers take gives both the same values.

#![expect(clippy::disallowed_methods, reason = "tests set the scene on the real disk")]

mod oracle;

use std::collections::BTreeMap;
use std::path::Path;

use lastsave_config::{CommandLine, Directive, RewriteOptions, Source, load, parse_command_line};
use oracle::Oracle;

type Values = BTreeMap<String, String>;

fn values(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Values {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// Values that only one of the two servers has, or that the test needs to be different.
fn is_compared(name: &str) -> bool {
    !matches!(name, "port" | "unixsocket" | "aof-disable-auto-gc")
}

fn compare(directory: &Path, arguments: &[&str]) {
    let Some(mut redis) = Oracle::start(directory, arguments) else { return };
    let CommandLine::Serve(source) = parse_command_line(arguments.iter().map(Into::into)) else {
        panic!("{arguments:?} does not serve")
    };
    let config = match load(&source, &oracle::host(directory)) {
        Ok(loaded) => loaded.config,
        Err(error) => panic!("{arguments:?}: {}", error.report("test")),
    };
    let (ours, theirs) = (values(config.get(&["*"])), values(redis.config_get(&["*"])));
    for (name, value) in theirs.iter().filter(|(name, _)| is_compared(name)) {
        assert_eq!(ours.get(name), Some(value), "{name} with {arguments:?}");
    }
}

#[test]
fn command_lines() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    std::fs::write(path.join("test.conf"), "save 900 1\nhz 12\n").expect("writable");
    let cases: &[&[&str]] = &[
        &["test.conf", "--save", "100", "100"],
        &["test.conf", "--save", ""],
        &["--save", "100 100", "--hz", "3"],
        &["--save", "--loglevel", "verbose"],
        &["--loglevel", "verbose", "--save", "--hz", "20"],
        &["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"],
        &["--proc-title-template", "--my--title--template", "--loglevel", "verbose"],
        &["--proc-title-template --my--title--template", "--loglevel verbose"],
        &["test.conf", "loglevel", "verbose", "--maxmemory '700mb'", "--maxmemory-policy 'volatile-lru'"],
        &["--maxmemory 700mb", "--maxmemory-policy volatile-lru"],
        &["--shutdown-on-sigint", "nosave", "force", "now", "--shutdown-on-sigterm", "nosave force"],
        &["--client-output-buffer-limit", "slave 1mb 1mb 5", "--latency-tracking-info-percentiles", ""],
        &["--syslog-ident", "a\n\"b\"\t\u{7}\u{1}", "--ignore-warnings", "x'y"],
        &["--slave-priority", "7", "--hash-max-ziplist-entries", "9"],
    ];
    for arguments in cases {
        compare(path, arguments);
    }
}

#[test]
fn files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    std::fs::create_dir(path.join("data")).expect("writable");
    std::fs::write(path.join("data/inner.conf"), "timeout 9\n").expect("writable");
    std::fs::write(path.join("a.inc"), "maxclients 55\n").expect("writable");
    std::fs::write(path.join("b.inc"), "maxclients 66\nhz 400\n").expect("writable");
    let cases = [
        "hz 0\nmaxmemory 1gb\nmaxmemory-clients 10%\n",
        "HZ 700\n\"hz\" 20\nh'z' 30\n",
        "include *.inc\nhz 9",
        "include nothing.*\ninclude a.inc\ndir data\ninclude inner.conf\n",
        "save 1 2 3 4\nsave ''\nsave 5 6",
        "save \"1 2\"\nsave 3 4",
        "bind \"127.0.0.1 -::1\"\nbind 127.0.0.1",
        "notify-keyspace-events \"A\\x4b\\x45\"",
        "oom-score-adj-values '1 2 3'\noom-score-adj relative\n",
        "unixsocketperm 0700\nloglevel debug\nsupervised auto\n",
        "client-output-buffer-limit pubsub 1gb 1m 7 normal 1k 2 3\n",
        "list-max-ziplist-size 5\nzset-max-ziplist-entries 6\nlua-time-limit 7\nmin-slaves-to-write 0",
        "requirepass ''\nmasteruser \"\\xff\\x00x\"\nlogfile \"\"\n",
        "latency-tracking-info-percentiles 0 0.5 99.999999 100",
        "list-max-ziplist-entries 7\nlua-replicate-commands no\n\t\x0b\n",
    ];
    for text in cases {
        std::fs::write(path.join("test.conf"), text).expect("writable");
        compare(path, &["test.conf"]);
    }
}

#[test]
fn the_file_that_comes_with_the_package() {
    let Ok(text) = std::fs::read_to_string("/etc/redis/redis.conf") else {
        eprintln!("SKIPPED: /etc/redis/redis.conf not found");
        return;
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let foreign = |line: &&str| {
        !["dir ", "logfile ", "daemonize ", "pidfile "].iter().any(|start| line.starts_with(start))
    };
    let text: Vec<&str> = text.lines().filter(foreign).collect();
    std::fs::write(directory.path().join("test.conf"), text.join("\n")).expect("writable");
    compare(directory.path(), &["test.conf"]);
}

#[test]
fn redis_takes_everything_we_can_write() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().canonicalize().expect("it is there");
    let config = load(&Source::default(), &oracle::host(&path)).expect("nothing is wrong").config;
    let text = config.rewrite_text(b"", RewriteOptions { force_all: true, ..RewriteOptions::default() });
    let known = |line: &&str| {
        let name = line.split(' ').next().unwrap_or_default();
        let new = name.starts_with("set-max-listpack")
            || matches!(name, "locale-collate" | "cluster-announce-human-nodename" | "cluster-ping-interval");
        Directive::find(name.as_bytes()).is_none_or(|directive| !directive.is_ours() && !new)
    };
    let text = String::from_utf8(text).expect("defaults are text");
    let text: Vec<&str> = text.lines().filter(known).collect();
    assert!(text.len() > 150, "every directive is written");
    std::fs::write(path.join("test.conf"), text.join("\n")).expect("writable");
    compare(&path, &["test.conf"]);
}
