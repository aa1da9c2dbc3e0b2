//! How long commands took: a histogram with two significant digits, as `latencystats` shows it.

/// Values below this have a bucket of their own.
const LINEAR: u64 = 256;
/// Buckets per doubling beyond that.
const HALF: usize = 128;
/// One second; slower commands count as this.
const VALUE_MAX_NS: u64 = 1_000_000_000;

/// Counts of durations in nanoseconds, between 1 ns and 1 s.
#[derive(Debug, Clone, Default)]
pub(crate) struct LatencyHistogram {
    counts: Vec<u32>,
    total: u64,
}

impl LatencyHistogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration_ns: u64) {
        let bucket = bucket_of(duration_ns.clamp(1, VALUE_MAX_NS));
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] = self.counts[bucket].saturating_add(1);
        self.total += 1;
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many durations were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The distribution in steps that double, from about a microsecond on: the end of each step that holds something,
    /// in microseconds, and how many durations were not longer.
    pub(crate) fn cumulative_us(&self) -> Vec<(u64, u64)> {
        /// End of the first step.
        const FIRST_NS: u64 = 1024;
        let mut steps = Vec::new();
        let (mut seen, mut next_bucket, mut level_ns) = (0, 0, FIRST_NS);
        while seen < self.total && next_bucket < self.counts.len() {
            let last = bucket_of(level_ns);
            let end = (last + 1).min(self.counts.len());
            let count: u64 =
                self.counts[next_bucket.min(end)..end].iter().map(|count| u64::from(*count)).sum();
            if count > 0 {
                seen += count;
                steps.push((highest_of(last) / 1000, seen));
            }
            next_bucket = end;
            level_ns *= 2;
        }
        steps
    }

    /// The duration in nanoseconds that `percent` of all do not exceed.
    pub(crate) fn percentile_ns(&self, percent: f64) -> u64 {
        let wanted = ((percent / 100.0 * self.total as f64) + 0.5).floor().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= wanted {
                return highest_of(bucket);
            }
        }
        0
    }
}

/// Index of the bucket that holds a value.
fn bucket_of(value: u64) -> usize {
    if value < LINEAR {
        return value as usize;
    }
    // The highest eight bits of the value, and how far they were shifted.
    let shift = 64 - value.leading_zeros() as usize - 8;
    let top = (value >> shift) as usize;
    LINEAR as usize + (shift - 1) * HALF + (top - HALF)
}

/// Highest value that falls into a bucket.
fn highest_of(bucket: usize) -> u64 {
    if bucket < LINEAR as usize {
        return bucket as u64;
    }
    let beyond = bucket - LINEAR as usize;
    let shift = beyond / HALF + 1;
    let top = (beyond % HALF + HALF) as u64;
    ((top + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::{LatencyHistogram, bucket_of, highest_of};

    #[test]
    fn buckets_are_contiguous_and_contain_their_values() {
        for value in (1..100_000).chain([999_999_999, 1_000_000_000]) {
            let bucket = bucket_of(value);
            assert!(highest_of(bucket) >= value, "{value}");
            assert!(bucket == 0 || highest_of(bucket - 1) < value, "{value}");
        }
    }

    #[test]
    fn the_distribution_doubles_its_steps() {
        let mut histogram = LatencyHistogram::default();
        for duration_ns in [500, 1031, 1032, 3000, 70_000, 2_000_000_000] {
            histogram.record(duration_ns);
        }
        let steps = [(1, 2), (2, 3), (4, 4), (132, 5), (1_082_130, 6)];
        assert_eq!(histogram.cumulative_us(), steps);
        assert!(LatencyHistogram::default().cumulative_us().is_empty());
    }

    #[test]
    fn percentiles_have_two_digits() {
        let mut histogram = LatencyHistogram::default();
        for _ in 0..99 {
            histogram.record(1000);
        }
        histogram.record(50_000);
        assert_eq!(histogram.percentile_ns(50.0), 1003);
        assert_eq!(histogram.percentile_ns(99.0), 1003);
        assert_eq!(histogram.percentile_ns(99.9), 50_175);
    }
}
