//! What clients ask for: seeded random commands of every data type over a handful of keys.

mod blocking;
mod collections;
mod streams;
mod strings;

use lastsave_storage::sim::SimulatedRandom;

use super::model::{DATABASES, KEYS, Touched};

/// Lasting expiries lie at least this far ahead, in seconds: no simulation lasts that long.
const LASTING_SECONDS_MIN: u64 = 100_000_000;

/// Keys of each type. Some names are shared, so that types meet and replace each other.
const STRINGS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const LISTS: [u8; 4] = [12, 13, 6, 1];
const HASHES: [u8; 4] = [14, 15, 5, 9];
const SETS: [u8; 4] = [16, 17, 7, 10];
const SORTED_SETS: [u8; 4] = [18, 19, 8, 11];
const STREAMS: [u8; 4] = [20, 21, 2, 6];

/// A command as a client sends it.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) arguments: Vec<Vec<u8>>,
    pub(super) touched: Touched,
    /// Whether its reply always tells something about its first key, or about how many keys there are.
    pub(super) surely_looks: bool,
}

impl Command {
    /// A command on the first of these keys, and perhaps on the others.
    fn new(keys: &[u8], arguments: Vec<Vec<u8>>) -> Self {
        let surely_looks = keys.len() == 1;
        Self { arguments, touched: Touched::Keys(keys.to_vec()), surely_looks }
    }

    fn wide(arguments: Vec<Vec<u8>>, surely_looks: bool) -> Self {
        Self { arguments, touched: Touched::Everything, surely_looks }
    }

    /// A command on one key.
    pub(super) fn plain(key: u8, arguments: &[&[u8]]) -> Self {
        one(key, arguments)
    }

    /// The command for people, without its long arguments.
    pub(super) fn describe(&self) -> String {
        let shown = self.arguments.iter().map(|argument| match argument.len() {
            0..=24 => argument.escape_ascii().to_string(),
            length => format!("<{length} bytes>"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

/// A command that only looks.
pub(super) fn read(random: &mut SimulatedRandom) -> Command {
    let strings = pick(random, &STRINGS);
    let any = random.index(KEYS.len()) as u8;
    match random.index(14) {
        0..=2 => one(strings, &[b"GET", name(strings)]),
        3 => one(any, &[b"EXISTS", name(any)]),
        4 => one(strings, &[b"STRLEN", name(strings)]),
        5 => one(any, &[b"TYPE", name(any)]),
        6 => one(any, &[b"PEXPIRETIME", name(any)]),
        7..=10 => collections::read(random),
        11 => streams::read(random),
        _ => Command::wide(words(&[b"DBSIZE"]), true),
    }
}

/// A command that writes, or would if the data were different.
pub(super) fn write(random: &mut SimulatedRandom) -> Command {
    match random.index(100) {
        0..=34 => strings::write(random),
        35..=64 => collections::write(random),
        65..=79 => streams::write(random),
        80..=96 => generic(random),
        _ => wide(random),
    }
}

/// A command whose client waits if there is nothing to take.
pub(super) fn wait(random: &mut SimulatedRandom) -> Command {
    Command { surely_looks: false, ..blocking::wait(random) }
}

/// What works on keys of any type.
fn generic(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (random.index(KEYS.len()) as u8, random.index(KEYS.len()) as u8);
    let (first, second) = (name(key), name(other));
    let database = random.index(DATABASES).to_string().into_bytes();
    let both = |arguments: &[&[u8]]| Command::new(&[key, other], words(arguments));
    let maybe = |arguments: &[&[u8]]| Command { surely_looks: false, ..one(key, arguments) };
    match random.index(20) {
        0..=3 => one(key, &[b"DEL", first]),
        4 => both(&[b"UNLINK", first, second]),
        5..=7 => both(&[b"RENAME", first, second]),
        8 => both(&[b"RENAMENX", first, second]),
        9 | 10 => both(&[b"COPY", first, second, b"DB", &database, b"REPLACE"]),
        11..=13 => maybe(&[b"MOVE", first, &database]),
        14 => one(key, &[b"EXPIRE", first, &lasting_seconds(random)]),
        15 | 16 => one(key, &[b"PEXPIRE", first, &short_ms(random)]),
        17 => one(key, &[b"PEXPIREAT", first, b"1000"]),
        18 => one(key, &[b"PERSIST", first]),
        _ => both(&[b"SORT", first, b"ALPHA", b"STORE", second]),
    }
}

/// What works on whole databases.
fn wide(random: &mut SimulatedRandom) -> Command {
    let database = random.index(DATABASES).to_string().into_bytes();
    match random.index(8) {
        0..=2 => Command::wide(words(&[b"SWAPDB", b"0", &database]), false),
        3 | 4 => Command::wide(words(&[b"SWAPDB", b"2", &database]), false),
        5 | 6 => Command::wide(words(&[b"FLUSHDB"]), true),
        _ => Command::wide(words(&[b"FLUSHALL"]), true),
    }
}

fn one(key: u8, arguments: &[&[u8]]) -> Command {
    Command::new(&[key], words(arguments))
}

fn words(arguments: &[&[u8]]) -> Vec<Vec<u8>> {
    arguments.iter().map(|argument| argument.to_vec()).collect()
}

fn name(key: u8) -> &'static [u8] {
    KEYS[usize::from(key)]
}

/// A key of a type; now and then one that may hold anything.
fn pick(random: &mut SimulatedRandom, keys: &[u8]) -> u8 {
    if random.chance(1, 30) { random.index(KEYS.len()) as u8 } else { keys[random.index(keys.len())] }
}

fn lasting_seconds(random: &mut SimulatedRandom) -> Vec<u8> {
    random.pick(LASTING_SECONDS_MIN..2 * LASTING_SECONDS_MIN).to_string().into_bytes()
}

/// A time that passes within a life or two.
fn short_ms(random: &mut SimulatedRandom) -> Vec<u8> {
    random.pick(1..8000).to_string().into_bytes()
}

fn small_number(random: &mut SimulatedRandom, below: u64) -> Vec<u8> {
    random.pick(0..below).to_string().into_bytes()
}

/// A score, or an increment, of any sign.
fn double(random: &mut SimulatedRandom) -> Vec<u8> {
    let whole = random.pick(0..200) as i64 - 100;
    if random.chance(1, 2) { whole.to_string() } else { format!("{whole}.{}", random.index(1000)) }
        .into_bytes()
}

/// One of a few fields or members; some are numbers, some long, some look like the log's own lines.
fn element(random: &mut SimulatedRandom) -> Vec<u8> {
    match random.index(24) {
        0..=9 => format!("m{}", random.index(12)).into_bytes(),
        10..=18 => random.pick(0..20).to_string().into_bytes(),
        19 => b"\r\n#.0123456789abcdef\r\n".to_vec(),
        20 => vec![b'e'; random.pick(60..90) as usize],
        21 => Vec::new(),
        22 => short_text(random),
        _ => value(random),
    }
}

fn short_text(random: &mut SimulatedRandom) -> Vec<u8> {
    let mut text = vec![0; random.index(20)];
    random.fill(&mut text);
    text
}

/// Numbers, noise, text that looks like the log's own lines; sometimes big.
fn value(random: &mut SimulatedRandom) -> Vec<u8> {
    match random.index(40) {
        0..=7 => random.pick(0..100_000).to_string().into_bytes(),
        8..=27 => {
            let mut text = vec![b'v'; random.index(120)];
            let noisy = random.index(text.len() + 1);
            random.fill(&mut text[..noisy]);
            text
        }
        28..=31 => {
            let mut text = b"x\r\n#.0123456789abcdef\r\n#:\r\n#LASTSAVE 1 \r\n*1\r\n$5\r\nMULTI\r\n"
                .repeat(random.index(12) + 1);
            text.truncate(random.index(text.len()));
            text
        }
        32..=34 => b"################################\r\n".repeat(random.index(60)),
        35 => vec![0; random.index(3000)],
        36..=38 => long(random, 700, 9000),
        _ if random.chance(1, 4) => long(random, 20_000, 200_000),
        _ => long(random, 5000, 30_000),
    }
}

fn long(random: &mut SimulatedRandom, least: u64, most: u64) -> Vec<u8> {
    let mut text = vec![b'L'; random.pick(least..most) as usize];
    if random.chance(1, 2) {
        random.fill(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_exists_and_has_the_right_number_of_arguments() {
        let mut random = SimulatedRandom::new(5);
        let mut names = BTreeSet::new();
        for _ in 0..4000 {
            for command in [read(&mut random), write(&mut random), wait(&mut random)] {
                let spec = lastsave_commands::lookup(&command.arguments[0]).expect("the command is known");
                let spec = match command.arguments.get(1) {
                    Some(word) if !spec.subcommands.is_empty() => spec.subcommand(word).expect("so is this"),
                    _ => spec,
                };
                assert!(spec.accepts(command.arguments.len()), "{}", command.describe());
                names.insert(command.arguments[0].clone());
            }
        }
        assert!(names.len() > 100, "{} commands", names.len());
    }
}
