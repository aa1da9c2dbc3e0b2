//! The client's side: replies back into values. For tools, tests, and a server that is another one's client (MIGRATE).

use memchr::memchr;

use crate::error::ReplyError;
use crate::number::parse_integer;
use crate::reply::{Aggregate, ReplyBuffer};

/// A decoded reply of either protocol version.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A simple string.
    Simple(Vec<u8>),
    /// An error, its code included.
    Error(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// An error of any bytes (RESP3).
    BulkError(Vec<u8>),
    /// No value: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// No array: `*-1` (RESP2).
    NullArray,
    /// An array.
    Array(Vec<Reply>),
    /// A map, in the order it came (RESP3).
    Map(Vec<(Reply, Reply)>),
    /// A set, in the order it came (RESP3).
    Set(Vec<Reply>),
    /// Something that was not asked for (RESP3).
    Push(Vec<Reply>),
    /// A reply with attributes about it (RESP3).
    Attribute {
        /// The attributes.
        pairs: Vec<(Reply, Reply)>,
        /// What they are about.
        reply: Box<Reply>,
    },
    /// A double (RESP3).
    Double(f64),
    /// A boolean (RESP3).
    Boolean(bool),
    /// The digits of an integer of any size (RESP3).
    BigNumber(String),
    /// Text with a format of three characters (RESP3).
    Verbatim {
        /// The format, such as `txt`.
        format: [u8; 3],
        /// The text.
        text: Vec<u8>,
    },
}

impl Reply {
    /// Appends this reply to a buffer, in the buffer's protocol version.
    pub fn write_to(&self, out: &mut ReplyBuffer) {
        match self {
            Self::Simple(text) => out.simple_bytes(text),
            Self::Error(text) => out.error_bytes(text),
            Self::Integer(value) => out.integer(*value),
            Self::Bulk(value) => out.bulk(value),
            Self::BulkError(text) => out.bulk_error(text),
            Self::Null => out.null(),
            Self::NullArray => out.null_array(),
            Self::Array(items) => write_items(out, Aggregate::Array, items),
            Self::Set(items) => write_items(out, Aggregate::Set, items),
            Self::Push(items) => write_items(out, Aggregate::Push, items),
            Self::Map(pairs) => {
                out.map(pairs.len());
                write_pairs(out, pairs);
            }
            Self::Attribute { pairs, reply } => {
                if out.attribute(pairs.len()) {
                    write_pairs(out, pairs);
                }
                reply.write_to(out);
            }
            Self::Double(value) => out.double(*value),
            Self::Boolean(value) => out.boolean(*value),
            Self::BigNumber(digits) => out.big_number(digits),
            Self::Verbatim { format, text } => out.verbatim_bytes(*format, text),
        }
    }
}

fn write_items(out: &mut ReplyBuffer, kind: Aggregate, items: &[Reply]) {
    out.aggregate(kind, items.len());
    for item in items {
        item.write_to(out);
    }
}

fn write_pairs(out: &mut ReplyBuffer, pairs: &[(Reply, Reply)]) {
    for (key, value) in pairs {
        key.write_to(out);
        value.write_to(out);
    }
}

/// Limits of [`decode_reply_within`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Deepest nesting of aggregates.
    pub max_depth: usize,
    /// Longest string in bytes.
    pub max_bulk_bytes: usize,
    /// Most elements in one reply, all its aggregates together.
    pub max_elements: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self { max_depth: 64, max_bulk_bytes: 512 * 1024 * 1024, max_elements: 64 * 1024 * 1024 }
    }
}

/// Decodes the reply at the start of `input`: it and its length in bytes, or `None` while its end has not arrived.
///
/// # Errors
/// When the bytes are no reply, or one beyond the default limits.
///
/// ```
/// use lastsave_resp::{Reply, decode_reply};
/// assert_eq!(decode_reply(b":42\r\n+OK\r\n"), Ok(Some((Reply::Integer(42), 5))));
/// assert_eq!(decode_reply(b"$5\r\nhel"), Ok(None));
/// ```
pub fn decode_reply(input: &[u8]) -> Result<Option<(Reply, usize)>, ReplyError> {
    decode_reply_within(input, &ReplyLimits::default())
}

/// [`decode_reply`] with other limits. Memory grows with what has arrived, never with what is announced.
///
/// # Errors
/// When the bytes are no reply, or one beyond the limits.
pub fn decode_reply_within(input: &[u8], limits: &ReplyLimits) -> Result<Option<(Reply, usize)>, ReplyError> {
    let mut decoder = Decoder { input, position: 0, limits, elements: 0 };
    let reply = decoder.reply(0)?;
    Ok(reply.map(|reply| (reply, decoder.position)))
}

/// Elements reserved at once.
const RESERVED_ELEMENTS_MAX: usize = 32;

struct Decoder<'a> {
    input: &'a [u8],
    position: usize,
    limits: &'a ReplyLimits,
    elements: usize,
}

/// `None` stands for input that ends too early.
type Decoded<T> = Result<Option<T>, ReplyError>;

/// Takes the value out of a [`Decoded`], or returns early.
macro_rules! complete {
    ($decoded:expr) => {
        match $decoded? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl<'a> Decoder<'a> {
    fn reply(&mut self, depth: usize) -> Decoded<Reply> {
        let offset = self.position;
        let Some(marker) = self.input.get(offset).copied() else { return Ok(None) };
        if !b"+-:$*_,#(=!%~>|".contains(&marker) {
            return Err(ReplyError::UnknownType { offset, got: marker });
        }
        let line = complete!(self.line());
        let invalid = |what| ReplyError::InvalidValue { offset, what };
        let reply = match marker {
            b'+' => Reply::Simple(line.to_vec()),
            b'-' => Reply::Error(line.to_vec()),
            b':' => Reply::Integer(parse_integer(line).ok_or(ReplyError::InvalidNumber { offset })?),
            b'_' if line.is_empty() => Reply::Null,
            b'_' => return Err(invalid("null")),
            b',' => Reply::Double(double(line).ok_or_else(|| invalid("double"))?),
            b'#' => Reply::Boolean(boolean(line).ok_or_else(|| invalid("boolean"))?),
            b'(' => Reply::BigNumber(big_number(line).ok_or_else(|| invalid("big number"))?),
            b'$' if line == b"-1" => Reply::Null,
            b'*' if line == b"-1" => Reply::NullArray,
            b'$' => Reply::Bulk(complete!(self.string(line, offset)).to_vec()),
            b'!' => Reply::BulkError(complete!(self.string(line, offset)).to_vec()),
            b'=' => match complete!(self.string(line, offset)) {
                [first, second, third, b':', text @ ..] => {
                    Reply::Verbatim { format: [*first, *second, *third], text: text.to_vec() }
                }
                _ => return Err(invalid("verbatim string")),
            },
            b'*' => Reply::Array(complete!(self.items(line, offset, depth))),
            b'~' => Reply::Set(complete!(self.items(line, offset, depth))),
            b'>' => Reply::Push(complete!(self.items(line, offset, depth))),
            b'%' => Reply::Map(complete!(self.pairs(line, offset, depth))),
            _ => {
                let pairs = complete!(self.pairs(line, offset, depth));
                Reply::Attribute { pairs, reply: Box::new(complete!(self.reply(depth + 1))) }
            }
        };
        Ok(Some(reply))
    }

    /// The rest of the line behind a marker.
    fn line(&mut self) -> Decoded<&'a [u8]> {
        let start = self.position + 1;
        let rest = &self.input[start..];
        let Some(length) = memchr(b'\r', rest) else {
            return if rest.len() > self.limits.max_bulk_bytes {
                Err(self.too_long(rest.len()))
            } else {
                Ok(None)
            };
        };
        if length > self.limits.max_bulk_bytes {
            return Err(self.too_long(length));
        }
        match rest.get(length + 1) {
            None => Ok(None),
            Some(b'\n') => {
                self.position = start + length + 2;
                Ok(Some(&rest[..length]))
            }
            Some(_) => Err(ReplyError::MissingLineEnd { offset: start + length }),
        }
    }

    fn too_long(&self, got: usize) -> ReplyError {
        ReplyError::TooLong { offset: self.position, got: got as u64, limit: self.limits.max_bulk_bytes }
    }

    /// A length within `limit`.
    fn length(&self, line: &[u8], offset: usize, limit: usize) -> Result<usize, ReplyError> {
        let length = parse_integer(line).and_then(|length| u64::try_from(length).ok());
        let got = length.ok_or(ReplyError::InvalidNumber { offset })?;
        match usize::try_from(got) {
            Ok(length) if length <= limit => Ok(length),
            _ => Err(ReplyError::TooLong { offset, got, limit }),
        }
    }

    /// The bytes behind a length line.
    fn string(&mut self, line: &[u8], offset: usize) -> Decoded<&'a [u8]> {
        let length = self.length(line, offset, self.limits.max_bulk_bytes)?;
        let rest = &self.input[self.position..];
        let Some(end) = rest.get(length..).and_then(|tail| tail.get(..2)) else { return Ok(None) };
        if end != b"\r\n" {
            return Err(ReplyError::MissingLineEnd { offset: self.position + length });
        }
        self.position += length + 2;
        Ok(Some(&rest[..length]))
    }

    /// Counts the elements behind a length line and checks that they may be read.
    fn count(
        &mut self,
        line: &[u8],
        offset: usize,
        depth: usize,
        per_entry: usize,
    ) -> Result<usize, ReplyError> {
        if depth >= self.limits.max_depth {
            return Err(ReplyError::TooDeep { offset, limit: self.limits.max_depth });
        }
        let count = self.length(line, offset, (self.limits.max_elements - self.elements) / per_entry)?;
        self.elements += count * per_entry;
        Ok(count)
    }

    fn items(&mut self, line: &[u8], offset: usize, depth: usize) -> Decoded<Vec<Reply>> {
        let count = self.count(line, offset, depth, 1)?;
        let mut items = Vec::with_capacity(count.min(RESERVED_ELEMENTS_MAX));
        for _ in 0..count {
            items.push(complete!(self.reply(depth + 1)));
        }
        Ok(Some(items))
    }

    fn pairs(&mut self, line: &[u8], offset: usize, depth: usize) -> Decoded<Vec<(Reply, Reply)>> {
        let count = self.count(line, offset, depth, 2)?;
        let mut pairs = Vec::with_capacity(count.min(RESERVED_ELEMENTS_MAX));
        for _ in 0..count {
            let key = complete!(self.reply(depth + 1));
            pairs.push((key, complete!(self.reply(depth + 1))));
        }
        Ok(Some(pairs))
    }
}

fn double(line: &[u8]) -> Option<f64> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

fn boolean(line: &[u8]) -> Option<bool> {
    match line {
        b"t" => Some(true),
        b"f" => Some(false),
        _ => None,
    }
}

fn big_number(line: &[u8]) -> Option<String> {
    let digits = line.strip_prefix(b"-").or_else(|| line.strip_prefix(b"+")).unwrap_or(line);
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests;
