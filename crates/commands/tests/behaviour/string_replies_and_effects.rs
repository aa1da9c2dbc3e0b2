//! String commands: replies, errors and what is logged.

use crate::executor::Executor;
use crate::script::check;

#[test]
fn set_logs_absolute_times_and_nothing_it_did_not_do() {
    check(
        r"
        > SET k v
        +OK
        = 0
        > SET k v EX 10
        +OK
        ~ 0 SET k v PXAT 1700000010000
        > SET k w px 1500 XX KEEPTTL
        -ERR syntax error
        > SET k w KEEPTTL
        +OK
        = 0
        > PTTL k
        :10000
        > SET k w EXAT 1800000000
        +OK
        ~ 0 SET k w PXAT 1800000000000
        > SET k w PXAT 1800000000001 xx
        +OK
        = 0
        > SET k x NX
        $-1
        > SET missing x XX
        $-1
        > SET k x GET
        $1 w
        ~ 0 SET k x
        > SET k y get KEEPTTL Get
        $1 x
        ~ 0 SET k y KEEPTTL
        > SET fresh y NX GET
        $-1
        ~ 0 SET fresh y NX
        > SET fresh z NX GET
        $1 y
        > SET k v EX 1 EX 20
        +OK
        ~ 0 SET k v PXAT 1700000020000
        ",
    );
}

#[test]
fn set_refuses_what_makes_no_sense() {
    check(
        r"
        > SET k
        -ERR wrong number of arguments for 'set' command
        > SET k v EX
        -ERR syntax error
        > SET k v NX XX
        -ERR syntax error
        > SET k v EX 1 PX 1
        -ERR syntax error
        > SET k v EX 1 KEEPTTL
        -ERR syntax error
        > SET k v EX soon
        -ERR value is not an integer or out of range
        > SET k v EX 0
        -ERR invalid expire time in 'set' command
        > SET k v PX -1
        -ERR invalid expire time in 'set' command
        > SET k v EX 9223372036854775807
        -ERR invalid expire time in 'set' command
        > SET k v PX 9223372036854775807
        -ERR invalid expire time in 'set' command
        > SETEX k 0 v
        -ERR invalid expire time in 'setex' command
        > PSETEX k x v
        -ERR value is not an integer or out of range
        > EXISTS k
        :0
        ",
    );
}

#[test]
fn the_old_forms_of_set_are_logged_as_set() {
    check(
        r"
        > SETEX k 10 v
        +OK
        ~ 0 SET k v PXAT 1700000010000
        > PSETEX k 10 v
        +OK
        ~ 0 SET k v PXAT 1700000000010
        > SETNX k w
        :0
        > SETNX k2 w
        :1
        = 0
        > GETSET k2 x
        $1 w
        ~ 0 SET k2 x
        > GETSET k3 x
        $-1
        ~ 0 SET k3 x
        > GETDEL k3
        $1 x
        ~ 0 DEL k3
        > GETDEL k3
        $-1
        ",
    );
}

#[test]
fn getex_logs_what_it_did_to_the_expiry() {
    check(
        r"
        > GETEX k EX 10
        $-1
        > SET k v
        +OK
        = 0
        > GETEX k
        $1 v
        > GETEX k EX 10
        $1 v
        ~ 0 PEXPIREAT k 1700000010000
        > GETEX k PERSIST
        $1 v
        ~ 0 PERSIST k
        > GETEX k PERSIST
        $1 v
        > GETEX k EX 10 PERSIST
        -ERR syntax error
        > GETEX k NX
        -ERR syntax error
        > GETEX k EX 0
        -ERR invalid expire time in 'getex' command
        > GETEX nokey EX 0
        $-1
        > GETEX k PXAT 5
        $1 v
        ~ 0 DEL k
        > SET k v
        +OK
        = 0
        @ lazyfree on
        > GETEX k EXAT 5
        $1 v
        ~ 0 UNLINK k
        ",
    );
}

#[test]
fn several_keys_at_once() {
    check(
        r"
        > MSET a 1 b two
        +OK
        = 0
        > MGET a nope b
        *3 $1 1 $-1 $3 two
        @ resp 3
        > MGET nope
        *1 _
        > MSETNX c 1 a 2
        :0
        > MSETNX c 1 d 2 c 3
        :1
        = 0
        > GET c
        $1 3
        > MSET a
        -ERR wrong number of arguments for 'mset' command
        > MSETNX a 1 b
        -ERR wrong number of arguments for 'msetnx' command
        ",
    );
}

#[test]
fn counters_count_and_refuse_to_overflow() {
    check(
        r"
        > INCR n
        :1
        = 0
        > INCRBY n 41
        :42
        = 0
        > DECRBY n 50
        :-8
        = 0
        > DECR n
        :-9
        = 0
        > OBJECT ENCODING n
        $3 int
        > INCRBY n x
        -ERR value is not an integer or out of range
        > SET n 9223372036854775807
        +OK
        = 0
        > INCR n
        -ERR increment or decrement would overflow
        > DECRBY n -9223372036854775808
        -ERR decrement would overflow
        > SET n -9223372036854775808 EX 100
        +OK
        ~ 0 SET n -9223372036854775808 PXAT 1700000100000
        > DECR n
        -ERR increment or decrement would overflow
        > INCR n
        :-9223372036854775807
        = 0
        > TTL n
        :100
        > SET n 01
        +OK
        = 0
        > INCR n
        -ERR value is not an integer or out of range
        ",
    );
}

#[test]
fn fractions_are_logged_as_their_result() {
    check(
        r"
        > SET f 10.50 EX 100
        +OK
        ~ 0 SET f 10.50 PXAT 1700000100000
        > INCRBYFLOAT f 0.1
        $4 10.6
        ~ 0 SET f 10.6 KEEPTTL
        > TTL f
        :100
        > INCRBYFLOAT f -5.6
        $1 5
        ~ 0 SET f 5 KEEPTTL
        > OBJECT ENCODING f
        $6 embstr
        > INCRBYFLOAT f 1e
        -ERR value is not a valid float
        > INCRBYFLOAT f inf
        -ERR increment would produce NaN or Infinity
        > INCRBYFLOAT fresh 3.0e3
        $4 3000
        ~ 0 SET fresh 3000 KEEPTTL
        > SET s word
        +OK
        = 0
        > INCRBYFLOAT s 1
        -ERR value is not a valid float
        ",
    );
}

#[test]
fn parts_of_strings() {
    check(
        r#"
        > APPEND s hello
        :5
        = 0
        > APPEND s " world"
        :11
        = 0
        > OBJECT ENCODING s
        $3 raw
        > GETRANGE s 0 4
        $5 hello
        > SUBSTR s -5 -1
        $5 world
        > GETRANGE s 5 -20
        $0
        > GETRANGE s 0 100
        $11 hello world
        > GETRANGE s -100 0
        $1 h
        > GETRANGE s 9223372036854775807 -9223372036854775808
        $0
        > GETRANGE s x 1
        -ERR value is not an integer or out of range
        > STRLEN s
        :11
        > STRLEN nope
        :0
        > SETRANGE s 6 redis
        :11
        = 0
        > GET s
        $11 hello redis
        > SETRANGE pad 3 x
        :4
        = 0
        > GET pad
        $4 \x00\x00\x00x
        > SETRANGE pad 0 ""
        :4
        > SETRANGE nope 5 ""
        :0
        > SETRANGE s -1 x
        -ERR offset is out of range
        @ max-bulk 12
        > SETRANGE s 12 x
        -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE s 9223372036854775807 x
        -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > APPEND s xy
        -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > APPEND n 12
        :2
        = 0
        > OBJECT ENCODING n
        $3 int
        > APPEND n 3
        :3
        = 0
        > OBJECT ENCODING n
        $3 raw
        "#,
    );
}

#[test]
fn longest_common_subsequence() {
    check(
        r"
        > MSET a ohmytext b mynewtext
        +OK
        = 0
        > LCS a b
        $6 mytext
        > LCS a b LEN
        :6
        > LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        *4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6
        @ resp 3
        > LCS a b IDX
        %2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6
        > LCS a nope
        $0
        > LCS a b LEN IDX
        -ERR If you want both the length and indexes, please just use IDX.
        > LCS a b MINMATCHLEN
        -ERR syntax error
        @ max-bulk 100
        > LCS a b
        -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        ",
    );
}

#[test]
fn encodings_follow_the_value() {
    let mut executor = Executor::new();
    for (value, encoding) in [
        ("12345", "int"),
        ("-9223372036854775808", "int"),
        ("9223372036854775808", "embstr"),
        ("0123", "embstr"),
        ("text", "embstr"),
        (&*"x".repeat(44), "embstr"),
        (&*"x".repeat(45), "raw"),
        (&*"x".repeat(10_000), "raw"),
    ] {
        executor.run(&[b"SET", b"k", value.as_bytes()]);
        let reply = executor.run(&[b"OBJECT", b"ENCODING", b"k"]).reply;
        assert_eq!(reply, format!("${}\r\n{encoding}\r\n", encoding.len()).as_bytes(), "{value:.50}");
        assert_eq!(
            executor.run(&[b"GET", b"k"]).reply,
            format!("${}\r\n{value}\r\n", value.len()).as_bytes()
        );
    }
}
