//! The sparse representation: runs of registers with the same value.
//!
//! ```text
//! 00llllll            ZERO   l+1 registers, 1 to 64, of value 0
//! 01llllll llllllll   XZERO  l+1 registers, 1 to 16384, of value 0
//! 1vvvvvll            VAL    l+1 registers, 1 to 4, of value v+1, 1 to 32
//! ```

use super::{Corrupt, REGISTERS, Registers};

const ZERO_LEN_MAX: usize = 64;
const VALUE_LEN_MAX: usize = 4;
/// Highest value a run can have; a register above it needs the dense representation.
pub(super) const VALUE_MAX: u8 = 32;
/// After a change, runs of one value are joined among this many opcodes, beginning with the one before the change. The
/// number is part of the format in so far as both sides of a replication must come to the same bytes.
const JOINED_OPCODES: usize = 5;

/// All registers zero.
pub(super) const EMPTY: [u8; 2] = [0x7f, 0xff];

/// Some neighbouring registers of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) value: u8,
    pub(super) len: usize,
    /// Written with two bytes.
    pub(super) is_long: bool,
}

impl Run {
    /// The run at the start of `bytes`, which is not empty.
    fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        match bytes {
            [opcode @ 0x80..=0xff, ..] => Ok(Self {
                value: (opcode >> 2 & 0x1f) + 1,
                len: usize::from(opcode & 0x03) + 1,
                is_long: false,
            }),
            [opcode @ 0..=0x3f, ..] => Ok(Self { value: 0, len: usize::from(*opcode) + 1, is_long: false }),
            [opcode, low, ..] => {
                let len = usize::from(u16::from_be_bytes([opcode & 0x3f, *low])) + 1;
                Ok(Self { value: 0, len, is_long: true })
            }
            _ => Err(Corrupt),
        }
    }

    fn bytes(self) -> usize {
        if self.is_long { 2 } else { 1 }
    }
}

/// A few opcodes under construction: at most a long run, a value, and another long run.
#[derive(Debug, Default)]
struct Opcodes {
    bytes: [u8; 5],
    len: usize,
}

impl Opcodes {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// Writes a run, unless it is empty. Runs of values are short enough.
    fn run(&mut self, value: u8, len: usize) {
        match (value, len) {
            (_, 0) => {}
            (0, ..=ZERO_LEN_MAX) => self.push((len - 1) as u8),
            (0, _) => {
                let [high, low] = ((len - 1) as u16).to_be_bytes();
                self.push(high | 0x40);
                self.push(low);
            }
            _ => self.push(value_opcode(value, len)),
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn value_opcode(value: u8, len: usize) -> u8 {
    debug_assert!((1..=VALUE_MAX).contains(&value) && (1..=VALUE_LEN_MAX).contains(&len));
    0x80 | (value - 1) << 2 | (len - 1) as u8
}

/// Calls `visit` with every run and the register it begins with. The runs must be exactly as long as all registers.
pub(super) fn for_each(sparse: &[u8], mut visit: impl FnMut(usize, Run)) -> Result<(), Corrupt> {
    let (mut at, mut register) = (0, 0);
    while at < sparse.len() {
        let run = Run::decode(&sparse[at..])?;
        if register + run.len > REGISTERS {
            return Err(Corrupt);
        }
        visit(register, run);
        at += run.bytes();
        register += run.len;
    }
    if register == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// Raises registers to the values they have here.
pub(super) fn merge_into(registers: &mut Registers, sparse: &[u8]) -> Result<(), Corrupt> {
    for_each(sparse, |first, run| {
        if run.value > 0 {
            for register in &mut registers[first..first + run.len] {
                *register = run.value.max(*register);
            }
        }
    })
}

/// What came of raising a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was as high already.
    Unchanged,
    /// It is raised.
    Changed,
    /// It cannot be raised in this representation within the size allowed.
    TooBig,
}

/// Raises a register to `value`, at least 1, in the registers at `header_bytes` of `text`, which may grow to
/// `text_bytes_max`.
pub(super) fn raise(
    text: &mut Vec<u8>,
    header_bytes: usize,
    text_bytes_max: usize,
    register: usize,
    value: u8,
) -> Result<Raised, Corrupt> {
    if value > VALUE_MAX {
        return Ok(Raised::TooBig);
    }
    let Place { previous, at, first } = locate(&text[header_bytes..], register)?;
    let (previous, at) = (header_bytes + previous, header_bytes + at);
    let run = Run::decode(&text[at..])?;
    if run.value >= value {
        return Ok(Raised::Unchanged);
    }
    let mut opcodes = Opcodes::default();
    opcodes.run(run.value, register - first);
    opcodes.run(value, 1);
    opcodes.run(run.value, first + run.len - 1 - register);
    if opcodes.len > run.bytes() && text.len() + opcodes.len - run.bytes() > text_bytes_max {
        return Ok(Raised::TooBig);
    }
    text.splice(at..at + run.bytes(), opcodes.as_slice().iter().copied());
    join_values(text, previous);
    Ok(Raised::Changed)
}

/// Where a register is among the runs.
struct Place {
    /// Start of the run before its own, or of its own if there is none.
    previous: usize,
    /// Start of its run.
    at: usize,
    /// The first register of its run.
    first: usize,
}

fn locate(runs: &[u8], register: usize) -> Result<Place, Corrupt> {
    let mut place = Place { previous: 0, at: 0, first: 0 };
    loop {
        if let Some(span) = runs.get(place.at..).and_then(span_of_eight)
            && place.first + span <= register
        {
            place = Place { previous: place.at + 7, at: place.at + 8, first: place.first + span };
            continue;
        }
        let run = Run::decode(runs.get(place.at..).unwrap_or_default())?;
        if register < place.first + run.len {
            return Ok(place);
        }
        place = Place { previous: place.at, at: place.at + run.bytes(), first: place.first + run.len };
    }
}

/// Registers of the first eight runs, if each is written with one byte: which kind comes next cannot be predicted, so
/// one by one they would take several times as long.
fn span_of_eight(runs: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const EVEN_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    let opcodes = u64::from_le_bytes(*runs.first_chunk()?);
    let (values, upper_zeros) = (opcodes >> 7 & ONES, opcodes >> 6 & ONES);
    if upper_zeros & !values != 0 {
        return None;
    }
    // What is left of a value are its two bits of length; a run of zeros is its length alone.
    let lens = (opcodes & !(values * 0xfc)) + ONES;
    let pairs = (lens & EVEN_BYTES) + (lens >> 8 & EVEN_BYTES);
    Some((pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as usize)
}

/// Joins neighbouring runs of one value, in a few opcodes from `at` on.
fn join_values(text: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_OPCODES {
        let Some(Ok(run)) = text.get(at..).filter(|rest| !rest.is_empty()).map(Run::decode) else { return };
        let next = text.get(at + 1..).filter(|rest| !rest.is_empty() && run.value > 0).map(Run::decode);
        match next {
            Some(Ok(next)) if next.value == run.value && next.len + run.len <= VALUE_LEN_MAX => {
                text[at] = value_opcode(run.value, run.len + next.len);
                text.remove(at + 1);
            }
            _ => at += run.bytes(),
        }
    }
}

/// For fuzzers: reads any bytes as runs; if they are sound, raises registers and compares with the plain ones.
pub(crate) fn fuzz(data: &[u8]) {
    let Some((changes, sparse)) = data.split_at_checked(8) else { return };
    let mut registers = [0; REGISTERS];
    let sound = merge_into(&mut registers, sparse).is_ok();
    let mut text = sparse.to_vec();
    for change in changes.as_chunks::<2>().0 {
        let word = u16::from_le_bytes(*change);
        let (register, value) = (usize::from(word) % REGISTERS, (change[0] & 0x1f) + 1);
        let raised = raise(&mut text, 0, usize::MAX, register, value);
        assert!(!sound || raised.is_ok(), "sound runs can be changed");
        registers[register] = registers[register].max(value);
    }
    if sound {
        let mut after = [0; REGISTERS];
        assert!(
            merge_into(&mut after, &text).is_ok() && after == registers,
            "registers hold what they were raised to"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_must_cover_all_registers_and_no_more() {
        let check = |sparse: &[u8]| for_each(sparse, |_, _| {});
        assert_eq!(check(&EMPTY), Ok(()));
        for corrupt in
            [&[][..], &[0x7f], &[0x7f, 0xfe], &[0x7f, 0xff, 0x00], &[0x80, 0x7f, 0xff], &[0x7f, 0xfe, 0x81]]
        {
            assert_eq!(check(corrupt), Err(Corrupt), "{corrupt:x?}");
        }
        assert_eq!(check(&[0x7f, 0xfe, 0x80]), Ok(()));
    }

    #[test]
    fn a_raise_splits_runs_and_joins_equal_neighbours() {
        let mut text = EMPTY.to_vec();
        let mut raise = |register, value| raise(&mut text, 0, 3000, register, value).map(|_| text.clone());
        assert_eq!(raise(10, 3), Ok(vec![0x09, 0x88, 0x7f, 0xf4]));
        assert_eq!(raise(12, 3), Ok(vec![0x09, 0x88, 0x00, 0x88, 0x7f, 0xf2]));
        assert_eq!(raise(11, 3), Ok(vec![0x09, 0x8a, 0x7f, 0xf2]));
        assert_eq!(raise(11, 4), Ok(vec![0x09, 0x88, 0x8c, 0x88, 0x7f, 0xf2]));
        assert_eq!(raise(11, 2), Ok(vec![0x09, 0x88, 0x8c, 0x88, 0x7f, 0xf2]));
    }

    #[test]
    fn what_does_not_fit_asks_for_the_dense_form() {
        let mut text = EMPTY.to_vec();
        assert_eq!(raise(&mut text, 0, 3000, 5, VALUE_MAX + 1), Ok(Raised::TooBig));
        assert_eq!(raise(&mut text, 0, 4, 5, 1), Ok(Raised::Changed));
        assert_eq!(raise(&mut text, 0, 4, 500, 1), Ok(Raised::TooBig));
        assert_eq!(raise(&mut text, 0, 4, 5, 2), Ok(Raised::Changed));
    }

    proptest! {
        #[test]
        fn raising_agrees_with_plain_registers(
            steps in prop::collection::vec((0..REGISTERS, 1..=VALUE_MAX), 1..300),
            near in prop::collection::vec((0..40_usize, 1..4_u8), 1..200),
        ) {
            let mut text = EMPTY.to_vec();
            let mut model = [0_u8; REGISTERS];
            for (register, value) in steps.into_iter().chain(near) {
                let raised = raise(&mut text, 0, usize::MAX, register, value);
                let expected = if model[register] < value { Raised::Changed } else { Raised::Unchanged };
                prop_assert_eq!(raised, Ok(expected));
                model[register] = model[register].max(value);
            }
            let mut registers = [0; REGISTERS];
            prop_assert_eq!(merge_into(&mut registers, &text), Ok(()));
            prop_assert!(registers == model);
        }

        #[test]
        fn any_bytes_are_refused_or_understood(data in prop::collection::vec(any::<u8>(), 0..60)) {
            fuzz(&data);
        }
    }
}
