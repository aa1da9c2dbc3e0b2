//! Counting and finding bits in bytes, a word at a time. Bit 0 is the highest bit of the first byte.

const WORD_BYTES: usize = size_of::<u64>();

/// A range of bits that is not empty, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BitRange {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl BitRange {
    /// The bytes the range touches.
    fn bytes(self, text: &[u8]) -> &[u8] {
        &text[(self.first / 8) as usize..=(self.last / 8) as usize]
    }

    /// The bits of the range's first byte that belong to it, were it not its last one.
    fn first_mask(self) -> u8 {
        0xff >> (self.first % 8)
    }

    /// The same for its last byte.
    fn last_mask(self) -> u8 {
        0xff << (7 - self.last % 8)
    }
}

fn words(bytes: &[u8]) -> (impl Iterator<Item = u64> + '_, &[u8]) {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    (words.iter().map(|word| u64::from_be_bytes(*word)), rest)
}

/// How many bits are set.
pub(super) fn count_ones(bytes: &[u8]) -> u64 {
    let (words, rest) = words(bytes);
    words.map(|word| u64::from(word.count_ones())).sum::<u64>()
        + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// How many bits of a range inside `text` are set.
pub(super) fn count_ones_in(text: &[u8], range: BitRange) -> u64 {
    let bytes = range.bytes(text);
    let outside_first = bytes[0] & !range.first_mask();
    let outside_last = bytes[bytes.len() - 1] & !range.last_mask();
    count_ones(bytes) - u64::from(outside_first.count_ones()) - u64::from(outside_last.count_ones())
}

/// The first bit of `bytes` with this value.
fn find_bit(bytes: &[u8], bit: bool) -> Option<u64> {
    // Looking for a zero is looking for a one in the complement.
    let flip = if bit { 0 } else { u64::MAX };
    let (mut words, rest) = words(bytes);
    if let Some(index) = words.by_ref().position(|word| word != flip) {
        let bytes = &bytes[index * WORD_BYTES..];
        let word = bytes.first_chunk().map_or(0, |word| u64::from_be_bytes(*word));
        return Some((index * WORD_BYTES * 8) as u64 + u64::from((word ^ flip).leading_zeros()));
    }
    let before = (bytes.len() - rest.len()) as u64 * 8;
    let index = rest.iter().position(|byte| *byte != flip as u8)?;
    Some(before + index as u64 * 8 + u64::from((rest[index] ^ flip as u8).leading_zeros()))
}

/// The first bit with this value in a range inside `text`.
pub(super) fn find_bit_in(text: &[u8], range: BitRange, bit: bool) -> Option<u64> {
    let base = range.first & !7;
    let bytes = range.bytes(text);
    // The first byte is looked at alone, with the bits before the range made to look like misses.
    let first = if bit { bytes[0] & range.first_mask() } else { bytes[0] | !range.first_mask() };
    let found = find_bit(&[first], bit)
        .map(|at| base + at)
        .or_else(|| find_bit(&bytes[1..], bit).map(|at| base + 8 + at));
    found.filter(|at| *at <= range.last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit_of(text: &[u8], at: u64) -> bool {
        text[(at / 8) as usize] & (0x80 >> (at % 8)) != 0
    }

    fn text_and_range() -> impl Strategy<Value = (Vec<u8>, BitRange)> {
        let byte = prop_oneof![4 => Just(0_u8), 4 => Just(0xff_u8), 1 => any::<u8>()];
        prop::collection::vec(byte, 1..70).prop_flat_map(|text| {
            let bits = text.len() as u64 * 8;
            (Just(text), 0..bits, 0..bits).prop_map(|(text, one, other)| {
                (text, BitRange { first: one.min(other), last: one.max(other) })
            })
        })
    }

    proptest! {
        #[test]
        fn counting_and_finding_agree_with_looking_at_every_bit(
            (text, range) in text_and_range(),
            bit in any::<bool>(),
        ) {
            let all = || range.first..=range.last;
            let ones = all().filter(|at| bit_of(&text, *at)).count() as u64;
            prop_assert_eq!(count_ones_in(&text, range), ones);
            let found = all().find(|at| bit_of(&text, *at) == bit);
            prop_assert_eq!(find_bit_in(&text, range, bit), found);
        }
    }
}
