//! Which client waits for which key, and which keys have become ready for somebody.
//!
//! A command that finds nothing to take asks its client to be blocked (`Context::block`) instead of replying. The table
//! remembers who waits for which keys, in the order in which they came. Every write tells it the key
//! (`Context::modified`); when somebody waits for that key, it is *ready*. After the command, transaction or script that
//! made keys ready, the server goes through them in the order in which they became so, and executes the blocked
//! commands again, first come, first served; one that finds nothing blocks again and keeps its place.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use lastsave_keyspace::Value;
use lastsave_resp::OwnedRequest;

/// The type of value that a blocked command can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwaitedType {
    /// A list.
    List,
    /// A sorted set.
    SortedSet,
    /// A stream.
    Stream,
}

impl AwaitedType {
    /// The awaited type of a value; nothing for types that nobody can wait for.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::List(_) => Some(Self::List),
            Value::SortedSet(_) => Some(Self::SortedSet),
            Value::Stream(_) => Some(Self::Stream),
            _ => None,
        }
    }
}

/// What a command waits for, besides the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockingWait {
    /// It is executed again when one of its keys holds this type.
    pub awaited: AwaitedType,
    /// It is also executed again when one of its keys was removed or holds another type.
    pub wakes_without_key: bool,
    /// How long it waits at most; `None` for ever. A command that blocks again keeps the time it had.
    pub timeout_ms: Option<u64>,
}

/// A client is to be blocked: the command that was just executed asked for it, and did not reply.
#[derive(Debug)]
pub struct BlockingRequest {
    /// How long it waits at most; `None` for ever.
    pub timeout_ms: Option<u64>,
    /// What is to be executed when a key is ready, if not the request as it was sent.
    pub replacement: Option<OwnedRequest>,
}

/// A key that was written while somebody waited for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyKey {
    /// The key's database.
    pub db: usize,
    /// The key.
    pub key: Box<[u8]>,
}

/// A client that waits for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// Its place in the order of all blocked clients.
    pub order: u64,
    /// The client, as CLIENT ID tells it.
    pub client_id: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    client_id: u64,
    awaited: AwaitedType,
    wakes_without_key: bool,
}

/// The clients that wait for one key, by their order.
#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    /// How many of them are woken when the key is gone.
    without_key: usize,
    /// The key is in the list of ready ones.
    is_ready: bool,
}

#[derive(Debug)]
struct Blocked {
    order: u64,
    db: usize,
    keys: Vec<Box<[u8]>>,
}

/// The blocked clients and the keys that they wait for. A client leaves the table by [`BlockingTable::unblock`].
#[derive(Debug, Default)]
pub struct BlockingTable {
    /// Per database; only keys that somebody waits for.
    queues: Vec<HashMap<Box<[u8]>, Queue>>,
    clients: HashMap<u64, Blocked>,
    ready: VecDeque<ReadyKey>,
    next_order: u64,
    /// What the command under way asked for.
    asked: Option<BlockingRequest>,
}

impl BlockingTable {
    /// A table in which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody waits for a key.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Number of keys that somebody waits for.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.queues.iter().map(HashMap::len).sum()
    }

    /// Number of keys whose removal would wake somebody.
    #[must_use]
    pub fn key_count_without_key(&self) -> usize {
        let queues = self.queues.iter().flat_map(HashMap::values);
        queues.filter(|queue| queue.without_key > 0).count()
    }

    /// Whether the command that was just executed asked for its client to be blocked.
    #[inline]
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// What the command that was just executed asked for, if it asked for its client to be blocked.
    #[inline]
    pub fn take_asked(&mut self) -> Option<BlockingRequest> {
        self.asked.take()
    }

    /// Blocks a client on keys of a database. A client that is blocked already keeps its keys and its place.
    pub(crate) fn block<'k>(
        &mut self,
        client_id: u64,
        db: usize,
        keys: impl IntoIterator<Item = &'k [u8]>,
        wait: BlockingWait,
        replacement: Option<OwnedRequest>,
    ) {
        self.asked = Some(BlockingRequest { timeout_ms: wait.timeout_ms, replacement });
        if self.clients.contains_key(&client_id) {
            return;
        }
        self.next_order += 1;
        let order = self.next_order;
        if self.queues.len() <= db {
            self.queues.resize_with(db + 1, HashMap::new);
        }
        let BlockingWait { awaited, wakes_without_key, .. } = wait;
        let mut waited: Vec<Box<[u8]>> = Vec::new();
        for key in keys {
            let queue = self.queues[db].entry(key.into()).or_default();
            let before = queue.waiting.insert(order, Waiting { client_id, awaited, wakes_without_key });
            // Naming a key twice is the same as once.
            if before.is_none() {
                queue.without_key += usize::from(wakes_without_key);
                waited.push(key.into());
            }
        }
        self.clients.insert(client_id, Blocked { order, db, keys: waited });
    }

    /// Ends the wait of a client: it was served, gave up, or is gone.
    pub fn unblock(&mut self, client_id: u64) {
        let Some(Blocked { order, db, keys }) = self.clients.remove(&client_id) else { return };
        for key in keys {
            let Some(queue) = self.queues[db].get_mut(&key) else { continue };
            if let Some(waiting) = queue.waiting.remove(&order) {
                queue.without_key -= usize::from(waiting.wakes_without_key);
            }
            if queue.waiting.is_empty() {
                self.queues[db].remove(&key);
            }
        }
    }

    /// Tells the table that a key was written or removed.
    pub fn touch(&mut self, db: usize, key: &[u8]) {
        let Some(queue) = self.queues.get_mut(db).and_then(|queues| queues.get_mut(key)) else { return };
        if !queue.is_ready {
            queue.is_ready = true;
            self.ready.push_back(ReadyKey { db, key: key.into() });
        }
    }

    /// Tells the table that any key of a database may have changed: it was emptied, or exchanged for another.
    pub fn touch_database(&mut self, db: usize) {
        let Some(queues) = self.queues.get_mut(db) else { return };
        let unready = queues.iter_mut().filter(|(_, queue)| !queue.is_ready);
        // Those who came first are looked at first.
        let mut keys: Vec<_> = unready
            .map(|(key, queue)| {
                queue.is_ready = true;
                (queue.waiting.keys().next().copied(), key.clone())
            })
            .collect();
        keys.sort_unstable();
        self.ready.extend(keys.into_iter().map(|(_, key)| ReadyKey { db, key }));
    }

    /// Whether keys are ready.
    #[inline]
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The key that became ready first. Writes from now on make it ready again.
    pub fn next_ready(&mut self) -> Option<ReadyKey> {
        let ready = self.ready.pop_front()?;
        if let Some(queue) = self.queues.get_mut(ready.db).and_then(|queues| queues.get_mut(&ready.key)) {
            queue.is_ready = false;
        }
        Some(ready)
    }

    /// The first client behind the place `after` (0 for the first of all) whose command is to be executed again, now
    /// that the key holds `present`.
    #[must_use]
    pub fn next_waiter(&self, ready: &ReadyKey, after: u64, present: Option<AwaitedType>) -> Option<Waiter> {
        let queue = self.queues.get(ready.db)?.get(&ready.key)?;
        if present.is_none() && queue.without_key == 0 {
            return None;
        }
        let behind = queue.waiting.range((Bound::Excluded(after), Bound::Unbounded));
        let (order, waiting) = behind
            .into_iter()
            .find(|(_, waiting)| waiting.wakes_without_key || present == Some(waiting.awaited))?;
        Some(Waiter { order: *order, client_id: waiting.client_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: BlockingWait =
        BlockingWait { awaited: AwaitedType::List, wakes_without_key: false, timeout_ms: None };
    const GROUP: BlockingWait =
        BlockingWait { awaited: AwaitedType::Stream, wakes_without_key: true, timeout_ms: Some(10) };

    fn ready(table: &mut BlockingTable) -> Vec<(usize, Vec<u8>)> {
        std::iter::from_fn(|| table.next_ready()).map(|ready| (ready.db, ready.key.into_vec())).collect()
    }

    #[test]
    fn keys_become_ready_once_and_in_order() {
        let mut table = BlockingTable::new();
        table.touch(0, b"a");
        assert!(!table.has_ready() && table.is_empty());
        table.block(1, 0, [&b"a"[..], b"b", b"a"], LIST, None);
        assert!(table.take_asked().is_some_and(|asked| asked.timeout_ms.is_none()));
        assert!(!table.is_asked());
        for key in [&b"b"[..], b"a", b"b", b"c"] {
            table.touch(0, key);
            table.touch(1, key);
        }
        assert_eq!(ready(&mut table), [(0, b"b".to_vec()), (0, b"a".to_vec())]);
        table.touch(0, b"a");
        assert_eq!(ready(&mut table), [(0, b"a".to_vec())]);
        assert_eq!(table.key_count(), 2);
        table.unblock(1);
        table.unblock(1);
        assert_eq!(table.key_count(), 0);
    }

    #[test]
    fn those_who_came_first_are_first_and_keep_their_place() {
        let mut table = BlockingTable::new();
        table.block(7, 2, [&b"k"[..]], LIST, None);
        table.block(5, 2, [&b"k"[..]], LIST, None);
        table.block(7, 2, [&b"k"[..]], LIST, None);
        table.block(6, 2, [&b"k"[..]], GROUP, None);
        assert_eq!(table.key_count_without_key(), 1);
        let key = ReadyKey { db: 2, key: b"k"[..].into() };
        let served = |table: &BlockingTable, present| {
            let mut after = 0;
            let mut clients = Vec::new();
            while let Some(waiter) = table.next_waiter(&key, after, present) {
                after = waiter.order;
                clients.push(waiter.client_id);
            }
            clients
        };
        assert_eq!(served(&table, Some(AwaitedType::List)), [7, 5, 6]);
        assert_eq!(served(&table, Some(AwaitedType::SortedSet)), [6]);
        assert_eq!(served(&table, None), [6]);
        table.unblock(6);
        assert_eq!((served(&table, None), table.key_count_without_key()), (Vec::new(), 0));
    }

    #[test]
    fn a_database_that_was_exchanged_makes_all_its_keys_ready() {
        let mut table = BlockingTable::new();
        table.block(1, 0, [&b"x"[..]], LIST, None);
        table.block(2, 0, [&b"a"[..]], LIST, None);
        table.block(3, 1, [&b"y"[..]], LIST, None);
        table.touch_database(0);
        table.touch_database(9);
        assert_eq!(ready(&mut table), [(0, b"x".to_vec()), (0, b"a".to_vec())]);
    }
}
