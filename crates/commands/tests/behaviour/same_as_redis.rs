//! The same commands on Redis and here: the same replies, byte for byte, and the same data.
//!
//! Streams of commands are generated from a seed. `LASTSAVE_DIFFERENTIAL_SEED` replays one, and
//! `LASTSAVE_DIFFERENTIAL_STREAMS` and `_COMMANDS` say how many are compared and how long they are.

use std::time::{SystemTime, UNIX_EPOCH};

use lastsave_commands::dataset_digest;
use lastsave_rdb::RdbVersion;
use lastsave_resp::{Protocol, Reply};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::bit_commands::bit_command;
use crate::executor::Executor;
use crate::hyperloglog_commands::hyperloglog_command;
use crate::oracle::{Oracle, decode};
use crate::script::{show_command, show_reply};

pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(format!("LASTSAVE_DIFFERENTIAL_{name}")).ok()?.parse().ok()
}

/// How replies of a command are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Bytes,
    /// Arrays whose order means nothing.
    Unordered,
    /// Integers that follow the clock, which is read twice: this far apart at most.
    Within(i64),
    /// Both null, or both not.
    Presence,
    /// Both integers, or the same.
    SameKind,
}

fn comparison(args: &[Vec<u8>]) -> Comparison {
    let name = args[0].to_ascii_lowercase();
    match name.as_slice() {
        b"keys" => Comparison::Unordered,
        b"scan" => Comparison::Unordered,
        b"ttl" | b"expiretime" => Comparison::Within(2),
        b"pttl" | b"pexpiretime" => Comparison::Within(2000),
        // The small integers that Redis shares between keys have one idle time for all of them.
        b"object" if args.get(1).is_some_and(|sub| sub.eq_ignore_ascii_case(b"idletime")) => {
            Comparison::SameKind
        }
        b"memory" | b"randomkey" => Comparison::Presence,
        _ => Comparison::Bytes,
    }
}

fn sorted(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) => {
            let mut items: Vec<Reply> = items.iter().map(sorted).collect();
            items.sort_by_key(|item| format!("{item:?}"));
            Reply::Array(items)
        }
        other => other.clone(),
    }
}

fn agree(comparison: Comparison, ours: &[u8], theirs: &[u8]) -> bool {
    match comparison {
        _ if ours == theirs => true,
        Comparison::Bytes => false,
        Comparison::Unordered => sorted(&decode(ours)) == sorted(&decode(theirs)),
        Comparison::Within(distance) => match (decode(ours), decode(theirs)) {
            (Reply::Integer(ours), Reply::Integer(theirs)) => {
                (ours - theirs).abs() <= distance && ours.min(theirs) >= 0
            }
            _ => false,
        },
        Comparison::SameKind => {
            matches!((decode(ours), decode(theirs)), (Reply::Integer(_), Reply::Integer(_)))
        }
        Comparison::Presence => match (decode(ours), decode(theirs)) {
            (Reply::Error(_), _) | (_, Reply::Error(_)) => false,
            (ours, theirs) => (ours == Reply::Null) == (theirs == Reply::Null),
        },
    }
}

pub(crate) struct Generator {
    pub(crate) random: SmallRng,
    /// Distances into the future are never used twice, so that comparing two of them does not hang on a millisecond.
    next_distance_s: i64,
}

impl Generator {
    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.random).expect("there are words")
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    pub(crate) fn key(&mut self) -> String {
        let number = self.random.random_range(0..12);
        match number {
            0 => String::new(),
            1 => "long-key-".repeat(40),
            _ => format!("key:{number}"),
        }
    }

    pub(crate) fn value(&mut self) -> Vec<u8> {
        match self.random.random_range(0..12) {
            0..=3 => self.random.random_range(-20_i64..20_000).to_string().into(),
            4 => self
                .pick(&[
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854775808",
                    "01",
                    "-0",
                    "",
                    " 1",
                ])
                .into(),
            5 => self.float(),
            6 => vec![b'x'; self.random.random_range(40..50)],
            7 => (0..self.random.random_range(0..30)).map(|_| self.random.random()).collect(),
            8 => vec![b'y'; self.random.random_range(4000..9000)],
            _ => self.pick(&["hello", "hello world", "ohmytext", "mynewtext", "abcabcabc"]).into(),
        }
    }

    pub(crate) fn integer(&mut self) -> String {
        match self.random.random_range(0..10) {
            0 => self
                .pick(&[
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854775808",
                    "x",
                    "",
                    "1.5",
                    " 1",
                    "+1",
                    "-0",
                    "00",
                ])
                .to_owned(),
            _ => self.random.random_range(-30_i64..30).to_string(),
        }
    }

    fn float(&mut self) -> Vec<u8> {
        let mantissa: i64 = self.random.random_range(-1_000_000_000_000..1_000_000_000_000);
        match self.random.random_range(0..12) {
            0 => self
                .pick(&[
                    "inf",
                    "-inf",
                    "nan",
                    "1e400",
                    "1e5000",
                    "-1e-5000",
                    "1e-4950",
                    "0x1p4",
                    "0x.8p1",
                    "1e",
                    ".",
                    "1.",
                    "infinity",
                    "1e4931",
                    "-1e4932",
                    "3.0e-19",
                    "0x",
                    "+5",
                    "1e-4951",
                    "18446744073709551615.5",
                ])
                .into(),
            1 => format!("{mantissa}e{}", self.random.random_range(-40..40)).into(),
            2 => format!("{}.{}", mantissa / 1000, self.random.random::<u64>()).into(),
            3 => format!("{}", self.random.random::<f64>()).into(),
            4 => format!("{:e}", f64::from_bits(self.random.random())).into(),
            _ => format!("{}.{:02}", mantissa % 1000, mantissa.unsigned_abs() % 100).into(),
        }
    }

    fn seconds(&mut self) -> String {
        if self.chance(15) {
            return self
                .pick(&[
                    "0",
                    "-1",
                    "x",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854775",
                    "",
                ])
                .to_owned();
        }
        self.next_distance_s += 10;
        self.next_distance_s.to_string()
    }

    fn milliseconds(&mut self) -> String {
        if self.chance(15) {
            return self.seconds();
        }
        self.next_distance_s += 10;
        (self.next_distance_s * 1000).to_string()
    }

    fn unix_seconds(&mut self) -> String {
        if self.chance(10) {
            self.seconds()
        } else {
            self.random.random_range(4_000_000_000_i64..4_000_000_020).to_string()
        }
    }

    fn unix_milliseconds(&mut self) -> String {
        match self.random.random_range(0..10) {
            0 => self.seconds(),
            1 | 2 => self.random.random_range(1..1000_i64).to_string(),
            _ => self.random.random_range(4_000_000_000_000_i64..4_000_000_000_020).to_string(),
        }
    }

    fn expiry(&mut self, command: &mut Vec<Vec<u8>>) {
        let (word, argument) = match self.random.random_range(0..4) {
            0 => ("EX", self.seconds()),
            1 => ("px", self.milliseconds()),
            2 => ("EXAT", self.unix_seconds()),
            _ => ("PXAT", self.unix_milliseconds()),
        };
        command.push(word.into());
        if !self.chance(3) {
            command.push(argument.into_bytes());
        }
    }

    fn set(&mut self) -> Vec<Vec<u8>> {
        let mut command = vec![b"SET".to_vec(), self.key().into(), self.value()];
        if self.chance(50) {
            return command;
        }
        for _ in 0..self.random.random_range(1..3) {
            if self.chance(50) {
                self.expiry(&mut command);
            } else {
                command.push(self.pick(&["NX", "XX", "GET", "get", "KEEPTTL", "nonsense", "PERSIST"]).into());
            }
        }
        command
    }

    pub(crate) fn words(&mut self, words: &[&str]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    fn command(&mut self) -> Vec<Vec<u8>> {
        let (key, other) = (self.key(), self.key());
        let mut command = match self.random.random_range(0..77) {
            0..=7 => return self.set(),
            8 => vec![b"SETNX".to_vec(), key.into(), self.value()],
            9 => vec![b"SETEX".to_vec(), key.into(), self.seconds().into(), self.value()],
            10 => vec![b"PSETEX".to_vec(), key.into(), self.milliseconds().into(), self.value()],
            11 => vec![b"GETSET".to_vec(), key.into(), self.value()],
            12 => self.words(&["GETDEL", &key]),
            13 | 14 => {
                let mut command = self.words(&["GETEX", &key]);
                match self.random.random_range(0..3) {
                    0 => self.expiry(&mut command),
                    1 => command.push(self.pick(&["PERSIST", "persist", "NX"]).into()),
                    _ => {}
                }
                command
            }
            15..=19 => self.words(&["GET", &key]),
            20 => self.words(&["MGET", &key, &other]),
            21 => vec![b"MSET".to_vec(), key.into(), self.value(), other.into(), self.value()],
            22 => vec![b"msetnx".to_vec(), key.into(), self.value(), other.into(), self.value()],
            23 | 24 => vec![b"APPEND".to_vec(), key.into(), self.value()],
            25 => self.words(&["STRLEN", &key]),
            26 => {
                let offset = if self.chance(90) {
                    self.random.random_range(0..60).to_string()
                } else {
                    self.integer()
                };
                vec![b"SETRANGE".to_vec(), key.into(), offset.into(), self.value()]
            }
            27 => {
                let (start, end) = (self.integer(), self.integer());
                let name = self.pick(&["GETRANGE", "SUBSTR"]);
                self.words(&[name, &key, &start, &end])
            }
            28 => self.words(&["INCR", &key]),
            29 => self.words(&["DECR", &key]),
            30 | 31 => {
                let number = self.integer();
                let name = self.pick(&["INCRBY", "DECRBY"]);
                self.words(&[name, &key, &number])
            }
            32..=34 => vec![b"INCRBYFLOAT".to_vec(), key.into(), self.float()],
            35 | 36 => {
                let mut command = self.words(&["LCS", &key, &other]);
                for _ in 0..self.random.random_range(0..3) {
                    match self.random.random_range(0..4) {
                        0 => command.push(b"LEN".to_vec()),
                        1 => command.push(b"idx".to_vec()),
                        2 => command.push(b"WITHMATCHLEN".to_vec()),
                        _ => {
                            command.push(b"MINMATCHLEN".to_vec());
                            command.push(self.integer().into());
                        }
                    }
                }
                command
            }
            37 => {
                let name = self.pick(&["DEL", "UNLINK"]);
                self.words(&[name, &key, &other])
            }
            38 => {
                let name = self.pick(&["EXISTS", "TOUCH"]);
                self.words(&[name, &key, &other, &key])
            }
            39 => self.words(&["TYPE", &key]),
            40 | 41 => {
                let name = self.pick(&["RENAME", "RENAMENX"]);
                self.words(&[name, &key, &other])
            }
            42 | 43 => {
                let mut command = self.words(&["COPY", &key, &other]);
                for _ in 0..self.random.random_range(0..2) {
                    match self.random.random_range(0..3) {
                        0 => command.push(b"replace".to_vec()),
                        _ => {
                            let db = self.pick(&["0", "1", "2", "15", "16", "-1", "x"]);
                            command.extend([b"DB".to_vec(), db.into()]);
                        }
                    }
                }
                command
            }
            44 => {
                let db = self.pick(&["0", "1", "2", "15", "16", "-1", "x", "99999999999"]);
                self.words(&["MOVE", &key, db])
            }
            45 => {
                let (first, second) =
                    (self.pick(&["0", "1", "2", "16", "x"]), self.pick(&["0", "1", "2", "99999999999"]));
                self.words(&["SWAPDB", first, second])
            }
            46..=50 => {
                let (name, time) = match self.random.random_range(0..4) {
                    0 => ("EXPIRE", self.seconds()),
                    1 => ("PEXPIRE", self.milliseconds()),
                    2 => ("EXPIREAT", self.unix_seconds()),
                    _ => ("PEXPIREAT", self.unix_milliseconds()),
                };
                let mut command = self.words(&[name, &key, &time]);
                for _ in 0..self.random.random_range(0..3) {
                    command.push(self.pick(&["NX", "XX", "GT", "LT", "gt", "what"]).into());
                }
                command
            }
            51 | 52 => {
                let name = self.pick(&["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]);
                self.words(&[name, &key])
            }
            53 => self.words(&["PERSIST", &key]),
            54 => {
                let sub = self.pick(&["ENCODING", "encoding", "REFCOUNT", "IDLETIME", "FREQ", "nothing"]);
                self.words(&["OBJECT", sub, &key])
            }
            55 => self.words(&["DUMP", &key]),
            56 => {
                let ttl = self.milliseconds();
                let payload: &[u8] = b"\x00\x05hello\x0a\x00cr\xdfve4 \x0a";
                let mut command = self.words(&["RESTORE", &key, &ttl]);
                command.push(payload.to_vec());
                for _ in 0..self.random.random_range(0..3) {
                    match self.random.random_range(0..4) {
                        0 => command.push(b"ABSTTL".to_vec()),
                        1 => command.extend([b"IDLETIME".to_vec(), self.integer().into()]),
                        2 => command.extend([b"FREQ".to_vec(), self.integer().into()]),
                        _ => command.push(b"REPLACE".to_vec()),
                    }
                }
                command
            }
            57 => {
                let pattern = self.pick(&[
                    "*",
                    "key:*",
                    "key:?",
                    "key:[1-3]",
                    "*[^4]",
                    "k*:1?",
                    "\\k*",
                    "[",
                    "long*",
                    "",
                ]);
                self.words(&["KEYS", pattern])
            }
            58 => {
                // So large a count visits every key at once, so that the cursor is 0 in both.
                let mut command = self.words(&["SCAN", "0", "COUNT", "100000"]);
                match self.random.random_range(0..5) {
                    0 => command.extend(self.words(&["MATCH", "key:[2-7]"])),
                    1 => command.extend(self.words(&["TYPE", "string"])),
                    2 => command.extend(self.words(&["TYPE", "hash"])),
                    3 => command.push(self.pick(&["COUNT", "nothing"]).into()),
                    _ => {}
                }
                command
            }
            59 => self.words(&["DBSIZE"]),
            60 => {
                let name = self.pick(&["FLUSHDB", "FLUSHDB", "FLUSHALL"]);
                let mut command = self.words(&[name]);
                if self.chance(30) {
                    command.push(self.pick(&["ASYNC", "sync", "maybe"]).into());
                }
                command
            }
            61 => self.words(&["MEMORY", "USAGE", &key]),
            62..=71 => bit_command(self),
            _ => hyperloglog_command(self),
        };
        // Now and then too few or too many arguments, or a command nobody knows.
        match self.random.random_range(0..100) {
            0 => command.truncate(command.len() - 1),
            1 => command.push(self.value()),
            2 => command[0].push(b'Z'),
            _ => {}
        }
        if command.is_empty() { self.words(&["DBSIZE"]) } else { command }
    }
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V10;
    executor.options.rdb_compression = false;
    let mut generator = Generator { random: SmallRng::seed_from_u64(seed), next_distance_s: 100_000 };
    executor.protocol = if generator.chance(50) { Protocol::Resp3 } else { Protocol::Resp2 };
    let version: &[u8] = if executor.protocol == Protocol::Resp3 { b"3" } else { b"2" };
    oracle.run(&[b"FLUSHALL"]);
    oracle.run(&[b"HELLO", version]);
    oracle.run(&[b"SELECT", b"0"]);
    let mut history = Vec::new();
    for index in 0..commands {
        if generator.chance(5) {
            executor.db = generator.random.random_range(0..3);
            oracle.run(&[b"SELECT", executor.db.to_string().as_bytes()]);
            history.push(format!("SELECT {}", executor.db));
        }
        let command = generator.command();
        history.push(show_command(&command));
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let theirs = oracle.run(&args);
        executor.now_ms = unix_ms();
        let ours = executor.run(&args).reply;
        let at = || {
            let recent = &history[history.len().saturating_sub(25)..];
            format!("seed {seed}, command {index}; the last commands were\n{}\n", recent.join("\n"))
        };
        assert!(
            agree(comparison(&command), &ours, &theirs),
            "{}ours:   {}\ntheirs: {}",
            at(),
            show_reply(&ours),
            show_reply(&theirs)
        );
        let digest = dataset_digest(&executor.keyspace).to_hex();
        let theirs = show_reply(&oracle.run(&[b"DEBUG", b"DIGEST"]));
        assert_eq!(format!("+{digest}"), theirs, "{}the data differ", at());
    }
}

#[test]
fn random_streams_of_commands() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(1500);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(4) {
        compare_stream(&mut oracle, seed, commands);
    }
}

/// Fixed cases that random ones are unlikely to meet.
#[test]
fn corner_cases() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut executor = Executor::new();
    executor.options.proto_max_bulk_bytes = 1024 * 1024;
    oracle.run(&[b"CONFIG", b"SET", b"proto-max-bulk-len", b"1048576"]);
    let mut lines: Vec<String> = [
        "SETRANGE k 1048576 x",
        "SETRANGE k 1048575 x",
        "APPEND k y",
        "STRLEN k",
        "LCS k k",
        "SET n 12",
        "OBJECT REFCOUNT n",
        "SCAN \"\"",
        "SCAN +0",
        "SCAN 18446744073709551616",
        "SCAN 1x",
        "COMMAND COUNT extra",
        "CONFIG NOSUCH",
        "SET k",
        "GETRANGE n 0 -1",
        "COMMAND GETKEYS GET a",
        "COMMAND GETKEYS MSET a 1 b 2",
        "COMMAND GETKEYS MSET a",
        "COMMAND GETKEYS SET k v GET",
        "COMMAND GETKEYSANDFLAGS SET k v GET",
        "COMMAND GETKEYSANDFLAGS SET k v",
        "COMMAND GETKEYSANDFLAGS COPY a b",
        "COMMAND GETKEYS NOSUCH x",
        "COMMAND GETKEYS PING x",
        "COMMAND GETKEYS GET a b",
        "COMMAND GETKEYS OBJECT ENCODING k",
        "COMMAND GETKEYS OBJECT HELP",
        "COMMAND GETKEYS OBJECT x",
        "COMMAND GETKEYS WATCH a b",
        "COMMAND LIST FILTERBY NOSUCH x",
        "COMMAND LIST FILTERBY ACLCAT nosuch",
        "COMMAND LIST FILTERBY MODULE m",
        "COMMAND LIST x",
        "COMMAND INFO nosuch",
        "COMMAND NOSUCH",
        "MEMORY USAGE",
        "MEMORY USAGE k SAMPLES",
        "FLUSHALL x y",
        "INCRBYFLOAT f 1e4000",
        "INCRBYFLOAT f 1e-4000",
        "INCRBYFLOAT f -1e4000",
        "INCRBYFLOAT g 1.7976931348623157e308",
        "INCRBYFLOAT h 0.1",
        "INCRBYFLOAT h 0.2",
        "INCRBYFLOAT h -0.3",
        "INCRBYFLOAT m 9223372036854775807",
        "INCRBYFLOAT m 0.5",
        "INCRBYFLOAT m 1",
        "SET z 0x1p-16445",
        "INCRBYFLOAT z 1",
        "SET z 0x1p-16446",
        "INCRBYFLOAT z 1",
        "SET z 0x1.8p-16446",
        "INCRBYFLOAT z 1",
        "SET z 1.189731495357231765e4932",
        "INCRBYFLOAT z 1",
        "SET z 1.18973149535723176505e4932",
        "INCRBYFLOAT z 1",
        "SET z 1.1897314953572317653e4932",
        "INCRBYFLOAT z 1",
    ]
    .map(str::to_owned)
    .into();
    lines.push(format!("NOSUCH {} b", "x".repeat(200)));
    lines.push(format!("{} a", "y".repeat(200)));
    lines.push(format!("INCRBYFLOAT long {}1", "0".repeat(5118)));
    lines.push(format!("INCRBYFLOAT long {}1", "0".repeat(5119)));
    lines.push(format!("INCRBYFLOAT long 0.{}", "3".repeat(4000)));
    for line in lines {
        let args = lastsave_resp::split_arguments(line.as_bytes()).expect("well formed");
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let theirs = oracle.run(&args);
        executor.now_ms = unix_ms();
        let ours = executor.run(&args).reply;
        let comparison = if line.starts_with("SCAN") { Comparison::Unordered } else { Comparison::Bytes };
        let same = agree(comparison, &ours, &theirs);
        assert!(same, "{line:.100}\nours:   {}\ntheirs: {}", show_reply(&ours), show_reply(&theirs));
    }
}
