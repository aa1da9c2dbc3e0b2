//! Which register an element goes to, and which value it asks for there.

use super::{PATTERN_BITS, REGISTER_BITS, REGISTERS};

/// The seed every HyperLogLog is built with; another one would make them impossible to merge.
const SEED: u64 = 0xadc8_3b19;

/// MurmurHash64A.
fn murmur64(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

/// The register of an element, and one more than the zeros at the end of the rest of its hash.
pub(super) fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur64(element);
    let pattern = hash >> REGISTER_BITS | 1 << PATTERN_BITS;
    (hash as usize & (REGISTERS - 1), pattern.trailing_zeros() as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_spread_over_registers_and_halve_per_value() {
        let places: Vec<_> = (0_u32..20_000).map(|number| place(&number.to_le_bytes())).collect();
        let ones = places.iter().filter(|(_, value)| *value == 1).count();
        assert!((9_500..10_500).contains(&ones), "{ones}");
        assert!(places.iter().all(|(register, value)| *register < REGISTERS && (1..=51).contains(value)));
        let lower_half = places.iter().filter(|(register, _)| *register < REGISTERS / 2).count();
        assert!((9_500..10_500).contains(&lower_half), "{lower_half}");
    }
}
