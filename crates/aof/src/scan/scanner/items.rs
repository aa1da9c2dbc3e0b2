//! Finding the next item of a file: an annotation, a record, damage, or the end.

use std::ops::Range;

use lastsave_storage::StorageError;

use super::{FileScanner, HELD_BYTES_MAX, Item, RecordSpan, TimeMark};
use crate::error::DamageReason;
use crate::numbers::leading_integer;
use crate::record::{Line, NumberLine, Parsed, TIMESTAMP_TAG, find_line, parse_number_line, parse_record};

impl FileScanner {
    pub(super) fn next_item(&mut self) -> Result<Item, StorageError> {
        self.item_start = self.window.offset();
        if self.window.fill(1)? == 0 {
            return Ok(Item::End);
        }
        if self.window.available()[0] == b'#' {
            return self.annotation();
        }
        let mut wanted: u64 = 1;
        loop {
            let offset = self.window.offset();
            let spans_from = self.window.held_bytes();
            match parse_record(self.window.available(), offset, spans_from, &mut self.arguments) {
                Parsed::Record { bytes } => return Ok(Item::Record { bytes }),
                Parsed::Malformed(reason) => return Ok(Item::Damaged(reason)),
                Parsed::Incomplete { bytes } if bytes > self.window.remaining() => {
                    return Ok(Item::Damaged(DamageReason::RecordTruncated));
                }
                Parsed::Incomplete { bytes } => {
                    // Twice as much each time, so that a record of many arguments is not parsed over and over.
                    wanted = bytes.max(wanted.saturating_mul(2)).min(self.window.remaining());
                    if wanted > HELD_BYTES_MAX as u64 {
                        return self.pass_big_record();
                    }
                    self.window.fill(wanted as usize)?;
                }
            }
        }
    }

    pub(super) fn annotation(&mut self) -> Result<Item, StorageError> {
        loop {
            let available = self.window.available();
            match find_line(available) {
                Line::Ended(line) => return Ok(Item::Annotation { line }),
                Line::TooLong => {
                    return Ok(Item::Damaged(DamageReason::LineTooLong { at: self.window.offset() }));
                }
                Line::Open => {
                    let had = available.len();
                    if self.window.fill(had + 1)? == had {
                        return Ok(Item::Damaged(DamageReason::AnnotationTruncated));
                    }
                }
            }
        }
    }

    /// Passes a record that is too big to hold.
    pub(super) fn pass_big_record(&mut self) -> Result<Item, StorageError> {
        self.spill();
        let count = match self.number_line(NumberLine::Count)? {
            Ok(count) => count,
            Err(reason) => return Ok(Item::Damaged(reason)),
        };
        for _ in 0..count {
            let length = match self.number_line(NumberLine::Length)? {
                Ok(length) => length as u64 + 2,
                Err(reason) => return Ok(Item::Damaged(reason)),
            };
            if length > self.window.remaining() || self.window.skip(length)? < length {
                return Ok(Item::Damaged(DamageReason::RecordTruncated));
            }
        }
        Ok(Item::PassedRecord)
    }

    pub(super) fn number_line(
        &mut self,
        kind: NumberLine,
    ) -> Result<Result<i64, DamageReason>, StorageError> {
        loop {
            let available = self.window.available();
            let had = available.len();
            match parse_number_line(available, self.window.offset(), kind) {
                Err(reason) => return Ok(Err(reason)),
                Ok(Some((number, line))) => {
                    self.window.advance(line);
                    return Ok(Ok(number));
                }
                Ok(None) if self.window.fill(had + 1)? == had => {
                    return Ok(Err(DamageReason::RecordTruncated));
                }
                Ok(None) => {}
            }
        }
    }

    pub(super) fn line(&self, line: usize) -> &[u8] {
        &self.window.available()[..line]
    }

    /// Takes note of the time that an annotation line tells.
    pub(super) fn note_annotated_time(&mut self, line: usize) {
        let Some(text) = self.line(line).strip_prefix(TIMESTAMP_TAG) else { return };
        let second = u64::try_from(leading_integer(text)).unwrap_or(0);
        let offset = self.window.offset();
        if let Some(times) = &mut self.times {
            times.push(TimeMark::Annotation { offset, second });
        }
    }

    pub(super) fn take_line(&mut self, bytes: usize) {
        self.window.advance(bytes);
    }

    /// The arguments just parsed by `next_item` and not yet part of a record.
    pub(super) fn fresh_arguments(&self) -> Range<usize> {
        let first = self.records.last().map_or(0, |record| record.arguments.end);
        first..self.arguments.len()
    }

    pub(super) fn argument(&self, index: usize) -> &[u8] {
        &self.window.held()[self.arguments[index].clone()]
    }

    pub(super) fn is_lone_word(&self, word: &[u8]) -> bool {
        let arguments = self.fresh_arguments();
        arguments.len() == 1 && self.argument(arguments.start).eq_ignore_ascii_case(word)
    }

    pub(super) fn push_record(&mut self, bytes: usize) {
        let arguments = self.fresh_arguments();
        let offset = self.window.offset();
        self.records_seen += 1;
        if self.is_spilled {
            self.arguments.clear();
        } else {
            let start = self.window.held_bytes();
            self.records.push(RecordSpan { offset, bytes: start..start + bytes, arguments });
        }
        self.window.advance(bytes);
    }

    /// Follows MULTI and EXEC. To be called before the record is pushed.
    pub(super) fn follow_group(&mut self) {
        if self.group.is_none() && self.is_lone_word(b"MULTI") {
            self.group = Some((self.window.offset(), self.records.len()));
        } else if self.group.is_some() && self.is_lone_word(b"EXEC") {
            self.group = None;
        }
    }
}
