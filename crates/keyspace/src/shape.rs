//! Where the parts of an entry lie: a pure function of a few header fields, which `entry_pointer.rs` describes.

use std::alloc::Layout;

use bytes::Bytes;

use crate::stored::COLLECTION_BYTES;
use crate::value::{EMBSTR_LEN_MAX, INLINE_LEN_MAX, NewValue};

pub(crate) const KIND_MASK: u8 = 0x0f;
pub(crate) const KIND_INLINE: u8 = 0;
pub(crate) const KIND_INTEGER: u8 = 1;
pub(crate) const KIND_SHARED: u8 = 2;
pub(crate) const KIND_LIST: u8 = 3;
pub(crate) const KIND_HASH: u8 = 4;
pub(crate) const KIND_SET: u8 = 5;
pub(crate) const KIND_SORTED_SET: u8 = 6;
pub(crate) const KIND_STREAM: u8 = 7;
pub(crate) const RAW: u8 = 0x10;
pub(crate) const EXPIRY_SLOT: u8 = 0x20;
pub(crate) const LONG_KEY: u8 = 0x40;

pub(crate) const HEADER_BYTES: usize = 12;
pub(crate) const NO_EXPIRY: i64 = i64::MIN;
const ALIGN: usize = 8;

/// Rounds up to the sizes a modern allocator serves without waste: multiples of 16 up to 128, then four per doubling.
fn size_class(bytes: usize) -> usize {
    if bytes <= 128 {
        return bytes.next_multiple_of(16);
    }
    let step = bytes.next_power_of_two() / 8;
    bytes.next_multiple_of(step)
}

/// Where the parts of an entry lie; derived from header fields alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) expiry_at: usize,
    pub(crate) key_at: usize,
    pub(crate) key_len: usize,
    pub(crate) value_at: usize,
    pub(crate) value_len: usize,
    pub(crate) kind: u8,
}

impl Shape {
    pub(crate) fn new(kind: u8, expiry_slot: bool, key_len: usize, value_len: usize) -> Self {
        let expiry_at = HEADER_BYTES + if key_len > usize::from(u8::MAX) { 4 } else { 0 };
        let key_at = expiry_at + if expiry_slot { 8 } else { 0 };
        let key_end = key_at + key_len;
        let value_at = if kind >= KIND_SHARED { key_end.next_multiple_of(ALIGN) } else { key_end };
        let value_len = match kind {
            KIND_INLINE => value_len,
            KIND_INTEGER => size_of::<i64>(),
            KIND_SHARED => size_of::<Bytes>(),
            _ => COLLECTION_BYTES,
        };
        Self { expiry_at, key_at, key_len, value_at, value_len, kind }
    }

    pub(crate) fn layout(&self) -> Layout {
        let size = size_class(self.value_at + self.value_len);
        Layout::from_size_align(size, ALIGN).expect("entry sizes are far below isize::MAX")
    }
}

/// Kind, encoding flag and inline length a new value will have.
pub(crate) fn describe(value: &NewValue<'_>) -> (u8, u8, usize) {
    match value {
        NewValue::Integer(_) => (KIND_INTEGER, 0, 0),
        NewValue::Bytes(bytes) => describe_bytes(bytes.len(), bytes.len() > EMBSTR_LEN_MAX),
        NewValue::Raw(bytes) => describe_bytes(bytes.len(), true),
        NewValue::Shared(bytes) => describe_bytes(bytes.len(), bytes.len() > EMBSTR_LEN_MAX),
        NewValue::List(_) => (KIND_LIST, 0, 0),
        NewValue::Hash(_) => (KIND_HASH, 0, 0),
        NewValue::Set(_) => (KIND_SET, 0, 0),
        NewValue::SortedSet(_) => (KIND_SORTED_SET, 0, 0),
        NewValue::Stream(_) => (KIND_STREAM, 0, 0),
    }
}

fn describe_bytes(len: usize, raw: bool) -> (u8, u8, usize) {
    let kind = if len <= INLINE_LEN_MAX { KIND_INLINE } else { KIND_SHARED };
    (kind, if raw { RAW } else { 0 }, if kind == KIND_INLINE { len } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_grow_and_waste_little() {
        for bytes in 12..20_000 {
            let class = size_class(bytes);
            assert!(class >= bytes && size_class(class) == class && class - bytes <= 16.max(bytes / 4));
        }
    }
}
