//! The streaming writer: header, databases, keys, end.

use std::io::Write;

use crate::{
    error::IoFailure,
    length::Head,
    object::{Holder, ValueWriter},
    opcode,
    sink::{Put as _, Sink},
    string::StringEncoder,
    value::{KeyMetadata, StringRef},
    version::RdbVersion,
};

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// Format version. Default: 11.
    pub version: RdbVersion,
    /// Compress long strings with LZF. Default: true.
    pub compression: bool,
    /// Compute the checksum; without it the field is zero, and readers do not compare. Default: true.
    pub checksum: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { version: RdbVersion::default(), compression: true, checksum: true }
    }
}

/// What the AUX fields at the start of the file say, in the order in which Redis writes them.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// `redis-ver`: the version of Redis that the writing server stands for.
    pub redis_version: &'a str,
    /// `ctime`: unix time in seconds.
    pub created_unix_seconds: i64,
    /// `used-mem`: memory of the writing server in bytes.
    pub used_memory_bytes: u64,
    /// `repl-stream-db`, `repl-id`, `repl-offset`; absent in the base of an append-only file.
    pub replication: Option<ReplicationHeader<'a>>,
    /// `aof-base` (`aof-preamble` in version 9): whether the file is the base of an append-only file.
    pub aof_base: bool,
}

/// The place in the replication stream that a file corresponds to.
#[derive(Debug, Clone, Copy)]
pub struct ReplicationHeader<'a> {
    /// Database selected in the stream.
    pub stream_database: u64,
    /// Replication id, 40 hexadecimal digits.
    pub id: &'a str,
    /// Offset in the stream.
    pub offset: i64,
}

/// Why a file could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The inner writer failed. The writer is of no use any more: every later call returns this error again.
    #[error("cannot write {length} bytes at offset {offset}: {failure}")]
    Io {
        /// Offset of the piece that could not be written.
        offset: u64,
        /// Its size in bytes.
        length: u64,
        /// What the inner writer said.
        failure: IoFailure,
    },
    /// The chosen version of the format has no form for this.
    #[error("RDB version {version} cannot hold {what}")]
    Inexpressible {
        /// What was to be written.
        what: &'static str,
        /// The version in use.
        version: RdbVersion,
    },
}

/// What was written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Keys in all databases.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Times a database was selected.
    pub databases: u64,
    /// Function libraries.
    pub function_libraries: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A complete file.
#[derive(Debug)]
pub struct Finished<W> {
    /// The writer that was handed in, flushed.
    pub inner: W,
    /// What the file holds.
    pub counts: WriteCounts,
    /// The checksum in the file, unless it was switched off.
    pub checksum: Option<u64>,
}

/// Writes an RDB stream.
///
/// The caller keeps the order of the format: header fields, function libraries, then for each database
/// [`select_database`](Self::select_database), [`resize`](Self::resize) and its keys.
///
/// ```
/// use lastsave_rdb::{Header, KeyMetadata, StringRef, Writer, WriterOptions};
///
/// let header = Header {
///     redis_version: "7.2.5",
///     created_unix_seconds: 1_700_000_000,
///     used_memory_bytes: 1_000_000,
///     replication: None,
///     aof_base: false,
/// };
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default(), &header)?;
/// writer.select_database(0)?;
/// writer.resize(1, 0)?;
/// writer.string(b"k", StringRef::Bytes(b"v"), &KeyMetadata::default())?;
/// let finished = writer.finish()?;
/// assert_eq!(finished.counts.keys, 1);
/// assert!(finished.inner.starts_with(b"REDIS0011"));
/// # Ok::<(), lastsave_rdb::WriteError>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    sink: Sink<W>,
    encoder: StringEncoder,
    version: RdbVersion,
    counts: WriteCounts,
}

impl<W: Write> Writer<W> {
    /// Starts a file with its magic and AUX fields.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(inner: W, options: WriterOptions, header: &Header<'_>) -> Result<Self, WriteError> {
        let mut writer = Self::bare(inner, options)?;
        writer.aux("redis-ver", StringRef::Bytes(header.redis_version.as_bytes()))?;
        writer.aux("redis-bits", StringRef::Integer(64))?;
        writer.aux("ctime", StringRef::Integer(header.created_unix_seconds))?;
        writer.aux("used-mem", StringRef::Integer(signed(header.used_memory_bytes)))?;
        if let Some(replication) = &header.replication {
            writer.aux("repl-stream-db", StringRef::Integer(signed(replication.stream_database)))?;
            writer.aux("repl-id", StringRef::Bytes(replication.id.as_bytes()))?;
            writer.aux("repl-offset", StringRef::Integer(replication.offset))?;
        }
        let base = if options.version >= RdbVersion::V10 { "aof-base" } else { "aof-preamble" };
        writer.aux(base, StringRef::Integer(header.aof_base.into()))?;
        Ok(writer)
    }

    /// Starts a file with its magic alone.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn bare(inner: W, options: WriterOptions) -> Result<Self, WriteError> {
        let mut sink = Sink::new(inner, options.checksum);
        sink.put(&options.version.magic())?;
        let encoder = StringEncoder::new(options.compression);
        Ok(Self { sink, encoder, version: options.version, counts: WriteCounts::default() })
    }

    /// Whether strings from here on are compressed when that makes them shorter. Readers need not know.
    pub fn set_compression(&mut self, compression: bool) {
        self.encoder.set_compression(compression);
    }

    /// Adds an AUX field. Readers ignore names they do not know.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn aux(&mut self, name: &str, value: StringRef<'_>) -> Result<(), WriteError> {
        self.sink.put(&[opcode::AUX])?;
        self.put_string(StringRef::Bytes(name.as_bytes()))?;
        self.put_string(value)
    }

    /// Adds a function library: its source text.
    ///
    /// # Errors
    /// [`WriteError::Inexpressible`] in version 9; [`WriteError::Io`].
    pub fn function_library(&mut self, code: &[u8]) -> Result<(), WriteError> {
        if !self.version.has_functions() {
            return Err(WriteError::Inexpressible { what: "function libraries", version: self.version });
        }
        self.sink.put(&[opcode::FUNCTION])?;
        self.put_string(StringRef::Bytes(code))?;
        self.counts.function_libraries += 1;
        Ok(())
    }

    /// The keys that follow belong to database `index`.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn select_database(&mut self, index: u64) -> Result<(), WriteError> {
        let mut head = Head::new();
        head.push(&[opcode::SELECT_DATABASE]);
        head.push_length(index);
        self.counts.databases += 1;
        self.sink.put(head.as_bytes())
    }

    /// How many keys, and keys with an expiry, the selected database has. Readers size their tables by it.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn resize(&mut self, keys: u64, expires: u64) -> Result<(), WriteError> {
        let mut head = Head::new();
        head.push(&[opcode::RESIZE_DATABASE]);
        head.push_length(keys);
        head.push_length(expires);
        self.sink.put(head.as_bytes())
    }

    /// A key whose value is a string.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    #[inline]
    pub fn string(
        &mut self,
        key: &[u8],
        value: StringRef<'_>,
        metadata: &KeyMetadata,
    ) -> Result<(), WriteError> {
        self.key(key, metadata).string(value)
    }

    /// A key whose value is to be written with the result; the key is written along with it.
    #[inline]
    pub fn key<'w>(&'w mut self, key: &'w [u8], metadata: &'w KeyMetadata) -> ValueWriter<'w, Sink<W>> {
        let holder = Holder::Key { key, metadata, counts: &mut self.counts };
        ValueWriter::new(&mut self.sink, &mut self.encoder, self.version, holder)
    }

    /// Ends the file: end mark, checksum, everything handed to the inner writer, which is flushed.
    ///
    /// # Errors
    /// [`WriteError::Io`]; the inner writer is then lost with the unfinished file.
    pub fn finish(mut self) -> Result<Finished<W>, WriteError> {
        self.sink.put(&[opcode::END])?;
        let checksum = self.sink.take_checksum();
        self.sink.put(&checksum.unwrap_or(0).to_le_bytes())?;
        self.sink.flush()?;
        let counts = self.counts();
        Ok(Finished { inner: self.sink.into_inner(), counts, checksum })
    }

    /// What was written so far; `bytes` includes what is still in the buffer.
    pub fn counts(&self) -> WriteCounts {
        WriteCounts { bytes: self.sink.offset(), ..self.counts }
    }

    /// The inner writer. Bytes may still be in the buffer above it.
    pub fn inner(&self) -> &W {
        self.sink.inner()
    }

    /// Gives up the file and gives back the inner writer. What is in the buffer is dropped.
    pub fn abandon(self) -> W {
        self.sink.into_inner()
    }

    #[inline]
    fn put_string(&mut self, value: StringRef<'_>) -> Result<(), WriteError> {
        let encoded = self.encoder.encode(value);
        self.sink.put_both(encoded.head.as_room(), encoded.body)
    }
}

/// Numbers that do not fit a signed 64-bit field are more bytes or databases than any machine has.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const PLAIN: WriterOptions =
        WriterOptions { version: RdbVersion::V11, compression: true, checksum: true };

    #[test]
    fn the_documented_file_is_written() {
        let mut writer = Writer::bare(Vec::new(), PLAIN).unwrap();
        writer.aux("redis-ver", StringRef::Bytes(b"7.2.5")).unwrap();
        writer.select_database(0).unwrap();
        writer.resize(1, 1).unwrap();
        let metadata = KeyMetadata { expires_at_ms: Some(1_700_000_000_000), ..KeyMetadata::default() };
        writer.string(b"k", StringRef::Bytes(b"v"), &metadata).unwrap();
        let finished = writer.finish().unwrap();
        let expected = b"REDIS0011\xfa\x09redis-ver\x057.2.5\xfe\x00\xfb\x01\x01\
            \xfc\x00\x68\xe5\xcf\x8b\x01\x00\x00\x00\x01k\x01v\xff\x7d\x1b\x13\x2e\xc2\xe5\x9f\x42";
        assert_eq!(finished.inner, expected);
        assert_eq!(finished.checksum, Some(0x429f_e5c2_2e13_1b7d));
        let counts = WriteCounts {
            keys: 1,
            expires: 1,
            databases: 1,
            function_libraries: 0,
            bytes: expected.len() as u64,
        };
        assert_eq!(finished.counts, counts);
    }

    #[test]
    fn header_fields_stand_in_the_order_of_redis() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let header = Header {
            redis_version: "7.2.5",
            created_unix_seconds: 1,
            used_memory_bytes: 2,
            replication: Some(ReplicationHeader { stream_database: 3, id, offset: 4 }),
            aof_base: true,
        };
        for (version, base) in [(RdbVersion::V9, "aof-preamble"), (RdbVersion::V10, "aof-base")] {
            let options = WriterOptions { version, compression: false, ..PLAIN };
            let writer = Writer::new(Vec::new(), options, &header).unwrap();
            let file = writer.finish().unwrap().inner;
            let mut expected = version.magic().to_vec();
            let string = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
            for (name, value) in [
                ("redis-ver", string("7.2.5")),
                ("redis-bits", b"\xc0\x40".to_vec()),
                ("ctime", b"\xc0\x01".to_vec()),
                ("used-mem", b"\xc0\x02".to_vec()),
                ("repl-stream-db", b"\xc0\x03".to_vec()),
                ("repl-id", string(id)),
                ("repl-offset", b"\xc0\x04".to_vec()),
                (base, b"\xc0\x01".to_vec()),
            ] {
                expected.extend([&[0xfa][..], &string(name), &value].concat());
            }
            assert_eq!(file[..file.len() - 9], expected);
        }
    }

    #[test]
    fn functions_are_refused_where_the_version_has_none() {
        let options = WriterOptions { version: RdbVersion::V9, ..PLAIN };
        let mut writer = Writer::bare(Vec::new(), options).unwrap();
        let refused = WriteError::Inexpressible { what: "function libraries", version: RdbVersion::V9 };
        assert_eq!(writer.function_library(b"#!lua name=x"), Err(refused));
        // A refusal is not a failure: the file goes on without the library.
        assert_eq!(writer.finish().unwrap().inner.len(), 18);
    }

    /// Accepts so many bytes, then fails for good.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::from_raw_os_error(28));
            }
            let count = bytes.len().min(self.0);
            self.0 -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failed_write_is_never_forgotten() {
        for value_bytes in [1000, 200_000] {
            let value: Vec<u8> =
                (0..value_bytes).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let mut writer = Writer::bare(Small(500_000), PLAIN).unwrap();
            let error = (0..1000)
                .find_map(|_| writer.string(b"k", StringRef::Bytes(&value), &KeyMetadata::default()).err())
                .unwrap();
            assert!(matches!(&error, WriteError::Io { failure, .. } if failure.os_code == Some(28)));
            assert_eq!(writer.finish().err(), Some(error));
        }
    }
}
