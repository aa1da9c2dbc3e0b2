//! The ziplist, the predecessor of the listpack, for reading.
//!
//! Layout: total size (32 bits), offset of the last entry (32 bits; 10 when there is none), number of entries (16
//! bits, 65535 when unknown), entries, `FF`. An entry is the size of the one before, then its kind and length, then
//! its data:
//!
//! | size of the entry before | bytes |
//! |---|---|
//! | below 254 | 1 |
//! | `FE` and 32 bits little-endian | 5 |
//!
//! | first byte of the rest | kind |
//! |---|---|
//! | `00xxxxxx` | string of 0..63 bytes |
//! | `01xxxxxx` | string, length of 14 bits big-endian |
//! | `10......` | string, length of 32 bits big-endian in the next four bytes |
//! | `C0` `D0` `E0` `F0` `FE` | signed integer of 16, 32, 64, 24, 8 bits, little-endian |
//! | `F1`..`FD` | integer 0..12 |

use std::iter::FusedIterator;

use crate::{
    error::{Fault, ListpackError, Packing},
    listpack::{LISTPACK_BYTES_MAX, Listpack, ListpackBuilder},
    value::ListpackValue,
};

const HEADER_BYTES: usize = 10;
const EMPTY_BYTES: usize = HEADER_BYTES + 1;
const TERMINATOR: u8 = 0xff;
const COUNT_UNKNOWN: u16 = u16::MAX;
/// Says that the size of the entry before follows in four bytes.
const BIG_PREVIOUS: u8 = 0xfe;

/// A ziplist in borrowed bytes.
#[derive(Debug, Clone, Copy)]
pub struct Ziplist<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Ziplist<'a> {
    /// Checks every entry of `bytes`, which must be one ziplist and nothing else.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ListpackError> {
        let size = bytes.len();
        let refuse = |offset, fault| Err(ListpackError::new(Packing::Ziplist, offset, fault));
        if size < EMPTY_BYTES {
            return refuse(0, Fault::TooShort { expected: EMPTY_BYTES as u64, got: size as u64 });
        }
        if size > LISTPACK_BYTES_MAX {
            return refuse(0, Fault::TooLong { expected: LISTPACK_BYTES_MAX as u64, got: size as u64 });
        }
        let declared = u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        if declared != size as u64 {
            return refuse(0, Fault::WrongSize { expected: declared, got: size as u64 });
        }
        let end = size - 1;
        if bytes[end] != TERMINATOR {
            return refuse(end, Fault::NoTerminator { got: bytes[end] });
        }
        let (mut at, mut last, mut previous, mut count) = (HEADER_BYTES, HEADER_BYTES, 0, 0_usize);
        while at < end {
            let entry = Entry::read(&bytes[..end], at)?;
            if entry.previous_bytes != previous {
                return refuse(
                    at,
                    Fault::WrongBacklen { expected: previous as u64, got: entry.previous_bytes as u64 },
                );
            }
            (last, previous) = (at, entry.end - at);
            at = entry.end;
            count += 1;
        }
        let tail = u64::from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]));
        // Redis does not mind where the tail of an empty ziplist is, as long as it is inside.
        if tail > end as u64 || (count > 0 && tail != last as u64) {
            return refuse(4, Fault::WrongTail { expected: tail, got: last as u64 });
        }
        let stored = u16::from_le_bytes([bytes[8], bytes[9]]);
        if stored != COUNT_UNKNOWN && usize::from(stored) != count {
            return refuse(8, Fault::WrongCount { expected: stored.into(), got: count as u64 });
        }
        Ok(Self { bytes, count })
    }

    /// The bytes, header and terminator included.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of entries.
    #[must_use]
    pub fn len(self) -> usize {
        self.count
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The values in order.
    #[must_use]
    pub fn iter(self) -> ZiplistIter<'a> {
        ZiplistIter { bytes: &self.bytes[..self.bytes.len() - 1], at: HEADER_BYTES, left: self.count }
    }

    /// The same values as a listpack.
    #[must_use]
    pub fn to_listpack(self) -> Listpack {
        let mut builder = ListpackBuilder::with_capacity(self.bytes.len());
        builder.extend(self.iter());
        builder.finish()
    }
}

impl<'a> IntoIterator for Ziplist<'a> {
    type Item = ListpackValue<'a>;
    type IntoIter = ZiplistIter<'a>;

    fn into_iter(self) -> ZiplistIter<'a> {
        self.iter()
    }
}

/// The values of a ziplist.
#[derive(Debug, Clone)]
pub struct ZiplistIter<'a> {
    /// Without the terminator.
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for ZiplistIter<'a> {
    type Item = ListpackValue<'a>;

    fn next(&mut self) -> Option<ListpackValue<'a>> {
        self.left = self.left.checked_sub(1)?;
        let entry = Entry::read(self.bytes, self.at).expect("a ziplist is checked before it is read");
        self.at = entry.end;
        Some(entry.value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ZiplistIter<'_> {}
impl FusedIterator for ZiplistIter<'_> {}

/// One entry as it was read.
struct Entry<'a> {
    /// The stored size of the entry before.
    previous_bytes: usize,
    value: ListpackValue<'a>,
    /// Offset behind the entry.
    end: usize,
}

impl<'a> Entry<'a> {
    /// Reads the entry at offset `at` of `bytes`, which end before the terminator.
    fn read(bytes: &'a [u8], at: usize) -> Result<Self, ListpackError> {
        let mut input = Input { bytes, start: at, at };
        let previous_bytes = match input.byte()? {
            TERMINATOR => {
                let expected = bytes.len() as u64;
                return Err(ListpackError::new(Packing::Ziplist, at, Fault::EarlyTerminator { expected }));
            }
            BIG_PREVIOUS => u32::from_le_bytes(input.array()?) as usize,
            small => usize::from(small),
        };
        let head = input.byte()?;
        let value = match head {
            0..=0x3f => ListpackValue::Bytes(input.take(usize::from(head))?),
            0x40..=0x7f => {
                let length = u16::from_be_bytes([head & 0x3f, input.byte()?]);
                ListpackValue::Bytes(input.take(usize::from(length))?)
            }
            0x80..=0xbf => {
                let length = u32::from_be_bytes(input.array()?);
                ListpackValue::Bytes(input.take(length as usize)?)
            }
            0xc0 => ListpackValue::Integer(i16::from_le_bytes(input.array()?).into()),
            0xd0 => ListpackValue::Integer(i32::from_le_bytes(input.array()?).into()),
            0xe0 => ListpackValue::Integer(i64::from_le_bytes(input.array()?)),
            0xf0 => {
                let [low, middle, high] = input.array()?;
                ListpackValue::Integer(i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8))
            }
            0xfe => ListpackValue::Integer(i8::from_le_bytes(input.array()?).into()),
            0xf1..=0xfd => ListpackValue::Integer(i64::from(head & 0x0f) - 1),
            got => return Err(ListpackError::new(Packing::Ziplist, at, Fault::UnknownEncoding { got })),
        };
        Ok(Self { previous_bytes, value, end: input.at })
    }
}

/// Bytes that are read forwards, with every step checked.
struct Input<'a> {
    bytes: &'a [u8],
    /// Where the entry starts, for errors.
    start: usize,
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ListpackError> {
        let rest = &self.bytes[self.at..];
        let Some(taken) = rest.get(..length) else {
            let fault = Fault::EntryPastEnd {
                expected: (self.at - self.start) as u64 + length as u64,
                got: (self.bytes.len() - self.start) as u64,
            };
            return Err(ListpackError::new(Packing::Ziplist, self.start, fault));
        };
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ListpackError> {
        Ok(*self.take(N)?.first_chunk().expect("as many bytes as were asked for"))
    }

    fn byte(&mut self) -> Result<u8, ListpackError> {
        let [byte] = self.array()?;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ziplist of encoded entries without the sizes of the entries before, which it adds.
    fn ziplist(entries: &[Vec<u8>]) -> Vec<u8> {
        let (mut body, mut previous, mut tail) = (Vec::new(), 0, HEADER_BYTES);
        for entry in entries {
            let start = body.len();
            tail = HEADER_BYTES + start;
            if previous < 254 {
                body.push(previous as u8);
            } else {
                body.push(BIG_PREVIOUS);
                body.extend((previous as u32).to_le_bytes());
            }
            body.extend(entry);
            previous = body.len() - start;
        }
        let mut bytes = ((body.len() + EMPTY_BYTES) as u32).to_le_bytes().to_vec();
        bytes.extend((tail as u32).to_le_bytes());
        bytes.extend((entries.len() as u16).to_le_bytes());
        bytes.extend(body);
        bytes.push(TERMINATOR);
        bytes
    }

    fn encoded() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let string = (0..3_usize, 0..400_usize).prop_map(|(kind, length)| {
            let length = if kind == 0 { length % 64 } else { length };
            let mut bytes = match kind {
                0 => vec![length as u8],
                1 => vec![0x40 | (length >> 8) as u8, length as u8],
                _ => vec![0x80, 0, 0, (length >> 8) as u8, length as u8],
            };
            bytes.extend(vec![b'z'; length]);
            (bytes, vec![b'z'; length])
        });
        let integer = (0..6_usize, any::<i64>()).prop_map(|(kind, integer)| {
            let (head, width) = [(0xc0, 2), (0xd0, 4), (0xe0, 8), (0xf0, 3), (0xfe, 1), (0xf1, 0)][kind];
            if width == 0 {
                let integer = integer.rem_euclid(13);
                return (vec![head + integer as u8], integer.to_string().into_bytes());
            }
            let integer = integer >> (64 - 8 * width);
            let mut bytes = vec![head];
            bytes.extend(&integer.to_le_bytes()[..width]);
            (bytes, integer.to_string().into_bytes())
        });
        prop_oneof![string, integer]
    }

    #[test]
    fn the_documented_example_is_read() {
        let bytes = [0x10, 0, 0, 0, 0x0d, 0, 0, 0, 2, 0, 0, 1, b'a', 3, 0xf8, 0xff];
        let list = Ziplist::from_bytes(&bytes).unwrap();
        assert_eq!(list.len(), 2);
        assert!(list.iter().eq([ListpackValue::Bytes(b"a"), ListpackValue::Integer(7)]));
        assert_eq!(
            list.to_listpack().as_bytes(),
            [0x0c, 0, 0, 0, 2, 0, 0x81, b'a', 2, 7, 1, 0xff],
            "the listpack is the one Redis would make"
        );
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_where() {
        let good = ziplist(&[b"\x01a".to_vec(), vec![0xf3]]);
        let refusal = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            edit(&mut bytes);
            let error = Ziplist::from_bytes(&bytes).unwrap_err();
            (error.offset, error.fault)
        };
        assert_eq!(refusal(&|bytes| bytes.truncate(9)), (0, Fault::TooShort { expected: 11, got: 9 }));
        assert_eq!(refusal(&|bytes| bytes[0] = 17), (0, Fault::WrongSize { expected: 17, got: 16 }));
        assert_eq!(refusal(&|bytes| bytes[4] = 10), (4, Fault::WrongTail { expected: 10, got: 13 }));
        assert_eq!(refusal(&|bytes| bytes[8] = 3), (8, Fault::WrongCount { expected: 3, got: 2 }));
        assert_eq!(refusal(&|bytes| bytes[13] = 4), (13, Fault::WrongBacklen { expected: 3, got: 4 }));
        assert_eq!(refusal(&|bytes| bytes[13] = 0xff), (13, Fault::EarlyTerminator { expected: 15 }));
        assert_eq!(refusal(&|bytes| bytes[14] = 0xff), (13, Fault::UnknownEncoding { got: 0xff }));
        assert_eq!(refusal(&|bytes| bytes[11] = 9), (10, Fault::EntryPastEnd { expected: 11, got: 5 }));
        assert_eq!(refusal(&|bytes| bytes[15] = 0), (15, Fault::NoTerminator { got: 0 }));
    }

    proptest! {
        #[test]
        fn every_encoding_is_read(entries in prop::collection::vec(encoded(), 0..12)) {
            let (encoded, texts): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
            let bytes = ziplist(&encoded);
            let list = Ziplist::from_bytes(&bytes).unwrap();
            prop_assert!(list.iter().map(ListpackValue::to_vec).eq(texts.iter().cloned()));
            prop_assert_eq!(list.to_listpack(), texts.iter().map(Vec::as_slice).collect::<Listpack>());
            prop_assert_eq!((list.len(), list.is_empty()), (texts.len(), texts.is_empty()));
        }

        #[test]
        fn damaged_ziplists_are_refused_or_readable(
            entries in prop::collection::vec(encoded(), 0..6),
            bit in any::<usize>(),
            cut in any::<usize>(),
        ) {
            let encoded: Vec<_> = entries.into_iter().map(|(bytes, _)| bytes).collect();
            let mut bytes = ziplist(&encoded);
            crate::fuzzing::ziplist(&bytes[..cut % bytes.len()]);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            crate::fuzzing::ziplist(&bytes);
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_readable(entries in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = ((entries.len() + EMPTY_BYTES) as u32).to_le_bytes().to_vec();
            bytes.extend([HEADER_BYTES as u8, 0, 0, 0, 0xff, 0xff]);
            bytes.extend(entries);
            bytes.push(TERMINATOR);
            crate::fuzzing::ziplist(&bytes);
        }
    }
}
