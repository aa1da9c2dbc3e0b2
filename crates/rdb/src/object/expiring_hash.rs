//! Hashes with fields that expire: five encodings are read, two written, all of them only from version 12 on, and one
//! in Valkey alone.

use std::io::Read;

use lastsave_listpack::{Listpack, ListpackBuilder, ListpackValue, Packing};

use super::ValueWriter;
use super::hash::{HashFault, HashValue};
use super::strings::{StringPart, Strings};
use crate::{
    error::ErrorKind,
    opcode::{
        TYPE_HASH_EXPIRING, TYPE_HASH_EXPIRING_LISTPACK, TYPE_HASH_EXPIRING_LISTPACK_OLD,
        TYPE_HASH_EXPIRING_OLD,
    },
    sink::Put,
    source::Source,
    value::{StringRef, StringValue},
    version::RdbVersion,
    writer::WriteError,
};

/// The latest time at which a field can expire, unix time in milliseconds.
pub const FIELD_EXPIRY_MS_MAX: i64 = (1 << 48) - 1;

/// Fields with values and times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpiringFields {
    /// Fields, each followed by its value.
    strings: Strings,
    /// When each field expires, unix time in milliseconds; 0 for never.
    times_ms: Vec<i64>,
}

impl ExpiringFields {
    /// Number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Each field with its value and the unix time in milliseconds at which it expires, if it does.
    pub fn iter(&self) -> impl Iterator<Item = (StringPart<'_>, StringPart<'_>, Option<i64>)> {
        let times = self.times_ms.iter().map(|time| Some(*time).filter(|time| *time != 0));
        self.strings.pairs().zip(times).map(|((field, value), time)| (field, value, time))
    }

    fn push(&mut self, field: StringValue, value: StringValue, time_ms: i64) {
        self.strings.push(field);
        self.strings.push(value);
        self.times_ms.push(time_ms);
    }

    /// About how many bytes of memory they hold.
    pub(super) fn held_bytes(&self) -> usize {
        self.strings.held_bytes() + self.times_ms.capacity() * size_of::<i64>()
    }
}

/// Reads the hash of type `type_byte`, which is one of the four.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<HashValue, ErrorKind> {
    let fields = match type_byte {
        TYPE_HASH_EXPIRING_OLD => read_fields(source, None)?,
        TYPE_HASH_EXPIRING_LISTPACK_OLD => read_packed(source)?,
        _ => {
            let soonest_ms = i64::from_le_bytes(source.array()?);
            if !(0..=FIELD_EXPIRY_MS_MAX).contains(&soonest_ms) {
                return Err(HashFault::BadTime { time_ms: soonest_ms }.into());
            }
            if type_byte == TYPE_HASH_EXPIRING {
                read_fields(source, Some(soonest_ms))?
            } else {
                read_packed(source)?
            }
        }
    };
    Ok(HashValue::Expiring(fields))
}

/// Reads the hash of Valkey's type 22: each field with its value and its time, -1 for never.
pub(crate) fn read_of_valkey<R: Read>(source: &mut Source<R>) -> Result<HashValue, ErrorKind> {
    let mut fields = ExpiringFields::default();
    for _ in 0..source.length()? {
        let (field, value) = (source.string()?, source.string()?);
        let time_ms = match i64::from_le_bytes(source.array()?) {
            -1 => 0,
            // What expires at 0 has expired long ago; here 0 stands for never.
            0 => 1,
            time_ms => check_time(time_ms)?,
        };
        fields.push(field, value, time_ms);
    }
    Ok(HashValue::Expiring(fields))
}

fn check_time(time_ms: i64) -> Result<i64, HashFault> {
    if (0..=FIELD_EXPIRY_MS_MAX).contains(&time_ms) {
        Ok(time_ms)
    } else {
        Err(HashFault::BadTime { time_ms })
    }
}

/// `soonest_ms`: what the stored times count from.
fn read_fields<R: Read>(
    source: &mut Source<R>,
    soonest_ms: Option<i64>,
) -> Result<ExpiringFields, ErrorKind> {
    let mut fields = ExpiringFields::default();
    for _ in 0..source.length()? {
        let stored = source.length()?;
        let distance = i64::try_from(stored).map_err(|_| HashFault::BadTime { time_ms: i64::MAX })?;
        let time_ms = match soonest_ms {
            Some(soonest_ms) if distance > 0 => soonest_ms.saturating_add(distance - 1),
            _ => distance,
        };
        let time_ms = check_time(time_ms)?;
        let (field, value) = (source.string()?, source.string()?);
        fields.push(field, value, time_ms);
    }
    Ok(fields)
}

fn read_packed<R: Read>(source: &mut Source<R>) -> Result<ExpiringFields, ErrorKind> {
    let bytes = source.string()?.into_bytes();
    let listpack = Listpack::from_bytes(bytes).map_err(HashFault::from)?;
    let mut fields = ExpiringFields::default();
    let mut entries = listpack.iter();
    while let Some(field) = entries.next() {
        let (Some(value), Some(time)) = (entries.next(), entries.next()) else {
            return Err(HashFault::NoValue { packing: Packing::Listpack }.into());
        };
        let time_ms = time.parse_integer().ok_or(HashFault::BadTime { time_ms: -1 })?;
        let string = |text: ListpackValue<'_>| StringValue::Bytes(text.to_vec());
        fields.push(string(field), string(value), check_time(time_ms)?);
    }
    Ok(fields)
}

impl<P: Put> ValueWriter<'_, P> {
    /// A hash of `len` fields, each with its value and when it expires: unix time in milliseconds, up to
    /// [`FIELD_EXPIRY_MS_MAX`], and not before `soonest_ms`.
    ///
    /// # Errors
    /// [`WriteError::Io`]; [`WriteError::Inexpressible`] before version 12.
    pub fn expiring_hash<'f>(
        mut self,
        len: usize,
        soonest_ms: i64,
        fields: impl Iterator<Item = (StringRef<'f>, StringRef<'f>, Option<i64>)>,
    ) -> Result<(), WriteError> {
        self.start_expiring(TYPE_HASH_EXPIRING, soonest_ms)?;
        self.put_length(len as u64)?;
        let mut written = 0;
        for (field, value, time_ms) in fields {
            self.put_length(time_ms.map_or(0, |time_ms| time_ms.abs_diff(soonest_ms) + 1))?;
            self.put_string(field)?;
            self.put_string(value)?;
            written += 1;
        }
        assert_eq!(written, len, "the hash has as many fields as were announced");
        Ok(())
    }

    /// The same packed: `fields` are those that expire, the soonest first, then the others.
    ///
    /// # Errors
    /// As for [`Self::expiring_hash`].
    pub fn packed_expiring_hash<'f>(
        mut self,
        soonest_ms: i64,
        fields: impl Iterator<Item = (ListpackValue<'f>, ListpackValue<'f>, Option<i64>)>,
    ) -> Result<(), WriteError> {
        self.start_expiring(TYPE_HASH_EXPIRING_LISTPACK, soonest_ms)?;
        let mut listpack = ListpackBuilder::with_capacity(0);
        for (field, value, time_ms) in fields {
            listpack.push_value(field);
            listpack.push_value(value);
            listpack.push_integer(time_ms.unwrap_or(0));
        }
        self.put_string(StringRef::Bytes(listpack.finish().as_bytes()))
    }

    fn start_expiring(&mut self, type_byte: u8, soonest_ms: i64) -> Result<(), WriteError> {
        if self.version < RdbVersion::V12 {
            return Err(WriteError::Inexpressible { what: "hash fields that expire", version: self.version });
        }
        self.start(type_byte)?;
        self.sink.put(&soonest_ms.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DumpEncoder, DumpOptions, Value, decode_dump};

    type Field = (Vec<u8>, Vec<u8>, Option<i64>);

    /// The value of a payload without trailer.
    fn read_bytes(payload: &[u8]) -> Result<Vec<Field>, ErrorKind> {
        let mut source = Source::new(&payload[1..], 64, Some(payload.len() as u64 - 1), false);
        read(payload[0], &mut source).map(fields)
    }

    fn fields(value: HashValue) -> Vec<Field> {
        let HashValue::Expiring(fields) = value else { panic!("the fields expire") };
        let owned = |part: StringPart<'_>| part.as_slice().to_vec();
        fields.iter().map(|(field, value, time_ms)| (owned(field), owned(value), time_ms)).collect()
    }

    #[test]
    fn all_four_encodings_are_read() {
        let expected =
            Ok(vec![(b"f".to_vec(), b"v".to_vec(), Some(1000)), (b"g".to_vec(), b"w".to_vec(), None)]);
        let packed = b"\x18\x18\0\0\0\x06\0\x81f\x02\x81v\x02\xc3\xe8\x02\x81g\x02\x81w\x02\0\x01\xff";
        assert_eq!(read_bytes(b"\x16\x02\x43\xe8\x01f\x01v\0\x01g\x01w"), expected);
        assert_eq!(read_bytes(&[&b"\x17"[..], packed].concat()), expected);
        assert_eq!(read_bytes(b"\x18\xe7\x03\0\0\0\0\0\0\x02\x02\x01f\x01v\0\x01g\x01w"), expected);
        assert_eq!(read_bytes(&[&b"\x19\xe8\x03\0\0\0\0\0\0"[..], packed].concat()), expected);
    }

    #[test]
    fn the_hash_of_valkey_is_read() {
        let bytes = b"\x03\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff\x01g\x01w\x05\0\0\0\0\0\0\0\
            \x01h\x01x\0\0\0\0\0\0\0\0";
        let mut source = Source::new(&bytes[..], 64, Some(bytes.len() as u64), false);
        let Ok(HashValue::Expiring(fields)) = read_of_valkey(&mut source) else { panic!("a hash") };
        let times: Vec<_> = fields.iter().map(|(field, _, time)| (field.as_slice().to_vec(), time)).collect();
        assert_eq!(times, [(b"f".to_vec(), None), (b"g".to_vec(), Some(5)), (b"h".to_vec(), Some(1))]);
        let bad = b"\x01\x01f\x01v\xfe\xff\xff\xff\xff\xff\xff\xff";
        let mut source = Source::new(&bad[..], 64, Some(bad.len() as u64), false);
        assert_eq!(read_of_valkey(&mut source), Err(HashFault::BadTime { time_ms: -2 }.into()));
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        for payload in [
            &b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x01f\x01v"[..],
            b"\x18\xff\xff\xff\xff\xff\xff\0\0\x01\x02\x01f\x01v",
            b"\x16\x01\x81\xff\xff\xff\xff\xff\xff\xff\xf0\x01f\x01v",
        ] {
            let read = read_bytes(payload);
            assert!(matches!(read, Err(ErrorKind::InvalidHash(HashFault::BadTime { .. }))), "{read:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_by_the_version_that_has_it() {
        let content: Vec<Field> = vec![
            (b"f".to_vec(), b"12".to_vec(), Some(5_000)),
            (b"g".to_vec(), vec![b'x'; 300], Some(FIELD_EXPIRY_MS_MAX)),
            (b"h".to_vec(), b"".to_vec(), None),
        ];
        for is_packed in [false, true] {
            let mut payload = Vec::new();
            let mut write = |version| {
                DumpEncoder::new(version, true).value(&mut payload, |writer| {
                    if is_packed {
                        let text = ListpackValue::Bytes;
                        let fields = content.iter().map(|(f, v, t)| (text(f), text(v), *t));
                        return writer.packed_expiring_hash(5_000, fields);
                    }
                    let text = StringRef::Bytes;
                    writer.expiring_hash(3, 5_000, content.iter().map(|(f, v, t)| (text(f), text(v), *t)))
                })
            };
            assert!(matches!(write(RdbVersion::V11), Err(WriteError::Inexpressible { .. })));
            assert_eq!(write(RdbVersion::V12), Ok(()));
            let Ok(Value::Hash(read)) = decode_dump(&payload, DumpOptions::default()) else {
                panic!("our own payload is refused")
            };
            assert_eq!(fields(read), content);
        }
    }
}
