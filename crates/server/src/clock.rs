//! The executor's cached time.
//!
//! Reading the system clock costs tens of nanoseconds, which is a noticeable part of a pipelined command. The
//! loop reads it once per turn (and once per long script or transaction through [`Clock::refresh`]); every
//! command of that turn sees the same instant, as in Redis.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Processor time of the calling thread in microseconds.
pub(crate) fn thread_cpu_us() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1000
}

/// Wall clock and monotonic clock as of the last refresh.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    origin: Instant,
    unix_us: i64,
    monotonic_us: u64,
}

impl Clock {
    /// A clock that has just been read.
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), unix_us: read_unix_us(), monotonic_us: 0 }
    }

    /// Reads both clocks.
    pub(crate) fn refresh(&mut self) {
        self.unix_us = read_unix_us();
        self.monotonic_us = self.read_monotonic_us();
    }

    /// Unix time in milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.unix_us / 1000
    }

    /// Unix time in microseconds.
    pub(crate) fn now_us(&self) -> i64 {
        self.unix_us
    }

    /// Unix time in microseconds, read now.
    pub(crate) fn read_now_us(&self) -> i64 {
        read_unix_us().max(self.unix_us)
    }

    /// Unix time in seconds.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.unix_us / 1_000_000
    }

    /// Milliseconds since the process started; never goes back.
    pub(crate) fn monotonic_ms(&self) -> u64 {
        self.monotonic_us / 1000
    }

    /// Microseconds since the process started as of the last refresh.
    pub(crate) fn monotonic_us(&self) -> u64 {
        self.monotonic_us
    }

    /// Microseconds since the process started, read now.
    pub(crate) fn read_monotonic_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the process started, read now.
    pub(crate) fn read_monotonic_ns(&self) -> u64 {
        let elapsed = self.origin.elapsed();
        elapsed.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(elapsed.subsec_nanos()))
    }

    /// Whole seconds since the process started.
    pub(crate) fn uptime_seconds(&self) -> u64 {
        self.monotonic_us / 1_000_000
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn read_unix_us() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn monotonic_time_never_goes_back() {
        let mut clock = Clock::new();
        let mut last = clock.monotonic_us();
        for _ in 0..100 {
            clock.refresh();
            assert!(clock.monotonic_us() >= last);
            last = clock.monotonic_us();
        }
    }

    #[test]
    fn units_agree() {
        let clock = Clock::new();
        assert_eq!(clock.now_us() / 1000, clock.now_ms());
        assert_eq!(clock.now_ms() / 1000, clock.now_seconds());
    }
}
