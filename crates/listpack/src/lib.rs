//! Packed encodings of small collections, as Redis stores them in memory and in RDB files, byte for byte.
//!
//! The crate knows strings, integers and their packing. It must not know what a key, a hash or an RDB file is.
//!
//! - [`Listpack`] holds strings and integers in one allocation: read from either end, searched, edited in place.
//!   [`ListpackRef`] reads one in borrowed bytes. [`ListpackBuilder`] makes one of many values.
//! - [`Intset`] is a sorted set of integers of one width; [`IntsetRef`] reads one in borrowed bytes. [`PackedSet`] is either
//!   an intset or a listpack.
//! - [`Ziplist`] and [`Zipmap`] read what older versions wrote, and turn it into listpacks.
//!
//! Bytes from outside are checked completely, in one pass, before anything else can be done with them; a failure is a
//! [`ListpackError`] that says what is wrong and where.
//!
//! ```
//! use lastsave_listpack::{Listpack, ListpackValue};
//!
//! let mut hash = Listpack::new();
//! for text in ["name", "Ada", "born", "1815"] {
//!     hash.push_back(text.as_bytes());
//! }
//! let born = hash.find(b"born", 1).expect("a field");
//! let value = hash.next(born).expect("its value");
//! assert_eq!(hash.get(value), ListpackValue::Integer(1815));
//!
//! let again = Listpack::from_bytes(hash.into_bytes())?;
//! assert_eq!(again.pairs().count(), 2);
//! # Ok::<(), lastsave_listpack::ListpackError>(())
//! ```

mod error;
#[doc(hidden)]
pub mod fuzzing;
mod intset;
mod listpack;
mod packed_set;
mod value;
mod ziplist;
mod zipmap;

pub use error::{Fault, ListpackError, Packing};
pub use intset::{Intset, IntsetIter, IntsetRef};
pub use listpack::{
    Entries, Iter, LISTPACK_BYTES_MAX, Listpack, ListpackBuilder, ListpackRef, Pairs, Position,
};
pub use packed_set::{PackedSet, PackedSetRef};
pub use value::{ListpackValue, parse_integer};
pub use ziplist::{Ziplist, ZiplistIter};
pub use zipmap::{Zipmap, ZipmapIter};
