//! Files as a user, a backup or an accident handles them.

#![expect(clippy::disallowed_methods, reason = "tests look at files behind the server's back")]

use std::collections::BTreeMap;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that goes with the test.
pub(crate) fn temporary_directory() -> TempDir {
    TempDir::new().expect("a temporary directory can be made")
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Creates or replaces a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes)
        .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
}

/// Creates a file; nothing is left of it when there is no room.
pub(crate) fn try_write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let written = std::fs::write(path, bytes);
    if written.is_err() {
        std::fs::remove_file(path)?;
    }
    written
}

/// Adds bytes at the end of a file.
pub(crate) fn append(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the file can be opened");
    file.write_all(bytes).expect("the file can be written");
}

/// Replaces bytes in the middle of a file.
pub(crate) fn overwrite(path: &Path, offset: usize, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).expect("the file can be opened");
    file.seek(SeekFrom::Start(offset as u64)).expect("the file can be positioned");
    file.write_all(bytes).expect("the file can be written");
}

/// Cuts or extends a file.
pub(crate) fn set_length(path: &Path, bytes: usize) {
    let file = std::fs::OpenOptions::new().write(true).open(path).expect("the file can be opened");
    file.set_len(bytes as u64).expect("the file can be cut");
}

/// Removes a file.
pub(crate) fn remove(path: &Path) {
    std::fs::remove_file(path)
        .unwrap_or_else(|error| panic!("{} cannot be removed: {error}", path.display()));
}

/// Gives a file another name.
pub(crate) fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).expect("the file can be renamed");
}

/// Makes a directory.
pub(crate) fn make_directory(path: &Path) {
    std::fs::create_dir_all(path).expect("the directory can be made");
}

/// Names of the files and directories in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("the directory can be listed");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("the directory can be read").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// All files below a directory with their contents, by their path in it.
pub(crate) fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in names(directory) {
        let path = directory.join(&name);
        if path.is_dir() {
            for (below, bytes) in contents(&path) {
                files.insert(Path::new(&name).join(below), bytes);
            }
        } else {
            files.insert(PathBuf::from(name), read(&path));
        }
    }
    files
}

/// Copies everything below a directory into another.
pub(crate) fn copy_directory(from: &Path, to: &Path) {
    make_directory(to);
    for name in names(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy_directory(&source, &target);
        } else {
            write(&target, &read(&source));
        }
    }
}

/// The increment that is appended to: the last file of the manifest.
pub(crate) fn last_increment(directory: &Path) -> PathBuf {
    let log = directory.join("appendonlydir");
    let manifest =
        String::from_utf8(read(&log.join("appendonly.aof.manifest"))).expect("the manifest is text");
    let last =
        manifest.lines().rfind(|line| line.ends_with("type i")).expect("the manifest lists an increment");
    log.join(last.split(' ').nth(1).expect("a line of the manifest names a file"))
}

/// The base of the log.
pub(crate) fn base(directory: &Path) -> PathBuf {
    let log = directory.join("appendonlydir");
    let manifest =
        String::from_utf8(read(&log.join("appendonly.aof.manifest"))).expect("the manifest is text");
    let line = manifest.lines().find(|line| line.ends_with("type b")).expect("the manifest lists a base");
    log.join(line.split(' ').nth(1).expect("a line of the manifest names a file"))
}
