//! Time that moves only when it is told to.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;

/// A clock that stands still until somebody advances it. Clones share the time.
///
/// ```
/// use std::time::Duration;
/// use lastsave_storage::{Clock, sim::SimulatedClock};
/// let clock = SimulatedClock::new();
/// clock.advance(Duration::from_millis(1500));
/// assert_eq!(clock.monotonic_ms(), 1500);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SimulatedClock {
    times: Arc<Mutex<Times>>,
}

#[derive(Debug)]
struct Times {
    monotonic: Duration,
    /// What the wall clock shows when the monotonic one shows zero.
    wall_offset_ms: i64,
}

impl Default for Times {
    fn default() -> Self {
        // A date that looks like one in log lines: 2024-01-01 00:00:00 UTC.
        Self { monotonic: Duration::ZERO, wall_offset_ms: 1_704_067_200_000 }
    }
}

impl SimulatedClock {
    /// Monotonic time zero, the wall clock at the start of 2024.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times.lock();
        times.monotonic = times.monotonic.saturating_add(by);
    }

    /// Sets the wall clock, as an administrator or NTP might; the monotonic clock does not notice.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        let mut times = self.times.lock();
        times.wall_offset_ms = wall_ms.saturating_sub(milliseconds(times.monotonic));
    }
}

impl Clock for SimulatedClock {
    fn monotonic(&self) -> Duration {
        self.times.lock().monotonic
    }

    fn wall_ms(&self) -> i64 {
        let times = self.times.lock();
        times.wall_offset_ms.saturating_add(milliseconds(times.monotonic))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_jumps_and_the_monotonic_one_does_not() {
        let clock = SimulatedClock::new();
        let shared = clock.clone();
        clock.advance(Duration::from_secs(2));
        clock.set_wall_ms(1000);
        shared.advance(Duration::from_millis(5));
        assert_eq!((shared.monotonic_ms(), clock.wall_ms()), (2005, 1005));
    }
}
