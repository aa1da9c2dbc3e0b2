//! When records were written, as far as the marks around them tell.

use std::collections::VecDeque;
use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use crate::scan::{FileScanner, Found, TimeMark};

/// The time within which something was written, unix milliseconds. Clocks are taken at their word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenAt {
    /// Not before this.
    pub not_before_ms: Option<u64>,
    /// Not after this.
    pub not_after_ms: Option<u64>,
}

/// Follows the marks of one file. Those behind the cursor are found by a scanner that runs ahead, never further than to
/// the next mark, so that a file of any size needs little memory.
#[derive(Debug)]
pub(super) struct Times {
    ahead: FileScanner,
    ahead_is_done: bool,
    marks: VecDeque<TimeMark>,
    not_before_ms: Option<u64>,
    /// The second that the last annotation named, unless a frame came since.
    second: Option<u64>,
    /// What is behind the last mark was written by then.
    end_ms: Option<u64>,
}

impl Times {
    /// `ahead` stands where reading begins.
    pub(super) fn new(mut ahead: FileScanner, not_before_ms: Option<u64>, end_ms: Option<u64>) -> Self {
        ahead.collect_times();
        Self { ahead, ahead_is_done: false, marks: VecDeque::new(), not_before_ms, second: None, end_ms }
    }

    /// Goes on behind a damaged place.
    pub(super) fn resume(&mut self, mut ahead: FileScanner) {
        ahead.collect_times();
        self.ahead = ahead;
        self.ahead_is_done = false;
    }

    /// When the record at `start`, which is behind all those asked for before, was written.
    pub(super) fn written(&mut self, start: u64) -> Result<WrittenAt, StorageError> {
        loop {
            match self.marks.front() {
                Some(&TimeMark::Frame { end, time_ms }) if end <= start => {
                    self.not_before_ms = Some(time_ms);
                    self.second = None;
                }
                Some(&TimeMark::Annotation { offset, second }) if offset < start => {
                    self.not_before_ms = Some(second.saturating_mul(1000));
                    self.second = Some(second);
                }
                Some(_) => break,
                // The annotation's own second says enough, and the next mark may be far.
                None if self.ahead_is_done
                    || (self.second.is_some() && !self.ahead.is_framed() && self.ahead.offset() > start) =>
                {
                    break;
                }
                None => {
                    self.look_ahead()?;
                    continue;
                }
            }
            self.marks.pop_front();
        }
        let by_mark = match self.marks.front() {
            Some(&TimeMark::Frame { time_ms, .. }) => Some(time_ms),
            Some(&TimeMark::Annotation { second, .. }) => Some(end_of_second(second)),
            None if self.second.is_some() => None,
            None => self.end_ms,
        };
        let by_second = self.second.map(end_of_second);
        let not_after_ms = match (by_mark, by_second) {
            (Some(mark), Some(second)) => Some(mark.min(second)),
            (mark, second) => mark.or(second),
        };
        // A clock that was set back.
        let not_before_ms = match not_after_ms {
            Some(not_after) => self.not_before_ms.map(|not_before| not_before.min(not_after)),
            None => self.not_before_ms,
        };
        Ok(WrittenAt { not_before_ms, not_after_ms })
    }

    fn look_ahead(&mut self) -> Result<(), StorageError> {
        let found = self.ahead.find()?;
        self.marks.extend(self.ahead.take_times());
        self.ahead_is_done = matches!(found, Found::End(_));
        Ok(())
    }
}

const fn end_of_second(second: u64) -> u64 {
    second.saturating_mul(1000).saturating_add(999)
}

/// A scanner of its own that begins where reading begins.
pub(super) fn scanner(file: &Arc<dyn File>, offset: u64, limit: u64, segment_id: Option<u64>) -> FileScanner {
    let file = Arc::clone(file);
    match segment_id {
        Some(segment_id) => FileScanner::framed_at(file, offset, limit, segment_id),
        None => FileScanner::new(file, offset, limit),
    }
}
