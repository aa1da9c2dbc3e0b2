//! Errors: what a client may have sent wrongly, and what a server may have answered wrongly.

use std::fmt;

/// A request that breaks the protocol. The connection cannot be read any further: the client gets the text (see
/// [`crate::ReplyBuffer::protocol_error`]) and is disconnected.
///
/// `Display` gives Redis' text without its `ERR` code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The number of arguments is no number, has a superfluous sign or zero, or is beyond the limit.
    InvalidMultibulkLength,
    /// The length of an argument is no number, negative, or beyond the limit.
    InvalidBulkLength,
    /// An argument does not begin with `$`.
    ExpectedDollar {
        /// The byte in its place.
        got: u8,
    },
    /// Too many arguments for a client that has not authenticated.
    UnauthenticatedMultibulkLength,
    /// Too long an argument for a client that has not authenticated.
    UnauthenticatedBulkLength,
    /// The line with the number of arguments does not end.
    TooBigMultibulkCount,
    /// The line with the length of an argument does not end.
    TooBigBulkCount,
    /// The line of an inline command does not end.
    TooBigInlineRequest,
    /// An inline command has an open quote, or text directly behind a closing one.
    UnbalancedQuotes,
}

impl ProtocolError {
    const PREFIX: &'static str = "Protocol error: ";

    /// The text as bytes, without `ERR`: [`ProtocolError::ExpectedDollar`] carries the client's byte as it came.
    pub(crate) fn write_text(self, out: &mut Vec<u8>) {
        out.extend_from_slice(Self::PREFIX.as_bytes());
        out.extend_from_slice(self.reason().as_bytes());
        if let Self::ExpectedDollar { got } = self {
            out.extend_from_slice(&[got, b'\'']);
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::InvalidBulkLength => "invalid bulk length",
            Self::ExpectedDollar { .. } => "expected '$', got '",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::TooBigInlineRequest => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::PREFIX)?;
        formatter.write_str(self.reason())?;
        if let Self::ExpectedDollar { got } = self {
            write!(formatter, "{}'", char::from(*got))?;
        }
        Ok(())
    }
}

impl std::error::Error for ProtocolError {}

/// Bytes that are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A reply begins with a byte that names no type.
    #[error("offset {offset}: {got:#04x} begins no reply")]
    UnknownType {
        /// Where, in bytes from the start of the reply.
        offset: usize,
        /// The byte found there.
        got: u8,
    },
    /// A length, count or integer is malformed.
    #[error("offset {offset}: invalid number")]
    InvalidNumber {
        /// Where the line begins.
        offset: usize,
    },
    /// A boolean, double, big number or verbatim string is malformed.
    #[error("offset {offset}: invalid {what}")]
    InvalidValue {
        /// Where the reply begins.
        offset: usize,
        /// Its type.
        what: &'static str,
    },
    /// A line or a bulk string does not end in CR LF.
    #[error("offset {offset}: expected CR LF")]
    MissingLineEnd {
        /// Where the line end was expected.
        offset: usize,
    },
    /// Aggregates are nested more deeply than allowed.
    #[error("offset {offset}: nested more than {limit} deep")]
    TooDeep {
        /// Where the aggregate begins.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// A string is longer than allowed, or an aggregate has more elements than allowed.
    #[error("offset {offset}: length {got} is beyond the limit of {limit}")]
    TooLong {
        /// Where the reply begins.
        offset: usize,
        /// The declared length.
        got: u64,
        /// The limit.
        limit: usize,
    },
}
