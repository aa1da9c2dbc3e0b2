//! Fields of hashes that expire: replies, effects, and that they are gone when their time has come.

use lastsave_commands::{ExpireCycle, ExpireCycleKind, dataset_digest, has_expiring_fields};
use lastsave_rdb::RdbVersion;

use crate::executor::{Executor, LoggedCommand};
use crate::script::show_reply;

fn executor() -> Executor {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V12;
    executor
}

fn logged(effects: &[LoggedCommand]) -> Vec<String> {
    let words = |effect: &LoggedCommand| {
        effect.args.iter().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
    };
    effects.iter().map(words).collect()
}

/// Runs lines, and compares reply and effects of each.
fn check(executor: &mut Executor, lines: &[(&str, &str, &[&str])]) {
    for (line, reply, effects) in lines {
        let outcome = executor.run_text(line);
        assert_eq!(show_reply(&outcome.reply), *reply, "{line}");
        assert_eq!(logged(&outcome.effects), *effects, "{line}");
    }
}

#[test]
fn times_are_set_asked_for_and_taken_away() {
    let mut executor = executor();
    check(
        &mut executor,
        &[
            ("HSET h a 1 b 2 c 3", ":3", &["HSET h a 1 b 2 c 3"]),
            ("HEXPIRE h 10 FIELDS 2 a nope", "*2 :1 :-2", &["HPEXPIREAT h 1700000010000 FIELDS 1 a"]),
            ("HPEXPIRE h 500 NX FIELDS 2 a b", "*2 :0 :1", &["HPEXPIREAT h 1700000000500 FIELDS 1 b"]),
            (
                "HEXPIREAT h 1700000020 XX FIELDS 2 a c",
                "*2 :1 :0",
                &["HPEXPIREAT h 1700000020000 FIELDS 1 a"],
            ),
            (
                "HPEXPIREAT h 1700000001000 GT FIELDS 2 b c",
                "*2 :1 :0",
                &["HPEXPIREAT h 1700000001000 FIELDS 1 b"],
            ),
            (
                "HPEXPIREAT h 1700000030000 LT FIELDS 2 a c",
                "*2 :0 :1",
                &["HPEXPIREAT h 1700000030000 FIELDS 1 c"],
            ),
            ("HTTL h FIELDS 3 a b nope", "*3 :20 :1 :-2", &[]),
            ("HPTTL h FIELDS 1 b", "*1 :1000", &[]),
            ("HEXPIRETIME h FIELDS 1 a", "*1 :1700000020", &[]),
            ("HPEXPIRETIME h FIELDS 1 c", "*1 :1700000030000", &[]),
            ("HPERSIST h FIELDS 3 c c nope", "*3 :1 :-1 :-2", &["HPERSIST h FIELDS 3 c c nope"]),
            ("HTTL h FIELDS 1 c", "*1 :-1", &[]),
            ("HEXPIRE h 0 FIELDS 1 c", "*1 :2", &["HDEL h c"]),
            ("HINCRBYFLOAT h a 1", "$1 2", &["HSET h a 2", "HPEXPIREAT h 1700000020000 FIELDS 1 a"]),
            ("HINCRBY h a 1", ":3", &["HINCRBY h a 1"]),
            ("HPTTL h FIELDS 1 a", "*1 :20000", &[]),
            ("HSET h a 9", ":0", &["HSET h a 9"]),
            ("HPTTL h FIELDS 1 a", "*1 :-1", &[]),
            ("OBJECT ENCODING h", "$10 listpackex", &[]),
            ("HTTL nope FIELDS 2 a b", "*2 :-2 :-2", &[]),
            ("HEXPIRE nope 5 FIELDS 1 a", "*1 :-2", &[]),
            ("HEXPIREAT h 1 FIELDS 2 a b", "*2 :2 :2", &["HDEL h a b"]),
            ("EXISTS h", ":0", &[]),
        ],
    );
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let mut executor = executor();
    let fields = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    let count = "-ERR The `numfields` parameter must match the number of arguments";
    check(
        &mut executor,
        &[
            ("HSET h a 1", ":1", &["HSET h a 1"]),
            ("SET s v", "+OK", &["SET s v"]),
            (
                "HEXPIRE s x FIELDS 1 a",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
                &[],
            ),
            ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range", &[]),
            ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0", &[]),
            ("HEXPIRE h 281474976710 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command", &[]),
            (
                "HPEXPIREAT h 281474976710656 FIELDS 1 a",
                "-ERR invalid expire time in 'hpexpireat' command",
                &[],
            ),
            ("HEXPIRE h 1 NX NX FIELDS 1 a", fields, &[]),
            ("HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0", &[]),
            ("HEXPIRE h 1 FIELDS 2 a", count, &[]),
            ("HTTL h FIELD 1 a", fields, &[]),
            ("HTTL h FIELDS x a", "-ERR Number of fields must be a positive integer", &[]),
            ("HPERSIST h FIELDS 1 a b", count, &[]),
        ],
    );
    executor.options.rdb_write_version = RdbVersion::V11;
    let reply = show_reply(&executor.run_text("HEXPIRE h 10 FIELDS 1 a").reply);
    assert!(reply.contains("'rdb-write-version 12'"), "{reply}");
    assert!(!has_expiring_fields(&executor.keyspace));
}

#[test]
fn a_field_past_its_time_is_gone_for_every_command() {
    for entries_max in [512, 0] {
        for command in
            ["HGET h a", "HLEN h", "HGETALL h", "HSCAN h 0", "DUMP h", "COPY h i", "HSET h a 1", "TYPE h"]
        {
            let mut executor = executor();
            executor.options.hash_max_listpack_entries = entries_max;
            executor.run_text("HSET h a 1 b 2");
            executor.run_text("HPEXPIRE h 100 FIELDS 1 a");
            executor.now_ms += 100;
            assert_eq!(show_reply(&executor.run_text("HGET h a").reply), "$1 1");
            executor.now_ms += 1;
            let outcome = executor.run_text(command);
            assert_eq!(logged(&outcome.effects)[0], "HDEL h a", "{command}");
            assert_eq!(
                show_reply(&executor.run_text("HLEN h").reply),
                if command.starts_with("HSET") { ":2" } else { ":1" }
            );
        }
    }
    let mut executor = executor();
    executor.run_text("HSET h a 1");
    executor.run_text("HPEXPIRE h 100 FIELDS 1 a");
    executor.now_ms += 101;
    assert_eq!(show_reply(&executor.run_text("EXISTS h").reply), ":0");
    executor.run_text("HSET h a 1");
    executor.replay = true;
    executor.run_text("HPEXPIREAT h 1 FIELDS 1 a");
    assert_eq!(show_reply(&executor.run_text("HGET h a").reply), "$1 1", "nothing expires during a replay");
}

#[test]
fn the_cycle_removes_what_nobody_asks_for() {
    let mut executor = executor();
    for number in 0..3000 {
        executor.run(&[b"HSET", format!("h{number}").as_bytes(), b"a", b"1", b"b", b"2"]);
        executor.run(&[b"HPEXPIRE", format!("h{number}").as_bytes(), b"50", b"FIELDS", b"1", b"a"]);
    }
    executor.now_ms += 51;
    let mut cycle = ExpireCycle::new();
    let mut effects = 0;
    for _ in 0..4 {
        effects += executor.expire_cycle(&mut cycle, ExpireCycleKind::Slow { hz: 10 }).1.effects.len();
    }
    assert_eq!(effects, 3000);
    assert!(!has_expiring_fields(&executor.keyspace));
}

#[test]
fn payloads_and_commands_keep_the_times() {
    for entries_max in [512, 0] {
        let mut executor = executor();
        executor.options.hash_max_listpack_entries = entries_max;
        executor.run_text("HSET h a 1 b 2 c text");
        executor.run_text("HPEXPIREAT h 1800000000000 FIELDS 1 a");
        executor.run_text("HPEXPIREAT h 1700000005000 FIELDS 1 c");
        let digest = dataset_digest(&executor.keyspace);
        let dump = executor.run_text("DUMP h").reply;
        let start = dump.iter().position(|byte| *byte == b'\n').expect("a bulk string") + 1;
        let payload = &dump[start..dump.len() - 2];
        assert_eq!(payload[0], if entries_max == 0 { 24 } else { 25 });
        executor.run_text("DEL h");
        assert_eq!(executor.run(&[b"RESTORE", b"h", b"0", payload]).reply, b"+OK\r\n");
        assert_eq!(dataset_digest(&executor.keyspace), digest);
        assert_eq!(
            show_reply(&executor.run_text("HPEXPIRETIME h FIELDS 3 a b c").reply),
            "*3 :1800000000000 :-1 :1700000005000"
        );
        let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
        let key = executor.keyspace.key(b"h");
        let entry = executor.keyspace.db(0).get(&key).expect("the hash is there");
        let out = |args: &[&[u8]]| {
            commands.push(args.iter().map(|arg| arg.to_vec()).collect());
            Ok::<(), ()>(())
        };
        lastsave_commands::rewrite_commands(&entry, &mut { out }).expect("it takes every command");
        let mut replica = self::executor();
        for command in &commands {
            replica.run(&command.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        assert_eq!(dataset_digest(&replica.keyspace), digest);
        let mut older = Executor::new();
        assert_eq!(older.run(&[b"RESTORE", b"h", b"0", payload]).reply, b"-ERR Bad data format\r\n");
    }
}
