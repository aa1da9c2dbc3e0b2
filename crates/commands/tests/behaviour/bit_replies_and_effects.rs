//! Commands on bits: replies, and what is logged.

use crate::executor::Executor;
use crate::script::check;

#[test]
fn a_bit_that_changes_nothing_is_not_logged() {
    check(
        "
        > SETBIT k 7 1
        :0
        = 0
        > SETBIT k 7 1
        :1
        > SETBIT k 6 0
        :0
        > SETBIT k 15 0
        :0
        = 0
        > GET k
        $2 \\x01\\x00
        > SETBIT k 4294967296 1
        -ERR bit offset is not an integer or out of range
        > SETBIT k 0 2
        -ERR bit is not an integer or out of range
        ",
    );
}

#[test]
fn a_number_becomes_raw_without_a_record() {
    check(
        "
        > SET k 10
        +OK
        = 0
        > SETBIT k 0 0
        :0
        > OBJECT ENCODING k
        $3 raw
        > GET k
        $2 10
        ",
    );
}

#[test]
fn an_operation_without_bits_removes_its_target() {
    check(
        "
        > SET target x EX 100
        +OK
        ~ 0 SET target x PXAT 1700000100000
        > SET a abc
        +OK
        = 0
        > BITOP NOT target a
        :3
        = 0
        > TTL target
        :-1
        > BITOP AND target none
        :0
        = 0
        > EXISTS target
        :0
        > BITOP AND target none
        :0
        > BITOP NOT target a a
        -ERR BITOP NOT must be called with a single source key.
        ",
    );
}

#[test]
fn fields_are_logged_when_the_string_changed() {
    check(
        "
        > BITFIELD k GET u8 0
        *1 :0
        > BITFIELD k OVERFLOW FAIL SET u2 0 4
        *1 $-1
        = 0
        > GET k
        $1 \\x00
        > BITFIELD k OVERFLOW FAIL SET u2 0 4
        *1 $-1
        > BITFIELD k SET i8 #1 -1 INCRBY i8 #1 2 GET u4 12
        *3 :0 :1 :1
        = 0
        > BITFIELD k INCRBY u8 0 0
        *1 :0
        > BITFIELD_RO k SET u8 0 1
        -ERR BITFIELD_RO only supports the GET subcommand
        ",
    );
}

#[test]
fn memory_usage_grows_with_the_value() {
    let mut executor = Executor::new();
    let mut before = 0;
    for bits in [7, 1000, 30_000, 40_000, 900_000, 90_000_000] {
        executor.run(&[b"SETBIT", b"k", bits.to_string().as_bytes(), b"1"]);
        let reply = executor.run_text("MEMORY USAGE k").reply;
        let usage: i64 = String::from_utf8_lossy(&reply[1..]).trim().parse().expect("a number");
        let len = bits / 8 + 1;
        assert!(usage > before && (len..len + len / 4 + 100).contains(&usage), "{usage} for {len} bytes");
        before = usage;
    }
}

#[test]
fn a_bit_of_a_big_string_is_set_in_place() {
    let mut executor = Executor::new();
    executor.run_text("SETBIT k 33554431 1");
    let address = |executor: &Executor| {
        let key = executor.keyspace.key(b"k");
        let entry = executor.keyspace.db(0).get(&key).expect("the key");
        match entry.value() {
            lastsave_keyspace::Value::String(lastsave_keyspace::StringValue::Shared(bytes)) => {
                bytes.as_ptr().addr()
            }
            other => panic!("{other:?}"),
        }
    };
    let before = address(&executor);
    executor.run_text("SETBIT k 12345 1");
    executor.run_text("BITFIELD k SET u16 #7 999");
    assert_eq!(address(&executor), before);
}
