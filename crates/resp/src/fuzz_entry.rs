//! What the fuzz targets run, kept here so that ordinary tests replay their findings. Not part of the interface.

use bytes::BytesMut;

use crate::{
    Batch, Limits, OwnedRequest, Parser, Protocol, ProtocolError, ReplyBuffer, ReplyLimits,
    decode_reply_within, encode_command, encode_request, split_arguments,
};

/// Small limits, so that short inputs reach them.
const LIMITS: Limits =
    Limits { max_bulk_bytes: 4096, max_args: 64, max_inline_bytes: 128, authenticated: true };

type Commands = Vec<Vec<Vec<u8>>>;

/// The first byte of `data` chooses limits and the sizes of the pieces that the rest arrives in. Checks that pieces
/// give the same commands and error as the whole, and that every command survives encoding.
///
/// # Panics
/// When one of these does not hold.
pub fn request(data: &[u8]) {
    let Some((choice, stream)) = data.split_first() else { return };
    let limits = Limits { authenticated: choice & 1 == 0, ..LIMITS };
    let piece_bytes = usize::from(choice >> 1) + 1;
    let whole = read(stream, &limits, stream.len().max(1), 1024);
    let pieces = read(stream, &limits, piece_bytes, 2);
    assert_eq!(whole, pieces, "pieces of {piece_bytes} bytes read differently");
    for command in &whole.0 {
        check_encoding(command);
    }
    let _ = split_arguments(stream);
}

/// Feeds `stream` in pieces, as a connection would.
fn read(
    stream: &[u8],
    limits: &Limits,
    piece_bytes: usize,
    max_commands: usize,
) -> (Commands, Option<ProtocolError>) {
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let (mut commands, mut start) = (Vec::new(), 0);
    let mut arrived = 0;
    while arrived < stream.len() {
        arrived = stream.len().min(arrived + piece_bytes);
        loop {
            batch.clear();
            let input = &stream[start..arrived];
            let progress = parser.parse(input, limits, &mut batch, max_commands);
            for request in batch.requests(input) {
                assert!(request.len() > 0);
                if request.is_canonical() {
                    let args: Vec<&[u8]> = request.args().collect();
                    let mut encoded = BytesMut::new();
                    encode_command(&mut encoded, &args);
                    assert_eq!(encoded, request.frame(), "a canonical frame is not what encoding gives");
                }
                commands.push(request.args().map(<[u8]>::to_vec).collect());
            }
            start += progress.consumed;
            if progress.error.is_some() {
                return (commands, progress.error);
            }
            if !progress.more {
                break;
            }
            assert!(progress.consumed > 0, "no progress, but more to come");
        }
    }
    (commands, None)
}

/// A command encodes to a frame that parses to the same command.
fn check_encoding(command: &[Vec<u8>]) {
    let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
    let owned = OwnedRequest::from_args(&args);
    let mut encoded = BytesMut::new();
    encode_request(&mut encoded, owned.as_request());
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let progress = parser.parse(&encoded, &Limits::default(), &mut batch, 2);
    assert_eq!(progress.consumed, encoded.len());
    assert_eq!(batch.len(), 1);
    let request = batch.request(0, &encoded);
    assert!(request.is_canonical());
    assert!(request.args().eq(args.iter().copied()));
    assert!(OwnedRequest::from(request).as_request().args().eq(args.iter().copied()));
}

/// Decodes `data` as a reply; what decodes must, once written again, decode and write to the same bytes, and no
/// shorter input may have decoded.
///
/// # Panics
/// When that does not hold.
pub fn reply(data: &[u8]) {
    let limits = ReplyLimits { max_depth: 16, max_bulk_bytes: 4096, max_elements: 4096 };
    let Ok(Some((reply, length))) = decode_reply_within(data, &limits) else { return };
    assert!(length <= data.len());
    assert_eq!(decode_reply_within(&data[..length - 1], &limits), Ok(None), "a cut reply decodes");
    let first = write(&reply);
    // Errors lose their line ends and may grow by nothing else, so the default limits hold what the narrow ones did.
    let (again, length) = crate::decode_reply(&first).expect("what was written decodes").expect("in full");
    assert_eq!(length, first.len());
    assert_eq!(write(&again), first);
}

fn write(reply: &crate::Reply) -> Vec<u8> {
    let mut out = ReplyBuffer::new(Protocol::Resp3);
    reply.write_to(&mut out);
    out.to_vec()
}
