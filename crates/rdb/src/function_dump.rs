//! The payload of FUNCTION DUMP and FUNCTION RESTORE: function libraries as in a file, with a version and a checksum
//! behind them.

use crate::{
    checksum::Checksum,
    dump::{DumpError, DumpOptions, verify_dump},
    error::{Activity, Error, ErrorKind, Place},
    opcode,
    sink::Put as _,
    source::Source,
    string::StringEncoder,
    value::StringRef,
    version::RdbVersion,
    writer::WriteError,
};

/// Encodes libraries, given as their source texts, with LZF for long ones if `compression` is set.
///
/// # Errors
/// [`WriteError::Inexpressible`] if there are libraries and the version has no form for them.
pub fn encode_function_dump<'l>(
    libraries: impl IntoIterator<Item = &'l [u8]>,
    version: RdbVersion,
    compression: bool,
) -> Result<Vec<u8>, WriteError> {
    let mut output = Vec::new();
    let mut encoder = StringEncoder::new(compression);
    for code in libraries {
        if !version.has_functions() {
            return Err(WriteError::Inexpressible { what: "function libraries", version });
        }
        output.put(&[opcode::FUNCTION])?;
        let encoded = encoder.encode(StringRef::Bytes(code));
        output.put_both(encoded.head.as_room(), encoded.body)?;
    }
    output.extend_from_slice(&version.number().to_le_bytes());
    let checksum = Checksum::of(&output);
    output.extend_from_slice(&checksum.to_le_bytes());
    Ok(output)
}

/// Decodes a payload into the source texts of its libraries. What they say is not looked at.
///
/// ```
/// use lastsave_rdb::{DumpOptions, RdbVersion, decode_function_dump, encode_function_dump};
///
/// let payload = encode_function_dump([&b"#!lua name=a\n"[..]], RdbVersion::V10, true)?;
/// assert!(payload.starts_with(b"\xf5\x0d#!lua name=a\n\x0a\x00"));
/// assert_eq!(decode_function_dump(&payload, DumpOptions::default()).unwrap(), [b"#!lua name=a\n"]);
/// # Ok::<(), lastsave_rdb::WriteError>(())
/// ```
///
/// # Errors
/// See [`DumpError`]; [`function_dump_reply`] has the words for the client.
pub fn decode_function_dump(payload: &[u8], options: DumpOptions) -> Result<Vec<Vec<u8>>, DumpError> {
    let body = verify_dump(payload, options)?;
    let mut source = Source::new(body, 4096, Some(body.len() as u64), false);
    let mut libraries = Vec::new();
    while source.offset() < body.len() as u64 {
        let record_offset = source.offset();
        let mut activity = Activity::ReadType;
        let library = source.byte().and_then(|found| match found {
            opcode::FUNCTION => {
                activity = Activity::ReadFunctions;
                source.string()
            }
            opcode::FUNCTION_PRE_RELEASE => Err(ErrorKind::PreReleaseFunctions),
            opcode => Err(ErrorKind::UnservedOpcode { opcode }),
        });
        match library {
            Ok(code) => libraries.push(code.into_bytes()),
            Err(kind) => {
                let place = Place {
                    offset: source.fault_offset(),
                    record_offset,
                    activity,
                    key: None,
                    object_type: None,
                    version: None,
                    written_by: None,
                };
                return Err(DumpError::BadFormat(Error::new(kind, place)));
            }
        }
    }
    Ok(libraries)
}

/// The error reply of FUNCTION RESTORE, without the leading `-`.
#[must_use]
pub fn function_dump_reply(error: &DumpError) -> &'static str {
    let DumpError::BadFormat(cause) = error else { return error.reply() };
    match cause.kind() {
        ErrorKind::PreReleaseFunctions => "ERR Pre-GA function format not supported",
        ErrorKind::UnservedOpcode { .. } => "ERR given type is not a function",
        _ => "ERR Failed loading library payload",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body with a right trailer.
    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut payload = [body, &10_u16.to_le_bytes()].concat();
        payload.extend(Checksum::of(&payload).to_le_bytes());
        payload
    }

    #[test]
    fn refusals_have_the_words_of_redis() {
        let refused = |payload: &[u8]| {
            function_dump_reply(&decode_function_dump(payload, DumpOptions::default()).unwrap_err())
        };
        assert_eq!(refused(b""), "ERR DUMP payload version or checksum are wrong");
        assert_eq!(refused(&sealed(b"\xf6\x01x")), "ERR Pre-GA function format not supported");
        assert_eq!(refused(&sealed(b"\x00\x01x")), "ERR given type is not a function");
        assert_eq!(refused(&sealed(b"\xf5\x05x")), "ERR Failed loading library payload");
        assert_eq!(refused(&sealed(b"\xf5\x81\xff\xff\xff\xff\xff\xff\xff\xff")), refused(&sealed(b"\xf5")));
    }

    #[test]
    fn older_versions_hold_no_library_but_none() {
        let refused = encode_function_dump([&b"#!lua"[..]], RdbVersion::V9, true);
        assert!(matches!(refused, Err(WriteError::Inexpressible { .. })));
        let none = encode_function_dump([], RdbVersion::V9, true).unwrap();
        assert_eq!(decode_function_dump(&none, DumpOptions::default()), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_dumped_is_restored_and_no_changed_byte_is(
            libraries in prop::collection::vec(prop::collection::vec(97..100_u8, 0..80), 0..4),
            place: prop::sample::Index,
            change in 1..=255_u8,
        ) {
            let texts = libraries.iter().map(Vec::as_slice);
            let mut payload = encode_function_dump(texts, RdbVersion::V11, true).unwrap();
            let decoded = decode_function_dump(&payload, DumpOptions::default());
            prop_assert_eq!(decoded.as_ref(), Ok(&libraries));
            let place = place.index(payload.len());
            payload[place] ^= change;
            prop_assert!(decode_function_dump(&payload, DumpOptions::default()).is_err());
        }

        #[test]
        fn any_body_gives_libraries_or_an_error(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let body = [&[opcode::FUNCTION][..], &body].concat();
            let _either = decode_function_dump(&sealed(&body), DumpOptions::default());
        }
    }
}
