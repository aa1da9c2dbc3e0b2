//! SORT on Redis and here: the same replies and the same data; what is logged.

use lastsave_commands::dataset_digest;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::executor::Executor;
use crate::oracle::{Oracle, decode};
use crate::same_as_redis::setting;
use crate::script::{check, show_command, show_reply};

#[test]
fn elements_are_sorted_and_looked_up() {
    check(
        r#"
        > RPUSH l 3 1 10 2
        :4
        = 0
        > SORT l
        *4 $1 1 $1 2 $1 3 $2 10
        > SORT l DESC LIMIT 1 2
        *2 $1 3 $1 2
        > SORT l ALPHA
        *4 $1 1 $2 10 $1 2 $1 3
        > SORT l BY nosort DESC LIMIT 0 3
        *3 $1 2 $2 10 $1 1
        > MSET w_1 9 w_2 8 w_3 7 w_10 6 d_1 one
        +OK
        = 0
        > SORT_RO l BY w_* GET # GET d_*
        *8 $2 10 $-1 $1 3 $-1 $1 2 $-1 $1 1 $3 one
        > HSET h_1 f 1 name uno
        :2
        = 0
        > SORT l BY h_*->f DESC LIMIT 0 1 GET h_*->name
        *1 $3 uno
        > SORT l BY w_* STORE sorted
        :4
        = 0
        > LRANGE sorted 0 -1
        *4 $2 10 $1 3 $1 2 $1 1
        > SORT l BY w_* GET d_* GET # STORE sorted
        :8
        = 0
        > LRANGE sorted 0 -1
        *8 $0  $2 10 $0  $1 3 $0  $1 2 $3 one $1 1
        > SORT nope STORE sorted
        :0
        = 0
        > EXISTS sorted
        :0
        > SORT nope STORE sorted
        :0
        > SORT nope
        *0
        > SORT h_1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT_RO l STORE x
        -ERR syntax error
        > SORT l LIMIT 1
        -ERR syntax error
        > SORT l LIMIT x 1
        -ERR value is not an integer or out of range
        > RPUSH l text
        :5
        = 0
        > SORT l
        -ERR One or more scores can't be converted into double
        "#,
    );
}

#[test]
fn sets_are_stored_in_an_order_that_does_not_change() {
    let mut executor = Executor::new();
    executor.run_text("SADD s b a d c");
    executor.run_text("MSET w_a 1 w_b 1 w_c 1");
    for sort in ["SORT s BY nosort STORE l", "SORT s BY w_* STORE l"] {
        executor.run_text(sort);
    }
    assert_eq!(show_reply(&executor.run_text("LRANGE l 0 -1").reply), "*4 $1 d $1 a $1 b $1 c");
    executor.run_text("SORT s BY w_* ALPHA STORE l");
    assert_eq!(show_reply(&executor.run_text("LRANGE l 0 -1").reply), "*4 $1 d $1 a $1 b $1 c");
}

struct Generator(SmallRng);

impl Generator {
    fn pick(&mut self, words: &[&str]) -> String {
        (*words.choose(&mut self.0).expect("there are words")).to_owned()
    }

    fn number(&mut self) -> u32 {
        self.0.random_range(0..30)
    }

    fn element(&mut self) -> String {
        match self.number() {
            0 => self.pick(&["", "text", "-1", "1e3", "inf", " 7", "7 ", "0x1f", "nan"]),
            1 | 2 => format!("{}.5", self.number()),
            _ => self.number().to_string(),
        }
    }

    fn command(&mut self) -> Vec<String> {
        let number = self.number();
        match self.number() {
            0..=2 => vec!["RPUSH".into(), "list".into(), self.element()],
            3 => vec!["LPOP".into(), "list".into()],
            4 | 5 => vec!["SADD".into(), "set".into(), self.element()],
            6 | 7 => vec!["ZADD".into(), "zset".into(), number.to_string(), self.element()],
            8..=10 => vec!["SET".into(), format!("w_{number}"), self.element()],
            11..=13 => vec!["HSET".into(), format!("h_{number}"), "f".into(), self.element()],
            14 => {
                vec![self.pick(&["DEL", "SREM"]), self.pick(&["set", "list", "zset", "stored"]), "5".into()]
            }
            _ => self.sort(),
        }
    }

    fn sort(&mut self) -> Vec<String> {
        let key = self.pick(&["list", "list", "set", "zset", "stored", "w_1", "nope"]);
        let mut command = vec![self.pick(&["SORT", "SORT", "sort_ro"]), key.clone()];
        let has_order = key == "list" || key == "stored";
        for _ in 0..self.0.random_range(0..4) {
            match self.0.random_range(0..8) {
                0 => command.push(self.pick(&["ASC", "desc", "DESC"])),
                1 => command.push("ALPHA".into()),
                2 => {
                    let (offset, count) = (self.0.random_range(-2..8), self.0.random_range(-2..8));
                    command.extend(["LIMIT".into(), offset.to_string(), count.to_string()]);
                }
                // A set gives its members in its own order.
                3 | 4 if has_order => {
                    command.extend(["BY".into(), self.pick(&["w_*", "h_*->f", "nosort", "h_*->g", "#"])]);
                }
                3 | 4 if key == "zset" => command.extend(["BY".into(), self.pick(&["nosort", "x"])]),
                5 | 6 => {
                    command.extend(["GET".into(), self.pick(&["#", "w_*", "h_*->f", "none", "h_*->", "*"])]);
                }
                7 => command.extend(["STORE".into(), "stored".into()]),
                _ => command.push(self.pick(&["LIMIT", "asc", "nonsense"])),
            }
        }
        command
    }
}

/// Where weights may be equal, LIMIT with BY is not stable in Redis.
fn is_comparable(command: &[String]) -> bool {
    let has = |word: &str| command.iter().any(|other| other.eq_ignore_ascii_case(word));
    !(has("by") && has("alpha") && (has("limit") || has("desc")))
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    let mut generator = Generator(SmallRng::seed_from_u64(seed));
    oracle.run(&[b"FLUSHALL"]);
    let mut history = Vec::new();
    for index in 0..commands {
        let command = generator.command();
        if !is_comparable(&command) {
            continue;
        }
        let args: Vec<&[u8]> = command.iter().map(String::as_bytes).collect();
        history.push(show_command(&args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>()));
        let (theirs, ours) = (oracle.run(&args), executor.run(&args).reply);
        let recent = history[history.len().saturating_sub(40)..].join("\n");
        assert_eq!(
            decode(&ours),
            decode(&theirs),
            "seed {seed}, command {index}; the last commands were\n{recent}\n"
        );
        let theirs = show_reply(&oracle.run(&[b"DEBUG", b"DIGEST"]));
        let digest = dataset_digest(&executor.keyspace).to_hex();
        assert_eq!(format!("+{digest}"), theirs, "seed {seed}: the data differ after\n{recent}");
    }
}

#[test]
fn random_streams_of_sorts() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(800);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(2) {
        compare_stream(&mut oracle, seed, commands);
    }
}
