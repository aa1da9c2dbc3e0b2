//! Data of modules, which describes itself well enough to be passed over.

use std::{fmt, io::Read};

use crate::{error::ErrorKind, source::Source};

/// Characters of a module's name, six bits each.
const NAME_CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NAME_LENGTH: u32 = 9;

/// The identity of a module's data type: a name of nine characters and an encoding version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModuleId(u64);

impl ModuleId {
    /// From its packed form: nine times six bits of name, ten bits of version.
    #[must_use]
    pub fn new(packed: u64) -> Self {
        Self(packed)
    }

    /// The name, nine characters.
    #[must_use]
    pub fn name(self) -> String {
        (0..NAME_LENGTH)
            .map(|index| {
                let shift = 10 + 6 * (NAME_LENGTH - 1 - index);
                char::from(NAME_CHARACTERS[(self.0 >> shift & 63) as usize])
            })
            .collect()
    }

    /// The version of the module's encoding.
    #[must_use]
    pub fn encoding_version(self) -> u16 {
        (self.0 & 0x3ff) as u16
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (version {})", self.name(), self.encoding_version())
    }
}

/// Passes over a module's fields up to and including the mark of their end.
pub(crate) fn skip_fields<R: Read>(source: &mut Source<R>) -> Result<(), ErrorKind> {
    loop {
        match source.length()? {
            0 => return Ok(()),
            // Signed and unsigned numbers may have any 64 bits.
            1 | 2 => drop(source.any_length()?),
            3 => source.skip(4)?,
            4 => source.skip(8)?,
            5 => source.skip_string()?,
            opcode => return Err(ErrorKind::InvalidModuleData { opcode }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unpacked() {
        assert_eq!(ModuleId::new(0x0400).name(), "AAAAAAAAB");
        let packed = b"test-type".iter().fold(0_u64, |packed, character| {
            packed << 6 | NAME_CHARACTERS.iter().position(|known| known == character).unwrap() as u64
        });
        let id = ModuleId::new(packed << 10 | 7);
        assert_eq!((id.name().as_str(), id.encoding_version()), ("test-type", 7));
    }

    #[test]
    fn every_kind_of_field_is_passed_over() {
        let bytes = b"\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x02\x05\x03abcd\x04abcdefgh\x05\x02hi\x05\xc0\x01\x00!";
        let mut source = Source::new(&bytes[..], 64, None, false);
        assert_eq!(skip_fields(&mut source), Ok(()));
        assert_eq!(source.byte(), Ok(b'!'));
        let mut source = Source::new(&b"\x06"[..], 64, None, false);
        assert_eq!(skip_fields(&mut source), Err(ErrorKind::InvalidModuleData { opcode: 6 }));
    }
}
