//! Ids of entries as text.

use lastsave_collections::StreamId;
use lastsave_resp::ReplyBuffer;

use crate::reply::{Replied, error};

const INVALID_ID: &str = "ERR Invalid stream ID specified as stream command argument";

/// Longest text that is looked at as an id.
const TEXT_LEN_MAX: usize = 127;

/// Digits of two numbers and the dash between them.
const BYTES_MAX: usize = 41;

/// An id as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdText {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl IdText {
    pub(crate) fn new(id: StreamId) -> Self {
        let mut text = Self { bytes: [0; BYTES_MAX], len: 0 };
        let (mut ms, mut seq) = (itoa::Buffer::new(), itoa::Buffer::new());
        for part in [ms.format(id.ms), "-", seq.format(id.seq)] {
            text.bytes[text.len..text.len + part.len()].copy_from_slice(part.as_bytes());
            text.len += part.len();
        }
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// An id that a client gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenId {
    /// In full, or with what stands for a missing sequence number.
    Full(StreamId),
    /// A time; the sequence number is to be chosen (`ms-*`).
    Time(u64),
}

/// How the text of an id is read.
#[derive(Debug, Clone, Copy)]
struct Form {
    missing_seq: u64,
    /// `-` and `+` are the lowest and the greatest id.
    takes_bounds: bool,
    /// The sequence number may be `*`.
    takes_any_seq: bool,
}

fn parse(text: &[u8], form: Form) -> Option<GivenId> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    // As C reads it, up to the first NUL.
    let text = text.split(|byte| *byte == 0).next()?;
    match text {
        b"-" | b"+" if !form.takes_bounds => return None,
        b"-" => return Some(GivenId::Full(StreamId::MIN)),
        b"+" => return Some(GivenId::Full(StreamId::MAX)),
        _ => {}
    }
    let dash = text.iter().position(|byte| *byte == b'-');
    let ms = parse_unsigned(&text[..dash.unwrap_or(text.len())])?;
    let seq = match dash.map(|dash| &text[dash + 1..]) {
        None => form.missing_seq,
        Some(b"*") if form.takes_any_seq => return Some(GivenId::Time(ms)),
        Some(seq) => parse_unsigned(seq)?,
    };
    Some(GivenId::Full(StreamId::new(ms, seq)))
}

/// A number as Redis reads it in ids: like C's `strtoull`, but a canonical negative number is none.
fn parse_unsigned(text: &[u8]) -> Option<u64> {
    let digits = match text {
        [b'-', b'1'..=b'9', ..] if lastsave_resp::parse_integer(text).is_some() => return None,
        _ => text.trim_ascii_start(),
    };
    let (negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(if negative { number.wrapping_neg() } else { number })
}

/// An id that is not `-` or `+`. A missing sequence number is 0.
pub(super) fn parse_strict(text: &[u8]) -> Option<StreamId> {
    match parse(text, Form { missing_seq: 0, takes_bounds: false, takes_any_seq: false })? {
        GivenId::Full(id) => Some(id),
        GivenId::Time(_) => None,
    }
}

/// The same, or an error.
pub(super) fn strict_argument(reply: &mut ReplyBuffer, text: &[u8]) -> Result<StreamId, Replied> {
    parse_strict(text).ok_or_else(|| error(reply, INVALID_ID))
}

/// The id that XADD is given, or an error.
pub(super) fn given_argument(reply: &mut ReplyBuffer, text: &[u8]) -> Result<GivenId, Replied> {
    let form = Form { missing_seq: 0, takes_bounds: false, takes_any_seq: true };
    parse(text, form).ok_or_else(|| error(reply, INVALID_ID))
}

/// An id, which may be `-` or `+`, or an error.
pub(super) fn argument(reply: &mut ReplyBuffer, text: &[u8], missing_seq: u64) -> Result<StreamId, Replied> {
    match parse(text, Form { missing_seq, takes_bounds: true, takes_any_seq: false }) {
        Some(GivenId::Full(id)) => Ok(id),
        _ => Err(error(reply, INVALID_ID)),
    }
}

/// The lower end of a range, which does not belong to it after a `(`; or an error.
pub(super) fn start_argument(reply: &mut ReplyBuffer, text: &[u8]) -> Result<StreamId, Replied> {
    if text.len() > 1 && text[0] == b'(' {
        let id = strict_argument(reply, &text[1..])?;
        return id.next().ok_or_else(|| error(reply, "ERR invalid start ID for the interval"));
    }
    argument(reply, text, 0)
}

/// The upper end of a range.
pub(super) fn end_argument(reply: &mut ReplyBuffer, text: &[u8]) -> Result<StreamId, Replied> {
    if text.len() > 1 && text[0] == b'(' {
        let form = Form { missing_seq: u64::MAX, takes_bounds: false, takes_any_seq: false };
        let Some(GivenId::Full(id)) = parse(&text[1..], form) else {
            return Err(error(reply, INVALID_ID));
        };
        return id.previous().ok_or_else(|| error(reply, "ERR invalid end ID for the interval"));
    }
    argument(reply, text, u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_redis_reads_them() {
        for (text, expected) in [
            ("5", Some((5, 0))),
            ("5-7", Some((5, 7))),
            ("007-01", Some((7, 1))),
            (" 5-+6", Some((5, 6))),
            ("18446744073709551615-18446744073709551615", Some((u64::MAX, u64::MAX))),
            ("5-7\0junk", Some((5, 7))),
            ("1--05", Some((1, u64::MAX - 4))),
            ("18446744073709551616", None),
            ("", None),
            ("-", None),
            ("+", None),
            ("5-", None),
            ("-5", None),
            ("1--5", None),
            ("5-7-9", None),
            ("5-*", None),
            ("5 ", None),
        ] {
            assert_eq!(parse_strict(text.as_bytes()).map(|id| (id.ms, id.seq)), expected, "{text:?}");
        }
        assert_eq!(parse_strict(&[b'0'; 128]), None);
        assert_eq!(parse_strict(&[b'0'; 127]), Some(StreamId::MIN));
    }

    #[test]
    fn ids_become_text() {
        assert_eq!(IdText::new(StreamId::MIN).as_bytes(), b"0-0");
        let longest = b"18446744073709551615-18446744073709551615";
        assert_eq!(IdText::new(StreamId::MAX).as_bytes(), longest);
    }
}
