//! Compressing.
//!
//! The format leaves the compressor free. Ours keeps its table between values; the `lzf` crate allocates and clears
//! half a megabyte for each (9.4 us for 100 bytes, ours 0.3 us).
//!
//! Token stream (control byte `c`): `c < 32` copies the next `c + 1` bytes; otherwise `n = c >> 5` (plus the next byte
//! when it is 7) and a distance of `((c & 31) << 8 | next byte) + 1` copy `n + 2` bytes of what was already produced.

use std::ops::Range;

/// Longest distance that a token can express.
const DISTANCE_MAX: usize = 1 << 13;
/// Longest match that a token can express.
const MATCH_MAX: usize = 264;
/// Longest run of literal bytes in one token.
pub(crate) const LITERALS_MAX: usize = 32;
/// Room behind the compressed form while it is made, so that literals are copied as whole blocks.
const SLACK_BYTES: usize = LITERALS_MAX;
/// Room that is made at first.
const ROOM_BYTES_MIN: usize = 256;
/// Bits of the smallest and the largest match table.
const TABLE_BITS: std::ops::RangeInclusive<u32> = 10..=14;

/// A compressor whose match table is reused from value to value without being cleared.
#[derive(Debug, Default)]
pub struct Compressor {
    /// Where each hash was last seen, as `base + position` of the value that was compressed then.
    table: Vec<u32>,
    /// Added to the positions of the current value; whatever is below it in the table belongs to an earlier value.
    base: u32,
}

impl Compressor {
    /// Appends the compressed form of `input` to `output` if it fits into `limit` bytes. Otherwise returns false, and
    /// what was appended is of no use.
    #[must_use]
    pub fn compress(&mut self, input: &[u8], limit: usize, output: &mut Vec<u8>) -> bool {
        let Ok(length) = u32::try_from(input.len()) else { return false };
        // Four slots per position keep collisions rare; a short value stays within the nearest cache.
        let bits = (u32::BITS - length.leading_zeros() + 2).clamp(*TABLE_BITS.start(), *TABLE_BITS.end());
        let slots = 1 << bits;
        if self.table.len() < slots {
            self.table.resize(slots, 0);
        }
        match self.base.checked_add(length) {
            Some(_) if self.base > 0 => {}
            _ => {
                self.table.fill(0);
                self.base = 1;
                if length == u32::MAX {
                    return false;
                }
            }
        }
        let base = self.base;
        self.base += length;
        Matcher { table: &mut self.table[..slots], shift: u32::BITS - bits, base, input }.run(limit, output)
    }
}

/// One value being compressed.
struct Matcher<'a> {
    table: &'a mut [u32],
    shift: u32,
    base: u32,
    input: &'a [u8],
}

impl Matcher<'_> {
    fn run(mut self, limit: usize, output: &mut Vec<u8>) -> bool {
        let start = output.len();
        let end = self.write(limit, output);
        output.truncate(end.unwrap_or(start));
        end.is_some()
    }

    /// Writes the tokens to the end of `output`, and something behind them. Gives where they end, if they take no more
    /// than `limit` bytes.
    fn write(&mut self, limit: usize, output: &mut Vec<u8>) -> Option<usize> {
        let input = self.input;
        let limit = output.len() + limit;
        let mut used = output.len();
        let mut literals = 0;
        let mut position = 0;
        while let Some(word) = word_at(input, position) {
            let Some(candidate) = self.replace(word, position) else {
                // Data that has not matched for long is probably not compressible: look at fewer positions.
                position += 1 + ((position - literals) >> 7);
                continue;
            };
            let same = word_at(input, candidate).is_some_and(|other| (other ^ word) & 0x00ff_ffff == 0);
            let distance = position - candidate;
            if !same || distance > DISTANCE_MAX {
                position += 1 + ((position - literals) >> 7);
                continue;
            }
            let length = 3 + common_length(&input[candidate + 3..], &input[position + 3..], MATCH_MAX - 3);
            let pending = position - literals;
            let needed = used + pending + pending.div_ceil(LITERALS_MAX) + 3;
            if needed > limit {
                return None;
            }
            make_room(output, needed);
            used = put_literals(input, literals..position, output, used);
            used = put_reference(length, distance, output, used);
            // Entering the last positions of a match keeps repeated structures findable at little cost.
            let end = position + length;
            for inside in end - 2..end {
                if let Some(word) = word_at(input, inside) {
                    self.replace(word, inside);
                }
            }
            position = end;
            literals = end;
        }
        let pending = input.len() - literals;
        let needed = used + pending + pending.div_ceil(LITERALS_MAX);
        if needed > limit {
            return None;
        }
        make_room(output, needed);
        Some(put_literals(input, literals..input.len(), output, used))
    }

    /// Enters `position` under the hash of its first three bytes; returns the position that stood there before.
    #[inline]
    fn replace(&mut self, word: u32, position: usize) -> Option<usize> {
        let slot = (word << 8).wrapping_mul(0x9e37_79b1) >> self.shift;
        let slot = &mut self.table[slot as usize];
        let before = slot.checked_sub(self.base);
        *slot = self.base + position as u32;
        before.map(|position| position as usize)
    }
}

/// The four bytes at `position`, of which three are matched.
#[inline]
fn word_at(input: &[u8], position: usize) -> Option<u32> {
    let bytes = input.get(position..position + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// How many bytes the two slices have in common at their start, at most `limit`.
#[inline]
fn common_length(left: &[u8], right: &[u8], limit: usize) -> usize {
    let limit = limit.min(left.len()).min(right.len());
    let (left, right) = (&left[..limit], &right[..limit]);
    let mut length = 0;
    let (left_words, _) = left.as_chunks::<8>();
    let (right_words, _) = right.as_chunks::<8>();
    for (left, right) in left_words.iter().zip(right_words) {
        let difference = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if difference != 0 {
            return length + (difference.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + left[length..].iter().zip(&right[length..]).take_while(|(left, right)| left == right).count()
}

/// Makes `output` longer than `len` by [`SLACK_BYTES`] at least. What does not compress never needs much.
#[inline]
fn make_room(output: &mut Vec<u8>, len: usize) {
    let wanted = len + SLACK_BYTES;
    if output.len() < wanted {
        output.resize(wanted.max(2 * output.len()).max(ROOM_BYTES_MIN), 0);
    }
}

/// Writes the literal bytes in `range` at `at`. Gives where they end.
#[inline]
fn put_literals(input: &[u8], range: Range<usize>, output: &mut [u8], at: usize) -> usize {
    let (mut from, mut at) = (range.start, at);
    while from < range.end {
        let run = (range.end - from).min(LITERALS_MAX);
        output[at] = (run - 1) as u8;
        at += 1;
        if let Some(block) = input.get(from..from + LITERALS_MAX) {
            // A whole block, whose end is written over, costs less than as many bytes as there are.
            output[at..at + LITERALS_MAX].copy_from_slice(block);
        } else {
            output[at..at + run].copy_from_slice(&input[from..from + run]);
        }
        from += run;
        at += run;
    }
    at
}

/// Writes a reference at `at`. Gives where it ends.
#[inline]
fn put_reference(length: usize, distance: usize, output: &mut [u8], at: usize) -> usize {
    let distance = distance - 1;
    let length = length - 2;
    let high = (distance >> 8) as u8;
    if length < 7 {
        output[at..at + 2].copy_from_slice(&[(length as u8) << 5 | high, distance as u8]);
        return at + 2;
    }
    output[at..at + 3].copy_from_slice(&[7 << 5 | high, (length - 7) as u8, distance as u8]);
    at + 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decompress;

    fn compress(input: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut output = Vec::new();
        Compressor::default().compress(input, limit, &mut output).then_some(output)
    }

    /// Compressible in parts: short runs out of a small alphabet, repeated now and then.
    fn mixed() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            prop::collection::vec(0..3_u8, 0..200),
            (any::<u8>(), 0..700_usize).prop_map(|(byte, length)| vec![byte; length]),
        ];
        prop::collection::vec((piece, 1..4_usize), 0..12)
            .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect())
    }

    #[test]
    fn a_run_compresses_as_documented() {
        let input = [b'a'; 30];
        let compressed = compress(&input, 26).unwrap();
        assert!(compressed.len() <= 9);
        assert_eq!(decompress(&compressed, 30).unwrap(), input);
        // What Redis writes for the same string.
        let theirs = b"\x01\x61\x61\xE0\x11\x00\x01\x61\x61";
        assert_eq!(decompress(theirs, 30).unwrap(), input);
    }

    /// Values as applications store them: JSON, text, identifiers.
    fn corpus() -> Vec<Vec<u8>> {
        let words =
            ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"];
        let mut state = 7_u64;
        let mut random = move |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        (0..300)
            .map(|index| {
                let mut value = Vec::new();
                for item in 0..1 + index % 40 {
                    let word = words[random(10) as usize];
                    let (user, total) = (random(1_000_000), random(10_000));
                    let text = match index % 3 {
                        0 => format!("{{\"id\":{user},\"name\":\"{word}\",\"total\":{total}}},"),
                        1 => format!("{word} {} ", words[random(10) as usize]),
                        _ => format!("{item}:{user:x}:{total:x};"),
                    };
                    value.extend_from_slice(text.as_bytes());
                }
                value
            })
            .collect()
    }

    #[test]
    fn the_ratio_is_that_of_the_lzf_crate() {
        let (mut ours, mut theirs) = (0, 0);
        let mut compressor = Compressor::default();
        for value in corpus() {
            let mut output = Vec::new();
            let fits = compressor.compress(&value, value.len().saturating_sub(4), &mut output);
            ours += if fits { output.len() } else { value.len() };
            theirs += lzf::compress(&value).map_or(value.len(), |output| output.len());
        }
        assert!(ours <= theirs + theirs / 50, "ours {ours}, theirs {theirs}");
    }

    #[test]
    fn the_table_survives_its_positions_running_out() {
        let mut compressor = Compressor { table: vec![u32::MAX; 1 << 9], base: u32::MAX - 100 };
        let input = b"abcdefgh".repeat(30);
        for _ in 0..4 {
            let mut output = Vec::new();
            assert!(compressor.compress(&input, input.len() - 4, &mut output));
            assert_eq!(decompress(&output, input.len() as u64).unwrap(), input);
        }
    }

    proptest! {
        #[test]
        fn compressed_bytes_come_back(values in prop::collection::vec(mixed(), 1..6)) {
            // One compressor for all values: what an earlier value left in the table must not leak into a later one.
            let mut compressor = Compressor::default();
            for input in values {
                let mut output = b"before".to_vec();
                let limit = input.len().saturating_sub(4);
                if !input.is_empty() && compressor.compress(&input, limit, &mut output) {
                    let compressed = &output[6..];
                    prop_assert!(compressed.len() <= limit);
                    prop_assert_eq!(&decompress(compressed, input.len() as u64).unwrap(), &input);
                }
            }
        }

        #[test]
        fn what_the_lzf_crate_compresses_is_read(input in mixed()) {
            if let Ok(compressed) = lzf::compress(&input) {
                prop_assert_eq!(&decompress(&compressed, input.len() as u64).unwrap(), &input);
            }
        }
    }
}
