//! A reply depends on every write it could reveal.

use lastsave_commands::Dependency;

use crate::executor::Executor;

/// Whether a reply with this dependency waits for the write at `mark`.
fn waits_for(depends: Dependency, mark: u64) -> bool {
    match depends {
        Dependency::Nothing => false,
        Dependency::Mark(upto) => upto >= mark,
        Dependency::Everything => true,
    }
}

/// Commands that look at key `k` of database 0 without changing anything, given that it holds `5`.
const READERS: &[&str] = &[
    "GET k",
    "STRLEN k",
    "GETRANGE k 0 1",
    "SUBSTR k 0 1",
    "MGET other k",
    "EXISTS k",
    "TYPE k",
    "TOUCH k",
    "TTL k",
    "PTTL k",
    "EXPIRETIME k",
    "PEXPIRETIME k",
    "PERSIST k",
    "SETNX k x",
    "SET k x NX",
    "SET k x NX GET",
    "MSETNX k x",
    "GETEX k",
    "EXPIRE k 5 XX",
    "RENAMENX k k",
    "COPY k k2",
    "MOVE k 1",
    "OBJECT ENCODING k",
    "OBJECT REFCOUNT k",
    "OBJECT IDLETIME k",
    "MEMORY USAGE k",
    "DUMP k",
    "RESTORE k 0 x",
    "LCS k other",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DBSIZE",
    "INCRBY k 9223372036854775807",
    "SETRANGE k 0 \"\"",
    "GETBIT k 1",
    "BITCOUNT k",
    "BITPOS k 1",
    "BITFIELD k GET u8 0",
    "BITFIELD_RO k GET u8 0",
    "PFCOUNT k",
    "PFCOUNT other k",
    "PFADD k a",
    "PFDEBUG ENCODING k",
    "DEL missing",
    "LLEN k",
    "LINDEX k 0",
    "LRANGE k 0 -1",
    "LPOS k x",
    "LPUSHX k x",
    "LPOP k",
    "RPOP k 2",
    "LREM k 0 x",
    "LSET k 0 x",
    "LINSERT k BEFORE a b",
    "LTRIM k 0 -1",
    "LMOVE k other LEFT LEFT",
    "RPOPLPUSH k k",
    "LMPOP 1 k LEFT",
    "BLPOP other k 0",
    "BLMOVE k other LEFT LEFT 0",
    "BLMPOP 0 1 k LEFT",
];

/// Commands that make a difference to key `k`, or to the database it is in.
const WRITERS: &[&str] = &[
    "SET k 6",
    "DEL k",
    "EXPIRE k 100",
    "APPEND k 0",
    "INCR k",
    "FLUSHDB",
    "FLUSHALL",
    "SWAPDB 0 1",
    "RENAME k z",
    "SETRANGE k 0 9",
    "SETBIT k 1 1",
    "BITOP NOT k k2",
    "BITFIELD k SET u8 0 1",
];

#[test]
fn every_reader_waits_for_every_kind_of_write_before_it() {
    for writer in WRITERS {
        for reader in READERS.iter().filter(|reader| **reader != "DEL missing") {
            let mut executor = Executor::new();
            executor.run_text("SET k 5");
            executor.run_text("SET k2 x");
            let written = executor.run_text(writer);
            assert!(!written.effects.is_empty(), "{writer} has an effect");
            let position = 3;
            let depends = executor.run_text(reader).depends;
            assert!(waits_for(depends, position), "`{reader}` after `{writer}` depends on {depends:?}");
        }
    }
}

#[test]
fn readers_of_collections_wait_too() {
    let readers = [
        "HGET k f",
        "HMGET k f",
        "HGETALL k",
        "HKEYS k",
        "HVALS k",
        "HLEN k",
        "HSTRLEN k f",
        "HEXISTS k f",
        "HRANDFIELD k",
        "HRANDFIELD k 3",
        "HSCAN k 0",
        "HSETNX k f v",
        "HDEL k nope",
        "SCARD k",
        "SMEMBERS k",
        "SISMEMBER k f",
        "SMISMEMBER k f",
        "SRANDMEMBER k",
        "SRANDMEMBER k 3",
        "SSCAN k 0",
        "SADD k f",
        "SREM k nope",
        "SPOP k 0",
        "SMOVE k k f",
        "SMOVE other k nope",
        "SINTER k",
        "SUNION other k",
        "SDIFF k other",
        "SINTERCARD 1 k",
        "SINTERSTORE z other k",
        "SUNIONSTORE z k",
        "SDIFFSTORE z other k",
        "HINCRBY k f x",
    ];
    for writers in [["HSET k f v", "HSET k g v"], ["SADD k f", "SADD k g"]] {
        for reader in readers {
            let mut executor = Executor::new();
            executor.run_text("SADD other x");
            for writer in writers {
                assert!(!executor.run_text(writer).effects.is_empty());
            }
            let depends = executor.run_text(reader).depends;
            let fails_early = matches!(reader, "HINCRBY k f x");
            assert!(fails_early || waits_for(depends, 3), "`{reader}` after `{}`: {depends:?}", writers[1]);
        }
    }
}

#[test]
fn readers_of_sorted_sets_wait_too() {
    let readers = [
        "ZCARD k",
        "ZSCORE k a",
        "ZMSCORE k a",
        "ZRANK k a",
        "ZREVRANK k nope",
        "ZCOUNT k 0 1",
        "ZLEXCOUNT k - +",
        "ZRANGE k 0 -1",
        "ZREVRANGEBYSCORE k 5 0",
        "ZRANGESTORE z k 5 9",
        "ZREMRANGEBYSCORE k 8 9",
        "ZADD k NX 1 a",
        "ZADD k XX 1 nope",
        "ZINCRBY k 0 a",
        "ZREM k nope",
        "ZPOPMIN k 0",
        "ZRANDMEMBER k",
        "ZRANDMEMBER k -2",
        "ZSCAN k 0",
        "ZUNION 2 other k",
        "ZINTERCARD 1 k",
        "ZDIFFSTORE z 2 other k",
        "GEOPOS k a",
        "GEOHASH k a",
        "GEODIST k a b",
        "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 1 km",
        "GEOADD k NX 1 1 a",
    ];
    for reader in readers {
        let mut executor = Executor::new();
        executor.run_text("ZADD k 1 a");
        executor.run_text("ZADD k 2 b");
        let depends = executor.run_text(reader).depends;
        assert!(waits_for(depends, 2), "`{reader}`: {depends:?}");
    }
}

#[test]
fn whatever_asks_for_a_stream_waits_for_its_last_write() {
    let readers = [
        "XLEN k",
        "XRANGE k - +",
        "XREVRANGE k + - COUNT 1",
        "XREAD STREAMS k 0",
        "XREAD STREAMS other k $ 5",
        "XREADGROUP GROUP g c STREAMS k >",
        "XREADGROUP GROUP g c STREAMS k 0",
        "XREADGROUP GROUP nosuch c STREAMS k 0",
        "XADD k 1-1 f v",
        "XADD k 9-1 f v",
        "XDEL k 7-7",
        "XTRIM k MAXLEN 100",
        "XSETID k 1",
        "XGROUP CREATE k g $",
        "XGROUP CREATECONSUMER k g c",
        "XGROUP DELCONSUMER k g nosuch",
        "XGROUP DESTROY k nosuch",
        "XACK k g 5",
        "XPENDING k g",
        "XPENDING k g - + 10",
        "XCLAIM k g c 0 5",
        "XAUTOCLAIM k g c 0 0",
        "XINFO STREAM k",
        "XINFO STREAM k FULL",
        "XINFO GROUPS k",
        "XINFO CONSUMERS k g",
        "GET k",
    ];
    for reader in readers {
        let mut executor = Executor::new();
        executor.run_text("XADD other 1-1 f v");
        executor.run_text("XGROUP CREATE k g 0 MKSTREAM");
        assert!(!executor.run_text("XADD k 5-1 f v").effects.is_empty());
        let depends = executor.run_text(reader).depends;
        assert!(waits_for(depends, 3), "`{reader}`: {depends:?}");
    }
}

#[test]
fn commands_about_nothing_depend_on_nothing() {
    let mut executor = Executor::new();
    executor.run_text("SET k 5");
    for command in ["COMMAND COUNT", "OBJECT HELP", "SET k", "SET k v EX 0", "EXPIRE k x", "NOSUCH"] {
        assert_eq!(executor.run_text(command).depends, Dependency::Nothing, "{command}");
    }
}

#[test]
fn a_key_of_another_segment_is_not_waited_for() {
    let mut executor = Executor::new();
    for number in 0..2000 {
        executor.run(&[b"SET", format!("key:{number}").as_bytes(), b"v"]);
    }
    let last = executor.run_text("SET key:77 v2");
    assert!(!last.effects.is_empty());
    let waiting = (0..2000)
        .filter(|number| waits_for(executor.run(&[b"GET", format!("key:{number}").as_bytes()]).depends, 2001))
        .count();
    assert!((1..100).contains(&waiting), "{waiting} of 2000 keys share a segment with the one written");
}
