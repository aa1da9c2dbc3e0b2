//! The check of bytes from outside, in one pass: afterwards no method of a listpack can meet anything unexpected.
//!
//! Stricter than Redis in one point: a length behind an entry must be in its one written form. Redis takes leading zero
//! groups as well, which lets that length run over into the entry.

use super::encode::{
    COUNT_UNKNOWN, EMPTY_BYTES, ENCODED_BYTES, HEADER_BYTES, STRING_12, STRING_32, TERMINATOR, backlen_bytes,
    encode_backlen,
};
use crate::error::{Fault, ListpackError, Packing};

/// Checks header, every entry with the length behind it, number of entries and terminator.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), ListpackError> {
    let size = bytes.len();
    if size < EMPTY_BYTES {
        return Err(refuse(0, Fault::TooShort { expected: EMPTY_BYTES as u64, got: size as u64 }));
    }
    let declared = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    if u64::from(declared) != size as u64 {
        return Err(refuse(0, Fault::WrongSize { expected: declared.into(), got: size as u64 }));
    }
    let end = size - 1;
    if bytes[end] != TERMINATOR {
        return Err(refuse(end, Fault::NoTerminator { got: bytes[end] }));
    }
    let (mut at, mut count) = (HEADER_BYTES, 0_u64);
    while at < end {
        let short = match bytes[at] {
            0..=0x7f => 1,
            head @ 0x80..=0xbf => usize::from(head & 0x3f) + 1,
            head => usize::from(ENCODED_BYTES[usize::from(head)]),
        };
        at += if short != 0 {
            // One byte behind: the entry is good if that byte is there and says so.
            if at + short >= end || usize::from(bytes[at + short]) != short {
                return Err(refuse_short(bytes, at, short));
            }
            short + 1
        } else {
            long_entry(bytes, at, end)?
        };
        count += 1;
    }
    let stored = u16::from_le_bytes([bytes[4], bytes[5]]);
    if stored != COUNT_UNKNOWN && u64::from(stored) != count {
        return Err(refuse(4, Fault::WrongCount { expected: stored.into(), got: count }));
    }
    Ok(())
}

/// All bytes of an entry whose first byte does not tell them.
fn long_entry(bytes: &[u8], at: usize, end: usize) -> Result<usize, ListpackError> {
    let left = (end - at) as u64;
    let past_end = |expected: u64| refuse(at, Fault::EntryPastEnd { expected, got: left });
    let head_bytes = match bytes[at] {
        STRING_12..STRING_32 => 2,
        STRING_32 => 5,
        TERMINATOR => return Err(refuse(at, Fault::EarlyTerminator { expected: end as u64 })),
        got => return Err(refuse(at, Fault::UnknownEncoding { got })),
    };
    if left < head_bytes {
        return Err(past_end(head_bytes));
    }
    let data_bytes = if head_bytes == 2 {
        u64::from(bytes[at] & 0x0f) << 8 | u64::from(bytes[at + 1])
    } else {
        u64::from(u32::from_le_bytes([bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4]]))
    };
    // Below 2^33, and below the size of a slice once compared with what is left.
    let encoded = head_bytes + data_bytes;
    if encoded >= left {
        return Err(past_end(encoded + 1));
    }
    let encoded = encoded as usize;
    let backlen = backlen_bytes(encoded);
    if backlen == 1 && usize::from(bytes[at + encoded]) == encoded {
        return Ok(encoded + 1);
    }
    if (encoded + backlen) as u64 > left {
        return Err(past_end((encoded + backlen) as u64));
    }
    let stored = &bytes[at + encoded..at + encoded + backlen];
    if *stored != encode_backlen(encoded).0[..backlen] {
        let got = stored.iter().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        return Err(refuse(at, Fault::WrongBacklen { expected: encoded as u64, got }));
    }
    Ok(encoded + backlen)
}

#[cold]
fn refuse_short(bytes: &[u8], at: usize, encoded: usize) -> ListpackError {
    let left = bytes.len() - 1 - at;
    if encoded >= left {
        return refuse(at, Fault::EntryPastEnd { expected: encoded as u64 + 1, got: left as u64 });
    }
    refuse(at, Fault::WrongBacklen { expected: encoded as u64, got: bytes[at + encoded].into() })
}

#[cold]
fn refuse(offset: usize, fault: Fault) -> ListpackError {
    ListpackError::new(Packing::Listpack, offset, fault)
}
