//! The seam between Lastsave and the disk: everything that touches a file goes through here.
//!
//! - [`Storage`] and [`File`] are the contract: a directory and what can be done in it, an open file. Positions are
//!   explicit, I/O may be short, nothing is durable before a sync.
//! - [`RealStorage`] is the machine's file system; [`sim::SimulatedStorage`] is one that loses, tears and reorders what
//!   was not synced, fails as told and crashes at any chosen operation, all from a seed.
//! - [`replace_durably`] and its relatives are the only code that renames. [`FileWriter`] and [`FileReader`] stream
//!   whole files.
//! - [`Clock`] makes time a parameter as well.
//!
//! This crate must not know what is in the files: no log, no snapshot, no key. It decides no policy either: it reports
//! that the disk is full or failed ([`StorageError`]), and its callers decide what becomes of the server.
//!
//! ```
//! use std::path::Path;
//! use lastsave_storage::{FileMode, RealStorage, Storage, StorageError};
//! use lastsave_storage::{read_file, replace_durably_with, sim::SimulatedStorage};
//!
//! fn save_greeting(storage: &dyn Storage) -> Result<(), StorageError> {
//!     let (temporary, target) = (Path::new("greeting.tmp"), Path::new("greeting"));
//!     replace_durably_with(storage, temporary, target, FileMode::DATA, b"hello")
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let real = RealStorage::open(directory.path())?;
//! let simulated = SimulatedStorage::new(42);
//! for storage in [&real as &dyn Storage, &simulated] {
//!     save_greeting(storage)?;
//!     assert_eq!(read_file(storage, Path::new("greeting"), 100)?, b"hello");
//! }
//! # Ok(())
//! # }
//! ```

mod clock;
mod crash_safe;
mod errno;
mod error;
mod file;
mod reader;
mod real;
pub mod sim;
mod storage;
mod writer;

pub use clock::{Clock, RealClock};
pub use crash_safe::{
    create_directory_durably, create_durably, hard_link_durably, read_file, rename_durably, replace_durably,
    replace_durably_with, unlink_durably, write_synced,
};
pub use errno::Errno;
pub use error::{Cause, Operation, Result, StorageError};
pub use file::File;
pub use reader::FileReader;
pub use real::RealStorage;
pub use storage::{DirectoryEntry, EntryKind, FileMode, LockGuard, Metadata, OpenOptions, Space, Storage};
pub use writer::FileWriter;
