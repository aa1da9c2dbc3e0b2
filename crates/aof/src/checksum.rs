//! The checksum of a framed block: CRC-64/XZ, seeded by the random id of the segment.
//!
//! Seeding makes bytes of another file, or of the same file before it was cut, fail even where position and content
//! would otherwise agree.

use crc64fast::Digest;

/// A checksum under way: segment id, then the block's bytes, then the frame's own fields.
#[derive(Clone)]
pub(crate) struct BlockChecksum {
    segment_id: u64,
    digest: Digest,
}

impl BlockChecksum {
    /// Starts the checksum of the block that follows a header or a frame.
    pub(crate) fn new(segment_id: u64) -> Self {
        let mut checksum = Self { segment_id, digest: Digest::new() };
        checksum.restart();
        checksum
    }

    /// Forgets all bytes and starts the next block of the same segment.
    pub(crate) fn restart(&mut self) {
        self.digest = Digest::new();
        self.digest.write(&self.segment_id.to_le_bytes());
    }

    /// Adds bytes of the block.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.digest.write(bytes);
    }

    /// The checksum of the block closed by a frame whose fields (all before its checksum) are `fields`.
    pub(crate) fn closed_by(&self, fields: &[u8]) -> u64 {
        let mut digest = self.digest.clone();
        digest.write(fields);
        digest.sum64()
    }
}

impl std::fmt::Debug for BlockChecksum {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "BlockChecksum({:016x} of {:016x})", self.digest.sum64(), self.segment_id)
    }
}

/// CRC-64/XZ of `bytes` without a seed (header lines, which carry the seed themselves).
pub(crate) fn plain_checksum(bytes: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.write(bytes);
    digest.sum64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_crc64_xz() {
        assert_eq!(plain_checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
    }

    #[test]
    fn segments_do_not_share_checksums() {
        let mut first = BlockChecksum::new(1);
        let mut second = BlockChecksum::new(2);
        first.update(b"same");
        second.update(b"same");
        assert_ne!(first.closed_by(b"#."), second.closed_by(b"#."));
    }
}
