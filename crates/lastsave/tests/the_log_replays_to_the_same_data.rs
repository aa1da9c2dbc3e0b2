//! Whatever sequence of commands made the data, what is read back after a kill is the same data: in Lastsave and in Redis.
//!
//! With `LASTSAVE_SEED` in the environment the sequences are others.

mod harness;

use std::path::Path;

use harness::samples::{fingerprint, noise};
use harness::{Client, Instance, Program, eventually, has_oracle, temporary_directory};

/// Keys in play.
const KEYS: u64 = 24;

/// Random numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }

    fn key(&mut self) -> String {
        format!("k{}", self.roll(KEYS))
    }

    fn value(&mut self) -> String {
        match self.roll(5) {
            0 => self.roll(1000).to_string(),
            1 => format!("-{}", self.roll(1 << 40)),
            2 => format!("{}.5", self.roll(100)),
            3 => "v".repeat(self.roll(5000) as usize + 1),
            _ => noise(self.0, 20).iter().map(|byte| char::from(b'a' + byte % 26)).collect(),
        }
    }

    /// A time to live that ends soon or never.
    fn expiry(&mut self) -> String {
        match self.roll(4) {
            0 => format!("PX {}", self.roll(30) + 1),
            1 => format!("EX {}", 100_000 + self.roll(1000)),
            2 => format!("PXAT {}", 4_102_444_800_000 + self.roll(1000)),
            _ => format!("EXAT {}", 4_102_444_800 + self.roll(1000)),
        }
    }

    /// A command that may change data.
    fn command(&mut self) -> String {
        let (key, other, value) = (self.key(), self.key(), self.value());
        match self.roll(48) {
            0 | 1 => format!("SET {key} {value}"),
            2 => format!("SET {key} {value} {}", self.expiry()),
            3 => format!(
                "SET {key} {value} {} {}",
                self.pick(&["NX", "XX", "NX GET", "GET", "KEEPTTL", "XX KEEPTTL GET"]),
                ""
            ),
            4 => format!("SETEX {key} {} {value}", 100_000 + self.roll(100)),
            5 => format!("PSETEX {key} {} {value}", self.roll(30) + 1),
            6 => format!("SETNX {key} {value}"),
            7 => format!("MSET {key} {value} {other} {value}"),
            8 => format!("MSETNX {key} {value} {other} {value}"),
            9 => format!("APPEND {key} {value}"),
            10 => format!("SETRANGE {key} {} {value}", self.roll(200)),
            11 => format!("{} {key}", self.pick(&["INCR", "DECR"])),
            12 => format!("{} {key} {}", self.pick(&["INCRBY", "DECRBY"]), self.roll(1 << 30)),
            13 => format!("INCRBYFLOAT {key} {}.{}", self.roll(50), self.roll(1000)),
            14 => format!("GETSET {key} {value}"),
            15 => format!("GETDEL {key}"),
            16 => format!("GETEX {key} {}", self.expiry()),
            17 => format!("GETEX {key} PERSIST"),
            18 => format!("DEL {key} {other}"),
            19 => format!("UNLINK {key} {other}"),
            20 => {
                format!("EXPIRE {key} {} {}", 100_000 + self.roll(1000), self.pick(&["NX", "XX", "GT", "LT"]))
            }
            21 => format!("PEXPIRE {key} {}", self.roll(40)),
            22 => format!("PEXPIREAT {key} {}", 4_102_444_800_000 + self.roll(1000)),
            23 => format!("EXPIRE {key} {}", self.pick(&["0", "-1", "200000"])),
            24 => format!("PERSIST {key}"),
            25 => format!("RENAME {key} {other}"),
            26 => format!("RENAMENX {key} {other}"),
            27 => format!("COPY {key} {other} {}", self.pick(&["", "REPLACE", "DB 2", "DB 3 REPLACE"])),
            28 => format!("MOVE {key} {}", self.roll(4)),
            29 => format!("SELECT {}", self.roll(4)),
            30 => format!("SWAPDB {} {}", self.roll(4), self.roll(4)),
            31 => format!("GET {key}"),
            32 if self.roll(8) == 0 => self.pick(&["FLUSHDB", "FLUSHDB ASYNC", "FLUSHALL"]).to_owned(),
            33 => format!("SETBIT {key} {} {}", self.roll(3000), self.roll(2)),
            34 => format!("BITOP {} {key} {other} {}", self.pick(&["AND", "OR", "XOR"]), self.key()),
            35 => format!(
                "BITFIELD {key} OVERFLOW {} INCRBY i7 {} 50 SET u11 #3 {}",
                self.pick(&["WRAP", "SAT", "FAIL"]),
                self.roll(90),
                self.roll(4000)
            ),
            36 => format!("PFADD {key} {value} {} {}", self.roll(1000), self.roll(1000)),
            37 => format!("PFCOUNT {key}"),
            38 => format!("PFMERGE {key} {other}"),
            39 | 40 => format!("{} {key} {value} {other}", self.pick(&["LPUSH", "RPUSH", "LPUSHX"])),
            41 => format!("{} {key} {}", self.pick(&["LPOP", "RPOP"]), self.roll(3)),
            42 => format!("LSET {key} {} {value}", self.roll(4)),
            43 => format!("LINSERT {key} {} {other} {value}", self.pick(&["BEFORE", "AFTER"])),
            44 => format!("LREM {key} {} {other}", self.roll(3)),
            45 => format!("LTRIM {key} {} -2", self.roll(3)),
            46 => format!("LMOVE {key} {other} LEFT RIGHT"),
            _ => format!("SUBSTR {key} 0 {}", self.roll(20)),
        }
    }
}

/// Runs commands, some of them in transactions. Errors are replies like others.
fn run(client: &mut Client, dice: &mut Dice, commands: usize) {
    let mut left = commands;
    while left > 0 {
        let count = if dice.roll(10) == 0 { dice.roll(6) as usize } else { 1 };
        if count == 1 {
            client.run(&dice.command());
        } else {
            client.run("MULTI");
            for _ in 0..count {
                client.run(&dice.command());
            }
            if dice.roll(8) == 0 {
                client.run("DISCARD");
            } else {
                client.run("EXEC");
            }
        }
        left = left.saturating_sub(count.max(1));
    }
}

/// The data without the keys whose time has come, whether or not the server has noticed that yet.
fn settled(client: &mut Client) -> String {
    std::thread::sleep(std::time::Duration::from_millis(60));
    for database in 0..4 {
        assert_eq!(client.run(&format!("SELECT {database}")), "OK");
        // KEYS does not show what has expired, nor remove it.
        for key in 0..KEYS {
            client.run(&format!("EXISTS k{key}"));
        }
    }
    let print = fingerprint(client);
    assert_eq!(client.run("SELECT 0"), "OK");
    print
}

fn loaded_by(program: Program, directory: &Path, arguments: &[&str]) -> (Instance, String) {
    let server = Instance::start(program, directory, arguments);
    let print = settled(&mut server.client());
    (server, print)
}

fn replays(seed: u64, arguments: &[&str]) {
    let given = std::env::var("LASTSAVE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seed = given.map_or(seed, |given| given.wrapping_mul(1000) + seed);
    let directory = temporary_directory();
    let arguments = [&["--appendonly", "yes", "--rdb-write-version", "10"], arguments].concat();
    let oracle = has_oracle();
    let mut dice = Dice(seed);
    for round in 0..6 {
        let server = Instance::lastsave(directory.path(), &arguments);
        let mut client = server.client();
        run(&mut client, &mut dice, 150);
        if round % 3 == 1 {
            assert!(client.run("BGREWRITEAOF").ends_with("started"));
            run(&mut client, &mut dice, 50);
            eventually("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
            assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
        }
        run(&mut client, &mut dice, 150);
        let expected = settled(&mut client);
        assert_eq!(client.run("DEBUG RELOAD"), "OK");
        assert_eq!(settled(&mut client), expected, "seed {seed}, round {round}: after DEBUG RELOAD");
        assert_eq!(client.run("DEBUG LOADAOF"), "OK");
        assert_eq!(settled(&mut client), expected, "seed {seed}, round {round}: after DEBUG LOADAOF");
        server.kill();
        let (server, found) = loaded_by(Program::Lastsave, directory.path(), &arguments);
        assert_eq!(found, expected, "seed {seed}, round {round}: after a kill");
        server.kill();
        if oracle && round % 2 == 1 {
            let (server, found) = loaded_by(Program::Redis, directory.path(), &["--appendonly", "yes"]);
            assert_eq!(found, expected, "seed {seed}, round {round}: in Redis");
            server.kill();
        }
    }
}

#[test]
fn with_frames() {
    replays(11, &["--appendfsync", "everysec"]);
}

#[test]
fn with_prepared_space() {
    replays(22, &["--appendfsync", "always"]);
}

#[test]
fn with_bases_of_commands() {
    replays(33, &["--aof-use-rdb-preamble", "no", "--aof-timestamp-enabled", "yes"]);
}

#[test]
fn without_frames() {
    replays(44, &["--aof-frames", "no"]);
}

#[test]
fn with_lazy_freeing_everywhere() {
    let lazily = [
        "--lazyfree-lazy-expire",
        "yes",
        "--lazyfree-lazy-server-del",
        "yes",
        "--lazyfree-lazy-user-del",
        "yes",
    ];
    replays(55, &lazily);
}
