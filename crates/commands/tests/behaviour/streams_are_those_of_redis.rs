//! Random commands on streams, on Redis and here: the same replies, data and nodes.
//!
//! `LASTSAVE_DIFFERENTIAL_SEED`, `_STREAMS` and `_COMMANDS` work as for strings.

use std::time::{SystemTime, UNIX_EPOCH};

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

const CONSUMERS: [&str; 3] = ["ann", "bob", "carl"];

pub(crate) struct StreamCommands {
    random: SmallRng,
    /// The greatest time of an id so far.
    last_ms: u64,
    is_set_up: bool,
}

fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

impl StreamCommands {
    pub(crate) fn new(random: SmallRng) -> Self {
        Self { random, last_ms: 0, is_set_up: false }
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words.choose(&mut self.random).expect("there are words")
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound)
    }

    /// Streams called `plain` never have groups.
    fn key(&mut self) -> String {
        let kind = match self.below(50) {
            0 => "string",
            1..=20 => "plain",
            _ => "stream",
        };
        format!("{kind}:{}", self.below(2))
    }

    fn grouped_key(&mut self) -> String {
        match self.below(30) {
            0 => "string:1".into(),
            1 => "nosuch".into(),
            _ => format!("stream:{}", self.below(2)),
        }
    }

    fn group(&mut self) -> &'static str {
        self.pick(&["g", "g", "g", "g", "g", "g", "h", "h", "nosuch"])
    }

    fn id(&mut self) -> String {
        let (ms, seq) = (self.below(self.last_ms + 3), self.below(4));
        match self.below(30) {
            0 => self
                .pick(&[
                    "x",
                    "1-x",
                    "",
                    "1-2-3",
                    "-1",
                    "18446744073709551616",
                    "1-18446744073709551615",
                    "5-*",
                ])
                .into(),
            1 => self.pick(&["0", "0-0", "18446744073709551615-18446744073709551615", "007", "+1-+1"]).into(),
            2..=4 => ms.to_string(),
            _ => format!("{ms}-{seq}"),
        }
    }

    fn interval(&mut self, bound: &str) -> String {
        match self.below(6) {
            0 | 1 => bound.into(),
            2 => format!("({}", self.id()),
            _ => self.id(),
        }
    }

    fn count(&mut self) -> String {
        match self.below(12) {
            0 => self.pick(&["x", "-1", "9223372036854775807", "9223372036854775808", "0"]).into(),
            _ => self.below(20).to_string(),
        }
    }

    fn trim(&mut self) -> String {
        let operator = self.pick(&["", "= ", "~ ", "~ "]);
        let limit = match self.below(5) {
            0 => format!(" LIMIT {}", self.count()),
            _ => String::new(),
        };
        match self.below(2) {
            0 => format!("MAXLEN {operator}{}{limit}", self.below(60)),
            _ => format!("MINID {operator}{}{limit}", self.id()),
        }
    }

    fn add(&mut self) -> Words {
        let key = self.key();
        let mut command = words(&format!("XADD {key}"));
        if self.below(12) == 0 {
            command.extend(words(&self.trim()));
        }
        if self.below(30) == 0 {
            command.push(b"nomkstream".to_vec());
        }
        let id = match self.below(20) {
            0 => self.id(),
            1..=5 => format!("{}-*", self.last_ms),
            _ => {
                self.last_ms += self.below(3);
                let seq = self.below(30);
                format!("{}-{seq}", self.last_ms)
            }
        };
        command.push(id.into_bytes());
        let names = self.pick(&["f", "f", "f", "a b", "b a", "number text 5"]);
        for name in names.split(' ') {
            let value = match self.below(8) {
                0 => vec![b'v'; self.below(300) as usize],
                1 => (self.below(1 << 40) as i64 - (1 << 39)).to_string().into_bytes(),
                _ => self.below(200).to_string().into_bytes(),
            };
            command.extend([name.as_bytes().to_vec(), value]);
        }
        command
    }

    fn read_group(&mut self) -> Words {
        let (group, consumer) = (self.group(), self.pick(&CONSUMERS));
        let mut line = format!("XREADGROUP GROUP {group} {consumer}");
        if self.below(4) > 0 {
            line += &format!(" COUNT {}", self.count());
        }
        if self.below(6) == 0 {
            line += " NOACK";
        }
        let ids = |random: &mut Self| match random.below(5) {
            0 => random.id(),
            1 => random.pick(&["$", "0"]).into(),
            _ => ">".into(),
        };
        if self.below(5) == 0 {
            line += &format!(" STREAMS stream:0 stream:1 {} {}", ids(self), ids(self));
        } else {
            line += &format!(" STREAMS {} {}", self.grouped_key(), ids(self));
        }
        words(&line)
    }

    fn claim(&mut self) -> Words {
        let (key, group, consumer) = (self.grouped_key(), self.group(), self.pick(&CONSUMERS));
        let ids: Vec<String> = (0..=self.below(6)).map(|_| self.id()).collect();
        let idle = self.pick(&["0", "0", "0", "0", "0", "-5", "100000"]);
        let option = self.pick(&[
            "",
            "",
            "",
            " JUSTID",
            " FORCE",
            " FORCE JUSTID",
            " IDLE 5",
            " TIME 1000",
            " RETRYCOUNT 9",
            " LASTID 3-1",
            " RETRYCOUNT x",
            " TIME",
            " LASTID 50 FORCE",
        ]);
        words(&format!("XCLAIM {key} {group} {consumer} {idle} {}{option}", ids.join(" ")))
    }

    fn group_command(&mut self) -> Vec<Words> {
        let (key, group) = (format!("stream:{}", self.below(2)), self.pick(&["g", "h"]));
        let consumers =
            CONSUMERS.map(|consumer| words(&format!("XGROUP CREATECONSUMER {key} {group} {consumer}")));
        match self.below(12) {
            0..=5 => {
                let id = if self.below(3) == 0 { "$".into() } else { self.id() };
                let option = self.pick(&[" MKSTREAM", " MKSTREAM", "", " ENTRIESREAD 5", " ENTRIESREAD -2"]);
                let create = words(&format!("XGROUP CREATE {key} {group} {id}{option}"));
                [vec![create], consumers.to_vec()].concat()
            }
            6 | 7 => {
                let id = if self.below(3) == 0 { "$".into() } else { self.id() };
                let option = self.pick(&["", "", " ENTRIESREAD 3", " ENTRIESREAD -1", " MKSTREAM"]);
                vec![words(&format!("XGROUP SETID {key} {group} {id}{option}"))]
            }
            8 => vec![words(&format!("XGROUP DESTROY {key} {group}"))],
            _ => {
                let consumer = self.pick(&CONSUMERS);
                // Older versions create consumers later, so that there are always all.
                [vec![words(&format!("XGROUP DELCONSUMER {key} {group} {consumer}"))], consumers.to_vec()]
                    .concat()
            }
        }
    }

    /// The next command, or several that belong together; at first what others need.
    pub(crate) fn commands_with_setup(&mut self) -> Vec<Words> {
        if std::mem::replace(&mut self.is_set_up, true) {
            return self.commands();
        }
        let mut setup = vec![words("SET string:1 text")];
        for key in ["stream:0", "stream:1"] {
            setup.push(words(&format!("XGROUP CREATE {key} g 0 MKSTREAM")));
            setup.extend(
                CONSUMERS.map(|consumer| words(&format!("XGROUP CREATECONSUMER {key} g {consumer}"))),
            );
        }
        setup
    }

    fn commands(&mut self) -> Vec<Words> {
        let line = match self.below(62) {
            0..=24 => return vec![self.add()],
            25..=27 => {
                let ids: Vec<String> = (0..=self.below(5)).map(|_| self.id()).collect();
                format!("XDEL {} {}", self.key(), ids.join(" "))
            }
            28 => format!("XTRIM {} {}", self.key(), self.trim()),
            29..=31 => {
                let key = self.key();
                let range = if self.below(2) == 0 {
                    format!("XRANGE {key} {} {}", self.interval("-"), self.interval("+"))
                } else {
                    format!("XREVRANGE {key} {} {}", self.interval("+"), self.interval("-"))
                };
                if self.below(3) == 0 { range } else { format!("{range} COUNT {}", self.count()) }
            }
            32 => format!("XLEN {}", self.key()),
            33 | 34 => {
                let id = if self.below(4) == 0 { "$".into() } else { self.id() };
                format!(
                    "XREAD COUNT {} STREAMS {} {} {id} {}",
                    self.count(),
                    self.key(),
                    self.key(),
                    self.id()
                )
            }
            35..=41 => return vec![self.read_group()],
            42..=44 => {
                let ids: Vec<String> = (0..=self.below(8)).map(|_| self.id()).collect();
                format!("XACK {} {} {}", self.grouped_key(), self.group(), ids.join(" "))
            }
            45 | 46 => return vec![self.claim()],
            47 | 48 => {
                let option = self.pick(&["", " JUSTID", " COUNT 3", " COUNT 2 JUSTID", " COUNT 0", " count"]);
                let (key, group, consumer) = (self.grouped_key(), self.group(), self.pick(&CONSUMERS));
                let idle = self.pick(&["0", "0", "0", "0", "100000", "x"]);
                format!("XAUTOCLAIM {key} {group} {consumer} {idle} {}{option}", self.interval("-"))
            }
            49 => format!("XPENDING {} {}", self.grouped_key(), self.group()),
            50 | 51 => {
                let (key, group) = (self.grouped_key(), self.group());
                let idle = self.pick(&["", "", " IDLE 0", " IDLE 100000", " IDLE"]);
                let (start, end, count) = (self.interval("-"), self.interval("+"), self.count());
                let consumer = self.pick(&["", "", " ann", " nosuch", " ann too-many"]);
                format!("XPENDING {key} {group}{idle} {start} {end} {count}{consumer}")
            }
            52 => format!(
                "XINFO STREAM {}{}",
                self.key(),
                self.pick(&["", " FULL", " FULL COUNT 3", " FUL", " FULL COUNT"])
            ),
            53 => format!("XINFO GROUPS {}", self.grouped_key()),
            54 => format!("XINFO CONSUMERS {} {}", self.grouped_key(), self.group()),
            55 => {
                let option = self.pick(&[
                    "",
                    " ENTRIESADDED 50",
                    " MAXDELETEDID 2-1",
                    " ENTRIESADDED -1",
                    " ENTRIESADDED",
                ]);
                format!("XSETID {} {}-5{option}", self.key(), self.last_ms)
            }
            56 | 57 | 60 | 61 => return self.group_command(),
            58 if self.below(4) == 0 => {
                let kind = self.pick(&["plain", "stream"]);
                let command = self.pick(&["COPY", "RENAME"]);
                format!("{command} {kind}:{} {kind}:{}", self.below(2), self.below(2))
            }
            58 if self.below(5) == 0 => format!("DEL {}", self.key()),
            58 => format!("TYPE {}", self.key()),
            _ => format!("DUMP {}", self.key()),
        };
        vec![words(&line)]
    }
}

/// What does not differ between servers and versions: no times, no inner nodes of radix trees.
fn comparable(reply: &Reply) -> Reply {
    const VARYING: [&[u8]; 5] = [b"idle", b"inactive", b"seen-time", b"active-time", b"radix-tree-nodes"];
    let varies = |name: &Reply| matches!(name, Reply::Bulk(name) if VARYING.contains(&&name[..]));
    match reply {
        Reply::Integer(number) if *number > 1_600_000_000_000 => Reply::Integer(0),
        Reply::Array(items) => {
            let mut kept = Vec::new();
            let mut items = items.iter();
            while let Some(item) = items.next() {
                if varies(item) {
                    items.next();
                } else {
                    kept.push(comparable(item));
                }
            }
            Reply::Array(kept)
        }
        Reply::Map(pairs) => {
            let kept = pairs.iter().filter(|(name, _)| !varies(name));
            Reply::Map(kept.map(|(name, value)| (name.clone(), comparable(value))).collect())
        }
        other => other.clone(),
    }
}

/// The third of four parts of a pending entry is how long it has not been touched.
fn without_idle_times(reply: &Reply) -> Reply {
    let Reply::Array(items) = reply else { return reply.clone() };
    let entry = |item: &Reply| match item {
        Reply::Array(parts) if parts.len() == 4 => {
            Reply::Array(vec![parts[0].clone(), parts[1].clone(), parts[3].clone()])
        }
        other => other.clone(),
    };
    Reply::Array(items.iter().map(entry).collect())
}

fn agree(command: &Words, ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    let (ours, theirs) = (decode(ours), decode(theirs));
    if command[0].eq_ignore_ascii_case(b"xpending") {
        return without_idle_times(&ours) == without_idle_times(&theirs);
    }
    command[0].eq_ignore_ascii_case(b"xinfo") && comparable(&ours) == comparable(&theirs)
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

pub(crate) fn configure(oracle: &mut Oracle, executor: &mut Executor, seed: u64) {
    let (bytes, entries) = [(4096, 100), (0, 5), (200, 0), (4096, 12)][seed as usize % 4];
    executor.options.stream_node_max_bytes = bytes;
    executor.options.stream_node_max_entries = entries;
    executor.options.rdb_write_version = RdbVersion::V10;
    executor.options.rdb_compression = false;
    for (name, number) in [("stream-node-max-bytes", bytes as u64), ("stream-node-max-entries", entries)] {
        let reply = oracle.run(&[b"CONFIG", b"SET", name.as_bytes(), number.to_string().as_bytes()]);
        assert_eq!(reply, b"+OK\r\n");
    }
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    let mut random = SmallRng::seed_from_u64(seed);
    executor.protocol = if random.random() { Protocol::Resp3 } else { Protocol::Resp2 };
    configure(oracle, &mut executor, seed);
    oracle.run(&[b"FLUSHALL"]);
    oracle.run(&[b"HELLO", if executor.protocol == Protocol::Resp3 { b"3" } else { b"2" }]);
    let mut generator = StreamCommands::new(random);
    let mut history = Vec::new();
    let all = std::iter::from_fn(|| Some(generator.commands_with_setup())).flatten();
    for (index, command) in all.take(commands as usize).enumerate() {
        history.push(show_command(&command));
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let theirs = oracle.run(&args);
        executor.now_ms = now_ms();
        let ours = executor.run(&args).reply;
        let at = || {
            let recent = &history[history.len().saturating_sub(25)..];
            format!("seed {seed}, command {index}; the last commands were\n{}\n", recent.join("\n"))
        };
        let is_with_groups = command[0] == b"DUMP" && command[1].starts_with(b"stream");
        if is_with_groups {
            exchange_payloads(oracle, &mut executor, &command[1], &ours, &theirs);
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

/// Each side goes on with what the other dumped.
fn exchange_payloads(oracle: &mut Oracle, executor: &mut Executor, key: &[u8], ours: &[u8], theirs: &[u8]) {
    match (decode(ours), decode(theirs)) {
        (Reply::Bulk(ours), Reply::Bulk(theirs)) => {
            let restore = |payload| [&b"RESTORE"[..], key, b"0", payload, b"REPLACE"];
            assert_eq!(oracle.run(&restore(&ours[..])), b"+OK\r\n");
            assert_eq!(executor.run(&restore(&theirs[..])).reply, b"+OK\r\n");
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}

#[test]
fn random_streams_of_commands_on_streams() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(800);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(6) {
        compare_stream(&mut oracle, seed, commands);
    }
}
