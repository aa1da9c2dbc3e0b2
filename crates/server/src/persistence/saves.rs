//! Saving the data set to its dump file: what is counted, what is due, what runs.

use std::sync::Arc;

use lastsave_config::SavePoint;

use super::jobs::JobId;
use super::progress::Progress;

/// Seconds between attempts after a failed background save.
const RETRY_SECONDS: i64 = 5;

/// Who wants a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaveCause {
    /// BGSAVE, a save point, a scheduled BGSAVE.
    Background,
    /// SAVE, whose client waits.
    Command {
        /// Who waits.
        ticket: u64,
    },
    /// FLUSHALL, whose client waits, if it can.
    Flush {
        /// Who waits.
        ticket: Option<u64>,
    },
    /// The last save before the process ends.
    Shutdown,
}

/// A save under way.
#[derive(Debug)]
pub(crate) struct RunningSave {
    pub(crate) job: JobId,
    pub(crate) cause: SaveCause,
    pub(crate) progress: Arc<Progress>,
    pub(crate) started_ms: i64,
    /// Changes at the cut: what is no longer unsaved when the job succeeds.
    pub(crate) dirty_at_cut: u64,
    /// A later FLUSHALL or shutdown made it worthless, or BGSAVE CANCEL ended it.
    pub(crate) is_cancelled: bool,
}

/// The state of saving.
#[derive(Debug)]
pub(crate) struct Saves {
    pub(crate) points: Vec<SavePoint>,
    /// Changes since the last successful save.
    pub(crate) dirty: u64,
    pub(crate) last_save_seconds: i64,
    pub(crate) last_try_seconds: i64,
    pub(crate) last_status_ok: bool,
    pub(crate) last_duration_seconds: i64,
    pub(crate) last_verified_seconds: i64,
    /// Extra memory that the last one cost at its peak.
    pub(crate) last_extra_bytes: usize,
    /// SAVE calls and background saves attempted.
    pub(crate) count: u64,
    /// Those that have put their file in place.
    pub(crate) succeeded: u64,
    /// A BGSAVE waits for the log's rewrite to end.
    pub(crate) is_scheduled: bool,
    pub(crate) running: Option<RunningSave>,
    /// What starts as soon as the running save has ended.
    pub(crate) next: Option<SaveCause>,
}

impl Saves {
    pub(crate) fn new(points: Vec<SavePoint>, now_ms: i64) -> Self {
        Self {
            points,
            dirty: 0,
            last_save_seconds: now_ms / 1000,
            last_try_seconds: 0,
            last_status_ok: true,
            last_duration_seconds: -1,
            last_verified_seconds: 0,
            last_extra_bytes: 0,
            count: 0,
            succeeded: 0,
            is_scheduled: false,
            running: None,
            next: None,
        }
    }

    /// Whether a save runs, or will as soon as a cancelled one has ended.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.is_some() || self.next.is_some()
    }

    /// Whether a background save runs, as INFO tells it.
    pub(crate) fn is_background_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.cause == SaveCause::Background)
    }

    /// Whether the running save was told that its result is not wanted.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.is_cancelled)
    }

    /// The save point that is due, if any: the first in order that has seen enough changes for long enough.
    pub(crate) fn due_point(&self, now_s: i64) -> Option<&SavePoint> {
        let may_try = self.last_status_ok || self.waited_after_failure(now_s);
        self.points.iter().find(|point| {
            may_try
                && self.dirty >= point.changes
                && u64::try_from(now_s - self.last_save_seconds).is_ok_and(|waited| waited > point.seconds)
        })
    }

    /// Whether the last attempt lies far enough back to try again.
    pub(crate) fn waited_after_failure(&self, now_s: i64) -> bool {
        now_s - self.last_try_seconds > RETRY_SECONDS
    }

    /// Tells a save that its result is not wanted any more.
    pub(crate) fn cancel_running(&mut self) {
        if let Some(running) = &mut self.running {
            running.is_cancelled = true;
            running.progress.cancel();
        }
    }

    /// A save has put its file in place.
    pub(crate) fn note_success(&mut self, running: &RunningSave, now_ms: i64) {
        self.dirty = self.dirty.saturating_sub(running.dirty_at_cut);
        self.last_save_seconds = now_ms / 1000;
        self.last_verified_seconds = now_ms / 1000;
        self.last_status_ok = true;
        self.succeeded += 1;
        self.note_duration(running, now_ms);
    }

    /// A save has failed; one that was cancelled changes nothing.
    pub(crate) fn note_failure(&mut self, running: &RunningSave, now_ms: i64) {
        self.note_duration(running, now_ms);
        // As in Redis: whoever saves in the foreground is told, and only a background save stops writes.
        if running.cause == SaveCause::Background && !running.is_cancelled {
            self.last_status_ok = false;
        }
    }

    fn note_duration(&mut self, running: &RunningSave, now_ms: i64) {
        if running.cause == SaveCause::Background {
            self.last_duration_seconds = (now_ms - running.started_ms) / 1000;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saves() -> Saves {
        let mut saves = Saves::new(vec![SavePoint { seconds: 60, changes: 10 }], 1_000_000);
        saves.dirty = 10;
        saves
    }

    #[test]
    fn a_save_point_needs_both_changes_and_time() {
        let mut saves = saves();
        assert!(saves.due_point(1060).is_none());
        assert!(saves.due_point(1061).is_some());
        saves.dirty = 9;
        assert!(saves.due_point(1061).is_none());
    }

    #[test]
    fn after_a_failure_the_next_attempt_waits_five_seconds() {
        let mut saves = saves();
        (saves.last_status_ok, saves.last_try_seconds) = (false, 1100);
        assert!(saves.due_point(1105).is_none());
        assert!(saves.due_point(1106).is_some());
    }
}
