//! Random numbers that are the same in every run (xorshift): the load of two servers, or of two runs, is the same.

pub(in crate::bench) struct Random(u64);

impl Random {
    pub(in crate::bench) fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(in crate::bench) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which must not be 0.
    pub(in crate::bench) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number from 0 (included) to 1 (excluded).
    pub(in crate::bench) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn units_are_even() {
        let mut random = Random::new(3);
        let units: Vec<f64> = (0..10_000).map(|_| random.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        let mean = units.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
