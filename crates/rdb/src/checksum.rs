//! CRC-64 with the "Jones" polynomial, the checksum of RDB files and DUMP payloads.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest};

/// Incremental CRC64. Feed it large pieces: the fast path folds 128 bytes at a time.
///
/// ```
/// let mut checksum = lastsave_rdb::Checksum::new();
/// checksum.update(b"1234");
/// checksum.update(b"56789");
/// assert_eq!(checksum.value(), 0xe9c6_d914_c4b8_d9ca);
/// ```
#[derive(Clone)]
pub struct Checksum(Digest);

impl Checksum {
    /// The checksum of no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }

    /// The checksum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u64 {
        crc_fast::checksum(CrcAlgorithm::Crc64Redis, bytes)
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.update(bytes);
        }
    }

    /// The checksum of everything added so far; more may be added afterwards.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Checksum({:016x})", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, bit by bit: reflected polynomial, no initial value, no final xor.
    fn reference(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |crc, &byte| {
            (0..8).fold(crc ^ u64::from(byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn agrees_with_the_definition_at_every_length_and_split() {
        let bytes: Vec<u8> = (0..1500_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in (0..300).chain([511, 512, 513, 1023, 1024, 1025, 1500]) {
            let expected = reference(&bytes[..length]);
            assert_eq!(Checksum::of(&bytes[..length]), expected, "{length}");
            for split in [0, 1, length / 3, length / 2, length] {
                let split = split.min(length);
                let mut checksum = Checksum::new();
                checksum.update(&bytes[..split]);
                checksum.update(&bytes[split..length]);
                assert_eq!(checksum.value(), expected, "{length} split at {split}");
            }
        }
        assert_eq!(Checksum::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn empty_files_have_the_documented_checksums() {
        assert_eq!(Checksum::of(b"REDIS0011\xff").to_le_bytes(), *b"\xC0\x22\x8A\x8D\x74\x38\x97\x62");
        assert_eq!(Checksum::of(b"REDIS0010\xff").to_le_bytes(), *b"\xA9\xFD\x37\xFE\x89\xA7\x7E\xEB");
        assert_eq!(Checksum::of(b"VALKEY080\xff").to_le_bytes(), *b"\x43\x9D\xA4\x8F\xC1\x80\x6C\x23");
    }
}
