//! Which client watches which key, and whose watched keys have changed.

use std::collections::HashMap;

use lastsave_keyspace::{Database, Keyspace};
use smallvec::SmallVec;

/// One client's watch of one key.
#[derive(Debug, Clone, Copy)]
struct Watch {
    client_id: u64,
    /// The key was there but past its time when it was watched (or came so by SWAPDB): its removal changes nothing.
    expired: bool,
}

/// Memory of one watch besides the key, which is kept twice.
const BYTES_PER_WATCH: usize = 96;

/// The watches of one key.
type Watches = SmallVec<[Watch; 2]>;

#[derive(Debug, Default)]
struct Client {
    keys: Vec<(usize, Box<[u8]>)>,
    /// Memory of the watched keys, about.
    bytes: usize,
    dirty: bool,
}

/// The watched keys of all clients. A client leaves the table by [`WatchTable::unwatch`].
#[derive(Debug, Default)]
pub struct WatchTable {
    /// Per database; only keys that somebody watches.
    keys: Vec<HashMap<Box<[u8]>, Watches>>,
    /// Keys in all databases.
    key_count: usize,
    clients: HashMap<u64, Client>,
}

fn is_expired(database: &Database, keyspace: &Keyspace, key: &[u8], now_ms: i64) -> bool {
    let entry = database.get(&keyspace.key(key));
    entry.and_then(|entry| entry.expires_at_ms()).is_some_and(|at| now_ms > at)
}

impl WatchTable {
    /// A table in which nobody watches anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody watches anything.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.key_count == 0
    }

    /// Number of watched keys, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.key_count
    }

    /// Number of keys a client watches.
    #[must_use]
    pub fn watched_by(&self, client_id: u64) -> usize {
        self.clients.get(&client_id).map_or(0, |client| client.keys.len())
    }

    /// About how many bytes of memory a client's watches take.
    #[must_use]
    pub fn bytes_of(&self, client_id: u64) -> usize {
        self.clients.get(&client_id).map_or(0, |client| client.bytes)
    }

    /// Makes a client watch a key of a database. Watching it twice is the same as once.
    pub fn watch(&mut self, client_id: u64, db: usize, key: &[u8], keyspace: &Keyspace, now_ms: i64) {
        let client = self.clients.entry(client_id).or_default();
        if client.keys.iter().any(|(watched_db, watched)| *watched_db == db && **watched == *key) {
            return;
        }
        client.keys.push((db, key.into()));
        client.bytes += BYTES_PER_WATCH + 2 * key.len();
        if self.keys.len() <= db {
            self.keys.resize_with(db + 1, HashMap::new);
        }
        let expired = is_expired(keyspace.db(db), keyspace, key, now_ms);
        let watches = self.keys[db].entry(key.into()).or_default();
        self.key_count += usize::from(watches.is_empty());
        watches.push(Watch { client_id, expired });
    }

    /// Ends all watches of a client and forgets that they changed: UNWATCH, EXEC, DISCARD, or the client is gone.
    pub fn unwatch(&mut self, client_id: u64) {
        let Some(client) = self.clients.remove(&client_id) else { return };
        for (db, key) in client.keys {
            let Some(keys) = self.keys.get_mut(db) else { continue };
            let Some(watches) = keys.get_mut(&key) else { continue };
            watches.retain(|watch| watch.client_id != client_id);
            if watches.is_empty() {
                keys.remove(&key);
                self.key_count -= 1;
            }
        }
    }

    /// Whether a transaction of the client must not run: a watched key changed, or has expired since it was watched.
    #[must_use]
    pub fn is_dirty(&self, client_id: u64, keyspace: &Keyspace, now_ms: i64) -> bool {
        let Some(client) = self.clients.get(&client_id) else { return false };
        let expired_before = |db: usize, key: &[u8]| {
            let watches = self.keys.get(db).and_then(|keys| keys.get(key));
            watches.is_some_and(|watches| {
                watches.iter().any(|watch| watch.client_id == client_id && watch.expired)
            })
        };
        client.dirty
            || client.keys.iter().any(|(db, key)| {
                !expired_before(*db, key) && is_expired(keyspace.db(*db), keyspace, key, now_ms)
            })
    }

    /// Whether a key that the client watches was changed.
    #[must_use]
    pub fn is_touched(&self, client_id: u64) -> bool {
        self.clients.get(&client_id).is_some_and(|client| client.dirty)
    }

    /// Tells the table that a key was written or removed; `exists` says whether it is there now.
    pub fn touch(&mut self, db: usize, key: &[u8], exists: impl FnOnce() -> bool) {
        let Some(watches) = self.keys.get_mut(db).and_then(|keys| keys.get_mut(key)) else { return };
        let exists = exists();
        for watch in watches {
            if watch.expired && !exists {
                watch.expired = false;
            } else if let Some(client) = self.clients.get_mut(&watch.client_id) {
                client.dirty = true;
            }
        }
    }

    /// Tells the table that a database is about to be emptied, or exchanged for `replacement`.
    pub fn touch_database(
        &mut self,
        db: usize,
        replacement: Option<usize>,
        keyspace: &Keyspace,
        now_ms: i64,
    ) {
        let Some(keys) = self.keys.get_mut(db) else { return };
        for (key, watches) in keys {
            let exists_in = |database: &Database| database.get(&keyspace.key(key)).is_some();
            let before = exists_in(keyspace.db(db));
            let after = replacement.map(|other| keyspace.db(other)).filter(|other| exists_in(other));
            if !before && after.is_none() {
                continue;
            }
            let expired_after = after.is_some_and(|other| is_expired(other, keyspace, key, now_ms));
            for watch in watches {
                if watch.expired && after.is_none() {
                    watch.expired = false;
                } else if (watch.expired || !before) && expired_after {
                    watch.expired = true;
                } else if let Some(client) = self.clients.get_mut(&watch.client_id) {
                    client.dirty = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lastsave_keyspace::{Expiry, KeyspaceOptions, NewValue};

    fn keyspace() -> Keyspace {
        Keyspace::new(&KeyspaceOptions { databases: 4, hash_seed: Some([1, 2, 3, 4]) })
    }

    fn set(keyspace: &mut Keyspace, db: usize, key: &[u8], expiry: Expiry) {
        let key = keyspace.key(key);
        keyspace.db_mut(db).set(&key, NewValue::Bytes(b"v"), expiry);
    }

    #[test]
    fn a_write_makes_every_watcher_dirty_and_nobody_else() {
        let keyspace = keyspace();
        let mut table = WatchTable::new();
        table.watch(1, 0, b"k", &keyspace, 0);
        table.watch(1, 0, b"k", &keyspace, 0);
        table.watch(2, 0, b"k", &keyspace, 0);
        table.watch(3, 1, b"k", &keyspace, 0);
        assert_eq!((table.len(), table.watched_by(1)), (2, 1));
        table.touch(0, b"k", || true);
        assert!([1, 2].iter().all(|client| table.is_dirty(*client, &keyspace, 0)));
        assert!(!table.is_dirty(3, &keyspace, 0));
        table.unwatch(1);
        assert!(!table.is_dirty(1, &keyspace, 0) && table.is_dirty(2, &keyspace, 0));
        table.unwatch(2);
        table.unwatch(3);
        assert!(table.is_empty());
    }

    #[test]
    fn a_key_that_expires_while_watched_aborts_but_one_expired_before_does_not() {
        let mut keyspace = keyspace();
        set(&mut keyspace, 0, b"k", Expiry::At(100));
        let mut table = WatchTable::new();
        table.watch(1, 0, b"k", &keyspace, 50);
        table.watch(2, 0, b"k", &keyspace, 150);
        assert!(!table.is_dirty(1, &keyspace, 100));
        assert!(table.is_dirty(1, &keyspace, 101));
        assert!(!table.is_dirty(2, &keyspace, 150));
        // The removal of the expired key is no change for client 2; a new value is.
        let key = keyspace.key(b"k");
        keyspace.db_mut(0).remove(&key);
        table.touch(0, b"k", || false);
        assert!(!table.is_dirty(2, &keyspace, 150));
        table.touch(0, b"k", || true);
        assert!(table.is_dirty(2, &keyspace, 150));
    }

    #[test]
    fn flushing_and_swapping_dirty_only_keys_that_exist_on_either_side() {
        let mut keyspace = keyspace();
        set(&mut keyspace, 1, b"there", Expiry::Clear);
        let mut table = WatchTable::new();
        table.watch(1, 0, b"there", &keyspace, 0);
        table.watch(2, 0, b"nowhere", &keyspace, 0);
        table.touch_database(0, None, &keyspace, 0);
        assert!(!table.is_dirty(1, &keyspace, 0), "database 0 is empty");
        table.touch_database(0, Some(1), &keyspace, 0);
        assert!(table.is_dirty(1, &keyspace, 0));
        assert!(!table.is_dirty(2, &keyspace, 0));
    }
}
