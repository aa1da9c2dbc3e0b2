//! Making a listpack of many values with one allocation.

use super::{
    Listpack,
    encode::{COUNT_UNKNOWN, EMPTY_BYTES, Entry, HEADER_BYTES, TERMINATOR},
};
use crate::value::ListpackValue;

/// Collects values and becomes a [`Listpack`].
#[derive(Debug, Clone)]
pub struct ListpackBuilder {
    /// Room for the header, then entries.
    bytes: Vec<u8>,
    count: usize,
}

impl ListpackBuilder {
    /// A builder with room for `bytes` bytes of listpack. Sizes that were only declared by somebody must be bounded
    /// by the caller.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut content = Vec::with_capacity(bytes.max(EMPTY_BYTES));
        content.resize(HEADER_BYTES, 0);
        Self { bytes: content, count: 0 }
    }

    /// Appends the string `text`.
    pub fn push(&mut self, text: &[u8]) {
        self.push_entry(&Entry::bytes(text));
    }

    /// Appends the decimal text of `integer`.
    pub fn push_integer(&mut self, integer: i64) {
        self.push_entry(&Entry::integer(integer));
    }

    /// Appends `value`.
    pub fn push_value(&mut self, value: ListpackValue<'_>) {
        self.push_entry(&Entry::value(value));
    }

    fn push_entry(&mut self, entry: &Entry<'_>) {
        entry.append(&mut self.bytes);
        self.count += 1;
    }

    /// Number of values so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no values so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that the listpack would have now.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + 1
    }

    /// The listpack.
    ///
    /// # Panics
    ///
    /// When it has 4 GiB or more; see [`LISTPACK_BYTES_MAX`](crate::LISTPACK_BYTES_MAX).
    #[must_use]
    pub fn finish(self) -> Listpack {
        let mut bytes = self.bytes;
        bytes.reserve_exact(1);
        bytes.push(TERMINATOR);
        let size = u32::try_from(bytes.len()).expect("a listpack has less than 4 GiB");
        let count = u16::try_from(self.count).unwrap_or(COUNT_UNKNOWN);
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        Listpack { bytes: bytes.into_boxed_slice() }
    }
}

impl Default for ListpackBuilder {
    fn default() -> Self {
        Self::with_capacity(EMPTY_BYTES)
    }
}

impl<'a> Extend<ListpackValue<'a>> for ListpackBuilder {
    fn extend<I: IntoIterator<Item = ListpackValue<'a>>>(&mut self, values: I) {
        for value in values {
            self.push_value(value);
        }
    }
}

impl<'a> Extend<&'a [u8]> for ListpackBuilder {
    fn extend<I: IntoIterator<Item = &'a [u8]>>(&mut self, values: I) {
        for value in values {
            self.push(value);
        }
    }
}

impl<T> FromIterator<T> for Listpack
where
    ListpackBuilder: Extend<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut builder = ListpackBuilder::default();
        builder.extend(values);
        builder.finish()
    }
}
