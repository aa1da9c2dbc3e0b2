//! How a client comes to be closed.

/// Whether and how a client is about to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Closing {
    /// It stays.
    #[default]
    No,
    /// What was answered is sent first (QUIT, protocol errors).
    AfterFlush,
    /// At the end of this turn, whatever is left to send.
    Now,
}

impl Closing {
    /// Whether no further command is to be executed.
    pub(crate) fn is_pending(self) -> bool {
        self != Self::No
    }
}
