//! The real file system, reached through system calls relative to a directory handle.

mod directory;
mod file;

pub use directory::RealStorage;

use std::os::fd::OwnedFd;

use rustix::fs::{Stat, fstat};

use crate::storage::{EntryKind, FileMode, Metadata};

/// Repeats a system call for as long as a signal interrupts it.
fn uninterrupted<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    rustix::io::retry_on_intr(&mut call)
}

/// What a `stat` call found, in our terms.
fn metadata_of(stat: &Stat) -> Metadata {
    let kind = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => EntryKind::File,
        rustix::fs::FileType::Directory => EntryKind::Directory,
        rustix::fs::FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Other,
    };
    Metadata {
        len: u64::try_from(stat.st_size).unwrap_or(0),
        kind,
        mode: FileMode::from_bits(stat.st_mode),
        modified_ms: stat.st_mtime.saturating_mul(1000).saturating_add(stat.st_mtime_nsec as i64 / 1_000_000),
        links: stat.st_nlink,
    }
}

/// Attributes of an open handle.
fn metadata_of_handle(handle: &OwnedFd) -> rustix::io::Result<Metadata> {
    uninterrupted(|| fstat(handle)).map(|stat| metadata_of(&stat))
}
