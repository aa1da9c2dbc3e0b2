//! Commands on lists, hashes, sets, sorted sets and places.

use lastsave_storage::sim::SimulatedRandom;

use super::{
    Command, HASHES, LISTS, SETS, SORTED_SETS, double, element, lasting_seconds, name, one, pick, short_ms,
    small_number, words,
};

pub(super) fn read(random: &mut SimulatedRandom) -> Command {
    let (list, hash) = (pick(random, &LISTS), pick(random, &HASHES));
    let (set, sorted) = (pick(random, &SETS), pick(random, &SORTED_SETS));
    match random.index(9) {
        0 => one(list, &[b"LRANGE", name(list), b"0", b"-1"]),
        1 => one(list, &[b"LLEN", name(list)]),
        2 => one(hash, &[b"HGET", name(hash), &element(random)]),
        3 => one(hash, &[b"HLEN", name(hash)]),
        4 => one(set, &[b"SISMEMBER", name(set), &element(random)]),
        5 => one(set, &[b"SCARD", name(set)]),
        6 => one(sorted, &[b"ZSCORE", name(sorted), &element(random)]),
        7 => one(sorted, &[b"ZRANGE", name(sorted), b"0", b"-1"]),
        _ => one(sorted, &[b"ZCARD", name(sorted)]),
    }
}

pub(super) fn write(random: &mut SimulatedRandom) -> Command {
    match random.index(4) {
        0 => list(random),
        1 => hash(random),
        2 => set(random),
        _ => sorted_set(random),
    }
}

/// Some elements behind the words of a command.
fn with_elements(key: u8, start: &[&[u8]], random: &mut SimulatedRandom) -> Command {
    let most = if random.chance(1, 12) { 40 } else { 4 };
    let mut arguments = words(start);
    arguments.extend((0..=random.index(most)).map(|_| element(random)));
    Command::new(&[key], arguments)
}

fn list(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (pick(random, &LISTS), pick(random, &LISTS));
    let (first, second) = (name(key), name(other));
    match random.index(18) {
        0..=3 => with_elements(key, &[b"RPUSH", first], random),
        4..=6 => with_elements(key, &[b"LPUSH", first], random),
        7 => with_elements(key, &[b"RPUSHX", first], random),
        8 => one(key, &[b"LPOP", first]),
        9 => one(key, &[b"RPOP", first, b"3"]),
        10 => one(key, &[b"LSET", first, &small_number(random, 4), &element(random)]),
        11 => one(key, &[b"LINSERT", first, b"BEFORE", &element(random), &element(random)]),
        12 => one(key, &[b"LREM", first, b"1", &element(random)]),
        13 => one(key, &[b"LTRIM", first, b"1", b"20"]),
        14 | 15 => Command::new(&[key, other], words(&[b"LMOVE", first, second, b"LEFT", b"RIGHT"])),
        16 => Command::new(&[key, other], words(&[b"RPOPLPUSH", first, second])),
        _ => Command::new(&[key, other], words(&[b"LMPOP", b"2", first, second, b"RIGHT", b"COUNT", b"2"])),
    }
}

fn hash(random: &mut SimulatedRandom) -> Command {
    let key = pick(random, &HASHES);
    let first = name(key);
    let field = element(random);
    // Refused without a look where the RDB format in use cannot hold fields that expire.
    let expiring = |arguments: &[&[u8]]| Command { surely_looks: false, ..one(key, arguments) };
    match random.index(17) {
        0..=3 => one(key, &[b"HSET", first, &field, &element(random)]),
        4..=5 => {
            let count = if random.chance(1, 8) { 30 } else { 3 };
            let mut arguments = words(&[b"HSET", first]);
            arguments.extend((0..2 * count).map(|_| element(random)));
            Command::new(&[key], arguments)
        }
        6 => one(key, &[b"HSETNX", first, &field, &element(random)]),
        7 => one(key, &[b"HDEL", first, &field, &element(random)]),
        8 | 9 => one(key, &[b"HINCRBY", first, b"m1", &small_number(random, 100)]),
        10 => one(key, &[b"HINCRBYFLOAT", first, b"m2", &double(random)]),
        11..=13 => expiring(&[b"HPEXPIRE", first, &short_ms(random), b"FIELDS", b"1", &field]),
        14 => expiring(&[b"HEXPIRE", first, &lasting_seconds(random), b"FIELDS", b"2", &field, b"m3"]),
        15 => expiring(&[b"HPERSIST", first, b"FIELDS", b"1", &field]),
        _ => expiring(&[b"HPEXPIREAT", first, b"1000", b"FIELDS", b"1", &field]),
    }
}

fn set(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (pick(random, &SETS), pick(random, &SETS));
    let (first, second) = (name(key), name(other));
    let stored = |arguments: &[&[u8]]| Command::new(&[key, other], words(arguments));
    match random.index(14) {
        0..=5 => with_elements(key, &[b"SADD", first], random),
        6 => with_elements(key, &[b"SREM", first], random),
        7 | 8 => one(key, &[b"SPOP", first]),
        9 => one(key, &[b"SPOP", first, b"3"]),
        10 => stored(&[b"SMOVE", first, second, &element(random)]),
        11 => stored(&[b"SUNIONSTORE", first, first, second]),
        12 => stored(&[b"SINTERSTORE", first, first, second]),
        _ => stored(&[b"SDIFFSTORE", first, second, first]),
    }
}

fn sorted_set(random: &mut SimulatedRandom) -> Command {
    let (key, other) = (pick(random, &SORTED_SETS), pick(random, &SORTED_SETS));
    let (first, second) = (name(key), name(other));
    let stored = |arguments: &[&[u8]]| Command::new(&[key, other], words(arguments));
    match random.index(18) {
        0..=4 => {
            let count = if random.chance(1, 10) { 30 } else { 3 };
            let mut arguments = words(&[b"ZADD", first]);
            for _ in 0..=random.index(count) {
                arguments.extend([double(random), element(random)]);
            }
            Command::new(&[key], arguments)
        }
        5 => one(key, &[b"ZADD", first, b"GT", b"CH", &double(random), &element(random)]),
        6 => one(key, &[b"ZADD", first, b"NX", b"INCR", &double(random), &element(random)]),
        7 | 8 => one(key, &[b"ZINCRBY", first, &double(random), &element(random)]),
        9 => with_elements(key, &[b"ZREM", first], random),
        10 => one(key, &[b"ZPOPMIN", first, b"2"]),
        11 => one(key, &[b"ZPOPMAX", first]),
        12 => one(key, &[b"ZREMRANGEBYRANK", first, b"0", b"0"]),
        13 => one(key, &[b"ZREMRANGEBYSCORE", first, b"-10", b"10"]),
        14 => stored(&[b"ZUNIONSTORE", first, b"2", first, second, b"AGGREGATE", b"MAX"]),
        15 => stored(&[b"ZRANGESTORE", first, second, b"0", b"5"]),
        16 => stored(&[b"ZDIFFSTORE", first, b"2", second, first]),
        _ => one(key, &[b"GEOADD", first, &small_number(random, 100), b"40.5", &element(random)]),
    }
}
