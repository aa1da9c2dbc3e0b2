//! Commands on streams, groups and consumers.

use lastsave_storage::sim::SimulatedRandom;

use super::{Command, STREAMS, element, name, one, pick, small_number, words};

const GROUPS: [&[u8]; 2] = [b"g1", b"g2"];
const CONSUMERS: [&[u8]; 3] = [b"alice", b"bob", b"#carol"];

/// Entries have ids that the commands can name: few milliseconds, few sequence numbers.
fn some_id(random: &mut SimulatedRandom) -> Vec<u8> {
    format!("{}-{}", random.index(30), random.index(4)).into_bytes()
}

pub(super) fn read(random: &mut SimulatedRandom) -> Command {
    let key = pick(random, &STREAMS);
    match random.index(3) {
        0 => one(key, &[b"XLEN", name(key)]),
        1 => one(key, &[b"XRANGE", name(key), b"-", b"+", b"COUNT", b"3"]),
        _ => one(key, &[b"XPENDING", name(key), group(random)]),
    }
}

pub(super) fn group(random: &mut SimulatedRandom) -> &'static [u8] {
    GROUPS[random.index(GROUPS.len())]
}

pub(super) fn consumer(random: &mut SimulatedRandom) -> &'static [u8] {
    CONSUMERS[random.index(CONSUMERS.len())]
}

pub(super) fn write(random: &mut SimulatedRandom) -> Command {
    let key = pick(random, &STREAMS);
    let first = name(key);
    let (group, consumer) = (group(random), consumer(random));
    // Refused without a look when an id does not suit, or when there is no such group.
    let maybe = |arguments: &[&[u8]]| Command { surely_looks: false, ..one(key, arguments) };
    match random.index(30) {
        0..=2 => one(key, &[b"XADD", first, b"*", &element(random), &element(random)]),
        3 | 4 => {
            let fields = [element(random), element(random), b"n".to_vec(), small_number(random, 1000)];
            let [one, two, three, four] = &fields;
            maybe(&[b"XADD", first, b"MAXLEN", b"~", b"8", b"*", one, two, three, four])
        }
        5..=7 => {
            let id = format!("{}-*", random.index(30)).into_bytes();
            maybe(&[b"XADD", first, &id, b"f", &element(random)])
        }
        8 => maybe(&[b"XADD", first, b"NOMKSTREAM", b"MINID", b"5", b"*", b"f", b"1"]),
        9 => maybe(&[b"XDEL", first, &some_id(random), &some_id(random)]),
        10 => maybe(&[b"XTRIM", first, b"MAXLEN", &small_number(random, 10)]),
        11 => maybe(&[b"XSETID", first, b"99999999999999-1"]),
        12..=15 => maybe(&[b"XGROUP", b"CREATE", first, group, b"0", b"MKSTREAM"]),
        16 => maybe(&[b"XGROUP", b"SETID", first, group, &some_id(random)]),
        17 => maybe(&[b"XGROUP", b"DESTROY", first, group]),
        18 => maybe(&[b"XGROUP", b"CREATECONSUMER", first, group, consumer]),
        19 => maybe(&[b"XGROUP", b"DELCONSUMER", first, group, consumer]),
        20..=23 => {
            let count = small_number(random, 4);
            maybe(&[b"XREADGROUP", b"GROUP", group, consumer, b"COUNT", &count, b"STREAMS", first, b">"])
        }
        24 => maybe(&[b"XREADGROUP", b"GROUP", group, consumer, b"NOACK", b"STREAMS", first, b">"]),
        25 | 26 => maybe(&[b"XACK", first, group, &some_id(random), &some_id(random), &some_id(random)]),
        27 | 28 => maybe(&[b"XAUTOCLAIM", first, group, consumer, b"0", b"0", b"COUNT", b"3"]),
        _ => maybe(&[b"XCLAIM", first, group, consumer, b"0", &some_id(random), &some_id(random), b"FORCE"]),
    }
}

/// XREAD or XREADGROUP that waits for a new entry.
pub(super) fn wait(random: &mut SimulatedRandom) -> Command {
    let key = pick(random, &STREAMS);
    let arguments = if random.chance(1, 2) {
        words(&[b"XREAD", b"BLOCK", b"0", b"STREAMS", name(key), b"$"])
    } else {
        let (group, consumer) = (group(random), consumer(random));
        words(&[b"XREADGROUP", b"GROUP", group, consumer, b"BLOCK", b"0", b"STREAMS", name(key), b">"])
    };
    Command::new(&[key], arguments)
}
