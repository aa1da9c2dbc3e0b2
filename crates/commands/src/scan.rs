//! What SCAN and the scans of collections have in common: cursors, options and the form of the reply.

use lastsave_listpack::ListpackValue;
use lastsave_resp::{ReplyBuffer, Request};

use crate::glob::glob_matches;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};

/// The options of a scan of a collection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanOptions<'a> {
    count: u64,
    pattern: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument `first` on.
    pub(crate) fn parse(
        reply: &mut ReplyBuffer,
        request: Request<'a>,
        first: usize,
    ) -> Result<Self, Replied> {
        let mut options = Self { count: 10, pattern: None };
        for index in (first..request.len()).step_by(2) {
            let word = request.arg(index);
            let Some(argument) = request.get(index + 1) else { return Err(error(reply, SYNTAX_ERROR)) };
            if word.eq_ignore_ascii_case(b"count") {
                options.count = parse_scan_count(reply, argument)?;
            } else if word.eq_ignore_ascii_case(b"match") {
                options.pattern = (argument != b"*").then_some(argument);
            } else {
                return Err(error(reply, SYNTAX_ERROR));
            }
        }
        Ok(options)
    }

    /// How many elements to visit.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Whether an element is wanted.
    pub(crate) fn matches(&self, element: ListpackValue<'_>) -> bool {
        let text = &mut Default::default();
        self.pattern.is_none_or(|pattern| glob_matches(pattern, element.to_text(text), false))
    }
}

/// The argument of COUNT.
pub(crate) fn parse_scan_count(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<u64, Replied> {
    let count = integer_argument(reply, argument)?;
    let count = u64::try_from(count).ok().filter(|count| *count > 0);
    count.ok_or_else(|| error(reply, SYNTAX_ERROR))
}

/// A cursor as C's `strtoul` reads it: an empty one is 0, a negative one wraps.
pub(crate) fn parse_scan_cursor(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<u64, Replied> {
    let (negative, digits) = match argument {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let cursor = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let cursor: Option<u64> = cursor.and_then(|digits| digits.parse().ok());
    let cursor = cursor.ok_or_else(|| error(reply, "ERR invalid cursor"))?;
    Ok(if negative { cursor.wrapping_neg() } else { cursor })
}

/// The reply of a scan: the next cursor, and `count` elements that `elements` writes.
pub(crate) fn reply_scan(
    reply: &mut ReplyBuffer,
    cursor: u64,
    count: usize,
    elements: impl FnOnce(&mut ReplyBuffer),
) {
    reply.array(2);
    reply.bulk_display(cursor);
    reply.array(count);
    elements(reply);
}
