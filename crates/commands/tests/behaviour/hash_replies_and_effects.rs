//! Commands on hashes: replies, errors and what is logged.

use crate::executor::Executor;
use crate::script::check;

#[test]
fn fields_are_set_read_and_removed() {
    check(
        r#"
        > HSET h a 1 b two
        :2
        = 0
        > HSET h a 2 c ""
        :1
        = 0
        > HMSET h d 4
        +OK
        = 0
        > HSETNX h d 5
        :0
        > HSETNX h e 5
        :1
        = 0
        > HGET h a
        $1 2
        > HGET h nope
        $-1
        > HMGET h a nope b
        *3 $1 2 $-1 $3 two
        > HLEN h
        :5
        > HSTRLEN h b
        :3
        > HEXISTS h c
        :1
        > HDEL h nope
        :0
        > HDEL h a b nope a
        :2
        = 0
        > HGETALL h
        *6 $1 c $0  $1 d $1 4 $1 e $1 5
        > HKEYS h
        *3 $1 c $1 d $1 e
        > HVALS h
        *3 $0  $1 4 $1 5
        > HDEL h c d e f
        :3
        = 0
        > EXISTS h
        :0
        > HGETALL h
        *0
        @ resp 3
        > HGETALL h
        %0
        > HSET h a 1
        :1
        = 0
        > HGETALL h
        %1 $1 a $1 1
        > HRANDFIELD h 5 WITHVALUES
        *1 *2 $1 a $1 1
        > HRANDFIELD h -2 WITHVALUES
        *2 *2 $1 a $1 1 *2 $1 a $1 1
        > HRANDFIELD h
        $1 a
        > HRANDFIELD nope
        _
        "#,
    );
}

#[test]
fn wrong_arguments_and_types_are_refused() {
    check(
        r"
        > SET s v
        +OK
        = 0
        > HSET s f v
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET h f
        -ERR wrong number of arguments for 'hset' command
        > HMSET h f v g
        -ERR wrong number of arguments for 'hmset' command
        > HGETALL s
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HDEL s f
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBY s f x
        -ERR value is not an integer or out of range
        > HINCRBY s f 1
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD h -9223372036854775808
        -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > HRANDFIELD h 9223372036854775807 withvalues
        -ERR value is out of range
        > HRANDFIELD h 1 nonsense
        -ERR syntax error
        > HSCAN h x
        -ERR invalid cursor
        > HSCAN h 0 COUNT 0
        *2 $1 0 *0
        > HSET h f v
        :1
        = 0
        > HSCAN h 0 COUNT 0
        -ERR syntax error
        > HSCAN h 0 TYPE hash
        -ERR syntax error
        > HSCAN h 0 MATCH g
        *2 $1 0 *0
        ",
    );
}

#[test]
fn numbers_in_fields_are_counted() {
    check(
        r"
        > HINCRBY h n 5
        :5
        = 0
        > HINCRBY h n -7
        :-2
        = 0
        > HSET h big 9223372036854775807 text x inf inf
        :3
        = 0
        > HINCRBY h big 1
        -ERR increment or decrement would overflow
        > HINCRBY h text 1
        -ERR hash value is not an integer
        > HINCRBYFLOAT h n 0.5
        $4 -1.5
        ~ 0 HSET h n -1.5
        > HINCRBYFLOAT h new 3.0e3
        $4 3000
        ~ 0 HSET h new 3000
        > HINCRBYFLOAT h text 1
        -ERR hash value is not a float
        > HINCRBYFLOAT h n x
        -ERR value is not a valid float
        > HINCRBYFLOAT h n inf
        -ERR value is NaN or Infinity
        > HINCRBYFLOAT h inf 1
        -ERR increment would produce NaN or Infinity
        ",
    );
}

#[test]
fn hashes_are_unpacked_where_redis_7_2_does() {
    let mut executor = Executor::new();
    executor.options.hash_max_listpack_entries = 3;
    let encoding = |executor: &mut Executor| {
        String::from_utf8(executor.run_text("OBJECT ENCODING h").reply).expect("ASCII")
    };
    executor.run_text("HSET h a 1 b 2 c 3");
    assert_eq!(encoding(&mut executor), "$8\r\nlistpack\r\n");
    executor.run_text("HSET h a 4 b 5 c 6 a 7");
    assert_eq!(
        encoding(&mut executor),
        "$9\r\nhashtable\r\n",
        "four pairs are too many, whatever their fields"
    );
    executor.run_text("DEL h");
    executor.run_text("HSET h a 1 b 2 c 3");
    executor.run_text("HINCRBY h d 1");
    assert_eq!(encoding(&mut executor), "$9\r\nhashtable\r\n");
    assert_eq!(executor.run_text("HGET h a").reply, b"$1\r\n1\r\n");
}

#[test]
fn a_big_hash_is_scanned_in_parts() {
    let mut executor = Executor::new();
    for number in 0..5000 {
        executor.run(&[b"HSET", b"h", format!("field:{number}").as_bytes(), b"v"]);
    }
    let (mut cursor, mut fields, mut calls) = ("0".to_owned(), std::collections::BTreeSet::new(), 0);
    loop {
        let reply = executor.run(&[b"HSCAN", b"h", cursor.as_bytes(), b"COUNT", b"50"]).reply;
        let text = String::from_utf8(reply).expect("ASCII");
        let mut lines = text.split("\r\n").skip(2);
        cursor = lines.next().expect("a cursor").to_owned();
        fields.extend(lines.filter(|line| line.starts_with("field:")).map(str::to_owned));
        calls += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(fields.len(), 5000);
    assert!((95..=100).contains(&calls), "{calls}");
}

#[test]
fn payloads_with_duplicates_are_refused() {
    let mut executor = Executor::new();
    executor.options.skip_dump_checksum = true;
    let bodies: [&[u8]; 5] = [
        b"\x04\x02\x01a\x01b\x01a\x01c",
        b"\x02\x02\x01a\x01a",
        b"\x10\x13\x13\0\0\0\x04\0\x81a\x02\x81b\x02\x81a\x02\x81c\x02\xff",
        b"\x14\x0d\x0d\0\0\0\x02\0\x81a\x02\x81a\x02\xff",
        b"\x04\x00",
    ];
    for body in bodies {
        let payload = [body, b"\x0b\0\0\0\0\0\0\0\0\0"].concat();
        let reply = executor.run(&[b"RESTORE", b"k", b"0", &payload]).reply;
        assert_eq!(reply, b"-ERR Bad data format\r\n", "{}", body.escape_ascii());
        assert_eq!(executor.run_text("EXISTS k").reply, b":0\r\n");
    }
    let good = b"\x04\x02\x01a\x01b\x01c\x01c\x0b\0\0\0\0\0\0\0\0\0";
    assert_eq!(executor.run(&[b"RESTORE", b"k", b"0", good]).reply, b"+OK\r\n");
}
