//! The wire protocol of a Redis-compatible server: RESP2, RESP3 and the inline form.
//!
//! The crate turns bytes into commands and replies into bytes. It must not know what a key, a value, a command or a
//! socket is: the parser hands out arguments as spans of the caller's own buffer, and the reply buffer hands out
//! slices for the caller to send.
//!
//! * [`Parser`] reads pipelined commands from a growing buffer. It allocates nothing per command, keeps its place in
//!   a command that arrives slowly, and reports protocol errors with Redis' own texts ([`ProtocolError`]).
//! * [`Batch`] and [`Request`] are what it found; [`OwnedRequest`] outlives the buffer (`MULTI` queues, blocked
//!   clients). [`encode_command`] writes the canonical form that logs and replicas carry.
//! * [`ReplyBuffer`] collects the replies of one client in either protocol version. Small replies are copied into one
//!   buffer, big values are chained by reference.
//! * [`decode_reply`] is the client's side, for tools and tests.
//!
//! # Example
//!
//! ```
//! use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer};
//!
//! let input = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nPING\r\n*1\r\n$4\r\nPI";
//! let mut parser = Parser::new();
//! let mut batch = Batch::new();
//! let progress = parser.parse(input, &Limits::default(), &mut batch, 1024);
//!
//! assert_eq!(batch.len(), 2);
//! assert_eq!(&input[progress.consumed..], b"*1\r\n$4\r\nPI");
//! assert_eq!(progress.wanted, 4);
//!
//! let mut reply = ReplyBuffer::new(Protocol::Resp2);
//! for index in 0..batch.len() {
//!     let request = batch.request(index, input);
//!     match request.arg(0) {
//!         b"ECHO" => reply.bulk(request.arg(1)),
//!         b"PING" => reply.simple("PONG"),
//!         _ => reply.error("ERR unknown command"),
//!     }
//! }
//! assert_eq!(reply.to_vec(), b"$5\r\nhello\r\n+PONG\r\n");
//! ```

mod batch;
mod decode;
mod double;
mod encode;
mod error;
#[doc(hidden)]
pub mod fuzz_entry;
mod inline;
mod limits;
mod number;
mod output;
mod owned;
mod parser;
mod reply;
mod request;

pub use batch::Batch;
pub use decode::{Reply, ReplyLimits, decode_reply, decode_reply_within};
pub use double::DoubleBuffer;
pub use encode::{encode_array_header, encode_bulk, encode_command, encode_request};
pub use error::{ProtocolError, ReplyError};
pub use inline::split_arguments;
pub use limits::Limits;
pub use number::parse_integer;
pub use output::{IO_SLICES_MAX, SHARED_BYTES_MIN};
pub use owned::OwnedRequest;
pub use parser::{Parser, Progress};
pub use reply::{Aggregate, Protocol, ReplyBuffer};
pub use request::{Arguments, Request};
