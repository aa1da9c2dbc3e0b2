//! What a client may send.

/// Arguments an unauthenticated client may send in one command.
pub(crate) const UNAUTHENTICATED_ARGS_MAX: usize = 10;
/// Bytes an unauthenticated client may send in one argument.
pub(crate) const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16_384;

/// Limits the parser enforces before anything is buffered for a command; the defaults are those of Redis 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest argument in bytes (`proto-max-bulk-len`).
    pub max_bulk_bytes: usize,
    /// Most arguments of one command. Memory grows with what arrives, never with what is announced.
    pub max_args: usize,
    /// Longest inline command, and longest length line, in bytes.
    pub max_inline_bytes: usize,
    /// Whether the client may do more than authenticate: one that may not is held to 10 arguments of 16384 bytes.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bulk_bytes: 512 * 1024 * 1024,
            max_args: i32::MAX as usize,
            max_inline_bytes: 64 * 1024,
            authenticated: true,
        }
    }
}
