//! The simulator's own random numbers: one seed, one sequence, whatever versions the dependencies have.

use std::ops::Range;

/// A seeded generator (SplitMix64). Not for secrets.
///
/// ```
/// use lastsave_storage::sim::SimulatedRandom;
/// let mut one = SimulatedRandom::new(42);
/// let mut other = SimulatedRandom::new(42);
/// assert_eq!(one.next_u64(), other.next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedRandom {
    state: u64,
}

impl SimulatedRandom {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `range`, which must not be empty.
    pub fn pick(&mut self, range: Range<u64>) -> u64 {
        assert!(range.start < range.end, "a number is to be picked from an empty range");
        let width = u128::from(range.end - range.start);
        range.start + ((u128::from(self.next_u64()) * width) >> 64) as u64
    }

    /// An index below `count`, which must not be zero.
    pub fn index(&mut self, count: usize) -> usize {
        self.pick(0..count as u64) as usize
    }

    /// True `numerator` times out of `denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.pick(0..denominator) < numerator
    }

    /// Fills a buffer with noise.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for piece in buffer.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            piece.copy_from_slice(&bytes[..piece.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // Reference values of SplitMix64 for seed 1234567.
        let mut random = SimulatedRandom::new(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn picks_stay_in_range_and_reach_both_ends() {
        let mut random = SimulatedRandom::new(1);
        let mut seen = [false; 4];
        for _ in 0..200 {
            seen[(random.pick(10..14) - 10) as usize] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert!(!random.chance(0, 5) && random.chance(5, 5));
    }
}
