//! What clients ask for: seeded random commands over a handful of keys.

use lastsave_storage::sim::SimulatedRandom;

use super::model::{DATABASES, KEYS, Touched};

/// Expiries lie at least this far ahead, in seconds: no simulation lasts that long.
const EXPIRY_SECONDS_MIN: u64 = 100_000_000;

/// A command as a client sends it.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) arguments: Vec<Vec<u8>>,
    pub(super) touched: Touched,
}

impl Command {
    fn new(keys: &[u8], arguments: Vec<Vec<u8>>) -> Self {
        Self { arguments, touched: Touched::Keys(keys.to_vec()) }
    }

    fn wide(arguments: Vec<Vec<u8>>) -> Self {
        Self { arguments, touched: Touched::Everything }
    }

    /// Whether its reply always tells something about its first key, or about how many keys there are.
    pub(super) fn surely_looks(&self) -> bool {
        let name = self.arguments[0].as_slice();
        ![&b"MOVE"[..], b"COPY", b"RENAME", b"RENAMENX", b"MSETNX", b"SWAPDB"].contains(&name)
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
    let key = pick_key(random);
    let name = KEYS[usize::from(key)];
    match random.index(6) {
        0..=2 => Command::new(&[key], words(&[b"GET", name])),
        3 => Command::new(&[key], words(&[b"EXISTS", name])),
        4 => Command::new(&[key], words(&[b"STRLEN", name])),
        _ => Command::wide(words(&[b"DBSIZE"])),
    }
}

/// A command that writes, or would if the data were different.
pub(super) fn write(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (pick_key(random), pick_key(random));
    let (name, other_name) = (KEYS[usize::from(key)], KEYS[usize::from(other)]);
    let database = random.index(DATABASES).to_string().into_bytes();
    let one = |arguments: &[&[u8]]| Command::new(&[key], words(arguments));
    let both = |arguments: &[&[u8]]| Command::new(&[key, other], words(arguments));
    match random.index(100) {
        0..=29 => one(&[b"SET", name, &value(random)]),
        30..=32 => one(&[b"SET", name, &value(random), b"EX", &far_seconds(random)]),
        33 => one(&[b"SET", name, &value(random), b"NX"]),
        34 => one(&[b"SET", name, &value(random), b"XX", b"KEEPTTL"]),
        35 => one(&[b"SETEX", name, &far_seconds(random), &value(random)]),
        36 => one(&[b"GETSET", name, &value(random)]),
        37 => one(&[b"GETDEL", name]),
        38..=47 => one(&[b"APPEND", name, &value(random)]),
        48..=53 => one(&[b"SETRANGE", name, &small_number(random, 300), &short_text(random)]),
        54..=63 => Command::new(&[4], words(&[b"INCR", KEYS[4]])),
        64..=66 => one(&[b"INCRBY", name, &small_number(random, 1000)]),
        67..=73 => one(&[b"DEL", name]),
        74 => both(&[b"UNLINK", name, other_name]),
        75..=78 => both(&[b"MSET", name, &value(random), other_name, &value(random)]),
        79 => both(&[b"MSETNX", name, b"1", other_name, b"2"]),
        80..=82 => both(&[b"RENAME", name, other_name]),
        83 => both(&[b"RENAMENX", name, other_name]),
        84..=86 => both(&[b"COPY", name, other_name, b"DB", &database, b"REPLACE"]),
        87..=89 => one(&[b"MOVE", name, &database]),
        90 | 91 => one(&[b"EXPIRE", name, &far_seconds(random)]),
        92 => one(&[b"PEXPIREAT", name, b"1000"]),
        93 => one(&[b"PERSIST", name]),
        94..=96 => one(&[b"GETEX", name, b"EX", &far_seconds(random)]),
        97 => Command::wide(words(&[b"SWAPDB", b"0", &database])),
        _ => match random.index(6) {
            0..=2 => Command::wide(words(&[b"SWAPDB", b"2", &database])),
            3 | 4 => Command::wide(words(&[b"FLUSHDB"])),
            _ => Command::wide(words(&[b"FLUSHALL"])),
        },
    }
}

fn words(arguments: &[&[u8]]) -> Vec<Vec<u8>> {
    arguments.iter().map(|argument| argument.to_vec()).collect()
}

fn pick_key(random: &mut SimulatedRandom) -> u8 {
    random.index(KEYS.len()) as u8
}

fn far_seconds(random: &mut SimulatedRandom) -> Vec<u8> {
    random.pick(EXPIRY_SECONDS_MIN..2 * EXPIRY_SECONDS_MIN).to_string().into_bytes()
}

fn small_number(random: &mut SimulatedRandom, below: u64) -> Vec<u8> {
    random.pick(0..below).to_string().into_bytes()
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
    use super::*;

    #[test]
    fn every_command_exists_and_has_the_right_number_of_arguments() {
        let mut random = SimulatedRandom::new(5);
        for _ in 0..2000 {
            for command in [read(&mut random), write(&mut random)] {
                let spec = lastsave_commands::lookup(&command.arguments[0]).expect("the command is known");
                assert!(spec.accepts(command.arguments.len()), "{}", command.describe());
            }
        }
    }
}
