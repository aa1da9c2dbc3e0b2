//! The keyspace events of each command, with their order, as Redis 7.2 publishes them.

use lastsave_commands::{EventClass, Signal};

use crate::executor::Executor;

const EVERY_CLASS: [EventClass; 12] = [
    EventClass::Generic,
    EventClass::String,
    EventClass::List,
    EventClass::Set,
    EventClass::Hash,
    EventClass::SortedSet,
    EventClass::Stream,
    EventClass::Expired,
    EventClass::Evicted,
    EventClass::KeyMiss,
    EventClass::New,
    EventClass::Module,
];

/// What the lines announce, each as `db:event:key`.
fn events_of(lines: &[&str]) -> String {
    let mut executor = Executor::new();
    executor.signals.want_events(EVERY_CLASS);
    for (index, line) in lines.iter().enumerate() {
        if index + 1 == lines.len() {
            executor.signals.clear();
        }
        executor.run_text(line);
    }
    let shown = |signal: Signal<'_>| match signal {
        Signal::Event { db, event, key, .. } => format!("{db}:{event}:{}", key.escape_ascii()),
        other => format!("{other:?}"),
    };
    executor.signals.iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn strings() {
    for (lines, expected) in [
        (&["SET k v"][..], "0:new:k 0:set:k"),
        (&["SET k v", "SET k w EX 100"], "0:set:k 0:expire:k"),
        (&["SET k v", "SET k w NX"], ""),
        (&["SET k v GET"], "0:keymiss:k 0:new:k 0:set:k"),
        (&["SETEX k 10 v"], "0:new:k 0:set:k 0:expire:k"),
        (&["GET k"], "0:keymiss:k"),
        (&["STRLEN k"], "0:keymiss:k"),
        (&["MGET a b"], "0:keymiss:a 0:keymiss:b"),
        (&["APPEND k v"], "0:new:k 0:append:k"),
        (&["SETRANGE k 2 v"], "0:new:k 0:setrange:k"),
        (&["SET k v", "SETRANGE k 2 \"\""], ""),
        (&["INCR k"], "0:new:k 0:incrby:k"),
        (&["SET k 1", "DECRBY k 3"], "0:incrby:k"),
        (&["INCRBYFLOAT k 1.5"], "0:new:k 0:incrbyfloat:k"),
        (&["MSET a 1 b 2"], "0:new:a 0:set:a 0:new:b 0:set:b"),
        (&["MSETNX a 1"], "0:new:a 0:set:a"),
        (&["GETSET k v"], "0:keymiss:k 0:new:k 0:set:k"),
        (&["SET k v", "GETDEL k"], "0:del:k"),
        (&["SET k v", "GETEX k EX 10"], "0:expire:k"),
        (&["SET k v", "GETEX k EXAT 1"], "0:del:k"),
        (&["SET k v EX 10", "GETEX k PERSIST"], "0:persist:k"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn hashes() {
    for (lines, expected) in [
        (&["HSET h a 1 b 2"][..], "0:new:h 0:hset:h"),
        (&["HSET h a 1", "HSETNX h a 2"], ""),
        (&["HSETNX h a 2"], "0:new:h 0:hset:h"),
        (&["HINCRBY h a 2"], "0:new:h 0:hincrby:h"),
        (&["HSET h a 1", "HINCRBYFLOAT h a 2"], "0:hincrbyfloat:h"),
        (&["HSET h a 1 b 1", "HDEL h a"], "0:hdel:h"),
        (&["HSET h a 1 b 1", "HDEL h a b"], "0:hdel:h 0:del:h"),
        (&["HDEL h a"], ""),
        (&["HGET h a"], "0:keymiss:h"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn sorted_sets() {
    for (lines, expected) in [
        (&["ZADD z 1 a"][..], "0:new:z 0:zadd:z"),
        (&["ZADD z 1 a", "ZADD z 1 a"], ""),
        (&["ZADD z 1 a", "ZINCRBY z 1 a"], "0:zincr:z"),
        (&["ZADD z 1 a 2 b", "ZREM z a"], "0:zrem:z"),
        (&["ZADD z 1 a 2 b", "ZREM z a b"], "0:zrem:z 0:del:z"),
        (&["ZADD z 1 a 2 b", "ZREMRANGEBYRANK z 0 0"], "0:zremrangebyrank:z"),
        (&["ZADD z 1 a 2 b", "ZREMRANGEBYSCORE z 0 9"], "0:zremrangebyscore:z 0:del:z"),
        (&["ZADD z 1 a 2 b", "ZREMRANGEBYLEX z [a [a"], "0:zremrangebylex:z"),
        (&["ZADD z 1 a 2 b", "ZPOPMIN z"], "0:zpopmin:z"),
        (&["ZADD z 1 a", "ZMPOP 1 z MAX"], "0:zpopmax:z 0:del:z"),
        (&["ZADD z 1 a", "BZPOPMIN z 0"], "0:zpopmin:z 0:del:z"),
        (&["ZADD z 1 a", "ZRANGESTORE y z 0 -1"], "0:new:y 0:zrangestore:y"),
        (&["ZADD z 1 a", "ZRANGESTORE z z 1 1"], "0:del:z"),
        (&["ZADD z 1 a", "ZUNIONSTORE z 1 z"], "0:zunionstore:z"),
        (&["ZADD z 1 a", "ZINTERSTORE y 1 z"], "0:new:y 0:zinterstore:y"),
        (&["ZADD z 1 a", "ZDIFFSTORE y 2 z z"], ""),
        (&["GEOADD g 1 1 a"], "0:new:g 0:zadd:g"),
        (&["GEOADD g 1 1 a", "GEOSEARCHSTORE g g FROMLONLAT 1 1 BYRADIUS 9 km"], "0:geosearchstore:g"),
        (&["GEOADD g 1 1 a", "GEORADIUS g 1 1 9 km STORE g"], "0:georadiusstore:g"),
        (&["GEOADD g 1 1 a", "GEORADIUS g 50 1 9 km STORE g"], "0:del:g"),
        (&["ZSCORE z a"], "0:keymiss:z"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn sets() {
    for (lines, expected) in [
        (&["SADD s a"][..], "0:new:s 0:sadd:s"),
        (&["SADD s a", "SADD s a"], ""),
        (&["SADD s a b", "SREM s a"], "0:srem:s"),
        (&["SADD s a b", "SREM s a b"], "0:srem:s 0:del:s"),
        (&["SADD s a b", "SMOVE s t a"], "0:srem:s 0:new:t 0:sadd:t"),
        (&["SADD s a", "SADD t a", "SMOVE s t a"], "0:srem:s 0:del:s"),
        (&["SADD s a", "SPOP s"], "0:spop:s 0:del:s"),
        (&["SADD s a b", "SPOP s 1"], "0:spop:s"),
        (&["SADD s a b", "SPOP s 2"], "0:spop:s 0:del:s"),
        (&["SADD s a", "SUNIONSTORE t s"], "0:new:t 0:sunionstore:t"),
        (&["SADD s a", "SDIFFSTORE s s s"], "0:del:s"),
        (&["SADD s a", "SINTERSTORE s s"], "0:sinterstore:s"),
        (&["SINTERCARD 1 s"], "0:keymiss:s"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn bits_and_hyperloglogs() {
    for (lines, expected) in [
        (&["SETBIT k 1 1"][..], "0:new:k 0:setbit:k"),
        (&["SETBIT k 1 1", "SETBIT k 1 1"], ""),
        (&["BITCOUNT k"], "0:keymiss:k"),
        (&["BITFIELD k SET u8 0 1 SET u8 8 1"], "0:new:k 0:setbit:k"),
        (&["BITFIELD k GET u8 0"], "0:keymiss:k"),
        (&["SET k v", "BITOP NOT k k"], "0:set:k"),
        (&["SET k v", "BITOP AND k none"], "0:keymiss:none 0:del:k"),
        (&["PFADD k a"], "0:new:k 0:pfadd:k"),
        (&["PFADD k a", "PFADD k a"], ""),
        (&["PFADD k a", "PFCOUNT k"], ""),
        (&["PFADD k a", "PFMERGE o k"], "0:keymiss:o 0:new:o 0:pfadd:o"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn lists() {
    for (lines, expected) in [
        (&["RPUSH l a b"][..], "0:new:l 0:rpush:l"),
        (&["LPUSHX l a"], ""),
        (&["RPUSH l a b", "LPUSHX l c"], "0:lpush:l"),
        (&["RPUSH l a b", "LPOP l"], "0:lpop:l"),
        (&["RPUSH l a b", "RPOP l 5"], "0:rpop:l 0:del:l"),
        (&["RPUSH l a b", "LPOP l 0"], ""),
        (&["LPOP l"], ""),
        (&["LLEN l"], "0:keymiss:l"),
        (&["RPUSH l a b", "LSET l 0 x"], "0:lset:l"),
        (&["RPUSH l a b", "LINSERT l AFTER b c"], "0:linsert:l"),
        (&["RPUSH l a b", "LINSERT l AFTER x c"], ""),
        (&["RPUSH l a b", "LREM l 0 a"], "0:lrem:l"),
        (&["RPUSH l a a", "LREM l 0 a"], "0:lrem:l 0:del:l"),
        (&["RPUSH l a b", "LREM l 0 x"], ""),
        (&["RPUSH l a b", "LTRIM l 0 -1"], "0:ltrim:l"),
        (&["RPUSH l a b", "LTRIM l 5 9"], "0:ltrim:l 0:del:l"),
        (&["RPUSH l a", "LMOVE l m RIGHT LEFT"], "0:new:m 0:lpush:m 0:rpop:l 0:del:l"),
        (&["RPUSH l a b", "RPOPLPUSH l l"], "0:lpush:l 0:rpop:l"),
        (&["RPUSH l a b", "LMPOP 1 l LEFT COUNT 2"], "0:lpop:l 0:del:l"),
        (&["RPUSH l a b", "BRPOP l 0"], "0:rpop:l"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn streams() {
    const GROUP: &str = "XGROUP CREATE x g 0 MKSTREAM";
    for (lines, expected) in [
        (&["XADD x 1 f v"][..], "0:new:x 0:xadd:x"),
        (&["XADD x 1 f v", "XADD x MAXLEN 1 2 f v"], "0:xadd:x 0:xtrim:x"),
        (&["XADD x 1 f v", "XADD x MAXLEN ~ 1 2 f v"], "0:xadd:x"),
        (&["XADD x 1 f v", "XTRIM x MAXLEN 0"], "0:xtrim:x"),
        (&["XADD x 1 f v", "XTRIM x MAXLEN 1"], ""),
        (&["XADD x 1 f v", "XDEL x 1 2"], "0:xdel:x"),
        (&["XADD x 1 f v", "XDEL x 2"], ""),
        (&["XADD x 1 f v", "XSETID x 5"], "0:xsetid:x"),
        (&[GROUP], "0:new:x 0:xgroup-create:x"),
        (&[GROUP, "XGROUP SETID x g 5"], "0:xgroup-setid:x"),
        (&[GROUP, "XGROUP DESTROY x g"], "0:xgroup-destroy:x"),
        (&[GROUP, "XGROUP CREATECONSUMER x g c"], "0:xgroup-createconsumer:x"),
        (&[GROUP, "XGROUP CREATECONSUMER x g c", "XGROUP DELCONSUMER x g c"], "0:xgroup-delconsumer:x"),
        (&[GROUP, "XREADGROUP GROUP g c STREAMS x >"], "0:xgroup-createconsumer:x"),
        (&[GROUP, "XCLAIM x g c 0 1"], "0:xgroup-createconsumer:x"),
        (&[GROUP, "XAUTOCLAIM x g c 0 1"], "0:xgroup-createconsumer:x"),
        (&[GROUP, "XACK x g 1"], ""),
        (&["XREAD STREAMS x 0"], "0:keymiss:x 0:keymiss:x"),
        (&["XRANGE x - +"], "0:keymiss:x"),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn keys_of_any_type() {
    for (lines, expected) in [
        (&["MSET a 1 b 2", "DEL a b c"][..], "0:del:a 0:del:b"),
        (&["SET k v", "EXPIRE k 10"], "0:expire:k"),
        (&["SET k v", "EXPIRE k -1"], "0:del:k"),
        (&["EXPIRE k 10"], ""),
        (&["SET k v EX 10", "PERSIST k"], "0:persist:k"),
        (&["SET a 1", "RENAME a b"], "0:new:b 0:rename_from:a 0:rename_to:b"),
        (&["MSET a 1 b 1", "RENAMENX a b"], ""),
        (&["SET k v", "MOVE k 3"], "3:new:k 0:move_from:k 3:move_to:k"),
        (&["SET a 1", "COPY a b DB 2"], "2:new:b 2:copy_to:b"),
        (&["COPY a b"], "0:keymiss:a"),
        (&["TTL k"], "0:keymiss:k"),
        (&["EXISTS k"], "0:keymiss:k"),
        (&["OBJECT ENCODING k"], ""),
        (&["DUMP k"], "0:keymiss:k"),
        (&["FLUSHALL"], ""),
    ] {
        assert_eq!(events_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn restored_keys_are_new_even_when_they_replace_one() {
    let mut executor = Executor::new();
    executor.run_text("SET k v");
    let dump = executor.run_text("DUMP k").reply;
    let payload = dump.splitn(2, |byte| *byte == b'\n').nth(1).map(|rest| rest[..rest.len() - 2].to_vec());
    let payload = payload.expect("a bulk string");
    executor.signals.want_events(EVERY_CLASS);
    executor.run(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]);
    let names: Vec<_> = executor
        .signals
        .iter()
        .map(|signal| match signal {
            Signal::Event { event, .. } => event,
            _ => "",
        })
        .collect();
    assert_eq!(names, ["new", "restore"]);
}

#[test]
fn a_key_that_expires_is_announced_before_it_is_missed() {
    let mut executor = Executor::new();
    executor.signals.want_events(EVERY_CLASS);
    executor.run_text("SET k v PX 5");
    executor.signals.clear();
    executor.now_ms += 10;
    executor.run_text("GET k");
    executor.run_text("SET k v PX 5");
    executor.now_ms += 10;
    executor.run_text("SET k w");
    let names: Vec<_> = executor
        .signals
        .iter()
        .map(|signal| match signal {
            Signal::Event { event, .. } => event,
            _ => "",
        })
        .collect();
    assert_eq!(names, ["expired", "keymiss", "new", "set", "expire", "expired", "new", "set"]);
}
