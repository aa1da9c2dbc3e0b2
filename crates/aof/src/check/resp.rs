//! The structure of a file of commands, checked as strictly as `redis-check-aof` does.

use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use crate::numbers::leading_integer;
use crate::scan::Window;

/// What the numbers of a record's lines are read from.
const NUMBER_LINE_BYTES_MAX: usize = 127;

/// Longest argument that the tool takes.
const ARGUMENT_BYTES_MAX: i64 = i64::MAX / 2;

/// Longer than the name of any command.
const NAME_BYTES_MAX: u64 = 128;

/// A file as lines and lengths.
pub(crate) struct Lines {
    window: Window,
}

/// A defect as the tool words it, at the offset it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) offset: u64,
    pub(crate) text: String,
}

/// Why a record is not one.
pub(crate) enum RecordError {
    /// The file ends where a line should begin: no message of its own.
    End,
    Defect(Defect),
    Storage(StorageError),
}

impl From<StorageError> for RecordError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// What the walk remembers between records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transaction {
    pub(super) is_open: bool,
}

impl Lines {
    pub(crate) fn new(file: Arc<dyn File>, offset: u64, limit: u64) -> Self {
        Self { window: Window::new(file, offset, limit) }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// Up to `count` bytes, without passing them.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], StorageError> {
        let available = self.window.fill(count)?.min(count);
        Ok(&self.window.available()[..available])
    }

    /// Passes a line of any length; returns its first bytes.
    pub(crate) fn pass_line(&mut self) -> Result<Vec<u8>, StorageError> {
        let mut head = Vec::new();
        loop {
            let available = self.window.fill(1)?;
            if available == 0 {
                return Ok(head);
            }
            let bytes = self.window.available();
            let end = bytes.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(bytes.len());
            head.extend_from_slice(&bytes[..taken.min(1024_usize.saturating_sub(head.len()))]);
            self.window.advance(taken);
            if end.is_some() {
                return Ok(head);
            }
        }
    }

    /// Passes a record; counts its lines and follows MULTI and EXEC. Returns the offset of its last argument.
    pub(super) fn pass_record(
        &mut self,
        name: &str,
        lines: &mut u64,
        transaction: &mut Transaction,
    ) -> Result<Option<u64>, RecordError> {
        self.pass_any_record(lines, |at, word| {
            if word.eq_ignore_ascii_case(b"multi") {
                if transaction.is_open {
                    return Err(defect(at, format!("Unexpected MULTI in AOF {name}")));
                }
                transaction.is_open = true;
            } else if word.eq_ignore_ascii_case(b"exec") {
                if !transaction.is_open {
                    return Err(defect(at, format!("Unexpected EXEC in AOF {name}")));
                }
                transaction.is_open = false;
            }
            Ok(())
        })
    }

    /// Passes a record, whatever it means; counts its lines. `on_name` is told the offset of the command's name, and the
    /// name unless it is longer than any command's. Returns the offset of the last argument.
    pub(crate) fn pass_any_record(
        &mut self,
        lines: &mut u64,
        mut on_name: impl FnMut(u64, &[u8]) -> Result<(), RecordError>,
    ) -> Result<Option<u64>, RecordError> {
        let count = self.number(b'*', lines)?;
        let mut last_argument = None;
        for index in 0..count {
            let length_line = self.offset();
            let length = self.number(b'$', lines)?;
            let at = self.offset();
            last_argument = Some(at);
            if !(0..=ARGUMENT_BYTES_MAX).contains(&length) {
                let text =
                    format!("Expected to read string of {length} bytes, which is not in the suitable range");
                return Err(defect(length_line, text));
            }
            let word = self.argument(length as u64, lines)?;
            if index == 0 {
                on_name(at, &word)?;
            }
        }
        Ok(last_argument)
    }

    fn number(&mut self, prefix: u8, lines: &mut u64) -> Result<i64, RecordError> {
        let at = self.offset();
        let bytes = self.peek(NUMBER_LINE_BYTES_MAX)?;
        let Some(&first) = bytes.first() else { return Err(RecordError::End) };
        if first != prefix {
            let (expected, got) = (char::from(prefix), char::from(first));
            return Err(defect(at, format!("Expected prefix '{expected}', got: '{got}'")));
        }
        let length = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let text = &bytes[1..length];
        let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
        let digits = text[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = if digits == 0 { text } else { &text[sign + digits..] };
        if !rest.starts_with(b"\r\n") {
            let byte = |index| rest.get(index).copied().unwrap_or(0);
            return Err(defect(at, format!("Expected \\r\\n, got: {:02x}{:02x}", byte(0), byte(1))));
        }
        let number = leading_integer(text);
        self.window.advance(length);
        *lines += 1;
        Ok(number)
    }

    /// Passes an argument and its line end; returns it if it is short.
    fn argument(&mut self, length: u64, lines: &mut u64) -> Result<Vec<u8>, RecordError> {
        let at = self.offset();
        let wanted = length + 2;
        let remaining = self.window.remaining();
        if wanted > remaining {
            return Err(defect(at, format!("Expected to read {wanted} bytes, got {remaining} bytes")));
        }
        let word = if length <= NAME_BYTES_MAX { self.peek(length as usize)?.to_vec() } else { Vec::new() };
        if self.window.skip(length)? < length {
            return Err(RecordError::End);
        }
        let end = self.peek(2)?;
        if end != b"\r\n" {
            let byte = |index: usize| end.get(index).copied().unwrap_or(0);
            return Err(defect(at, format!("Expected \\r\\n, got: {:02x}{:02x}", byte(0), byte(1))));
        }
        self.window.advance(2);
        *lines += 1;
        Ok(word)
    }
}

fn defect(offset: u64, text: String) -> RecordError {
    RecordError::Defect(Defect { offset, text })
}
