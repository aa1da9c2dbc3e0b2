//! Arithmetic in the x87 extended format, the `long double` in which Redis on x86-64 computes INCRBYFLOAT.
//!
//! A number has a 64-bit significand and a 15-bit exponent. Reading a decimal, adding, and printing 17 decimals are each
//! exact up to one rounding to nearest, ties to even; so the digits are those Redis prints on that machine, here on
//! every machine.

mod natural;

use std::cmp::Ordering;

use natural::Natural;

/// Bits of the significand.
const SIGNIFICAND_BITS: u64 = 64;
/// Exponent of the last bit of the largest numbers.
const EXPONENT_MAX: i64 = 16383 - 63;
/// Exponent of the last bit of the smallest numbers, which have leading zeros.
const EXPONENT_MIN: i64 = -16382 - 63;
/// Longest text that is read as a number.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// Decimals printed, before trailing zeros go.
const DECIMALS: usize = 17;
/// Decimal exponents beyond which every number is infinite or zero.
const DECIMAL_EXPONENT_MAX: i64 = 5_000;
/// Most digits in an exponent that are looked at; more only make it more extreme.
const EXPONENT_CAP: i64 = 1_000_000;

/// A finite or infinite number: `significand * 2^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LongDouble {
    negative: bool,
    infinite: bool,
    significand: u64,
    exponent: i64,
}

impl From<i64> for LongDouble {
    fn from(number: i64) -> Self {
        // Every 64-bit integer fits the significand.
        Self { negative: number < 0, infinite: false, significand: number.unsigned_abs(), exponent: 0 }
    }
}

impl LongDouble {
    pub(crate) const ZERO: Self = Self { negative: false, infinite: false, significand: 0, exponent: 0 };

    /// Reads a number as C's `strtold` does, but wholly or not at all: decimal or hexadecimal, with or without an
    /// exponent, or `inf`. Refused are blanks, NaN, and numbers that are too large or vanish.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            return Some(Self { negative, infinite: true, ..Self::ZERO });
        }
        let parsed = match rest {
            [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits)?,
            _ => parse_decimal(rest)?,
        };
        let number = Self { negative, ..parsed };
        (!number.infinite).then_some(number)
    }

    pub(crate) fn is_infinite(&self) -> bool {
        self.infinite
    }

    /// The nearest number with 53 bits.
    pub(crate) fn to_f64(self) -> f64 {
        let magnitude = match i32::try_from(self.exponent) {
            _ if self.infinite => f64::INFINITY,
            Ok(exponent) => self.significand as f64 * 2_f64.powi(exponent),
            Err(_) => f64::INFINITY,
        };
        if self.negative { -magnitude } else { magnitude }
    }

    /// The sum, unless it is infinite or undefined.
    pub(crate) fn add(&self, other: &Self) -> Option<Self> {
        if self.infinite || other.infinite {
            return None;
        }
        if self.significand == 0 || other.significand == 0 {
            return Some(if self.significand == 0 { *other } else { *self });
        }
        let exponent = self.exponent.min(other.exponent);
        let scaled =
            |number: &Self| Natural::from(number.significand).shifted_left(number.exponent - exponent);
        let (mut first, mut second) = (scaled(self), scaled(other));
        let sum = if self.negative == other.negative {
            first.add(&second);
            Self { negative: self.negative, ..Self::round(&first, exponent) }
        } else {
            match first.compare(&second) {
                Ordering::Equal => Self::ZERO,
                Ordering::Greater => {
                    first.subtract(&second);
                    Self { negative: self.negative, ..Self::round(&first, exponent) }
                }
                Ordering::Less => {
                    second.subtract(&first);
                    Self { negative: other.negative, ..Self::round(&second, exponent) }
                }
            }
        };
        (!sum.infinite).then_some(sum)
    }

    /// `value * 2^exponent` rounded to nearest.
    fn round(value: &Natural, exponent: i64) -> Self {
        let bits = value.bits() as i64;
        let drop = (bits - SIGNIFICAND_BITS as i64).max(EXPONENT_MIN - exponent).max(0);
        let mut exponent = exponent + drop;
        let (kept, remainder) = value.split_at_bit(drop as u64);
        let mut significand = u128::from(kept.low_u64());
        if remainder.rounds_up(significand & 1 == 1) {
            significand += 1;
        }
        if significand >> SIGNIFICAND_BITS != 0 {
            significand >>= 1;
            exponent += 1;
        }
        // A short value's exponent may exceed the maximum although the value does not: count from its highest bit.
        let top = exponent + (128 - i64::from(significand.leading_zeros())) - SIGNIFICAND_BITS as i64;
        let infinite = significand != 0 && top > EXPONENT_MAX;
        Self { negative: false, infinite, significand: significand as u64, exponent }
    }

    /// The number in plain notation, rounded to 17 decimals, without superfluous zeros.
    pub(crate) fn to_plain_text(self) -> String {
        let scaled = Natural::from(self.significand).multiplied_by_power_of_ten(DECIMALS as i64);
        let rounded = if self.exponent >= 0 {
            scaled.shifted_left(self.exponent)
        } else {
            let (mut kept, remainder) = scaled.split_at_bit(self.exponent.unsigned_abs());
            if remainder.rounds_up(kept.low_u64() & 1 == 1) {
                kept.add_small(1);
            }
            kept
        };
        if rounded.is_zero() {
            return "0".to_owned();
        }
        let digits = rounded.to_decimal();
        let digits = format!("{digits:0>width$}", width = DECIMALS + 1);
        let (whole, fraction) = digits.split_at(digits.len() - DECIMALS);
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.negative { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// Digits with at most one point among them, then at most one exponent: the digits without the point, how many of them
/// follow it, and the exponent.
struct Scanned<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn scan(text: &[u8], is_digit: fn(&u8) -> bool, exponent_mark: u8) -> Option<Scanned<'_>> {
    let mantissa_len = text.iter().position(|byte| !is_digit(byte) && *byte != b'.').unwrap_or(text.len());
    let (mantissa, rest) = text.split_at(mantissa_len);
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(point) => (&mantissa[..point], &mantissa[point + 1..]),
        None => (mantissa, &[][..]),
    };
    if fraction.contains(&b'.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [mark, b'-', digits @ ..] if mark.eq_ignore_ascii_case(&exponent_mark) => -exponent_digits(digits)?,
        [mark, b'+', digits @ ..] if mark.eq_ignore_ascii_case(&exponent_mark) => exponent_digits(digits)?,
        [mark, digits @ ..] if mark.eq_ignore_ascii_case(&exponent_mark) => exponent_digits(digits)?,
        _ => return None,
    };
    Some(Scanned { whole, fraction, exponent })
}

fn exponent_digits(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_CAP)))
}

fn parse_decimal(text: &[u8]) -> Option<LongDouble> {
    let scanned = scan(text, u8::is_ascii_digit, b'e')?;
    let mut digits = Natural::from(0);
    let mut count = 0_i64;
    for digit in scanned.whole.iter().chain(scanned.fraction) {
        digits.multiply_small(10);
        digits.add_small(u32::from(digit - b'0'));
        count += i64::from(count > 0 || *digit != b'0');
    }
    if digits.is_zero() {
        return Some(LongDouble::ZERO);
    }
    let exponent = scanned.exponent - scanned.fraction.len() as i64;
    if count + exponent > DECIMAL_EXPONENT_MAX || count + exponent < -DECIMAL_EXPONENT_MAX {
        return None;
    }
    let number = if exponent >= 0 {
        LongDouble::round(&digits.multiplied_by_power_of_ten(exponent), 0)
    } else {
        let divisor = Natural::from(1).multiplied_by_power_of_ten(-exponent);
        // Two bits more than the significand has, so that the rounding sees them.
        let (quotient, shift, inexact) = digits.divide_rounded_down(&divisor, SIGNIFICAND_BITS + 2);
        // The remainder may be anywhere below the quotient's last bit: as if one more bit were set there.
        let mut quotient = quotient.shifted_left(1);
        if inexact {
            quotient.add_small(1);
        }
        LongDouble::round(&quotient, -shift - 1)
    };
    (number.significand != 0).then_some(number)
}

fn parse_hexadecimal(text: &[u8]) -> Option<LongDouble> {
    let scanned = scan(text, u8::is_ascii_hexdigit, b'p')?;
    let mut digits = Natural::from(0);
    for digit in scanned.whole.iter().chain(scanned.fraction) {
        digits.multiply_small(16);
        digits.add_small((*digit as char).to_digit(16)?);
    }
    if digits.is_zero() {
        return Some(LongDouble::ZERO);
    }
    let exponent = scanned.exponent - 4 * scanned.fraction.len() as i64;
    if exponent > EXPONENT_MAX || exponent + (digits.bits() as i64) < EXPONENT_MIN {
        return None;
    }
    let number = LongDouble::round(&digits, exponent);
    (number.significand != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        LongDouble::parse(text.as_bytes()).filter(|number| !number.infinite).map(LongDouble::to_plain_text)
    }

    fn sum(first: &str, second: &str) -> Option<String> {
        let (first, second) = (LongDouble::parse(first.as_bytes())?, LongDouble::parse(second.as_bytes())?);
        first.add(&second).map(LongDouble::to_plain_text)
    }

    #[test]
    fn numbers_print_as_redis_prints_them() {
        for (input, output) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("10.50", "10.5"),
            ("5.0e3", "5000"),
            (".5", "0.5"),
            ("1.", "1"),
            ("+7", "7"),
            ("0x1p-2", "0.25"),
            ("0X.8", "0.5"),
            ("3.14159265358979323846", "3.14159265358979324"),
            ("1e-18", "0"),
            ("-1e-18", "0"),
            ("1e20", "100000000000000000000"),
            ("9223372036854775807", "9223372036854775807"),
            ("18446744073709551617", "18446744073709551616"),
            ("0.1", "0.1"),
            ("1e-4950", "0"),
        ] {
            assert_eq!(text(input).as_deref(), Some(output), "{input}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let refused = [
            "",
            " 1",
            "1 ",
            "1e",
            "e5",
            ".",
            "-",
            "--1",
            "1.2.3",
            "0x",
            "0xg",
            "0x1p",
            "nan",
            "abc",
            "1e5000",
            "1e-5000",
            "0x1p20000",
            "1_0",
        ];
        for input in refused {
            assert_eq!(LongDouble::parse(input.as_bytes()), None, "{input:?}");
        }
        assert_eq!(LongDouble::parse("1".repeat(5120).as_bytes()), None);
    }

    proptest::proptest! {
        #[test]
        fn sums_of_integers_are_exact(first: i64, second: i64) {
            let sum = LongDouble::from(first).add(&LongDouble::from(second)).expect("finite").to_plain_text();
            // 65 bits are rounded, 64 are not.
            let exact = i128::from(first) + i128::from(second);
            proptest::prop_assert!(exact.unsigned_abs() > u128::from(u64::MAX) || sum == exact.to_string());
        }

        #[test]
        fn decimals_below_128_come_back(whole in 0..128_u64, fraction in 0..1_000_000_u64) {
            let input = format!("{whole}.{fraction:06}");
            let expected = input.trim_end_matches('0').trim_end_matches('.');
            let expected = if expected.is_empty() { "0" } else { expected };
            proptest::prop_assert_eq!(text(&input).expect("a number"), expected);
        }

        #[test]
        fn any_bytes_are_a_number_or_not(input in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..40)) {
            if let Some(number) = LongDouble::parse(&input).filter(|number| !number.infinite) {
                number.to_plain_text();
            }
        }

        #[test]
        fn whatever_looks_like_a_number_prints(input in "[-+]?[0-9a-fxXpPeE.]{1,30}") {
            if let Some(number) = LongDouble::parse(input.as_bytes()).filter(|number| !number.infinite) {
                number.to_plain_text();
            }
        }
    }

    #[test]
    fn sums_round_once() {
        assert_eq!(sum("0.1", "0.2").as_deref(), Some("0.3"));
        assert_eq!(sum("3.0", "1.000000000000005").as_deref(), Some("4.000000000000005"));
        assert_eq!(sum("1", "-1").as_deref(), Some("0"));
        assert_eq!(sum("5.0e3", "2.0e2").as_deref(), Some("5200"));
        assert_eq!(sum("17179869184", "1.5").as_deref(), Some("17179869185.5"));
        assert_eq!(sum("1e4000", "1e-4000").map(|text| text.len()), Some(4000), "1e4000 is not exact");
        assert_eq!(sum("1e4932", "1e4932"), None, "infinite");
        assert_eq!(sum("inf", "-inf"), None);
        assert_eq!(sum("1", "inf"), None);
    }
}
