//! Doubles in arguments and replies: the texts that C's `strtod` takes, and those that `printf` makes.

use crate::reply::{NOT_A_FLOAT, Replied, error};
use lastsave_resp::ReplyBuffer;

/// Bits of a significand.
const SIGNIFICAND_BITS: i64 = 53;
/// Exponent of the highest bit of the largest numbers.
const EXPONENT_MAX: i64 = 1023;
/// Exponent of the highest bit of the smallest numbers that have no leading zeros.
const EXPONENT_MIN: i64 = -1022;
/// Decimals of a coordinate.
const DECIMALS: usize = 17;

/// A number as `strtod` reads it.
struct Number {
    value: f64,
    /// It is too large or too small for a double, and `value` is infinite or zero in its place.
    out_of_range: bool,
}

/// An argument as a number: decimal or hexadecimal, with or without an exponent, or `inf`. Refused are blanks, NaN, and
/// numbers that are too large or vanish.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    read(text).filter(|number| !number.out_of_range).map(|number| number.value)
}

/// An argument as a number, or an error: `message` when given, else the usual one.
pub(crate) fn double_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    message: Option<&str>,
) -> Result<f64, Replied> {
    parse_double(argument).ok_or_else(|| error(reply, message.unwrap_or(NOT_A_FLOAT)))
}

/// The end of a range of scores. It is read as a C string: up to the first zero byte, with blanks before the number;
/// nothing at all is 0, and what is out of range is infinite or zero.
pub(crate) fn parse_range_end(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    read(&text[blanks..]).map(|number| number.value)
}

fn read(text: &[u8]) -> Option<Number> {
    let (is_negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let number = match rest {
        [b'0', b'x' | b'X', digits @ ..] => read_hexadecimal(digits)?,
        [b'0'..=b'9' | b'.', ..] => read_decimal(rest)?,
        _ if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") => {
            Number { value: f64::INFINITY, out_of_range: false }
        }
        _ => return None,
    };
    let value = if is_negative { -number.value } else { number.value };
    Some(Number { value, ..number })
}

fn read_decimal(text: &[u8]) -> Option<Number> {
    // Short whole numbers are what most scores are.
    if text.len() <= 15 && text.iter().all(u8::is_ascii_digit) {
        let number = text.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        return Some(Number { value: number as f64, out_of_range: false });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let mantissa = text.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next().unwrap_or_default();
    let vanished = value == 0.0 && mantissa.iter().any(|digit| matches!(digit, b'1'..=b'9'));
    Some(Number { value, out_of_range: vanished || value.is_infinite() })
}

fn read_hexadecimal(text: &[u8]) -> Option<Number> {
    let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p')).unwrap_or(text.len());
    let exponent = match &text[end..] {
        [] => 0,
        [_, b'-', digits @ ..] => -exponent_digits(digits)?,
        [_, b'+', digits @ ..] | [_, digits @ ..] => exponent_digits(digits)?,
    };
    let (mut significand, mut exponent, mut behind_point, mut has_digits) = (0_u64, exponent, false, false);
    for byte in &text[..end] {
        if *byte == b'.' && !behind_point {
            behind_point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        has_digits = true;
        if significand >> 60 == 0 {
            significand = significand << 4 | digit;
            exponent -= if behind_point { 4 } else { 0 };
        } else {
            // Only whether there is anything below matters for rounding.
            significand |= u64::from(digit != 0);
            exponent += if behind_point { 0 } else { 4 };
        }
    }
    if !has_digits {
        return None;
    }
    let value = scale(significand, exponent);
    Some(Number { value, out_of_range: significand != 0 && (value == 0.0 || value.is_infinite()) })
}

fn exponent_digits(digits: &[u8]) -> Option<i64> {
    /// More only make it more extreme.
    const CAP: i64 = 1 << 40;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(CAP)))
}

/// `significand * 2^exponent`, rounded once, to nearest.
fn scale(significand: u64, exponent: i64) -> f64 {
    if significand == 0 {
        return 0.0;
    }
    let blanks = i64::from(significand.leading_zeros());
    let (significand, exponent) = (significand << blanks, exponent - blanks);
    let top = exponent + 63;
    if top > EXPONENT_MAX {
        return f64::INFINITY;
    }
    let kept_bits = SIGNIFICAND_BITS.min(SIGNIFICAND_BITS - (EXPONENT_MIN - top));
    if kept_bits < 0 {
        return 0.0;
    }
    let dropped_bits = 64 - kept_bits;
    let significand = u128::from(significand);
    let (mut kept, dropped) = (significand >> dropped_bits, significand & ((1 << dropped_bits) - 1));
    let half = 1 << (dropped_bits - 1);
    kept += u128::from(dropped > half || (dropped == half && kept & 1 == 1));
    // Both factors are exact, and so is their product.
    let exponent = exponent + dropped_bits;
    let lowest_exponent = EXPONENT_MIN - (SIGNIFICAND_BITS - 1);
    let power = if exponent >= EXPONENT_MIN {
        f64::from_bits(((exponent + EXPONENT_MAX) as u64) << (SIGNIFICAND_BITS - 1))
    } else {
        f64::from_bits(1 << (exponent - lowest_exponent))
    };
    kept as f64 * power
}

/// `printf`'s `%.17g`: 17 digits without superfluous zeros.
pub(crate) fn to_17_digits(value: f64) -> String {
    if value.is_infinite() {
        return if value < 0.0 { "-inf".to_owned() } else { "inf".to_owned() };
    }
    let text = format!("{value:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let decimals = (16 - exponent).max(0) as usize;
        return without_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

/// `printf`'s `%.17f` without superfluous zeros, as coordinates are replied.
pub(crate) fn to_decimals(value: f64) -> String {
    let text = format!("{value:.DECIMALS$}");
    let text = without_zeros(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("+7", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("inf", f64::INFINITY),
            ("-INFinity", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("0X.8p1", 1.0),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x20000000000001", 9_007_199_254_740_992.0),
            ("0x20000000000003", 9_007_199_254_740_996.0),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("123456789012345678", 123_456_789_012_345_680.0),
        ] {
            assert_eq!(parse_double(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "1e400",
            "-1e400",
            "1e-400",
            "0x",
            "0xg",
            "0x1p",
            "0x.",
            "1e",
            "e1",
            ".",
            "-",
            "--1",
            "0x1p1024",
            "0x1p-1075",
            "1_0",
            "infi",
            "1\0",
        ] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn ends_of_ranges_are_read_less_strictly() {
        for (text, value) in [
            ("", 0.0),
            (" \t1", 1.0),
            ("1\0x", 1.0),
            ("1e400", f64::INFINITY),
            ("-1e-400", -0.0),
            ("\0", 0.0),
        ] {
            assert_eq!(parse_range_end(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in [" ", "1 ", "nan", "x"] {
            assert_eq!(parse_range_end(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_printed_as_c_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.10000000000000001"),
            (1e17, "1e+17"),
            (1e16, "10000000000000000"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (1e300, "1.0000000000000001e+300"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(to_17_digits(value), text);
        }
        for (value, text) in [
            (13.361_389_338_970_184, "13.36138933897018433"),
            (0.0, "0"),
            (-1e-20, "0"),
            (2.5, "2.5"),
            (-180.0, "-180"),
        ] {
            assert_eq!(to_decimals(value), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn hexadecimal_numbers_are_exact(bits: u64) {
            let value = f64::from_bits(bits & !(1 << 63));
            let exponent = (value.to_bits() >> 52) as i64;
            let fraction = value.to_bits() & ((1 << 52) - 1);
            let text = match exponent {
                0 => format!("0x0.{fraction:013x}p-1022"),
                0x7ff => return Ok(()),
                _ => format!("0x1.{fraction:013x}p{}", exponent - 1023),
            };
            let read = parse_double(text.as_bytes());
            proptest::prop_assert_eq!(read.map(f64::to_bits), Some(value.to_bits()));
        }

        #[test]
        fn any_bytes_are_a_number_or_not(text in "[-+]?[0-9a-fxXpPeE.]{0,30}") {
            parse_double(text.as_bytes());
            parse_range_end(text.as_bytes());
        }
    }
}
