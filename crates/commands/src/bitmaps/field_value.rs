//! Integers of any width at any bit of a string, as BITFIELD reads and writes them.

/// Bytes that 64 bits at any offset can touch.
pub(super) const WINDOW_BYTES: usize = 9;

/// The type of an integer: `i1` to `i64` and `u1` to `u63`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FieldType {
    signed: bool,
    bits: u32,
}

/// What happens to a result that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overflow {
    /// Its lowest bits are stored.
    #[default]
    Wrap,
    /// The nearest value that fits is stored.
    Saturate,
    /// Nothing is stored.
    Fail,
}

impl FieldType {
    /// Parses `i16`, `u8` and the like.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (kind, digits) = text.split_first()?;
        let signed = match kind {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let bits = lastsave_resp::parse_integer(digits)?;
        let bits =
            u32::try_from(bits).ok().filter(|bits| (1..=if signed { 64 } else { 63 }).contains(bits))?;
        Some(Self { signed, bits })
    }

    /// Width in bits.
    pub(super) fn bits(self) -> u64 {
        u64::from(self.bits)
    }

    fn range(self) -> (i128, i128) {
        if self.signed {
            (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1)
        } else {
            (0, (1 << self.bits) - 1)
        }
    }

    /// The lowest bits of `number`, read as this type.
    fn wrap(self, number: i128) -> i64 {
        let unused = 64 - self.bits;
        let shifted = (number as u64) << unused;
        if self.signed { (shifted as i64) >> unused } else { (shifted >> unused) as i64 }
    }

    /// The value `number` is stored as; nothing when it does not fit and must.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.range();
        match overflow {
            Overflow::Fail if !(min..=max).contains(&number) => None,
            Overflow::Saturate => Some(number.clamp(min, max) as i64),
            Overflow::Fail | Overflow::Wrap => Some(self.wrap(number)),
        }
    }

    /// The value that an argument of SET is stored as. For an unsigned type a negative argument is a huge number.
    pub(super) fn fit_argument(self, argument: i64, overflow: Overflow) -> Option<i64> {
        let number = if self.signed { i128::from(argument) } else { i128::from(argument as u64) };
        self.fit(number, overflow)
    }

    /// The value after adding `increment`.
    pub(super) fn add(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(value) + i128::from(increment), overflow)
    }

    /// Reads the integer at a bit offset; `window` begins with the byte of that bit.
    pub(super) fn read(self, window: &[u8; WINDOW_BYTES], offset: u64) -> i64 {
        let wide = widen(window) >> self.shift(offset);
        self.wrap(wide as i128)
    }

    /// Writes the integer at a bit offset; `window` begins with the byte of that bit.
    pub(super) fn write(self, window: &mut [u8; WINDOW_BYTES], offset: u64, value: i64) {
        let shift = self.shift(offset);
        let mask = ((1_u128 << self.bits) - 1) << shift;
        let wide = (widen(window) & !mask) | ((value as u128) << shift & mask);
        window.copy_from_slice(&wide.to_be_bytes()[16 - WINDOW_BYTES..]);
    }

    /// How far the integer's last bit is from the window's end.
    fn shift(self, offset: u64) -> u32 {
        (WINDOW_BYTES * 8) as u32 - (offset % 8) as u32 - self.bits
    }
}

fn widen(window: &[u8; WINDOW_BYTES]) -> u128 {
    window.iter().fold(0, |wide, byte| wide << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_have_a_sign_and_a_width_that_fits_a_reply() {
        for text in ["u1", "u63", "i1", "i64", "u8"] {
            assert!(FieldType::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "u", "u0", "u64", "i65", "i-1", "x8", "8", "u08", "U8", "u8 "] {
            assert!(FieldType::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_wraps_saturates_or_fails() {
        let [u2, i8] = ["u2", "i8"].map(|text| FieldType::parse(text.as_bytes()).expect("a type"));
        assert_eq!(u2.add(3, 1, Overflow::Wrap), Some(0));
        assert_eq!(u2.add(3, 1, Overflow::Saturate), Some(3));
        assert_eq!(u2.add(0, -1, Overflow::Saturate), Some(0));
        assert_eq!(u2.add(3, 1, Overflow::Fail), None);
        assert_eq!(i8.add(127, 2, Overflow::Wrap), Some(-127));
        assert_eq!(i8.add(-128, i64::MIN, Overflow::Saturate), Some(-128));
        assert_eq!(u2.fit_argument(-1, Overflow::Saturate), Some(3));
        assert_eq!(i8.fit_argument(-1, Overflow::Saturate), Some(-1));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else_changes(
            before in any::<[u8; WINDOW_BYTES]>(),
            signed in any::<bool>(),
            bits in 1_u32..=64,
            offset in 0_u64..8,
            value in any::<i64>(),
        ) {
            let kind = FieldType { signed, bits: if signed { bits } else { bits.min(63) } };
            let stored = kind.wrap(i128::from(value));
            let mut window = before;
            kind.write(&mut window, offset, stored);
            prop_assert_eq!(kind.read(&window, offset), stored);
            for at in (0..72_u64).filter(|at| !(offset..offset + kind.bits()).contains(at)) {
                let mask = 0x80 >> (at % 8);
                prop_assert_eq!(window[(at / 8) as usize] & mask, before[(at / 8) as usize] & mask);
            }
        }
    }
}
