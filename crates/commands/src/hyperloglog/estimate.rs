//! From the values of the registers to the number of elements, after Otmar Ertl, "New cardinality estimation algorithms
//! for HyperLogLog sketches", arXiv:1702.01284.

use super::{PATTERN_BITS, REGISTER_MAX, REGISTERS};

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many registers have each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Histogram([u32; REGISTER_MAX as usize + 1]);

impl Histogram {
    /// No register at all.
    pub(super) fn new() -> Self {
        Self([0; REGISTER_MAX as usize + 1])
    }

    /// Counts registers of one value.
    pub(super) fn add(&mut self, value: u8, registers: usize) {
        self.0[usize::from(value & REGISTER_MAX)] += registers as u32;
    }

    /// The estimate, rounded. Registers that no hash can have set may give one that is no number; then, and only
    /// then, the result is negative.
    pub(super) fn cardinality(&self) -> i64 {
        let registers = REGISTERS as f64;
        let saturated = f64::from(self.0[PATTERN_BITS as usize + 1]);
        let mut sum = registers * tau((registers - saturated) / registers);
        for count in self.0[1..=PATTERN_BITS as usize].iter().rev() {
            sum = (sum + f64::from(*count)) * 0.5;
        }
        sum += registers * sigma(f64::from(self.0[0]) / registers);
        let estimate = (ALPHA * registers * registers / sum).round();
        if estimate.is_finite() { estimate as i64 } else { i64::MIN }
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::place;
    use super::*;

    #[test]
    fn no_elements_are_none_and_many_are_about_right() {
        let mut registers = [0_u8; REGISTERS];
        let histogram = |registers: &[u8; REGISTERS]| {
            let mut histogram = Histogram::new();
            registers.iter().for_each(|value| histogram.add(*value, 1));
            histogram.cardinality()
        };
        assert_eq!(histogram(&registers), 0);
        let mut added = 0_u32;
        for exact in [1_u32, 10, 100, 1000, 10_000, 100_000, 1_000_000] {
            while added < exact {
                added += 1;
                let (register, value) = place(&added.to_le_bytes());
                registers[register] = registers[register].max(value);
            }
            let error = (histogram(&registers) as f64 - f64::from(exact)).abs() / f64::from(exact);
            assert!(error < 0.03, "{exact}: {error}");
        }
        assert_eq!(histogram(&[REGISTER_MAX; REGISTERS]), i64::MIN);
    }
}
