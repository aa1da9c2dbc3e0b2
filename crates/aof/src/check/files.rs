//! One file of a log under check: structure, frames, and what may be cut.

use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{File, FileReader, OpenOptions, Storage, StorageError};

use super::frames::{FrameReport, survey_frames};
use super::resp::{Lines, RecordError, Transaction};
use super::{CheckAction, CheckConsole, CheckFailed};
use crate::numbers::leading_integer;
use crate::record::TIMESTAMP_TAG;

/// A check under way.
pub(super) struct Check<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) action: CheckAction,
    pub(super) console: &'a mut dyn CheckConsole,
    /// Lines passed in all files so far, counted as the tool counts them.
    pub(super) lines: u64,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid,
    Empty,
    NotValid,
    Truncated,
    TimestampTruncated,
}

/// How far a file is intact.
struct Extent {
    ok_up_to: u64,
    error: Option<String>,
    was_cut_to_timestamp: bool,
}

impl Check<'_> {
    pub(super) fn single_file(
        &mut self,
        name: &str,
        path: &Path,
        is_last: bool,
        has_rdb: bool,
    ) -> Result<Verdict, CheckFailed> {
        let file = match self.storage.open(path, &OpenOptions::read_write()) {
            Ok(file) => file,
            Err(error) => {
                return self.give_up(&format!(
                    "Cannot open file {}: {}, aborting...",
                    path.display(),
                    error.reason()
                ));
            }
        };
        let outcome = self.single_open_file(name, &file, is_last, has_rdb);
        match outcome {
            Ok(verdict) => verdict,
            Err(error) => self.give_up(&format!("Failed to read from AOF {name}, aborting... ({error})")),
        }
    }

    fn single_open_file(
        &mut self,
        name: &str,
        file: &Arc<dyn File>,
        is_last: bool,
        has_rdb: bool,
    ) -> Result<Result<Verdict, CheckFailed>, StorageError> {
        let size = file.len()?;
        if size == 0 {
            return Ok(Ok(Verdict::Empty));
        }
        let mut start = 0;
        if has_rdb {
            match self.console.check_rdb(name, FileReader::new(Arc::clone(file))) {
                Some(end) => start = end.min(size),
                None => return Ok(self.give_up("RDB preamble of AOF file is not sane, aborting.")),
            }
            self.console.line("RDB preamble is OK, proceeding with AOF tail...");
        }
        let extent = match self.walk(name, file, start, size, is_last)? {
            Ok(extent) => extent,
            Err(failed) => return Ok(Err(failed)),
        };
        if extent.was_cut_to_timestamp {
            return Ok(Ok(Verdict::TimestampTruncated));
        }
        let frames = survey_frames(file, size)?;
        Ok(self.conclude(name, file, size, is_last, &extent, frames.as_ref()))
    }

    /// Walks records and annotations. The inner error has been printed.
    fn walk(
        &mut self,
        name: &str,
        file: &Arc<dyn File>,
        start: u64,
        size: u64,
        is_last: bool,
    ) -> Result<Result<Extent, CheckFailed>, StorageError> {
        let mut lines = Lines::new(Arc::clone(file), start, size);
        let mut transaction = Transaction::default();
        let mut extent = Extent { ok_up_to: start, error: None, was_cut_to_timestamp: false };
        let mut last_argument_at = start;
        loop {
            if !transaction.is_open {
                extent.ok_up_to = lines.offset();
            }
            match lines.peek(1)?.first() {
                None => break,
                Some(b'#') => {
                    let at = lines.offset();
                    let line = lines.pass_line()?;
                    match self.follow_timestamp(name, file, at, &line, is_last)? {
                        Ok(false) => {}
                        Ok(true) => {
                            extent.was_cut_to_timestamp = true;
                            return Ok(Ok(extent));
                        }
                        Err(failed) => return Ok(Err(failed)),
                    }
                }
                Some(b'*') => match lines.pass_record(name, &mut self.lines, &mut transaction) {
                    Ok(last) => last_argument_at = last.unwrap_or(last_argument_at),
                    Err(RecordError::End) => {
                        last_argument_at = lines.offset();
                        break;
                    }
                    Err(RecordError::Storage(error)) => return Err(error),
                    Err(RecordError::Defect(defect)) => {
                        extent.error = Some(format!("0x{:>16x}: {}", defect.offset, defect.text));
                        return Ok(Ok(extent));
                    }
                },
                Some(_) => {
                    self.console.line(&format!("AOF {name} format error"));
                    return Ok(Ok(extent));
                }
            }
        }
        if transaction.is_open {
            extent.error =
                Some(format!("0x{last_argument_at:>16x}: Reached EOF before reading EXEC for MULTI"));
        }
        Ok(Ok(extent))
    }

    /// Cuts the file before a time annotation that is too late. `Ok(true)` when it was cut.
    fn follow_timestamp(
        &mut self,
        name: &str,
        file: &Arc<dyn File>,
        at: u64,
        line: &[u8],
        is_last: bool,
    ) -> Result<Result<bool, CheckFailed>, StorageError> {
        let CheckAction::TruncateToTimestamp(limit) = self.action else { return Ok(Ok(false)) };
        let Some(number) = line.strip_prefix(TIMESTAMP_TAG) else { return Ok(Ok(false)) };
        let is_number = number.strip_suffix(b"\r\n").is_some_and(|digits| {
            let digits = digits.strip_prefix(b"-").unwrap_or(digits);
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        });
        if !is_number {
            return Ok(self.give_up("Invalid timestamp annotation"));
        }
        if leading_integer(number) <= limit {
            return Ok(Ok(false));
        }
        if at == 0 {
            return Ok(self.give_up(&format!("AOF {name} has nothing before timestamp {limit}, aborting...")));
        }
        if !is_last {
            self.console.line(&format!(
                "Failed to truncate AOF {name} to timestamp {limit} to offset {at} because it is not the last file."
            ));
            return Ok(self.give_up(
                "If you insist, please delete all files after this file according to the manifest file and delete \
                 the corresponding records in manifest file manually. Then re-run redis-check-aof.",
            ));
        }
        // A block is cut only where a frame ends, or the rest of it would be a torn tail.
        let cut = super::frames::frame_end_before(file, at)?.unwrap_or(at);
        file.truncate(cut)?;
        file.sync()?;
        Ok(Ok(true))
    }

    fn conclude(
        &mut self,
        name: &str,
        file: &Arc<dyn File>,
        size: u64,
        is_last: bool,
        extent: &Extent,
        frames: Option<&FrameReport>,
    ) -> Result<Verdict, CheckFailed> {
        if let Some(error) = &extent.error {
            self.console.line(error);
        }
        let mut ok_up_to = extent.ok_up_to;
        if let Some(frames) = frames
            && let Some(damage) = &frames.damage
        {
            // What no frame closes does not count, even where its structure is sound.
            ok_up_to = ok_up_to.min(damage.offset);
            self.console.line(&format!("0x{:>16x}: {}", damage.offset, damage.text));
        }
        let excess = size - ok_up_to;
        if excess == 0
            && let CheckAction::TruncateToTimestamp(limit) = self.action
        {
            self.console.line(&format!("Truncate nothing in AOF {name} to timestamp {limit}"));
            return Ok(Verdict::Valid);
        }
        self.console.line(&format!(
            "AOF analyzed: filename={name}, size={size}, ok_up_to={ok_up_to}, ok_up_to_line={}, diff={excess}",
            self.lines
        ));
        if let Some(frames) = frames {
            self.console.line(&frames.summary(name));
        }
        if excess == 0 {
            return Ok(Verdict::Valid);
        }
        let CheckAction::Fix { even_durable } = self.action else { return Ok(Verdict::NotValid) };
        let is_durable = frames.is_some_and(FrameReport::proves_corruption);
        self.cut(name, file, size, ok_up_to, is_last, is_durable && !even_durable)
    }

    fn cut(
        &mut self,
        name: &str,
        file: &Arc<dyn File>,
        size: u64,
        ok_up_to: u64,
        is_last: bool,
        is_protected: bool,
    ) -> Result<Verdict, CheckFailed> {
        if !is_last {
            return self.give_up(&format!("Failed to truncate AOF {name} because it is not the last file"));
        }
        if is_protected {
            return self.give_up(&format!(
                "Refusing to truncate AOF {name}: valid frames behind offset {ok_up_to} prove that what is damaged \
                 there was durable. Make a backup first; cutting would lose every write behind that offset."
            ));
        }
        self.console.line(&format!(
            "This will shrink the AOF {name} from {size} bytes, with {} bytes, to {ok_up_to} bytes",
            size - ok_up_to
        ));
        if !self.console.confirm("Continue? [y/N]: ") {
            return self.give_up("Aborting...");
        }
        if file.truncate(ok_up_to).and_then(|()| file.sync()).is_err() {
            return self.give_up(&format!("Failed to truncate AOF {name}"));
        }
        Ok(Verdict::Truncated)
    }

    /// Prints the closing line of a file.
    pub(super) fn report(&mut self, name: &str, what: &str, verdict: Verdict) -> Result<(), CheckFailed> {
        let limit = match self.action {
            CheckAction::TruncateToTimestamp(limit) => limit,
            CheckAction::Verify | CheckAction::Fix { .. } => 0,
        };
        let text = match verdict {
            Verdict::Valid => format!("{what} {name} is valid"),
            Verdict::Empty => format!("{what} {name} is empty"),
            Verdict::Truncated => format!("Successfully truncated AOF {name}"),
            Verdict::TimestampTruncated => format!("Successfully truncated AOF {name} to timestamp {limit}"),
            Verdict::NotValid => {
                return self
                    .give_up(&format!("AOF {name} is not valid. Use the --fix option to try fixing it."));
            }
        };
        self.console.line(&text);
        Ok(())
    }

    fn give_up<T>(&mut self, text: &str) -> Result<T, CheckFailed> {
        self.console.line(text);
        Err(CheckFailed)
    }
}
