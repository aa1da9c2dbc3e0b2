//! HyperLogLog: approximate counting of different elements in a string of at most 12 KiB.
//!
//! ```text
//! offset   size  field
//!      0      4  "HYLL"
//!      4      1  encoding: 0 dense, 1 sparse
//!      5      3  zero
//!      8      8  cached cardinality, little endian; the top bit says that it is out of date
//!     16      .  registers: dense (dense.rs) or sparse (sparse.rs)
//! ```

pub(crate) mod add;
pub(crate) mod count;
pub(crate) mod debug;
mod dense;
mod estimate;
mod hash;
mod header;
mod key;
pub(crate) mod merge;
mod sparse;

pub(crate) use header::fuzz as fuzz_text;
pub(crate) use sparse::fuzz as fuzz_runs;

/// Number of registers.
const REGISTERS: usize = 1 << REGISTER_BITS;
/// Bits of a hash that choose the register.
const REGISTER_BITS: u32 = 14;
/// Bits of a hash that are left for the pattern counted in the register.
const PATTERN_BITS: u32 = 64 - REGISTER_BITS;
/// Highest value a register can hold.
const REGISTER_MAX: u8 = 63;

/// One byte per register.
type Registers = [u8; REGISTERS];

/// The registers make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Corrupt;
