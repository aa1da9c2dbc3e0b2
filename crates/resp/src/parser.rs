//! The incremental request parser.

use memchr::memchr2;

use crate::batch::{Batch, Form, Span};
use crate::error::ProtocolError;
use crate::inline::split_into;
use crate::limits::{Limits, UNAUTHENTICATED_ARGS_MAX, UNAUTHENTICATED_BULK_BYTES_MAX};
use crate::number::{fast_length, parse_integer};

/// Spans reserved at once for a command that announces many arguments; the rest grows with what arrives.
const RESERVED_SPANS_MAX: usize = 1024;
/// Spans a parser keeps room for between commands that arrive in pieces.
const KEPT_SPANS_MAX: usize = 1024;

/// What one call of [`Parser::parse`] achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the input that belong to complete commands (or to empty ones, which are skipped). The caller drops
    /// them once the batch is executed; the next call's input begins right behind them.
    pub consumed: usize,
    /// Bytes still missing for the argument under way; 0 when that is not known. A hint for the size of the next
    /// read.
    pub wanted: usize,
    /// The input may hold a further command although no byte is added: call again once the batch is executed. That
    /// is so after `max_commands` commands, and before a command that breaks a limit which a command in the batch
    /// (`AUTH`, `CONFIG SET proto-max-bulk-len`) may lift.
    pub more: bool,
    /// The input behind the batch's commands breaks the protocol: execute those, answer this, disconnect.
    pub error: Option<ProtocolError>,
}

/// Reads commands from a growing buffer, one parser per connection.
///
/// It remembers how far it came in a command that is not complete, so that one which arrives in many pieces is not
/// read from its start each time. That place is relative to the first byte behind `consumed`: the caller must keep
/// those bytes, in this order, and may move them elsewhere.
#[derive(Debug, Default)]
pub struct Parser {
    under_way: Option<UnderWay>,
    /// Arguments of the command under way, relative to its start.
    spans: Vec<Span>,
    failure: Option<ProtocolError>,
}

/// A command whose end has not arrived. Positions are relative to its start.
#[derive(Debug, Clone, Copy)]
enum UnderWay {
    Inline { scanned: usize },
    Multibulk(Multibulk),
}

/// How far a multibulk command was read.
#[derive(Debug, Clone, Copy)]
struct Multibulk {
    /// The next byte to read.
    position: usize,
    /// No line end before this byte (when it is behind `position`).
    scanned: usize,
    /// Arguments to come; 0 while the count has not been read.
    remaining: usize,
    /// Length of the argument at `position`, when its length line has been read.
    bulk: Option<usize>,
    canonical: bool,
}

enum Step {
    /// A command, or an empty one if it left no spans, ends before `end`.
    Complete {
        end: usize,
        form: Form,
    },
    Incomplete {
        state: UnderWay,
        wanted: usize,
    },
    Failed(ProtocolError),
    /// Failed, but only by a limit that may differ after the commands before it.
    BeyondLimit(ProtocolError),
}

impl Parser {
    /// A parser at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of an incomplete command has been read: the bytes of its complete arguments, and where the argument
    /// that is arriving begins, counted from the start of the command. `None` between commands and between arguments.
    pub fn arriving_argument(&self) -> Option<(usize, usize)> {
        match self.under_way {
            Some(UnderWay::Multibulk(Multibulk { position, bulk: Some(_), .. })) => {
                Some((self.spans.iter().map(|span| span.end - span.start).sum(), position))
            }
            _ => None,
        }
    }

    /// Parses complete commands from `input`, which is all that arrived and was not consumed, and appends at most
    /// `max_commands` of them to `batch`, whose offsets are then those of `input`: clear it before each call with
    /// another input. Empty commands are skipped silently.
    ///
    /// After a protocol error every further call reports it again and consumes nothing.
    pub fn parse(
        &mut self,
        input: &[u8],
        limits: &Limits,
        batch: &mut Batch,
        max_commands: usize,
    ) -> Progress {
        if self.failure.is_some() {
            return Progress { error: self.failure, ..Progress::default() };
        }
        let mut progress = Progress::default();
        let mut found = 0;
        while progress.consumed < input.len() {
            if found == max_commands {
                progress.more = true;
                return progress;
            }
            let start = progress.consumed;
            let first_arg = batch.spans.len();
            let step = match self.under_way.take() {
                None if input[start] == b'*' => {
                    read_multibulk(Multibulk::at(start), input, limits, &mut batch.spans)
                }
                None => read_inline(start, start, input, limits, batch),
                Some(UnderWay::Inline { scanned }) => {
                    read_inline(start, start + scanned, input, limits, batch)
                }
                Some(UnderWay::Multibulk(state)) => self.resume(state, input, limits, batch),
            };
            match step {
                Step::Complete { end, form } => {
                    if batch.spans.len() > first_arg {
                        batch.push(Span { start, end }, first_arg, form);
                        found += 1;
                    }
                    progress.consumed = end;
                }
                Step::Incomplete { state, wanted } => {
                    progress.wanted = wanted;
                    self.under_way = Some(state.relative_to(start));
                    self.spans.extend(batch.spans.drain(first_arg..).map(|span| span.moved_back(start)));
                    return progress;
                }
                Step::BeyondLimit(_) if found > 0 => {
                    batch.spans.truncate(first_arg);
                    progress.more = true;
                    return progress;
                }
                Step::Failed(error) | Step::BeyondLimit(error) => {
                    batch.spans.truncate(first_arg);
                    self.failure = Some(error);
                    progress.error = self.failure;
                    return progress;
                }
            }
        }
        progress
    }

    /// Whether a command has begun whose end has not arrived.
    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Forgets everything, for a new connection.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory in use beside the parser itself.
    pub fn memory_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
    }

    /// Goes on with a command that began in an earlier call; it begins at the input's first byte.
    #[cold]
    fn resume(&mut self, state: Multibulk, input: &[u8], limits: &Limits, batch: &mut Batch) -> Step {
        let step = read_multibulk(state, input, limits, &mut self.spans);
        if let Step::Complete { .. } = step {
            batch.spans.extend_from_slice(&self.spans);
        }
        if !matches!(step, Step::Incomplete { .. }) {
            self.spans.clear();
            self.spans.shrink_to(KEPT_SPANS_MAX);
        }
        step
    }
}

impl UnderWay {
    fn relative_to(self, start: usize) -> Self {
        match self {
            Self::Inline { scanned } => Self::Inline { scanned: scanned - start },
            Self::Multibulk(state) => Self::Multibulk(Multibulk {
                position: state.position - start,
                scanned: state.scanned.saturating_sub(start),
                ..state
            }),
        }
    }
}

impl Multibulk {
    fn at(position: usize) -> Self {
        Self { position, scanned: position, remaining: 0, bulk: None, canonical: true }
    }
}

/// Reads a multibulk command as far as it goes; spans are offsets into `input`.
#[inline]
fn read_multibulk(mut state: Multibulk, input: &[u8], limits: &Limits, spans: &mut Vec<Span>) -> Step {
    let args_max = if limits.authenticated { limits.max_args } else { UNAUTHENTICATED_ARGS_MAX };
    let bulk_bytes_max = if limits.authenticated {
        limits.max_bulk_bytes
    } else {
        limits.max_bulk_bytes.min(UNAUTHENTICATED_BULK_BYTES_MAX)
    };
    if state.remaining == 0 {
        match fast_length(input, state.position, b'*') {
            Some((count, next)) if count <= args_max => (state.remaining, state.position) = (count, next),
            _ => match slow_count(&mut state, input, limits) {
                Ok(0) => return Step::Complete { end: state.position, form: Form::Canonical },
                Ok(count) => state.remaining = count,
                Err(step) => return step,
            },
        }
        spans.reserve(state.remaining.min(RESERVED_SPANS_MAX));
    }
    while state.remaining > 0 {
        let length = match state.bulk.take() {
            Some(length) => length,
            None => match fast_length(input, state.position, b'$') {
                Some((length, next)) if length <= bulk_bytes_max => {
                    state.position = next;
                    length
                }
                _ => match slow_bulk_length(&mut state, input, limits) {
                    Ok(length) => length,
                    Err(step) => return step,
                },
            },
        };
        let rest = &input[state.position..];
        // Both sides are far from overflow: `length` is within the limit, or was when it was read.
        let Some(line_end) = rest.get(length..).and_then(|tail| tail.get(..2)) else {
            state.bulk = Some(length);
            let wanted = length.saturating_add(2) - rest.len();
            return Step::Incomplete { state: UnderWay::Multibulk(state), wanted };
        };
        state.canonical &= line_end == b"\r\n";
        spans.push(Span { start: state.position, end: state.position + length });
        state.position += length + 2;
        state.remaining -= 1;
    }
    let form = if state.canonical { Form::Canonical } else { Form::Lenient };
    Step::Complete { end: state.position, form }
}

/// A length line as Redis reads it: up to a CR and one byte more, whatever that is.
enum Line<'a> {
    Complete(&'a [u8]),
    Incomplete,
    TooLong,
}

/// Finds the line at `state.position` and moves behind it. A line must end within `bytes_max` bytes; a NUL hides what
/// follows it, as it does from the C function that Redis searches with.
fn take_line<'a>(state: &mut Multibulk, input: &'a [u8], bytes_max: usize) -> Line<'a> {
    let start = state.position;
    match find_line_end(b'\r', start, &mut state.scanned, input, bytes_max) {
        LineEnd::At(end) if end + 1 < input.len() => {
            state.position = end + 2;
            state.canonical &= input[end + 1] == b'\n';
            Line::Complete(&input[start..end])
        }
        LineEnd::At(_) | LineEnd::Unseen => Line::Incomplete,
        LineEnd::TooFar => Line::TooLong,
    }
}

enum LineEnd {
    At(usize),
    Unseen,
    TooFar,
}

/// Searches the line that begins at `start` for its end, from where the last search stopped.
fn find_line_end(end: u8, start: usize, scanned: &mut usize, input: &[u8], bytes_max: usize) -> LineEnd {
    let window = input.len().min(start.saturating_add(bytes_max).saturating_add(1));
    let from = (*scanned).max(start).min(window);
    let found = memchr2(end, 0, &input[from..window]).map(|offset| from + offset);
    *scanned = found.unwrap_or(window);
    match found {
        Some(at) if input[at] == end => LineEnd::At(at),
        _ if input.len() - start > bytes_max => LineEnd::TooFar,
        _ => LineEnd::Unseen,
    }
}

/// Reads the number of arguments, whatever its shape: 0 for an empty command.
#[cold]
fn slow_count(state: &mut Multibulk, input: &[u8], limits: &Limits) -> Result<usize, Step> {
    let line = match take_line(state, input, limits.max_inline_bytes) {
        Line::Complete(line) => line,
        Line::Incomplete => return Err(Step::Incomplete { state: UnderWay::Multibulk(*state), wanted: 0 }),
        Line::TooLong => return Err(Step::Failed(ProtocolError::TooBigMultibulkCount)),
    };
    let Some(count) = parse_integer(&line[1..]) else {
        return Err(Step::Failed(ProtocolError::InvalidMultibulkLength));
    };
    let count = usize::try_from(count).unwrap_or(0);
    if count > limits.max_args {
        return Err(Step::BeyondLimit(ProtocolError::InvalidMultibulkLength));
    }
    if count > UNAUTHENTICATED_ARGS_MAX && !limits.authenticated {
        return Err(Step::BeyondLimit(ProtocolError::UnauthenticatedMultibulkLength));
    }
    Ok(count)
}

/// Reads the length of an argument, whatever its shape.
#[cold]
fn slow_bulk_length(state: &mut Multibulk, input: &[u8], limits: &Limits) -> Result<usize, Step> {
    let line = match take_line(state, input, limits.max_inline_bytes) {
        Line::Complete(line) => line,
        Line::Incomplete => return Err(Step::Incomplete { state: UnderWay::Multibulk(*state), wanted: 0 }),
        Line::TooLong => return Err(Step::Failed(ProtocolError::TooBigBulkCount)),
    };
    let digits = match line {
        [b'$', digits @ ..] => digits,
        // An empty line: what stands in the marker's place is the line's end.
        [] => return Err(Step::Failed(ProtocolError::ExpectedDollar { got: b'\r' })),
        [got, ..] => return Err(Step::Failed(ProtocolError::ExpectedDollar { got: *got })),
    };
    let Some(length) = parse_integer(digits).and_then(|length| usize::try_from(length).ok()) else {
        return Err(Step::Failed(ProtocolError::InvalidBulkLength));
    };
    if length > limits.max_bulk_bytes {
        return Err(Step::BeyondLimit(ProtocolError::InvalidBulkLength));
    }
    if length > UNAUTHENTICATED_BULK_BYTES_MAX && !limits.authenticated {
        return Err(Step::BeyondLimit(ProtocolError::UnauthenticatedBulkLength));
    }
    Ok(length)
}

/// Reads an inline command; `scanned` is where the search for its end goes on.
fn read_inline(start: usize, mut scanned: usize, input: &[u8], limits: &Limits, batch: &mut Batch) -> Step {
    let end = match find_line_end(b'\n', start, &mut scanned, input, limits.max_inline_bytes) {
        LineEnd::At(end) => end,
        LineEnd::Unseen => return Step::Incomplete { state: UnderWay::Inline { scanned }, wanted: 0 },
        LineEnd::TooFar => return Step::Failed(ProtocolError::TooBigInlineRequest),
    };
    let line = &input[start..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match split_into(line, &mut batch.text, &mut batch.spans) {
        Ok(()) => Step::Complete { end: end + 1, form: Form::Inline },
        Err(error) => Step::Failed(error),
    }
}

#[cfg(test)]
mod tests;
