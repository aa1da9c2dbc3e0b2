//! Many strings of one value, as they are read: in one piece of memory as far as they are short.

use bytes::Bytes;

use crate::{source::Source, value::StringValue};

/// A string longer than this has an allocation of its own.
const SHORT_LEN_MAX: usize = 255;

/// Bytes of short strings that are kept in one piece.
const PIECE_BYTES: usize = 32 << 10;

/// In place of a length: the string is the next of the long ones.
const LONG: u16 = u16::MAX;

/// A sequence of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    /// Length (2 bytes) and bytes of each short string, in pieces: growing one piece would copy it over and over.
    short: Vec<Vec<u8>>,
    long: Vec<Bytes>,
    len: usize,
}

/// One of [`Strings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringPart<'a> {
    /// A short one.
    Short(&'a [u8]),
    /// A long one; may be cloned to keep it without copying.
    Long(&'a Bytes),
}

impl<'a> StringPart<'a> {
    /// The bytes of the string.
    #[must_use]
    pub fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Short(bytes) => bytes,
            Self::Long(bytes) => bytes,
        }
    }
}

impl Strings {
    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no strings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = StringPart<'_>> {
        let mut pieces = self.short.iter();
        let mut rest: &[u8] = &[];
        let mut long = self.long.iter();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                rest = pieces.next()?;
            }
            let (len, behind) = rest.split_first_chunk()?;
            rest = behind;
            match u16::from_le_bytes(*len) {
                LONG => long.next().map(StringPart::Long),
                len => {
                    let (string, behind) = rest.split_at(usize::from(len));
                    rest = behind;
                    Some(StringPart::Short(string))
                }
            }
        })
    }

    /// The strings two by two.
    pub fn pairs(&self) -> impl Iterator<Item = (StringPart<'_>, StringPart<'_>)> {
        let mut strings = self.iter();
        std::iter::from_fn(move || Some((strings.next()?, strings.next()?)))
    }

    /// The strings in order, each with its place, by which [`Self::at`] finds it; none when there are long ones, or so many
    /// that places do not suffice.
    pub fn places(&self) -> Option<impl Iterator<Item = (u32, &[u8])>> {
        let fits = self.long.is_empty() && self.short.len() < u32::MAX as usize / PIECE_BYTES;
        fits.then(|| {
            self.short.iter().enumerate().flat_map(|(number, piece)| {
                let mut at = 0;
                std::iter::from_fn(move || {
                    let place = at;
                    let string = short_at(piece, &mut at)?;
                    Some(((number * PIECE_BYTES + place) as u32, string))
                })
            })
        })
    }

    /// The string at a place, and the next one (empty at the end).
    ///
    /// # Panics
    /// When it is no place of these strings.
    #[must_use]
    pub fn at(&self, place: u32) -> (&[u8], &[u8]) {
        let (number, mut at) = (place as usize / PIECE_BYTES, place as usize % PIECE_BYTES);
        let string = short_at(&self.short[number], &mut at).expect("a place of a string");
        let next = short_at(&self.short[number], &mut at);
        let next = next.or_else(|| short_at(self.short.get(number + 1)?, &mut 0));
        (string, next.unwrap_or_default())
    }

    /// Appends a string.
    pub fn push(&mut self, string: StringValue) {
        self.len += 1;
        match string {
            StringValue::Integer(integer) => self.push_short(itoa::Buffer::new().format(integer).as_bytes()),
            StringValue::Bytes(bytes) if bytes.len() <= SHORT_LEN_MAX => self.push_short(&bytes),
            StringValue::Bytes(bytes) => {
                self.piece(2).extend_from_slice(&LONG.to_le_bytes());
                self.long.push(bytes.into());
            }
        }
    }

    fn push_short(&mut self, bytes: &[u8]) {
        let piece = self.piece(2 + bytes.len());
        piece.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
        piece.extend_from_slice(bytes);
    }

    /// The piece that has room for so many bytes more.
    #[inline]
    fn piece(&mut self, bytes: usize) -> &mut Vec<u8> {
        let is_full = self.short.last().is_none_or(|piece| piece.len() + bytes > PIECE_BYTES);
        if is_full {
            // The first piece grows as it is filled; who needs a second one will fill it.
            let room = if self.short.is_empty() { 0 } else { PIECE_BYTES };
            self.short.push(Vec::with_capacity(room));
        }
        self.short.last_mut().expect("there is one now")
    }

    /// Reads `count` strings. The count is only believed as far as strings follow.
    pub(crate) fn read<R: std::io::Read>(
        count: u64,
        source: &mut Source<R>,
    ) -> Result<Self, crate::error::ErrorKind> {
        let mut strings = Self::default();
        for _ in 0..count {
            match source.short_raw(SHORT_LEN_MAX) {
                Some(bytes) => {
                    strings.len += 1;
                    strings.push_short(bytes);
                }
                None => strings.push(source.string()?),
            }
        }
        Ok(strings)
    }

    /// About how many bytes of memory they hold.
    pub(crate) fn held_bytes(&self) -> usize {
        let short: usize = self.short.iter().map(Vec::capacity).sum();
        short + self.long.iter().map(|bytes| size_of::<Bytes>() + bytes.len()).sum::<usize>()
    }
}

/// The short string at `at`, which moves behind it.
#[inline]
fn short_at<'p>(piece: &'p [u8], at: &mut usize) -> Option<&'p [u8]> {
    let (len, behind) = piece.get(*at..)?.split_first_chunk()?;
    let len = usize::from(u16::from_le_bytes(*len));
    *at += 2 + len;
    behind.get(..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_length_come_out_as_they_went_in() {
        let mut strings = Strings::default();
        let lens = [0, 1, 255, 256, 3, 70_000, 0];
        for len in lens {
            strings.push(StringValue::Bytes(vec![b'x'; len]));
        }
        strings.push(StringValue::Integer(-17));
        assert_eq!(strings.len(), 8);
        let read: Vec<&[u8]> = strings.iter().map(StringPart::as_slice).collect();
        assert_eq!(read[7], b"-17");
        assert!(read.iter().zip(lens).all(|(string, len)| string.len() == len));
        assert_eq!(strings.pairs().count(), 4);
        assert!(strings.held_bytes() > 70_000);
    }

    #[test]
    fn places_find_every_string_and_the_next() {
        let mut strings = Strings::default();
        let texts: Vec<Vec<u8>> = (0..10_000_usize).map(|number| vec![number as u8; number % 256]).collect();
        texts.iter().for_each(|text| strings.push(StringValue::Bytes(text.clone())));
        let places: Vec<(u32, &[u8])> = strings.places().expect("none is long").collect();
        assert_eq!(places.len(), texts.len());
        for (index, (place, string)) in places.iter().enumerate() {
            assert_eq!((*string, strings.at(*place).0), (&texts[index][..], &texts[index][..]));
            assert_eq!(strings.at(*place).1, texts.get(index + 1).map_or(&[][..], Vec::as_slice));
        }
        assert!(strings.iter().map(StringPart::as_slice).eq(texts.iter().map(Vec::as_slice)));
        strings.push(StringValue::Bytes(vec![0; 300]));
        assert!(strings.places().is_none());
    }
}
