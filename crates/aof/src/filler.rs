//! Filler: the annotation lines that prepared space is made of.
//!
//! Lines end at fixed places (multiples of [`LINE_BYTES`] and the start of the fence), so the writer knows without
//! reading where the line that it partly overwrites ends, and can see to it that what is left of that line still begins
//! with `#`.

use crate::frame::{FENCE_BYTES, GUARD_LINE};

/// Distance of the line ends.
pub(crate) const LINE_BYTES: u64 = 64;

/// Prepared ends are multiples of this, so that the fence lies within one device sector.
pub(crate) const PREPARED_GRANULE_BYTES: u64 = 4096;

/// Where the fence of prepared space that ends at `prepared_end` begins.
pub(crate) fn fence_start(prepared_end: u64) -> u64 {
    prepared_end - FENCE_BYTES as u64
}

/// The end of the filler line in which the byte at `offset` lies, or `offset` itself when a line begins there.
/// `limit` is the end of the last filler line.
fn line_end(offset: u64, limit: u64) -> u64 {
    offset.next_multiple_of(LINE_BYTES).min(limit)
}

/// Whether a write may end at `offset` in filler that ends at `limit`: what is left of the line there is empty or a
/// whole annotation line.
pub(crate) fn may_end_at(offset: u64, limit: u64) -> bool {
    let left = line_end(offset, limit) - offset;
    left == 0 || left >= GUARD_LINE.len() as u64
}

/// Filler for the bytes from `from` up to `to`.
///
/// # Panics
/// When the range is too short to hold a line.
pub(crate) fn filler(from: u64, to: u64) -> Vec<u8> {
    assert!(from <= to, "filler range in order");
    let mut out = vec![b'#'; usize::try_from(to - from).expect("filler chunk fits memory")];
    let mut line_start = from;
    while line_start < to {
        let mut end = line_end(line_start + 1, to);
        if end - line_start < GUARD_LINE.len() as u64 {
            end = line_end(end + 1, to);
        }
        // The last line takes in a remainder that could not be a line of its own.
        if to - end < GUARD_LINE.len() as u64 {
            end = to;
        }
        assert!(end - line_start >= GUARD_LINE.len() as u64, "a filler line holds '#', CR and LF");
        let at = usize::try_from(end - from).expect("filler chunk fits memory");
        out[at - 2..at].copy_from_slice(b"\r\n");
        line_start = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_lines(bytes: &[u8]) -> bool {
        bytes.is_empty()
            || (bytes.ends_with(b"\r\n")
                && bytes.split_inclusive(|&byte| byte == b'\n').all(|line| {
                    line.len() >= 3
                        && line.len() < 1024
                        && line.ends_with(b"\r\n")
                        && line[..line.len() - 2].iter().all(|&byte| byte == b'#')
                }))
    }

    #[test]
    fn what_a_write_leaves_over_is_annotation_lines() {
        let end = PREPARED_GRANULE_BYTES;
        let limit = fence_start(end);
        for from in [0, 1, 24, 61, 62, 63, 64, 65, 126, 190] {
            let space = filler(from, limit);
            assert!(is_lines(&space), "filler from {from}");
            for write_end in (from + 24..from + 400).chain(limit - 200..limit) {
                let left = &space[(write_end - from) as usize..];
                assert_eq!(
                    is_lines(left),
                    may_end_at(write_end, limit),
                    "from {from}, left over at {write_end}"
                );
            }
        }
    }

    #[test]
    fn a_guard_line_moves_every_end_to_a_good_place() {
        let limit = fence_start(PREPARED_GRANULE_BYTES);
        for offset in 0..limit - 3 {
            assert!(may_end_at(offset, limit) || may_end_at(offset + 3, limit), "offset {offset}");
        }
    }
}
