//! What the scheduler drives: the [`Log`] trait, its requests and its errors.
//!
//! # Threading
//!
//! All methods of [`Log`] are called by one thread at a time, but not always by the same one: the log thread, or
//! (page-cache writes only, [`Log::write`]) the executor while the log thread is idle. A [`SyncHandle`] and a
//! [`PrepareJob`] run on another thread, at the same time as [`Log::write`], [`Log::mark`], [`Log::bytes`],
//! [`Log::sync_handle`] and [`Log::prepare`], and never at the same time as any method that changes files: the
//! scheduler waits for them first.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::Position;

/// Background work a log wants done ahead of its writer; see [`Log::prepare`].
pub type PrepareJob = Box<dyn FnOnce() -> Result<(), LogError> + Send>;

/// An append-only log made of increments, of which the last one is written.
///
/// The scheduler decides *when*, the log decides *how*: it knows frames, files, directories and manifests, and the
/// scheduler knows none of them. `durable` arguments tell the log the position known durable at that moment, for the
/// frames that record it.
pub trait Log: Send + 'static {
    /// Writes whole units to the page cache, closed by a frame, so that everything up to `end` survives the death of
    /// this process and can be told from a torn tail. `batch` is never empty of bytes. `long` asks for the long form
    /// of the frame; the log may use the long form without being asked.
    ///
    /// # Errors
    ///
    /// [`LogError::Full`]: no room (or a short write); the log has been rolled back to its last frame and the same
    /// batch may be written again later. When rolling back fails the error is [`LogError::Failed`].
    fn write(
        &mut self,
        batch: &[Bytes],
        end: Position,
        durable: Position,
        long: bool,
    ) -> Result<(), LogError>;

    /// A handle that makes durable what had been written to the current increment when its `sync` is called. A new one
    /// is asked for before each sync, so it needs to be valid for the current increment only.
    fn sync_handle(&self) -> Arc<dyn SyncHandle>;

    /// Writes a long frame that covers no new bytes: before a sync when the last frame was a short one, and after a
    /// sync that is followed by idleness, so that the durable position is on record. It needs no sync of its own.
    ///
    /// # Errors
    ///
    /// As [`Log::write`]. `Full` is harmless here: the mark is left out.
    fn mark(&mut self, durable: Position) -> Result<(), LogError>;

    /// Asked when there is a quiet moment, and after every write under `always`: work to be run on another thread
    /// ahead of the writer (extending prepared space and syncing it), or `None` when nothing is wanted. While a job
    /// runs it is not asked again. How the job tells the log what it prepared is the log's own affair (an atomic).
    ///
    /// A job that fails with [`LogError::Failed`] latches the log like a failed sync (the kernel reports a write-back
    /// error once, and the job may have been the one to receive it); after any other error the scheduler asks again
    /// later, and the log goes on without prepared space.
    fn prepare(&mut self) -> Option<PrepareJob> {
        None
    }

    /// Moves the log to another file at position `at`. Everything before `at` has been written (for
    /// [`Switch::Rebase`]: has not necessarily been written) and nothing after it has.
    ///
    /// On success everything before `at` is durable, except after `Rebase` and `Enable`, where it becomes so with
    /// [`Log::complete_rewrite`].
    ///
    /// # Errors
    ///
    /// [`LogError::Failed`] when the increment that is being left can no longer be trusted. After every other error
    /// the log stands where it stood: the old increment is current, listed and can be written.
    fn switch(&mut self, kind: Switch, at: Position, durable: Position) -> Result<(), LogError>;

    /// A base that holds everything before the cut of the last `Rewrite`, `Rebase` or `Enable` switch is complete and
    /// durable under a name only the log understands: make it the base, followed by the increments since that cut.
    ///
    /// # Errors
    ///
    /// After an error the log goes on as before the call, and the old state *or* the new one must be loadable, whichever
    /// of the two a crash leaves; the current increment is not put in doubt.
    fn complete_rewrite(&mut self, base: &RewriteBase, durable: Position) -> Result<(), LogError>;

    /// The base will not come. After `Rewrite` the increments simply stay; after `Enable` and `Rebase` the unlisted
    /// increment is removed, and nothing is written before the next `switch` or `start_new_increment`.
    ///
    /// # Errors
    ///
    /// Only reported; the scheduler goes on as if it had succeeded.
    fn abort_rewrite(&mut self) -> Result<(), LogError>;

    /// First half of leaving an increment that must not be trusted any more: opens a new one that is *not yet part of
    /// the log*. The writes and syncs that follow go there and start at `durable`, the last position known durable in
    /// the old increment. The old one is left as it is, because until [`Log::adopt_new_increment`] it is what a restart
    /// would load. May be called again after a failure; a half-made increment of an earlier call is discarded, and so is
    /// the unlisted increment of a `Rebase` whose base did not arrive ("the old one" is always the listed one).
    ///
    /// # Errors
    ///
    /// Any error makes the scheduler ask for a re-base and try again later.
    fn start_new_increment(&mut self, durable: Position) -> Result<(), LogError>;

    /// Second half: everything from `durable` to `end` has been written to the new increment and synced. Makes the old
    /// increment end at `durable` and the new one follow it, in an order in which a crash neither loses nor doubles
    /// what lies between (for example: a manifest that declares the cut, replaced atomically, then the cut itself).
    ///
    /// # Errors
    ///
    /// As [`Log::start_new_increment`].
    fn adopt_new_increment(&mut self, durable: Position, end: Position) -> Result<(), LogError>;

    /// Ends the log at `at`. With `clean`, everything has been written and synced: a closing frame, trimming of
    /// prepared space, a last sync. Without, just let go of the files, as they are.
    ///
    /// # Errors
    ///
    /// Only reported: the log is closed in any case.
    fn close(&mut self, at: Position, durable: Position, clean: bool) -> Result<(), LogError>;

    /// Logical sizes, for statistics and growth rules. Called after every write: must be cheap.
    fn bytes(&self) -> LogBytes;
}

/// Makes durable what has been written to one increment. Usable from any thread.
pub trait SyncHandle: Send + Sync {
    /// Like `fdatasync(2)`: returns once everything written before the call is on stable storage.
    ///
    /// # Errors
    ///
    /// *Every* error, whatever its variant, means that the increment is never trusted again.
    fn sync(&self) -> Result<(), LogError>;
}

/// Logical sizes of a log in bytes (prepared space and frames that are not data are up to the log).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogBytes {
    /// Base and all increments together.
    pub current: u64,
    /// The same right after the last rewrite (or at start).
    pub base: u64,
}

/// Why the log moves to another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Switch {
    /// A rewrite begins: drain the increment to the cut, closing frame, trim, sync; create and sync the new increment
    /// and its directory entry; replace the manifest durably. The new base follows with
    /// [`Log::complete_rewrite`], or [`Log::abort_rewrite`] says that it does not come.
    Rewrite,
    /// A backup wants closed files: as `Rewrite`, but no base follows.
    Backup,
    /// `appendonly yes` at run time: there is no current increment. Creates one (and syncs its directory entry) that
    /// stays unlisted until the base arrives with [`Log::complete_rewrite`].
    Enable,
    /// `appendonly no`: closing frame, trim, sync, close. Nothing is opened; the next switch is `Enable`.
    Disable,
    /// The current increment is lost (or cannot be written) and a snapshot taken at this very position replaces
    /// everything before it. The old increment is not touched and stays listed; the new one stays unlisted until the
    /// base arrives with [`Log::complete_rewrite`].
    Rebase,
}

impl Switch {
    /// Whether the new increment counts only once its base has arrived.
    #[must_use]
    pub const fn awaits_base(self) -> bool {
        matches!(self, Switch::Enable | Switch::Rebase)
    }
}

/// The base that a rewrite produced. The scheduler hands it through unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewriteBase {
    /// How the log finds it: the name of a finished, synced file beside its own.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// Why a log could not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// No room: `ENOSPC`, `EDQUOT`, or a short write. What was there is intact and the operation may be repeated.
    #[error("{0}")]
    Full(Cause),
    /// The device failed (`EIO`, or any error of a sync). The increment is never trusted again.
    #[error("{0}")]
    Failed(Cause),
    /// The environment refused something before anything was touched (a name that exists, a missing permission).
    #[error("{0}")]
    Refused(Cause),
    /// The request makes no sense in the log's present state: a mistake of the caller.
    #[error("log misuse: {0}")]
    Misuse(&'static str),
    /// The thread that served the log died; a mistake of ours.
    #[error("the log thread has died: {0}")]
    Poisoned(String),
}

impl LogError {
    /// The error number of the system call, or 0 when none is behind this error.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        match self {
            LogError::Full(cause) | LogError::Failed(cause) | LogError::Refused(cause) => cause.errno,
            LogError::Misuse(_) | LogError::Poisoned(_) => 0,
        }
    }

    /// The text users see, as `strerror(3)` words it: `No space left on device`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            LogError::Full(cause) | LogError::Failed(cause) | LogError::Refused(cause) => cause.text.clone(),
            LogError::Misuse(_) | LogError::Poisoned(_) => self.to_string(),
        }
    }

    /// Whether repeating the operation may succeed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, LogError::Full(_))
    }
}

/// What the operating system said.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{operation}: {text}")]
pub struct Cause {
    /// What was being done: `write`, `fdatasync`, `rename` ..., with the name of the file where that helps.
    pub operation: String,
    /// The error number; 0 when there is none (a short write).
    pub errno: i32,
    /// Its text as `strerror(3)` words it, without the number.
    pub text: String,
}

impl Cause {
    /// Puts the three together.
    pub fn new(operation: impl Into<String>, errno: i32, text: impl Into<String>) -> Self {
        Self { operation: operation.into(), errno, text: text.into() }
    }
}
