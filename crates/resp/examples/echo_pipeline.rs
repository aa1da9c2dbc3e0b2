//! Answers a pipeline that arrives in two pieces, the way a server's read loop does.
//!
//! Run with `cargo run -p lastsave-resp --example echo_pipeline`.

use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer, decode_reply};

fn main() {
    let pieces: [&[u8]; 2] =
        [b"*2\r\n$4\r\nECHO\r\n$5\r\nhe", b"llo\r\nECHO 'inline works too'\r\n*1\r\nbad\r\n"];
    let limits = Limits::default();
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let mut reply = ReplyBuffer::new(Protocol::Resp3);
    let mut buffer = Vec::new();

    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            batch.clear();
            let progress = parser.parse(&buffer, &limits, &mut batch, 64);
            for request in batch.requests(&buffer) {
                match request.get(1) {
                    Some(text) => reply.bulk(text),
                    None => reply.error("ERR wrong number of arguments"),
                }
            }
            buffer.drain(..progress.consumed);
            if let Some(error) = progress.error {
                reply.protocol_error(error);
            }
            if !progress.more {
                println!("{} bytes wait for {} more", buffer.len(), progress.wanted);
                break;
            }
        }
    }

    let bytes = reply.to_vec();
    let mut rest = &bytes[..];
    while let Ok(Some((reply, length))) = decode_reply(rest) {
        println!("{reply:?}");
        rest = &rest[length..];
    }
}
