//! `Host`: what reading a configuration needs from the world outside.

use std::path::{Path, PathBuf};

use lastsave_storage::{Errno, Operation, StorageError};

use crate::special::absolute;

/// Why an ACL rule of a `user` line was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// Which argument of the line; 0 is the word `user`.
    pub argument: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The world outside: files, the working directory, and what other parts of the server know about commands
/// and users.
///
/// [`StorageHost`](crate::StorageHost) is the real one; tests bring their own. Relative paths are relative to
/// the working directory.
pub trait Host {
    /// The whole contents of a file.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, StorageError>;

    /// All of standard input.
    fn read_standard_input(&self) -> Result<Vec<u8>, StorageError>;

    /// The existing files that match a path with `*`, `?` and `[` in it, sorted.
    fn matching_files(&self, pattern: &Path) -> Vec<PathBuf>;

    /// The absolute path of the working directory.
    fn working_directory(&self) -> PathBuf;

    /// Makes `path` the working directory and gives its absolute path.
    fn enter_directory(&self, path: &Path) -> Result<PathBuf, StorageError>;

    /// Makes sure that a log file can be opened for appending, creating it if it is missing.
    fn check_log_file(&self, path: &Path) -> Result<(), StorageError>;

    /// Replaces a file so that after a crash either the old or the new contents are there.
    fn replace_file(&self, path: &Path, contents: &[u8]) -> Result<(), StorageError>;

    /// Whether there is a command of this name, before any renaming; `None` when nobody knows.
    fn has_command(&self, _name: &[u8]) -> Option<bool> {
        None
    }

    /// Checks the rules of a `user` line; `arguments` begins with the word `user`.
    fn check_user(&self, _arguments: &[Vec<u8>]) -> Result<(), UserError> {
        Ok(())
    }
}

/// A world with nothing in it: no file exists, every directory does, nothing can be written. For looking at
/// texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

fn missing(path: &Path) -> StorageError {
    StorageError::system(Operation::Open, path, Errno::NOT_FOUND)
}

impl Host for NoHost {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        Err(missing(path))
    }

    fn read_standard_input(&self) -> Result<Vec<u8>, StorageError> {
        Ok(Vec::new())
    }

    fn matching_files(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    fn working_directory(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn enter_directory(&self, path: &Path) -> Result<PathBuf, StorageError> {
        Ok(absolute(Path::new("/"), path))
    }

    fn check_log_file(&self, _: &Path) -> Result<(), StorageError> {
        Ok(())
    }

    fn replace_file(&self, path: &Path, _: &[u8]) -> Result<(), StorageError> {
        Err(missing(path))
    }
}
