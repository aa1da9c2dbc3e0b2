//! Reading a verified range again, one record at a time, when it was too big to keep in memory while it was verified.

use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::File;

use crate::error::{AofError, Corruption, DamageReason, Evidence};
use crate::record::{Line, Parsed, find_line, parse_record};
use crate::scan::Window;

/// A range of a file that holds whole records and annotations only.
#[derive(Debug)]
pub(crate) struct Reread {
    window: Window,
    arguments: Vec<Range<usize>>,
    record_bytes: usize,
}

impl Reread {
    pub(crate) fn new(file: Arc<dyn File>, range: Range<u64>) -> Self {
        Self { window: Window::new(file, range.start, range.end), arguments: Vec::new(), record_bytes: 0 }
    }

    /// Goes to the next record; `false` when there is none.
    pub(crate) fn advance(&mut self) -> Result<bool, AofError> {
        self.window.advance(self.record_bytes);
        self.record_bytes = 0;
        self.arguments.clear();
        loop {
            if self.window.fill(1)? == 0 {
                return Ok(false);
            }
            if self.window.available()[0] != b'#' {
                break;
            }
            self.pass_annotation()?;
        }
        let mut wanted: u64 = 1;
        loop {
            let offset = self.window.offset();
            match parse_record(self.window.available(), offset, 0, &mut self.arguments) {
                Parsed::Record { bytes } => {
                    self.record_bytes = bytes;
                    return Ok(true);
                }
                Parsed::Incomplete { bytes } if bytes <= self.window.remaining() => {
                    wanted = bytes.max(wanted.saturating_mul(2)).min(self.window.remaining());
                    let wanted = usize::try_from(wanted).expect("a file in memory fits the address space");
                    self.window.fill(wanted)?;
                }
                Parsed::Incomplete { .. } => return Err(self.changed(DamageReason::RecordTruncated)),
                Parsed::Malformed(reason) => return Err(self.changed(reason)),
            }
        }
    }

    /// Memory, arguments, bytes and offset of the record.
    pub(crate) fn record(&self) -> (&[u8], &[Range<usize>], &[u8], u64) {
        let memory = self.window.available();
        (memory, &self.arguments, &memory[..self.record_bytes], self.window.offset())
    }

    fn pass_annotation(&mut self) -> Result<(), AofError> {
        loop {
            let had = self.window.available().len();
            match find_line(self.window.available()) {
                Line::Ended(line) => {
                    self.window.advance(line);
                    return Ok(());
                }
                Line::Open if self.window.fill(had + 1)? > had => {}
                Line::Open => return Err(self.changed(DamageReason::AnnotationTruncated)),
                Line::TooLong => {
                    return Err(self.changed(DamageReason::LineTooLong { at: self.window.offset() }));
                }
            }
        }
    }

    /// The bytes are not those that were verified a moment ago.
    fn changed(&self, reason: DamageReason) -> AofError {
        let file = self.window.file().path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let offset = self.window.offset();
        AofError::Corrupt(Corruption { file, offset, reason, evidence: Evidence::VerifiedBefore })
    }
}
