//! The dense representation: 6 bits per register, the first register in the lowest bits of the first byte.

use super::{REGISTER_MAX, REGISTERS, Registers};

const REGISTER_WIDTH: usize = 6;

/// Bytes of all registers.
pub(super) const DENSE_BYTES: usize = REGISTERS * REGISTER_WIDTH / 8;

/// Four registers lie in three bytes.
const GROUP_BYTES: usize = 3;
const GROUP_REGISTERS: usize = 4;

/// Calls `visit` with the value of every register in order.
pub(super) fn for_each(dense: &[u8; DENSE_BYTES], mut visit: impl FnMut(usize, u8)) {
    let (groups, _) = dense.as_chunks::<GROUP_BYTES>();
    for (number, [low, middle, high]) in groups.iter().enumerate() {
        let group = u32::from_le_bytes([*low, *middle, *high, 0]);
        for place in 0..GROUP_REGISTERS {
            visit(number * GROUP_REGISTERS + place, (group >> (place * REGISTER_WIDTH)) as u8 & REGISTER_MAX);
        }
    }
}

/// The value of one register.
pub(super) fn get(dense: &[u8; DENSE_BYTES], register: usize) -> u8 {
    let (_, window, shift) = window(dense, register);
    (window >> shift) as u8 & REGISTER_MAX
}

/// Sets one register.
pub(super) fn set(dense: &mut [u8; DENSE_BYTES], register: usize, value: u8) {
    let (first, window, shift) = window(dense, register);
    let window = window & !(u16::from(REGISTER_MAX) << shift) | u16::from(value) << shift;
    dense[first..first + 2].copy_from_slice(&window.to_le_bytes());
}

/// The first of the two bytes that hold a register.
pub(super) fn first_byte(register: usize) -> usize {
    // The last register lies in one byte, with a part of the one before it.
    (register * REGISTER_WIDTH / 8).min(DENSE_BYTES - 2)
}

/// The two bytes that hold a register, where they begin, and how far up in them it lies.
fn window(dense: &[u8; DENSE_BYTES], register: usize) -> (usize, u16, usize) {
    let first = first_byte(register);
    (first, u16::from_le_bytes([dense[first], dense[first + 1]]), register * REGISTER_WIDTH - first * 8)
}

/// Packs registers.
pub(super) fn pack(registers: &Registers) -> [u8; DENSE_BYTES] {
    let mut dense = [0; DENSE_BYTES];
    for (register, value) in registers.iter().enumerate().filter(|(_, value)| **value > 0) {
        set(&mut dense, register, *value);
    }
    dense
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn every_register_keeps_its_value_and_leaves_the_others_alone() {
        let mut random = SmallRng::seed_from_u64(3);
        let mut dense = [0; DENSE_BYTES];
        let mut model = [0; REGISTERS];
        for _ in 0..100_000 {
            let (register, value) =
                (random.random_range(0..REGISTERS), random.random_range(0..=REGISTER_MAX));
            set(&mut dense, register, value);
            model[register] = value;
        }
        for register in [0, REGISTERS - 1] {
            set(&mut dense, register, REGISTER_MAX);
            model[register] = REGISTER_MAX;
        }
        for_each(&dense, |register, value| assert_eq!(value, model[register], "{register}"));
        assert!((0..REGISTERS).all(|register| get(&dense, register) == model[register]));
        assert_eq!(pack(&model), dense);
    }
}
