//! LZF, the compression that Redis uses for long strings in RDB files and for the inner nodes of lists.
//!
//! The crate knows bytes. It must not know files, lists or anything else that is compressed.
//!
//! - [`Compressor`] compresses one value after the other without clearing its table in between.
//! - [`decompress`] takes any bytes: it checks the whole stream before it allocates anything.
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

pub use codec::{Compressor, LzfFault, decompress};
