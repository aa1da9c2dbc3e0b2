//! A command kept for later has the same arguments, is canonical, and shares what is worth sharing.

use bytes::{Bytes, BytesMut};
use lastsave_resp::{Batch, Limits, OwnedRequest, Parser, encode_command, encode_request};

fn parse(input: &[u8]) -> Batch {
    let mut batch = Batch::new();
    let progress = Parser::new().parse(input, &Limits::default(), &mut batch, 1000);
    assert_eq!((progress.consumed, progress.error), (input.len(), None));
    batch
}

#[test]
fn whatever_it_was_made_of() {
    let input =
        b"PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\nSET k \"a b\"\r\n*2\rx$3\r\nGET\r\n$0\r\n\r\n";
    let batch = parse(input);
    let kept: Vec<OwnedRequest> = batch.requests(input).map(OwnedRequest::from).collect();
    for (kept, request) in kept.iter().zip(batch.requests(input)) {
        let owned = kept.as_request();
        assert!(owned.args().eq(request.args()));
        assert!(owned.is_canonical());
        let mut encoded = BytesMut::new();
        encode_request(&mut encoded, request);
        assert_eq!(encoded, kept.frame());
        assert_eq!(owned.frame(), kept.frame());
        assert!(kept.memory_bytes() > kept.frame().len());
        assert_eq!(format!("{request:?}"), format!("{kept:?}"));
    }
    assert_eq!(format!("{:?}", kept[1]), r#"["SET", "k", "\\r\\n"]"#);
}

#[test]
fn a_command_made_from_arguments_is_the_encoded_one() {
    let args: [&[u8]; 5] = [b"a", b"", b"c\0", b"4", b"five"];
    let mut encoded = BytesMut::new();
    encode_command(&mut encoded, &args);
    let request = OwnedRequest::from_args(&args);
    assert_eq!(request.frame(), &encoded);
    assert!(request.as_request().args().eq(args));
    assert!(request.as_request().args().rev().eq(args.into_iter().rev()));
    assert_eq!(request.as_request().args().nth(3), Some(&b"4"[..]));
    assert_eq!(request.as_request().get(5), None);
}

#[test]
fn only_big_arguments_are_shared() {
    let big = vec![b'x'; 10_000];
    let mut frame = BytesMut::new();
    encode_command(&mut frame, &[b"SET", b"key", &big]);
    let frame: Bytes = frame.freeze();
    let batch = parse(&frame);
    let request = batch.request(0, &frame).with_shared(&frame);
    let value = request.arg_shared(2);
    assert_eq!(value, big);
    assert_eq!(value.as_ptr(), request.arg(2).as_ptr());
    assert_ne!(request.arg_shared(1).as_ptr(), request.arg(1).as_ptr());
    assert_ne!(batch.request(0, &frame).arg_shared(2).as_ptr(), request.arg(2).as_ptr());

    let kept = OwnedRequest::from(request);
    drop((batch, frame));
    assert_eq!(kept.as_request().arg_shared(2).as_ptr(), value.as_ptr());
}

#[test]
fn a_small_command_of_a_big_buffer_does_not_pin_it() {
    let buffer = Bytes::from([&b"*1\r\n$4\r\nPING\r\n"[..], &b"PING\r\n".repeat(100)].concat());
    let batch = parse(&buffer);
    let request = batch.request(0, &buffer).with_shared(&buffer);
    assert_ne!(OwnedRequest::from(request).frame().as_ptr(), request.frame().as_ptr());
    // A buffer that does not hold the request is a mistake that costs a copy, nothing worse.
    let other = Bytes::from_static(b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(batch.request(0, &buffer).with_shared(&other).arg_shared(0), b"PING"[..]);
}
