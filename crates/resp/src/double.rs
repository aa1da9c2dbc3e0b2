//! Doubles as text.

/// Room for one double as text, the way Redis 7.2 and later write scores and RESP3 doubles.
///
/// Integers have no fraction, infinities are `inf` and `-inf`, any NaN is `nan`; everything else has the shortest
/// digits that read back as the same double, in plain notation where that is short and as `1.5e-7` or `1e+21`
/// otherwise. The layout is Redis'; the digits can differ in about two of a thousand doubles with many digits, for which
/// Redis' algorithm (Grisu2) misses the shortest or nearest ones. Both read back as the same double.
///
/// ```
/// use lastsave_resp::DoubleBuffer;
/// let mut buffer = DoubleBuffer::new();
/// assert_eq!(buffer.format(0.1 + 0.2), "0.30000000000000004");
/// assert_eq!(buffer.format(3.0), "3");
/// assert_eq!(buffer.format(1e21), "1e+21");
/// ```
#[derive(Debug, Clone)]
pub struct DoubleBuffer {
    bytes: [u8; Self::BYTES_MAX],
    len: usize,
}

/// Largest magnitude that is printed as an integer whatever its digits: half of what 63 bits hold.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

impl DoubleBuffer {
    /// A sign and 24 digits at most, see `write_decimal`.
    const BYTES_MAX: usize = 32;

    /// Empty room.
    pub fn new() -> Self {
        Self { bytes: [0; Self::BYTES_MAX], len: 0 }
    }

    /// The text of `value`.
    pub fn format(&mut self, value: f64) -> &str {
        if value.is_nan() {
            return "nan";
        }
        if value.is_infinite() {
            return if value < 0.0 { "-inf" } else { "inf" };
        }
        if value == 0.0 {
            return if value.is_sign_negative() { "-0" } else { "0" };
        }
        self.len = 0;
        if value.abs() <= INTEGER_MAX && value.trunc() == value {
            self.push(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            if value < 0.0 {
                self.push(b"-");
            }
            self.write_decimal(&Decimal::of(value.abs()));
        }
        std::str::from_utf8(&self.bytes[..self.len]).expect("invariant: only ASCII is pushed")
    }

    fn write_decimal(&mut self, decimal: &Decimal) {
        let (digits, exponent) = (decimal.digits(), decimal.exponent);
        let count = digits.len() as i32;
        // Of the first digit.
        let magnitude = exponent + count - 1;
        if exponent >= 0 && magnitude < count + 7 {
            self.push(digits);
            self.push_zeros(exponent);
        } else if exponent < 0 && (exponent > -7 || magnitude.abs() < 4) {
            let before_point = count + exponent;
            if before_point <= 0 {
                self.push(b"0.");
                self.push_zeros(-before_point);
                self.push(digits);
            } else {
                let (whole, fraction) = digits.split_at(before_point as usize);
                self.push(whole);
                self.push(b".");
                self.push(fraction);
            }
        } else {
            let (first, fraction) = digits.split_at(1);
            self.push(first);
            if !fraction.is_empty() {
                self.push(b".");
                self.push(fraction);
            }
            self.push(if magnitude < 0 { b"e-" } else { b"e+" });
            self.push(itoa::Buffer::new().format(magnitude.unsigned_abs()).as_bytes());
        }
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    fn push_zeros(&mut self, count: i32) {
        for _ in 0..count {
            self.push(b"0");
        }
    }
}

impl Default for DoubleBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// `digits * 10^exponent`, without leading or trailing zeros.
struct Decimal {
    digits: [u8; 17],
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// The shortest digits that read back as `value`, which is finite and above 0.
    fn of(value: f64) -> Self {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value).as_bytes();
        let mut decimal = Self { digits: [0; 17], count: 0, exponent: 0 };
        let mut behind_point = false;
        for (index, byte) in text.iter().enumerate() {
            match byte {
                b'.' => behind_point = true,
                b'e' => {
                    let exponent =
                        std::str::from_utf8(&text[index + 1..]).ok().and_then(|text| text.parse().ok());
                    decimal.exponent += exponent.unwrap_or(0);
                    break;
                }
                digit => {
                    decimal.exponent -= i32::from(behind_point);
                    decimal.push(*digit);
                }
            }
        }
        while decimal.count > 1 && decimal.digits[decimal.count - 1] == b'0' {
            decimal.count -= 1;
            decimal.exponent += 1;
        }
        decimal
    }

    /// Appends a digit; zeros beyond the room (`1e16` is written out) only move the exponent.
    fn push(&mut self, digit: u8) {
        if self.count == 0 && digit == b'0' {
            return;
        }
        match self.digits.get_mut(self.count) {
            Some(place) => {
                *place = digit;
                self.count += 1;
            }
            None => self.exponent += 1,
        }
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_as_redis_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (1.5, "1.5"),
            (-3.25, "-3.25"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (1.234_567_8e-3, "0.0012345678"),
            (1.234_567_8e-4, "1.2345678e-4"),
            (1e15, "1000000000000000"),
            (1e18, "1000000000000000000"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (5e18, "5e+18"),
            (9_223_372_036_854_775_808.0, "9223372036854776000"),
            (1e19, "1e+19"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (2.225_073_858_507_201_4e-308, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (123_456.789, "123456.789"),
            (1_700_000_000.123_456, "1700000000.123456"),
        ] {
            assert_eq!(DoubleBuffer::new().format(value), text);
        }
    }

    proptest! {
        #[test]
        fn text_reads_back_as_the_same_double(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let mut buffer = DoubleBuffer::new();
            let read: f64 = buffer.format(value).parse().unwrap();
            prop_assert!(read.to_bits() == bits || (read.is_nan() && value.is_nan()));
        }

        #[test]
        fn fractions_read_back(mantissa in any::<i64>(), exponent in -30i32..10) {
            let value = mantissa as f64 * 10f64.powi(exponent);
            prop_assert_eq!(DoubleBuffer::new().format(value).parse::<f64>().unwrap(), value);
        }
    }
}
