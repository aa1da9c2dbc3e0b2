//! Prepared space: the stretch of filler ahead of the writer, ended by a fence.
//!
//! A sync of bytes that overwrite filler need not commit a new file size, which makes it one device write. The stretch
//! is extended by a job on another thread while the writer goes on; the two meet only in the atomic that holds its end
//! and in the lock that lets the writer call the job off.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lastsave_fsync_scheduler::LogError;
use lastsave_storage::{File, StorageError};

use crate::filler::{LINE_BYTES, PREPARED_GRANULE_BYTES, fence_start, filler};
use crate::frame::push_fence;
use crate::log_error::{failed, refused};

/// Bytes written by one system call, so that the lock is never held for long.
const CHUNK_BYTES: u64 = 256 * 1024;

/// The stretch of one file. The writer owns it and shares it with the job.
#[derive(Debug)]
pub(crate) struct PreparedSpace {
    file: Arc<dyn File>,
    segment_id: u64,
    /// Where the stretch ends: a multiple of the granule, just behind the fence.
    end: AtomicU64,
    job_runs: AtomicBool,
    /// Set by the writer when it leaves the stretch; from then on the job writes nothing.
    abandoned: Mutex<bool>,
}

impl PreparedSpace {
    /// Writes filler and a fence from `from` (the end of what is logged) on, at least `bytes` of it. Nothing is synced.
    pub(crate) fn begin(
        file: &Arc<dyn File>,
        segment_id: u64,
        from: u64,
        bytes: u64,
    ) -> Result<Arc<Self>, StorageError> {
        let end = (from + 2 * LINE_BYTES + bytes).next_multiple_of(PREPARED_GRANULE_BYTES);
        write_stretch(file, segment_id, from, end, |write| write())?;
        Ok(Arc::new(Self {
            file: Arc::clone(file),
            segment_id,
            end: AtomicU64::new(end),
            job_runs: AtomicBool::new(false),
            abandoned: Mutex::new(false),
        }))
    }

    /// Up to where a write may go: the line of the fence stays untouched.
    pub(crate) fn writable_end(&self) -> u64 {
        self.end.load(Ordering::Acquire) - LINE_BYTES
    }

    /// Called by the writer when it will no longer keep within the stretch. After this the job writes nothing.
    pub(crate) fn abandon(&self) {
        *self.abandoned.lock().expect("no holder of the lock panics") = true;
    }

    /// The job that syncs what is there and extends the stretch by `bytes`, unless one runs already.
    pub(crate) fn extend_job(
        self: &Arc<Self>,
        bytes: u64,
    ) -> Option<impl FnOnce() -> Result<(), LogError> + Send + use<>> {
        if self.job_runs.swap(true, Ordering::AcqRel) {
            return None;
        }
        let space = Arc::clone(self);
        Some(move || {
            let outcome = space.extend(bytes);
            space.job_runs.store(false, Ordering::Release);
            outcome
        })
    }

    fn extend(&self, bytes: u64) -> Result<(), LogError> {
        let old_end = self.end.load(Ordering::Acquire);
        let new_end = (old_end + bytes.max(1)).next_multiple_of(PREPARED_GRANULE_BYTES);
        // The new stretch is durable, with its own fence, before the old fence goes: what lies behind a fence is never a
        // write of ours.
        let written = write_stretch(&self.file, self.segment_id, old_end, new_end, |write| {
            self.unless_abandoned(write).unwrap_or(Ok(()))
        });
        if let Err(error) = written {
            self.unless_abandoned(|| self.file.truncate(old_end));
            // Nothing that is logged was touched: the log goes on without more space, unless the device is dying.
            return Err(if error.is_io_error() { failed(&error) } else { refused(&error) });
        }
        self.file.datasync().map_err(|error| failed(&error))?;
        let plain = filler(old_end - LINE_BYTES, old_end);
        match self.unless_abandoned(|| self.file.write_all_at(&plain, old_end - LINE_BYTES)) {
            None => return Ok(()),
            Some(Err(error)) => return Err(failed(&error)),
            Some(Ok(())) => {}
        }
        self.file.datasync().map_err(|error| failed(&error))?;
        self.unless_abandoned(|| self.end.store(new_end, Ordering::Release));
        Ok(())
    }

    fn unless_abandoned<T>(&self, action: impl FnOnce() -> T) -> Option<T> {
        let abandoned = self.abandoned.lock().expect("no holder of the lock panics");
        (!*abandoned).then(action)
    }
}

/// Writes filler for `from..end` with a fence as its last bytes, through `gate`, a piece at a time.
fn write_stretch(
    file: &Arc<dyn File>,
    segment_id: u64,
    from: u64,
    end: u64,
    gate: impl Fn(&mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let fence_at = fence_start(end);
    let mut at = from;
    while at < end {
        // Pieces end on line ends; the last one takes the fence with it.
        let piece_end = (at + CHUNK_BYTES).next_multiple_of(PREPARED_GRANULE_BYTES);
        let (bytes, next) = if piece_end >= end {
            let mut bytes = filler(at, fence_at);
            push_fence(&mut bytes, fence_at, segment_id);
            (bytes, end)
        } else {
            (filler(at, piece_end), piece_end)
        };
        gate(&mut || file.write_all_at(&bytes, at))?;
        at = next;
    }
    Ok(())
}
