//! Records: commands in RESP, as Redis' loader reads them.
//!
//! The reader is as lenient as Redis' where that is harmless (numbers end at the first other character, the two bytes
//! behind an argument are not looked at), so that every file Redis loads is loaded, and stricter where Redis would crash:
//! counts and lengths are held against what the file can still hold before anything is allocated.

use std::ops::Range;

use bytes::Bytes;

use crate::error::DamageReason;
use crate::numbers::leading_integer;

/// Longest line with its line end: what Redis' line buffer takes.
pub(crate) const LINE_BYTES_MAX: usize = 1023;

/// Bytes of the shortest argument: `$0` CRLF CRLF.
const ARGUMENT_BYTES_MIN: u64 = 6;

/// What the bytes at the start of a slice are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A whole record of this many bytes.
    Record { bytes: usize },
    /// At least this many bytes from the record's start are needed to say more.
    Incomplete { bytes: u64 },
    /// No record, whatever follows.
    Malformed(DamageReason),
}

/// The end of a line in `bytes`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Length with the LF.
    Ended(usize),
    /// No LF yet.
    Open,
    /// No LF within the longest line.
    TooLong,
}

/// Looks for the end of the line that starts at `bytes`.
pub(crate) fn find_line(bytes: &[u8]) -> Line {
    let window = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    match window.iter().position(|&byte| byte == b'\n') {
        Some(at) => Line::Ended(at + 1),
        None if window.len() == LINE_BYTES_MAX => Line::TooLong,
        None => Line::Open,
    }
}

/// Reads a count or length line that starts at `bytes`, which begins at file offset `at`.
pub(crate) fn parse_number_line(
    bytes: &[u8],
    at: u64,
    kind: NumberLine,
) -> Result<Option<(i64, usize)>, DamageReason> {
    let (prefix, expected, what, least) = match kind {
        NumberLine::Count => (b'*', "'*'", "argument count", 1),
        NumberLine::Length => (b'$', "'$'", "argument length", 0),
    };
    match bytes.first() {
        None => return Ok(None),
        Some(&got) if got != prefix => return Err(DamageReason::UnexpectedByte { at, expected, got }),
        Some(_) => {}
    }
    let length = match find_line(bytes) {
        Line::Ended(length) => length,
        Line::Open => return Ok(None),
        Line::TooLong => return Err(DamageReason::LineTooLong { at }),
    };
    let got = leading_integer(&bytes[1..length]);
    // Redis' counts are of C's type int, its lengths of type long, which no file can hold.
    if got < least || (kind == NumberLine::Count && got > i64::from(i32::MAX)) || got > i64::MAX / 4 {
        return Err(DamageReason::ImpossibleNumber { at, what, got });
    }
    Ok(Some((got, length)))
}

/// The two kinds of line in a record that hold a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberLine {
    Count,
    Length,
}

/// Reads the record at the start of `bytes`, which begins at file offset `at`, and appends the spans of its arguments,
/// counted from `spans_from`.
pub(crate) fn parse_record(
    bytes: &[u8],
    at: u64,
    spans_from: usize,
    spans: &mut Vec<Range<usize>>,
) -> Parsed {
    let first_span = spans.len();
    let parsed = parse_arguments(bytes, at, spans_from, spans);
    if !matches!(parsed, Parsed::Record { .. }) {
        spans.truncate(first_span);
    }
    parsed
}

fn parse_arguments(bytes: &[u8], at: u64, spans_from: usize, spans: &mut Vec<Range<usize>>) -> Parsed {
    let (count, mut cursor) = match parse_number_line(bytes, at, NumberLine::Count) {
        Ok(Some(found)) => found,
        Ok(None) => return Parsed::Incomplete { bytes: bytes.len() as u64 + 1 },
        Err(reason) => return Parsed::Malformed(reason),
    };
    for done in 0..count {
        let rest_bytes_min = (count - done) as u64 * ARGUMENT_BYTES_MIN;
        let (length, line) = match parse_number_line(&bytes[cursor..], at + cursor as u64, NumberLine::Length)
        {
            Ok(Some(found)) => found,
            Ok(None) => {
                return Parsed::Incomplete {
                    bytes: (cursor as u64 + rest_bytes_min).max(bytes.len() as u64 + 1),
                };
            }
            Err(reason) => return Parsed::Malformed(reason),
        };
        let start = cursor + line;
        let needed = start as u64 + length as u64 + 2;
        if needed > bytes.len() as u64 {
            return Parsed::Incomplete { bytes: needed + rest_bytes_min - ARGUMENT_BYTES_MIN };
        }
        let end = start + length as usize;
        spans.push(spans_from + start..spans_from + end);
        cursor = end + 2;
    }
    Parsed::Record { bytes: cursor }
}

/// Whether a record is one that Redis appends first after it opened a log: it then always names its database, inside or
/// before a transaction.
pub(crate) fn is_first_append_of_redis(arguments: &[&[u8]]) -> bool {
    match arguments {
        [name, _database] => *name == b"SELECT",
        [name] => *name == b"MULTI",
        _ => false,
    }
}

/// The annotation that Redis may put before the first record it appends.
pub(crate) const TIMESTAMP_TAG: &[u8] = b"#TS:";

/// Whether a batch begins with what [`is_first_append_of_redis`] or a time annotation would match, so that a guard line
/// must tell it from an append of Redis.
pub(crate) fn begins_like_an_append_of_redis(batch: &[Bytes]) -> bool {
    const BEGINNINGS: [&[u8]; 3] = [b"*2\r\n$6\r\nSELECT\r\n", b"*1\r\n$5\r\nMULTI\r\n", TIMESTAMP_TAG];
    let mut head = [0; 18];
    let mut filled = 0;
    for bytes in batch {
        let taken = bytes.len().min(head.len() - filled);
        head[filled..filled + taken].copy_from_slice(&bytes[..taken]);
        filled += taken;
        if filled == head.len() {
            break;
        }
    }
    BEGINNINGS.iter().any(|beginning| {
        head[..filled].get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    })
}

/// Appends the canonical record of a command.
pub fn push_record(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the annotation that names the time of the records behind it, `#TS:` and unix seconds.
pub fn push_timestamp(out: &mut Vec<u8>, unix_seconds: i64) {
    out.extend_from_slice(format!("#TS:{unix_seconds}\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> (Parsed, Vec<Range<usize>>) {
        let mut spans = Vec::new();
        let parsed = parse_record(bytes, 0, 0, &mut spans);
        (parsed, spans)
    }

    #[test]
    fn leniency_of_redis() {
        assert_eq!(parse(b"*1x\n$4y\nPINGab").0, Parsed::Record { bytes: 14 });
        assert_eq!(parse(b"*2\r\n").0, Parsed::Incomplete { bytes: 16 });
        assert_eq!(parse(b"*1\r\n$10\r\n").0, Parsed::Incomplete { bytes: 21 });
    }

    #[test]
    fn what_is_no_record() {
        let reason = |bytes: &[u8]| match parse(bytes).0 {
            Parsed::Malformed(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(b"\0\0"), DamageReason::UnexpectedByte { at: 0, expected: "'*'", got: 0 });
        assert_eq!(reason(b"*1\r\n*"), DamageReason::UnexpectedByte { at: 4, expected: "'$'", got: b'*' });
        let impossible = |at, what, got| DamageReason::ImpossibleNumber { at, what, got };
        assert_eq!(reason(b"*0\r\n"), impossible(0, "argument count", 0));
        assert_eq!(reason(b"*9999999999\r\n"), impossible(0, "argument count", 9_999_999_999));
        assert_eq!(reason(b"*1\r\n$-1\r\n"), impossible(4, "argument length", -1));
        assert_eq!(reason(&[b"*".as_slice(), &[b'1'; 2000]].concat()), DamageReason::LineTooLong { at: 0 });
    }

    #[test]
    fn guarded_beginnings() {
        let begins = |parts: &[&'static [u8]]| {
            begins_like_an_append_of_redis(
                &parts.iter().map(|part| Bytes::from_static(part)).collect::<Vec<_>>(),
            )
        };
        assert!(begins(&[b"*2\r\n$6\r\nSEL", b"", b"ECT\r\n$1\r\n0\r\n"]));
        assert!(begins(&[b"*1\r\n$5\r\nMULTI\r\n"]));
        assert!(begins(&[b"#TS:1\r\n"]));
        assert!(!begins(&[b"*3\r\n$3\r\nSET\r\n"]));
        assert!(!begins(&[]));
    }

    proptest! {
        #[test]
        fn written_records_are_read(
            arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..6),
        ) {
            let slices: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
            let mut bytes = Vec::new();
            push_record(&mut bytes, &slices);
            let (parsed, spans) = parse(&bytes);
            prop_assert_eq!(parsed, Parsed::Record { bytes: bytes.len() });
            let read: Vec<&[u8]> = spans.into_iter().map(|span| &bytes[span]).collect();
            prop_assert_eq!(read, slices);
            for cut in 0..bytes.len() {
                match parse(&bytes[..cut]).0 {
                    Parsed::Incomplete { bytes: needed } => {
                        prop_assert!(needed > cut as u64 && needed <= bytes.len() as u64);
                    }
                    other => prop_assert!(false, "{:?} at {}", other, cut),
                }
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes);
        }
    }
}
