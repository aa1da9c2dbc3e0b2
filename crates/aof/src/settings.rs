//! What a log is told from outside: settings that may change while it runs, time, random numbers, where notices go.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastsave_fsync_scheduler::Position;
use lastsave_storage::{Clock, RealClock};

use crate::frame::ReplicationId;
use crate::notice::Notice;

/// Prepared space is extended by this much at a time unless told otherwise.
const PREPARE_STEP_BYTES: u64 = 1 << 20;

/// Where log lines go.
pub type NoticeSink = Arc<dyn Fn(Notice) + Send + Sync>;

/// Settings shared by a log and the server around it.
pub struct LogSettings {
    frames: AtomicBool,
    prepare: AtomicBool,
    prepare_step_bytes: u64,
    clock: Arc<dyn Clock>,
    replication: Mutex<(ReplicationId, Position, u64)>,
    notices: NoticeSink,
    segment_ids: SegmentIds,
}

/// Where the random ids of segments come from.
enum SegmentIds {
    Random,
    Counted(AtomicU64),
}

impl LogSettings {
    /// Frames on, no prepared space, the machine's clock, random segment ids, notices dropped.
    #[must_use]
    pub fn new() -> Self {
        Self {
            frames: AtomicBool::new(true),
            prepare: AtomicBool::new(false),
            prepare_step_bytes: PREPARE_STEP_BYTES,
            clock: Arc::new(RealClock::new()),
            replication: Mutex::new((ReplicationId::NONE, Position::ZERO, 0)),
            notices: Arc::new(|_| ()),
            segment_ids: SegmentIds::Random,
        }
    }

    /// The clock for the times in frames and file names.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where notices of the running log go (those of loading are returned).
    #[must_use]
    pub fn with_notices(mut self, sink: NoticeSink) -> Self {
        self.notices = sink;
        self
    }

    /// How far prepared space is extended at a time, in bytes.
    #[must_use]
    pub fn with_prepare_step_bytes(mut self, bytes: u64) -> Self {
        self.prepare_step_bytes = bytes;
        self
    }

    /// Segment ids that repeat from run to run, for simulations only: files of two runs then share ids.
    #[must_use]
    pub fn with_counted_segment_ids(mut self, first: u64) -> Self {
        self.segment_ids = SegmentIds::Counted(AtomicU64::new(first));
        self
    }

    /// `aof-frames`. Counts from the next increment on.
    pub fn set_frames(&self, on: bool) {
        self.frames.store(on, Ordering::Relaxed);
    }

    /// Whether new increments are framed.
    #[must_use]
    pub fn frames(&self) -> bool {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whether to keep prepared space: `aof-prepare` while the policy is `always`. Needs frames.
    pub fn set_prepare(&self, on: bool) {
        self.prepare.store(on, Ordering::Relaxed);
    }

    pub(crate) fn prepare(&self) -> bool {
        self.prepare.load(Ordering::Relaxed)
    }

    pub(crate) fn prepare_step_bytes(&self) -> u64 {
        self.prepare_step_bytes
    }

    /// States that at `position` of the effect stream the replication history `id` stands at `offset`. Both are taken to
    /// advance together until stated again.
    pub fn set_replication(&self, id: ReplicationId, position: Position, offset: u64) {
        *self.replication.lock().expect("no holder of the lock panics") = (id, position, offset);
    }

    pub(crate) fn replication_at(&self, position: Position) -> (ReplicationId, u64) {
        let (id, base, offset) = *self.replication.lock().expect("no holder of the lock panics");
        (id, offset.wrapping_add(position.since(base)))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.wall_ms()).unwrap_or(0)
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn notify(&self, notice: Notice) {
        (self.notices)(notice);
    }

    pub(crate) fn next_segment_id(&self) -> u64 {
        match &self.segment_ids {
            // The keys of a `RandomState` come from the operating system.
            SegmentIds::Random => {
                let mut hasher = RandomState::new().build_hasher();
                hasher.write_u64(self.now_ms());
                hasher.finish()
            }
            SegmentIds::Counted(next) => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                // Spread, so that ids share no digits.
                number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LogSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogSettings")
            .field("frames", &self.frames)
            .field("prepare", &self.prepare)
            .finish_non_exhaustive()
    }
}
