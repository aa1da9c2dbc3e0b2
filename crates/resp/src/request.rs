//! One command as it was received.

use bytes::Bytes;

use crate::batch::Span;

/// One command: borrowed from the buffer it was read into, and cheap to copy. It has at least one argument, the
/// command's name.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the spans point into: the input, or the unquoted text of an inline command.
    source: &'a [u8],
    args: &'a [Span],
    frame: &'a [u8],
    canonical: bool,
    shared: Option<&'a Bytes>,
}

impl<'a> Request<'a> {
    #[inline]
    pub(crate) fn new(source: &'a [u8], args: &'a [Span], frame: &'a [u8], canonical: bool) -> Self {
        Self { source, args, frame, canonical, shared: None }
    }

    /// Number of arguments, the command's name included.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a request has at least its name")]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// The argument at `index`; the name is at 0.
    ///
    /// # Panics
    /// When there is no such argument: arity is checked before a command runs.
    #[inline]
    pub fn arg(&self, index: usize) -> &'a [u8] {
        self.args[index].of(self.source)
    }

    /// The argument at `index`, if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.args.get(index).map(|span| span.of(self.source))
    }

    /// All arguments, the name first.
    #[inline]
    pub fn args(&self) -> Arguments<'a> {
        Arguments { source: self.source, spans: self.args.iter() }
    }

    /// The command's bytes as they came.
    #[inline]
    pub fn frame(&self) -> &'a [u8] {
        self.frame
    }

    /// Whether [`Request::frame`] is exactly what [`crate::encode_command`] would write for these arguments, so that
    /// it may be copied to a log or a replica as it is.
    #[inline]
    pub fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// Says that the command lies in `buffer`, which makes [`Request::arg_shared`] share instead of copy.
    #[inline]
    #[must_use]
    pub fn with_shared(self, buffer: &'a Bytes) -> Self {
        Self { shared: Some(buffer), ..self }
    }

    /// The argument at `index` as bytes that outlive the request: a slice of the shared buffer when there is one and
    /// the argument is at least half of it (a smaller slice would pin too much memory for too little), else a copy.
    ///
    /// # Panics
    /// When there is no such argument.
    pub fn arg_shared(&self, index: usize) -> Bytes {
        let arg = self.arg(index);
        match self.shared {
            Some(buffer) if !arg.is_empty() && arg.len() >= buffer.len() / 2 && lies_within(arg, buffer) => {
                buffer.slice_ref(arg)
            }
            _ => Bytes::copy_from_slice(arg),
        }
    }

    pub(crate) fn spans(&self) -> &'a [Span] {
        self.args
    }

    /// Where the frame begins in what the spans point into. Only for a frame that holds its arguments.
    pub(crate) fn frame_offset(&self) -> usize {
        self.frame.as_ptr().addr() - self.source.as_ptr().addr()
    }

    /// The command's bytes without copying them, when they lie in a shared buffer and are at least half of it.
    pub fn shared_frame(&self) -> Option<Bytes> {
        self.shared
            .filter(|buffer| self.frame.len() >= buffer.len() / 2 && lies_within(self.frame, buffer))
            .map(|buffer| buffer.slice_ref(self.frame))
    }
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.args().map(|arg| arg.escape_ascii().to_string())).finish()
    }
}

fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.start >= whole.start && part.end <= whole.end
}

/// The arguments of a [`Request`].
#[derive(Debug, Clone)]
pub struct Arguments<'a> {
    source: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.spans.next().map(|span| span.of(self.source))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }

    #[inline]
    fn nth(&mut self, index: usize) -> Option<&'a [u8]> {
        self.spans.nth(index).map(|span| span.of(self.source))
    }
}

impl DoubleEndedIterator for Arguments<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.spans.next_back().map(|span| span.of(self.source))
    }
}

impl ExactSizeIterator for Arguments<'_> {}
