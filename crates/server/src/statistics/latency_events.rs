//! The latency monitor: when something took long, and how long.

use std::collections::{BTreeMap, VecDeque};

/// Samples kept per event.
const SAMPLES_MAX: usize = 160;

/// The longest occurrence of an event within one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When, in seconds of Unix time.
    pub(crate) unix_seconds: i64,
    /// How long it took.
    pub(crate) latency_ms: u64,
}

/// The samples of one event, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Series {
    samples: VecDeque<Sample>,
    /// The longest ever.
    pub(crate) latency_ms_max: u64,
}

/// What the samples of one event have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many samples there are.
    pub(crate) samples: u64,
    /// The shortest of them.
    pub(crate) latency_ms_min: u64,
    /// The longest of them.
    pub(crate) latency_ms_max: u64,
    /// Their mean.
    pub(crate) latency_ms_mean: u64,
    /// Their mean distance from the mean.
    pub(crate) deviation_ms: u64,
    /// Seconds since the oldest, at least one.
    pub(crate) period_seconds: u64,
}

impl Series {
    fn add(&mut self, sample: Sample) {
        self.latency_ms_max = self.latency_ms_max.max(sample.latency_ms);
        if let Some(last) = self.samples.back_mut().filter(|last| last.unix_seconds == sample.unix_seconds) {
            last.latency_ms = last.latency_ms.max(sample.latency_ms);
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The samples, the oldest first.
    pub(crate) fn samples(&self) -> impl ExactSizeIterator<Item = Sample> + '_ {
        self.samples.iter().copied()
    }

    /// The newest sample.
    pub(crate) fn last(&self) -> Option<Sample> {
        self.samples.back().copied()
    }

    /// What the samples have in common; none without samples.
    pub(crate) fn summary(&self, now_seconds: i64) -> Option<Summary> {
        let oldest = self.samples.front()?.unix_seconds;
        let count = self.samples.len() as u64;
        let latencies = || self.samples.iter().map(|sample| sample.latency_ms);
        let mean = latencies().sum::<u64>() / count;
        Some(Summary {
            samples: count,
            latency_ms_min: latencies().min().unwrap_or(0),
            latency_ms_max: latencies().max().unwrap_or(0),
            latency_ms_mean: mean,
            deviation_ms: latencies().map(|latency| latency.abs_diff(mean)).sum::<u64>() / count,
            period_seconds: u64::try_from(now_seconds.saturating_sub(oldest)).unwrap_or(0).max(1),
        })
    }
}

/// All events that ever took long, by name.
#[derive(Debug, Default)]
pub(crate) struct LatencyEvents {
    series: BTreeMap<&'static str, Series>,
}

impl LatencyEvents {
    /// Adds a sample.
    pub(crate) fn add(&mut self, event: &'static str, unix_seconds: i64, latency_ms: u64) {
        self.series.entry(event).or_default().add(Sample { unix_seconds, latency_ms });
    }

    /// The samples of one event.
    pub(crate) fn get(&self, event: &[u8]) -> Option<(&'static str, &Series)> {
        let event = std::str::from_utf8(event).ok()?;
        self.series.get_key_value(event).map(|(name, series)| (*name, series))
    }

    /// All events, by name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Series)> {
        self.series.iter().map(|(name, series)| (*name, series))
    }

    /// Forgets one event, ignoring case, or all; gives how many.
    pub(crate) fn reset(&mut self, event: Option<&[u8]>) -> usize {
        let before = self.series.len();
        self.series.retain(|name, _| event.is_some_and(|event| !name.as_bytes().eq_ignore_ascii_case(event)));
        before - self.series.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_keeps_its_longest_sample() {
        let mut events = LatencyEvents::default();
        for (second, latency) in [(10, 100), (10, 300), (10, 200), (12, 100)] {
            events.add("command", second, latency);
        }
        let (_, series) = events.get(b"command").expect("there are samples");
        let samples: Vec<_> =
            series.samples().map(|sample| (sample.unix_seconds, sample.latency_ms)).collect();
        assert_eq!(samples, [(10, 300), (12, 100)]);
        let summary = series.summary(20).expect("there are samples");
        assert_eq!((summary.latency_ms_mean, summary.deviation_ms), (200, 100));
        assert_eq!((summary.latency_ms_min, summary.latency_ms_max, summary.period_seconds), (100, 300, 10));
    }

    #[test]
    fn old_samples_go_and_the_maximum_stays() {
        let mut events = LatencyEvents::default();
        events.add("fork", 0, 1000);
        for second in 1..=SAMPLES_MAX as i64 {
            events.add("fork", second, 5);
        }
        let (_, series) = events.get(b"fork").expect("there are samples");
        assert_eq!((series.samples().len(), series.latency_ms_max), (SAMPLES_MAX, 1000));
        assert_eq!(events.reset(Some(b"nosuch")), 0);
        assert_eq!(events.reset(Some(b"FORK")), 1);
        assert_eq!(events.iter().len(), 0);
    }
}
