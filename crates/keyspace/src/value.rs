//! What a key can hold, as callers read it and as callers write it.

use bytes::Bytes;
use lastsave_collections::{Collection as _, CollectionEncoding, Hash, List, Set, SortedSet, Stream};

/// Longest value that OBJECT ENCODING calls `embstr`.
pub const EMBSTR_LEN_MAX: usize = 44;

/// Longest string kept inside its entry's own allocation; longer ones are shared by reference.
pub(crate) const INLINE_LEN_MAX: usize = 4096;

/// A value as it is read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A string.
    String(StringValue<'a>),
    /// A list.
    List(&'a List),
    /// A hash.
    Hash(&'a Hash),
    /// A set.
    Set(&'a Set),
    /// A sorted set.
    SortedSet(&'a SortedSet),
    /// A stream.
    Stream(&'a Stream),
}

impl<'a> Value<'a> {
    /// The same value in the form in which it can be written under another key. What is big is shared.
    #[must_use]
    pub fn to_new(&self, encoding: Encoding) -> NewValue<'a> {
        match *self {
            Value::String(value) => value.to_new(encoding),
            Value::List(list) => NewValue::List(list.clone()),
            Value::Hash(hash) => NewValue::Hash(hash.clone()),
            Value::Set(set) => NewValue::Set(set.clone()),
            Value::SortedSet(set) => NewValue::SortedSet(set.clone()),
            Value::Stream(stream) => NewValue::Stream(stream.clone()),
        }
    }

    /// Bytes that a collection has outside its entry, those it shares with clones included; 0 for a string.
    pub(crate) fn collection_bytes(&self) -> usize {
        match self {
            Value::String(_) => 0,
            Value::List(list) => list.heap_bytes(),
            Value::Hash(hash) => hash.heap_bytes(),
            Value::Set(set) => set.heap_bytes(),
            Value::SortedSet(set) => set.heap_bytes(),
            Value::Stream(stream) => stream.heap_bytes(),
        }
    }
}

/// A string value as it is read; the variant says how it is stored.
#[derive(Debug, Clone, Copy)]
pub enum StringValue<'a> {
    /// Stored as a 64-bit integer; its text is the canonical decimal.
    Integer(i64),
    /// Stored inside the entry.
    Bytes(&'a [u8]),
    /// Stored outside the entry; may be cloned to keep it without copying.
    Shared(&'a Bytes),
}

/// Space for the text of an integer value.
pub type IntegerBuffer = itoa::Buffer;

impl<'a> StringValue<'a> {
    /// Length of the value's text in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            StringValue::Integer(number) => IntegerBuffer::new().format(*number).len(),
            StringValue::Bytes(bytes) => bytes.len(),
            StringValue::Shared(bytes) => bytes.len(),
        }
    }

    /// Whether the value is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            StringValue::Integer(_) => false,
            StringValue::Bytes(bytes) => bytes.is_empty(),
            StringValue::Shared(bytes) => bytes.is_empty(),
        }
    }

    /// The value's bytes; `buffer` holds them when the value is an integer.
    #[must_use]
    pub fn to_text<'b>(&self, buffer: &'b mut IntegerBuffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            StringValue::Integer(number) => buffer.format(number).as_bytes(),
            StringValue::Bytes(bytes) => bytes,
            StringValue::Shared(bytes) => bytes,
        }
    }

    /// The value as a 64-bit integer, when its text is a canonical decimal one.
    #[must_use]
    pub fn parse_integer(&self) -> Option<i64> {
        match self {
            StringValue::Integer(number) => Some(*number),
            StringValue::Bytes(bytes) => parse_canonical_integer(bytes),
            StringValue::Shared(bytes) => parse_canonical_integer(bytes),
        }
    }

    /// The same value in the form in which it can be written under another key. Bytes outside the entry are shared.
    #[must_use]
    pub fn to_new(&self, encoding: Encoding) -> NewValue<'a> {
        match *self {
            StringValue::Integer(number) => NewValue::Integer(number),
            StringValue::Bytes(bytes) if encoding == Encoding::Raw => NewValue::Raw(bytes),
            StringValue::Bytes(bytes) => NewValue::Bytes(bytes),
            StringValue::Shared(bytes) => NewValue::Shared(bytes.clone()),
        }
    }
}

/// A value as it is written.
#[derive(Debug, Clone)]
pub enum NewValue<'a> {
    /// A string stored as an integer.
    Integer(i64),
    /// A string whose encoding follows from its length: `embstr` up to 44 bytes, else `raw`.
    Bytes(&'a [u8]),
    /// A string whose encoding is `raw` whatever its length, as after APPEND.
    Raw(&'a [u8]),
    /// A string that is kept by reference when it is long enough to live outside its entry.
    Shared(Bytes),
    /// A list.
    List(List),
    /// A hash.
    Hash(Hash),
    /// A set.
    Set(Set),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A stream.
    Stream(Stream),
}

impl<'a> NewValue<'a> {
    /// The form SET stores: a canonical decimal becomes an integer, anything else stays bytes.
    #[must_use]
    pub fn encode(bytes: &'a [u8]) -> Self {
        match parse_canonical_integer(bytes) {
            Some(number) => NewValue::Integer(number),
            None => NewValue::Bytes(bytes),
        }
    }
}

/// How a value is stored, by the name OBJECT ENCODING gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// A 64-bit integer.
    Int,
    /// A short string beside its header.
    Embstr,
    /// Any other string.
    Raw,
    /// A collection.
    Collection(CollectionEncoding),
}

impl Encoding {
    /// The name OBJECT ENCODING replies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
            Encoding::Collection(encoding) => encoding.name(),
        }
    }
}

/// What becomes of a key's time to live when its value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// The key no longer expires.
    Clear,
    /// The key keeps the expiry it has, if any.
    Keep,
    /// The key expires at this unix time in milliseconds.
    At(i64),
}

/// Parses `text` when it is exactly what formatting an `i64` would print: no blanks, plus sign, leading zeros or `-0`.
#[must_use]
pub fn parse_canonical_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        // 19 decimal digits are below 2^64, so this cannot overflow.
        magnitude = magnitude * 10 + u64::from(value);
    }
    if negative {
        (magnitude <= 1 << 63).then(|| (magnitude as i64).wrapping_neg())
    } else {
        i64::try_from(magnitude).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_integers_and_nothing_else() {
        for number in [0, 1, -1, 9, 10, i64::MAX, i64::MIN, 1_234_567_890_123_456_789] {
            assert_eq!(parse_canonical_integer(number.to_string().as_bytes()), Some(number));
        }
        let not_canonical: [&[u8]; 14] = [
            b"",
            b"-",
            b"-0",
            b"+1",
            b"01",
            b"1 ",
            b" 1",
            b"1a",
            b"a",
            b"9223372036854775808",
            b"-9223372036854775809",
            b"99999999999999999999",
            b"1.0",
            b"--1",
        ];
        for text in not_canonical {
            assert_eq!(parse_canonical_integer(text), None, "{text:?}");
        }
    }

    #[test]
    fn lengths_agree_with_text() {
        let shared = Bytes::from_static(b"shared");
        for value in [StringValue::Integer(-120), StringValue::Bytes(b"abc"), StringValue::Shared(&shared)] {
            assert_eq!(value.len(), value.to_text(&mut IntegerBuffer::new()).len());
            assert!(!value.is_empty());
        }
    }
}
