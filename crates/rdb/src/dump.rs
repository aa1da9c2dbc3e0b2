//! The payload of DUMP and RESTORE: one value without its key, with a version and a checksum behind it.

use crate::{
    checksum::Checksum,
    error::{Activity, Error, ErrorKind, Place},
    object::{Holder, ValueWriter},
    source::Source,
    string::StringEncoder,
    value::{Value, payload_type, read_value},
    version::RdbVersion,
    writer::WriteError,
};

/// Encodes values for DUMP; keeps its buffers from one to the next.
#[derive(Debug)]
pub struct DumpEncoder {
    version: RdbVersion,
    encoder: StringEncoder,
}

impl DumpEncoder {
    /// An encoder for payloads of `version`, with LZF for long strings if `compression` is set.
    #[must_use]
    pub fn new(version: RdbVersion, compression: bool) -> Self {
        Self { version, encoder: StringEncoder::new(compression) }
    }

    /// Appends the payload of the value that `write` writes to `output`.
    ///
    /// # Errors
    /// Those of `write`: [`WriteError::Inexpressible`]. Then `output` is as it was.
    pub fn value(
        &mut self,
        output: &mut Vec<u8>,
        write: impl FnOnce(ValueWriter<'_, Vec<u8>>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let start = output.len();
        let writer = ValueWriter::new(output, &mut self.encoder, self.version, Holder::Payload);
        if let Err(error) = write(writer) {
            output.truncate(start);
            return Err(error);
        }
        output.extend_from_slice(&self.version.number().to_le_bytes());
        let checksum = Checksum::of(&output[start..]);
        output.extend_from_slice(&checksum.to_le_bytes());
        Ok(())
    }
}

/// Newest version that a payload may have: the newest that is written.
const PAYLOAD_VERSION_MAX: u16 = 12;

/// How to judge a payload.
#[derive(Debug, Clone, Copy)]
pub struct DumpOptions {
    /// Newest version accepted. Default: 12.
    pub version_max: u16,
    /// Compare the checksum. Default: true.
    pub checksum: bool,
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self { version_max: PAYLOAD_VERSION_MAX, checksum: true }
    }
}

/// Why a payload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// Too short to have a trailer.
    #[error("a payload of {length} bytes is too short")]
    TooShort {
        /// Size of the payload.
        length: usize,
    },
    /// Written by a newer server.
    #[error("payload version {version} is newer than {version_max}")]
    NewerVersion {
        /// Version in the trailer.
        version: u16,
        /// Newest version accepted.
        version_max: u16,
    },
    /// The checksum does not agree.
    #[error("wrong payload checksum: expected {expected:016x}, got {got:016x}")]
    ChecksumMismatch {
        /// The value in the trailer.
        expected: u64,
        /// The value computed.
        got: u64,
    },
    /// The trailer is right, but the value is not, or is of a type that is not supported.
    #[error("bad payload: {0}")]
    BadFormat(#[source] Error),
}

impl DumpError {
    /// The error reply of RESTORE, without the leading `-`.
    #[must_use]
    pub fn reply(&self) -> &'static str {
        match self {
            Self::BadFormat(_) => "ERR Bad data format",
            _ => "ERR DUMP payload version or checksum are wrong",
        }
    }
}

/// Checks length, version and checksum of a payload; returns the part that holds the value.
///
/// # Errors
/// Everything but [`DumpError::BadFormat`].
pub fn verify_dump(payload: &[u8], options: DumpOptions) -> Result<&[u8], DumpError> {
    let Some((checked, stored)) = payload.split_last_chunk::<8>() else {
        return Err(DumpError::TooShort { length: payload.len() });
    };
    let Some((value, version)) = checked.split_last_chunk::<2>() else {
        return Err(DumpError::TooShort { length: payload.len() });
    };
    let version = u16::from_le_bytes(*version);
    if version > options.version_max {
        return Err(DumpError::NewerVersion { version, version_max: options.version_max });
    }
    if options.checksum {
        let (expected, got) = (u64::from_le_bytes(*stored), Checksum::of(checked));
        if expected != got {
            return Err(DumpError::ChecksumMismatch { expected, got });
        }
    }
    Ok(value)
}

/// Decodes a payload. As in Redis, bytes between the value and the trailer are not looked at.
///
/// ```
/// use lastsave_rdb::{DumpEncoder, DumpOptions, RdbVersion, StringRef, StringValue, Value, decode_dump};
///
/// let mut payload = Vec::new();
/// let mut encoder = DumpEncoder::new(RdbVersion::V11, true);
/// encoder.value(&mut payload, |writer| writer.string(StringRef::Bytes(b"hello")))?;
/// assert_eq!(payload, b"\x00\x05hello\x0b\x00\x0a\xad\x62\x05\x98\xab\xc9\x83");
/// let value = decode_dump(&payload, DumpOptions::default())?;
/// assert_eq!(value, Value::String(StringValue::Bytes(b"hello".to_vec())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`DumpError`]; [`DumpError::reply`] has the words for the client.
pub fn decode_dump(payload: &[u8], options: DumpOptions) -> Result<Value, DumpError> {
    let body = verify_dump(payload, options)?;
    // A payload is small or holds one big string, which bypasses the buffer.
    let mut source = Source::new(body, 4096, Some(body.len() as u64), false);
    let mut object_type = None;
    let result = source.byte().and_then(payload_type).and_then(|found| {
        object_type = Some(found);
        read_value(found, &mut source)
    });
    result.map_err(|kind: ErrorKind| {
        let place = Place {
            offset: source.fault_offset(),
            record_offset: 0,
            activity: if object_type.is_some() { Activity::ReadObjectValue } else { Activity::ReadType },
            key: None,
            object_type,
            version: None,
            written_by: None,
        };
        DumpError::BadFormat(Error::new(kind, place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::StringValue;

    fn payload(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = [body, &version.to_le_bytes()].concat();
        payload.extend(Checksum::of(&payload).to_le_bytes());
        payload
    }

    #[test]
    fn refusals_are_told_apart() {
        let good = payload(b"\x00\x05hello", 11);
        let options = DumpOptions::default();
        assert!(decode_dump(&good, options).is_ok());
        for cut in 0..good.len() {
            let error = decode_dump(&good[..cut], options).unwrap_err();
            assert_eq!(error.reply(), "ERR DUMP payload version or checksum are wrong", "cut to {cut}");
        }
        for index in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[index] ^= 1 << bit;
                let error = decode_dump(&bad, options).unwrap_err();
                assert_eq!(error.reply(), "ERR DUMP payload version or checksum are wrong");
            }
        }
        let newer = payload(b"\x00\x05hello", 13);
        assert_eq!(
            decode_dump(&newer, options),
            Err(DumpError::NewerVersion { version: 13, version_max: 12 })
        );
        assert!(decode_dump(&newer, DumpOptions { version_max: 13, ..options }).is_ok());
        for bad in [&b""[..], b"\x00", b"\x00\x06hello", b"\x00\xc4", b"\x08\x01", b"\xff", b"\x16\x01"] {
            let error = decode_dump(&payload(bad, 11), options).unwrap_err();
            assert_eq!(error.reply(), "ERR Bad data format", "{bad:x?}");
        }
        let DumpError::BadFormat(error) =
            decode_dump(&payload(b"\x07\x01\x01a\x01b", 11), options).unwrap_err()
        else {
            panic!("modules are not served")
        };
        assert_eq!(error.object_type().map(|object_type| object_type.name()), Some("module-value"));
    }

    #[test]
    fn the_checksum_can_be_ignored() {
        let mut bad = payload(b"\x00\x05hello", 11);
        *bad.last_mut().unwrap() ^= 1;
        let options = DumpOptions { checksum: false, ..DumpOptions::default() };
        assert_eq!(decode_dump(&bad, options), Ok(Value::String(StringValue::Bytes(b"hello".to_vec()))));
    }
}
