//! Fixed-width numbers of the frame lines: six bits per character, most significant first.
//!
//! The alphabet is that of base64url, so a number holds neither `#`, blank nor line end and survives every tool
//! that treats the log as text. Widths are fixed, so that a line's length tells its kind and never its content.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters of a file position (54 bits, 16 PiB).
pub(crate) const POSITION_DIGITS: usize = 9;
/// Characters of a time in milliseconds (48 bits).
pub(crate) const TIME_DIGITS: usize = 8;
/// Characters of a full 64-bit number.
pub(crate) const WORD_DIGITS: usize = 11;

/// Largest position a frame can name.
pub(crate) const MAX_POSITION: u64 = (1 << (6 * POSITION_DIGITS as u32)) - 1;
/// Largest time a long frame can name, in milliseconds.
pub(crate) const MAX_TIME_MS: u64 = (1 << (6 * TIME_DIGITS as u32)) - 1;

/// Appends `value` with `width` characters.
///
/// # Panics
/// When the value does not fit: widths are chosen by us for numbers we bound.
pub(crate) fn push_number(out: &mut Vec<u8>, value: u64, width: usize) {
    let bits = 6 * width as u32;
    assert!(bits >= 64 || value >> bits == 0, "number {value} does not fit {width} characters");
    for place in (0..width as u32).rev() {
        let sextet = if place * 6 >= 64 { 0 } else { (value >> (place * 6)) & 63 };
        out.push(ALPHABET[sextet as usize]);
    }
}

/// Reads a number of exactly `text.len()` characters; `None` for a foreign character or an overflow.
pub(crate) fn read_number(text: &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for &character in text {
        if value >> 58 != 0 {
            return None;
        }
        value = (value << 6) | u64::from(sextet(character)?);
    }
    Some(value)
}

fn sextet(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn alphabet_and_reader_agree() {
        for (index, &character) in ALPHABET.iter().enumerate() {
            assert_eq!(sextet(character), Some(index as u8));
        }
        assert_eq!(sextet(b'#'), None);
        assert_eq!(sextet(b'\r'), None);
    }

    #[test]
    fn overflow_is_refused() {
        assert_eq!(read_number(b"P__________"), Some(u64::MAX));
        assert_eq!(read_number(b"QAAAAAAAAAA"), None);
    }

    proptest! {
        #[test]
        fn every_word_survives(value: u64) {
            let mut text = Vec::new();
            push_number(&mut text, value, WORD_DIGITS);
            prop_assert_eq!(text.len(), WORD_DIGITS);
            prop_assert_eq!(read_number(&text), Some(value));
        }

        #[test]
        fn every_position_survives(value in 0..=MAX_POSITION) {
            let mut text = Vec::new();
            push_number(&mut text, value, POSITION_DIGITS);
            prop_assert_eq!(text.len(), POSITION_DIGITS);
            prop_assert_eq!(read_number(&text), Some(value));
        }
    }
}
