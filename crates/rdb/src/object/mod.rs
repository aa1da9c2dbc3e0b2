//! Values of keys in the format: one file for each type, and what all of them are written with.

pub(crate) mod expiring_hash;
pub(crate) mod hash;
pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod sorted_set;
pub(crate) mod stream;
pub(crate) mod strings;

use crate::{
    length::Head,
    opcode,
    sink::Put,
    string::StringEncoder,
    value::{KeyMetadata, StringRef},
    version::RdbVersion,
    writer::{WriteCounts, WriteError},
};

/// Writes one value: of a key, when a [`Writer`](crate::Writer) gave it, or of a DUMP payload, when a
/// [`DumpEncoder`](crate::DumpEncoder) did.
///
/// Each type has methods for the forms in which it may be at hand; they write it in a form that the version of the
/// format has, and consume the writer.
#[derive(Debug)]
pub struct ValueWriter<'w, P> {
    sink: &'w mut P,
    encoder: &'w mut StringEncoder,
    version: RdbVersion,
    holder: Holder<'w>,
}

/// What a value belongs to: it decides what stands before it.
#[derive(Debug)]
pub(crate) enum Holder<'w> {
    /// A key of a file.
    Key { key: &'w [u8], metadata: &'w KeyMetadata, counts: &'w mut WriteCounts },
    /// A payload: nothing but the type.
    Payload,
}

impl<'w, P: Put> ValueWriter<'w, P> {
    pub(crate) fn new(
        sink: &'w mut P,
        encoder: &'w mut StringEncoder,
        version: RdbVersion,
        holder: Holder<'w>,
    ) -> Self {
        Self { sink, encoder, version, holder }
    }

    /// The version of the format that is written.
    #[must_use]
    pub fn version(&self) -> RdbVersion {
        self.version
    }

    /// A string.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    #[inline]
    pub fn string(mut self, value: StringRef<'_>) -> Result<(), WriteError> {
        self.start(opcode::TYPE_STRING)?;
        self.put_string(value)
    }

    /// Everything that stands before the value itself. Every value starts with it, once.
    #[inline]
    pub(crate) fn start(&mut self, type_byte: u8) -> Result<(), WriteError> {
        let mut head = Head::new();
        let Holder::Key { key, metadata, counts } = &mut self.holder else {
            return self.sink.put(&[type_byte]);
        };
        if let Some(expires_at_ms) = metadata.expires_at_ms {
            head.push_array([opcode::EXPIRE_MS]);
            head.push_array(expires_at_ms.to_le_bytes());
            counts.expires += 1;
        }
        if let Some(idle_seconds) = metadata.idle_seconds {
            head.push_array([opcode::IDLE]);
            head.push_length(idle_seconds);
        } else if let Some(frequency) = metadata.frequency {
            head.push_array([opcode::FREQUENCY, frequency]);
        }
        head.push_array([type_byte]);
        counts.keys += 1;
        let key = self.encoder.encode_bytes(key);
        head.push(key.head.as_bytes());
        self.sink.put_both(head.as_room(), key.body)
    }

    /// A length in its shortest form.
    #[inline]
    pub(crate) fn put_length(&mut self, length: u64) -> Result<(), WriteError> {
        let mut head = Head::new();
        head.push_length(length);
        self.sink.put(head.as_bytes())
    }

    /// A string in the shortest of its encodings.
    #[inline]
    pub(crate) fn put_string(&mut self, value: StringRef<'_>) -> Result<(), WriteError> {
        let encoded = self.encoder.encode(value);
        self.sink.put_both(encoded.head.as_room(), encoded.body)
    }
}
