//! Commands on sorted sets and positions: replies, errors and what is logged.

use std::collections::BTreeSet;

use lastsave_commands::AwaitedType;

use crate::executor::Executor;
use crate::script::check;

#[test]
fn elements_are_added_changed_and_removed() {
    check(
        r"
        > ZADD z 1 a 2.5 b -inf c
        :3
        = 0
        > ZADD z 1 a 3 b
        :0
        = 0
        > ZADD z 1 a
        :0
        > ZADD z CH 1 a 4 b 5 d
        :2
        = 0
        > ZADD z NX 9 a
        :0
        > ZADD z XX 9 nope
        :0
        > ZADD z GT CH 3 b
        :0
        > ZADD z LT CH 3 b
        :1
        = 0
        > ZADD z INCR 2 b
        $1 5
        = 0
        > ZADD z NX INCR 2 b
        $-1
        > ZADD z XX INCR inf c
        -ERR resulting score is not a number (NaN)
        > ZINCRBY z 0.25 a
        $4 1.25
        = 0
        > ZINCRBY z 0 a
        $4 1.25
        > ZADD nope XX 1 a
        :0
        > ZADD z 1
        -ERR wrong number of arguments for 'zadd' command
        > ZADD z 1 a 2
        -ERR syntax error
        > ZADD z NX XX 1 a
        -ERR XX and NX options at the same time are not compatible
        > ZADD z GT LT 1 a
        -ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z INCR 1 a 2 b
        -ERR INCR option supports a single increment-element pair
        > ZADD z 1 a x b
        -ERR value is not a valid float
        > ZADD z nan a
        -ERR value is not a valid float
        > ZREM z nope
        :0
        > ZREM z nope c d
        :2
        = 0
        > ZREM z a b
        :2
        = 0
        > EXISTS z
        :0
        > SET text x
        +OK
        = 0
        > ZADD text 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value
        ",
    );
}

#[test]
fn scores_are_doubles_where_the_protocol_has_them() {
    check(
        r"
        > ZADD z 1 a 0.1 b inf c
        :3
        = 0
        > ZSCORE z b
        $3 0.1
        > ZMSCORE z a nope c
        *3 $1 1 $-1 $3 inf
        > ZRANK z a WITHSCORE
        *2 :1 $1 1
        > ZREVRANK z a
        :1
        > ZRANK z nope WITHSCORE
        *-1
        > ZRANK z a WITHSCORES
        -ERR syntax error
        > ZRANK z a WITHSCORE x
        -ERR wrong number of arguments for 'zrank' command
        > ZRANGE z 0 -1 WITHSCORES
        *6 $1 b $3 0.1 $1 a $1 1 $1 c $3 inf
        > ZPOPMIN z
        *2 $1 b $3 0.1
        = 0
        @ resp 3
        > ZSCORE z a
        ,1
        > ZSCORE z nope
        _
        > ZRANGE z 0 -1 WITHSCORES
        *2 *2 $1 a ,1 *2 $1 c ,inf
        > ZRANK z c WITHSCORE
        *2 :1 ,inf
        > ZPOPMAX z
        *2 $1 c ,inf
        = 0
        > ZADD z 3 d
        :1
        = 0
        > ZPOPMIN z 5
        *2 *2 $1 a ,1 *2 $1 d ,3
        = 0
        > EXISTS z
        :0
        > ZPOPMIN z
        *0
        > ZPOPMIN z -1
        -ERR value is out of range, must be positive
        ",
    );
}

#[test]
fn what_pops_from_several_keys_is_logged_as_a_plain_pop() {
    check(
        r"
        > ZADD z 1 a 2 b 3 c
        :3
        = 0
        > ZMPOP 2 nope z MIN COUNT 2
        *2 $1 z *2 *2 $1 a $1 1 *2 $1 b $1 2
        ~ 0 ZPOPMIN z 2
        > BZPOPMAX nope z 0
        *3 $1 z $1 c $1 3
        ~ 0 ZPOPMAX z
        > ZMPOP 2 nope z MAX
        *-1
        > ZMPOP 0 z MAX
        -ERR numkeys should be greater than 0
        > ZMPOP 1 z MIDDLE
        -ERR syntax error
        > ZMPOP 1 z MAX COUNT 0
        -ERR count should be greater than 0
        > BZPOPMIN z 0
        *-1
        > BZPOPMIN z -1
        -ERR timeout is negative
        > BZMPOP 0 1 z MIN
        *-1
        > ZADD z 1 a 2 b
        :2
        = 0
        > BZMPOP 1 2 nope z MAX COUNT 10
        *2 $1 z *2 *2 $1 b $1 2 *2 $1 a $1 1
        ~ 0 ZPOPMAX z 2
        ",
    );
}

#[test]
fn a_pop_that_finds_nothing_waits_for_a_sorted_set() {
    let mut executor = Executor::new();
    executor.may_block = true;
    let outcome = executor.run_text("BZPOPMIN a b 1.5");
    assert!(outcome.reply.is_empty() && outcome.effects.is_empty());
    let asked = executor.blocking.take_asked().expect("it asked to be blocked");
    assert_eq!(asked.timeout_ms, Some(1500));
    executor.may_block = false;
    executor.run_text("ZADD b 1 x");
    let ready = executor.blocking.next_ready().expect("a key is ready");
    assert_eq!(&*ready.key, b"b");
    assert!(executor.blocking.next_waiter(&ready, 0, Some(AwaitedType::List)).is_none());
    assert!(executor.blocking.next_waiter(&ready, 0, Some(AwaitedType::SortedSet)).is_some());
}

#[test]
fn ranges_are_stored_and_removed() {
    check(
        r"
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        :5
        = 0
        > ZRANGESTORE y z (1 inf BYSCORE LIMIT 1 2
        :2
        = 0
        > ZRANGE y 0 -1 REV WITHSCORES
        *4 $1 d $1 4 $1 c $1 3
        > ZRANGESTORE y z 10 20
        :0
        = 0
        > ZRANGESTORE y z 10 20
        :0
        > EXISTS y
        :0
        > ZRANGE z 0 -1 LIMIT 0 1
        -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z - + BYLEX WITHSCORES
        -ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGE z a b BYSCORE
        -ERR min or max is not a float
        > ZRANGE z a b BYLEX
        -ERR min or max not valid string range item
        > ZREMRANGEBYRANK z 7 9
        :0
        > ZREMRANGEBYRANK z 0 0
        :1
        = 0
        > ZREMRANGEBYSCORE z (2 3
        :1
        = 0
        > ZREMRANGEBYLEX z [d +
        :2
        = 0
        > ZREMRANGEBYRANK z 0 -1
        :1
        = 0
        > EXISTS z
        :0
        ",
    );
}

#[test]
fn sorted_sets_and_sets_are_combined() {
    check(
        r"
        > ZADD z 1 a 2 b 3 c
        :3
        = 0
        > SADD s b c d
        :3
        = 0
        > ZUNION 2 z s WITHSCORES
        *8 $1 a $1 1 $1 d $1 1 $1 b $1 3 $1 c $1 4
        > ZINTER 2 z s WEIGHTS 2 10 AGGREGATE MAX WITHSCORES
        *4 $1 b $2 10 $1 c $2 10
        > ZDIFF 2 z s WITHSCORES
        *2 $1 a $1 1
        > ZINTERCARD 2 z s
        :2
        > ZINTERCARD 2 z s LIMIT 1
        :1
        > ZUNIONSTORE u 2 z s AGGREGATE MIN
        :4
        = 0
        > ZINTERSTORE u 2 z nope
        :0
        = 0
        > ZDIFFSTORE u 2 z z
        :0
        > ZUNION 0 z
        -ERR at least 1 input key is needed for 'zunion' command
        > ZUNION 3 z s
        -ERR syntax error
        > ZDIFF 1 z WEIGHTS 1
        -ERR syntax error
        > ZUNIONSTORE u 1 z WITHSCORES
        -ERR syntax error
        > ZUNION 1 z WEIGHTS x
        -ERR weight value is not a float
        > ZINTERCARD 1 z LIMIT -1
        -ERR LIMIT can't be negative
        ",
    );
}

#[test]
fn positions_are_logged_as_scores() {
    check(
        r"
        > GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        :2
        ~ 0 zadd g 3479099956230698 Palermo 3479447370796909 Catania
        > GEOADD g NX CH 13.361389 38.115556 Palermo
        :0
        > GEOADD g XX CH 13.361389 38.2 Palermo
        :1
        ~ 0 zadd g XX CH 3479101030759983 Palermo
        > GEOADD g 200 100 x
        -ERR invalid longitude,latitude pair 200.000000,100.000000
        > GEOADD g 1 2
        -ERR wrong number of arguments for 'geoadd' command
        > GEODIST g Palermo Catania km
        $8 170.2626
        > GEODIST g Palermo nope
        $-1
        > GEODIST g Palermo Catania yards
        -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOHASH g Catania nope
        *2 $11 sqdtr74hyu0 $-1
        > GEOPOS g Catania
        *1 *2 $20 15.08726745843887329 $20 37.50266842333162032
        > GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST
        *2 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 196.6301
        > GEOSEARCHSTORE h g FROMMEMBER Catania BYRADIUS 100 km STOREDIST
        :1
        = 0
        > ZRANGE h 0 -1 WITHSCORES
        *2 $7 Catania $1 0
        > GEORADIUS g 0 0 1 km STORE h
        :0
        = 0
        > GEORADIUS_RO g 0 0 1 km STORE h
        -ERR syntax error
        > GEORADIUSBYMEMBER g nope 1 km
        -ERR could not decode requested zset member
        > GEOSEARCH g BYRADIUS 1 km COUNT 1
        -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > GEOSEARCH g FROMLONLAT 0 0 COUNT 1
        -ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
        > GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 1 km ANY
        -ERR the ANY argument requires COUNT argument
        > GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 1 km COUNT 0
        -ERR COUNT must be > 0
        ",
    );
}

#[test]
fn a_big_sorted_set_is_scanned_in_parts() {
    let mut executor = Executor::new();
    for number in 0..3000 {
        executor.run_text(&format!("ZADD z {} member:{number}", number % 7));
    }
    assert_eq!(executor.run_text("OBJECT ENCODING z").reply, b"$8\r\nskiplist\r\n");
    let (mut members, mut cursor, mut calls) = (BTreeSet::new(), "0".to_owned(), 0);
    loop {
        let reply = executor.run_text(&format!("ZSCAN z {cursor} COUNT 50 MATCH member:*")).reply;
        let text = String::from_utf8(reply).expect("only text was stored");
        let words: Vec<&str> = text.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).collect();
        cursor = words[0].to_owned();
        members
            .extend(words[1..].chunks(2).map(|pair| pair[0].to_owned()).filter(|member| !member.is_empty()));
        calls += 1;
        if cursor == "0" {
            break;
        }
        // What changes meanwhile is no obstacle to seeing what stays.
        executor.run_text(&format!("ZADD z {calls} member:{calls}"));
        executor.run_text(&format!("ZADD z 1 other:{calls}"));
    }
    assert_eq!(members.len(), 3000);
    assert!((50..=65).contains(&calls), "{calls}");
}

#[test]
fn payloads_with_duplicates_or_bad_scores_are_refused() {
    let mut executor = Executor::new();
    executor.options.skip_dump_checksum = true;
    let bodies: [&[u8]; 5] = [
        b"\x05\x02\x01a\0\0\0\0\0\0\xf0\x3f\x01a\0\0\0\0\0\0\0\0",
        b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f",
        b"\x11\x13\x13\0\0\0\x04\0\x81a\x02\x01\x01\x81a\x02\x02\x01\xff",
        b"\x11\x0d\x0d\0\0\0\x02\0\x81a\x02\x81x\x02\xff",
        b"\x05\x00",
    ];
    for body in bodies {
        let payload = [body, b"\x0b\0\0\0\0\0\0\0\0\0"].concat();
        let reply = executor.run(&[b"RESTORE", b"k", b"0", &payload]).reply;
        assert_eq!(reply, b"-ERR Bad data format\r\n", "{}", body.escape_ascii());
        assert_eq!(executor.run_text("EXISTS k").reply, b":0\r\n");
    }
}

#[test]
fn a_payload_is_restored_as_it_was() {
    let mut executor = Executor::new();
    for (limit, encoding) in [(128, "listpack"), (1, "skiplist")] {
        executor.options.zset_max_listpack_entries = limit;
        executor.run_text("ZADD z 1 a 2.5 7 -inf c");
        let payload = executor.run_text("DUMP z").reply;
        let head = payload.iter().position(|byte| *byte == b'\n').expect("a bulk string") + 1;
        let payload = &payload[head..payload.len() - 2];
        assert_eq!(executor.run(&[b"RESTORE", b"copy", b"0", payload, b"REPLACE"]).reply, b"+OK\r\n");
        let range = executor.run_text("ZRANGE z 0 -1 WITHSCORES").reply;
        assert_eq!(executor.run_text("ZRANGE copy 0 -1 WITHSCORES").reply, range);
        let reply = format!("$8\r\n{encoding}\r\n").into_bytes();
        assert_eq!(executor.run_text("OBJECT ENCODING copy").reply, reply);
        executor.run_text("DEL z");
    }
}
