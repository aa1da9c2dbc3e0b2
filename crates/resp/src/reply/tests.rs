//! Tests of the reply module.

use super::*;
use crate::output::SHARED_BYTES_MIN;

fn check(write: impl Fn(&mut ReplyBuffer), resp2: &str, resp3: &str) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let mut reply = ReplyBuffer::new(protocol);
        write(&mut reply);
        assert_eq!(String::from_utf8_lossy(&reply.to_vec()), expected, "{protocol:?}");
    }
}

#[test]
fn every_reply_in_both_versions() {
    check(|reply| reply.ok(), "+OK\r\n", "+OK\r\n");
    check(|reply| reply.simple("PONG"), "+PONG\r\n", "+PONG\r\n");
    check(|reply| reply.error("ERR no"), "-ERR no\r\n", "-ERR no\r\n");
    check(|reply| reply.bulk(b""), "$0\r\n\r\n", "$0\r\n\r\n");
    check(|reply| reply.bulk(b"hello world"), "$11\r\nhello world\r\n", "$11\r\nhello world\r\n");
    check(|reply| reply.bulk_integer(-10), "$3\r\n-10\r\n", "$3\r\n-10\r\n");
    check(|reply| reply.bulk_display(format_args!("{}-{}", 1, 2)), "$3\r\n1-2\r\n", "$3\r\n1-2\r\n");
    check(|reply| reply.bulk_shared(&Bytes::from_static(b"ab")), "$2\r\nab\r\n", "$2\r\nab\r\n");
    check(|reply| reply.null(), "$-1\r\n", "_\r\n");
    check(|reply| reply.null_array(), "*-1\r\n", "_\r\n");
    check(|reply| reply.array(2), "*2\r\n", "*2\r\n");
    check(|reply| reply.map(2), "*4\r\n", "%2\r\n");
    check(|reply| reply.set(12), "*12\r\n", "~12\r\n");
    check(|reply| reply.push(123), "*123\r\n", ">123\r\n");
    check(|reply| assert_eq!(reply.attribute(1), reply.protocol() == Protocol::Resp3), "", "|1\r\n");
    check(|reply| reply.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
    check(|reply| reply.double(f64::INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    check(|reply| reply.double_text("3.140"), "$5\r\n3.140\r\n", ",3.140\r\n");
    check(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
    check(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
    check(|reply| reply.big_number("-123"), "$4\r\n-123\r\n", "(-123\r\n");
    check(|reply| reply.verbatim("txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
    check(|reply| reply.verbatim("t", b""), "$0\r\n\r\n", "=4\r\nt  :\r\n");
    check(|reply| reply.verbatim("markdown", b""), "$0\r\n\r\n", "=4\r\nmar:\r\n");
    check(|reply| reply.raw(b"+x\r\n"), "+x\r\n", "+x\r\n");
    check(|reply| reply.raw_shared(&Bytes::from_static(b"+x\r\n")), "+x\r\n", "+x\r\n");
}

#[test]
fn integers_of_every_size() {
    for value in [0, 1, 2, 9, 10, 99, 100, 101, 12_345, i64::MAX, -1, -10, i64::MIN] {
        let text = format!(":{value}\r\n");
        check(|reply| reply.integer(value), &text, &text);
    }
}

#[test]
fn errors_are_one_line_and_counted_by_code() {
    let mut reply = ReplyBuffer::new(Protocol::Resp2);
    assert_eq!((reply.errors(), reply.last_error_code()), (0, &b""[..]));
    reply.error("\r\nWRONGTYPE a\r\nb\n");
    assert_eq!(reply.to_vec(), b"-WRONGTYPE a  b\r\n");
    assert_eq!((reply.errors(), reply.last_error_code()), (1, &b"WRONGTYPE"[..]));
    reply.truncate_to(0);
    reply.error("nospace");
    assert_eq!((reply.errors(), reply.last_error_code()), (2, &b"ERR"[..]));
    reply.error(&format!("{} x", "L".repeat(40)));
    assert_eq!(reply.last_error_code(), b"ERR");
    reply.error(&format!("{} x", "L".repeat(31)));
    assert_eq!(reply.last_error_code(), "L".repeat(31).as_bytes());
    reply.error("\r\n");
    assert!(reply.to_vec().ends_with(b"\r\n-\r\n"));
}

#[test]
fn a_head_is_put_before_elements_already_written() {
    check(
        |reply| {
            reply.ok();
            let mark = reply.produced();
            for item in ["a", "b"] {
                reply.bulk(item.as_bytes());
            }
            reply.insert_aggregate(mark, Aggregate::Set, 2);
            reply.integer(7);
        },
        "+OK\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n:7\r\n",
        "+OK\r\n~2\r\n$1\r\na\r\n$1\r\nb\r\n:7\r\n",
    );
}

#[test]
fn a_reply_taken_back_takes_its_shared_values_with_it() {
    let big = Bytes::from(vec![b'x'; SHARED_BYTES_MIN]);
    let mut reply = ReplyBuffer::new(Protocol::Resp3);
    reply.bulk_shared(&big);
    let mark = reply.produced();
    reply.array(1);
    reply.bulk_shared(&big);
    reply.truncate_to(mark);
    assert_eq!(reply.produced(), mark);
    assert_eq!(reply.pending(), big.len() + 9);
    reply.set_protocol(Protocol::Resp2);
    assert_eq!(reply.protocol().version(), 2);
}

#[test]
fn nothing_beyond_the_limit_is_handed_out() {
    let mut reply = ReplyBuffer::new(Protocol::Resp2);
    reply.ok();
    let released = reply.produced();
    reply.simple("HELD");
    let mut slices = Vec::new();
    reply.io_slices(released, &mut slices);
    assert_eq!(slices.iter().map(|slice| slice.to_vec()).collect::<Vec<_>>(), [b"+OK\r\n"]);
    reply.consume(5);
    let mut slices = Vec::new();
    reply.io_slices(released, &mut slices);
    assert!(slices.is_empty());
}

#[test]
fn a_limit_cuts_nothing_but_can_be_asked_for() {
    let mut reply = ReplyBuffer::new(Protocol::Resp2);
    reply.ok();
    assert!(!reply.is_overfull());
    reply.set_limit(NonZeroU64::new(10));
    assert!(!reply.is_overfull());
    reply.ok();
    assert!(reply.is_overfull());
    reply.ok();
    assert_eq!(reply.pending(), 15);
    reply.consume(6);
    assert!(!reply.is_overfull());
}
