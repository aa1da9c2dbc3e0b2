//! What a snapshot holds, in numbers: collected in one pass, with memory that does not grow with the file.

mod chart;
mod page;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use lastsave_rdb::{Event, KeyRecord, Reader, ReaderOptions};
use lastsave_storage::{File, FileReader};
use serde_json::json;

pub(crate) use page::html;

use crate::json::text;
use crate::rdb::describe::{Description, describe};

/// Different prefixes that are counted one by one; the keys of all others share one line.
const PREFIXES_MAX: usize = 20_000;

/// Prefixes that are shown.
const PREFIXES_SHOWN: usize = 30;

/// Biggest keys that are shown.
const BIGGEST_KEYS: usize = 50;

/// Longest part of a key that is shown.
const KEY_BYTES_SHOWN: usize = 200;

/// The line of everything that has no line of its own.
const OTHERS: &str = "(others)";

/// Upper ends of the groups of expiries, in milliseconds from now.
const EXPIRY_GROUPS: [(&str, i64); 8] = [
    ("already over", 0),
    ("within a minute", 60_000),
    ("within an hour", 3_600_000),
    ("within a day", 86_400_000),
    ("within a week", 604_800_000),
    ("within 30 days", 2_592_000_000),
    ("within a year", 31_536_000_000),
    ("later", i64::MAX),
];

/// Keys and what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) keys: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) elements: u64,
}

impl Share {
    fn add(&mut self, described: &Description) {
        self.keys += 1;
        self.memory_bytes += described.memory_bytes;
        self.elements += described.elements;
    }
}

/// One of the biggest keys. They are compared by memory first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BigKey {
    pub(crate) memory_bytes: u64,
    pub(crate) database: u64,
    pub(crate) key: Vec<u8>,
    pub(crate) type_name: &'static str,
    pub(crate) encoding: &'static str,
    pub(crate) elements: u64,
}

/// What a snapshot holds.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) version: String,
    pub(crate) file_bytes: u64,
    pub(crate) keys: u64,
    pub(crate) memory_bytes: u64,
    /// Source bytes of function libraries.
    pub(crate) function_bytes: u64,
    pub(crate) aux: Vec<(String, String)>,
    pub(crate) databases: BTreeMap<u64, Share>,
    pub(crate) types: BTreeMap<&'static str, Share>,
    pub(crate) encodings: BTreeMap<(&'static str, &'static str), Share>,
    /// Groups of expiries by their place in the order of time; keys without one are not in it.
    expiries: [Share; EXPIRY_GROUPS.len()],
    pub(crate) without_expiry: Share,
    prefixes: HashMap<Vec<u8>, Share>,
    other_prefixes: Share,
    biggest: BinaryHeap<Reverse<BigKey>>,
}

/// Reads a snapshot.
pub(crate) fn collect(file: &Arc<dyn File>, now_ms: i64) -> Result<Statistics, String> {
    let total_bytes = file.len().map_err(|error| error.to_string())?;
    let options = ReaderOptions { total_bytes: Some(total_bytes), ..ReaderOptions::default() };
    let mut reader = Reader::new(FileReader::new(Arc::clone(file)), options);
    let mut statistics = Statistics { file_bytes: total_bytes, ..Statistics::default() };
    let mut database = 0;
    loop {
        match reader.next_event().map_err(|error| error.to_string())? {
            Event::Version(version) => statistics.version = version.to_string(),
            Event::Aux { name, value } => statistics.aux.push((text(&name), text(&value))),
            Event::SelectDatabase(index) => database = index,
            Event::FunctionLibrary { code } => statistics.function_bytes += code.len() as u64,
            Event::Key(record) => statistics.add(database, &record, now_ms),
            Event::End { .. } => return Ok(statistics),
            _ => {}
        }
    }
}

impl Statistics {
    fn add(&mut self, database: u64, record: &KeyRecord, now_ms: i64) {
        let described = describe(record);
        self.keys += 1;
        self.memory_bytes += described.memory_bytes;
        self.databases.entry(database).or_default().add(&described);
        self.types.entry(described.type_name).or_default().add(&described);
        self.encodings.entry((described.type_name, described.encoding)).or_default().add(&described);
        match record.metadata.expires_at_ms {
            None => self.without_expiry.add(&described),
            Some(expires_at_ms) => {
                let left = expires_at_ms.saturating_sub(now_ms);
                let group = EXPIRY_GROUPS.iter().position(|(_, end)| left <= *end);
                self.expiries[group.unwrap_or(EXPIRY_GROUPS.len() - 1)].add(&described);
            }
        }
        let prefix = prefix(&record.key);
        if self.prefixes.len() < PREFIXES_MAX || self.prefixes.contains_key(prefix) {
            self.prefixes.entry(prefix.to_vec()).or_default().add(&described);
        } else {
            self.other_prefixes.add(&described);
        }
        self.note_big_key(database, record, &described);
    }

    fn note_big_key(&mut self, database: u64, record: &KeyRecord, described: &Description) {
        let is_full = self.biggest.len() == BIGGEST_KEYS;
        let smallest = self.biggest.peek().map_or(0, |Reverse(key)| key.memory_bytes);
        if is_full && described.memory_bytes <= smallest {
            return;
        }
        self.biggest.push(Reverse(BigKey {
            memory_bytes: described.memory_bytes,
            database,
            key: record.key[..record.key.len().min(KEY_BYTES_SHOWN)].to_vec(),
            type_name: described.type_name,
            encoding: described.encoding,
            elements: described.elements,
        }));
        if is_full {
            self.biggest.pop();
        }
    }

    /// The biggest keys, the biggest first.
    pub(crate) fn biggest_keys(&self) -> Vec<&BigKey> {
        let mut keys: Vec<&BigKey> = self.biggest.iter().map(|Reverse(key)| key).collect();
        keys.sort_by(|one, other| other.cmp(one));
        keys
    }

    /// The prefixes that take most memory, then all others together.
    pub(crate) fn top_prefixes(&self) -> Vec<(String, Share)> {
        let mut all: Vec<(&Vec<u8>, &Share)> = self.prefixes.iter().collect();
        all.sort_by(|(name, share), (other_name, other)| {
            other.memory_bytes.cmp(&share.memory_bytes).then_with(|| name.cmp(other_name))
        });
        let mut others = self.other_prefixes;
        for (_, share) in all.iter().skip(PREFIXES_SHOWN) {
            others.keys += share.keys;
            others.memory_bytes += share.memory_bytes;
            others.elements += share.elements;
        }
        let mut top: Vec<(String, Share)> =
            all.into_iter().take(PREFIXES_SHOWN).map(|(name, share)| (text(name), *share)).collect();
        if others.keys > 0 {
            top.push((OTHERS.to_owned(), others));
        }
        top
    }

    /// Keys by the time that is left to them.
    pub(crate) fn expiries(&self) -> Vec<(&'static str, Share)> {
        let groups = EXPIRY_GROUPS.iter().zip(&self.expiries).map(|((name, _), share)| (*name, *share));
        std::iter::once(("no expiry", self.without_expiry)).chain(groups).collect()
    }
}

/// The part of a key up to its first separator, with it; a key without one stands for itself as `(no prefix)`.
fn prefix(key: &[u8]) -> &[u8] {
    let separator = key.iter().position(|byte| matches!(byte, b':' | b'/' | b'.' | b'|'));
    match separator {
        Some(at) => &key[..=at.min(KEY_BYTES_SHOWN)],
        None => b"(no prefix)",
    }
}

/// The numbers as JSON.
pub(crate) fn json(name: &str, statistics: &Statistics) -> serde_json::Value {
    let share = |share: &Share| json!({ "keys": share.keys, "memory_bytes": share.memory_bytes, "elements": share.elements });
    let named = |name: &str, value: &Share| {
        let mut object = share(value);
        object["name"] = name.into();
        object
    };
    json!({
        "path": name,
        "version": statistics.version,
        "file_bytes": statistics.file_bytes,
        "keys": statistics.keys,
        "memory_bytes": statistics.memory_bytes,
        "function_bytes": statistics.function_bytes,
        "aux": statistics.aux.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
        "databases": statistics.databases.iter().map(|(index, value)| named(&index.to_string(), value)).collect::<Vec<_>>(),
        "types": statistics.types.iter().map(|(name, value)| named(name, value)).collect::<Vec<_>>(),
        "encodings": statistics.encodings.iter()
            .map(|((kind, encoding), value)| named(&format!("{kind} {encoding}"), value)).collect::<Vec<_>>(),
        "prefixes": statistics.top_prefixes().iter().map(|(name, value)| named(name, value)).collect::<Vec<_>>(),
        "expiries": statistics.expiries().iter().map(|(name, value)| named(name, value)).collect::<Vec<_>>(),
        "biggest_keys": statistics.biggest_keys().iter().map(|key| json!({
            "key": text(&key.key), "database": key.database, "type": key.type_name, "encoding": key.encoding,
            "memory_bytes": key.memory_bytes, "elements": key.elements,
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_with_their_separator() {
        assert_eq!(prefix(b"user:1:name"), b"user:");
        assert_eq!(prefix(b"path/to"), b"path/");
        assert_eq!(prefix(b"lonely"), b"(no prefix)");
        assert_eq!(prefix(b":x"), b":");
    }
}
