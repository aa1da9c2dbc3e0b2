//! Latencies: all of them in one histogram, and slot by slot of the time when they were due.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The slowest command that is told apart, in microseconds (five minutes); slower ones count as this.
const LATENCY_US_MAX: u64 = 300_000_000;

/// Latencies of commands.
#[derive(Clone)]
pub(in crate::bench) struct Latency {
    histogram: Histogram<u64>,
}

impl Latency {
    /// With a precision of 0.1 % (three digits) or 1 % (two).
    pub(in crate::bench) fn new(digits: u8) -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, digits);
        Self { histogram: histogram.expect("invariant: constant bounds are valid") }
    }

    pub(in crate::bench) fn record_ns(&mut self, nanoseconds: u64) {
        self.histogram.saturating_record(nanoseconds.div_ceil(1000));
    }

    pub(in crate::bench) fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("invariant: all histograms have the same bounds");
    }

    pub(in crate::bench) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// What a share of `quantile` (0.0 to 1.0) of all commands did not exceed, in milliseconds; 0 when there was none.
    pub(in crate::bench) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// The share of commands that took longer than this.
    pub(in crate::bench) fn share_above_ms(&self, milliseconds: f64) -> f64 {
        if self.histogram.is_empty() {
            return 0.0;
        }
        1.0 - self.histogram.quantile_below((milliseconds * 1000.0) as u64)
    }

    pub(in crate::bench) fn max_ms(&self) -> f64 {
        self.histogram.max() as f64 / 1000.0
    }
}

/// Latencies slot by slot.
#[derive(Clone)]
pub(in crate::bench) struct Slots {
    width: Duration,
    slots: Vec<Option<Latency>>,
}

impl Slots {
    pub(in crate::bench) fn new(width: Duration) -> Self {
        Self { width, slots: Vec::new() }
    }

    /// Records the latency of a command that was due `due_ns` after the start.
    pub(in crate::bench) fn record_ns(&mut self, due_ns: u64, latency_ns: u64) {
        let slot = (due_ns / self.width.as_nanos() as u64) as usize;
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, None);
        }
        self.slots[slot].get_or_insert_with(|| Latency::new(2)).record_ns(latency_ns);
    }

    pub(in crate::bench) fn add(&mut self, other: &Self) {
        if other.slots.len() > self.slots.len() {
            self.slots.resize(other.slots.len(), None);
        }
        for (own, other) in self.slots.iter_mut().zip(&other.slots) {
            match (own, other) {
                (Some(own), Some(other)) => own.add(other),
                (own @ None, Some(other)) => *own = Some(other.clone()),
                (_, None) => {}
            }
        }
    }

    /// The middle of each slot in seconds since the start, and its latencies; slots without commands are left out.
    pub(in crate::bench) fn iter(&self) -> impl Iterator<Item = (f64, &Latency)> {
        let width = self.width.as_secs_f64();
        self.slots
            .iter()
            .enumerate()
            .filter_map(move |(index, slot)| Some(((index as f64 + 0.5) * width, slot.as_ref()?)))
    }

    /// The latencies of commands that were due from `start` to `end`, to the precision of a slot.
    pub(in crate::bench) fn between(&self, start: Duration, end: Duration) -> Latency {
        let mut sum = Latency::new(2);
        let (start, end) = (start.as_secs_f64(), end.as_secs_f64());
        self.iter().filter(|(at, _)| (start..end).contains(at)).for_each(|(_, slot)| sum.add(slot));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_stall_is_in_the_histogram_with_everything_that_waited_for_it() {
        // A command is due every millisecond for a second. The server answers at once, but for 100 ms when it does
        // nothing. Whoever measures only what was sent sees one slow command in a thousand; a hundred users waited.
        let mut corrected = Latency::new(3);
        for due in 0..1000_u64 {
            let answered = if (500..600).contains(&due) { 600 } else { due };
            corrected.record_ns((answered - due) * MS + 50_000);
        }
        assert_eq!(corrected.count(), 1000);
        assert!(corrected.quantile_ms(0.5) < 0.1);
        let p99 = corrected.quantile_ms(0.99);
        assert!((89.0..92.0).contains(&p99), "{p99}");
        assert!((100.0..100.2).contains(&corrected.max_ms()));
    }

    #[test]
    fn slots_go_by_the_time_when_commands_were_due() {
        let mut slots = Slots::new(Duration::from_millis(100));
        slots.record_ns(10 * MS, MS);
        slots.record_ns(250 * MS, 500 * MS);
        let mut other = Slots::new(Duration::from_millis(100));
        other.record_ns(350 * MS, 3 * MS);
        slots.add(&other);
        let seen: Vec<(u64, u64)> =
            slots.iter().map(|(at, latency)| ((at * 1000.0) as u64, latency.max_ms() as u64)).collect();
        assert_eq!(seen.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [50, 250, 350]);
        assert_eq!((seen[0].1, seen[2].1), (1, 3));
        let late = slots.between(Duration::from_millis(200), Duration::from_millis(300));
        assert_eq!(late.count(), 1);
        assert!(late.max_ms() >= 500.0);
    }
}
