//! Positions in the one ordered stream of effects.

use std::fmt;

/// A position in the stream of effects: the number of bytes of effects before it.
///
/// Local to one run of the process and never decreasing. Positions are only ever published at unit boundaries (one
/// command, or a whole transaction), so every position that can be observed is a place where the log may be cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Where a stream that has seen nothing stands.
    pub const ZERO: Position = Position(0);

    /// The position after `bytes` bytes of effects.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes of effects before this position.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position `bytes` further on; stops at the end of the number range instead of wrapping.
    #[must_use]
    pub const fn advance(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// Bytes between `earlier` and this position; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Position) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<u64> for Position {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}
