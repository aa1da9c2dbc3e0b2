//! What the benches share: keys, values and pipelines as redis-benchmark sends them, and how much of them.
//!
//! `cargo xtask bench --scenario functions` runs the benches, `cargo xtask test` runs each of them once.

mod log_folder;
mod steady_disk;

pub use log_folder::{LogFolder, log_batch};
pub use steady_disk::SteadyDisk;

/// The allocator of the server, so that what is measured is what users get.
#[global_allocator]
static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;

/// Bytes of a value.
pub const VALUE_BYTES: usize = 100;

/// `full` in an optimized build, `small` where the benches only show that they still run.
#[must_use]
pub const fn scaled(full: usize, small: usize) -> usize {
    if cfg!(debug_assertions) { small } else { full }
}

/// Random numbers that are the same in every run (xorshift).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Starts a sequence; any seed will do.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next_number() % end as u64) as usize
    }

    fn next_number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A key of 16 bytes.
#[must_use]
pub fn key(number: usize) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// How well values compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Not at all.
    Noise,
    /// As JSON does: names repeat, numbers differ.
    Document,
}

/// A value of [`VALUE_BYTES`].
#[must_use]
pub fn value(numbers: &mut Numbers, content: Content) -> Vec<u8> {
    let mut value = Vec::with_capacity(VALUE_BYTES);
    match content {
        Content::Noise => {
            while value.len() < VALUE_BYTES {
                value.extend_from_slice(&numbers.next_number().to_le_bytes());
            }
        }
        Content::Document => {
            let (id, total) = (numbers.below(1_000_000), numbers.below(10_000));
            let text = format!(
                "{{\"user_id\":{id},\"user_name\":\"user-{id}\",\"user_total\":{total},\"user_active\":true,\"user_tags\":[\"a\"]}}"
            );
            value.extend_from_slice(text.as_bytes());
        }
    }
    value.resize(VALUE_BYTES, b' ');
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered() {
        assert_eq!(&key(1_234_567), b"key:000001234567");
    }

    #[test]
    fn values_have_their_length() {
        let mut numbers = Numbers::new(1);
        for content in [Content::Noise, Content::Document] {
            assert_eq!(value(&mut numbers, content).len(), VALUE_BYTES);
        }
    }
}
