//! Natural numbers of any size, as far as reading and printing floating-point numbers needs them.

use std::cmp::Ordering;

/// A natural number: 32-bit limbs, the lowest first, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Natural {
    limbs: Vec<u32>,
}

/// What is cut off below a bit, compared with half of that bit's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remainder {
    BelowHalf,
    Half,
    AboveHalf,
}

impl Remainder {
    /// Whether rounding to nearest, ties to even, goes up from a kept part that is odd or even.
    pub(super) fn rounds_up(self, kept_is_odd: bool) -> bool {
        match self {
            Self::BelowHalf => false,
            Self::Half => kept_is_odd,
            Self::AboveHalf => true,
        }
    }
}

impl From<u64> for Natural {
    fn from(value: u64) -> Self {
        let mut natural = Self { limbs: vec![value as u32, (value >> 32) as u32] };
        natural.trim();
        natural
    }
}

impl Natural {
    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// Bits up to the highest one set.
    pub(super) fn bits(&self) -> u64 {
        match self.limbs.last() {
            None => 0,
            Some(top) => self.limbs.len() as u64 * 32 - u64::from(top.leading_zeros()),
        }
    }

    /// The lowest 64 bits.
    pub(super) fn low_u64(&self) -> u64 {
        let limb = |index: usize| u64::from(self.limbs.get(index).copied().unwrap_or(0));
        limb(0) | limb(1) << 32
    }

    pub(super) fn multiply_small(&mut self, factor: u32) {
        let mut carry = 0;
        for limb in &mut self.limbs {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = product as u32;
            carry = product >> 32;
        }
        if carry != 0 {
            self.limbs.push(carry as u32);
        }
    }

    pub(super) fn add_small(&mut self, addend: u32) {
        self.add(&Self::from(u64::from(addend)));
    }

    pub(super) fn multiplied_by_power_of_ten(mut self, exponent: i64) -> Self {
        for _ in 0..exponent {
            self.multiply_small(10);
        }
        self
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.limbs.len() < other.limbs.len() {
            self.limbs.resize(other.limbs.len(), 0);
        }
        let mut carry = 0;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let addend = other.limbs.get(index).copied().unwrap_or(0);
            if addend == 0 && carry == 0 && index >= other.limbs.len() {
                break;
            }
            let sum = u64::from(*limb) + u64::from(addend) + carry;
            *limb = sum as u32;
            carry = sum >> 32;
        }
        if carry != 0 {
            self.limbs.push(carry as u32);
        }
    }

    /// Subtracts a number that is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let subtrahend = u64::from(other.limbs.get(index).copied().unwrap_or(0)) + borrow;
            let minuend = u64::from(*limb);
            borrow = u64::from(minuend < subtrahend);
            *limb = minuend.wrapping_sub(subtrahend) as u32;
        }
        debug_assert_eq!(borrow, 0, "the subtrahend is not larger");
        self.trim();
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_len = self.limbs.len().cmp(&other.limbs.len());
        by_len.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    /// The number times `2^bits`; `bits` is not negative.
    pub(super) fn shifted_left(&self, bits: i64) -> Self {
        let bits = u64::try_from(bits).expect("a shift to the left is not negative");
        if self.is_zero() {
            return self.clone();
        }
        let (whole, part) = ((bits / 32) as usize, bits % 32);
        let mut limbs = vec![0; whole];
        let mut carry = 0;
        for limb in &self.limbs {
            let shifted = u64::from(*limb) << part | carry;
            limbs.push(shifted as u32);
            carry = shifted >> 32;
        }
        limbs.push(carry as u32);
        let mut natural = Self { limbs };
        natural.trim();
        natural
    }

    fn bit(&self, index: u64) -> bool {
        self.limbs.get((index / 32) as usize).is_some_and(|limb| limb >> (index % 32) & 1 == 1)
    }

    /// The number without its lowest `bits` bits, and how these compare with half of the lowest bit kept.
    pub(super) fn split_at_bit(&self, bits: u64) -> (Self, Remainder) {
        if bits == 0 {
            return (self.clone(), Remainder::BelowHalf);
        }
        let (whole, part) = ((bits / 32) as usize, bits % 32);
        let mut kept = Self { limbs: Vec::new() };
        for index in whole..self.limbs.len() {
            let low = u64::from(self.limbs[index]);
            let high = u64::from(self.limbs.get(index + 1).copied().unwrap_or(0));
            kept.limbs.push(((high << 32 | low) >> part) as u32);
        }
        kept.trim();
        let half = bits - 1;
        let below_half = (half / 32) as usize;
        let any_below = self.limbs.iter().take(below_half).any(|limb| *limb != 0)
            || self.limbs.get(below_half).is_some_and(|limb| limb & ((1 << (half % 32)) - 1) != 0);
        let remainder = match (self.bit(half), any_below) {
            (false, _) => Remainder::BelowHalf,
            (true, false) => Remainder::Half,
            (true, true) => Remainder::AboveHalf,
        };
        (kept, remainder)
    }

    /// Divides two numbers that are not zero: `quotient * 2^-shift`, rounded down to at least `bits` bits, and whether
    /// that is not exact.
    pub(super) fn divide_rounded_down(&self, divisor: &Self, bits: u64) -> (Self, i64, bool) {
        // Aligned so that the quotient's highest bit comes first or second.
        let align = divisor.bits() as i64 - self.bits() as i64;
        let mut rest = self.shifted_left(align.max(0));
        let divisor = divisor.shifted_left((-align).max(0));
        let mut quotient = Self::from(0);
        for _ in 0..=bits {
            quotient = quotient.shifted_left(1);
            if rest.compare(&divisor) != Ordering::Less {
                rest.subtract(&divisor);
                quotient.add_small(1);
            }
            rest = rest.shifted_left(1);
        }
        (quotient, align + bits as i64, !rest.is_zero())
    }

    /// The decimal digits; nothing for zero.
    pub(super) fn to_decimal(&self) -> String {
        const CHUNK: u64 = 1_000_000_000;
        let mut rest = self.limbs.clone();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let mut remainder = 0;
            for limb in rest.iter_mut().rev() {
                let dividend = remainder << 32 | u64::from(*limb);
                *limb = (dividend / CHUNK) as u32;
                remainder = dividend % CHUNK;
            }
            while rest.last() == Some(&0) {
                rest.pop();
            }
            chunks.push(remainder);
        }
        let mut digits = String::with_capacity(chunks.len() * 9);
        for (index, chunk) in chunks.iter().rev().enumerate() {
            digits.push_str(&if index == 0 { format!("{chunk}") } else { format!("{chunk:09}") });
        }
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn natural(value: u128) -> Natural {
        let mut natural = Natural::from((value >> 64) as u64).shifted_left(64);
        natural.add(&Natural::from(value as u64));
        natural
    }

    #[test]
    fn agrees_with_128_bit_arithmetic() {
        let values = [
            0,
            1,
            9,
            u128::from(u32::MAX),
            u128::from(u64::MAX),
            1 << 64,
            12_345_678_901_234_567_890_123,
            1 << 100,
        ];
        for first in values {
            assert_eq!(
                natural(first).to_decimal(),
                if first == 0 { String::new() } else { first.to_string() }
            );
            assert_eq!(natural(first).bits(), u64::from(128 - first.leading_zeros()));
            for second in values {
                let mut sum = natural(first);
                sum.add(&natural(second));
                assert_eq!(sum, natural(first + second));
                assert_eq!(natural(first).compare(&natural(second)), first.cmp(&second));
                if first >= second {
                    let mut difference = natural(first);
                    difference.subtract(&natural(second));
                    assert_eq!(difference, natural(first - second));
                }
            }
            for bits in [0, 1, 31, 32, 33, 63, 64, 65, 99] {
                assert_eq!(natural(first).split_at_bit(bits).0, natural(first >> bits), "{first} >> {bits}");
            }
        }
    }

    #[test]
    fn division_keeps_the_bits_asked_for() {
        let (quotient, shift, inexact) = natural(1).divide_rounded_down(&natural(3), 10);
        assert!(inexact);
        assert_eq!((quotient.low_u64() as f64 * 0.5_f64.powi(shift as i32) * 1000.0) as u32, 333);
        let (quotient, shift, inexact) = natural(12).divide_rounded_down(&natural(3), 10);
        assert!(!inexact);
        assert_eq!(quotient.low_u64() as f64 * 0.5_f64.powi(shift as i32), 4.0);
    }
}
