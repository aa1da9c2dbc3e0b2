//! `client-output-buffer-limit`: when a client that does not read its replies is given up.

/// Limits of one class of clients; 0 = none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OutputLimit {
    /// At this many bytes the client is closed at once.
    pub(crate) hard_bytes: u64,
    /// Above this many bytes ...
    pub(crate) soft_bytes: u64,
    /// ... for this long, the client is closed.
    pub(crate) soft_seconds: u64,
}

/// Since when the output of a client is above the soft limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OutputPressure {
    above_since_ms: Option<u64>,
}

impl OutputPressure {
    /// Whether a client with this much output is to be closed.
    pub(crate) fn is_over(&mut self, limit: OutputLimit, output_bytes: u64, now_ms: u64) -> bool {
        let reached = |bytes: u64| bytes > 0 && output_bytes >= bytes;
        if reached(limit.hard_bytes) {
            return true;
        }
        if !reached(limit.soft_bytes) {
            self.above_since_ms = None;
            return false;
        }
        let since = *self.above_since_ms.get_or_insert(now_ms);
        now_ms.saturating_sub(since) > limit.soft_seconds * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::{OutputLimit, OutputPressure};

    const LIMIT: OutputLimit = OutputLimit { hard_bytes: 100, soft_bytes: 50, soft_seconds: 2 };

    #[test]
    fn the_hard_limit_acts_at_once() {
        assert!(OutputPressure::default().is_over(LIMIT, 100, 0));
        assert!(!OutputPressure::default().is_over(OutputLimit::default(), u64::MAX, 0));
    }

    #[test]
    fn the_soft_limit_acts_when_it_lasts() {
        let mut pressure = OutputPressure::default();
        assert!(!pressure.is_over(LIMIT, 60, 0));
        assert!(!pressure.is_over(LIMIT, 60, 2000));
        assert!(!pressure.is_over(LIMIT, 10, 2500));
        assert!(!pressure.is_over(LIMIT, 60, 3000));
        assert!(pressure.is_over(LIMIT, 60, 5001));
    }
}
