//! Buffered output: the checksum folded over whole buffers, big values handed on from where they lie, and a failure
//! that is never forgotten.

use std::io::{self, Write};

use crate::{checksum::Checksum, length::Head, writer::WriteError};

/// Bytes collected before they are handed to the inner writer.
const BUFFER_BYTES: usize = 256 << 10;

/// What values are written to: a file, or a payload in memory. Only this crate implements it.
pub trait Put: sealed::Sealed {
    #[doc(hidden)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError>;

    /// Takes the first `len` bytes of `head`, then `body`.
    #[doc(hidden)]
    #[inline]
    fn put_both(
        &mut self,
        (head, len): (&[u8; Head::CAPACITY], usize),
        body: &[u8],
    ) -> Result<(), WriteError> {
        self.put(&head[..len])?;
        self.put(body)
    }
}

mod sealed {
    pub trait Sealed {}
    impl<W> Sealed for super::Sink<W> {}
    impl Sealed for Vec<u8> {}
}

impl Put for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A buffer over the inner writer that keeps the checksum.
#[derive(Debug)]
pub struct Sink<W> {
    inner: W,
    buffer: Vec<u8>,
    /// Bytes before this index of the buffer are in the checksum.
    folded: usize,
    /// Bytes handed to the inner writer.
    written: u64,
    checksum: Option<Checksum>,
    failure: Option<WriteError>,
}

impl<W: Write> Put for Sink<W> {
    /// Takes bytes. Once one call has failed, every later one that reaches the inner writer fails the same way.
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            return self.put_beyond_buffer(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn put_both(
        &mut self,
        (head, len): (&[u8; Head::CAPACITY], usize),
        body: &[u8],
    ) -> Result<(), WriteError> {
        if self.buffer.capacity() - self.buffer.len() < head.len() + body.len() {
            self.put(&head[..len])?;
            return self.put(body);
        }
        // Copying a fixed number of bytes and taking some back costs less than copying as many as there are.
        let end = self.buffer.len() + len;
        self.buffer.extend_from_slice(head);
        self.buffer.truncate(end);
        self.buffer.extend_from_slice(body);
        Ok(())
    }
}

impl<W: Write> Sink<W> {
    pub(crate) fn new(inner: W, checksum: bool) -> Self {
        Self {
            inner,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            folded: 0,
            written: 0,
            checksum: checksum.then(Checksum::new),
            failure: None,
        }
    }

    pub(crate) fn inner(&self) -> &W {
        &self.inner
    }

    /// The inner writer; what is in the buffer is dropped.
    pub(crate) fn into_inner(self) -> W {
        self.inner
    }

    /// Bytes taken so far.
    pub(crate) fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    #[cold]
    fn put_beyond_buffer(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.empty_buffer()?;
        if bytes.len() < BUFFER_BYTES / 2 {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        // A big value goes to the inner writer from where it lies.
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        let result = self.inner.write_all(bytes);
        self.settle(result, bytes.len())
    }

    /// Brings the checksum up to the end of the buffer.
    fn fold(&mut self) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&self.buffer[self.folded..]);
        }
        self.folded = self.buffer.len();
    }

    fn empty_buffer(&mut self) -> Result<(), WriteError> {
        if let Some(error) = &self.failure {
            return Err(error.clone());
        }
        self.fold();
        let result = self.inner.write_all(&self.buffer);
        self.settle(result, self.buffer.len())?;
        self.buffer.clear();
        self.folded = 0;
        Ok(())
    }

    /// Hands everything to the inner writer and flushes it.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        self.empty_buffer()?;
        let result = self.inner.flush();
        self.settle(result, 0)
    }

    /// Accounts for a piece that was handed on, or keeps the failure for every later call.
    fn settle(&mut self, result: io::Result<()>, length: usize) -> Result<(), WriteError> {
        match result {
            Ok(()) => {
                self.written += length as u64;
                Ok(())
            }
            Err(error) => {
                let error =
                    WriteError::Io { offset: self.written, length: length as u64, failure: error.into() };
                // The buffer stays full, so that the next call comes here as well.
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The checksum of everything taken so far; no more is computed after this.
    pub(crate) fn take_checksum(&mut self) -> Option<u64> {
        self.fold();
        self.checksum.take().map(|checksum| checksum.value())
    }
}
