//! The replies of one client, in its protocol version.

use std::fmt;
use std::io::{IoSlice, Write as _};
use std::num::NonZeroU64;

use bytes::Bytes;

use crate::double::DoubleBuffer;
use crate::encode::LengthLine;
use crate::error::ProtocolError;
use crate::output::Output;

/// The protocol version a client speaks; the second until it asks for the third (`HELLO 3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// RESP2: strings, errors, integers, arrays.
    #[default]
    Resp2,
    /// RESP3: adds maps, sets, doubles, booleans, nulls, verbatim strings, attributes and pushes.
    Resp3,
}

impl Protocol {
    /// The number in `HELLO` and `CLIENT LIST`: 2 or 3.
    pub fn version(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// A reply with a number of elements that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Elements in order.
    Array,
    /// Pairs; RESP2 gets an array of twice as many elements.
    Map,
    /// Elements without order; an array in RESP2.
    Set,
    /// Something the client did not ask for; an array in RESP2.
    Push,
}

/// Longest error code that statistics tell apart, in bytes.
const ERROR_CODE_BYTES_MAX: usize = 31;

/// Output of one client. Every method appends one reply, or the head of one whose elements follow.
///
/// The replies form a stream, and [`ReplyBuffer::produced`] is the position in it: a caller notes the position behind
/// a reply, may hold back what lies beyond a position ([`ReplyBuffer::io_slices`]), and may take back what it has not
/// sent ([`ReplyBuffer::truncate_to`]).
#[derive(Debug, Default)]
pub struct ReplyBuffer {
    output: Output,
    protocol: Protocol,
    limit: Option<NonZeroU64>,
    errors: u64,
    error_code: [u8; ERROR_CODE_BYTES_MAX],
    error_code_len: u8,
}

impl ReplyBuffer {
    /// An empty buffer.
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, ..Self::default() }
    }

    /// The version that replies are written in.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Sets how many pending bytes are too many; `None` for no limit. Nothing is cut off at the limit: whoever writes
    /// without end looks at [`ReplyBuffer::is_overfull`].
    #[inline]
    pub fn set_limit(&mut self, bytes: Option<NonZeroU64>) {
        self.limit = bytes;
    }

    /// Whether so much is pending that the client will be given up: the rest of a long reply need not be written.
    #[inline]
    pub fn is_overfull(&self) -> bool {
        self.limit.is_some_and(|limit| self.pending() as u64 >= limit.get())
    }

    /// Changes the version for the replies to come.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A simple string; it must be one line.
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']), "a simple string is one line");
        self.simple_bytes(text.as_bytes());
    }

    pub(crate) fn simple_bytes(&mut self, text: &[u8]) {
        self.line(b'+', text);
    }

    /// An error of any bytes; RESP2 has only the one-line form.
    pub(crate) fn bulk_error(&mut self, text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            return self.error_bytes(text);
        }
        self.count_error(text);
        self.length(b'!', text.len());
        self.raw(text);
        self.raw(b"\r\n");
    }

    /// An error: its code, a space, its message. Line ends in it, which quoted input may bring along, become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// [`ReplyBuffer::error`] for a message that quotes a client's bytes.
    pub fn error_bytes(&mut self, text: &[u8]) {
        let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = text.iter().position(|byte| !is_line_end(byte)).unwrap_or(text.len());
        let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(start, |last| last + 1);
        let text = &text[start..end];
        self.count_error(text);
        let small = &mut self.output.small;
        small.reserve(text.len() + 3);
        small.push(b'-');
        small.extend(text.iter().map(|byte| if is_line_end(byte) { b' ' } else { *byte }));
        small.extend_from_slice(b"\r\n");
    }

    /// The error that closes a connection whose input broke the protocol.
    pub fn protocol_error(&mut self, error: ProtocolError) {
        let mut text = b"ERR ".to_vec();
        error.write_text(&mut text);
        self.error_bytes(&text);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        match value {
            0 => self.raw(b":0\r\n"),
            1 => self.raw(b":1\r\n"),
            2.. => self.raw(LengthLine::new().format(b':', value.unsigned_abs())),
            ..0 => self.line(b':', itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// A bulk string, copied.
    #[inline]
    pub fn bulk(&mut self, value: &[u8]) {
        self.output.small.reserve(value.len() + 26);
        self.length(b'$', value.len());
        self.output.small.extend_from_slice(value);
        self.output.small.extend_from_slice(b"\r\n");
    }

    /// A bulk string that is chained by reference if it is big.
    #[inline]
    pub fn bulk_shared(&mut self, value: &Bytes) {
        self.length(b'$', value.len());
        self.output.push_shared(value);
        self.raw(b"\r\n");
    }

    /// A bulk string with an integer's digits.
    #[inline]
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A bulk string with what `value` displays.
    pub fn bulk_display(&mut self, value: impl fmt::Display) {
        let mark = self.produced();
        let start = self.output.small.len();
        // Writing to a vector does not fail; a Display that does leaves what it wrote so far.
        let _ = write!(self.output.small, "{value}");
        let length = self.output.small.len() - start;
        self.output.insert(mark, LengthLine::new().format(b'$', length as u64));
        self.raw(b"\r\n");
    }

    /// The null of a value that does not exist.
    #[inline]
    pub fn null(&mut self) {
        self.raw(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The null in place of an array.
    #[inline]
    pub fn null_array(&mut self) {
        self.raw(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The head of an array of `count` elements.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.length(b'*', count);
    }

    /// The head of a map of `pairs` keys and values.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(Aggregate::Map, pairs);
    }

    /// The head of a set of `count` elements.
    #[inline]
    pub fn set(&mut self, count: usize) {
        self.aggregate(Aggregate::Set, count);
    }

    /// The head of a push of `count` elements.
    #[inline]
    pub fn push(&mut self, count: usize) {
        self.aggregate(Aggregate::Push, count);
    }

    /// The head of an aggregate.
    #[inline]
    pub fn aggregate(&mut self, kind: Aggregate, count: usize) {
        let (marker, count) = self.head_of(kind, count);
        self.length(marker, count);
    }

    /// Puts the head of an aggregate before the elements that were appended since `mark`, a position noted by
    /// [`ReplyBuffer::produced`], for when they are only counted as they come.
    ///
    /// # Panics
    /// When `mark` is no boundary between replies that are still here.
    pub fn insert_aggregate(&mut self, mark: u64, kind: Aggregate, count: usize) {
        let (marker, count) = self.head_of(kind, count);
        self.output.insert(mark, LengthLine::new().format(marker, count as u64));
    }

    /// The head of an attribute of `pairs` keys and values about the reply behind them. RESP2 has none: then nothing
    /// is written, the result is false, and neither may the pairs be.
    #[must_use = "without attributes the pairs must not be written"]
    pub fn attribute(&mut self, pairs: usize) -> bool {
        let known = self.protocol == Protocol::Resp3;
        if known {
            self.length(b'|', pairs);
        }
        known
    }

    /// A double; a bulk string in RESP2.
    pub fn double(&mut self, value: f64) {
        let mut buffer = DoubleBuffer::new();
        let text = buffer.format(value).as_bytes();
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b',', text),
        }
    }

    /// A double that is already text; a bulk string in RESP2.
    pub fn double_text(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// A boolean; 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        self.raw(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// An integer of any size, as its digits; a bulk string in RESP2.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// Text with a format (`txt`, `mkd`: three characters, cut or filled with spaces); a bulk string in RESP2.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        let mut padded = *b"   ";
        for (place, byte) in padded.iter_mut().zip(format.bytes()) {
            *place = byte;
        }
        self.verbatim_bytes(padded, text);
    }

    pub(crate) fn verbatim_bytes(&mut self, format: [u8; 3], text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            return self.bulk(text);
        }
        self.length(b'=', text.len() + format.len() + 1);
        self.raw(&format);
        self.raw(b":");
        self.raw(text);
        self.raw(b"\r\n");
    }

    /// Bytes that are replies already.
    #[inline]
    pub fn raw(&mut self, replies: &[u8]) {
        self.output.small.extend_from_slice(replies);
    }

    /// Bytes that are replies already, chained by reference if they are many: one message for many subscribers.
    pub fn raw_shared(&mut self, replies: &Bytes) {
        self.output.push_shared(replies);
    }

    /// Bytes ever produced: the position in the stream of replies.
    #[inline]
    pub fn produced(&self) -> u64 {
        self.output.produced()
    }

    /// Bytes produced and not sent.
    #[inline]
    pub fn pending(&self) -> usize {
        self.output.pending()
    }

    /// Appends slices that cover what is pending before stream position `limit`, at most [`crate::IO_SLICES_MAX`] of
    /// them. `u64::MAX` is no limit.
    pub fn io_slices<'a>(&'a self, limit: u64, slices: &mut impl Extend<IoSlice<'a>>) {
        self.output.io_slices(limit, slices);
    }

    /// Drops the next `count` pending bytes: they are sent.
    ///
    /// # Panics
    /// When fewer are pending.
    pub fn consume(&mut self, count: usize) {
        self.output.consume(count);
    }

    /// Drops what was produced from stream position `produced` on and is not sent: a reply the client does not want,
    /// or the half of one that failed. [`ReplyBuffer::errors`] stays.
    pub fn truncate_to(&mut self, produced: u64) {
        self.output.truncate_to(produced);
    }

    /// Bytes of memory this output holds, shared values counted in full.
    pub fn memory_bytes(&self) -> usize {
        self.output.memory_bytes()
    }

    /// Gives back the memory of an idle client's buffer.
    pub fn release_memory(&mut self) {
        self.output.release_memory();
    }

    /// All pending bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.output.to_vec()
    }

    /// Errors ever replied.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The code of the last error, as error statistics group them: what stands before its first space, `ERR` without
    /// one. Empty before the first error.
    pub fn last_error_code(&self) -> &[u8] {
        &self.error_code[..usize::from(self.error_code_len)]
    }

    fn count_error(&mut self, text: &[u8]) {
        self.errors += 1;
        let code = match text.iter().take(ERROR_CODE_BYTES_MAX + 1).position(|byte| *byte == b' ') {
            Some(end) => &text[..end],
            None => b"ERR",
        };
        self.error_code[..code.len()].copy_from_slice(code);
        self.error_code_len = code.len() as u8;
    }

    fn head_of(&self, kind: Aggregate, count: usize) -> (u8, usize) {
        match (self.protocol, kind) {
            (_, Aggregate::Array) | (Protocol::Resp2, Aggregate::Set | Aggregate::Push) => (b'*', count),
            (Protocol::Resp2, Aggregate::Map) => (b'*', count * 2),
            (Protocol::Resp3, Aggregate::Map) => (b'%', count),
            (Protocol::Resp3, Aggregate::Set) => (b'~', count),
            (Protocol::Resp3, Aggregate::Push) => (b'>', count),
        }
    }

    #[inline]
    fn length(&mut self, marker: u8, length: usize) {
        self.raw(LengthLine::new().format(marker, length as u64));
    }

    #[inline]
    fn line(&mut self, marker: u8, text: &[u8]) {
        let small = &mut self.output.small;
        small.reserve(text.len() + 3);
        small.push(marker);
        small.extend_from_slice(text);
        small.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
