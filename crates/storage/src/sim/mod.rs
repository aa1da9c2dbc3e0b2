//! A simulated machine: a file system that keeps apart what was written and what is durable, and a clock.
//!
//! # What a crash does
//!
//! Until a sync covers it, each of these is lost, kept or reordered on its own at [`SimulatedStorage::crash`]:
//!
//! - every 4 KiB page of a file: as any write since the last sync left it, or torn, a mixture of two such states by
//!   512-byte sectors;
//! - a file's length: as after any change since the last sync, whatever became of its pages; pages that it covers and
//!   that were never written read as zeros, or sometimes as garbage, which may look like other pages of the file;
//! - every change of names (create, rename, unlink, link, directory): half of the time as a journal does it, in order
//!   up to some point, half of the time each for itself. A rename is atomic: both names change or neither.
//!
//! [`File::datasync`](crate::File::datasync) and [`File::sync`](crate::File::sync) make bytes and length durable, and
//! nothing else: not the file's name. [`Storage::sync_directory`](crate::Storage::sync_directory) makes the changes of
//! names in that directory durable. [`SimulatedStorage::kill`] is the gentler crash: the process is gone, the kernel
//! has everything.
//!
//! A sync that fails behaves as on ext4: some of the dirty pages are lost, all are marked clean, and the next sync
//! succeeds without them. Reads show the lost bytes until the page leaves the cache
//! ([`File::advise_dont_need`](crate::File::advise_dont_need)).
//!
//! # What it does not do
//!
//! No symbolic links, no permissions, no bit rot unless asked for, files of 1 GiB at most. Unsynced changes are kept in
//! memory one by one.
//!
//! ```
//! use std::path::Path;
//! use lastsave_storage::{OpenOptions, Storage, StorageError};
//! use lastsave_storage::sim::{CrashProfile, SimulatedRandom, SimulatedStorage};
//!
//! let storage = SimulatedStorage::new(1);
//! let file = storage.open(Path::new("log"), &OpenOptions::create_new())?;
//! file.write_all_at(b"synced", 0)?;
//! file.datasync()?;
//! storage.sync_directory(Path::new(""))?;
//! file.write_all_at(b", not synced", 6)?;
//!
//! let mut random = SimulatedRandom::new(99);
//! let after = storage.crash_as(CrashProfile::LoseUnsynced, &mut random);
//! assert_eq!(after.contents("log").unwrap(), b"synced");
//! # Ok::<(), StorageError>(())
//! ```

mod aftermath;
mod clock;
mod content;
mod control;
mod crash;
mod fault;
mod file;
mod handle;
mod names;
mod random;
mod slow_sync;
mod storage;
mod trace;
mod world;

pub use clock::SimulatedClock;
pub use crash::CrashProfile;
pub use fault::Fault;
pub use file::SimulatedFile;
pub use random::SimulatedRandom;
pub use slow_sync::SlowSync;
pub use storage::SimulatedStorage;
pub use trace::{CallSite, TraceEntry};
