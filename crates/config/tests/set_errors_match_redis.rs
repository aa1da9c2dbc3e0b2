//! CONFIG SET answers as Redis does, and what it leaves behind is the same.

#![expect(clippy::disallowed_methods, reason = "tests set the scene on the real disk")]

mod oracle;

use lastsave_config::{Config, Directive, SetContext, Source, load};
use oracle::{Oracle, Reply};

/// Each line is one CONFIG SET: names and values, separated by `|`.
const CALLS: &[&str] = &[
    "bogus|1",
    "bogus|1|alsobogus|2",
    "hz|20",
    "hz|0",
    "hz|1000",
    "hz|-1",
    "HZ|15|hz|16",
    "hz|15|bogus|1",
    "hz|15|databases|1",
    "databases|1|bogus|1",
    "daemonize|yes",
    "dir|/tmp",
    "dbfilename|x.rdb",
    "maxmemory|100mb",
    "maxmemory|1g",
    "maxmemory|-1",
    "maxmemory|abc",
    "maxmemory|",
    "maxmemory|18446744073709551615",
    "maxmemory|0",
    "maxmemory|10000001|maxmemory-clients|200%|client-query-buffer-limit|invalid",
    "maxmemory|10000001|maxmemory|10000002",
    "maxmemory-clients|20%",
    "maxmemory-clients|0%",
    "maxmemory-clients|%",
    "maxmemory-clients|-5%",
    "maxmemory-clients|9223372036854775808",
    "maxmemory-clients|100mb",
    "maxmemory-policy|ALLKEYS-LRU",
    "maxmemory-policy|lru",
    "maxmemory-samples|0",
    "maxmemory-samples|7",
    "slave-priority|1|replica-priority|2",
    "replica-priority|1|replica-priority|2",
    "slave-priority|x",
    "appendfsync|Always",
    "appendfsync|sometimes",
    "save|",
    "save|60 1",
    "save|60 1 ",
    "save|60  1",
    "save|60 1 300",
    "save|0 1",
    "save| 60 +1",
    "save|60 x",
    "save|3600 1 300 100 60 10000",
    "notify-keyspace-events|KEA",
    "notify-keyspace-events|gxK",
    "notify-keyspace-events|KEAn",
    "notify-keyspace-events|q",
    "notify-keyspace-events|",
    "client-output-buffer-limit|normal 1 2 3",
    "client-output-buffer-limit|slave 1mb 2kb 3 pubsub 0 0 0",
    "client-output-buffer-limit|replica 1gb 0 0",
    "client-output-buffer-limit|normal 1 2",
    "client-output-buffer-limit|master 1 2 3",
    "client-output-buffer-limit|normal 1 2 x",
    "client-output-buffer-limit|normal a 2 1",
    "client-output-buffer-limit|normal 1  2",
    "client-output-buffer-limit|",
    "shutdown-on-sigterm|force nosave",
    "shutdown-on-sigterm|NOW save",
    "shutdown-on-sigterm|save nosave",
    "shutdown-on-sigterm|default now",
    "shutdown-on-sigterm|",
    "shutdown-on-sigterm|bogus",
    "oom-score-adj-values|0 200 800",
    "oom-score-adj-values|0 200",
    "oom-score-adj-values|0 200 -3000",
    "latency-tracking-info-percentiles|50.0 99.99 100",
    "latency-tracking-info-percentiles|",
    "latency-tracking-info-percentiles|50 101",
    "latency-tracking-info-percentiles|50 x",
    "latency-tracking-info-percentiles|50 99 99.9",
    "replicaof|a 1",
    "proc-title-template|{title} x",
    "proc-title-template|{bogus}",
    "proc-title-template|",
    "cluster-announce-hostname|a.b",
    "cluster-announce-hostname|a b",
    "slowlog-log-slower-than|-1",
    "slowlog-log-slower-than|-2",
    "slowlog-max-len|-1",
    "proto-max-bulk-len|1mb",
    "proto-max-bulk-len|1048575",
    "list-max-listpack-size|-5",
    "list-max-ziplist-size|99999999999",
    "hash-max-ziplist-value|1kb",
    "hash-max-listpack-value|-1",
    "hash-max-listpack-entries|1kb",
    "lua-time-limit|-1",
    "lua-time-limit|100",
    "rdb-key-save-delay|-5",
    "masterauth|a\0b",
    "masterauth|",
    "ignore-warnings|a\0b",
    "repl-diskless-load|swapdb",
    "repl-diskless-load|x",
    "acl-pubsub-default|allchannels",
    "sanitize-dump-payload|clients",
    "activedefrag|yes",
    "activedefrag|no",
    "active-defrag-cycle-min|0",
    "enable-debug-command|yes",
    "tcp-keepalive|007",
    "timeout| 1",
    "timeout|1 ",
    "timeout|+1",
    "timeout|2147483648",
    "auto-aof-rewrite-min-size|9223372036854775808",
    "auto-aof-rewrite-min-size|1kB",
    "repl-backlog-size|0",
    "bind-source-addr|127.0.0.1",
    "rdbcompression|YES",
    "rdbcompression|1",
    "busy-reply-threshold|5|lua-time-limit|6",
];

#[test]
fn answers_and_values_are_the_same() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(mut redis) = Oracle::start(directory.path(), &[]) else { return };
    let host = oracle::host(directory.path());
    let mut config = Config::default();
    let mut wrong = Vec::new();
    for call in CALLS {
        let parts: Vec<&[u8]> = call.split('|').map(str::as_bytes).collect();
        let pairs: Vec<(&[u8], &[u8])> = parts.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let ours = match config.set(&pairs, SetContext::default(), &host) {
            Ok(_) => Reply::Simple("OK".into()),
            Err(error) => Reply::Error(error.to_string()),
        };
        let mut arguments: Vec<&[u8]> = vec![b"config", b"set"];
        arguments.extend(&parts);
        let theirs = redis.call(&arguments);
        if ours != theirs {
            wrong.push(format!("{call:?}: ours {ours:?}, theirs {theirs:?}"));
        }
        for (name, _) in pairs {
            let (ours, theirs) = (config.get(&[name]), redis.config_get(&[name]));
            if ours != theirs && Directive::find(name).is_some_and(|directive| directive.name() != "dir") {
                wrong.push(format!("after {call:?}: ours {ours:?}, theirs {theirs:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn protected_directives_follow_their_switch() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().canonicalize().expect("it has a path");
    std::fs::create_dir(root.join("sub")).expect("writable");
    let host = oracle::host(&root);
    let source = |switch: &str| Source {
        options: format!("enable-protected-configs {switch}").into_bytes(),
        ..Source::default()
    };
    let local = SetContext { local_client: true, ..SetContext::default() };
    let pairs: [(&[u8], &[u8]); 1] = [(b"dbfilename", b"x")];

    let mut config = load(&source("local"), &host).expect("a good configuration").config;
    let refused = config.set(&pairs, SetContext::default(), &host).expect_err("not local");
    assert!(refused.to_string().ends_with("can't set protected config"), "{refused}");
    assert!(config.set(&pairs, local, &host).is_ok());

    let mut config = load(&source("yes"), &host).expect("a good configuration").config;
    let change = config.set(&[(b"dir", b"sub")], SetContext::default(), &host).expect("it is there");
    assert_eq!(config.dir.as_path(), root.join("sub"));
    change.roll_back(&mut config, &host);
    assert_eq!(config.dir.as_path(), root);

    // A later pair that fails takes the directory back as well.
    let pairs: [(&[u8], &[u8]); 2] = [(b"dir", b"sub"), (b"hz", b"x")];
    config.set(&pairs, SetContext::default(), &host).expect_err("hz is no number");
    assert_eq!(config.dir.as_path(), root);
    let missing = config.set(&[(b"dir", b"nowhere")], SetContext::default(), &host).expect_err("missing");
    assert!(missing.to_string().ends_with("- No such file or directory"), "{missing}");
    let change = config.set(&[(b"dir", b"sub")], SetContext::default(), &host);
    assert!(change.is_ok_and(|change| change.includes("dir")), "relative to the directory that was restored");

    let loading = SetContext { loading: true, ..SetContext::default() };
    let refused = config.set(&[(b"appendonly", b"yes")], loading, &host).expect_err("loading");
    assert_eq!(refused.to_string(), "LOADING Redis is loading the dataset in memory");
}
