//! GET, SET and HSET commands ready to be sent: keys as redis-benchmark numbers them, values that compress or do not.

use std::ops::Range;

use clap::ValueEnum;

use super::random::Random;

/// 16 bytes, in the form that redis-benchmark uses.
const KEY_BYTES: usize = 16;
/// Random bytes that values are cut from: making every value from scratch would take longer than the server takes.
const NOISE_BYTES: usize = 1 << 20;

/// How well values compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::bench) enum Content {
    /// Not at all.
    Noise,
    /// As JSON does: names repeat, numbers differ.
    Document,
}

impl Content {
    pub(in crate::bench) fn name(self) -> &'static str {
        match self {
            Self::Noise => "incompressible",
            Self::Document => "compressible",
        }
    }
}

/// The key of a hash and one of its fields, which has 16 bytes as keys have, up to their numbers.
const HASH: &[u8] = b"$11\r\nhash:";
const HASH_DIGITS: usize = 6;
const FIELD: &[u8] = b"$16\r\nfield:";
const FIELD_DIGITS: usize = 10;

/// Makes commands of one size.
pub(in crate::bench) struct Commands {
    random: Random,
    content: Content,
    value_bytes: usize,
    /// One command, whose key and value are replaced for the next one.
    frame: Vec<u8>,
    key_at: usize,
    value_at: usize,
    noise: Vec<u8>,
}

impl Commands {
    pub(in crate::bench) fn new(seed: u64, content: Content, value_bytes: usize) -> Self {
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
    pub(in crate::bench) fn push_set(&mut self, number: u64, out: &mut Vec<u8>) {
        let key = &mut self.frame[self.key_at..self.key_at + KEY_BYTES];
        key[..4].copy_from_slice(b"key:");
        write_digits(&mut key[4..], number);
        self.renew_value();
        out.extend_from_slice(&self.frame);
    }

    /// Puts another value into the frame.
    fn renew_value(&mut self) {
        let value = &mut self.frame[self.value_at..self.value_at + self.value_bytes];
        match self.content {
            Content::Noise => {
                let start = self.random.below((self.noise.len() - self.value_bytes) as u64) as usize;
                value.copy_from_slice(&self.noise[start..start + self.value_bytes]);
            }
            Content::Document => {
                const TEXT: &[u8] =
                    br#"{"user_id":0000000,"user_name":"user-0000000","user_active":true,"tags":["a","b"]}"#;
                for part in value.chunks_mut(TEXT.len()) {
                    part.copy_from_slice(&TEXT[..part.len()]);
                    for digits in [11..18, 37..44] {
                        if let Some(digits) = part.get_mut(digits) {
                            write_digits(digits, self.random.below(10_000_000));
                        }
                    }
                }
            }
        }
    }

    /// Appends a command that sets the field with this number, of all fields of `hashes` hashes.
    pub(in crate::bench) fn push_hset(&mut self, number: u64, hashes: u64, out: &mut Vec<u8>) {
        self.push_fields(number % hashes, number / hashes..number / hashes + 1, out);
    }

    /// Appends a command that sets these fields of the hash with this number.
    pub(in crate::bench) fn push_fields(&mut self, hash: u64, fields: Range<u64>, out: &mut Vec<u8>) {
        let arguments = 2 + 2 * (fields.end - fields.start);
        out.extend_from_slice(format!("*{arguments}\r\n$4\r\nHSET\r\n").as_bytes());
        push_number(HASH, HASH_DIGITS, hash, out);
        out.extend_from_slice(b"\r\n");
        for field in fields {
            push_number(FIELD, FIELD_DIGITS, field, out);
            self.renew_value();
            out.extend_from_slice(&self.frame[self.key_at + KEY_BYTES..]);
        }
    }

    /// Appends a command that gets the key with this number.
    pub(in crate::bench) fn push_get(number: u64, out: &mut Vec<u8>) {
        const FRAME: &[u8] = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n";
        let at = out.len() + FRAME.len() - 2 - 12;
        out.extend_from_slice(FRAME);
        write_digits(&mut out[at..at + 12], number);
    }
}

/// Appends what comes before a number, and the number with so many digits.
fn push_number(before: &[u8], digits: usize, number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(before);
    let at = out.len();
    out.resize(at + digits, 0);
    write_digits(&mut out[at..], number);
}

fn write_digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_whole() {
        let mut out = Vec::new();
        let mut commands = Commands::new(1, Content::Document, 90);
        commands.push_set(1_234_567, &mut out);
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(
            text.starts_with("*3\r\n$3\r\nSET\r\n$16\r\nkey:000001234567\r\n$90\r\n{\"user_id\":"),
            "{text}"
        );
        assert!(text.ends_with("\r\n"));
        let len = out.len();
        commands.push_set(7, &mut out);
        assert_eq!(out.len(), 2 * len);
        assert_ne!(out[..len], out[len..]);
    }

    #[test]
    fn long_documents_repeat_with_other_numbers() {
        let mut out = Vec::new();
        Commands::new(1, Content::Document, 200).push_set(1, &mut out);
        let text = String::from_utf8(out).unwrap();
        let users: Vec<&str> =
            text.match_indices("user_id\":").map(|(at, _)| &text[at + 9..at + 16]).collect();
        assert_eq!(users.len(), 3, "{text}");
        assert!(users[0] != users[1] && users[0].bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    }

    #[test]
    fn fields_are_spread_over_the_hashes_and_each_has_one_place() {
        let mut commands = Commands::new(1, Content::Noise, 3);
        let (mut one, mut many) = (Vec::new(), Vec::new());
        // Field 4 of hash 3 of 10.
        commands.push_hset(43, 10, &mut one);
        commands.push_fields(3, 4..6, &mut many);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let head = "$4\r\nHSET\r\n$11\r\nhash:000003\r\n$16\r\nfield:0000000004\r\n$3\r\n";
        assert!(text(&one).starts_with(&format!("*4\r\n{head}")), "{}", text(&one));
        assert!(text(&many).starts_with(&format!("*6\r\n{head}")), "{}", text(&many));
        assert!(text(&many).contains("\r\n$16\r\nfield:0000000005\r\n$3\r\n"));
        assert_eq!(one.len(), "*4\r\n".len() + head.len() + 5);
    }

    #[test]
    fn keys_that_are_read_are_those_that_are_written() {
        let (mut get, mut set) = (Vec::new(), Vec::new());
        Commands::push_get(1_234_567, &mut get);
        Commands::new(1, Content::Noise, 8).push_set(1_234_567, &mut set);
        assert_eq!(get, b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000001234567\r\n");
        assert!(set.windows(16).any(|window| window == b"key:000001234567"));
    }
}
