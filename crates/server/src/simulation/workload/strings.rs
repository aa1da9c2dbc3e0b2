//! Commands on strings, bitmaps and cardinalities.

use lastsave_storage::sim::SimulatedRandom;

use super::{
    Command, STRINGS, double, lasting_seconds, name, one, pick, short_ms, short_text, small_number, value,
    words,
};

/// The counter, the cardinality and the bitmap, by their index among the keys.
const COUNTER: u8 = 4;
const CARDINALITY: u8 = 22;
const BITMAP: u8 = 23;

pub(super) fn write(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (pick(random, &STRINGS), pick(random, &STRINGS));
    let (first, second) = (name(key), name(other));
    let both = |arguments: &[&[u8]]| Command::new(&[key, other], words(arguments));
    match random.index(70) {
        0..=19 => one(key, &[b"SET", first, &value(random)]),
        20 | 21 => one(key, &[b"SET", first, &value(random), b"EX", &lasting_seconds(random)]),
        22..=24 => one(key, &[b"SET", first, &value(random), b"PX", &short_ms(random)]),
        25 => one(key, &[b"SET", first, &value(random), b"NX"]),
        26 => one(key, &[b"SET", first, &value(random), b"XX", b"KEEPTTL"]),
        27 => one(key, &[b"SETEX", first, &lasting_seconds(random), &value(random)]),
        28 => one(key, &[b"PSETEX", first, &short_ms(random), &value(random)]),
        29 => one(key, &[b"GETSET", first, &value(random)]),
        30 => one(key, &[b"GETDEL", first]),
        31..=37 => one(key, &[b"APPEND", first, &value(random)]),
        38..=41 => one(key, &[b"SETRANGE", first, &small_number(random, 300), &short_text(random)]),
        42..=47 => one(COUNTER, &[b"INCR", name(COUNTER)]),
        48 | 49 => one(COUNTER, &[b"DECRBY", name(COUNTER), &small_number(random, 50)]),
        50 => one(COUNTER, &[b"INCRBYFLOAT", name(COUNTER), &double(random)]),
        51 => one(key, &[b"INCRBY", first, &small_number(random, 1000)]),
        52..=55 => both(&[b"MSET", first, &value(random), second, &value(random)]),
        56 => both(&[b"MSETNX", first, b"1", second, b"2"]),
        57 => one(key, &[b"GETEX", first, b"EX", &lasting_seconds(random)]),
        58 => one(key, &[b"GETEX", first, b"PX", &short_ms(random)]),
        59 => one(key, &[b"GETEX", first, b"PERSIST"]),
        60 | 61 => one(CARDINALITY, &[b"PFADD", name(CARDINALITY), &value(random), &short_text(random)]),
        62 => Command::new(&[CARDINALITY, key], words(&[b"PFMERGE", name(CARDINALITY), first])),
        63 | 64 => one(BITMAP, &[b"SETBIT", name(BITMAP), &small_number(random, 4000), b"1"]),
        65 => one(BITMAP, &[b"BITFIELD", name(BITMAP), b"INCRBY", b"u7", &small_number(random, 99), b"3"]),
        66 => Command::new(&[BITMAP, key, other], words(&[b"BITOP", b"XOR", name(BITMAP), first, second])),
        _ => one(key, &[b"SETNX", first, &value(random)]),
    }
}
