//! How a string is written: as a small integer, compressed, or as it is. The decision is that of Redis.

use lastsave_lzf::Compressor;

use crate::{length::Head, value::StringRef};

/// Longest decimal text of a 32-bit number.
const INTEGER_TEXT_MAX: usize = 11;
/// Strings up to this length are never compressed.
const COMPRESS_ABOVE: usize = 20;
/// A compressed form must save at least this many bytes.
const COMPRESSION_GAIN_MIN: usize = 4;
/// Strings from this length on are always tried: one of them may save more than all the tries it costs.
const ALWAYS_TRIED_FROM: usize = 4096;
/// After this many strings in a row that did not compress, only one in this many is tried until one does.
const INCOMPRESSIBLE_RUN: u32 = 32;
/// A scratch buffer that grew beyond this for one huge value is given back.
const SCRATCH_BYTES_MAX: usize = 4 << 20;

/// An encoded string: a few bytes of head, then the body.
pub(crate) struct Encoded<'a> {
    pub head: Head,
    pub body: &'a [u8],
}

/// Encodes strings; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(crate) struct StringEncoder {
    compression: bool,
    compressor: Compressor,
    scratch: Vec<u8>,
    /// Short strings since the last one that compressed.
    incompressible: u32,
}

impl StringEncoder {
    pub(crate) fn set_compression(&mut self, compression: bool) {
        self.compression = compression;
    }

    pub(crate) fn new(compression: bool) -> Self {
        Self { compression, ..Self::default() }
    }

    #[inline]
    pub(crate) fn encode<'a>(&'a mut self, value: StringRef<'a>) -> Encoded<'a> {
        match value {
            StringRef::Bytes(bytes) => self.encode_bytes(bytes),
            StringRef::Integer(number) => {
                let mut head = Head::new();
                if let Ok(number) = i32::try_from(number) {
                    push_integer(number, &mut head);
                    return Encoded { head, body: &[] };
                }
                let mut buffer = itoa::Buffer::new();
                let text = buffer.format(number).as_bytes();
                head.push_length(text.len() as u64);
                head.push(text);
                Encoded { head, body: &[] }
            }
        }
    }

    #[inline]
    pub(crate) fn encode_bytes<'a>(&'a mut self, bytes: &'a [u8]) -> Encoded<'a> {
        let mut head = Head::new();
        if bytes.len() <= INTEGER_TEXT_MAX {
            if let Some(number) = canonical_integer(bytes) {
                push_integer(number, &mut head);
                return Encoded { head, body: &[] };
            }
        } else if self.compression && bytes.len() > COMPRESS_ABOVE && self.is_worth_trying(bytes.len()) {
            if self.scratch.capacity() > SCRATCH_BYTES_MAX {
                self.scratch = Vec::new();
            }
            self.scratch.clear();
            let limit = bytes.len() - COMPRESSION_GAIN_MIN;
            if self.compressor.compress(bytes, limit, &mut self.scratch) {
                self.incompressible = 0;
                head.push_array([0xc3]);
                head.push_length(self.scratch.len() as u64);
                head.push_length(bytes.len() as u64);
                return Encoded { head, body: &self.scratch };
            }
        }
        head.push_length(bytes.len() as u64);
        Encoded { head, body: bytes }
    }

    /// Values of one kind usually compress all or not at all, and trying takes ten times as long as writing.
    fn is_worth_trying(&mut self, len: usize) -> bool {
        if len >= ALWAYS_TRIED_FROM {
            return true;
        }
        self.incompressible = self.incompressible.wrapping_add(1);
        self.incompressible <= INCOMPRESSIBLE_RUN || self.incompressible.is_multiple_of(INCOMPRESSIBLE_RUN)
    }
}

fn push_integer(number: i32, head: &mut Head) {
    if let Ok(number) = i8::try_from(number) {
        head.push_array([0xc0]);
        head.push_array(number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        head.push_array([0xc1]);
        head.push_array(number.to_le_bytes());
    } else {
        head.push_array([0xc2]);
        head.push_array(number.to_le_bytes());
    }
}

/// The number whose decimal text `bytes` is, exactly: no sign but a minus, no leading zeros, not "-0".
#[inline]
fn canonical_integer(bytes: &[u8]) -> Option<i32> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 10 => {}
        _ => return None,
    }
    let mut magnitude = 0_i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude * 10 + i64::from(byte - b'0');
    }
    i32::try_from(if negative { -magnitude } else { magnitude }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(value: StringRef<'_>, compression: bool) -> Vec<u8> {
        let mut encoder = StringEncoder::new(compression);
        let encoded = encoder.encode(value);
        [encoded.head.as_bytes(), encoded.body].concat()
    }

    #[test]
    fn integers_are_written_in_the_smallest_form() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"0", b"\xc0\x00"),
            (b"-1", b"\xc0\xff"),
            (b"127", b"\xc0\x7f"),
            (b"128", b"\xc1\x80\x00"),
            (b"-32768", b"\xc1\x00\x80"),
            (b"32768", b"\xc2\x00\x80\x00\x00"),
            (b"2147483647", b"\xc2\xff\xff\xff\x7f"),
            (b"-2147483648", b"\xc2\x00\x00\x00\x80"),
        ];
        for (text, expected) in cases {
            assert_eq!(encode(StringRef::Bytes(text), true), expected);
            let number = str::from_utf8(text).unwrap().parse().unwrap();
            assert_eq!(encode(StringRef::Integer(number), true), expected);
        }
    }

    #[test]
    fn what_only_looks_like_an_integer_stays_text() {
        for text in
            ["", "-", "-0", "00", "01", "+1", " 1", "1 ", "1a", "2147483648", "-2147483649", "99999999999"]
        {
            let expected = [&[text.len() as u8], text.as_bytes()].concat();
            assert_eq!(encode(StringRef::Bytes(text.as_bytes()), true), expected, "{text:?}");
        }
        assert_eq!(encode(StringRef::Integer(2_147_483_648), true), b"\x0a2147483648");
        assert_eq!(encode(StringRef::Integer(i64::MIN), true), b"\x14-9223372036854775808");
    }

    #[test]
    fn only_strings_beyond_twenty_bytes_are_compressed() {
        assert_eq!(encode(StringRef::Bytes(&[b'a'; 20]), true)[0], 20);
        assert_eq!(encode(StringRef::Bytes(&[b'a'; 21]), true)[0], 0xc3);
        assert_eq!(encode(StringRef::Bytes(&[b'a'; 21]), false)[0], 21);
        let incompressible: Vec<u8> = (0..60).collect();
        assert_eq!(encode(StringRef::Bytes(&incompressible), true)[0], 60);
    }

    #[test]
    fn compression_is_given_up_and_found_again() {
        let mut encoder = StringEncoder::new(true);
        let random: Vec<u8> = (0..60).collect();
        for _ in 0..1000 {
            assert_eq!(encoder.encode_bytes(&random).body, random);
        }
        let mut is_compressed = || encoder.encode_bytes(&[b'a'; 60]).body.len() < 60;
        let before = (0..INCOMPRESSIBLE_RUN).take_while(|_| !is_compressed()).count();
        assert!(before < INCOMPRESSIBLE_RUN as usize, "one in {INCOMPRESSIBLE_RUN} is tried");
        assert!(is_compressed(), "after one that compresses every string is tried");
        for _ in 0..1000 {
            encoder.encode_bytes(&random);
        }
        assert!(encoder.encode_bytes(&[b'a'; 5000]).body.len() < 100, "a long string is always tried");
    }
}
