//! A command that outlives the buffer it was read into.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::batch::Span;
use crate::encode::{encode_array_header, encode_bulk, encoded_len};
use crate::request::Request;

/// A command kept for later: in a `MULTI` queue, or for a client that waits. Always canonical, whatever it was made
/// of.
#[derive(Clone)]
pub struct OwnedRequest {
    frame: Bytes,
    spans: SmallVec<[Span; 4]>,
}

impl OwnedRequest {
    /// Makes a command from its arguments, the name first.
    ///
    /// # Panics
    /// Without arguments.
    pub fn from_args(args: &[&[u8]]) -> Self {
        Self::encoded(args.iter().copied())
    }

    fn encoded<'a>(args: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Self {
        assert!(args.len() > 0, "a request has at least its name");
        let mut frame = BytesMut::with_capacity(encoded_len(args.clone()));
        let mut spans = SmallVec::with_capacity(args.len());
        encode_array_header(&mut frame, args.len());
        for arg in args {
            encode_bulk(&mut frame, arg);
            let end = frame.len() - 2;
            spans.push(Span { start: end - arg.len(), end });
        }
        Self { frame: frame.freeze(), spans }
    }

    /// The command, borrowed. Big arguments can be shared from it without a copy.
    pub fn as_request(&self) -> Request<'_> {
        Request::new(&self.frame, &self.spans, &self.frame, true).with_shared(&self.frame)
    }

    /// The canonical bytes of the command.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// Approximate bytes of memory in use.
    pub fn memory_bytes(&self) -> usize {
        let spans = if self.spans.spilled() { self.spans.capacity() * size_of::<Span>() } else { 0 };
        size_of::<Self>() + self.frame.len() + spans
    }
}

impl From<Request<'_>> for OwnedRequest {
    fn from(request: Request<'_>) -> Self {
        if !request.is_canonical() {
            return Self::encoded(request.args());
        }
        let offset = request.frame_offset();
        Self {
            frame: request.shared_frame().unwrap_or_else(|| Bytes::copy_from_slice(request.frame())),
            spans: request.spans().iter().map(|span| span.moved_back(offset)).collect(),
        }
    }
}

impl std::fmt::Debug for OwnedRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_request().fmt(formatter)
    }
}
