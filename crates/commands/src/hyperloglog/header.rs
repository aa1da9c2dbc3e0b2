//! The string of a HyperLogLog as a whole: its header, and its registers in either representation.

use super::dense::{self, DENSE_BYTES};
use super::estimate::Histogram;
use super::{Corrupt, Registers, sparse};

const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_DENSE: u8 = 0;
const ENCODING_SPARSE: u8 = 1;
const ENCODING_AT: usize = 4;
pub(super) const CARDINALITY_AT: usize = 8;
pub(super) const HEADER_BYTES: usize = 16;
/// The bit of the header's last byte that says that the cached cardinality is out of date.
const OUT_OF_DATE: u8 = 0x80;

/// The registers as they are stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored<'a> {
    Dense(&'a [u8; DENSE_BYTES]),
    /// The runs may make no sense.
    Sparse(&'a [u8]),
}

/// A HyperLogLog with a sound header.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    header: &'a [u8; HEADER_BYTES],
    pub(super) stored: Stored<'a>,
}

impl<'a> View<'a> {
    /// Looks at a string; nothing when it is no HyperLogLog.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (header, registers) = text.split_first_chunk::<HEADER_BYTES>()?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let stored = match header[ENCODING_AT] {
            ENCODING_DENSE => Stored::Dense(registers.try_into().ok()?),
            ENCODING_SPARSE => Stored::Sparse(registers),
            _ => return None,
        };
        Some(Self { header, stored })
    }

    /// The cardinality that was computed last, unless registers changed since.
    pub(super) fn cached_cardinality(&self) -> Option<i64> {
        let cached = self.header.last_chunk().map(|bytes| i64::from_le_bytes(*bytes));
        cached.filter(|_| self.header[HEADER_BYTES - 1] & OUT_OF_DATE == 0)
    }

    /// Computes the cardinality.
    pub(super) fn cardinality(&self) -> Result<i64, Corrupt> {
        let mut histogram = Histogram::new();
        match self.stored {
            Stored::Dense(dense) => dense::for_each(dense, |_, value| histogram.add(value, 1)),
            Stored::Sparse(runs) => sparse::for_each(runs, |_, run| histogram.add(run.value, run.len))?,
        }
        Ok(histogram.cardinality())
    }

    /// Raises registers to the values they have here.
    pub(super) fn merge_into(&self, registers: &mut Registers) -> Result<(), Corrupt> {
        match self.stored {
            Stored::Dense(dense) => {
                dense::for_each(dense, |at, value| registers[at] = registers[at].max(value));
                Ok(())
            }
            Stored::Sparse(runs) => sparse::merge_into(registers, runs),
        }
    }
}

/// The string of a HyperLogLog while it is changed.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) text: Vec<u8>,
}

impl Draft {
    /// One that has seen no element.
    pub(super) fn empty() -> Self {
        let mut text = vec![0; HEADER_BYTES];
        text[..MAGIC.len()].copy_from_slice(MAGIC);
        text[ENCODING_AT] = ENCODING_SPARSE;
        text.extend_from_slice(&sparse::EMPTY);
        Self { text }
    }

    /// A copy of one that [`View::parse`] understood.
    pub(super) fn copy_of(text: &[u8]) -> Self {
        Self { text: text.to_vec() }
    }

    /// The registers, when they are dense.
    fn dense_mut(&mut self) -> Option<&mut [u8; DENSE_BYTES]> {
        if self.text[ENCODING_AT] == ENCODING_DENSE { self.text.last_chunk_mut() } else { None }
    }

    pub(super) fn is_dense(&self) -> bool {
        self.text[ENCODING_AT] == ENCODING_DENSE
    }

    /// Makes the registers these, densely.
    pub(super) fn replace_registers(&mut self, registers: &Registers) {
        self.text[ENCODING_AT] = ENCODING_DENSE;
        self.text.truncate(HEADER_BYTES);
        self.text.extend_from_slice(&dense::pack(registers));
    }

    /// Makes the representation dense. Gives whether it was not.
    pub(super) fn make_dense(&mut self) -> Result<bool, Corrupt> {
        if self.is_dense() {
            return Ok(false);
        }
        let mut registers = [0; super::REGISTERS];
        sparse::merge_into(&mut registers, &self.text[HEADER_BYTES..])?;
        self.replace_registers(&registers);
        Ok(true)
    }

    /// Raises a register to `value`; the representation becomes dense when the sparse one would be longer than allowed.
    /// Gives whether the register was lower.
    pub(super) fn raise(
        &mut self,
        register: usize,
        value: u8,
        sparse_bytes_max: usize,
    ) -> Result<bool, Corrupt> {
        if let Some(dense) = self.dense_mut() {
            let raises = dense::get(dense, register) < value;
            if raises {
                dense::set(dense, register, value);
            }
            return Ok(raises);
        }
        match sparse::raise(&mut self.text, HEADER_BYTES, sparse_bytes_max, register, value)? {
            sparse::Raised::Unchanged => Ok(false),
            sparse::Raised::Changed => Ok(true),
            sparse::Raised::TooBig => {
                self.make_dense()?;
                self.raise(register, value, sparse_bytes_max)
            }
        }
    }

    /// Notes that the cached cardinality is out of date.
    pub(super) fn forget_cardinality(&mut self) {
        self.text[HEADER_BYTES - 1] |= OUT_OF_DATE;
    }
}

/// For fuzzers: any bytes as the string of a key.
pub(crate) fn fuzz(text: &[u8]) {
    let Some(view) = View::parse(text) else { return };
    let mut registers = [0; super::REGISTERS];
    let merged = view.merge_into(&mut registers);
    assert_eq!(merged, view.cardinality().map(|_| ()), "both read the same registers");
    let mut draft = Draft::copy_of(text);
    let raised = draft.raise(text.len() % super::REGISTERS, 3, 3000);
    if merged.is_ok() {
        assert!(raised.is_ok() && draft.make_dense().is_ok(), "sound registers can be changed");
        assert!(View::parse(&draft.text).is_some_and(|view| matches!(view.stored, Stored::Dense(_))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sound_headers_are_understood() {
        let sound = Draft::empty().text;
        assert!(View::parse(&sound).is_some());
        for (at, byte) in [(0, b'h'), (3, b'X'), (ENCODING_AT, 2), (ENCODING_AT, ENCODING_DENSE)] {
            let mut text = sound.clone();
            text[at] = byte;
            assert!(View::parse(&text).is_none(), "{at} {byte}");
        }
        assert!(View::parse(&sound[..HEADER_BYTES - 1]).is_none());
        assert!(View::parse(&sound[..HEADER_BYTES]).is_some_and(|view| view.cardinality() == Err(Corrupt)));
    }

    #[test]
    fn both_representations_count_the_same() {
        let mut draft = Draft::empty();
        for number in 0_u32..500 {
            let (register, value) = super::super::hash::place(&number.to_le_bytes());
            draft.raise(register, value, 3000).expect("sound");
        }
        assert!(!draft.is_dense());
        let count = |draft: &Draft| View::parse(&draft.text).expect("sound").cardinality();
        let sparse = count(&draft);
        assert_eq!(draft.make_dense(), Ok(true));
        assert_eq!(count(&draft), sparse);
        assert!((480..520).contains(&sparse.expect("sound")));
    }

    #[test]
    fn a_long_sparse_form_becomes_dense() {
        let mut draft = Draft::empty();
        let mut number = 0_u32;
        while !draft.is_dense() {
            let (register, value) = super::super::hash::place(&number.to_le_bytes());
            draft.raise(register, value, 100).expect("sound");
            assert!(draft.is_dense() || draft.text.len() <= 100);
            number += 1;
        }
        assert_eq!(draft.text.len(), HEADER_BYTES + DENSE_BYTES);
    }
}
