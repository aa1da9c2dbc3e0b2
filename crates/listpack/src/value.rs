//! What an entry of a packed encoding holds, and the canonical decimal form that decides how bytes are stored.

use std::fmt;

/// The value of one entry: its bytes, or the integer whose decimal text they are.
///
/// Both forms stand for a string. Two values are equal when their texts are, whichever way they are stored.
#[derive(Clone, Copy)]
pub enum ListpackValue<'a> {
    /// Stored as an integer; the string is its decimal text.
    Integer(i64),
    /// Stored as bytes.
    Bytes(&'a [u8]),
}

impl<'a> ListpackValue<'a> {
    /// Length of the text in bytes.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Integer(integer) => decimal_len(integer),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether the text is the empty string.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// The text, made in `buffer` when the value is an integer.
    #[must_use]
    #[inline]
    pub fn to_text<'b>(self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Integer(integer) => buffer.format(integer).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Appends the text to `output`.
    #[inline]
    pub fn write_to(self, output: &mut Vec<u8>) {
        output.extend_from_slice(self.to_text(&mut itoa::Buffer::new()));
    }

    /// The text in a vector of its own.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.to_text(&mut itoa::Buffer::new()).to_vec()
    }

    /// Whether the text is `other`. An integer is never turned into text for that.
    #[must_use]
    #[inline]
    pub fn eq_bytes(self, other: &[u8]) -> bool {
        match self {
            Self::Integer(integer) => parse_integer(other) == Some(integer),
            Self::Bytes(bytes) => bytes == other,
        }
    }

    /// The integer whose canonical decimal text this is, as [`parse_integer`] judges it.
    #[must_use]
    #[inline]
    pub fn parse_integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Bytes(bytes) => parse_integer(bytes),
        }
    }
}

impl PartialEq for ListpackValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::Integer(integer), Self::Bytes(bytes)) | (Self::Bytes(bytes), Self::Integer(integer)) => {
                parse_integer(bytes) == Some(integer)
            }
        }
    }
}

impl Eq for ListpackValue<'_> {}

impl fmt::Debug for ListpackValue<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(formatter, "{integer}"),
            Self::Bytes(bytes) => write!(formatter, "\"{}\"", bytes.escape_ascii()),
        }
    }
}

impl From<i64> for ListpackValue<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl<'a> From<&'a [u8]> for ListpackValue<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Length of the decimal text of `integer`.
#[inline]
fn decimal_len(integer: i64) -> usize {
    let digits = integer.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(integer < 0)
}

/// The integer whose canonical decimal text `text` is: an optional minus sign, no leading zero, no plus, no `-0`, and
/// within 64 bits. Only such strings can be stored as integers and read back the same.
#[must_use]
#[inline]
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    // What most strings fail on comes first.
    let (negative, digits) = match text {
        [b'0'] => return Some(0),
        [b'1'..=b'9', ..] => (false, text),
        [b'-', digits @ ..] if matches!(digits.first(), Some(b'1'..=b'9')) => (true, digits),
        _ => return None,
    };
    // Nineteen digits cannot overflow 64 bits without a sign.
    if digits.len() > 19 {
        return None;
    }
    let mut magnitude = 0_u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_canonical_decimals_are_integers() {
        for integer in [0, 1, -1, 9, 10, -10, 4096, i64::MAX, i64::MIN, i64::MIN + 1] {
            assert_eq!(parse_integer(integer.to_string().as_bytes()), Some(integer));
        }
        for text in [
            "",
            "-",
            "+1",
            "-0",
            "00",
            "01",
            "-01",
            " 1",
            "1 ",
            "1a",
            "a",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "123456789012345678901",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn values_compare_by_text() {
        assert_eq!(ListpackValue::Integer(12), ListpackValue::Bytes(b"12"));
        assert_ne!(ListpackValue::Integer(12), ListpackValue::Bytes(b"012"));
        assert!(ListpackValue::Integer(-3).eq_bytes(b"-3"));
        assert!(!ListpackValue::Bytes(b"-3").eq_bytes(b"-4"));
    }

    proptest! {
        #[test]
        fn the_text_of_an_integer_has_the_reported_length(integer in any::<i64>(), shift in 0..64_u32) {
            let value = ListpackValue::Integer(integer >> shift);
            prop_assert_eq!(value.len(), value.to_vec().len());
            prop_assert_eq!(parse_integer(&value.to_vec()), Some(integer >> shift));
        }

        #[test]
        fn parsing_agrees_with_the_standard_library(text in "-?[0-9]{1,21}") {
            let expected = text.parse::<i64>().ok().filter(|integer| integer.to_string() == text);
            prop_assert_eq!(parse_integer(text.as_bytes()), expected);
        }
    }
}
