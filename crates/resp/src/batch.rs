//! The commands found in one piece of input.

use crate::request::Request;

/// Entries that a cleared batch keeps room for; what one huge command made it grow to is given back.
const KEPT_SPANS_MAX: usize = 64 * 1024;
/// The same for the unquoted text of inline commands, in bytes.
const KEPT_TEXT_BYTES_MAX: usize = 256 * 1024;

/// A range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    #[inline]
    pub(crate) fn of(self, source: &[u8]) -> &[u8] {
        &source[self.start..self.end]
    }

    pub(crate) fn moved_back(self, by: usize) -> Self {
        Self { start: self.start - by, end: self.end - by }
    }
}

/// Where a command's arguments lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the input, spelt the only canonical way.
    Canonical,
    /// In the input, with line ends that are not CR LF (Redis does not look at them).
    Lenient,
    /// In the batch's text: an inline command.
    Inline,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// The command's bytes in the input.
    bytes: Span,
    /// Its arguments in `spans`.
    args: Span,
    form: Form,
}

/// Commands found by [`crate::Parser::parse`], as offsets into its input. Reused from read to read, so that parsing
/// allocates nothing.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<Frame>,
    pub(crate) spans: Vec<Span>,
    pub(crate) text: Vec<u8>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the commands and keeps the memory, unless one huge command made it grow out of proportion.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.spans.clear();
        self.text.clear();
        if self.frames.capacity() > KEPT_SPANS_MAX {
            self.frames.shrink_to(KEPT_SPANS_MAX);
        }
        if self.spans.capacity() > KEPT_SPANS_MAX {
            self.spans.shrink_to(KEPT_SPANS_MAX);
        }
        if self.text.capacity() > KEPT_TEXT_BYTES_MAX {
            self.text.shrink_to(KEPT_TEXT_BYTES_MAX);
        }
    }

    /// How many commands it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it holds none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of memory it holds, used or kept.
    pub fn memory_bytes(&self) -> usize {
        self.frames.capacity() * size_of::<Frame>()
            + self.spans.capacity() * size_of::<Span>()
            + self.text.capacity()
    }

    /// The command at `index`, in order of arrival; `input` is what the parser was given.
    ///
    /// # Panics
    /// When there is no such command, or `input` is shorter than what was parsed.
    #[inline]
    pub fn request<'a>(&'a self, index: usize, input: &'a [u8]) -> Request<'a> {
        let frame = &self.frames[index];
        let source = if frame.form == Form::Inline { &self.text[..] } else { input };
        Request::new(
            source,
            &self.spans[frame.args.start..frame.args.end],
            frame.bytes.of(input),
            frame.form == Form::Canonical,
        )
    }

    /// The commands in order of arrival.
    pub fn requests<'a>(&'a self, input: &'a [u8]) -> impl ExactSizeIterator<Item = Request<'a>> {
        (0..self.len()).map(move |index| self.request(index, input))
    }

    /// Closes a command whose arguments are the spans from `first_arg` on.
    #[inline]
    pub(crate) fn push(&mut self, bytes: Span, first_arg: usize, form: Form) {
        self.frames.push(Frame { bytes, args: Span { start: first_arg, end: self.spans.len() }, form });
    }
}
