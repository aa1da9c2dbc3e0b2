//! What the program around the server wants to be told.

/// Functions that are called by the executor thread; they must be quick and not wait. The default ones do nothing.
#[derive(Debug, Clone, Copy)]
pub struct Hooks {
    /// Called with true when a snapshot has begun and with false when none is under way any more. Meanwhile the executor
    /// needs more memory than usual, and nobody likes to wait for it.
    pub snapshot_under_way: fn(bool),
}

impl Default for Hooks {
    fn default() -> Self {
        Self { snapshot_under_way: |_| {} }
    }
}
