//! Time as a parameter.

use std::time::{Duration, Instant};

/// A monotonic clock. Readings are durations since an origin of the clock's own choosing.
pub trait Clock: Send + Sync + 'static {
    /// The time now; never less than an earlier reading.
    fn now(&self) -> Duration;
}

/// The operating system's monotonic clock, counted from its creation.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl MonotonicClock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}
