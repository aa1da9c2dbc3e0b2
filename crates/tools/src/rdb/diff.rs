//! `--diff`: which keys and function libraries were added, removed and changed between two snapshots.
//!
//! Keys are compared by digests, so that memory does not grow with their values; when there are many, several passes
//! over both files take a share of them each.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use lastsave_commands::FunctionLibrary;
use lastsave_rdb::{Error, Event, KeyRecord, Reader, ReaderOptions};
use lastsave_storage::{File, FileReader, StorageError};
use serde_json::{Value as Json, json};
use thiserror::Error;

use super::describe::{Description, describe};
use crate::json;

/// Keys held in memory at once; about 64 bytes each.
const KEYS_PER_PASS: u64 = 4 << 20;

/// What can go wrong.
#[derive(Debug, Error)]
pub(crate) enum DiffError {
    #[error("{file}: {error}")]
    Damaged { file: String, error: Error },
    #[error("{0}")]
    Storage(#[from] StorageError),
}

/// How a key differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Removed,
    Type,
    Value,
    Expiry,
}

impl Change {
    fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Type | Self::Value | Self::Expiry => '~',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Type => "type changed",
            Self::Value => "value changed",
            Self::Expiry => "expiry changed",
        }
    }
}

/// A key or a function library that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) change: Change,
    /// A library is in none.
    pub(crate) database: Option<u64>,
    pub(crate) key: Vec<u8>,
    pub(crate) type_name: &'static str,
}

impl Difference {
    /// A line of text.
    pub(crate) fn line(&self) -> String {
        let Self { change, database, key, type_name } = self;
        let detail = match change {
            Change::Added | Change::Removed => String::new(),
            _ => format!(", {}", change.name()),
        };
        let database = database.map_or_else(String::new, |database| format!("db{database} "));
        format!("{} {database}\"{}\" ({type_name}{detail})", change.sign(), key.escape_ascii())
    }

    /// A JSON object.
    pub(crate) fn json(&self) -> Json {
        json!({
            "change": self.change.name(),
            "database": self.database,
            "key": json::text(&self.key),
            "type": self.type_name,
        })
    }
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    /// Function libraries that were added, removed or changed.
    pub(crate) libraries: u64,
}

impl Counts {
    pub(crate) fn are_equal(&self) -> bool {
        self.added + self.removed + self.changed + self.libraries == 0
    }
}

/// One of the two files.
pub(crate) struct Side<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'a Arc<dyn File>,
}

/// What is remembered of a key of the first file.
struct Remembered {
    contents: u64,
    type_name: &'static str,
    expires_at_ms: Option<i64>,
}

/// Compares two files, handing each difference to `tell`.
pub(crate) fn compare(
    before: &Side<'_>,
    after: &Side<'_>,
    keys_per_pass: Option<u64>,
    mut tell: impl FnMut(Difference),
) -> Result<Counts, DiffError> {
    let mut keys: u64 = 0;
    let libraries_before = before.for_each(|_, _| keys += 1)?;
    let passes = keys.div_ceil(keys_per_pass.unwrap_or(KEYS_PER_PASS)).max(1);
    let mut counts = Counts::default();
    let mut libraries_after = Libraries::new();
    for pass in 0..passes {
        libraries_after = compare_share(before, after, (pass, passes), &mut counts, &mut tell)?;
    }
    compare_libraries(libraries_before, libraries_after, &mut counts, &mut tell);
    Ok(counts)
}

/// Digests of the texts of function libraries, by name.
type Libraries = BTreeMap<Vec<u8>, u64>;

fn compare_libraries(
    before: Libraries,
    mut after: Libraries,
    counts: &mut Counts,
    tell: &mut dyn FnMut(Difference),
) {
    let mut differs = |change, key| {
        counts.libraries += 1;
        tell(Difference { change, database: None, key, type_name: "function library" });
    };
    for (name, text) in before {
        match after.remove(&name) {
            None => differs(Change::Removed, name),
            Some(other) if other != text => differs(Change::Value, name),
            Some(_) => {}
        }
    }
    for name in after.into_keys() {
        differs(Change::Added, name);
    }
}

/// Gives the libraries of the file `after`.
fn compare_share(
    before: &Side<'_>,
    after: &Side<'_>,
    (pass, passes): (u64, u64),
    counts: &mut Counts,
    tell: &mut dyn FnMut(Difference),
) -> Result<Libraries, DiffError> {
    let is_ours = |digest: &(u64, u64)| digest.0 % passes == pass;
    let mut remembered: HashMap<(u64, u64), Remembered> = HashMap::new();
    before.for_each(|database, record| {
        let digest = key_digest(database, &record.key);
        if is_ours(&digest) {
            let Description { type_name, digest: contents, .. } = describe(record);
            let expires_at_ms = record.metadata.expires_at_ms;
            remembered.insert(digest, Remembered { contents, type_name, expires_at_ms });
        }
    })?;
    let libraries = after.for_each(|database, record| {
        let digest = key_digest(database, &record.key);
        if !is_ours(&digest) {
            return;
        }
        let Description { type_name, digest: contents, .. } = describe(record);
        let change = match remembered.remove(&digest) {
            None => Some(Change::Added),
            Some(old) if old.type_name != type_name => Some(Change::Type),
            Some(old) if old.contents != contents => Some(Change::Value),
            Some(old) if old.expires_at_ms != record.metadata.expires_at_ms => Some(Change::Expiry),
            Some(_) => None,
        };
        match change {
            None => counts.unchanged += 1,
            Some(Change::Added) => counts.added += 1,
            Some(_) => counts.changed += 1,
        }
        if let Some(change) = change {
            let database = Some(database);
            tell(Difference { change, database, key: record.key.clone(), type_name });
        }
    })?;
    if remembered.is_empty() {
        return Ok(libraries);
    }
    // Only digests were kept; the names are read again.
    before.for_each(|database, record| {
        if let Some(old) = remembered.remove(&key_digest(database, &record.key)) {
            counts.removed += 1;
            let (database, key) = (Some(database), record.key.clone());
            tell(Difference { change: Change::Removed, database, key, type_name: old.type_name });
        }
    })?;
    Ok(libraries)
}

impl Side<'_> {
    /// Visits all keys, and gives the libraries.
    fn for_each(&self, mut visit: impl FnMut(u64, &KeyRecord)) -> Result<Libraries, DiffError> {
        let total_bytes = Some(self.file.len()?);
        let options = ReaderOptions { total_bytes, ..ReaderOptions::default() };
        let mut reader = Reader::new(FileReader::new(Arc::clone(self.file)), options);
        let mut database = 0;
        let mut libraries = Libraries::new();
        loop {
            match reader.next_event() {
                Ok(Event::SelectDatabase(index)) => database = index,
                Ok(Event::Key(record)) => visit(database, &record),
                Ok(Event::FunctionLibrary { code }) => {
                    let (name, digest) = library_digest(code);
                    libraries.insert(name, digest);
                }
                Ok(Event::End { .. }) => return Ok(libraries),
                Ok(_) => {}
                Err(error) => return Err(DiffError::Damaged { file: self.name.to_owned(), error }),
            }
        }
    }
}

/// The name of a library and a digest of its text; one that no server would load is named by the text itself.
fn library_digest(code: Vec<u8>) -> (Vec<u8>, u64) {
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    let name = match FunctionLibrary::parse(code.clone().into()) {
        Ok(library) => library.name().to_vec(),
        Err(_) => code,
    };
    (name, hasher.finish())
}

fn key_digest(database: u64, key: &[u8]) -> (u64, u64) {
    let digest = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, database, key).hash(&mut hasher);
        hasher.finish()
    };
    (digest(1), digest(2))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lastsave_rdb::{KeyMetadata, StringRef, Writer, WriterOptions};
    use lastsave_storage::sim::SimulatedStorage;
    use lastsave_storage::{OpenOptions, Storage as _};

    use super::*;

    fn snapshot(keys: impl Iterator<Item = (String, String)>) -> Vec<u8> {
        let mut writer = Writer::bare(Vec::new(), WriterOptions::default()).expect("room");
        for (key, value) in keys {
            let value = StringRef::Bytes(value.as_bytes());
            writer.string(key.as_bytes(), value, &KeyMetadata::default()).expect("room");
        }
        writer.finish().expect("room").inner
    }

    #[test]
    fn the_number_of_passes_changes_nothing() {
        let key = |number: u32| format!("key:{number}");
        let before = snapshot((0..100).map(|number| (key(number), "old".to_owned())));
        let after = snapshot((10..120).map(|number| {
            let value = if number % 10 == 0 { "new" } else { "old" };
            (key(number), value.to_owned())
        }));
        let storage = SimulatedStorage::new(1);
        storage.put("before", before).expect("room");
        storage.put("after", after).expect("room");
        let open =
            |name| storage.open(Path::new(name), &OpenOptions::read_only()).expect("the file is there");
        let (before, after) = (open("before"), open("after"));
        let run = |keys_per_pass| {
            let mut told = Vec::new();
            let before = Side { name: "before", file: &before };
            let after = Side { name: "after", file: &after };
            let counts = compare(&before, &after, keys_per_pass, |difference| told.push(difference.line()));
            told.sort_unstable();
            (counts.expect("sound files"), told)
        };
        let (counts, told) = run(None);
        assert_eq!(counts, Counts { added: 20, removed: 10, changed: 9, unchanged: 81, libraries: 0 });
        assert_eq!(told.len(), 39);
        for keys_per_pass in [1, 7, 50, 99] {
            assert_eq!(run(Some(keys_per_pass)), (counts, told.clone()));
        }
    }
}
