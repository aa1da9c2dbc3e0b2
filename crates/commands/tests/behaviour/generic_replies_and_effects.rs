//! Commands on keys and databases: replies, errors and what is logged.

use lastsave_commands::{MaxmemoryPolicy, dataset_digest, debug_digest_value, debug_object, debug_populate};
use lastsave_resp::OwnedRequest;

use crate::executor::{Executor, Outcome};
use crate::script::{check, show_reply};

#[test]
fn deleting_and_asking() {
    check(
        r"
        > MSET a 1 b 2 c 3
        +OK
        = 0
        > EXISTS a a nope
        :2
        > TOUCH a b nope
        :2
        > TYPE a
        +string
        > TYPE nope
        +none
        > DEL a nope
        :1
        = 0
        > DEL nope
        :0
        > UNLINK b c
        :2
        = 0
        > DBSIZE
        :0
        > RANDOMKEY
        $-1
        > KEYS *
        *0
        ",
    );
}

#[test]
fn renaming() {
    check(
        r"
        > RENAME nope x
        -ERR no such key
        > RENAMENX nope x
        -ERR no such key
        > SET a 1 EX 10
        +OK
        ~ 0 SET a 1 PXAT 1700000010000
        > RENAME a a
        +OK
        > RENAMENX a a
        :0
        > SET b 2
        +OK
        = 0
        > RENAMENX a b
        :0
        > RENAME a b
        +OK
        = 0
        > GET b
        $1 1
        > TTL b
        :10
        > EXISTS a
        :0
        ",
    );
}

#[test]
fn between_databases() {
    check(
        r"
        > SET a 1 EX 10
        +OK
        ~ 0 SET a 1 PXAT 1700000010000
        > COPY a a
        -ERR source and destination objects are the same
        > COPY a b
        :1
        = 0
        > COPY a b
        :0
        > COPY a b REPLACE DB 16
        -ERR DB index is out of range
        > COPY a b DB x
        -ERR value is not an integer or out of range
        > COPY a b DB
        -ERR syntax error
        > COPY a b replace db 2
        :1
        = 0
        > COPY nope b
        :0
        > MOVE a 0
        -ERR source and destination objects are the same
        > MOVE a 99
        -ERR DB index is out of range
        > MOVE a 99999999999
        -ERR value is out of range, value must between -2147483648 and 2147483647
        > MOVE a 1
        :1
        = 0
        > MOVE a 1
        :0
        @ db 1
        > TTL a
        :10
        > SWAPDB 1 2
        +OK
        = 1
        > GET b
        $1 1
        > GET a
        $-1
        > SWAPDB x 1
        -ERR invalid first DB index
        > SWAPDB 1 99999999999
        -ERR invalid second DB index
        > SWAPDB 1 16
        -ERR DB index is out of range
        > FLUSHDB maybe
        -ERR syntax error
        > FLUSHDB ASYNC
        +OK
        = 1
        > FLUSHDB
        +OK
        = 1
        > FLUSHALL sync
        +OK
        = 1
        > FLUSHALL
        +OK
        = 1
        ",
    );
}

#[test]
fn scanning() {
    check(
        r"
        > SCAN x
        -ERR invalid cursor
        > SCAN 0 COUNT 0
        -ERR syntax error
        > SCAN 0 COUNT x
        -ERR value is not an integer or out of range
        > SCAN 0 COUNT
        -ERR syntax error
        > SCAN 0 LIMIT 5
        -ERR syntax error
        > SCAN 0
        *2 $1 0 *0
        > MSET a 1 bb 2
        +OK
        = 0
        > SCAN 0 MATCH ?
        *2 $1 0 *1 $1 a
        > SCAN 0 TYPE LIST
        *2 $1 0 *0
        > SCAN 0 MATCH b* TYPE String
        *2 $1 0 *1 $2 bb
        > KEYS b*
        *1 $2 bb
        ",
    );
}

#[test]
fn a_full_scan_sees_every_key_once_the_table_rests() {
    let mut executor = Executor::new();
    for number in 0..1000 {
        executor.run(&[b"SET", format!("key:{number}").as_bytes(), b"v"]);
    }
    let mut cursor = "0".to_owned();
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let reply = executor.run(&[b"SCAN", cursor.as_bytes(), b"COUNT", b"7"]).reply;
        let text = String::from_utf8(reply).expect("keys are text here");
        let mut words = text.split("\r\n").filter(|word| !word.starts_with(['$', '*']) && !word.is_empty());
        cursor = words.next().expect("a cursor").to_owned();
        seen.extend(words.map(str::to_owned));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1000);
}

#[test]
fn dump_and_restore() {
    check(
        r#"
        > DUMP nope
        $-1
        > SET k hello
        +OK
        = 0
        > DUMP k
        $17 \x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83
        > RESTORE k 0 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83"
        -BUSYKEY Target key name already exists.
        > RESTORE r 0 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83"
        +OK
        = 0
        > RESTORE r 5000 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83" REPLACE
        +OK
        ~ 0 RESTORE r 1700000005000 \x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83 REPLACE ABSTTL
        > RESTORE r 1800000000000 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83" REPLACE ABSTTL IDLETIME 1000
        +OK
        = 0
        > OBJECT IDLETIME r
        :1000
        > RESTORE r 5 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83" REPLACE ABSTTL
        +OK
        ~ 0 DEL r
        > RESTORE r 5 "\x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83" REPLACE ABSTTL
        +OK
        > RESTORE r -1 x
        -ERR Invalid TTL value, must be >= 0
        > RESTORE r x x
        -ERR value is not an integer or out of range
        > RESTORE r 0 x
        -ERR DUMP payload version or checksum are wrong
        > RESTORE r 0 x IDLETIME -1
        -ERR Invalid IDLETIME value, must be >= 0
        > RESTORE r 0 x FREQ 256
        -ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE r 0 x FREQ 1 IDLETIME 1
        -ERR syntax error
        "#,
    );
}

#[test]
fn object_tells_how_values_are_kept() {
    check(
        r"
        > SET k 5
        +OK
        = 0
        > OBJECT REFCOUNT k
        :2147483647
        > SET k 10000
        +OK
        = 0
        > OBJECT REFCOUNT k
        :1
        @ after 7000
        > OBJECT IDLETIME k
        :7
        @ no-touch on
        > GET k
        $5 10000
        > OBJECT IDLETIME k
        :7
        > TOUCH k
        :1
        @ no-touch off
        > OBJECT IDLETIME k
        :0
        > OBJECT IDLETIME nope
        $-1
        > OBJECT FREQ k
        -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > OBJECT nothing k
        -ERR unknown subcommand 'nothing'. Try OBJECT HELP.
        > OBJECT ENCODING
        -ERR wrong number of arguments for 'object|encoding' command
        > OBJECT
        -ERR wrong number of arguments for 'object' command
        > MEMORY USAGE nope
        $-1
        > MEMORY USAGE k SAMPLES -1
        -ERR syntax error
        > MEMORY USAGE k SIZE
        -ERR syntax error
        ",
    );
}

#[test]
fn the_frequency_survives_an_overwrite() {
    let mut executor = Executor::new();
    executor.options.maxmemory_policy = MaxmemoryPolicy::AllkeysLfu;
    executor.options.lfu_log_factor = 0;
    executor.run(&[b"SET", b"k", b"v"]);
    for _ in 0..10 {
        executor.run(&[b"GET", b"k"]);
    }
    executor.run(&[b"SET", b"k", b"w"]);
    assert_eq!(show_reply(&executor.run(&[b"OBJECT", b"FREQ", b"k"]).reply), ":16");
}

#[test]
fn unknown_commands_are_quoted_back() {
    check(
        r#"
        > NOSUCH a b
        -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'
        > NOSUCH
        -ERR unknown command 'NOSUCH', with args beginning with:
        > "no\r\nsuch" "a\x00b"
        -ERR unknown command 'no  such', with args beginning with: 'a'
        > CONFIG NOSUCH
        -ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
        > CONFIG GET
        -ERR wrong number of arguments for 'config|get' command
        "#,
    );
}

#[test]
fn digests_are_those_of_redis() {
    let mut executor = Executor::new();
    assert_eq!(dataset_digest(&executor.keyspace).to_hex(), "0".repeat(40));
    executor.run(&[b"SET", b"a", b"1"]);
    // What redis-server 7.0.15 replied for the same data.
    assert_eq!(dataset_digest(&executor.keyspace).to_hex(), "943d800368fb9c0e951138f1bc0e313ac769d91f");
    executor.db = 3;
    executor.run(&[b"SET", b"b", b"text", b"EX", b"100"]);
    assert_eq!(dataset_digest(&executor.keyspace).to_hex(), "85f4a8d13f4724f5c98d2b8add0ab14c358ae758");
}

fn debug(
    executor: &mut Executor,
    run: fn(&mut lastsave_commands::Context<'_>, lastsave_resp::Request<'_>),
    args: &[&[u8]],
) -> Outcome {
    let owned = OwnedRequest::from_args(args);
    let request = owned.as_request();
    executor.with_context(|context| run(context, request), Some(request)).1
}

#[test]
fn debug_works_on_data() {
    let mut executor = Executor::new();
    let populate = debug(&mut executor, debug_populate, &[b"DEBUG", b"POPULATE", b"3", b"k", b"10"]);
    assert_eq!(populate.reply, b"+OK\r\n");
    assert!(populate.effects.is_empty(), "as in Redis, not logged");
    assert_eq!(executor.run(&[b"GET", b"k:2"]).reply, b"$10\r\nvalue:2\0\0\0\r\n");
    let object = debug(&mut executor, debug_object, &[b"DEBUG", b"OBJECT", b"k:2"]);
    assert!(show_reply(&object.reply).contains("encoding:embstr serializedlength:11 lru:"), "{object:?}");
    assert_eq!(
        show_reply(&debug(&mut executor, debug_object, &[b"DEBUG", b"OBJECT", b"x"]).reply),
        "-ERR no such key"
    );
    let negative = debug(&mut executor, debug_populate, &[b"DEBUG", b"POPULATE", b"-1"]);
    assert_eq!(show_reply(&negative.reply), "-ERR value is out of range, must be positive");
    let digests = debug(&mut executor, debug_digest_value, &[b"DEBUG", b"DIGEST-VALUE", b"x", b"k:2"]);
    assert!(show_reply(&digests.reply).starts_with(&format!("*2 +{} +", "0".repeat(40))));
}
