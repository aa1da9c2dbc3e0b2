//! All function libraries of a data set.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::library::{FunctionLibrary, LibraryError};

/// What a library takes in memory besides its name and text.
const LIBRARY_BYTES: usize = 128;

/// The function libraries, in the order of their names. A clone is a point in time of them and costs nothing; a change
/// then copies the list, but no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionLibraries {
    by_name: Arc<BTreeMap<Bytes, FunctionLibrary>>,
    held_bytes: usize,
}

impl FunctionLibraries {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &FunctionLibrary> {
        self.by_name.values()
    }

    /// About how many bytes of memory they take.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Adds the library with this text; `replace`: in the stead of one with the same name. Gives its name.
    ///
    /// # Errors
    /// The text is no library, or there is one of that name. Nothing has changed then.
    pub fn load(&mut self, code: Bytes, replace: bool) -> Result<Bytes, LibraryError> {
        let library = FunctionLibrary::parse(code)?;
        let name = library.name().clone();
        if !replace && self.by_name.contains_key(&name) {
            return Err(LibraryError::Exists { name: String::from_utf8_lossy(&name).into_owned() });
        }
        self.put(library);
        Ok(name)
    }

    /// Adds all of `restored`; `replace`: in the stead of those with the same names.
    ///
    /// # Errors
    /// There is one of the same name. Nothing has changed then.
    pub fn join(&mut self, restored: &Self, replace: bool) -> Result<(), LibraryError> {
        let existing = restored.by_name.keys().find(|name| self.by_name.contains_key(*name));
        if let Some(name) = existing.filter(|_| !replace) {
            return Err(LibraryError::RestoredExists { name: String::from_utf8_lossy(name).into_owned() });
        }
        restored.iter().for_each(|library| self.put(library.clone()));
        Ok(())
    }

    /// Removes a library. Gives whether it was there.
    pub fn delete(&mut self, name: &[u8]) -> bool {
        if !self.by_name.contains_key(name) {
            return false;
        }
        let removed = Arc::make_mut(&mut self.by_name).remove(name);
        self.held_bytes -= removed.as_ref().map_or(0, cost_bytes);
        true
    }

    fn put(&mut self, library: FunctionLibrary) {
        self.held_bytes += cost_bytes(&library);
        let replaced = Arc::make_mut(&mut self.by_name).insert(library.name().clone(), library);
        self.held_bytes -= replaced.as_ref().map_or(0, cost_bytes);
    }
}

fn cost_bytes(library: &FunctionLibrary) -> usize {
    LIBRARY_BYTES + library.name().len() + library.code().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str, rest: &str) -> Bytes {
        format!("#!lua name={name}\n{rest}").into()
    }

    #[test]
    fn a_clone_keeps_what_was_there() {
        let mut libraries = FunctionLibraries::new();
        libraries.load(code("a", "1"), false).unwrap();
        let before = libraries.clone();
        libraries.load(code("a", "2"), true).unwrap();
        libraries.load(code("b", ""), false).unwrap();
        assert!(libraries.delete(b"a") && !libraries.delete(b"a"));
        assert_eq!(before.iter().map(|library| library.code().clone()).collect::<Vec<_>>(), [code("a", "1")]);
        assert_eq!(libraries.iter().map(|library| library.name().clone()).collect::<Vec<_>>(), ["b"]);
        assert!(libraries.delete(b"b") && libraries.is_empty() && libraries.held_bytes() == 0);
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let mut libraries = FunctionLibraries::new();
        libraries.load(code("b", "old"), false).unwrap();
        let before = libraries.clone();
        let refused = |result: Result<_, LibraryError>| result.map(drop).unwrap_err().to_string();
        assert_eq!(refused(libraries.load(code("b", "new"), false)), "Library 'b' already exists");
        let mut restored = FunctionLibraries::new();
        restored.load(code("a", ""), false).unwrap();
        restored.load(code("b", "new"), false).unwrap();
        let joined = libraries.join(&restored, false).unwrap_err();
        assert_eq!(joined.to_string(), "Library b already exists");
        assert_eq!(libraries, before);
        libraries.join(&restored, true).unwrap();
        assert_eq!(libraries, restored);
    }
}
