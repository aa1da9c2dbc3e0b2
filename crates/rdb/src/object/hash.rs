//! Hashes: four encodings are read, two written.

use std::io::Read;

use lastsave_listpack::{Listpack, ListpackError, ListpackRef, Packing, Ziplist, Zipmap};

use super::ValueWriter;
use super::expiring_hash::ExpiringFields;
use super::strings::Strings;
use crate::{
    error::ErrorKind,
    opcode::{TYPE_HASH, TYPE_HASH_LISTPACK, TYPE_HASH_ZIPLIST, TYPE_HASH_ZIPMAP},
    sink::Put,
    source::Source,
    value::{StringRef, StringValue},
    writer::WriteError,
};

/// A hash as read. Whether its fields are different from each other was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashValue {
    /// Fields, each followed by its value.
    Listpack(Listpack),
    /// The same, not packed. There are as many values as fields.
    Fields(Strings),
    /// Fields of which some may expire, with their values.
    Expiring(ExpiringFields),
}

/// What is wrong with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashFault {
    /// The packed bytes are no listpack, ziplist or zipmap.
    #[error("{0}")]
    NotPacked(#[from] ListpackError),
    /// A packed field has no value behind it.
    #[error("the last field of the {packing} has no value")]
    NoValue {
        /// What it is packed in.
        packing: Packing,
    },
    /// A zipmap has no fields, which no server has written.
    #[error("a zipmap without fields")]
    EmptyZipmap,
    /// A field expires at a time that cannot be.
    #[error("a field that expires at {time_ms}")]
    BadTime {
        /// The time.
        time_ms: i64,
    },
    /// There are more fields than memory could ever hold.
    #[error("{fields} fields")]
    TooMany {
        /// The declared number.
        fields: u64,
    },
}

impl HashFault {
    /// The words of Redis.
    pub(crate) fn redis_text(self) -> &'static str {
        match self {
            Self::NotPacked(ListpackError { packing, .. }) | Self::NoValue { packing } => match packing {
                Packing::Ziplist => "Hash ziplist integrity check failed.",
                Packing::Zipmap => "Zipmap integrity check failed.",
                _ => "Hash listpack integrity check failed.",
            },
            Self::EmptyZipmap => "Zipmap integrity check failed.",
            Self::BadTime { .. } => "Hash field expiry out of range",
            Self::TooMany { .. } => "Unexpected EOF reading RDB file",
        }
    }
}

impl HashValue {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Listpack(listpack) => listpack.is_empty(),
            Self::Fields(fields) => fields.is_empty(),
            Self::Expiring(fields) => fields.is_empty(),
        }
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Listpack(listpack) => listpack.byte_len(),
            Self::Fields(fields) => fields.held_bytes(),
            Self::Expiring(fields) => fields.held_bytes(),
        }
    }
}

/// Reads the hash of type `type_byte`, which is one of the four.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<HashValue, ErrorKind> {
    if type_byte == TYPE_HASH {
        let fields = source.length()?;
        let strings = fields.checked_mul(2).ok_or(HashFault::TooMany { fields })?;
        return Strings::read(strings, source).map(HashValue::Fields);
    }
    let bytes = source.string()?.into_bytes();
    if type_byte == TYPE_HASH_ZIPMAP {
        // How long its values may be was no matter then: the caller packs it again.
        let zipmap = Zipmap::from_bytes(&bytes).map_err(HashFault::from)?;
        if zipmap.is_empty() {
            return Err(HashFault::EmptyZipmap.into());
        }
        let mut fields = Strings::default();
        for (field, value) in zipmap.iter() {
            fields.push(StringValue::Bytes(field.to_vec()));
            fields.push(StringValue::Bytes(value.to_vec()));
        }
        return Ok(HashValue::Fields(fields));
    }
    Ok(HashValue::Listpack(unpack(type_byte, bytes)?))
}

fn unpack(type_byte: u8, bytes: Vec<u8>) -> Result<Listpack, HashFault> {
    let (listpack, packing) = match type_byte {
        TYPE_HASH_ZIPLIST => (Ziplist::from_bytes(&bytes)?.to_listpack(), Packing::Ziplist),
        _ => (Listpack::from_bytes(bytes)?, Packing::Listpack),
    };
    if listpack.len().is_multiple_of(2) { Ok(listpack) } else { Err(HashFault::NoValue { packing }) }
}

impl<P: Put> ValueWriter<'_, P> {
    /// A hash of `len` fields.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn hash<'f>(
        mut self,
        len: usize,
        fields: impl Iterator<Item = (StringRef<'f>, StringRef<'f>)>,
    ) -> Result<(), WriteError> {
        self.start(TYPE_HASH)?;
        self.put_length(len as u64)?;
        let mut written = 0;
        for (field, value) in fields {
            self.put_string(field)?;
            self.put_string(value)?;
            written += 1;
        }
        assert_eq!(written, len, "the hash has as many fields as were announced");
        Ok(())
    }

    /// A hash that is at hand as a listpack of fields, each followed by its value.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn packed_hash(mut self, listpack: ListpackRef<'_>) -> Result<(), WriteError> {
        if !self.version.has_listpacks() {
            let fields = listpack.pairs().map(|(field, value)| (field.into(), value.into()));
            return self.hash(listpack.len() / 2, fields);
        }
        self.start(TYPE_HASH_LISTPACK)?;
        self.put_string(StringRef::Bytes(listpack.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DumpEncoder, DumpOptions, RdbVersion, Value, decode_dump};

    /// The value of a payload without trailer.
    fn read_bytes(payload: &[u8]) -> Result<HashValue, ErrorKind> {
        let mut source = Source::new(&payload[1..], 64, Some(payload.len() as u64 - 1), false);
        read(payload[0], &mut source)
    }

    fn fields(value: &HashValue) -> Vec<(Vec<u8>, Vec<u8>)> {
        match value {
            HashValue::Listpack(listpack) => {
                listpack.pairs().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
            }
            HashValue::Fields(strings) => strings
                .pairs()
                .map(|(field, value)| (field.as_slice().to_vec(), value.as_slice().to_vec()))
                .collect(),
            HashValue::Expiring(_) => panic!("no field expires"),
        }
    }

    #[test]
    fn all_four_encodings_are_read() {
        let expected = [(b"f".to_vec(), b"1".to_vec()), (b"g".to_vec(), b"x".to_vec())];
        for payload in [
            &b"\x04\x02\x01f\xc0\x01\x01g\x01x"[..],
            b"\x09\x0c\x02\x01f\x01\x001\x01g\x01\x00x\xff",
            b"\x0d\x16\x16\0\0\0\x12\0\0\0\x04\0\0\x01f\x03\xf2\x02\x01g\x03\x01x\xff",
            b"\x10\x12\x12\0\0\0\x04\0\x81f\x02\x01\x01\x81g\x02\x81x\x02\xff",
        ] {
            let read = read_bytes(payload).map(|hash| fields(&hash));
            assert_eq!(read.as_deref(), Ok(&expected[..]), "type {}", payload[0]);
        }
    }

    #[test]
    fn a_field_without_a_value_is_refused() {
        let no_value = Err(HashFault::NoValue { packing: Packing::Listpack }.into());
        assert_eq!(read_bytes(b"\x10\x0a\x0a\0\0\0\x01\0\x81m\x02\xff"), no_value);
        assert!(matches!(read_bytes(b"\x04\x01\x01m"), Err(ErrorKind::UnexpectedEnd { .. })));
        assert!(matches!(read_bytes(b"\x10\x03abc"), Err(ErrorKind::InvalidHash(HashFault::NotPacked(_)))));
    }

    #[test]
    fn a_zipmap_without_fields_is_refused_as_redis_does() {
        assert_eq!(read_bytes(b"\x09\x02\x00\xff"), Err(HashFault::EmptyZipmap.into()));
    }

    #[test]
    fn a_declared_length_costs_nothing() {
        for huge in [b"\x04\x81\xff\xff\xff\xff\xff\xff\xff\xf0\x01m", b"\x04\x81\x7f\0\0\0\0\0\0\0\x01m"] {
            assert!(read_bytes(huge).is_err());
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let content = vec![
            (b"field".to_vec(), b"12345".to_vec()),
            (vec![b'f'; 1000], (0..=255_u8).collect::<Vec<_>>()),
        ];
        let mut listpack = Listpack::new();
        for (field, value) in &content {
            listpack.append_many([&field[..], &value[..]]);
        }
        for (version, packed) in [(RdbVersion::V9, false), (RdbVersion::V10, true), (RdbVersion::V11, true)] {
            let mut encoder = DumpEncoder::new(version, true);
            let (mut plain_payload, mut packed_payload) = (Vec::new(), Vec::new());
            encoder
                .value(&mut plain_payload, |writer| {
                    let refs = content.iter().map(|(f, v)| (StringRef::Bytes(f), StringRef::Bytes(v)));
                    writer.hash(2, refs)
                })
                .expect("every version has it");
            encoder
                .value(&mut packed_payload, |writer| writer.packed_hash(listpack.view()))
                .expect("every version has it");
            for (payload, packed) in [(plain_payload, false), (packed_payload, packed)] {
                let Ok(Value::Hash(read)) = decode_dump(&payload, DumpOptions::default()) else {
                    panic!("our own payload is refused")
                };
                assert_eq!(matches!(read, HashValue::Listpack(_)), packed);
                assert_eq!(fields(&read), content);
            }
        }
    }
}
