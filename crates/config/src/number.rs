//! How numbers are written in a configuration, with the tolerance of the C functions Redis uses where it
//! shows.

/// A plain decimal integer: optional `-`, no leading zero, no sign `+`, no blanks, fits 64 bits.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = matches!(digits, [b'1'..=b'9', ..]) || text == b"0";
    if !canonical || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number of bytes: digits and a unit of `b k kb m mb g gb` in any case; `k` is 1000, `kb` 1024.
///
/// As in Redis no digits at all count as zero. A product that does not fit 64 bits is refused (Redis wraps
/// around).
#[must_use]
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    let text = &text[..end];
    let digits_len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits_len);
    let multiplier: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1024,
        b"m" => 1000 * 1000,
        b"mb" => 1024 * 1024,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1024 * 1024 * 1024,
        _ => return None,
    };
    let mut value: u64 = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    value.checked_mul(multiplier)
}

/// The whole of `text` as `strtoll` reads it: leading blanks and a sign are allowed, nothing at all is zero,
/// and a value too large saturates. `None` when something follows the number.
pub(crate) fn parse_c_integer(text: &[u8], radix: u8) -> Option<i64> {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    let text = &text[..end];
    if text.is_empty() {
        return Some(0);
    }
    let blanks = text.iter().take_while(|&&byte| crate::split::is_space(byte)).count();
    let (negative, digits) = match &text[blanks..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit >= radix {
            return None;
        }
        value = value.saturating_mul(i64::from(radix)).saturating_add(i64::from(digit));
    }
    Some(if negative { value.saturating_neg() } else { value })
}

/// A finite or infinite decimal number without blanks around it.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// A number of bytes with the largest unit that divides it, as CONFIG REWRITE writes it.
pub(crate) fn format_memory(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    for (size, unit) in UNITS {
        if bytes != 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

/// Six decimals with the trailing zeros, and a trailing point, cut off.
pub(crate) fn format_double(value: f64) -> String {
    let text = format!("{value:.6}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for bad in ["", "-", "+1", "01", "-0", " 1", "1 ", "1k", "9223372036854775808", "0x1", "--1"] {
            assert_eq!(parse_integer(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(parse_integer(b"0"), Some(0));
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
    }

    #[test]
    fn memory_knows_both_families_of_units() {
        let cases: &[(&str, Option<u64>)] = &[
            ("", Some(0)),
            ("mb", Some(0)),
            ("1", Some(1)),
            ("1B", Some(1)),
            ("2k", Some(2000)),
            ("2Kb", Some(2048)),
            ("3m", Some(3_000_000)),
            ("3MB", Some(3 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1gB", Some(1 << 30)),
            ("-1", None),
            ("1tb", None),
            ("1 mb", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("17179869184gb", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_memory(text.as_bytes()), *expected, "{text:?}");
        }
        assert_eq!(format_memory(0), "0");
        assert_eq!(format_memory(1 << 30), "1gb");
        assert_eq!(format_memory(3 << 10), "3kb");
        assert_eq!(format_memory(1500), "1500");
    }

    #[test]
    fn c_integers_are_tolerant() {
        assert_eq!(parse_c_integer(b"", 10), Some(0));
        assert_eq!(parse_c_integer(b" \t-12", 10), Some(-12));
        assert_eq!(parse_c_integer(b"+7", 10), Some(7));
        assert_eq!(parse_c_integer(b"12x", 10), None);
        assert_eq!(parse_c_integer(b" ", 10), None);
        assert_eq!(parse_c_integer(b"99999999999999999999", 10), Some(i64::MAX));
        assert_eq!(parse_c_integer(b"755", 8), Some(0o755));
        assert_eq!(parse_c_integer(b"8", 8), None);
    }

    #[test]
    fn doubles_lose_their_zeros() {
        assert_eq!(format_double(50.0), "50");
        assert_eq!(format_double(99.9), "99.9");
        assert_eq!(format_double(0.0), "0");
        assert_eq!(parse_double(b"nan"), None);
        assert_eq!(parse_double(b" 1"), None);
        assert_eq!(parse_double(b"99.99"), Some(99.99));
    }
}
