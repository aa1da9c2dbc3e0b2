//! Events per second over the last samples of a counter.

const SAMPLES: usize = 16;

/// The average speed of a counter over the last sixteen samples.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: [u64; SAMPLES],
    next: usize,
    last_value: u64,
    last_ms: u64,
    started: bool,
}

impl Rate {
    /// Notes the counter's value at a time.
    pub(crate) fn sample(&mut self, now_ms: u64, value: u64) {
        if self.started {
            let elapsed_ms = now_ms.saturating_sub(self.last_ms).max(1);
            let delta = value.saturating_sub(self.last_value);
            self.samples[self.next] = delta.saturating_mul(1000) / elapsed_ms;
            self.next = (self.next + 1) % SAMPLES;
        }
        self.started = true;
        self.last_value = value;
        self.last_ms = now_ms;
    }

    /// Units per second.
    pub(crate) fn per_second(&self) -> u64 {
        self.samples.iter().sum::<u64>() / SAMPLES as u64
    }

    /// Thousands (1024) of units per second.
    pub(crate) fn kibi_per_second(&self) -> f64 {
        self.per_second() as f64 / 1024.0
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_steady_counter_shows_its_speed() {
        let mut rate = Rate::default();
        for tick in 0..=16 {
            rate.sample(tick * 100, tick * 50);
        }
        assert_eq!(rate.per_second(), 500);
    }
}
