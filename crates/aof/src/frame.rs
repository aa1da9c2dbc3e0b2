//! The annotation lines by which a log proves itself: header, short frame, long frame, fence.
//!
//! All of them begin with `#` and end with CRLF, so Redis >= 7.0 skips them. Lengths are fixed except for the header's.
//!
//! | line | bytes | content after the tag |
//! |---|---|---|
//! | header `#LASTSAVE 1 ` | < 200 | `id=` 16 hex, `start=` decimal, `after=` seq`:`offset or `-`, `time=` decimal ms, `crc=` 11 |
//! | short `#.` | 24 | position 9, checksum 11 |
//! | long `#:` | 92 | position 9, durable 9, time 8, replication offset 11, replication id 40, checksum 11 |
//! | fence `#\|` | 24 | position 9, checksum 11 |
//!
//! A position is the byte offset in the file at which the line itself begins, so a frame read from the wrong place never
//! counts, and a frame can be checked without having read what precedes its block.

use crate::checksum::{BlockChecksum, plain_checksum};
use crate::digits::{MAX_TIME_MS, POSITION_DIGITS, TIME_DIGITS, WORD_DIGITS, push_number, read_number};

/// Bytes of a short frame with its CRLF.
pub const SHORT_FRAME_BYTES: usize = 2 + POSITION_DIGITS + WORD_DIGITS + 2;
/// Bytes of a long frame with its CRLF.
pub const LONG_FRAME_BYTES: usize =
    2 + 2 * POSITION_DIGITS + TIME_DIGITS + WORD_DIGITS + REPLICATION_ID_BYTES + WORD_DIGITS + 2;
/// Bytes of a fence with its CRLF.
pub(crate) const FENCE_BYTES: usize = SHORT_FRAME_BYTES;
/// Characters of a replication id.
pub const REPLICATION_ID_BYTES: usize = 40;
/// What every header begins with.
pub(crate) const HEADER_TAG: &[u8] = b"#LASTSAVE 1 ";
/// The shortest annotation line. Put before a block that would otherwise begin as what Redis appends begins, and used to
/// move a write's end away from a filler line's own line end.
pub(crate) const GUARD_LINE: &[u8] = b"#\r\n";
/// Upper bound of a header's length.
pub(crate) const HEADER_BYTES_MAX: usize = 200;

const SHORT_TAG: &[u8; 2] = b"#.";
const LONG_TAG: &[u8; 2] = b"#:";
const FENCE_TAG: &[u8; 2] = b"#|";

const _: () = assert!(SHORT_FRAME_BYTES == 24 && LONG_FRAME_BYTES == 92);

/// Where the previous increment ended when this one was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Sequence number of the previous increment.
    pub sequence: i64,
    /// Its length in bytes; what lies behind was given up and must not be replayed.
    pub end_offset: u64,
}

/// The first line of a framed increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Random number that seeds every checksum of the file.
    pub segment_id: u64,
    /// Position of the writing process' effect stream at which the file starts. For people and tools only.
    pub start: u64,
    /// The increment that this one continues, unless it continues a base.
    pub predecessor: Option<Predecessor>,
    /// When the file was started, unix milliseconds.
    pub time_ms: u64,
}

impl Header {
    /// The line, with its CRLF.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = HEADER_TAG.to_vec();
        let after = self.predecessor.map_or_else(
            || "-".to_owned(),
            |previous| format!("{}:{}", previous.sequence, previous.end_offset),
        );
        line.extend_from_slice(
            format!(
                "id={:016x} start={} after={after} time={} crc=",
                self.segment_id, self.start, self.time_ms
            )
            .as_bytes(),
        );
        let checksum = plain_checksum(&line);
        push_number(&mut line, checksum, WORD_DIGITS);
        line.extend_from_slice(b"\r\n");
        assert!(line.len() <= HEADER_BYTES_MAX, "header line within its bound");
        line
    }

    /// Reads a line with its CRLF; `None` unless it is exactly what [`Header::to_line`] writes.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        if line.len() > HEADER_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(line.strip_prefix(HEADER_TAG)?.strip_suffix(b"\r\n")?).ok()?;
        let mut fields = text.split(' ');
        let segment_id = u64::from_str_radix(fields.next()?.strip_prefix("id=")?, 16).ok()?;
        let start = fields.next()?.strip_prefix("start=")?.parse().ok()?;
        let after = fields.next()?.strip_prefix("after=")?;
        let predecessor = match after.split_once(':') {
            Some((sequence, end)) => {
                Some(Predecessor { sequence: sequence.parse().ok()?, end_offset: end.parse().ok()? })
            }
            None => None,
        };
        let time_ms = fields.next()?.strip_prefix("time=")?.parse().ok()?;
        let header = Self { segment_id, start, predecessor, time_ms };
        // Comparing with our own spelling checks the checksum and refuses every other spelling at once.
        (header.to_line() == line).then_some(header)
    }
}

/// The forty characters that name a replication history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationId([u8; REPLICATION_ID_BYTES]);

impl ReplicationId {
    /// An id for a log whose server has no replication history.
    pub const NONE: Self = Self([b'0'; REPLICATION_ID_BYTES]);

    /// Takes forty printable characters other than `#`; `None` for anything else.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let bytes: [u8; REPLICATION_ID_BYTES] = text.try_into().ok()?;
        bytes.iter().all(|byte| byte.is_ascii_alphanumeric()).then_some(Self(bytes))
    }

    /// The characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; REPLICATION_ID_BYTES] {
        &self.0
    }
}

/// What a long frame says beyond its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongFields {
    /// Byte offset in this file up to which everything was known to be on stable storage.
    pub durable: u64,
    /// Unix time in milliseconds.
    pub time_ms: u64,
    /// Replication offset at the end of the block.
    pub replication_offset: u64,
    /// Replication id.
    pub replication_id: ReplicationId,
}

/// A frame line as read, its checksum not yet compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameLine {
    /// Byte offset at which the line says that it begins.
    pub(crate) position: u64,
    pub(crate) kind: FrameKind,
    pub(crate) checksum: u64,
}

/// The three kinds of line that carry a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Short,
    Long(LongFields),
    Fence,
}

impl FrameLine {
    /// Reads a line with its CRLF; `None` when it is not shaped like a frame.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let body = line.strip_suffix(b"\r\n")?;
        let (tag, fields) = body.split_at_checked(2)?;
        let (position, rest) = fields.split_at_checked(POSITION_DIGITS)?;
        let position = read_number(position)?;
        let (middle, checksum) = rest.split_at_checked(rest.len().checked_sub(WORD_DIGITS)?)?;
        let checksum = read_number(checksum)?;
        let kind = if tag == LONG_TAG && line.len() == LONG_FRAME_BYTES {
            FrameKind::Long(Self::parse_long_fields(middle)?)
        } else if tag == SHORT_TAG && line.len() == SHORT_FRAME_BYTES {
            FrameKind::Short
        } else if tag == FENCE_TAG && line.len() == FENCE_BYTES {
            FrameKind::Fence
        } else {
            return None;
        };
        Some(Self { position, kind, checksum })
    }

    fn parse_long_fields(text: &[u8]) -> Option<LongFields> {
        let (durable, rest) = text.split_at_checked(POSITION_DIGITS)?;
        let (time_ms, rest) = rest.split_at_checked(TIME_DIGITS)?;
        let (replication_offset, replication_id) = rest.split_at_checked(WORD_DIGITS)?;
        Some(LongFields {
            durable: read_number(durable)?,
            time_ms: read_number(time_ms)?,
            replication_offset: read_number(replication_offset)?,
            replication_id: ReplicationId::new(replication_id)?,
        })
    }

    /// Whether `line`, from which this was parsed, closes the block whose bytes `block` has seen.
    pub(crate) fn closes(&self, line: &[u8], block: &BlockChecksum) -> bool {
        let fields = line.len() - WORD_DIGITS - 2;
        block.closed_by(&line[..fields]) == self.checksum
    }
}

/// Whether a line claims by its tag to be one of ours, intact or not. Bytes after the tag are not looked at.
pub(crate) fn has_frame_tag(line: &[u8]) -> bool {
    [SHORT_TAG, LONG_TAG, FENCE_TAG].iter().any(|tag| line.starts_with(*tag))
        || line.starts_with(b"#LASTSAVE ")
}

/// Whether `bytes` are what is there of a fence whose end is missing.
pub(crate) fn is_part_of_fence(bytes: &[u8]) -> bool {
    bytes.starts_with(FENCE_TAG) && bytes.len() < FENCE_BYTES
}

/// Appends the short frame that closes `block` at `position`.
pub(crate) fn push_short_frame(out: &mut Vec<u8>, position: u64, block: &BlockChecksum) {
    push_frame(out, SHORT_TAG, position, None, block);
}

/// Appends the long frame that closes `block` at `position`.
pub(crate) fn push_long_frame(out: &mut Vec<u8>, position: u64, fields: &LongFields, block: &BlockChecksum) {
    push_frame(out, LONG_TAG, position, Some(fields), block);
}

/// Appends the fence that ends prepared space and begins at `position`.
pub(crate) fn push_fence(out: &mut Vec<u8>, position: u64, segment_id: u64) {
    push_frame(out, FENCE_TAG, position, None, &BlockChecksum::new(segment_id));
}

fn push_frame(
    out: &mut Vec<u8>,
    tag: &[u8; 2],
    position: u64,
    long: Option<&LongFields>,
    block: &BlockChecksum,
) {
    let start = out.len();
    out.extend_from_slice(tag);
    push_number(out, position, POSITION_DIGITS);
    if let Some(fields) = long {
        push_number(out, fields.durable, POSITION_DIGITS);
        push_number(out, fields.time_ms.min(MAX_TIME_MS), TIME_DIGITS);
        push_number(out, fields.replication_offset, WORD_DIGITS);
        out.extend_from_slice(fields.replication_id.as_bytes());
    }
    let checksum = block.closed_by(&out[start..]);
    push_number(out, checksum, WORD_DIGITS);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digits::MAX_POSITION;

    fn block_of(segment_id: u64, bytes: &[u8]) -> BlockChecksum {
        let mut block = BlockChecksum::new(segment_id);
        block.update(bytes);
        block
    }

    #[test]
    fn widest_header_fits() {
        let header = Header {
            segment_id: u64::MAX,
            start: u64::MAX,
            predecessor: Some(Predecessor { sequence: i64::MIN, end_offset: u64::MAX }),
            time_ms: u64::MAX,
        };
        assert_eq!(Header::from_line(&header.to_line()), Some(header));
    }

    #[test]
    fn every_flipped_byte_of_a_frame_is_noticed() {
        let block = block_of(7, b"payload");
        let mut line = Vec::new();
        push_short_frame(&mut line, 1234, &block);
        for index in 0..line.len() {
            for bit in 0..8 {
                let mut damaged = line.clone();
                damaged[index] ^= 1 << bit;
                let counts = FrameLine::parse(&damaged)
                    .is_some_and(|frame| frame.position == 1234 && frame.closes(&damaged, &block));
                assert!(!counts, "flip of bit {bit} in byte {index} went unnoticed");
            }
        }
    }

    #[test]
    fn every_flipped_byte_of_a_header_is_noticed() {
        let header = Header {
            segment_id: 0x0123_4567_89ab_cdef,
            start: 17,
            predecessor: Some(Predecessor { sequence: 3, end_offset: 99 }),
            time_ms: 1_700_000_000_000,
        };
        let line = header.to_line();
        for index in 0..line.len() {
            let mut damaged = line.clone();
            damaged[index] ^= 1;
            assert_eq!(Header::from_line(&damaged), None);
        }
    }

    proptest! {
        #[test]
        fn headers_survive(segment_id: u64, start: u64, time_ms: u64, sequence: i64, end_offset: u64, some: bool) {
            let predecessor = some.then_some(Predecessor { sequence, end_offset });
            let header = Header { segment_id, start, predecessor, time_ms };
            prop_assert_eq!(Header::from_line(&header.to_line()), Some(header));
        }

        #[test]
        fn frames_survive(
            segment_id: u64,
            position in 0..=MAX_POSITION,
            durable in 0..=MAX_POSITION,
            time_ms in 0..=MAX_TIME_MS,
            replication_offset: u64,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let block = block_of(segment_id, &bytes);
            let fields = LongFields {
                durable, time_ms, replication_offset, replication_id: ReplicationId::NONE,
            };
            let mut line = Vec::new();
            push_long_frame(&mut line, position, &fields, &block);
            prop_assert_eq!(line.len(), LONG_FRAME_BYTES);
            let frame = FrameLine::parse(&line).expect("own line");
            prop_assert_eq!(frame.position, position);
            prop_assert_eq!(frame.kind, FrameKind::Long(fields));
            prop_assert!(frame.closes(&line, &block));
            prop_assert!(!frame.closes(&line, &block_of(segment_id ^ 1, &bytes)));
        }

        #[test]
        fn no_line_makes_the_readers_panic(line in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = FrameLine::parse(&line);
            let _ = Header::from_line(&line);
        }
    }
}
