//! Tests of the parser module.

use proptest::prelude::*;

use super::*;

fn parse(input: &[u8], limits: &Limits) -> (Vec<Vec<Vec<u8>>>, Progress) {
    let mut batch = Batch::new();
    let progress = Parser::new().parse(input, limits, &mut batch, usize::MAX);
    let commands =
        batch.requests(input).map(|request| request.args().map(<[u8]>::to_vec).collect()).collect();
    (commands, progress)
}

fn check_error(input: &[u8], limits: &Limits, commands: usize, text: Option<&str>) {
    let (found, progress) = parse(input, limits);
    let error = progress.error.map(|error| error.to_string());
    let shown = input[..input.len().min(60)].escape_ascii();
    assert_eq!((found.len(), error.as_deref()), (commands, text), "{shown}");
}

#[test]
fn protocol_errors_are_those_of_redis() {
    let limits = Limits::default();
    let long = |prefix: &str, count: usize| [prefix.as_bytes(), &vec![b'1'; count]].concat();
    for (input, commands, text) in [
        (&b"*2147483647\r\n"[..], 0, None),
        (b"*2147483648\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*01\r\n$4\r\nPING\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*-0\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*+1\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*1\n$4\r\n", 0, Some("Protocol error: invalid multibulk length")),
        (b"*1\r\n$04\r\nPING\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$-1\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$-0\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$4\nPING\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$536870913\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$536870912\r\n", 0, None),
        (b"*1\r\n$9223372036854775808\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\n$99999999999999999999999\r\n", 0, Some("Protocol error: invalid bulk length")),
        (b"*1\r\nX\r\n", 0, Some("Protocol error: expected '$', got 'X'")),
        (b"*1\r\nX\r", 0, None),
        (b"*1\r\nX", 0, None),
        (b"PING\r\n*1\r\n$1\r\nA\r\n*1\r\n$x\r\n", 2, Some("Protocol error: invalid bulk length")),
        (b"PING\r\nPING \"a\"b\r\n", 1, Some("Protocol error: unbalanced quotes in request")),
        (b"PING \"a", 0, None),
        (b"PI\0NG\r\nPING\r\n", 0, None),
        (b"*1\0\r\n", 0, None),
    ] {
        check_error(input, &limits, commands, text);
    }
    check_error(&long("", 65_536), &limits, 0, None);
    check_error(&long("", 65_537), &limits, 0, Some("Protocol error: too big inline request"));
    check_error(&long("*", 65_535), &limits, 0, None);
    check_error(&long("*", 65_536), &limits, 0, Some("Protocol error: too big mbulk count string"));
    check_error(&long("*1\r\n$", 65_535), &limits, 0, None);
    check_error(&long("*1\r\n$", 65_536), &limits, 0, Some("Protocol error: too big bulk count string"));
}

#[test]
fn the_client_s_byte_is_quoted_as_it_came() {
    let mut reply = crate::ReplyBuffer::default();
    for got in [0xff, b'\r'] {
        reply.protocol_error(ProtocolError::ExpectedDollar { got });
    }
    let expected =
        b"-ERR Protocol error: expected '$', got '\xff'\r\n-ERR Protocol error: expected '$', got ' '\r\n";
    assert_eq!(reply.to_vec(), expected);
    assert_eq!(
        parse(b"*1\r\n\r\n", &Limits::default()).1.error,
        Some(ProtocolError::ExpectedDollar { got: b'\r' })
    );
}

#[test]
fn strangers_are_held_to_small_commands() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    check_error(b"*10\r\n$16384\r\n", &limits, 0, None);
    check_error(b"*11\r\n", &limits, 0, Some("Protocol error: unauthenticated multibulk length"));
    check_error(b"*1\r\n$16385\r\n", &limits, 0, Some("Protocol error: unauthenticated bulk length"));
    check_error(b"*1\r\n$536870913\r\n", &limits, 0, Some("Protocol error: invalid bulk length"));
}

#[test]
fn a_limit_that_auth_may_lift_is_looked_at_again() {
    let mut limits = Limits { authenticated: false, ..Limits::default() };
    let input = b"AUTH x\r\n*1\r\n$16385\r\n";
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let progress = parser.parse(input, &limits, &mut batch, 100);
    assert_eq!((batch.len(), progress.more, progress.error, progress.consumed), (1, true, None, 8));
    limits.authenticated = true;
    batch.clear();
    let progress = parser.parse(&input[8..], &limits, &mut batch, 100);
    assert_eq!((batch.len(), progress.more, progress.error, progress.wanted), (0, false, None, 16_387));
    parser.reset();
    limits.authenticated = false;
    let progress = parser.parse(&input[8..], &limits, &mut batch, 100);
    assert_eq!(progress.error, Some(ProtocolError::UnauthenticatedBulkLength));
    assert_eq!(parser.parse(b"PING\r\n", &limits, &mut batch, 100).error, progress.error);
}

#[test]
fn empty_commands_are_skipped() {
    let (commands, progress) = parse(b"*0\r\n\r\n\n  \r\n*-1\r\n*-5\r\nPING\n*0\r\n", &Limits::default());
    assert_eq!(commands, [[b"PING"]]);
    assert_eq!((progress.consumed, progress.error), (30, None));
}

#[test]
fn line_ends_of_arguments_are_not_looked_at_but_make_a_frame_not_canonical() {
    let input = b"*1\rx$4\rxPINGzz*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\rz*1\r\n$4\rzPING\r\n*1\rz$4\r\nPING\r\nPING\r\n";
    let mut batch = Batch::new();
    Parser::new().parse(input, &Limits::default(), &mut batch, 100);
    assert!(batch.requests(input).all(|request| request.args().eq([b"PING"])));
    let canonical: Vec<_> = batch.requests(input).map(|request| request.is_canonical()).collect();
    assert_eq!(canonical, [false, true, false, false, false, false]);
    assert_eq!(batch.request(1, input).frame(), b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(batch.request(5, input).frame(), b"PING\r\n");
}

#[test]
fn a_batch_is_limited() {
    let input = b"PING\r\n".repeat(5);
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let progress = parser.parse(&input, &Limits::default(), &mut batch, 2);
    assert_eq!((batch.len(), progress.consumed, progress.more), (2, 12, true));
    let progress = parser.parse(&input[12..], &Limits::default(), &mut batch, 3);
    assert_eq!((batch.len(), progress.consumed, progress.more), (5, 18, false));
}

#[test]
fn a_slow_big_command_is_read_once() {
    let args = 300_000;
    let mut input = format!("*{args}\r\n").into_bytes();
    for _ in 0..args {
        input.extend_from_slice(b"$1\r\na\r\n");
    }
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    // Quadratic work would take minutes here.
    for end in (0..input.len()).step_by(61) {
        let progress = parser.parse(&input[..end], &Limits::default(), &mut batch, 1);
        assert_eq!(progress.consumed, 0);
    }
    assert!(parser.is_under_way() && parser.memory_bytes() > 0);
    let progress = parser.parse(&input, &Limits::default(), &mut batch, 1);
    assert_eq!((progress.consumed, batch.len(), batch.request(0, &input).len()), (input.len(), 1, args));
    assert!(!parser.is_under_way());
}

#[test]
fn wanted_tells_what_the_argument_lacks() {
    let (_, progress) = parse(b"*2\r\n$3\r\nGET\r\n$100\r\nabc", &Limits::default());
    assert_eq!(progress.wanted, 99);
    assert_eq!(parse(b"*2\r\n$3\r\nGET\r\n$1", &Limits::default()).1.wanted, 0);
}

#[test]
fn announced_lengths_allocate_nothing() {
    let mut batch = Batch::new();
    Parser::new().parse(b"*2147483647\r\n$536870912\r\n", &Limits::default(), &mut batch, 1);
    assert!(batch.spans.capacity() <= RESERVED_SPANS_MAX * 2);
}

fn arguments() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6)
}

/// Pieces of protocol, so that arbitrary input gets further than its first byte.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        4 => prop::sample::select(vec![
            &b"*1\r\n"[..], b"*2\r\n", b"*0\r\n", b"*-1\r\n", b"*11\r\n", b"$0\r\n\r\n", b"$3\r\nabc\r\n", b"$5\r\n",
            b"$12\r\n", b"$4096\r\n", b"\r\n", b"\n", b"\r", b"PING\r\n", b"a \"b\" 'c'\r\n", b"\"", b"\\x41", b"$", b"*",
            b"0", b"1", b"-", b" ", b"\0", b"$5000\r\n", b"*65\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(fragment, 0..30).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_in_any_pieces(choice in any::<u8>(), stream in fragments()) {
        crate::fuzz_entry::request(&[&[choice], &stream[..]].concat());
    }

    #[test]
    fn commands_survive_encoding_and_every_split(commands in prop::collection::vec(arguments(), 1..5)) {
        let mut stream = bytes::BytesMut::new();
        for command in &commands {
            let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            crate::encode_command(&mut stream, &args);
        }
        for split in 0..=stream.len() {
            let (mut parser, mut batch) = (Parser::new(), Batch::new());
            let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
            let mut start = 0;
            for end in [split, stream.len()] {
                batch.clear();
                let input = &stream[start..end];
                let progress = parser.parse(input, &Limits::default(), &mut batch, 100);
                prop_assert_eq!(progress.error, None);
                prop_assert!(batch.requests(input).all(|request| request.is_canonical()));
                found.extend(batch.requests(input).map(|request| request.args().map(<[u8]>::to_vec).collect()));
                start += progress.consumed;
            }
            prop_assert_eq!(&found, &commands);
            prop_assert_eq!(start, stream.len());
        }
    }
}

#[test]
fn the_argument_that_is_arriving_can_be_told_from_those_before_it() {
    let mut parser = Parser::new();
    let mut batch = Batch::new();
    let limits = Limits::default();
    let mut input = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n".to_vec();
    parser.parse(&input, &limits, &mut batch, 1);
    assert_eq!(parser.arriving_argument(), None, "the length is not known");
    input.extend_from_slice(b"$5\r\nhel");
    parser.parse(&input, &limits, &mut batch, 1);
    assert_eq!(parser.arriving_argument(), Some((4, 24)));
    input.extend_from_slice(b"lo\r\n");
    assert_eq!(parser.parse(&input, &limits, &mut batch, 1).consumed, input.len());
    assert_eq!(parser.arriving_argument(), None);
}
