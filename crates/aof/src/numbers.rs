//! Numbers as C's library reads them: leading digits count, the rest is ignored.

/// The integer at the start of `text` after blanks and a sign; 0 when there is none, clamped to the range.
pub(crate) fn leading_integer(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        value = value.saturating_mul(10);
        value = if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_c_does() {
        assert_eq!(leading_integer(b"12\r\n"), 12);
        assert_eq!(leading_integer(b" -7x"), -7);
        assert_eq!(leading_integer(b"+3"), 3);
        assert_eq!(leading_integer(b"x"), 0);
        assert_eq!(leading_integer(b"99999999999999999999"), i64::MAX);
        assert_eq!(leading_integer(b"-99999999999999999999"), i64::MIN);
    }
}
