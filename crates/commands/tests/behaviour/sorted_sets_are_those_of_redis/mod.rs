//! Random commands on sorted sets and positions, on Redis and here: the same replies, byte for byte, and the same data.
//!
//! `LASTSAVE_DIFFERENTIAL_SEED` replays one stream; `_STREAMS` and `_COMMANDS` say how many and how long.
//!
//! Scores have few binary digits: 7.0.15 writes others with all of 17 decimals, where 7.2 and we write the shortest.

mod generator;

use lastsave_commands::dataset_digest;
use lastsave_rdb::RdbVersion;
use lastsave_resp::{Protocol, Reply};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use crate::executor::Executor;
use crate::oracle::{Oracle, decode};
use crate::script::show_reply;
use generator::{Generator, Words};

fn sorted(reply: &Reply, group: usize) -> Reply {
    match reply {
        Reply::Array(items) if items.len() == 2 && matches!(items[1], Reply::Array(_)) => {
            Reply::Array(vec![items[0].clone(), sorted(&items[1], group)])
        }
        Reply::Array(items) => {
            let is_flat = items.iter().all(|item| !matches!(item, Reply::Array(_)));
            let mut groups: Vec<&[Reply]> = items.chunks(if is_flat { group } else { 1 }).collect();
            groups.sort_by_key(|group| format!("{group:?}"));
            Reply::Array(groups.concat())
        }
        other => other.clone(),
    }
}

/// Whether the replies are the same but for the digits of numbers.
fn same_numbers(ours: &Reply, theirs: &Reply) -> bool {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    match (ours, theirs) {
        (Reply::Array(ours), Reply::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| same_numbers(ours, theirs))
        }
        (Reply::Bulk(ours), Reply::Bulk(theirs)) if ours != theirs => {
            number(ours).is_some() && number(ours) == number(theirs)
        }
        _ => ours == theirs,
    }
}

/// Distances that are equal after rounding may have their members in another order; random ones are anybody's.
fn agree(command: &Words, ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    let has = |word: &[u8]| command.iter().any(|other| other.eq_ignore_ascii_case(word));
    let (ours, theirs) = (decode(ours), decode(theirs));
    if same_numbers(&ours, &theirs) {
        return true;
    }
    match command[0].as_slice() {
        b"ZSCAN" => sorted(&ours, 2) == sorted(&theirs, 2),
        b"ZRANDMEMBER" => match (&ours, &theirs) {
            (Reply::Array(ours), Reply::Array(theirs)) => ours.len() == theirs.len(),
            (Reply::Bulk(_), Reply::Bulk(_)) => true,
            _ => false,
        },
        name if name.starts_with(b"GEO") && !has(b"COUNT") => sorted(&ours, 1) == sorted(&theirs, 1),
        _ => false,
    }
}

fn show(command: &Words) -> String {
    let words: Vec<String> = command.iter().map(|word| format!("\"{}\"", word.escape_ascii())).collect();
    words.join(" ")
}

fn compare_stream(oracle: &mut Oracle, seed: u64, commands: u64) {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V10;
    executor.options.rdb_compression = false;
    let random = SmallRng::seed_from_u64(seed);
    let mut generator = Generator { random, geo: seed % 4 == 3, lex: seed % 4 == 2 };
    let (entries_max, value_max) = *[(128, 64), (5, 64), (5, 6), (1_000_000, 1_000_000)]
        .choose(&mut generator.random)
        .expect("there are limits");
    executor.options.zset_max_listpack_entries = entries_max;
    executor.options.zset_max_listpack_value = value_max;
    executor.protocol = if generator.chance(50) { Protocol::Resp3 } else { Protocol::Resp2 };
    let version: &[u8] = if executor.protocol == Protocol::Resp3 { b"3" } else { b"2" };
    oracle.run(&[b"FLUSHALL"]);
    oracle.run(&[b"HELLO", version]);
    for (name, value) in [("zset-max-listpack-entries", entries_max), ("zset-max-listpack-value", value_max)]
    {
        oracle.run(&[b"CONFIG", b"SET", name.as_bytes(), value.to_string().as_bytes()]);
    }
    let mut history = Vec::new();
    for index in 0..commands {
        let command = generator.command();
        // A huge negative count asks for that many replies.
        if command[0] == b"ZRANDMEMBER" && command.get(2).is_some_and(|count| count.len() > 3) {
            continue;
        }
        history.push(show(&command));
        let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let theirs = oracle.run(&args);
        let ours = executor.run(&args).reply;
        let recent = &history[history.len().saturating_sub(25)..];
        assert!(
            agree(&command, &ours, &theirs),
            "seed {seed}, command {index}; the last commands were\n{}\n\nours:   {}\ntheirs: {}",
            recent.join("\n"),
            show_reply(&ours),
            show_reply(&theirs)
        );
        if index % 50 == 49 || index + 1 == commands {
            let at = format!("seed {seed}, command {index}; the last commands were\n{}", recent.join("\n"));
            compare_data(oracle, &mut executor, generator.geo, &at);
        }
    }
}

/// Compares all data: by digest, unless there are scores with many digits.
fn compare_data(oracle: &mut Oracle, executor: &mut Executor, by_elements: bool, at: &str) {
    if !by_elements {
        let theirs = show_reply(&oracle.run(&[b"DEBUG", b"DIGEST"]));
        let ours = format!("+{}", dataset_digest(&executor.keyspace).to_hex());
        return assert_eq!(ours, theirs, "{at}");
    }
    for key in ["a", "b", "c", "d", "e", "text"] {
        let command = ["ZRANGE", key, "0", "-1", "WITHSCORES"].map(str::as_bytes);
        let (ours, theirs) = (executor.run(&command).reply, oracle.run(&command));
        let is_same = same_numbers(&decode(&ours), &decode(&theirs));
        assert!(is_same, "{at}\n{key}\nours:   {}\ntheirs: {}", show_reply(&ours), show_reply(&theirs));
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(format!("LASTSAVE_DIFFERENTIAL_{name}")).ok()?.parse().ok()
}

#[test]
fn random_commands_on_sorted_sets() {
    let Some(mut oracle) = Oracle::start() else { return };
    let commands = setting("COMMANDS").unwrap_or(400);
    if let Some(seed) = setting("SEED") {
        return compare_stream(&mut oracle, seed, commands);
    }
    for seed in 1..=setting("STREAMS").unwrap_or(24) {
        compare_stream(&mut oracle, seed, commands);
    }
}
