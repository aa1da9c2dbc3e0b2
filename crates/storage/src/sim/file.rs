//! An open file of the simulated file system.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::content::Content;
use super::handle::Handle;
use super::random::SimulatedRandom;
use super::trace::pattern_of;
use super::world::{FILE_BYTES_MAX, Permit, World};
use crate::Errno;
use crate::clock::Clock;
use crate::error::{Cause, Operation, Result, StorageError};
use crate::file::File;
use crate::storage::{Metadata, OpenOptions};

/// An open file of a [`SimulatedStorage`](super::SimulatedStorage).
#[derive(Debug)]
pub struct SimulatedFile {
    handle: Handle,
    path: PathBuf,
    pattern: Arc<str>,
    readable: bool,
    writable: bool,
}

impl SimulatedFile {
    pub(super) fn new(handle: Handle, path: PathBuf, options: &OpenOptions) -> Self {
        let pattern = pattern_of(&path);
        Self { handle, path, pattern, readable: options.read, writable: options.write }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    fn begin(&self, operation: Operation, offset: u64, len: u64) -> Result<(MutexGuard<'_, World>, Permit)> {
        let mut world = self.handle.world();
        let permit = world.begin(operation, &self.path, Some(&self.pattern), offset, len)?;
        Ok((world, permit))
    }

    fn error(&self, operation: Operation, errno: Errno) -> StorageError {
        StorageError::system(operation, &*self.path, errno)
    }

    /// The last step of an operation that may have been interrupted by the crash.
    fn end<T>(&self, operation: Operation, permit: &Permit, value: T) -> Result<T> {
        if permit.in_flight {
            return Err(StorageError::new(operation, &*self.path, Cause::Crashed));
        }
        Ok(value)
    }

    fn content<'a>(&self, world: &'a mut World) -> &'a mut Content {
        world.content_mut(self.handle.inode()).expect("invariant: only files are opened as files")
    }

    fn touch(&self, world: &mut World) {
        let now_ms = world.clock.wall_ms();
        world.inode_mut(self.handle.inode()).modified_ms = now_ms;
    }

    /// One write of the concatenation of `slices`.
    fn write(&self, slices: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
        let (mut world, permit) = self.begin(Operation::Write, offset, wanted as u64)?;
        let error = |errno| self.error(Operation::Write, errno);
        if i64::try_from(offset).is_err() {
            return Err(error(Errno::INVALID));
        }
        if !self.writable {
            return Err(error(Errno::BAD_HANDLE));
        }
        if wanted == 0 {
            return self.end(Operation::Write, &permit, 0);
        }
        let (limit, errno) = world.growth_limit(self.handle.inode());
        let fitting = limit.saturating_sub(offset).min(wanted as u64) as usize;
        if fitting == 0 {
            return Err(error(if offset >= FILE_BYTES_MAX { Errno::FILE_TOO_BIG } else { errno }));
        }
        let mut moved = fitting.min(permit.bytes_max.max(1));
        if permit.in_flight {
            moved = world.random.index(moved + 1);
        }
        let mut bytes = Vec::with_capacity(moved);
        for slice in slices {
            bytes.extend_from_slice(&slice[..slice.len().min(moved - bytes.len())]);
        }
        self.content(&mut world).write(&bytes, offset as usize);
        self.touch(&mut world);
        self.end(Operation::Write, &permit, moved)
    }

    fn make_durable(&self, operation: Operation) -> Result<()> {
        let (mut world, permit) = self.begin(operation, 0, 0)?;
        if permit.in_flight {
            return self.end(operation, &permit, ()); // whatever got done by then is for the crash to decide
        }
        if permit.pretends {
            return Ok(());
        }
        let Some(errno) = permit.failure else {
            self.content(&mut world).sync();
            return Ok(());
        };
        let mut random = SimulatedRandom::new(world.random.next_u64());
        self.content(&mut world).fail_sync(&mut random);
        Err(self.error(operation, errno))
    }
}

impl File for SimulatedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let (mut world, permit) = self.begin(Operation::Read, offset, buffer.len() as u64)?;
        if i64::try_from(offset).is_err() {
            return Err(self.error(Operation::Read, Errno::INVALID));
        }
        if !self.readable {
            return Err(self.error(Operation::Read, Errno::BAD_HANDLE));
        }
        let most = buffer.len().min(permit.bytes_max.max(1));
        Ok(self.content(&mut world).read(&mut buffer[..most], offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.write(&[IoSlice::new(bytes)], offset)
    }

    fn write_vectored_at(&self, slices: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        self.write(slices, offset)
    }

    fn metadata(&self) -> Result<Metadata> {
        let (world, _) = self.begin(Operation::Inspect, 0, 0)?;
        Ok(world.metadata(self.handle.inode()))
    }

    fn truncate(&self, len: u64) -> Result<()> {
        let (mut world, permit) = self.begin(Operation::Truncate, 0, len)?;
        if !self.writable || i64::try_from(len).is_err() {
            return Err(self.error(Operation::Truncate, Errno::INVALID));
        }
        if len > FILE_BYTES_MAX {
            return Err(self.error(Operation::Truncate, Errno::FILE_TOO_BIG));
        }
        if world.was_done(&permit) {
            self.content(&mut world).resize(len as usize);
            self.touch(&mut world);
        }
        self.end(Operation::Truncate, &permit, ())
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<()> {
        let (mut world, permit) = self.begin(Operation::Allocate, offset, len)?;
        let error = |errno| self.error(Operation::Allocate, errno);
        if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
            return Err(error(Errno::INVALID));
        }
        if !self.writable {
            return Err(error(Errno::BAD_HANDLE));
        }
        let end = offset + len;
        if end > FILE_BYTES_MAX {
            return Err(error(Errno::FILE_TOO_BIG));
        }
        let (limit, errno) = world.growth_limit(self.handle.inode());
        if end > limit {
            return Err(error(errno));
        }
        if world.was_done(&permit) {
            let content = self.content(&mut world);
            content.resize(content.len().max(end as usize));
            self.touch(&mut world);
        }
        self.end(Operation::Allocate, &permit, ())
    }

    fn datasync(&self) -> Result<()> {
        self.make_durable(Operation::Datasync)
    }

    fn sync(&self) -> Result<()> {
        self.make_durable(Operation::Sync)
    }

    fn advise_dont_need(&self, offset: u64, len: u64) -> Result<()> {
        let (mut world, _) = self.begin(Operation::Advise, offset, len)?;
        self.content(&mut world).evict(offset, len);
        Ok(())
    }

    /// Does nothing: any dirty page may be written back at any moment anyway, and a crash decides which ones were.
    fn start_writeback(&self, offset: u64, len: u64) -> Result<()> {
        self.begin(Operation::Writeback, offset, len).map(|_| ())
    }
}
