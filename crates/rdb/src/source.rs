//! Buffered input: exact offsets, the checksum folded over whole buffers, and allocations bounded by what the input
//! can really hold.

use std::io::{self, Read};

use lastsave_lzf::LzfFault;

use crate::{
    checksum::Checksum,
    error::{ErrorKind, IoFailure},
    length::{LENGTH_32, LENGTH_64},
    value::StringValue,
};

/// The buffer is never smaller than the longest fixed-size field.
const BUFFER_BYTES_MIN: usize = 64;
/// A long string of unknown truth is allocated in pieces of at least this size, as its bytes arrive.
const PIECE_BYTES: usize = 1 << 20;

/// The head of a string: the length of raw bytes, or the number of a special encoding.
enum StringHead {
    Raw(u64),
    Encoded(u8),
}

/// A reader with a buffer of its own, an offset and a checksum.
#[derive(Debug)]
pub(crate) struct Source<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// Unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Bytes before this index of the buffer are in the checksum.
    folded: usize,
    /// Offset of `buffer[0]` in the input.
    buffer_offset: u64,
    /// Where the last failed read began, if it consumed something before it failed.
    fault_offset: Option<u64>,
    total_bytes: Option<u64>,
    checksum: Option<Checksum>,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(inner: R, buffer_bytes: usize, total_bytes: Option<u64>, checksum: bool) -> Self {
        let wanted = total_bytes.map_or(buffer_bytes as u64, |total| total.min(buffer_bytes as u64));
        let capacity = (wanted as usize).max(BUFFER_BYTES_MIN);
        Self {
            inner,
            buffer: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
            folded: 0,
            buffer_offset: 0,
            fault_offset: None,
            total_bytes,
            checksum: checksum.then(Checksum::new),
        }
    }

    /// The same, over an `inner` that stands at `offset` of the input.
    pub(crate) fn starting_at(self, offset: u64) -> Self {
        Self { buffer_offset: offset, ..self }
    }

    /// Bytes consumed so far.
    pub(crate) fn offset(&self) -> u64 {
        self.buffer_offset + self.start as u64
    }

    /// Bytes consumed before the read that failed.
    pub(crate) fn fault_offset(&self) -> u64 {
        self.fault_offset.unwrap_or_else(|| self.offset())
    }

    /// Blames `offset` for a failure that is found later.
    pub(crate) fn set_fault_offset(&mut self, offset: u64) {
        self.fault_offset = Some(offset);
    }

    /// Total size of the input, when it is known.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// The checksum of everything consumed so far; no more is computed after this.
    pub(crate) fn take_checksum(&mut self) -> Option<u64> {
        self.fold();
        self.checksum.take().map(|checksum| checksum.value())
    }

    /// Stops computing a checksum.
    pub(crate) fn drop_checksum(&mut self) {
        self.checksum = None;
    }

    /// The reader underneath and the bytes that were read from it but not consumed.
    pub(crate) fn into_parts(self) -> (R, Vec<u8>) {
        (self.inner, self.buffer[self.start..self.end].to_vec())
    }

    fn fold(&mut self) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&self.buffer[self.folded..self.start]);
        }
        self.folded = self.start;
    }

    /// Makes at least `wanted` bytes readable in the buffer, which must be able to hold them.
    #[inline]
    fn fill(&mut self, wanted: usize) -> Result<(), ErrorKind> {
        if self.end - self.start >= wanted { Ok(()) } else { self.refill(wanted) }
    }

    #[cold]
    fn refill(&mut self, wanted: usize) -> Result<(), ErrorKind> {
        debug_assert!(wanted <= self.buffer.len());
        self.fold();
        self.buffer.copy_within(self.start..self.end, 0);
        self.buffer_offset += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        self.folded = 0;
        while self.end < wanted {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    return Err(ErrorKind::UnexpectedEnd {
                        wanted: wanted as u64,
                        available: self.end as u64,
                    });
                }
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ErrorKind::Io(error.into())),
            }
        }
        Ok(())
    }

    /// What has been fetched and not consumed.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Consumes `count` of the bytes that [`Self::unread`] gave.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "only what was fetched is consumed");
        self.start += count;
    }

    /// The last `count` bytes that were consumed from the buffer as it is.
    #[inline]
    pub(crate) fn consumed(&self, count: usize) -> &[u8] {
        &self.buffer[self.start - count..self.start]
    }

    /// Refuses a declared size that the rest of the input cannot hold.
    fn check_available(&self, wanted: u64) -> Result<(), ErrorKind> {
        if let Some(total) = self.total_bytes {
            let available = total.saturating_sub(self.offset());
            if wanted > available {
                return Err(ErrorKind::UnexpectedEnd { wanted, available });
            }
        }
        Ok(())
    }

    /// One byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, ErrorKind> {
        self.fill(1)?;
        let byte = self.buffer[self.start];
        self.start += 1;
        Ok(byte)
    }

    /// A fixed number of bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ErrorKind> {
        self.fill(N)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.buffer[self.start..self.start + N]);
        self.start += N;
        Ok(array)
    }

    /// Passes over `count` bytes.
    pub(crate) fn skip(&mut self, count: u64) -> Result<(), ErrorKind> {
        self.check_available(count)?;
        let mut left = count;
        while left > 0 {
            self.fill(1)?;
            let step = left.min((self.end - self.start) as u64);
            self.start += step as usize;
            left -= step;
        }
        Ok(())
    }

    /// A number where nothing but a number is expected. As in Redis, the mark of a specially encoded string stands
    /// for its low six bits, and 2^64-1 is an error.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<u64, ErrorKind> {
        match self.head()? {
            StringHead::Raw(u64::MAX) => Err(ErrorKind::ReservedLength),
            StringHead::Raw(length) => Ok(length),
            StringHead::Encoded(number) => Ok(u64::from(number)),
        }
    }

    /// A number that may have any 64-bit value.
    pub(crate) fn any_length(&mut self) -> Result<u64, ErrorKind> {
        match self.head()? {
            StringHead::Raw(length) => Ok(length),
            StringHead::Encoded(number) => Ok(u64::from(number)),
        }
    }

    #[inline]
    fn head(&mut self) -> Result<StringHead, ErrorKind> {
        let byte = self.byte()?;
        match byte >> 6 {
            0 => Ok(StringHead::Raw(u64::from(byte))),
            1 => Ok(StringHead::Raw(u64::from(byte & 0x3f) << 8 | u64::from(self.byte()?))),
            2 if byte == LENGTH_32 => Ok(StringHead::Raw(u64::from(u32::from_be_bytes(self.array()?)))),
            2 if byte == LENGTH_64 => Ok(StringHead::Raw(u64::from_be_bytes(self.array()?))),
            2 => Err(ErrorKind::UnknownLengthEncoding { byte }),
            _ => Ok(StringHead::Encoded(byte & 0x3f)),
        }
    }

    /// A string in any of its encodings.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<StringValue, ErrorKind> {
        match self.head()? {
            StringHead::Raw(length) => Ok(StringValue::Bytes(self.bytes(length)?)),
            StringHead::Encoded(encoding) => self.encoded_string(encoding),
        }
    }

    /// The next string, consumed, if it is not encoded, has at most `max` bytes (below 2^14), and lies in the buffer.
    #[inline]
    pub(crate) fn short_raw(&mut self, max: usize) -> Option<&[u8]> {
        let unread = &self.buffer[self.start..self.end];
        let (head, length) = match *unread {
            [byte, ..] if byte >> 6 == 0 => (1, usize::from(byte)),
            [byte, low, ..] if byte >> 6 == 1 => (2, usize::from(byte & 0x3f) << 8 | usize::from(low)),
            _ => return None,
        };
        if length > max || head + length > unread.len() {
            return None;
        }
        let start = self.start + head;
        self.start = start + length;
        Some(&self.buffer[start..start + length])
    }

    /// Passes over a string, checking only its form.
    pub(crate) fn skip_string(&mut self) -> Result<(), ErrorKind> {
        match self.head()? {
            StringHead::Raw(length) => self.skip(length),
            StringHead::Encoded(encoding) => self.encoded_string(encoding).map(drop),
        }
    }

    fn encoded_string(&mut self, encoding: u8) -> Result<StringValue, ErrorKind> {
        let integer = match encoding {
            0 => i64::from(i8::from_le_bytes(self.array()?)),
            1 => i64::from(i16::from_le_bytes(self.array()?)),
            2 => i64::from(i32::from_le_bytes(self.array()?)),
            3 => return self.compressed_string(),
            _ => return Err(ErrorKind::UnknownStringEncoding { encoding }),
        };
        Ok(StringValue::Integer(integer))
    }

    fn compressed_string(&mut self) -> Result<StringValue, ErrorKind> {
        let compressed = self.length()?;
        let declared = self.length()?;
        self.check_available(compressed)?;
        let output = if compressed <= self.buffer.len() as u64 {
            let count = compressed as usize;
            self.fill(count)?;
            let output = lastsave_lzf::decompress(&self.buffer[self.start..self.start + count], declared);
            self.start += count;
            output
        } else {
            let input = self.bytes(compressed)?;
            lastsave_lzf::decompress(&input, declared)
        };
        match output {
            Ok(bytes) => Ok(StringValue::Bytes(bytes)),
            Err(LzfFault::OutOfMemory) => Err(ErrorKind::OutOfMemory { bytes: declared }),
            Err(fault) => Err(ErrorKind::InvalidCompressedString { compressed, declared, fault }),
        }
    }

    /// The next `length` bytes, copied once.
    #[inline]
    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, ErrorKind> {
        let unread = &self.buffer[self.start..self.end];
        if length <= unread.len() as u64 {
            let bytes = unread[..length as usize].to_vec();
            self.start += length as usize;
            return Ok(bytes);
        }
        self.long_bytes(length)
    }

    /// Bytes that reach beyond the buffer. What does not fit into it is read straight into the result.
    #[cold]
    fn long_bytes(&mut self, length: u64) -> Result<Vec<u8>, ErrorKind> {
        self.check_available(length)?;
        let start_offset = self.offset();
        let length = usize::try_from(length).map_err(|_| ErrorKind::OutOfMemory { bytes: length })?;
        // When the total is known, the check above has vouched for the whole length.
        let vouched = if self.total_bytes.is_some() { length } else { length.min(PIECE_BYTES) };
        let mut bytes = Vec::new();
        reserve(&mut bytes, vouched)?;
        while bytes.len() < length {
            let missing = length - bytes.len();
            if self.start < self.end || missing <= self.buffer.len() / 2 {
                if let Err(error) = self.fill(1) {
                    self.fault_offset = Some(start_offset);
                    return Err(short(error, length, bytes.len()));
                }
                let count = missing.min(self.end - self.start);
                if bytes.capacity() - bytes.len() < count {
                    reserve(&mut bytes, count)?;
                }
                bytes.extend_from_slice(&self.buffer[self.start..self.start + count]);
                self.start += count;
                continue;
            }
            if bytes.len() == bytes.capacity() {
                let more = missing.min(PIECE_BYTES.max(bytes.len()));
                reserve(&mut bytes, more)?;
            }
            let piece = missing.min(bytes.capacity() - bytes.len());
            if let Err(error) = self.read_past_buffer(piece, &mut bytes) {
                self.fault_offset = Some(start_offset);
                return Err(short(error, length, bytes.len()));
            }
        }
        Ok(bytes)
    }

    /// Reads `count` bytes from the inner reader to the end of `bytes`; the buffer must have been used up.
    fn read_past_buffer(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<(), ErrorKind> {
        self.fold();
        self.buffer_offset += self.start as u64;
        (self.start, self.end, self.folded) = (0, 0, 0);
        let before = bytes.len();
        let result = (&mut self.inner).take(count as u64).read_to_end(bytes);
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&bytes[before..]);
        }
        self.buffer_offset += (bytes.len() - before) as u64;
        match result {
            Ok(read) if read == count => Ok(()),
            Ok(read) => Err(ErrorKind::UnexpectedEnd { wanted: count as u64, available: read as u64 }),
            Err(error) => Err(ErrorKind::Io(IoFailure::from(error))),
        }
    }
}

/// Restates a short read of a piece as a short read of the whole string.
fn short(error: ErrorKind, length: usize, got: usize) -> ErrorKind {
    match error {
        ErrorKind::UnexpectedEnd { available, .. } => {
            ErrorKind::UnexpectedEnd { wanted: length as u64, available: available.max(got as u64) }
        }
        other => other,
    }
}

fn reserve(bytes: &mut Vec<u8>, additional: usize) -> Result<(), ErrorKind> {
    bytes
        .try_reserve_exact(additional)
        .map_err(|_| ErrorKind::OutOfMemory { bytes: (bytes.len() + additional) as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Source<&[u8]> {
        Source::new(bytes, 64, None, true)
    }

    #[test]
    fn lengths_of_every_form_are_read() {
        let cases: [(&[u8], u64); 9] = [
            (b"\x00", 0),
            (b"\x3f", 63),
            (b"\x40\x05", 5),
            (b"\x7f\xff", 16383),
            (b"\x80\x00\x00\x00\x07", 7),
            (b"\x80\xff\xff\xff\xff", 0xffff_ffff),
            (b"\x81\x00\x00\x00\x00\x00\x00\x00\x01", 1),
            (b"\xc3", 3),
            (b"\xff", 63),
        ];
        for (bytes, expected) in cases {
            let mut source = source(bytes);
            assert_eq!(source.length(), Ok(expected), "{bytes:x?}");
            assert_eq!(source.offset(), bytes.len() as u64);
        }
        assert_eq!(source(b"\x82").length(), Err(ErrorKind::UnknownLengthEncoding { byte: 0x82 }));
        assert_eq!(source(b"\xbf").length(), Err(ErrorKind::UnknownLengthEncoding { byte: 0xbf }));
        let reserved = b"\x81\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(source(reserved).length(), Err(ErrorKind::ReservedLength));
        assert_eq!(source(reserved).any_length(), Ok(u64::MAX));
        assert!(source(b"\x40").length().is_err());
        assert!(source(b"\x80\x01\x02\x03").length().is_err());
    }

    #[test]
    fn strings_of_every_encoding_are_read() {
        let cases: [(&[u8], &[u8]); 9] = [
            (b"\x05hello", b"hello"),
            (b"\x00", b""),
            (b"\x40\x02hi", b"hi"),
            (b"\x81\x00\x00\x00\x00\x00\x00\x00\x01x", b"x"),
            (b"\xc0\x7b", b"123"),
            (b"\xc0\xff", b"-1"),
            (b"\xc1\x00\x80", b"-32768"),
            (b"\xc2\xff\xff\xff\x7f", b"2147483647"),
            (b"\xc3\x09\x1e\x01\x61\x61\xe0\x11\x00\x01\x61\x61", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(source(bytes).string().map(StringValue::into_bytes), Ok(expected.to_vec()));
        }
        assert_eq!(source(b"\xc4").string(), Err(ErrorKind::UnknownStringEncoding { encoding: 4 }));
        assert!(matches!(
            source(b"\xc3\x02\x03\x00a").string(),
            Err(ErrorKind::InvalidCompressedString { compressed: 2, declared: 3, .. })
        ));
    }

    /// A reader that gives a few bytes at a time and is interrupted in between.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = buffer.len().min(7);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn strings_across_buffers_keep_offset_and_checksum() {
        for length in [0, 1, 30, 63, 64, 65, 100, 200, 1000, 5000, 3_000_000] {
            let content: Vec<u8> = (0..length as u32).map(|i| (i * 7) as u8).collect();
            let mut bytes = b"\x02ab\x81".to_vec();
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
            bytes.extend_from_slice(&content);
            bytes.push(9);
            for total in [None, Some(bytes.len() as u64)] {
                let mut source = Source::new(Trickle(&bytes, 0), 64, total, true);
                assert_eq!(source.string().map(StringValue::into_bytes), Ok(b"ab".to_vec()));
                assert_eq!(source.string().map(StringValue::into_bytes).as_deref(), Ok(&content[..]));
                assert_eq!(source.byte(), Ok(9));
                assert_eq!(source.offset(), bytes.len() as u64);
                assert!(source.byte().is_err());
                assert_eq!(source.take_checksum(), Some(Checksum::of(&bytes)));
            }
        }
    }

    #[test]
    fn a_cut_string_fails_where_its_bytes_begin() {
        let mut bytes = b"\x81\x00\x00\x00\x00\x00\x0f\x00\x00".to_vec();
        bytes.extend_from_slice(&[b'x'; 500_000]);
        for total in [None, Some(bytes.len() as u64)] {
            let mut source = Source::new(&bytes[..], 1024, total, true);
            assert_eq!(
                source.string(),
                Err(ErrorKind::UnexpectedEnd { wanted: 0x0f_0000, available: 500_000 })
            );
            assert_eq!(source.fault_offset(), 9);
        }
    }
}
