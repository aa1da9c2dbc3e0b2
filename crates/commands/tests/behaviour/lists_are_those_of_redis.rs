//! Random commands on lists, on Redis and here: the same replies and data.
//!
//! Commands that wait are executed where they must not, inside MULTI. `LASTSAVE_DIFFERENTIAL_SEED`, `_STREAMS` and
//! `_COMMANDS` work as for strings.

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

type Words = Vec<Vec<u8>>;

struct Generator {
    random: SmallRng,
    /// Elements are chosen among this many.
    elements: u32,
}

impl Generator {
    fn pick(&mut self, words: &[&str]) -> Vec<u8> {
        words.choose(&mut self.random).expect("there are words").as_bytes().to_vec()
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.random.random_range(0..bound)
    }

    fn key(&mut self) -> Vec<u8> {
        match self.below(40) {
            0 => b"string".to_vec(),
            _ => format!("list:{}", self.below(4)).into_bytes(),
        }
    }

    fn element(&mut self) -> Vec<u8> {
        let number = self.below(self.elements);
        match number % 7 {
            0 => format!("element:{number}").into_bytes(),
            1 => vec![b'e'; number as usize * 3],
            2 => (i64::from(number) << (number % 62)).to_string().into_bytes(),
            3 if self.below(6) == 0 => self.pick(&["", "-0", "007", "9223372036854775808", "\0\u{e9}"]),
            4 if self.below(9) == 0 => vec![b'L'; 3000 + number as usize * 100],
            _ => number.to_string().into_bytes(),
        }
    }

    fn index(&mut self) -> Vec<u8> {
        match self.below(14) {
            0 => self.pick(&["x", "-9223372036854775808", "9223372036854775808", "", "1.5"]),
            1 => self.pick(&["9223372036854775807", "-9223372036854775807"]),
            2 => b"0".to_vec(),
            3 | 4 => b"-1".to_vec(),
            5..=8 => self.below(10).to_string().into_bytes(),
            _ => (i64::from(self.below(300)) - 150).to_string().into_bytes(),
        }
    }

    fn end(&mut self) -> Vec<u8> {
        self.pick(&["LEFT", "RIGHT", "left", "right", "LEFT", "RIGHT", "LEFT", "RIGHT", "middle"])
    }

    fn timeout(&mut self) -> Vec<u8> {
        // What is far out of range got another error before 7.2.
        self.pick(&["0", "1", "0.5", "10", "-1", "x", "1e3", "0x10", "-inf", "nan", "", " 1"])
    }

    fn elements(&mut self) -> Words {
        let most = if self.below(5) == 0 { 60 } else { 4 };
        (0..=self.below(most)).map(|_| self.element()).collect()
    }

    fn multiple_pop(&mut self) -> Words {
        let keys: Words = (0..=self.below(3)).map(|_| self.key()).collect();
        let number = match self.below(12) {
            0 => self.index(),
            _ => keys.len().to_string().into_bytes(),
        };
        let mut words = [vec![number], keys, vec![self.end()]].concat();
        for _ in 0..[0, 0, 1, 1, 1, 2][self.below(6) as usize] {
            words.push(self.pick(&["COUNT", "count", "COUNT", "COUNTER"]));
            if self.below(15) > 0 {
                words.push(self.index());
            }
        }
        words
    }

    fn position(&mut self, key: Vec<u8>) -> Words {
        let mut words = vec![b"LPOS".to_vec(), key, self.element()];
        for _ in 0..self.below(4) {
            words.push(self.pick(&["RANK", "COUNT", "MAXLEN", "rank", "count", "maxlen", "COUNT", "RANKS"]));
            if self.below(20) > 0 {
                let number = match self.below(3) {
                    // Older versions take the lowest rank there is.
                    0 => Some(self.index()).filter(|index| index[..] != *b"-9223372036854775808"),
                    _ => None,
                };
                words.push(number.unwrap_or_else(|| (i64::from(self.below(8)) - 2).to_string().into_bytes()));
            }
        }
        words
    }

    fn command(&mut self) -> Words {
        let key = self.key();
        let mut command = match self.below(46) {
            0..=9 => {
                [vec![self.pick(&["LPUSH", "RPUSH", "lpushx", "rpushx"]), key], self.elements()].concat()
            }
            10 | 11 => vec![self.pick(&["LPOP", "RPOP"]), key],
            12..=14 => vec![self.pick(&["LPOP", "RPOP"]), key, self.index()],
            15 => vec![b"LLEN".to_vec(), key],
            16 => vec![b"LINDEX".to_vec(), key, self.index()],
            17 | 18 => vec![b"LRANGE".to_vec(), key, self.index(), self.index()],
            19 => vec![b"LRANGE".to_vec(), key, b"0".to_vec(), b"-1".to_vec()],
            20..=23 => vec![b"LSET".to_vec(), key, self.index(), self.element()],
            24..=27 => {
                let place = self.pick(&["BEFORE", "AFTER", "before", "after", "BESIDE"]);
                vec![b"LINSERT".to_vec(), key, place, self.element(), self.element()]
            }
            28 | 29 => vec![b"LREM".to_vec(), key, self.index(), self.element()],
            30 => vec![b"LTRIM".to_vec(), key, self.index(), self.index()],
            31..=33 => self.position(key),
            34 => vec![b"LMOVE".to_vec(), key, self.key(), self.end(), self.end()],
            35 => vec![b"RPOPLPUSH".to_vec(), key, self.key()],
            36 => [vec![b"LMPOP".to_vec()], self.multiple_pop()].concat(),
            37 => {
                let keys = (0..self.below(3)).map(|_| self.key()).collect();
                [vec![self.pick(&["BLPOP", "BRPOP"]), key], keys, vec![self.timeout()]].concat()
            }
            38 => vec![b"BLMOVE".to_vec(), key, self.key(), self.end(), self.end(), self.timeout()],
            39 => vec![b"BRPOPLPUSH".to_vec(), key, self.key(), self.timeout()],
            40 => [vec![b"BLMPOP".to_vec(), self.timeout()], self.multiple_pop()].concat(),
            41 => vec![self.pick(&["COPY", "RENAME"]), key, self.key()],
            42 => vec![b"SET".to_vec(), b"string".to_vec(), b"text".to_vec()],
            43 | 44 => vec![b"DUMP".to_vec(), key],
            _ => vec![self.pick(&["DEL", "TYPE"]), key],
        };
        match self.below(100) {
            0 => command.truncate(command.len() - 1),
            1 => command.push(self.element()),
            _ => {}
        }
        command
    }
}

/// Runs a command so that it does not wait.
fn run(oracle: &mut Oracle, args: &[&[u8]]) -> Vec<u8> {
    if !args[0].starts_with(b"B") {
        return oracle.run(args);
    }
    assert_eq!(oracle.run(&[b"MULTI"]), b"+OK\r\n");
    let reply = oracle.run(args);
    if reply != b"+QUEUED\r\n" {
        oracle.run(&[b"DISCARD"]);
        return reply;
    }
    let replies = oracle.run(&[b"EXEC"]);
    replies.strip_prefix(b"*1\r\n").expect("one command was queued").to_vec()
}

fn configure(oracle: &mut Oracle, executor: &mut Executor, seed: u64) {
    let size = [-2, -1, 4, 1, 128][seed as usize % 5];
    let depth = [0, 1, 2][seed as usize % 3];
    executor.options.list_max_listpack_size = size;
    executor.options.list_compress_depth = depth;
    for (name, value) in
        [("list-max-listpack-size", size.to_string()), ("list-compress-depth", depth.to_string())]
    {
        assert_eq!(oracle.run(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]), b"+OK\r\n");
    }
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V10;
    let mut random = SmallRng::seed_from_u64(seed);
    let elements = random.random_range(10..200);
    executor.protocol = if random.random() { Protocol::Resp3 } else { Protocol::Resp2 };
    let mut generator = Generator { random, elements };
    configure(oracle, &mut executor, seed);
    oracle.run(&[b"FLUSHALL"]);
    oracle.run(&[b"HELLO", if executor.protocol == Protocol::Resp3 { b"3" } else { b"2" }]);
    let mut history = Vec::new();
    for index in 0..commands {
        let command = generator.command();
        history.push(show_command(&command));
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let theirs = run(oracle, &args);
        let ours = executor.run(&args).reply;
        let at = || {
            let recent = &history[history.len().saturating_sub(25)..];
            format!("seed {seed}, command {index}; the last commands were\n{}\n", recent.join("\n"))
        };
        if command[0] == b"DUMP" {
            exchange_payloads(oracle, &mut executor, &ours, &theirs);
        } else {
            assert!(ours == theirs, "{}ours:   {}\ntheirs: {}", at(), show_reply(&ours), show_reply(&theirs));
        }
        let digest = dataset_digest(&executor.keyspace).to_hex();
        let theirs = show_reply(&oracle.run(&[b"DEBUG", b"DIGEST"]));
        assert_eq!(format!("+{digest}"), theirs, "{}the data differ", at());
    }
}

/// Each side restores what the other dumped; the digests are compared afterwards.
fn exchange_payloads(oracle: &mut Oracle, executor: &mut Executor, ours: &[u8], theirs: &[u8]) {
    match (decode(ours), decode(theirs)) {
        (Reply::Bulk(ours), Reply::Bulk(theirs)) => {
            let restore = |payload| [&b"RESTORE"[..], b"list:1", b"0", payload, b"REPLACE"];
            assert_eq!(oracle.run(&restore(&ours[..])), b"+OK\r\n");
            assert_eq!(executor.run(&restore(&theirs[..])).reply, b"+OK\r\n");
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}

#[test]
fn random_streams_of_commands_on_lists() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(1500);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(5) {
        compare_stream(&mut oracle, seed, commands);
    }
}
