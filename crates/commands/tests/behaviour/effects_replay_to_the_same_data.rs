//! Replaying the effects of a random stream of commands gives the same data.

use lastsave_commands::dataset_digest;
use proptest::prelude::*;

use crate::executor::{Executor, Outcome};

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "d"])
}

fn hash() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["h", "i"])
}

fn set() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["s", "t", "u"])
}

fn sorted_set() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["y", "z"])
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["f", "g", "1", "2", "30000", "\"\""])
}

fn number() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1", "-5", "2.5", "1e10"])
}

fn stream() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["x", "y"])
}

fn id() -> impl Strategy<Value = String> {
    (0..12_u64, 0..3_u64).prop_map(|(ms, seq)| format!("{ms}-{seq}"))
}

fn trim() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..5).prop_map(|len| format!("MAXLEN {len}")),
        (0..5).prop_map(|len| format!("MAXLEN ~ {len} LIMIT 3")),
        id().prop_map(|id| format!("MINID ~ {id}")),
    ]
}

fn stream_command() -> impl Strategy<Value = String> {
    prop_oneof![
        (stream(), name()).prop_map(|(key, field)| format!("XADD {key} * {field} value")),
        (stream(), id()).prop_map(|(key, id)| format!("XADD {key} {id} field value")),
        (stream(), 0..12_u64, trim()).prop_map(|(key, ms, trim)| format!("XADD {key} {trim} {ms}-* f v")),
        (stream(), trim()).prop_map(|(key, trim)| format!("XTRIM {key} {trim}")),
        (stream(), id(), id()).prop_map(|(key, one, other)| format!("XDEL {key} {one} {other}")),
        (stream(), id()).prop_map(|(key, id)| format!("XSETID {key} {id} ENTRIESADDED 50")),
        (stream(), id()).prop_map(|(key, id)| format!("XGROUP CREATE {key} g {id} MKSTREAM")),
        stream().prop_map(|key| format!("XGROUP SETID {key} g $")),
        stream().prop_map(|key| format!("XGROUP DELCONSUMER {key} g c")),
        stream().prop_map(|key| format!("XREADGROUP GROUP g c COUNT 2 STREAMS {key} >")),
        stream().prop_map(|key| format!("XREADGROUP GROUP g d NOACK STREAMS {key} >")),
        (stream(), id()).prop_map(|(key, id)| format!("XACK {key} g {id}")),
        (stream(), id()).prop_map(|(key, id)| format!("XCLAIM {key} g d 0 {id} FORCE LASTID {id}")),
        stream().prop_map(|key| format!("XAUTOCLAIM {key} g c 5 -")),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-1), Just(0), 1..50_i64, Just(1_000_000)]
}

fn list() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["l", "m", "a"])
}

fn list_command() -> impl Strategy<Value = String> {
    let element = prop::sample::select(vec!["1", "-5", "text", "\"\""]);
    prop_oneof![
        4 => (list(), element.clone(), element.clone()).prop_map(|(key, e, f)| format!("LPUSH {key} {e} {f}")),
        2 => (list(), element.clone()).prop_map(|(key, e)| format!("RPUSHX {key} {e}")),
        1 => (list(), 0..3).prop_map(|(key, count)| format!("RPOP {key} {count}")),
        1 => (list(), -3..3, element.clone()).prop_map(|(key, at, e)| format!("LSET {key} {at} {e}")),
        1 => (list(), element.clone(), element.clone())
            .prop_map(|(key, pivot, e)| format!("LINSERT {key} BEFORE {pivot} {e}")),
        1 => (list(), -2..3, element).prop_map(|(key, count, e)| format!("LREM {key} {count} {e}")),
        1 => (list(), 0..3, -3..3).prop_map(|(key, start, end)| format!("LTRIM {key} {start} {end}")),
        1 => (list(), list()).prop_map(|(from, to)| format!("BLMOVE {from} {to} LEFT RIGHT 0")),
        1 => (list(), list()).prop_map(|(from, to)| format!("BRPOPLPUSH {from} {to} 0")),
        1 => (list(), list()).prop_map(|(first, second)| format!("BLPOP {first} {second} 0")),
        1 => (list(), list(), 1..4)
            .prop_map(|(first, second, count)| format!("LMPOP 2 {first} {second} RIGHT COUNT {count}")),
    ]
}

fn command() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec!["1", "-5", "2.5", "text", "\"\""]);
    prop_oneof![
        (key(), value.clone()).prop_map(|(key, value)| format!("SET {key} {value}")),
        (key(), value.clone(), time()).prop_map(|(key, value, time)| format!("SET {key} {value} PX {time}")),
        (key(), value.clone()).prop_map(|(key, value)| format!("SET {key} {value} NX GET KEEPTTL")),
        (key(), value.clone()).prop_map(|(key, value)| format!("GETSET {key} {value}")),
        (key(), value.clone()).prop_map(|(key, value)| format!("APPEND {key} {value}")),
        (key(), value.clone(), 0..9).prop_map(|(key, value, at)| format!("SETRANGE {key} {at} {value}")),
        (key(), value).prop_map(|(key, value)| format!("INCRBYFLOAT {key} {value}")),
        (list(), list()).prop_map(|(from, to)| format!("COPY {from} {to}")),
        list_command(),
        list_command(),
        key().prop_map(|key| format!("INCR {key}")),
        key().prop_map(|key| format!("GETDEL {key}")),
        (key(), time()).prop_map(|(key, time)| format!("GETEX {key} PX {time}")),
        (key(), time()).prop_map(|(key, time)| format!("PEXPIRE {key} {time} GT")),
        (key(), time()).prop_map(|(key, time)| format!("PEXPIRE {key} {time}")),
        key().prop_map(|key| format!("PERSIST {key}")),
        (key(), key()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        (key(), key()).prop_map(|(from, to)| format!("COPY {from} {to} DB 1 REPLACE")),
        key().prop_map(|key| format!("MOVE {key} 1")),
        (key(), key()).prop_map(|(first, second)| format!("DEL {first} {second}")),
        (key(), key()).prop_map(|(first, second)| format!("MSETNX {first} 1 {second} 2")),
        (hash(), name(), number()).prop_map(|(key, field, value)| format!("HSET {key} {field} {value}")),
        (hash(), name(), name()).prop_map(|(key, field, other)| format!("HDEL {key} {field} {other}")),
        (hash(), name(), number())
            .prop_map(|(key, field, value)| format!("HINCRBYFLOAT {key} {field} {value}")),
        (set(), name(), number()).prop_map(|(key, member, other)| format!("SADD {key} {member} {other}")),
        (set(), name()).prop_map(|(key, member)| format!("SREM {key} {member}")),
        set().prop_map(|key| format!("SPOP {key}")),
        (set(), 0..5).prop_map(|(key, count)| format!("SPOP {key} {count}")),
        (set(), set(), name()).prop_map(|(from, to, member)| format!("SMOVE {from} {to} {member}")),
        (set(), set(), set()).prop_map(|(to, one, other)| format!("SUNIONSTORE {to} {one} {other}")),
        (set(), set(), set()).prop_map(|(to, one, other)| format!("SDIFFSTORE {to} {one} {other}")),
        (set(), set(), set()).prop_map(|(to, one, other)| format!("SINTERSTORE {to} {one} {other}")),
        (set(), time()).prop_map(|(key, time)| format!("PEXPIRE {key} {time}")),
        (sorted_set(), number(), name())
            .prop_map(|(key, score, member)| format!("ZADD {key} {score} {member}")),
        (sorted_set(), number(), name())
            .prop_map(|(key, score, member)| format!("ZADD {key} GT INCR {score} {member}")),
        (sorted_set(), name()).prop_map(|(key, member)| format!("ZREM {key} {member} f")),
        (sorted_set(), 0..3).prop_map(|(key, count)| format!("ZPOPMAX {key} {count}")),
        (sorted_set(), sorted_set()).prop_map(|(one, other)| format!("ZMPOP 2 {one} {other} MIN COUNT 2")),
        (sorted_set(), sorted_set()).prop_map(|(one, other)| format!("BZPOPMIN {one} {other} 1")),
        sorted_set().prop_map(|key| format!("ZREMRANGEBYSCORE {key} (1 3")),
        (sorted_set(), sorted_set()).prop_map(|(to, from)| format!("ZRANGESTORE {to} {from} 0 1")),
        (sorted_set(), sorted_set(), set())
            .prop_map(|(to, one, other)| format!("ZUNIONSTORE {to} 2 {one} {other}")),
        (sorted_set(), sorted_set()).prop_map(|(to, from)| format!("ZDIFFSTORE {to} 2 {from} {to}")),
        (sorted_set(), name()).prop_map(|(key, member)| format!("GEOADD {key} CH 13.5 38.5 {member}")),
        (sorted_set(), sorted_set()).prop_map(|(to, from)| format!(
            "GEOSEARCHSTORE {to} {from} FROMLONLAT 13 38 BYRADIUS 90 km STOREDIST"
        )),
        (key(), 0..200, 0..2).prop_map(|(key, offset, bit)| format!("SETBIT {key} {offset} {bit}")),
        (key(), key(), key()).prop_map(|(to, one, other)| format!("BITOP XOR {to} {one} {other}")),
        (key(), key()).prop_map(|(to, from)| format!("BITOP NOT {to} {from}")),
        (key(), 0..60, -900..900).prop_map(|(key, offset, number)| {
            format!("BITFIELD {key} OVERFLOW FAIL INCRBY u9 {offset} {number} SET i7 #1 {number}")
        }),
        (key(), 0..50).prop_map(|(key, element)| format!("PFADD h{key} {element} x{element}")),
        key().prop_map(|key| format!("PFCOUNT h{key}")),
        (key(), key()).prop_map(|(to, from)| format!("PFMERGE h{to} h{from}")),
        stream_command(),
        stream_command(),
        stream_command(),
        (stream(), stream()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        Just("SWAPDB 0 1".to_owned()),
        Just("FLUSHDB".to_owned()),
        Just("RANDOMKEY".to_owned()),
    ]
}

fn replay(replica: &mut Executor, outcome: &Outcome) {
    for effect in &outcome.effects {
        replica.db = effect.db;
        let args: Vec<&[u8]> = effect.args.iter().map(Vec::as_slice).collect();
        let replayed = replica.run(&args);
        assert_ne!(replayed.reply[0], b'-', "{effect:?} fails when replayed: {replayed:?}");
        assert!(replayed.effects.is_empty(), "a replay logs nothing");
    }
}

proptest! {
    #[test]
    fn effects_replay_to_the_same_data(steps in prop::collection::vec((command(), 0..20_i64), 1..60)) {
        let (mut original, mut replica) = (Executor::new(), Executor::new());
        replica.replay = true;
        for (command, pause_ms) in steps {
            original.now_ms += pause_ms;
            // The replica's clock is of no importance.
            replica.now_ms += 1_000_000_000;
            let outcome = original.run_text(&command);
            replay(&mut replica, &outcome);
            prop_assert_eq!(dataset_digest(&original.keyspace), dataset_digest(&replica.keyspace), "after {}", command);
        }
    }
}
