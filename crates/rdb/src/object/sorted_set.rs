//! Sorted sets: four encodings are read, two written.

use std::io::Read;

use lastsave_listpack::{Listpack, ListpackError, Packing, Ziplist};

use super::ValueWriter;
use crate::{
    error::ErrorKind,
    opcode::{TYPE_ZSET, TYPE_ZSET_2, TYPE_ZSET_LISTPACK, TYPE_ZSET_ZIPLIST},
    sink::Put,
    source::Source,
    value::{StringRef, StringValue},
    writer::WriteError,
};

/// A sorted set as read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SortedSetValue {
    /// Members, each followed by its score as text. There are as many scores as members, and all are numbers; order and
    /// uniqueness are as in the file.
    Listpack(Listpack),
    /// Members with scores.
    Elements(ScoredMembers),
}

/// Members with their scores, in one piece of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoredMembers {
    /// For each: bits of the score (8 bytes), length of the member (4 or, after `LONG`, 8 bytes), member.
    bytes: Vec<u8>,
    len: usize,
}

/// In place of a length: it does not fit into 32 bits.
const LONG: u32 = u32::MAX;

impl ScoredMembers {
    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The members with their scores, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let score = f64::from_bits(u64::from_le_bytes(take(&mut rest)?));
            let len = match u32::from_le_bytes(take(&mut rest)?) {
                LONG => u64::from_le_bytes(take(&mut rest)?) as usize,
                len => len as usize,
            };
            let (member, behind) = rest.split_at(len);
            rest = behind;
            Some((member, score))
        })
    }

    /// Appends a member.
    pub fn push(&mut self, member: &[u8], score: f64) {
        self.bytes.extend_from_slice(&score.to_bits().to_le_bytes());
        match u32::try_from(member.len()) {
            Ok(len) if len != LONG => self.bytes.extend_from_slice(&len.to_le_bytes()),
            _ => {
                self.bytes.extend_from_slice(&LONG.to_le_bytes());
                self.bytes.extend_from_slice(&(member.len() as u64).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(member);
        self.len += 1;
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

/// What is wrong with a sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SortedSetFault {
    /// The packed bytes are no listpack or ziplist.
    #[error("{0}")]
    NotPacked(#[from] ListpackError),
    /// A packed member has no score behind it.
    #[error("the last member of the {packing} has no score")]
    NoScore {
        /// What it is packed in.
        packing: Packing,
    },
    /// A score is not a number.
    #[error("the score of member {index} is not a number")]
    NotANumber {
        /// Which member, from 0.
        index: u64,
    },
    /// A score as text is no text of a score.
    #[error("the score of member {index} is {} instead of a number", text.escape_ascii())]
    NoScoreText {
        /// Which member, from 0.
        index: u64,
        /// The first bytes of the text.
        text: [u8; 8],
    },
}

impl SortedSetFault {
    /// The words of Redis.
    pub(crate) fn redis_text(self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "Zset with NAN score detected",
            // To Redis it is as if there were no text at all.
            Self::NoScoreText { .. } => "Unexpected EOF reading RDB file",
            Self::NotPacked(ListpackError { packing: Packing::Ziplist, .. })
            | Self::NoScore { packing: Packing::Ziplist } => "Zset ziplist integrity check failed.",
            Self::NotPacked(_) | Self::NoScore { .. } => "Zset listpack integrity check failed.",
        }
    }
}

impl SortedSetValue {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Listpack(listpack) => listpack.is_empty(),
            Self::Elements(elements) => elements.is_empty(),
        }
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Listpack(listpack) => listpack.byte_len(),
            Self::Elements(elements) => elements.bytes.capacity(),
        }
    }
}

/// Reads the sorted set of type `type_byte`, which is one of the four.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<SortedSetValue, ErrorKind> {
    match type_byte {
        TYPE_ZSET | TYPE_ZSET_2 => read_elements(type_byte, source).map(SortedSetValue::Elements),
        _ => {
            let bytes = source.string()?.into_bytes();
            let listpack = if type_byte == TYPE_ZSET_ZIPLIST { unpack_old(&bytes) } else { unpack(bytes) };
            Ok(SortedSetValue::Listpack(listpack?))
        }
    }
}

fn unpack_old(bytes: &[u8]) -> Result<Listpack, SortedSetFault> {
    checked(Ziplist::from_bytes(bytes)?.to_listpack(), Packing::Ziplist)
}

fn unpack(bytes: Vec<u8>) -> Result<Listpack, SortedSetFault> {
    checked(Listpack::from_bytes(bytes)?, Packing::Listpack)
}

fn checked(listpack: Listpack, packing: Packing) -> Result<Listpack, SortedSetFault> {
    if !listpack.len().is_multiple_of(2) {
        return Err(SortedSetFault::NoScore { packing });
    }
    let mut text = itoa::Buffer::new();
    for (index, (_, score)) in listpack.pairs().enumerate() {
        if parse_score(score.to_text(&mut text)).is_none() {
            return Err(SortedSetFault::NotANumber { index: index as u64 });
        }
    }
    Ok(listpack)
}

fn read_elements<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<ScoredMembers, ErrorKind> {
    let count = source.length()?;
    let mut elements = ScoredMembers::default();
    for index in 0..count {
        let member = source.string()?;
        let score = if type_byte == TYPE_ZSET_2 {
            f64::from_le_bytes(source.array()?)
        } else {
            read_text_score(source, index)?
        };
        if score.is_nan() {
            return Err(SortedSetFault::NotANumber { index }.into());
        }
        match &member {
            StringValue::Bytes(bytes) => elements.push(bytes, score),
            StringValue::Integer(number) => {
                elements.push(itoa::Buffer::new().format(*number).as_bytes(), score);
            }
        }
    }
    Ok(elements)
}

/// A score as versions before 8 wrote it: one byte for a length, or for what is no finite number, then the text.
fn read_text_score<R: Read>(source: &mut Source<R>, index: u64) -> Result<f64, ErrorKind> {
    Ok(match source.byte()? {
        255 => f64::NEG_INFINITY,
        254 => f64::INFINITY,
        253 => f64::NAN,
        length => {
            let mut buffer = [0; 252];
            let text = &mut buffer[..usize::from(length)];
            for byte in text.iter_mut() {
                *byte = source.byte()?;
            }
            let score = parse_score(text);
            let mut start = [0; 8];
            start.copy_from_slice(&buffer[..8]);
            score.ok_or(SortedSetFault::NoScoreText { index, text: start })?
        }
    })
}

fn parse_score(text: &[u8]) -> Option<f64> {
    let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!score.is_nan()).then_some(score)
}

impl<P: Put> ValueWriter<'_, P> {
    /// A sorted set of `len` members. Redis writes the highest score first, which it reads back fastest.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn sorted_set<'m>(
        mut self,
        len: usize,
        elements: impl Iterator<Item = (StringRef<'m>, f64)>,
    ) -> Result<(), WriteError> {
        self.start(TYPE_ZSET_2)?;
        self.put_length(len as u64)?;
        let mut written = 0;
        for (member, score) in elements {
            self.put_string(member)?;
            self.sink.put(&score.to_le_bytes())?;
            written += 1;
        }
        assert_eq!(written, len, "the sorted set has as many members as were announced");
        Ok(())
    }

    /// A sorted set that is at hand as a listpack of members, each followed by its score as text, in ascending order.
    ///
    /// # Errors
    /// [`WriteError::Io`]; [`WriteError::Inexpressible`] in version 9.
    pub fn sorted_set_listpack(mut self, listpack: &[u8]) -> Result<(), WriteError> {
        if !self.version.has_listpacks() {
            return Err(WriteError::Inexpressible { what: "listpacks", version: self.version });
        }
        self.start(TYPE_ZSET_LISTPACK)?;
        self.put_string(StringRef::Bytes(listpack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DumpEncoder, DumpOptions, RdbVersion, Value, decode_dump};

    /// The value of a payload without trailer.
    fn read_bytes(payload: &[u8]) -> Result<SortedSetValue, ErrorKind> {
        let mut source = Source::new(&payload[1..], 64, Some(payload.len() as u64 - 1), false);
        read(payload[0], &mut source)
    }

    fn elements(value: SortedSetValue) -> Vec<(Vec<u8>, f64)> {
        match value {
            SortedSetValue::Listpack(listpack) => listpack
                .pairs()
                .map(|(member, score)| (member.to_vec(), parse_score(&score.to_vec()).expect("checked")))
                .collect(),
            SortedSetValue::Elements(elements) => {
                elements.iter().map(|(member, score)| (member.to_vec(), score)).collect()
            }
        }
    }

    #[test]
    fn all_four_encodings_are_read() {
        let expected = [(b"m".to_vec(), 1.0), (b"n".to_vec(), 2.5)];
        for payload in [
            &b"\x03\x02\x01m\x011\x01n\x032.5"[..],
            b"\x05\x02\x01m\0\0\0\0\0\0\xf0\x3f\x01n\0\0\0\0\0\0\x04\x40",
            b"\x0c\x18\x18\0\0\0\x12\0\0\0\x04\0\0\x01m\x03\xf2\x02\x01n\x03\x032.5\xff",
            b"\x11\x14\x14\0\0\0\x04\0\x81m\x02\x01\x01\x81n\x02\x832.5\x04\xff",
        ] {
            let read = read_bytes(payload).map(elements);
            assert_eq!(read.as_deref(), Ok(&expected[..]), "type {}", payload[0]);
        }
    }

    #[test]
    fn scores_that_are_no_numbers_are_refused() {
        let not_a_number = Err(SortedSetFault::NotANumber { index: 0 }.into());
        assert_eq!(read_bytes(b"\x03\x01\x01m\xfd"), not_a_number);
        let no_text = SortedSetFault::NoScoreText { index: 0, text: *b"x\0\0\0\0\0\0\0" };
        assert_eq!(read_bytes(b"\x03\x01\x01m\x01x"), Err(no_text.into()));
        assert_eq!(read_bytes(b"\x05\x01\x01m\0\0\0\0\0\0\xf8\x7f"), not_a_number);
        assert_eq!(read_bytes(b"\x11\x0d\x0d\0\0\0\x02\0\x81m\x02\x81x\x02\xff"), not_a_number);
        let no_score = Err(SortedSetFault::NoScore { packing: Packing::Listpack }.into());
        assert_eq!(read_bytes(b"\x11\x0a\x0a\0\0\0\x01\0\x81m\x02\xff"), no_score);
        let infinite = read_bytes(b"\x03\x02\x01m\xff\x01n\xfe").map(elements);
        assert_eq!(infinite, Ok(vec![(b"m".to_vec(), f64::NEG_INFINITY), (b"n".to_vec(), f64::INFINITY)]));
    }

    #[test]
    fn a_declared_length_costs_nothing() {
        let huge = b"\x05\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01m";
        assert!(matches!(read_bytes(huge), Err(ErrorKind::UnexpectedEnd { .. })));
    }

    #[test]
    fn what_is_written_is_read() {
        let members: Vec<(Vec<u8>, f64)> =
            vec![(b"m".to_vec(), 1.5), (b"12".to_vec(), -0.0), (vec![b'x'; 70_000], f64::INFINITY)];
        for version in [RdbVersion::V9, RdbVersion::V11] {
            let mut payload = Vec::new();
            let refs = members.iter().map(|(member, score)| (StringRef::Bytes(member), *score));
            DumpEncoder::new(version, true)
                .value(&mut payload, |writer| writer.sorted_set(members.len(), refs))
                .expect("every version has it");
            let Ok(Value::SortedSet(read)) = decode_dump(&payload, DumpOptions::default()) else {
                panic!("our own payload is refused")
            };
            assert_eq!(elements(read), members);
        }
        let documented = b"\x05\x01\x01m\0\0\0\0\0\0\xf8\x3f\x0b\0\xef\x31\x37\x4e\x67\xef\0\xf6";
        let mut payload = Vec::new();
        DumpEncoder::new(RdbVersion::V11, true)
            .value(&mut payload, |writer| writer.sorted_set(1, [(StringRef::Bytes(b"m"), 1.5)].into_iter()))
            .expect("every version has it");
        assert_eq!(payload, documented);
    }
}
