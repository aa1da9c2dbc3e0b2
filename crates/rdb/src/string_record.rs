//! The fast way through files of strings: a record that lies in the read buffer as a whole is handed out as it lies there.

use std::io::Read;

use crate::{
    length::{LENGTH_32, LENGTH_64},
    opcode,
    reader::{Reader, expiry},
    value::{KeyMetadata, StringRef},
};

/// A compressed string that expands to more than this is left to [`Reader::next_event`].
const EXPANDED_BYTES_MAX: u64 = 64 << 10;

/// A key with a string, in the reader's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringRecord<'r> {
    /// The key.
    pub key: &'r [u8],
    /// Its value. Integers stay integers when the file stores them as such.
    pub value: StringRef<'r>,
    /// Expiry and access time.
    pub metadata: KeyMetadata,
    /// Offset in the input at which the record begins (its first opcode, or its type byte).
    pub offset: u64,
    /// Offset behind the record.
    pub end_offset: u64,
}

/// What compressed strings and integers are expanded into.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// The next record, if it is a key with a string, is intact, and lies in the read buffer as a whole; it is then
    /// consumed. Whoever gets nothing asks [`Self::next_event`], which reads and judges whatever there is.
    #[inline]
    pub fn next_string(&mut self) -> Option<StringRecord<'_>> {
        let (source, scratch) = self.between_records()?;
        let offset = source.offset();
        let mut unread = Unread { bytes: source.unread(), at: 0 };
        let mut metadata = KeyMetadata::default();
        loop {
            match unread.byte()? {
                opcode::TYPE_STRING => break,
                opcode::EXPIRE_MS => {
                    metadata.expires_at_ms = expiry(i64::from_le_bytes(unread.array()?));
                }
                opcode::FREQUENCY => metadata.frequency = Some(unread.byte()?),
                opcode::IDLE => match unread.head()? {
                    // The reserved number is an error, an encoded one is unheard of.
                    Head::Length(seconds) if seconds != u64::MAX => metadata.idle_seconds = Some(seconds),
                    Head::Length(_) | Head::Encoded(_) => return None,
                },
                _ => return None,
            }
        }
        let key = unread.string(&mut scratch.key)?;
        let value = unread.string(&mut scratch.value)?;
        let length = unread.at;
        source.consume(length);
        let bytes = source.consumed(length);
        let key = match key {
            Piece::Raw { start, end } => &bytes[start..end],
            Piece::Integer(number) => {
                scratch.key.clear();
                scratch.key.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                &scratch.key
            }
            Piece::Expanded => &scratch.key,
        };
        let value = match value {
            Piece::Raw { start, end } => StringRef::Bytes(&bytes[start..end]),
            Piece::Integer(number) => StringRef::Integer(number),
            Piece::Expanded => StringRef::Bytes(&scratch.value),
        };
        Some(StringRecord { key, value, metadata, offset, end_offset: offset + length as u64 })
    }
}

enum Head {
    Length(u64),
    Encoded(u8),
}

/// Where a string is.
enum Piece {
    /// In the buffer.
    Raw { start: usize, end: usize },
    /// Nowhere.
    Integer(i64),
    /// In its scratch.
    Expanded,
}

/// The bytes of the buffer that are not consumed yet. Everything gives nothing where they end.
struct Unread<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Unread<'_> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(*array)
    }

    #[inline]
    fn head(&mut self) -> Option<Head> {
        let byte = self.byte()?;
        Some(match byte >> 6 {
            0 => Head::Length(u64::from(byte)),
            1 => Head::Length(u64::from(byte & 0x3f) << 8 | u64::from(self.byte()?)),
            2 if byte == LENGTH_32 => Head::Length(u64::from(u32::from_be_bytes(self.array()?))),
            2 if byte == LENGTH_64 => Head::Length(u64::from_be_bytes(self.array()?)),
            2 => return None,
            _ => Head::Encoded(byte & 0x3f),
        })
    }

    #[inline]
    fn string(&mut self, scratch: &mut Vec<u8>) -> Option<Piece> {
        match self.head()? {
            Head::Length(length) => {
                let (start, end) = self.take(length)?;
                Some(Piece::Raw { start, end })
            }
            Head::Encoded(0) => Some(Piece::Integer(i64::from(i8::from_le_bytes(self.array()?)))),
            Head::Encoded(1) => Some(Piece::Integer(i64::from(i16::from_le_bytes(self.array()?)))),
            Head::Encoded(2) => Some(Piece::Integer(i64::from(i32::from_le_bytes(self.array()?)))),
            Head::Encoded(3) => self.expand(scratch),
            Head::Encoded(_) => None,
        }
    }

    fn expand(&mut self, scratch: &mut Vec<u8>) -> Option<Piece> {
        let (Head::Length(compressed), Head::Length(size)) = (self.head()?, self.head()?) else {
            return None;
        };
        if size > EXPANDED_BYTES_MAX {
            return None;
        }
        let (start, end) = self.take(compressed)?;
        lastsave_lzf::decompress_into(&self.bytes[start..end], size as usize, scratch).ok()?;
        Some(Piece::Expanded)
    }

    /// Where the next `length` bytes begin and end.
    #[inline]
    fn take(&mut self, length: u64) -> Option<(usize, usize)> {
        if length > (self.bytes.len() - self.at) as u64 {
            return None;
        }
        let start = self.at;
        self.at += length as usize;
        Some((start, self.at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzzing::strings;
    use crate::{ReaderOptions, Writer, WriterOptions};

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<i32>().prop_map(|number| number.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..80),
            (any::<u8>(), 0..300_usize).prop_map(|(byte, length)| vec![byte; length]),
        ]
    }

    proptest! {
        #[test]
        fn both_ways_through_a_file_see_the_same(
            records in prop::collection::vec(
                (text(), text(), prop::option::of(any::<i64>()), prop::option::of(0..1_000_000_u64)), 0..40),
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            buffer_bytes in 64..400_usize,
        ) {
            let mut writer = Writer::bare(Vec::new(), WriterOptions::default()).unwrap();
            writer.select_database(0).unwrap();
            for (key, value, expires_at_ms, idle_seconds) in &records {
                let expires_at_ms = expires_at_ms.filter(|at| *at != -1);
                let metadata = KeyMetadata { expires_at_ms, idle_seconds: *idle_seconds, frequency: None };
                writer.string(key, StringRef::Bytes(value), &metadata).unwrap();
            }
            let mut file = writer.finish().unwrap().inner;
            if let Some((index, byte)) = damage {
                let index = index.index(file.len());
                file[index] = byte;
            }
            let options = ReaderOptions { buffer_bytes, ..ReaderOptions::default() };
            let slow = strings(&file, false, options);
            let fast = strings(&file, true, options);
            prop_assert_eq!((&slow.keys, &slow.end), (&fast.keys, &fast.end));
            if damage.is_none() && file.len() <= buffer_bytes {
                prop_assert_eq!(fast.fast, records.len(), "all of them went the fast way");
            }
        }
    }
}
