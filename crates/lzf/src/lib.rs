//! LZF, the compression that Redis uses for long strings in RDB files and for the inner nodes of lists.
//!
//! The crate knows bytes. It must not know files, lists or anything else that is compressed.
//!
//! - [`Compressor`] compresses one value after the other without clearing its table in between.
//! - [`decompress`] takes any bytes: it checks the whole stream before it allocates anything.
//! - [`decompress_into`] does the same in one pass, for short strings and a buffer that is used again.
//!
//! ```
//! use lastsave_lzf::{Compressor, decompress};
//!
//! let text = b"to be or not to be, to be or not to be";
//! let mut compressed = Vec::new();
//! assert!(Compressor::default().compress(text, text.len() - 4, &mut compressed));
//! assert_eq!(decompress(&compressed, text.len() as u64)?, text);
//! # Ok::<(), lastsave_lzf::LzfFault>(())
//! ```

mod codec;
mod expand;

pub use codec::Compressor;
pub use expand::{LzfFault, decompress, decompress_into};
