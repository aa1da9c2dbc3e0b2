//! The units that a connection of the workload executes one after the other, and what each does to its keys: after each
//! they are as after no other.

use std::collections::BTreeMap;

/// Keys and values.
pub(super) type State = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn is_transaction(unit: u64) -> bool {
    matches!(unit % 8, 0 | 7)
}

/// The commands of a unit.
pub(super) fn commands(letter: char, unit: u64) -> Vec<Vec<String>> {
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
    let slot = format!("{letter}:slot:{}", slot(unit));
    match unit % 8 {
        0 => vec![
            words("MULTI".to_owned()),
            words(format!("SET {letter}:left {unit}")),
            words(format!("SET {letter}:right {unit}")),
            words(format!("APPEND order {letter}")),
            words("EXEC".to_owned()),
        ],
        1 => vec![words(format!("SET {slot} {}", filler(unit)))],
        2 => vec![words(format!("INCR {letter}:count"))],
        3 => vec![words(format!("MSET {letter}:x {unit} {letter}:y {unit}"))],
        4 => vec![words(format!("APPEND {letter}:tail:{} {unit};", unit / 400 % 5))],
        5 => vec![words(format!("DEL {slot}"))],
        6 => vec![words(format!("SET {slot} {} EX 100000", filler(unit)))],
        _ => vec![
            words("MULTI".to_owned()),
            words(format!("INCRBY {letter}:count 10")),
            words(format!("SETRANGE {letter}:range {} {unit}", unit % 50)),
            words("INCR total".to_owned()),
            words(format!("APPEND order {letter}")),
            words("EXEC".to_owned()),
        ],
    }
}

/// The slot that a unit sets, or deletes: then the one that was set last, so that no unit leaves the keys as they were.
fn slot(unit: u64) -> u64 {
    let set_by = if unit % 8 == 5 { unit - 4 } else { unit };
    set_by * 7 % 40
}

fn filler(unit: u64) -> String {
    let length = if unit % 97 == 1 { 20_000 } else { unit * 13 % 300 };
    let mut text = format!("{unit}:");
    text.extend((0..length).map(|index| char::from(b'a' + ((unit + index * index) % 26) as u8)));
    text
}

/// What a unit does to its connection's keys.
pub(super) fn apply(state: &mut State, letter: char, unit: u64) {
    let key = |name: &str| format!("{letter}:{name}").into_bytes();
    let number = unit.to_string().into_bytes();
    let slot = key(&format!("slot:{}", slot(unit)));
    match unit % 8 {
        0 => {
            state.insert(key("left"), number.clone());
            state.insert(key("right"), number);
        }
        1 | 6 => {
            state.insert(slot, filler(unit).into_bytes());
        }
        2 => add(state, key("count"), 1),
        3 => {
            state.insert(key("x"), number.clone());
            state.insert(key("y"), number);
        }
        4 => {
            let tail = state.entry(key(&format!("tail:{}", unit / 400 % 5))).or_default();
            tail.extend_from_slice(format!("{unit};").as_bytes());
        }
        5 => {
            state.remove(&slot);
        }
        _ => {
            add(state, key("count"), 10);
            let range = state.entry(key("range")).or_default();
            let start = (unit % 50) as usize;
            range.resize(range.len().max(start + number.len()), 0);
            range[start..start + number.len()].copy_from_slice(&number);
        }
    }
}

fn add(state: &mut State, key: Vec<u8>, amount: u64) {
    let value = state.entry(key).or_insert_with(|| b"0".to_vec());
    let sum = String::from_utf8_lossy(value).parse::<u64>().expect("a counter is a number") + amount;
    *value = sum.to_string().into_bytes();
}
