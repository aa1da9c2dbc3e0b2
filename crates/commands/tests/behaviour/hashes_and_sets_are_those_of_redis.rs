//! Random commands on hashes and sets, on Redis and here: the same replies, encodings and data.
//!
//! `LASTSAVE_DIFFERENTIAL_SEED`, `_STREAMS` and `_COMMANDS` work as for strings.

use lastsave_commands::dataset_digest;
use lastsave_rdb::RdbVersion;
use lastsave_resp::{Protocol, Reply};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::executor::Executor;
use crate::oracle::{Oracle, decode};
use crate::same_as_redis::setting;
use crate::script::{show_command, show_reply};

struct Generator {
    random: SmallRng,
    /// Fields and members are chosen among this many.
    names: u32,
}

type Words = Vec<Vec<u8>>;

impl Generator {
    fn pick(&mut self, words: &[&str]) -> Vec<u8> {
        words.choose(&mut self.random).expect("there are words").as_bytes().to_vec()
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.random.random_range(0..bound)
    }

    fn key(&mut self, kind: &str) -> Vec<u8> {
        let kind = if self.below(40) == 0 { "string" } else { kind };
        format!("{kind}:{}", self.below(4)).into_bytes()
    }

    fn name(&mut self) -> Vec<u8> {
        let number = self.below(self.names);
        match number % 7 {
            0 => format!("name:{number}").into_bytes(),
            1 if self.below(8) == 0 => vec![b'n'; number as usize * 3],
            2 => (i64::from(number) << (number % 62)).to_string().into_bytes(),
            3 if self.below(20) == 0 => self.pick(&["", "-0", "007", "9223372036854775808", "\0\u{e9}"]),
            _ => number.to_string().into_bytes(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        match self.below(10) {
            0..=3 => (i64::from(self.below(2000)) - 1000).to_string().into_bytes(),
            4 => self.pick(&["9223372036854775807", "-9223372036854775808", "", "1e3", "inf", "nan", " 1"]),
            5 => format!("{}.{}", self.below(100), self.below(100)).into_bytes(),
            6 => vec![b'v'; self.below(100) as usize],
            7 if self.below(10) == 0 => vec![b'w'; 5000],
            _ => self.pick(&["value", "other value", "x"]),
        }
    }

    fn count(&mut self) -> Vec<u8> {
        match self.below(8) {
            0 => self.pick(&["x", "-9223372036854775808", "9223372036854775808", "", "1.5"]),
            1 => b"0".to_vec(),
            2 => b"9223372036854775807".to_vec(),
            _ => self.below(30).to_string().into_bytes(),
        }
    }

    fn many(&mut self, most: u32, mut make: impl FnMut(&mut Self) -> Vec<u8>) -> Words {
        let count = if self.below(4) == 0 { most } else { 3 };
        (0..=self.below(count)).map(|_| make(self)).collect()
    }

    /// Names that differ: from 7.2 on their number alone decides how a collection is stored.
    fn different_names(&mut self, most: u32) -> Words {
        let mut names = self.many(most, Self::name);
        names.sort_unstable();
        names.dedup();
        names
    }

    fn hash_command(&mut self) -> Words {
        let key = self.key("hash");
        let mut command = match self.below(26) {
            0..=5 => {
                let pairs = self.different_names(12);
                let fields: Words = pairs.into_iter().flat_map(|name| [name, self.value()]).collect();
                [vec![self.pick(&["HSET", "HSET", "hmset"]), key], fields].concat()
            }
            6 => vec![b"HSETNX".to_vec(), key, self.name(), self.value()],
            7..=9 => [vec![b"HDEL".to_vec(), key], self.many(8, Self::name)].concat(),
            10 => vec![b"HGET".to_vec(), key, self.name()],
            11 => [vec![b"HMGET".to_vec(), key], self.many(8, Self::name)].concat(),
            12 => vec![b"HGETALL".to_vec(), key],
            13 => vec![self.pick(&["HKEYS", "HVALS", "HLEN"]), key],
            14 => vec![self.pick(&["HSTRLEN", "HEXISTS"]), key, self.name()],
            15..=17 => vec![b"HINCRBY".to_vec(), key, self.name(), self.value()],
            18 | 19 => vec![b"HINCRBYFLOAT".to_vec(), key, self.name(), self.value()],
            20 | 21 => {
                // All fields, or none: what is chosen among them is not comparable.
                let count = self.pick(&["0", "1000", "x", "-9223372036854775808", "9223372036854775807"]);
                let mut command = vec![b"HRANDFIELD".to_vec(), key, count];
                if self.below(2) == 0 {
                    command.push(self.pick(&["WITHVALUES", "withvalues", "withscores"]));
                }
                command
            }
            22 | 23 => self.scan("HSCAN", key),
            24 => vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key],
            _ => vec![self.pick(&["DEL", "TYPE", "DUMP"]), key],
        };
        self.spoil(&mut command);
        command
    }

    fn scan(&mut self, name: &str, key: Vec<u8>) -> Words {
        let mut command = vec![name.as_bytes().to_vec(), key, b"0".to_vec()];
        command.extend([b"COUNT".to_vec(), b"100000".to_vec()]);
        match self.below(8) {
            0 => command.extend([b"MATCH".to_vec(), self.pick(&["*1*", "name:?", "[", "*"])]),
            1 => command.extend([b"TYPE".to_vec(), b"hash".to_vec()]),
            2 => command.push(b"COUNT".to_vec()),
            3 => command.extend([b"count".to_vec(), self.pick(&["0", "-1", "x"])]),
            4 => command[2] = self.pick(&["x", "-", "18446744073709551616"]),
            _ => {}
        }
        command
    }

    fn set_command(&mut self) -> Words {
        let key = self.key("set");
        let mut command = match self.below(30) {
            0..=8 => [vec![b"SADD".to_vec(), key], self.different_names(16)].concat(),
            9..=12 => [vec![b"SREM".to_vec(), key], self.many(8, Self::name)].concat(),
            13 => vec![self.pick(&["SCARD", "SMEMBERS"]), key],
            14 => vec![b"SISMEMBER".to_vec(), key, self.name()],
            15 => [vec![b"SMISMEMBER".to_vec(), key], self.many(8, Self::name)].concat(),
            16..=18 => vec![b"SMOVE".to_vec(), key, self.key("set"), self.name()],
            19 => {
                let keys = self.many(3, |random| random.key("set"));
                [vec![self.pick(&["SINTER", "SUNION", "SDIFF"])], keys].concat()
            }
            20..=22 => {
                let keys = self.many(3, |random| random.key("set"));
                [vec![self.pick(&["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key], keys].concat()
            }
            23 => {
                let keys = self.many(3, |random| random.key("set"));
                let count = if self.below(5) == 0 { self.count() } else { keys.len().to_string().into() };
                let mut command = [vec![b"SINTERCARD".to_vec(), count], keys].concat();
                if self.below(2) == 0 {
                    command.extend([self.pick(&["LIMIT", "limit", "LIM"]), self.count()]);
                }
                command
            }
            24 => {
                let count = self.pick(&["0", "1000", "x", "-9223372036854775808"]);
                vec![b"SRANDMEMBER".to_vec(), key, count]
            }
            25 => vec![b"SPOP".to_vec(), key, self.pick(&["0", "1000", "x", "-1"])],
            26 => self.scan("SSCAN", key),
            27 | 28 => vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key],
            _ => vec![self.pick(&["DEL", "TYPE", "DUMP"]), key],
        };
        self.spoil(&mut command);
        command
    }

    /// Now and then too few or too many arguments. Without its count, a command that chooses at random would choose one.
    fn spoil(&mut self, command: &mut Words) {
        let is_random = command[0] == b"SPOP" || command[0].windows(4).any(|part| part == b"RAND");
        match self.below(100) {
            0 if !is_random => command.truncate(command.len() - 1),
            1 => command.push(self.value()),
            _ => {}
        }
    }

    fn command(&mut self) -> Words {
        match self.below(40) {
            0 | 1 => {
                let kind = if self.below(2) == 0 { "hash" } else { "set" };
                let mut name = || format!("{kind}:{}", self.below(4)).into_bytes();
                let (from, to) = (name(), name());
                vec![self.pick(&["COPY", "RENAME"]), from, to]
            }
            2 => vec![b"SET".to_vec(), b"string:1".to_vec(), b"text".to_vec()],
            number if number % 2 == 0 => self.hash_command(),
            _ => self.set_command(),
        }
    }
}

/// How many items of a reply belong together; their order means nothing. 0 where the bytes must be the same.
fn group_len(command: &Words) -> usize {
    let name = command[0].to_ascii_lowercase();
    match name.as_slice() {
        b"hgetall" | b"hscan" => 2,
        b"hrandfield" if command.iter().any(|word| word.eq_ignore_ascii_case(b"withvalues")) => 2,
        b"hkeys" | b"hvals" | b"hrandfield" | b"smembers" | b"sinter" | b"sunion" | b"sdiff" | b"sscan"
        | b"srandmember" | b"spop" => 1,
        _ => 0,
    }
}

fn sorted(reply: &Reply, group: usize) -> Reply {
    let sort = |items: &[Reply], group| {
        let mut groups: Vec<&[Reply]> = items.chunks(group).collect();
        groups.sort_by_key(|group| format!("{group:?}"));
        groups.concat()
    };
    match reply {
        // Pairs that are arrays themselves.
        Reply::Array(items) if matches!(items.first(), Some(Reply::Array(_))) => Reply::Array(sort(items, 1)),
        // A cursor with what it found.
        Reply::Array(items) if items.len() == 2 && matches!(items[1], Reply::Array(_)) => {
            Reply::Array(vec![items[0].clone(), sorted(&items[1], group)])
        }
        Reply::Array(items) => Reply::Array(sort(items, group)),
        Reply::Set(items) => Reply::Set(sort(items, group)),
        Reply::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_key(|pair| format!("{pair:?}"));
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

fn agree(command: &Words, ours: &[u8], theirs: &[u8]) -> bool {
    let group = group_len(command);
    let is_encoding = command[0].eq_ignore_ascii_case(b"object");
    // The version asked has no packed sets yet.
    let is_newer = is_encoding && ours == b"$8\r\nlistpack\r\n" && theirs == b"$9\r\nhashtable\r\n";
    ours == theirs
        || is_newer && !command[2].starts_with(b"hash:")
        || group > 0 && sorted(&decode(ours), group) == sorted(&decode(theirs), group)
}

fn configure(oracle: &mut Oracle, executor: &mut Executor, seed: u64) {
    let (entries, value) = [(512, 64), (8, 20), (4, 64), (0, 0)][seed as usize % 4];
    let intset = [512, 16, 0][seed as usize % 3];
    executor.options.hash_max_listpack_entries = entries;
    executor.options.hash_max_listpack_value = value;
    executor.options.set_max_intset_entries = intset;
    executor.options.set_max_listpack_entries = if seed.is_multiple_of(2) { 0 } else { entries };
    executor.options.set_max_listpack_value = value;
    for (name, number) in [
        ("hash-max-listpack-entries", entries),
        ("hash-max-listpack-value", value),
        ("set-max-intset-entries", intset),
    ] {
        let reply = oracle.run(&[b"CONFIG", b"SET", name.as_bytes(), number.to_string().as_bytes()]);
        assert_eq!(reply, b"+OK\r\n");
    }
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V10;
    executor.options.rdb_compression = false;
    let mut random = SmallRng::seed_from_u64(seed);
    let names = random.random_range(10..60);
    executor.protocol = if random.random() { Protocol::Resp3 } else { Protocol::Resp2 };
    let mut generator = Generator { random, names };
    configure(oracle, &mut executor, seed);
    oracle.run(&[b"FLUSHALL"]);
    oracle.run(&[b"HELLO", if executor.protocol == Protocol::Resp3 { b"3" } else { b"2" }]);
    let mut history = Vec::new();
    for index in 0..commands {
        let command = generator.command();
        history.push(show_command(&command));
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let theirs = oracle.run(&args);
        let ours = executor.run(&args).reply;
        let at = || {
            let recent = &history[history.len().saturating_sub(25)..];
            format!("seed {seed}, command {index}; the last commands were\n{}\n", recent.join("\n"))
        };
        let is_dump = command[0].eq_ignore_ascii_case(b"dump");
        if is_dump {
            let key = command.get(1).map_or(&[][..], Vec::as_slice);
            exchange_payloads(oracle, &mut executor, key, &ours, &theirs);
        } else {
            assert!(
                agree(&command, &ours, &theirs),
                "{}ours:   {}\ntheirs: {}",
                at(),
                show_reply(&ours),
                show_reply(&theirs)
            );
        }
        let digest = dataset_digest(&executor.keyspace).to_hex();
        let theirs = show_reply(&oracle.run(&[b"DEBUG", b"DIGEST"]));
        assert_eq!(format!("+{digest}"), theirs, "{}the data differ", at());
    }
}

/// Each side restores what the other dumped; the digests are compared afterwards.
fn exchange_payloads(oracle: &mut Oracle, executor: &mut Executor, key: &[u8], ours: &[u8], theirs: &[u8]) {
    let to: &[u8] = if key.starts_with(b"set") { b"set:1" } else { b"hash:1" };
    match (decode(ours), decode(theirs)) {
        (Reply::Bulk(ours), Reply::Bulk(theirs)) => {
            let restore = |payload| [&b"RESTORE"[..], to, b"0", payload, b"REPLACE"];
            assert_eq!(oracle.run(&restore(&ours[..])), b"+OK\r\n");
            assert_eq!(executor.run(&restore(&theirs[..])).reply, b"+OK\r\n");
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}

#[test]
fn random_streams_of_commands_on_hashes_and_sets() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(1500);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(6) {
        compare_stream(&mut oracle, seed, commands);
    }
}
