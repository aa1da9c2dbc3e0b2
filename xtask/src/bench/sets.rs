//! SET commands ready to be sent: keys as redis-benchmark numbers them, values that compress or do not.

use clap::ValueEnum;

/// 16 bytes, in the form that redis-benchmark uses.
const KEY_BYTES: usize = 16;
/// Random bytes that values are cut from: making every value from scratch would take longer than the server takes.
const NOISE_BYTES: usize = 1 << 20;

/// How well values compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Content {
    /// Not at all.
    Noise,
    /// As JSON does: names repeat, numbers differ.
    Document,
}

impl Content {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Noise => "incompressible",
            Self::Document => "compressible",
        }
    }
}

/// Makes SET commands of one size.
pub(super) struct Sets {
    random: Random,
    content: Content,
    value_bytes: usize,
    /// One command, whose key and value are replaced for the next one.
    frame: Vec<u8>,
    key_at: usize,
    value_at: usize,
    noise: Vec<u8>,
}

impl Sets {
    pub(super) fn new(seed: u64, content: Content, value_bytes: usize) -> Self {
        let mut random = Random::new(seed);
        let noise = (0..NOISE_BYTES / 8 + value_bytes).flat_map(|_| random.next().to_le_bytes()).collect();
        let mut frame = format!("*3\r\n$3\r\nSET\r\n${KEY_BYTES}\r\n").into_bytes();
        let key_at = frame.len();
        frame.resize(key_at + KEY_BYTES, b' ');
        frame.extend_from_slice(format!("\r\n${value_bytes}\r\n").as_bytes());
        let value_at = frame.len();
        frame.resize(value_at + value_bytes, b' ');
        frame.extend_from_slice(b"\r\n");
        Self { random, content, value_bytes, frame, key_at, value_at, noise }
    }

    /// Appends a command that sets the key with this number.
    pub(super) fn push(&mut self, number: u64, out: &mut Vec<u8>) {
        let key = &mut self.frame[self.key_at..self.key_at + KEY_BYTES];
        key[..4].copy_from_slice(b"key:");
        write_digits(&mut key[4..], number);
        let value = &mut self.frame[self.value_at..self.value_at + self.value_bytes];
        match self.content {
            Content::Noise => {
                let start = self.random.below((self.noise.len() - self.value_bytes) as u64) as usize;
                value.copy_from_slice(&self.noise[start..start + self.value_bytes]);
            }
            Content::Document => {
                const TEXT: &[u8] =
                    br#"{"user_id":0000000,"user_name":"user-0000000","user_active":true,"tags":["a","b"]}"#;
                let len = TEXT.len().min(self.value_bytes);
                value[..len].copy_from_slice(&TEXT[..len]);
                for digits in [11..18, 37..44] {
                    if digits.end <= len {
                        write_digits(&mut value[digits], self.random.below(10_000_000));
                    }
                }
            }
        }
        out.extend_from_slice(&self.frame);
    }

    /// Appends a command that sets one of the first `keys` keys, any of them.
    pub(super) fn push_any(&mut self, keys: u64, out: &mut Vec<u8>) {
        let number = self.random.below(keys);
        self.push(number, out);
    }
}

fn write_digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Random numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_whole() {
        let mut out = Vec::new();
        let mut sets = Sets::new(1, Content::Document, 90);
        sets.push(1_234_567, &mut out);
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(
            text.starts_with("*3\r\n$3\r\nSET\r\n$16\r\nkey:000001234567\r\n$90\r\n{\"user_id\":"),
            "{text}"
        );
        assert!(text.ends_with("\r\n"));
        let len = out.len();
        sets.push_any(10, &mut out);
        assert_eq!(out.len(), 2 * len);
        assert_ne!(out[..len], out[len..]);
    }
}
