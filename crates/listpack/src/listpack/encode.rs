//! Entries as bytes: the head that tells kind and length, the data, and the length for walking backwards.
//!
//! | first byte | kind | bytes without the length behind |
//! |---|---|---|
//! | `0xxxxxxx` | integer 0..127 | 1 |
//! | `10xxxxxx` | string of 0..63 bytes | 1 + length |
//! | `110xxxxx` | signed integer of 13 bits, big-endian | 2 |
//! | `1110xxxx` | string of up to 4095 bytes, length big-endian | 2 + length |
//! | `F0` | string, length of 32 bits | 5 + length |
//! | `F1` `F2` `F3` `F4` | signed integer of 16, 24, 32, 64 bits | 3, 4, 5, 9 |
//! | `FF` | terminator | |
//!
//! The length behind has seven bits a byte, most significant first; all bytes but the first have the high bit set, so
//! that it can be read from its end.

use crate::value::{ListpackValue, parse_integer};

/// Bytes before the first entry: total size (32 bits) and number of entries (16 bits).
pub(crate) const HEADER_BYTES: usize = 6;
/// Bytes of a listpack without entries.
pub(crate) const EMPTY_BYTES: usize = HEADER_BYTES + 1;
/// The byte behind the last entry.
pub(crate) const TERMINATOR: u8 = 0xff;
/// The stored number of entries when it does not fit.
pub(crate) const COUNT_UNKNOWN: u16 = u16::MAX;

pub(crate) const STRING_6: u8 = 0x80;
pub(crate) const INTEGER_13: u8 = 0xc0;
pub(crate) const STRING_12: u8 = 0xe0;
pub(crate) const STRING_32: u8 = 0xf0;
pub(crate) const INTEGER_16: u8 = 0xf1;
pub(crate) const INTEGER_24: u8 = 0xf2;
pub(crate) const INTEGER_32: u8 = 0xf3;
pub(crate) const INTEGER_64: u8 = 0xf4;

/// Bytes without the length behind, by first byte; 0 where the first byte alone does not tell.
pub(crate) const ENCODED_BYTES: [u8; 256] = {
    let mut sizes = [0; 256];
    let mut head = 0;
    while head < 256 {
        sizes[head] = match head as u8 {
            0..=0x7f => 1,
            0x80..=0xbf => 1 + (head as u8 & 0x3f),
            0xc0..=0xdf => 2,
            INTEGER_16 => 3,
            INTEGER_24 => 4,
            INTEGER_32 => 5,
            INTEGER_64 => 9,
            _ => 0,
        };
        head += 1;
    }
    sizes
};

/// An entry that is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    head: [u8; 9],
    head_bytes: u8,
    data: &'a [u8],
}

impl<'a> Entry<'a> {
    /// An entry for the string `text`, stored as an integer when it is one.
    pub(crate) fn bytes(text: &'a [u8]) -> Self {
        if let Some(integer) = parse_integer(text) {
            return Self::integer(integer);
        }
        let mut head = [0; 9];
        let head_bytes = match text.len() {
            length @ 0..=63 => {
                head[0] = STRING_6 | length as u8;
                1
            }
            length @ 64..=4095 => {
                head[..2].copy_from_slice(&(u16::from(STRING_12) << 8 | length as u16).to_be_bytes());
                2
            }
            length => {
                let length = u32::try_from(length).expect("a string in a listpack has less than 4 GiB");
                head[0] = STRING_32;
                head[1..5].copy_from_slice(&length.to_le_bytes());
                5
            }
        };
        Self { head, head_bytes, data: text }
    }

    /// An entry for the decimal text of `integer`, in the fewest bytes.
    pub(crate) fn integer(integer: i64) -> Self {
        let mut head = [0; 9];
        let little_endian = integer.to_le_bytes();
        let mut prefixed = |kind: u8, bytes: usize| {
            head[0] = kind;
            head[1..=bytes].copy_from_slice(&little_endian[..bytes]);
            bytes as u8 + 1
        };
        let head_bytes = match integer {
            0..=0x7f => {
                head[0] = integer as u8;
                1
            }
            -0x1000..=0xfff => {
                let bits = (integer as u16 & 0x1fff) | u16::from(INTEGER_13) << 8;
                head[..2].copy_from_slice(&bits.to_be_bytes());
                2
            }
            -0x8000..=0x7fff => prefixed(INTEGER_16, 2),
            -0x80_0000..=0x7f_ffff => prefixed(INTEGER_24, 3),
            -0x8000_0000..=0x7fff_ffff => prefixed(INTEGER_32, 4),
            _ => prefixed(INTEGER_64, 8),
        };
        Self { head, head_bytes, data: &[] }
    }

    /// An entry for `value`.
    pub(crate) fn value(value: ListpackValue<'a>) -> Self {
        match value {
            ListpackValue::Integer(integer) => Self::integer(integer),
            ListpackValue::Bytes(bytes) => Self::bytes(bytes),
        }
    }

    fn encoded_bytes(&self) -> usize {
        usize::from(self.head_bytes) + self.data.len()
    }

    /// All bytes of the entry.
    pub(crate) fn size(&self) -> usize {
        let encoded = self.encoded_bytes();
        encoded + backlen_bytes(encoded)
    }

    /// Fills `output`, which has exactly [`Entry::size`] bytes.
    pub(crate) fn write(&self, output: &mut [u8]) {
        let (head, rest) = output.split_at_mut(usize::from(self.head_bytes));
        head.copy_from_slice(&self.head[..head.len()]);
        let (data, behind) = rest.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        let (backlen, bytes) = encode_backlen(self.encoded_bytes());
        behind.copy_from_slice(&backlen[..bytes]);
    }

    /// Appends the entry to `output`.
    pub(crate) fn append(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.head[..usize::from(self.head_bytes)]);
        output.extend_from_slice(self.data);
        let (backlen, bytes) = encode_backlen(self.encoded_bytes());
        output.extend_from_slice(&backlen[..bytes]);
    }
}

/// Bytes of the length behind an entry of `encoded` bytes. The borders are Redis' own, one below what would fit.
#[inline]
pub(crate) fn backlen_bytes(encoded: usize) -> usize {
    match encoded {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The length behind an entry of `encoded` bytes, and how many bytes it has.
#[inline]
pub(crate) fn encode_backlen(encoded: usize) -> ([u8; 5], usize) {
    let bytes = backlen_bytes(encoded);
    let mut output = [0; 5];
    let mut rest = encoded;
    for byte in output[..bytes].iter_mut().rev() {
        *byte = (rest & 0x7f) as u8 | 0x80;
        rest >>= 7;
    }
    output[0] &= 0x7f;
    (output, bytes)
}

/// Reads the length that ends before offset `end`: bytes of the entry without it, and bytes of the length itself.
#[inline]
pub(crate) fn decode_backlen(bytes: &[u8], end: usize) -> (usize, usize) {
    let last = bytes[end - 1];
    if last & 0x80 == 0 {
        return (usize::from(last), 1);
    }
    let mut encoded = 0;
    for count in 1..=5 {
        let byte = bytes[end - count];
        encoded |= usize::from(byte & 0x7f) << (7 * (count - 1));
        if byte & 0x80 == 0 {
            return (encoded, count);
        }
    }
    panic!("the length before offset {end} of a listpack has more than five bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_behind_are_read_from_their_end() {
        for encoded in
            [0, 1, 127, 128, 16_382, 16_383, 16_384, 2_097_150, 2_097_151, 268_435_454, 268_435_455, 1 << 30]
        {
            let (backlen, bytes) = encode_backlen(encoded);
            assert_eq!(bytes, backlen_bytes(encoded));
            assert_eq!(backlen[0] & 0x80, 0);
            assert_eq!(decode_backlen(&backlen[..bytes], bytes), (encoded, bytes));
        }
        assert_eq!(encode_backlen(16_383), ([0, 0xff, 0xff, 0, 0], 3));
    }

    #[test]
    fn an_entry_is_written_and_appended_alike() {
        let long = vec![b'x'; 5000];
        for entry in
            [Entry::bytes(b""), Entry::bytes(b"-4097"), Entry::bytes(&long[..64]), Entry::bytes(&long)]
        {
            let mut appended = Vec::new();
            entry.append(&mut appended);
            let mut written = vec![0; entry.size()];
            entry.write(&mut written);
            assert_eq!(appended, written);
        }
    }
}
