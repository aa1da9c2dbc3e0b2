//! Format versions: which ones are read, which ones can be written, and which project numbered them.

use std::fmt;

/// The project whose numbering a file's version follows; it decides the meaning of the numbers that both projects
/// have given away (object type 22, opcode 243).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lineage {
    /// Magic `REDIS`, four digits. Also what Valkey wrote up to version 11.
    Redis,
    /// Magic `VALKEY`, three digits, from version 80 on.
    Valkey,
}

/// The version a file declares in its first nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileVersion {
    /// Whose numbering `number` belongs to.
    pub lineage: Lineage,
    /// The number itself: 1 to 14 for Redis, 80 and 81 for Valkey.
    pub number: u16,
}

impl FileVersion {
    /// Newest Redis-numbered version that is read. From version 13 on there are types and records that end the read.
    pub const REDIS_NEWEST: u16 = 14;
    /// Oldest Valkey-numbered version.
    pub const VALKEY_OLDEST: u16 = 80;
    /// Newest Valkey-numbered version that is read.
    pub const VALKEY_NEWEST: u16 = 81;

    /// Reads the nine bytes of the magic. `Err` carries the number of a well-formed magic whose version is not read,
    /// and nothing when the signature itself is wrong.
    pub(crate) fn from_magic(magic: &[u8; 9]) -> Result<Self, Option<(Lineage, i32)>> {
        if let Some(digits) = magic.strip_prefix(b"VALKEY") {
            let number = leading_integer(digits);
            return match u16::try_from(number) {
                Ok(number @ Self::VALKEY_OLDEST..=Self::VALKEY_NEWEST) => {
                    Ok(Self { lineage: Lineage::Valkey, number })
                }
                _ => Err(Some((Lineage::Valkey, number))),
            };
        }
        let Some(digits) = magic.strip_prefix(b"REDIS") else { return Err(None) };
        let number = leading_integer(digits);
        match u16::try_from(number) {
            Ok(number @ 1..=Self::REDIS_NEWEST) => Ok(Self { lineage: Lineage::Redis, number }),
            _ => Err(Some((Lineage::Redis, number))),
        }
    }

    /// Whether a file of this version ends with a CRC64.
    pub(crate) fn has_checksum(self) -> bool {
        self.number >= 5
    }
}

impl fmt::Display for FileVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lineage {
            Lineage::Redis => write!(formatter, "{}", self.number),
            Lineage::Valkey => write!(formatter, "{} (Valkey)", self.number),
        }
    }
}

/// The number at the start of `digits`, as C's `atoi` reads it: Redis parses the version that way, so a file whose
/// fourth digit is a blank is a valid file.
fn leading_integer(digits: &[u8]) -> i32 {
    let digits = digits.trim_ascii_start();
    let (negative, digits) = match digits.first() {
        Some(b'-') => (true, &digits[1..]),
        Some(b'+') => (false, &digits[1..]),
        _ => (false, digits),
    };
    // At most four digits reach this point, so the sum fits easily.
    let magnitude = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i32, |sum, byte| sum * 10 + i32::from(byte - b'0'));
    if negative { -magnitude } else { magnitude }
}

/// A version that can be *written*: 9 to 12.
///
/// | version | loaded by |
/// |---|---|
/// | 9 | Redis 5.0 and newer |
/// | 10 | Redis 7.0 and newer |
/// | 11 | Redis 7.2 and newer, Valkey |
/// | 12 | Redis 7.4 and newer |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RdbVersion(u16);

impl RdbVersion {
    /// Redis 5.0 to 6.2.
    pub const V9: Self = Self(9);
    /// Redis 7.0.
    pub const V10: Self = Self(10);
    /// Redis 7.2, Valkey 7.2 to 8.1.
    pub const V11: Self = Self(11);
    /// Redis 7.4 to 8.4.
    pub const V12: Self = Self(12);

    /// The version of that number.
    ///
    /// # Errors
    /// [`UnwritableVersion`] for anything but 9, 10, 11 and 12.
    pub fn new(number: u16) -> Result<Self, UnwritableVersion> {
        match number {
            9..=12 => Ok(Self(number)),
            _ => Err(UnwritableVersion { number }),
        }
    }

    /// The number, as it stands in the file.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Whether the format of this version has function libraries (opcode 245).
    #[must_use]
    pub fn has_functions(self) -> bool {
        self >= Self::V10
    }

    /// Whether the format of this version has listpacks; before, it was ziplists.
    #[must_use]
    pub fn has_listpacks(self) -> bool {
        self >= Self::V10
    }

    /// The first nine bytes of a file of this version.
    pub(crate) fn magic(self) -> [u8; 9] {
        let mut magic = *b"REDIS0000";
        magic[7] += (self.0 / 10) as u8;
        magic[8] += (self.0 % 10) as u8;
        magic
    }
}

impl Default for RdbVersion {
    /// Version 11, which every maintained server of both lineages loads.
    fn default() -> Self {
        Self::V11
    }
}

impl fmt::Display for RdbVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A version number that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RDB version {number} cannot be written; 9 to 12 can")]
pub struct UnwritableVersion {
    /// The number that was asked for.
    pub number: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nine_to_twelve_are_written() {
        for number in 0..40 {
            assert_eq!(RdbVersion::new(number).is_ok(), (9..=12).contains(&number), "{number}");
        }
        assert_eq!(RdbVersion::V9.magic(), *b"REDIS0009");
        assert_eq!(RdbVersion::V12.magic(), *b"REDIS0012");
    }

    #[test]
    fn magic_is_read_as_the_servers_read_it() {
        let redis = |number| Ok(FileVersion { lineage: Lineage::Redis, number });
        assert_eq!(FileVersion::from_magic(b"REDIS0001"), redis(1));
        assert_eq!(FileVersion::from_magic(b"REDIS0012"), redis(12));
        assert_eq!(FileVersion::from_magic(b"REDIS  9x"), redis(9));
        assert_eq!(FileVersion::from_magic(b"REDIS0000"), Err(Some((Lineage::Redis, 0))));
        assert_eq!(FileVersion::from_magic(b"REDIS0014"), redis(14));
        assert_eq!(FileVersion::from_magic(b"REDIS0015"), Err(Some((Lineage::Redis, 15))));
        assert_eq!(FileVersion::from_magic(b"REDIS-001"), Err(Some((Lineage::Redis, -1))));
        assert_eq!(FileVersion::from_magic(b"REDISabcd"), Err(Some((Lineage::Redis, 0))));
        assert_eq!(FileVersion::from_magic(b"REDIX0011"), Err(None));
        assert_eq!(
            FileVersion::from_magic(b"VALKEY080"),
            Ok(FileVersion { lineage: Lineage::Valkey, number: 80 })
        );
        assert!(FileVersion::from_magic(b"VALKEY081").is_ok());
        assert_eq!(FileVersion::from_magic(b"VALKEY082"), Err(Some((Lineage::Valkey, 82))));
        assert_eq!(FileVersion::from_magic(b"VALKEY011"), Err(Some((Lineage::Valkey, 11))));
    }
}
