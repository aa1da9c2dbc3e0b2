//! What tracking clients have read, and the prefixes they want to hear of.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::net::token::ClientKey;

/// Keys with a prefix that were changed in this turn, each with the client that did it last.
pub(crate) type ChangedKeys = BTreeMap<Bytes, Option<u64>>;

#[derive(Debug, Default)]
struct Prefix {
    clients: BTreeSet<u64>,
    changed: ChangedKeys,
}

/// The state of client-side caching. Key names count in all databases alike.
#[derive(Debug, Default)]
pub(crate) struct TrackingTable {
    /// Clients that track, by id.
    clients: BTreeMap<u64, ClientKey>,
    /// Who has read a key. Ordered, so that some key can be found quickly when there are too many.
    readers: BTreeMap<Bytes, BTreeSet<u64>>,
    /// Readers of all keys together.
    reader_count: usize,
    prefixes: BTreeMap<Bytes, Prefix>,
}

impl TrackingTable {
    /// Whether nobody tracks.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.clients.is_empty()
    }

    /// A client starts to track, or changes how.
    pub(crate) fn add_client(&mut self, id: u64, key: ClientKey) {
        self.clients.insert(id, key);
    }

    /// A client stops to track.
    pub(crate) fn remove_client<'a>(&mut self, id: u64, prefixes: impl IntoIterator<Item = &'a Bytes>) {
        self.clients.remove(&id);
        for prefix in prefixes {
            if let Some(state) = self.prefixes.get_mut(prefix) {
                state.clients.remove(&id);
                if state.clients.is_empty() {
                    self.prefixes.remove(prefix);
                }
            }
        }
        if self.clients.is_empty() {
            self.forget_readers();
        }
    }

    /// A client wants to hear of keys with a prefix.
    pub(crate) fn add_prefix(&mut self, id: u64, prefix: Bytes) {
        self.prefixes.entry(prefix).or_default().clients.insert(id);
    }

    /// The clients that track, with their ids.
    pub(crate) fn clients(&self) -> Vec<(u64, ClientKey)> {
        self.clients.iter().map(|(id, key)| (*id, *key)).collect()
    }

    /// A client that tracks.
    pub(crate) fn client(&self, id: u64) -> Option<ClientKey> {
        self.clients.get(&id).copied()
    }

    /// A client has read a key.
    pub(crate) fn remember(&mut self, id: u64, key: &[u8]) {
        let is_new = match self.readers.get_mut(key) {
            Some(readers) => readers.insert(id),
            None => self.readers.insert(Bytes::copy_from_slice(key), BTreeSet::from([id])).is_none(),
        };
        self.reader_count += usize::from(is_new);
    }

    /// Takes out who has read a key.
    pub(crate) fn take_readers(&mut self, key: &[u8]) -> BTreeSet<u64> {
        let readers = self.readers.remove(key).unwrap_or_default();
        self.reader_count -= readers.len();
        readers
    }

    /// Some key that was read, near the one with this name.
    pub(crate) fn some_key(&self, near: &[u8]) -> Option<Bytes> {
        let behind =
            self.readers.range::<[u8], _>((std::ops::Bound::Included(near), std::ops::Bound::Unbounded));
        behind.map(|(key, _)| key).next().or_else(|| self.readers.keys().next()).cloned()
    }

    /// Forgets what was read.
    pub(crate) fn forget_readers(&mut self) {
        self.readers = BTreeMap::new();
        self.reader_count = 0;
    }

    /// Notes that a key was changed by a client, for those who track its prefix.
    pub(crate) fn note_change(&mut self, key: &[u8], by: Option<u64>) {
        for (prefix, state) in &mut self.prefixes {
            if key.starts_with(prefix) {
                state.changed.insert(Bytes::copy_from_slice(key), by);
            }
        }
    }

    /// Takes out the changes noted, with those who want to hear of them.
    pub(crate) fn take_changes(&mut self) -> Vec<(Vec<u64>, ChangedKeys)> {
        let changed = self.prefixes.values_mut().filter(|state| !state.changed.is_empty());
        changed
            .map(|state| (state.clients.iter().copied().collect(), std::mem::take(&mut state.changed)))
            .collect()
    }

    /// Keys that were read by somebody.
    pub(crate) fn key_count(&self) -> usize {
        self.readers.len()
    }

    /// Readers of all keys together.
    pub(crate) fn reader_count(&self) -> usize {
        self.reader_count
    }

    /// Prefixes that somebody tracks.
    pub(crate) fn prefix_count(&self) -> usize {
        self.prefixes.len()
    }

    /// Clients that track.
    pub(crate) fn client_count(&self) -> usize {
        self.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ClientKey = ClientKey { slot: 0, generation: 0 };

    #[test]
    fn readers_are_told_once() {
        let mut table = TrackingTable::default();
        table.add_client(1, KEY);
        for id in [1, 2, 1] {
            table.remember(id, b"k");
        }
        table.remember(1, b"l");
        assert_eq!((table.key_count(), table.reader_count()), (2, 3));
        assert_eq!(table.take_readers(b"k"), BTreeSet::from([1, 2]));
        assert!(table.take_readers(b"k").is_empty());
        assert_eq!((table.key_count(), table.reader_count()), (1, 1));
        assert_eq!(table.some_key(b"zzz"), Some(Bytes::from("l")));
        table.remove_client(1, []);
        assert_eq!((table.key_count(), table.reader_count(), table.is_idle()), (0, 0, true));
    }

    #[test]
    fn changes_are_collected_by_prefix() {
        let mut table = TrackingTable::default();
        table.add_client(1, KEY);
        table.add_prefix(1, Bytes::from("a"));
        table.add_prefix(2, Bytes::new());
        table.note_change(b"abc", Some(7));
        table.note_change(b"xyz", None);
        let changes = table.take_changes();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].1.len(), 2, "the empty prefix gets all");
        assert_eq!(changes[1].0, [1]);
        assert_eq!(changes[1].1.get(&b"abc"[..]), Some(&Some(7)));
        assert!(table.take_changes().is_empty());
        table.remove_client(1, &[Bytes::from("a")]);
        assert_eq!(table.prefix_count(), 1);
    }
}
