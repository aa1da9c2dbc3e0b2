//! The contract that every open file meets, real or simulated.

use std::fmt;
use std::io::IoSlice;
use std::path::Path;

use crate::error::{Cause, Operation, Result, StorageError};
use crate::storage::Metadata;

/// An open file. All positions are explicit, so that one handle can serve several threads.
///
/// Reads and writes may be short: they return how many bytes they moved, as the system call does. A write that
/// returned is visible to every reader and survives the death of the process; only a sync makes it survive the
/// death of the machine, and only [`Storage::sync_directory`](crate::Storage::sync_directory) does that for the
/// file's name.
///
/// An interrupted call is retried inside; `EINTR` never reaches the caller.
pub trait File: fmt::Debug + Send + Sync {
    /// The path for messages, as far as it is known.
    fn path(&self) -> &Path;

    /// Reads up to `buffer.len()` bytes at `offset`. Zero means the end of the file (or an empty buffer).
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes up to `bytes.len()` bytes at `offset`, extending the file where needed; a gap reads as zeros.
    ///
    /// One system call: on a disk that fills up, the bytes that fit are reported first and the error comes with
    /// the next call.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize>;

    /// Writes the slices one after the other from `offset` on, in one system call (`pwritev`), and returns how
    /// many bytes of their concatenation were written. The kernel takes 1024 slices at most; more make a short
    /// write.
    fn write_vectored_at(&self, slices: &[IoSlice<'_>], offset: u64) -> Result<usize>;

    /// Length, kind, mode and times.
    fn metadata(&self) -> Result<Metadata>;

    /// Cuts or extends the file to `len` bytes; what is added reads as zeros.
    fn truncate(&self, len: u64) -> Result<()>;

    /// Reserves disk space for the range and extends the file over it if it ends before; bytes that are there
    /// stay, new ones read as zeros. A file system without this answers [`StorageError::is_unsupported`].
    fn allocate(&self, offset: u64, len: u64) -> Result<()>;

    /// Makes the file's bytes, and as much of its attributes as reading them needs (its length), durable:
    /// `fdatasync`. Says nothing about the file's name.
    ///
    /// After an error nothing written since the last successful sync may ever be trusted, however often a later
    /// sync succeeds: the kernel reports a failed writeback once and marks the pages clean.
    fn datasync(&self) -> Result<()>;

    /// Like [`datasync`](Self::datasync), with all attributes: `fsync`.
    fn sync(&self) -> Result<()>;

    /// Drops the range from the page cache as far as it is clean, so that the next read comes from the device.
    /// A hint: starts writing back dirty pages, and keeps those.
    fn advise_dont_need(&self, offset: u64, len: u64) -> Result<()>;

    /// Starts writing the range back without waiting for it, so that a later sync has less to do. Makes nothing
    /// durable. A hint.
    fn start_writeback(&self, offset: u64, len: u64) -> Result<()>;

    /// The length in bytes.
    fn len(&self) -> Result<u64> {
        Ok(self.metadata()?.len)
    }

    /// Whether the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset` on; [`Cause::UnexpectedEnd`] if the file is too short.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            let moved = self.read_at(&mut buffer[done..], offset + done as u64)?;
            if moved == 0 {
                let (wanted, found) = (buffer.len() as u64, done as u64);
                let cause = Cause::UnexpectedEnd { offset, wanted, found };
                return Err(StorageError::new(Operation::Read, self.path(), cause));
            }
            done += moved;
        }
        Ok(())
    }

    /// Writes all of `bytes` at `offset`. After an error an unknown part of them has been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let moved = self.write_at(&bytes[done..], offset + done as u64)?;
            if moved == 0 {
                return Err(StorageError::new(Operation::Write, self.path(), Cause::WriteZero));
            }
            done += moved;
        }
        Ok(())
    }

    /// Writes all slices from `offset` on, advancing them as far as they are written. After an error
    /// an unknown part of them has been written.
    fn write_all_vectored_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> Result<()> {
        let mut remaining = slices;
        let mut position = offset;
        IoSlice::advance_slices(&mut remaining, 0); // drops leading empty slices
        while !remaining.is_empty() {
            let moved = self.write_vectored_at(remaining, position)?;
            if moved == 0 {
                return Err(StorageError::new(Operation::Write, self.path(), Cause::WriteZero));
            }
            position += moved as u64;
            IoSlice::advance_slices(&mut remaining, moved);
        }
        Ok(())
    }
}
