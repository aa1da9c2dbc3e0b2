//! `StorageHost`: the world outside as the storage crate shows it.

use std::cell::RefCell;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use lastsave_storage::{
    EntryKind, Errno, FileMode, OpenOptions, Operation, RealStorage, Storage, StorageError, read_file,
    replace_durably_with,
};

use crate::glob::glob_match;
use crate::host::{Host, UserError};
use crate::special::absolute;

/// No configuration file is longer.
const FILE_BYTES_MAX: u64 = 64 << 20;

type CommandCheck = fn(&[u8]) -> bool;
type UserCheck = fn(&[Vec<u8>]) -> Result<(), UserError>;

/// Files through a [`Storage`], with a working directory of its own.
///
/// ```no_run
/// # use lastsave_config::{load, Source, StorageHost};
/// let host = StorageHost::of_process().expect("the working directory is there");
/// let loaded = load(&Source { config_file: Some("redis.conf".into()), ..Source::default() }, &host);
/// ```
pub struct StorageHost {
    place: RefCell<Place>,
    moves_process: bool,
    has_command: Option<CommandCheck>,
    check_user: Option<UserCheck>,
}

#[derive(Clone)]
struct Place {
    storage: Arc<dyn Storage>,
    path: PathBuf,
}

impl StorageHost {
    /// The process' own working directory; `dir` changes it for the whole process, as in Redis.
    pub fn of_process() -> Result<Self, StorageError> {
        // By its full name, so that messages name it.
        let path = process_directory()?;
        let storage = Arc::new(RealStorage::open(&path)?);
        let mut host = Self::new(storage, path);
        host.moves_process = true;
        Ok(host)
    }

    /// Any storage; `path` is what its root is called. The process' working directory is left alone.
    pub fn new(storage: Arc<dyn Storage>, path: impl Into<PathBuf>) -> Self {
        let place = RefCell::new(Place { storage, path: path.into() });
        Self { place, moves_process: false, has_command: None, check_user: None }
    }

    /// Checks `rename-command` lines with this function: whether there is a command of that name, in any
    /// case.
    #[must_use]
    pub fn with_commands(self, has_command: fn(&[u8]) -> bool) -> Self {
        Self { has_command: Some(has_command), ..self }
    }

    /// Checks `user` lines with this function; see [`Host::check_user`].
    #[must_use]
    pub fn with_users(self, check_user: fn(&[Vec<u8>]) -> Result<(), UserError>) -> Self {
        Self { check_user: Some(check_user), ..self }
    }

    /// The storage rooted at the working directory of this moment. It stays there when `dir` changes.
    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.place.borrow().storage)
    }
}

fn process_directory() -> Result<PathBuf, StorageError> {
    std::env::current_dir()
        .map_err(|error| StorageError::from_io(Operation::OpenDirectory, Path::new("."), error))
}

impl Host for StorageHost {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        read_file(&*self.storage(), path, FILE_BYTES_MAX)
    }

    fn read_standard_input(&self) -> Result<Vec<u8>, StorageError> {
        let mut input = Vec::new();
        let read = std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut input);
        read.map_err(|error| StorageError::from_io(Operation::Read, Path::new("-"), error))?;
        Ok(input)
    }

    fn matching_files(&self, pattern: &Path) -> Vec<PathBuf> {
        expand(&*self.storage(), pattern)
    }

    fn working_directory(&self) -> PathBuf {
        self.place.borrow().path.clone()
    }

    fn enter_directory(&self, path: &Path) -> Result<PathBuf, StorageError> {
        // For a storage the empty path is its own directory; for the system it is none.
        if path.as_os_str().is_empty() {
            return Err(StorageError::system(Operation::OpenDirectory, path, Errno::NOT_FOUND));
        }
        let Place { storage, path: from } = self.place.borrow().clone();
        let storage = storage.open_directory(path)?;
        let path = if self.moves_process {
            std::env::set_current_dir(path)
                .map_err(|error| StorageError::from_io(Operation::OpenDirectory, path, error))?;
            process_directory()?
        } else {
            absolute(&from, path)
        };
        *self.place.borrow_mut() = Place { storage, path: path.clone() };
        Ok(path)
    }

    fn check_log_file(&self, path: &Path) -> Result<(), StorageError> {
        let options = OpenOptions::read_write().read(false).create(true);
        self.storage().open(path, &options).map(|_| ())
    }

    fn replace_file(&self, path: &Path, contents: &[u8]) -> Result<(), StorageError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        replace_durably_with(&*self.storage(), Path::new(&temporary), path, FileMode::DATA, contents)
    }

    fn has_command(&self, name: &[u8]) -> Option<bool> {
        self.has_command.map(|has_command| has_command(name))
    }

    fn check_user(&self, arguments: &[Vec<u8>]) -> Result<(), UserError> {
        self.check_user.map_or(Ok(()), |check_user| check_user(arguments))
    }
}

/// The shell's path patterns: `*`, `?` and `[...]` match inside one component and never a leading dot.
fn expand(storage: &dyn Storage, pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str();
        let bytes = name.as_bytes();
        let is_pattern = bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
        if !is_pattern || !matches!(component, Component::Normal(_)) {
            found = found.into_iter().map(|path| path.join(name)).collect();
            found.retain(|path| is_there(storage, path));
            continue;
        }
        // The shell negates a class with `!`, the matcher with `^`.
        let bytes = replace_all(bytes, b"[!", b"[^");
        found = found.iter().flat_map(|directory| matching_entries(storage, directory, &bytes)).collect();
    }
    found.sort();
    found
}

fn matching_entries(storage: &dyn Storage, directory: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    // A directory that cannot be listed matches nothing, as for the shell.
    let entries = storage.list(directory).unwrap_or_default();
    let matches = |name: &[u8]| {
        glob_match(pattern, name, false) && (pattern.starts_with(b".") || !name.starts_with(b"."))
    };
    let matching = entries.into_iter().filter(|entry| matches(entry.name.as_bytes()));
    matching.map(|entry| directory.join(entry.name)).collect()
}

fn is_there(storage: &dyn Storage, path: &Path) -> bool {
    storage.metadata(path).is_ok_and(|found| matches!(found.kind, EntryKind::File | EntryKind::Directory))
}

fn replace_all(text: &[u8], from: &[u8; 2], to: &[u8; 2]) -> Vec<u8> {
    let mut out = text.to_vec();
    for at in 0..out.len().saturating_sub(1) {
        if out[at..at + 2] == *from {
            out[at..at + 2].copy_from_slice(to);
        }
    }
    out
}
