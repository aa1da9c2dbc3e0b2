//! The zipmap, the first packed form of hashes, for reading.
//!
//! Layout: number of pairs (one byte, 254 when unknown), pairs, `FF`. A pair is length of the key, key, length of the
//! value, number of unused bytes behind the value (one byte), value, unused bytes. A length is one byte below 254, or
//! `FE` and 32 bits little-endian. Redis reads any byte from 254 on as `FE`, and so does this.
//!
//! Unlike Redis we do not accept bytes behind a terminator: they are lost data, not a zipmap.

use std::iter::FusedIterator;

use crate::{
    error::{Fault, ListpackError, Packing},
    listpack::{LISTPACK_BYTES_MAX, Listpack, ListpackBuilder},
    value::ListpackValue,
};

const EMPTY_BYTES: usize = 2;
const TERMINATOR: u8 = 0xff;
const COUNT_UNKNOWN: u8 = 254;
/// Lengths from here on follow in four bytes.
const BIG_LENGTH: u8 = 254;

/// A zipmap in borrowed bytes. Keys may repeat: the form does not rule that out.
#[derive(Debug, Clone, Copy)]
pub struct Zipmap<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Zipmap<'a> {
    /// Checks every pair of `bytes`, which must be one zipmap and nothing else.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ListpackError> {
        let refuse = |offset, fault| Err(ListpackError::new(Packing::Zipmap, offset, fault));
        if bytes.len() < EMPTY_BYTES {
            return refuse(0, Fault::TooShort { expected: EMPTY_BYTES as u64, got: bytes.len() as u64 });
        }
        if bytes.len() > LISTPACK_BYTES_MAX {
            return refuse(
                0,
                Fault::TooLong { expected: LISTPACK_BYTES_MAX as u64, got: bytes.len() as u64 },
            );
        }
        let end = bytes.len() - 1;
        if bytes[end] != TERMINATOR {
            return refuse(end, Fault::NoTerminator { got: bytes[end] });
        }
        let (mut at, mut count) = (1, 0_usize);
        while at < end {
            if bytes[at] == TERMINATOR {
                return refuse(at, Fault::EarlyTerminator { expected: end as u64 });
            }
            at = read_pair(&bytes[..end], at)?.2;
            count += 1;
        }
        if bytes[0] != COUNT_UNKNOWN && usize::from(bytes[0]) != count {
            return refuse(0, Fault::WrongCount { expected: bytes[0].into(), got: count as u64 });
        }
        Ok(Self { bytes, count })
    }

    /// The bytes, number of pairs and terminator included.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(self) -> usize {
        self.count
    }

    /// Whether there are no pairs.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The pairs of key and value in order.
    #[must_use]
    pub fn iter(self) -> ZipmapIter<'a> {
        ZipmapIter { bytes: &self.bytes[..self.bytes.len() - 1], at: 1, left: self.count }
    }

    /// The same keys and values in turns, as a listpack.
    #[must_use]
    pub fn to_listpack(self) -> Listpack {
        let mut builder = ListpackBuilder::with_capacity(self.bytes.len());
        for (key, value) in self {
            builder.push_value(key);
            builder.push_value(value);
        }
        builder.finish()
    }
}

impl<'a> IntoIterator for Zipmap<'a> {
    type Item = (ListpackValue<'a>, ListpackValue<'a>);
    type IntoIter = ZipmapIter<'a>;

    fn into_iter(self) -> ZipmapIter<'a> {
        self.iter()
    }
}

/// The pairs of a zipmap. All of them are [`ListpackValue::Bytes`].
#[derive(Debug, Clone)]
pub struct ZipmapIter<'a> {
    /// Without the terminator.
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for ZipmapIter<'a> {
    type Item = (ListpackValue<'a>, ListpackValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (key, value, end) =
            read_pair(self.bytes, self.at).expect("a zipmap is checked before it is read");
        self.at = end;
        Some((ListpackValue::Bytes(key), ListpackValue::Bytes(value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ZipmapIter<'_> {}
impl FusedIterator for ZipmapIter<'_> {}

/// Key, value and end of the pair at offset `at` of `bytes`, which end before the terminator.
fn read_pair(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8], usize), ListpackError> {
    let mut rest = &bytes[at..];
    let all = rest.len();
    let mut take = |length: usize| {
        let before = all - rest.len();
        let Some((taken, behind)) = rest.split_at_checked(length) else {
            let fault = Fault::EntryPastEnd { expected: before as u64 + length as u64, got: all as u64 };
            return Err(ListpackError::new(Packing::Zipmap, at, fault));
        };
        rest = behind;
        Ok(taken)
    };
    let key_bytes = read_length(&mut take)?;
    let key = take(key_bytes)?;
    let value_bytes = read_length(&mut take)?;
    let unused_bytes = usize::from(take(1)?[0]);
    let value = take(value_bytes)?;
    take(unused_bytes)?;
    Ok((key, value, bytes.len() - rest.len()))
}

fn read_length<'a>(
    take: &mut impl FnMut(usize) -> Result<&'a [u8], ListpackError>,
) -> Result<usize, ListpackError> {
    let first = take(1)?[0];
    if first < BIG_LENGTH {
        return Ok(usize::from(first));
    }
    let length = *take(4)?.first_chunk().expect("as many bytes as were asked for");
    Ok(u32::from_le_bytes(length) as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOCUMENTED: &[u8] = b"\x02\x03foo\x03\x00bar\x05hello\x05\x00world\xff";

    fn zipmap(pairs: &[(Vec<u8>, Vec<u8>, u8)]) -> Vec<u8> {
        let length = |length: usize, output: &mut Vec<u8>| {
            if length < 254 {
                output.push(length as u8);
            } else {
                output.push(BIG_LENGTH);
                output.extend((length as u32).to_le_bytes());
            }
        };
        let mut bytes = vec![pairs.len() as u8];
        for (key, value, unused) in pairs {
            length(key.len(), &mut bytes);
            bytes.extend(key);
            length(value.len(), &mut bytes);
            bytes.push(*unused);
            bytes.extend(value);
            bytes.extend(vec![0xee; usize::from(*unused)]);
        }
        bytes.push(TERMINATOR);
        bytes
    }

    fn pair() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, u8)> {
        let text = || {
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..6),
                Just(vec![b'x'; 253]),
                Just(vec![b'x'; 254])
            ]
        };
        (text(), text(), 0..5_u8)
    }

    #[test]
    fn the_documented_example_is_read() {
        let map = Zipmap::from_bytes(DOCUMENTED).unwrap();
        let pairs: Vec<_> = map.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        assert_eq!(pairs, [(b"foo".to_vec(), b"bar".to_vec()), (b"hello".to_vec(), b"world".to_vec())]);
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_where() {
        let refusal = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = DOCUMENTED.to_vec();
            edit(&mut bytes);
            let error = Zipmap::from_bytes(&bytes).unwrap_err();
            (error.offset, error.fault)
        };
        let end = DOCUMENTED.len() as u64 - 1;
        assert_eq!(refusal(&|bytes| bytes.truncate(1)), (0, Fault::TooShort { expected: 2, got: 1 }));
        assert_eq!(refusal(&|bytes| bytes.truncate(12)), (11, Fault::NoTerminator { got: b'h' }));
        assert_eq!(refusal(&|bytes| bytes[0] = 3), (0, Fault::WrongCount { expected: 3, got: 2 }));
        assert_eq!(refusal(&|bytes| bytes[10] = 0xff), (10, Fault::EarlyTerminator { expected: end }));
        assert_eq!(refusal(&|bytes| bytes[16] = 6), (10, Fault::EntryPastEnd { expected: 14, got: 13 }));
    }

    proptest! {
        #[test]
        fn every_length_is_read(pairs in prop::collection::vec(pair(), 0..8)) {
            let bytes = zipmap(&pairs);
            let map = Zipmap::from_bytes(&bytes).unwrap();
            prop_assert_eq!((map.len(), map.is_empty()), (pairs.len(), pairs.is_empty()));
            let texts = pairs.iter().flat_map(|(key, value, _)| [key.as_slice(), value]);
            prop_assert_eq!(map.to_listpack(), texts.collect::<Listpack>());
        }

        #[test]
        fn damaged_zipmaps_are_refused_or_readable(
            pairs in prop::collection::vec(pair(), 0..5),
            bit in any::<usize>(),
            cut in any::<usize>(),
        ) {
            let mut bytes = zipmap(&pairs);
            crate::fuzzing::zipmap(&bytes[..cut % bytes.len()]);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            crate::fuzzing::zipmap(&bytes);
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_readable(
            pairs in prop::collection::vec(prop_oneof![any::<u8>(), 0..4_u8], 0..30),
        ) {
            let mut bytes = vec![COUNT_UNKNOWN];
            bytes.extend(pairs);
            bytes.push(TERMINATOR);
            crate::fuzzing::zipmap(&bytes);
        }
    }
}
