//! The log as the scheduler drives it: one current increment, and the protocols by which another takes its place.

mod leaving;
mod rewriting;
mod switching;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lastsave_fsync_scheduler::{
    Log, LogBytes, LogError, Position, PrepareJob, RewriteBase, Switch, SyncHandle,
};
use lastsave_storage::File;

use crate::directory::AofDirectory;
use crate::frame::{Header, Predecessor};
use crate::log_error::{failed, refused};
use crate::segment::{FrameContext, Segment};
use crate::settings::LogSettings;

/// A frame that would be a short one is a long one when the last of those is this old: long frames tell the time, to which
/// a log may be wound back.
const TIME_STEP_MS: u64 = 100;

/// How the current increment belongs to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Listed in the manifest, as its last increment.
    Listed,
    /// `temp-A.incr`: listed once its base arrives.
    AwaitingBase,
    /// Has its final name and number, listed once what was in doubt has been written to it again.
    AwaitingAdoption,
}

/// A multi-part append-only file, open for writing. Implements [`Log`].
pub struct AofLog {
    directory: Arc<AofDirectory>,
    settings: Arc<LogSettings>,
    current: Option<(Segment, Role)>,
    /// The listed increment that was left because it must not be trusted or because a snapshot replaces it. Not written
    /// any more; needed to know where it is to be cut.
    left: Option<Segment>,
    /// The first increment that the base of the rewrite under way does not hold.
    rewrite_keeps_from: Option<i64>,
    /// Bytes of the base.
    base_file_bytes: u64,
    /// Bytes of the listed increments other than the current one, by number.
    closed: Vec<(i64, u64)>,
    /// Total after the last rewrite, or the base alone after a start.
    growth_base_bytes: u64,
    /// The time in the last long frame.
    long_frame_ms: u64,
}

impl AofLog {
    /// A log that is off (`appendonly no`). [`Switch::Enable`] turns it on.
    #[must_use]
    pub fn off(directory: Arc<AofDirectory>, settings: Arc<LogSettings>) -> Self {
        Self {
            directory,
            settings,
            current: None,
            left: None,
            rewrite_keeps_from: None,
            base_file_bytes: 0,
            closed: Vec::new(),
            growth_base_bytes: 0,
            long_frame_ms: 0,
        }
    }

    /// A log whose last listed increment is `segment`.
    pub(crate) fn with_current(
        directory: Arc<AofDirectory>,
        settings: Arc<LogSettings>,
        segment: Segment,
        base_file_bytes: u64,
        closed: Vec<(i64, u64)>,
    ) -> Self {
        let mut log = Self::off(directory, settings);
        log.current = Some((segment, Role::Listed));
        log.base_file_bytes = base_file_bytes;
        log.closed = closed;
        log.growth_base_bytes = base_file_bytes;
        log
    }

    /// The directory of the log.
    #[must_use]
    pub fn directory(&self) -> &Arc<AofDirectory> {
        &self.directory
    }

    /// The settings of the log.
    #[must_use]
    pub fn settings(&self) -> &Arc<LogSettings> {
        &self.settings
    }

    /// Name of the file that is written now, if any.
    #[must_use]
    pub fn current_file_name(&self) -> Option<String> {
        self.current.as_ref().map(|(segment, _)| String::from_utf8_lossy(segment.name()).into_owned())
    }

    /// Logical length of the file that is written now: where the next block goes.
    #[must_use]
    pub fn current_file_bytes(&self) -> Option<u64> {
        self.current.as_ref().map(|(segment, _)| segment.end())
    }

    fn context(&self, end: Position, long: bool) -> FrameContext {
        let (replication_id, replication_offset) = self.settings.replication_at(end);
        FrameContext { long, time_ms: self.settings.now_ms(), replication_id, replication_offset }
    }

    fn current_mut(&mut self) -> Result<&mut Segment, LogError> {
        self.current
            .as_mut()
            .map(|(segment, _)| segment)
            .ok_or(LogError::Misuse("the log has no current increment"))
    }

    /// Creates the file of a new increment, synced with its name, and with a header if frames are on.
    fn create_segment(
        &self,
        name: &[u8],
        sequence: Option<i64>,
        predecessor: Option<Predecessor>,
        position: Position,
    ) -> Result<Segment, LogError> {
        let header = self.settings.frames().then(|| Header {
            segment_id: self.settings.next_segment_id(),
            start: position.get(),
            predecessor,
            time_ms: self.settings.now_ms(),
        });
        start_segment(&self.directory, name, sequence, header.as_ref(), position)
            .map_err(|error| refused(&error))
    }

    fn remember_closed(&mut self, segment: &Segment) {
        let sequence = segment.sequence().expect("a listed increment has a number");
        self.closed.push((sequence, segment.end()));
    }
}

/// Creates the file of an increment and makes it durable with its name; removes it again when that fails.
pub(crate) fn start_segment(
    directory: &AofDirectory,
    name: &[u8],
    sequence: Option<i64>,
    header: Option<&Header>,
    position: Position,
) -> Result<Segment, lastsave_storage::StorageError> {
    let created = directory
        .create_file(name)
        .and_then(|file| Segment::start(file, name.to_vec(), sequence, header, position))
        .and_then(|segment| directory.sync_names().map(|()| segment));
    if created.is_err() {
        directory.remove_quietly(name);
    }
    created
}

impl Log for AofLog {
    fn write(
        &mut self,
        batch: &[Bytes],
        end: Position,
        durable: Position,
        long: bool,
    ) -> Result<(), LogError> {
        let mut context = self.context(end, long);
        context.long |= context.time_ms.abs_diff(self.long_frame_ms) >= TIME_STEP_MS;
        if context.long {
            self.long_frame_ms = context.time_ms;
        }
        self.current_mut()?.write(batch, end, durable, &context)
    }

    fn sync_handle(&self) -> Arc<dyn SyncHandle> {
        let file = self.current.as_ref().map(|(segment, _)| Arc::clone(segment.file()));
        Arc::new(FileSync { file })
    }

    fn mark(&mut self, durable: Position) -> Result<(), LogError> {
        let end = self.current_mut()?.end_position();
        let context = self.context(end, true);
        self.current_mut()?.mark(durable, &context)
    }

    fn prepare(&mut self) -> Option<PrepareJob> {
        if !self.settings.prepare() {
            return None;
        }
        let step_bytes = self.settings.prepare_step_bytes();
        let (segment, _) = self.current.as_mut()?;
        segment.prepare(step_bytes).map(|job| Box::new(job) as PrepareJob)
    }

    fn switch(&mut self, kind: Switch, at: Position, durable: Position) -> Result<(), LogError> {
        self.switch_to(kind, at, durable)
    }

    fn complete_rewrite(&mut self, base: &RewriteBase, _durable: Position) -> Result<(), LogError> {
        self.adopt_base(base)
    }

    fn abort_rewrite(&mut self) -> Result<(), LogError> {
        self.give_up_base();
        Ok(())
    }

    fn start_new_increment(&mut self, durable: Position) -> Result<(), LogError> {
        self.open_successor(durable)
    }

    fn adopt_new_increment(&mut self, durable: Position, end: Position) -> Result<(), LogError> {
        self.adopt_successor(durable, end)
    }

    fn close(&mut self, at: Position, durable: Position, clean: bool) -> Result<(), LogError> {
        let outcome = if clean { self.close_cleanly(at, durable) } else { Ok(()) };
        self.current = None;
        self.left = None;
        self.rewrite_keeps_from = None;
        outcome
    }

    fn bytes(&self) -> LogBytes {
        let closed: u64 = self.closed.iter().map(|&(_, bytes)| bytes).sum();
        let left = self.left.as_ref().map_or(0, Segment::end);
        let current = self.current.as_ref().map_or(0, |(segment, _)| segment.end());
        LogBytes { current: self.base_file_bytes + closed + left + current, base: self.growth_base_bytes }
    }
}

impl fmt::Debug for AofLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AofLog")
            .field("current", &self.current)
            .field("left", &self.left)
            .field("rewrite_keeps_from", &self.rewrite_keeps_from)
            .finish_non_exhaustive()
    }
}

/// Syncs one file, whatever becomes current later.
struct FileSync {
    file: Option<Arc<dyn File>>,
}

impl SyncHandle for FileSync {
    fn sync(&self) -> Result<(), LogError> {
        match &self.file {
            Some(file) => file.datasync().map_err(|error| failed(&error)),
            None => Err(LogError::Misuse("there is no current increment to sync")),
        }
    }
}
