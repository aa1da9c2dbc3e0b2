//! The one place that changes names: every step that makes a change of names survive a crash, in the one right order.
//!
//! # What the helpers rely on
//!
//! - POSIX: `rename` is atomic for observers; `fsync` of a file says nothing about its directory entry; `fsync` of the
//!   directory makes its entries durable.
//! - Without the file's sync before the rename, ext4 (delayed allocation), XFS and btrfs may all come back from a power
//!   cut with the new name on an empty or zero-filled file. ext4's `auto_da_alloc` hides this for a rename over an
//!   existing file, but not for a new name, and can be turned off; nothing here counts on it.
//! - Without the directory's sync after the rename, the old name may come back on every one of them.
//!
//! # What was verified where
//!
//! - Against the simulated file system, which loses, keeps and reorders each unsynced name and byte on its own: after a
//!   crash at every single operation of each helper, the target is either wholly the old file or wholly the new one,
//!   and wholly the new one once the helper has returned (`tests/replace_survives_every_crash.rs`).
//! - Against ext4 on Linux 6.18: system call order and results. No power was cut on real hardware.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Cause, Operation, Result, StorageError};
use crate::file::File;
use crate::storage::{EntryKind, FileMode, OpenOptions, Storage};
use crate::writer::FileWriter;

/// Replaces (or creates) `target` with what `write` produces, so that at any moment, crash or not, the name leads to
/// all of the old file or all of the new one.
///
/// Writes to `temporary`, which must be in the same file system and is overwritten if it was left behind by a crash;
/// syncs it; renames it; syncs the directory. Returns the number of bytes in the new file.
///
/// # Errors
///
/// The closure's own error, or what failed here. If the failed operation is [`Operation::SyncDirectory`], the new file
/// is in place but may or may not survive a power cut; otherwise the old one is untouched and the temporary file has
/// been removed as far as possible.
///
/// ```
/// use std::path::Path;
/// use lastsave_storage::{FileMode, StorageError, replace_durably, read_file, sim::SimulatedStorage};
///
/// let storage = SimulatedStorage::new(7);
/// let (temporary, target) = (Path::new("temp-7.rdb"), Path::new("dump.rdb"));
/// replace_durably(&storage, temporary, target, FileMode::DUMP, |writer| writer.append(b"REDIS0011"))?;
/// assert_eq!(read_file(&storage, target, 1 << 20)?, b"REDIS0011");
/// # Ok::<(), StorageError>(())
/// ```
pub fn replace_durably<E: From<StorageError>>(
    storage: &dyn Storage,
    temporary: &Path,
    target: &Path,
    mode: FileMode,
    write: impl FnOnce(&mut FileWriter) -> Result<(), E>,
) -> Result<u64, E> {
    let bytes = match write_synced(storage, temporary, mode, write) {
        Ok(bytes) => bytes,
        Err(error) => {
            remove_leftover(storage, temporary);
            return Err(error);
        }
    };
    if let Err(error) = storage.rename(temporary, target) {
        remove_leftover(storage, temporary);
        return Err(error.into());
    }
    sync_parents(storage, temporary, target)?;
    Ok(bytes)
}

/// [`replace_durably`] with the bytes at hand.
pub fn replace_durably_with(
    storage: &dyn Storage,
    temporary: &Path,
    target: &Path,
    mode: FileMode,
    bytes: &[u8],
) -> Result<()> {
    replace_durably(storage, temporary, target, mode, |writer| writer.append(bytes)).map(|_| ())
}

/// Writes and syncs a file, overwriting what is there: the first half of [`replace_durably`], for callers that verify
/// the file before they publish it with [`rename_durably`]. Returns its length.
///
/// The name is not durable yet, and after an error the file may be there incomplete.
pub fn write_synced<E: From<StorageError>>(
    storage: &dyn Storage,
    path: &Path,
    mode: FileMode,
    write: impl FnOnce(&mut FileWriter) -> Result<(), E>,
) -> Result<u64, E> {
    // A leftover is removed, not truncated: it may have another name by now (a hard link that keeps an old dump).
    if let Err(error) = storage.unlink(path)
        && !error.not_found()
    {
        return Err(error.into());
    }
    let file = storage.open(path, &OpenOptions::create_new().mode(mode))?;
    let mut writer = FileWriter::new(file);
    write(&mut writer)?;
    let bytes = writer.position();
    writer.finish()?;
    Ok(bytes)
}

/// Renames a file that is *already synced* and makes the change of names durable.
///
/// # Errors
///
/// If the failed operation is [`Operation::SyncDirectory`], the rename happened but may not survive a power cut.
pub fn rename_durably(storage: &dyn Storage, from: &Path, to: &Path) -> Result<()> {
    storage.rename(from, to)?;
    sync_parents(storage, from, to)
}

/// Gives a file that is *already synced* a second name, durably. Replaces nothing: fails if the name is taken.
pub fn hard_link_durably(storage: &dyn Storage, existing: &Path, new: &Path) -> Result<()> {
    storage.hard_link(existing, new)?;
    storage.sync_directory(parent(new))
}

/// Removes a name, durably; a name that is missing already is fine.
pub fn unlink_durably(storage: &dyn Storage, path: &Path) -> Result<()> {
    if let Err(error) = storage.unlink(path)
        && !error.not_found()
    {
        return Err(error);
    }
    storage.sync_directory(parent(path))
}

/// Creates an empty file that must not exist yet, opened for reading and writing, and makes its name durable before
/// returning: nothing may be acknowledged in a file whose name a power cut can take away.
pub fn create_durably(storage: &dyn Storage, path: &Path, mode: FileMode) -> Result<Arc<dyn File>> {
    let file = storage.open(path, &OpenOptions::create_new().read(true).mode(mode))?;
    file.sync()?;
    storage.sync_directory(parent(path))?;
    Ok(file)
}

/// Makes sure that a directory is there, and durably so. Makes one level only.
pub fn create_directory_durably(storage: &dyn Storage, path: &Path) -> Result<()> {
    match storage.create_directory(path) {
        Ok(()) => {}
        Err(error) if error.already_exists() => {
            if storage.metadata(path)?.kind != EntryKind::Directory {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    // Also when it was there: a run that crashed before this line may have made it.
    storage.sync_directory(parent(path))
}

/// Reads a whole file of at most `limit_bytes`.
pub fn read_file(storage: &dyn Storage, path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let file = storage.open(path, &OpenOptions::read_only())?;
    let length = file.len()?;
    let too_long = |length| {
        StorageError::new(Operation::Read, file.path(), Cause::TooLong { length, limit: limit_bytes })
    };
    if length > limit_bytes {
        return Err(too_long(length));
    }
    // One byte of room more than expected, so that the end is seen; special files claim to have no length.
    let mut bytes = vec![0; length as usize + 1];
    let mut filled = 0;
    loop {
        let moved = file.read_at(&mut bytes[filled..], filled as u64)?;
        filled += moved;
        if filled as u64 > limit_bytes {
            return Err(too_long(filled as u64));
        }
        if moved == 0 {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        if filled == bytes.len() {
            bytes.resize(filled * 2, 0);
        }
    }
}

/// The directory that holds a name; the empty path stands for the storage's own directory.
fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The new name first: from then on the file cannot be lost, only have both names for a while.
fn sync_parents(storage: &dyn Storage, from: &Path, to: &Path) -> Result<()> {
    storage.sync_directory(parent(to))?;
    if parent(from) != parent(to) {
        storage.sync_directory(parent(from))?;
    }
    Ok(())
}

/// Cleans up after a failure, whose error is the one worth reporting; a leftover does no harm.
fn remove_leftover(storage: &dyn Storage, temporary: &Path) {
    let _ = storage.unlink(temporary);
}
