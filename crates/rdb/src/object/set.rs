//! Sets: three encodings, all read and written.

use std::io::Read;

use lastsave_listpack::{Intset, IntsetRef, Listpack, ListpackError, ListpackRef, Packing};

use super::ValueWriter;
use super::strings::Strings;
use crate::{
    error::ErrorKind,
    opcode::{TYPE_SET, TYPE_SET_INTSET, TYPE_SET_LISTPACK},
    sink::Put,
    source::Source,
    value::StringRef,
    version::RdbVersion,
    writer::WriteError,
};

/// A set as read. Whether its members are different from each other was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetValue {
    /// Integers.
    Intset(Intset),
    /// Members, packed.
    Listpack(Listpack),
    /// Members.
    Members(Strings),
}

/// What is wrong with a set: the packed bytes are no listpack or intset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetFault(#[from] ListpackError);

impl SetFault {
    /// The words of Redis.
    pub(crate) fn redis_text(self) -> &'static str {
        match self.0.packing {
            Packing::Intset => "Intset integrity check failed.",
            _ => "Set listpack integrity check failed.",
        }
    }
}

impl SetValue {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Intset(intset) => intset.is_empty(),
            Self::Listpack(listpack) => listpack.is_empty(),
            Self::Members(members) => members.is_empty(),
        }
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Intset(intset) => intset.byte_len(),
            Self::Listpack(listpack) => listpack.byte_len(),
            Self::Members(members) => members.held_bytes(),
        }
    }
}

/// Reads the set of type `type_byte`, which is one of the three.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<SetValue, ErrorKind> {
    if type_byte == TYPE_SET {
        let count = source.length()?;
        return Strings::read(count, source).map(SetValue::Members);
    }
    let bytes = source.string()?.into_bytes();
    Ok(if type_byte == TYPE_SET_INTSET {
        SetValue::Intset(Intset::from_bytes(bytes).map_err(SetFault)?)
    } else {
        SetValue::Listpack(Listpack::from_bytes(bytes).map_err(SetFault)?)
    })
}

impl<P: Put> ValueWriter<'_, P> {
    /// A set of `len` members.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn set<'m>(
        mut self,
        len: usize,
        members: impl Iterator<Item = StringRef<'m>>,
    ) -> Result<(), WriteError> {
        self.start(TYPE_SET)?;
        self.put_length(len as u64)?;
        let mut written = 0;
        for member in members {
            self.put_string(member)?;
            written += 1;
        }
        assert_eq!(written, len, "the set has as many members as were announced");
        Ok(())
    }

    /// A set that is at hand as an intset.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn set_of_integers(mut self, intset: IntsetRef<'_>) -> Result<(), WriteError> {
        self.start(TYPE_SET_INTSET)?;
        self.put_string(StringRef::Bytes(intset.as_bytes()))
    }

    /// A set that is at hand as a listpack.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn packed_set(mut self, listpack: ListpackRef<'_>) -> Result<(), WriteError> {
        if self.version < RdbVersion::V11 {
            return self.set(listpack.len(), listpack.iter().map(StringRef::from));
        }
        self.start(TYPE_SET_LISTPACK)?;
        self.put_string(StringRef::Bytes(listpack.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DumpEncoder, DumpOptions, Value, decode_dump};

    /// The value of a payload without trailer.
    fn read_bytes(payload: &[u8]) -> Result<SetValue, ErrorKind> {
        let mut source = Source::new(&payload[1..], 64, Some(payload.len() as u64 - 1), false);
        read(payload[0], &mut source)
    }

    fn members(value: &SetValue) -> Vec<Vec<u8>> {
        match value {
            SetValue::Intset(intset) => intset.iter().map(|member| member.to_string().into_bytes()).collect(),
            SetValue::Listpack(listpack) => listpack.iter().map(|member| member.to_vec()).collect(),
            SetValue::Members(members) => members.iter().map(|member| member.as_slice().to_vec()).collect(),
        }
    }

    #[test]
    fn all_three_encodings_are_read() {
        for payload in [
            &b"\x02\x02\xc0\x01\x012"[..],
            b"\x0b\x0c\x02\0\0\0\x02\0\0\0\x01\0\x02\0",
            b"\x14\x0b\x0b\0\0\0\x02\0\x01\x01\x02\x01\xff",
        ] {
            let read = read_bytes(payload).map(|set| members(&set));
            assert_eq!(read, Ok(vec![b"1".to_vec(), b"2".to_vec()]), "type {}", payload[0]);
        }
    }

    #[test]
    fn bytes_that_are_not_packed_are_refused() {
        for bytes in [&b"\x0b\x02\x02\0"[..], b"\x14\x03abc"] {
            assert!(matches!(read_bytes(bytes), Err(ErrorKind::InvalidSet(_))));
        }
        let huge = b"\x02\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01m";
        assert!(matches!(read_bytes(huge), Err(ErrorKind::UnexpectedEnd { .. })));
    }

    #[test]
    fn what_is_written_is_read() {
        let content = vec![b"12345".to_vec(), b"member".to_vec(), vec![b'm'; 10_000]];
        let mut listpack = Listpack::new();
        listpack.append_many(content.iter().map(Vec::as_slice));
        for version in [RdbVersion::V9, RdbVersion::V10, RdbVersion::V11] {
            let mut encoder = DumpEncoder::new(version, true);
            let mut payloads = [Vec::new(), Vec::new(), Vec::new()];
            encoder
                .value(&mut payloads[0], |writer| writer.packed_set(listpack.view()))
                .expect("every version has it");
            let refs = content.iter().map(|member| StringRef::Bytes(member));
            encoder.value(&mut payloads[1], |writer| writer.set(3, refs)).expect("every version has it");
            for payload in &payloads[..2] {
                let Ok(Value::Set(read)) = decode_dump(payload, DumpOptions::default()) else {
                    panic!("our own payload is refused")
                };
                assert_eq!(members(&read), content);
            }
            let is_packed = version == RdbVersion::V11;
            assert_eq!(payloads[0][0], if is_packed { TYPE_SET_LISTPACK } else { TYPE_SET });
            let intset = Intset::from_members(vec![5, -70_000]);
            encoder
                .value(&mut payloads[2], |writer| writer.set_of_integers(intset.view()))
                .expect("every version has it");
            let read = decode_dump(&payloads[2], DumpOptions::default());
            assert_eq!(read, Ok(Value::Set(SetValue::Intset(intset))));
        }
    }
}
