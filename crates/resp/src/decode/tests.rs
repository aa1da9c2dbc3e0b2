//! Tests of the decode module.

use proptest::prelude::*;

use super::*;

#[test]
fn every_type_decodes() {
    let text = |text: &str| text.as_bytes().to_vec();
    for (input, reply) in [
        ("+OK\r\n", Reply::Simple(text("OK"))),
        ("-ERR no\r\n", Reply::Error(text("ERR no"))),
        (":-5\r\n", Reply::Integer(-5)),
        ("$0\r\n\r\n", Reply::Bulk(vec![])),
        ("$3\r\na\r\n\r\n", Reply::Bulk(text("a\r\n"))),
        ("$-1\r\n", Reply::Null),
        ("_\r\n", Reply::Null),
        ("*-1\r\n", Reply::NullArray),
        ("*0\r\n", Reply::Array(vec![])),
        ("*2\r\n:1\r\n*1\r\n_\r\n", Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![Reply::Null])])),
        ("%1\r\n+a\r\n:1\r\n", Reply::Map(vec![(Reply::Simple(text("a")), Reply::Integer(1))])),
        ("~1\r\n:1\r\n", Reply::Set(vec![Reply::Integer(1)])),
        (">1\r\n:1\r\n", Reply::Push(vec![Reply::Integer(1)])),
        (",1.5\r\n", Reply::Double(1.5)),
        (",-inf\r\n", Reply::Double(f64::NEG_INFINITY)),
        ("#t\r\n", Reply::Boolean(true)),
        ("(-12345678901234567890\r\n", Reply::BigNumber("-12345678901234567890".into())),
        ("=6\r\ntxt:hi\r\n", Reply::Verbatim { format: *b"txt", text: text("hi") }),
        ("!5\r\nERR x\r\n", Reply::BulkError(text("ERR x"))),
        (
            "|1\r\n+a\r\n:1\r\n:2\r\n",
            Reply::Attribute {
                pairs: vec![(Reply::Simple(text("a")), Reply::Integer(1))],
                reply: Box::new(Reply::Integer(2)),
            },
        ),
    ] {
        assert_eq!(
            decode_reply(format!("{input}rest").as_bytes()),
            Ok(Some((reply, input.len()))),
            "{input:?}"
        );
        for cut in 0..input.len() {
            assert_eq!(decode_reply(&input.as_bytes()[..cut]), Ok(None), "{input:?} cut at {cut}");
        }
        crate::fuzz_entry::reply(input.as_bytes());
    }
}

#[test]
fn bad_replies_are_refused() {
    let limits = ReplyLimits { max_depth: 2, max_bulk_bytes: 10, max_elements: 5 };
    for (input, error) in [
        ("x\r\n", ReplyError::UnknownType { offset: 0, got: b'x' }),
        ("*1\r\n?\r\n", ReplyError::UnknownType { offset: 4, got: b'?' }),
        (":x\r\n", ReplyError::InvalidNumber { offset: 0 }),
        ("$-2\r\n", ReplyError::InvalidNumber { offset: 0 }),
        ("*-2\r\n", ReplyError::InvalidNumber { offset: 0 }),
        ("%-1\r\n", ReplyError::InvalidNumber { offset: 0 }),
        ("_x\r\n", ReplyError::InvalidValue { offset: 0, what: "null" }),
        ("#x\r\n", ReplyError::InvalidValue { offset: 0, what: "boolean" }),
        (",x\r\n", ReplyError::InvalidValue { offset: 0, what: "double" }),
        ("(1x\r\n", ReplyError::InvalidValue { offset: 0, what: "big number" }),
        ("(-\r\n", ReplyError::InvalidValue { offset: 0, what: "big number" }),
        ("=3\r\ntxt\r\n", ReplyError::InvalidValue { offset: 0, what: "verbatim string" }),
        ("+O\rK\r\n", ReplyError::MissingLineEnd { offset: 2 }),
        ("$1\r\nab\r\n", ReplyError::MissingLineEnd { offset: 5 }),
        ("$11\r\n", ReplyError::TooLong { offset: 0, got: 11, limit: 10 }),
        ("+12345678901", ReplyError::TooLong { offset: 0, got: 11, limit: 10 }),
        ("+12345678901\r\n", ReplyError::TooLong { offset: 0, got: 11, limit: 10 }),
        ("*6\r\n", ReplyError::TooLong { offset: 0, got: 6, limit: 5 }),
        ("%3\r\n", ReplyError::TooLong { offset: 0, got: 3, limit: 2 }),
        ("*3\r\n*3\r\n", ReplyError::TooLong { offset: 4, got: 3, limit: 2 }),
        ("*1\r\n*1\r\n*1\r\n", ReplyError::TooDeep { offset: 8, limit: 2 }),
        ("*9000000000\r\n", ReplyError::TooLong { offset: 0, got: 9_000_000_000, limit: 5 }),
    ] {
        assert_eq!(decode_reply_within(input.as_bytes(), &limits), Err(error), "{input:?}");
    }
    let attributes = "|0\r\n".repeat(100_000);
    assert!(matches!(decode_reply(attributes.as_bytes()), Err(ReplyError::TooDeep { .. })));
}

fn reply() -> impl Strategy<Value = Reply> {
    let line =
        || prop::collection::vec(any::<u8>().prop_filter("line end", |byte| !b"\r\n".contains(byte)), 0..20);
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        line().prop_map(Reply::Simple),
        line().prop_map(Reply::Error),
        any::<i64>().prop_map(Reply::Integer),
        bytes().prop_map(Reply::Bulk),
        bytes().prop_map(Reply::BulkError),
        Just(Reply::Null),
        any::<f64>().prop_map(Reply::Double),
        any::<bool>().prop_map(Reply::Boolean),
        any::<i128>().prop_map(|value| Reply::BigNumber(value.to_string())),
        (any::<[u8; 3]>(), bytes()).prop_map(|(format, text)| Reply::Verbatim { format, text }),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..6);
        let pairs = || prop::collection::vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            items().prop_map(Reply::Array),
            items().prop_map(Reply::Set),
            items().prop_map(Reply::Push),
            pairs().prop_map(Reply::Map),
            (pairs(), inner.clone())
                .prop_map(|(pairs, reply)| Reply::Attribute { pairs, reply: Box::new(reply) }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_decodes(reply in reply()) {
        let mut out = ReplyBuffer::new(crate::Protocol::Resp3);
        reply.write_to(&mut out);
        let bytes = out.to_vec();
        prop_assert_eq!(decode_reply(&bytes), Ok(Some((reply.clone(), bytes.len()))));
        let mut out = ReplyBuffer::new(crate::Protocol::Resp2);
        reply.write_to(&mut out);
        let bytes = out.to_vec();
        prop_assert!(matches!(decode_reply(&bytes), Ok(Some((_, length))) if length == bytes.len()));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(prop::sample::select(b"+-:$*_,#(=!%~>|019\r\nabt:".to_vec()), 0..60)) {
        crate::fuzz_entry::reply(&bytes);
    }
}
