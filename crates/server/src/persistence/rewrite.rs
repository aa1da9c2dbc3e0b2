//! A rewrite of the log: the state of one attempt, and when the next one is due.

use std::sync::Arc;

use lastsave_fsync_scheduler::{RequestId, Switch};

use super::jobs::JobId;
use super::progress::Progress;

/// Failures in a row after which automatic rewrites are spaced out.
const FAILURES_BEFORE_LIMIT: u64 = 3;

/// The longest pause between automatic rewrites, in minutes.
const PAUSE_MINUTES_MAX: u64 = 60;

/// A rewrite under way. It is complete when its base is written and the log has moved to its new file.
#[derive(Debug)]
pub(crate) struct Rewrite {
    pub(crate) kind: RewriteKind,
    pub(crate) job: JobId,
    pub(crate) progress: Arc<Progress>,
    pub(crate) started_ms: i64,
    /// The log's move to a new file; done once it is `None`. Not needed when the log is off.
    pub(crate) switch: Option<RequestId>,
    /// The job has ended, well or not.
    pub(crate) job_is_done: bool,
    /// The finished base, once the job has ended well: its bytes.
    pub(crate) base_bytes: Option<u64>,
    /// The log's adoption of the base, or its abort, once asked for.
    pub(crate) conclusion: Option<Conclusion>,
}

/// What a rewrite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RewriteKind {
    /// The log goes on in a new increment.
    Log(Switch),
    /// The log is off: only a base is made.
    BaseOnly,
}

/// The last step of a rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// The log was told that the base is ready.
    Completing(RequestId),
    /// The base will not come, which the log is told as soon as it has moved: it would not know what for before.
    /// `failed`: because something went wrong.
    WaitingToAbort {
        /// Whether this counts as a failure.
        failed: bool,
    },
    /// The log was told that the base will not come. `failed`: because something went wrong.
    Aborting {
        /// Of the request to the log.
        id: RequestId,
        /// Whether this counts as a failure.
        failed: bool,
    },
    /// The log has let it go.
    Aborted {
        /// Whether this counts as a failure.
        failed: bool,
    },
}

/// Counts of rewrites, and the pause between automatic ones that keep failing.
#[derive(Debug)]
pub(crate) struct RewriteHistory {
    pub(crate) count: u64,
    pub(crate) last_status_ok: bool,
    pub(crate) last_duration_seconds: i64,
    pub(crate) last_extra_bytes: usize,
    pub(crate) failures_in_a_row: u64,
    pause_minutes: u64,
    next_attempt_ms: i64,
}

impl Default for RewriteHistory {
    fn default() -> Self {
        Self {
            count: 0,
            last_status_ok: true,
            last_duration_seconds: -1,
            last_extra_bytes: 0,
            failures_in_a_row: 0,
            pause_minutes: 0,
            next_attempt_ms: 0,
        }
    }
}

impl RewriteHistory {
    pub(crate) fn note_success(&mut self) {
        self.last_status_ok = true;
        self.reset_failures();
    }

    pub(crate) fn note_failure(&mut self) {
        self.last_status_ok = false;
        self.failures_in_a_row += 1;
    }

    /// Somebody asks for a rewrite in person: earlier failures count no longer.
    pub(crate) fn reset_failures(&mut self) {
        self.failures_in_a_row = 0;
        self.pause_minutes = 0;
        self.next_attempt_ms = 0;
    }

    /// Whether an automatic rewrite may start now. After three failures in a row there are 1, 2, 4 ... 60 minutes
    /// between attempts; the line to log is given when a pause begins.
    pub(crate) fn may_start(&mut self, now_ms: i64) -> Result<(), Option<String>> {
        if self.failures_in_a_row < FAILURES_BEFORE_LIMIT {
            return Ok(());
        }
        if self.next_attempt_ms != 0 && now_ms >= self.next_attempt_ms {
            self.next_attempt_ms = 0;
            return Ok(());
        }
        if self.next_attempt_ms != 0 {
            return Err(None);
        }
        self.pause_minutes = (self.pause_minutes * 2).clamp(1, PAUSE_MINUTES_MAX);
        self.next_attempt_ms = now_ms + self.pause_minutes as i64 * 60_000;
        Err(Some(format!(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {} minutes",
            self.pause_minutes
        )))
    }
}

/// Growth of the log over its size after the last rewrite, in percent.
pub(crate) fn growth_percent(current_bytes: u64, base_bytes: u64) -> i128 {
    i128::from(current_bytes) * 100 / i128::from(base_bytes.max(1)) - 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_after_three_failures_and_end_with_a_success() {
        let mut history = RewriteHistory::default();
        for _ in 0..3 {
            assert_eq!(history.may_start(0), Ok(()));
            history.note_failure();
        }
        let mut now_ms = 1;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            let line = history.may_start(now_ms).expect_err("a pause begins").expect("and is logged");
            assert!(line.ends_with(&format!("will retry in {minutes} minutes")), "{line}");
            now_ms += minutes * 60_000 - 1;
            assert_eq!(history.may_start(now_ms), Err(None));
            now_ms += 1;
            assert_eq!(history.may_start(now_ms), Ok(()));
            history.note_failure();
        }
        history.note_success();
        assert_eq!(history.may_start(now_ms), Ok(()));
    }

    #[test]
    fn growth_is_measured_against_the_base() {
        assert_eq!(growth_percent(200, 100), 100);
        assert_eq!(growth_percent(50, 100), -50);
        assert_eq!(growth_percent(5, 0), 400);
    }
}
