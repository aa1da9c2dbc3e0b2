//! A model of the keyspace made of maps, and operations that are applied to both.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use lastsave_keyspace::{
    Encoding, Entry, Expiry, IntegerBuffer, Keyspace, NewValue, Snapshot, Value, parse_canonical_integer,
};

pub(crate) const DATABASES: usize = 3;

/// What is known of one key: text, encoding name, expiry.
pub(crate) type Known = (Vec<u8>, Encoding, Option<i64>);
pub(crate) type Model = Vec<BTreeMap<Vec<u8>, Known>>;

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Set { db: usize, key: u32, value: Kind, expiry: Option<u16>, keep: bool },
    Remove { db: usize, key: u32 },
    SetExpiry { db: usize, key: u32, expiry: Option<u16> },
    Append { db: usize, key: u32, len: u16 },
    WriteRange { db: usize, key: u32, offset: u16, len: u16 },
    SetInteger { db: usize, key: u32, number: i64 },
    Rename { db: usize, from: u32, to: u32 },
    Move { from: usize, to: usize, key: u32 },
    Copy { from: usize, key: u32, to: usize, target: u32 },
    Swap { first: usize, second: usize },
    Fill { db: usize, first: u32, count: u16 },
    Clear { db: usize, first: u32, count: u16 },
    Flush { db: usize },
    FlushAll,
    Cut,
    Read { which: usize, steps: u8 },
    Finish { which: usize },
    Reap,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Integer(i64),
    Short(u8),
    Long(u16),
    Shared(u16),
}

pub(crate) fn key_bytes(key: u32) -> Vec<u8> {
    if key.is_multiple_of(97) {
        format!("long:{key:0>300}").into_bytes()
    } else {
        format!("key:{key}").into_bytes()
    }
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

pub(crate) fn known(entry: Entry<'_>) -> (Vec<u8>, Known) {
    let Value::String(value) = entry.value() else { unreachable!("only strings are written") };
    let text = value.to_text(&mut IntegerBuffer::new()).to_vec();
    (entry.key().to_vec(), (text, entry.encoding(), entry.expires_at_ms()))
}

pub(crate) fn contents(keyspace: &Keyspace) -> Model {
    (0..keyspace.databases()).map(|db| keyspace.db(db).iter().map(known).collect()).collect()
}

fn encoding_of(text: &[u8]) -> Encoding {
    if text.len() <= 44 { Encoding::Embstr } else { Encoding::Raw }
}

/// A snapshot being read, with the deep copy that it must equal.
pub(crate) struct Reading {
    snapshot: Snapshot,
    expected: Model,
    seen: Model,
}

impl Reading {
    fn step(&mut self) -> bool {
        let mut batch = Vec::new();
        let database = self
            .snapshot
            .visit_next(|entry| {
                batch.push(known(entry));
                Ok::<_, Infallible>(())
            })
            .expect("visiting cannot fail");
        let Some(database) = database else { return false };
        for (key, value) in batch {
            assert!(self.seen[database.index].insert(key, value).is_none(), "a key was visited twice");
        }
        true
    }

    pub(crate) fn finish(mut self) {
        for database in self.snapshot.databases() {
            let expected = &self.expected[database.index];
            assert_eq!(database.len, expected.len() as u64);
            let expires = expected.values().filter(|(_, _, expiry)| expiry.is_some()).count() as u64;
            assert_eq!(database.expires_len, expires);
        }
        while self.step() {}
        assert!(self.seen == self.expected, "the snapshot is not the keyspace at its cut");
    }
}

/// The keyspace and its model side by side.
pub(crate) struct Pair {
    pub(crate) keyspace: Keyspace,
    pub(crate) model: Model,
    pub(crate) readings: Vec<Reading>,
}

impl Pair {
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        Self { keyspace, model: vec![BTreeMap::new(); DATABASES], readings: Vec::new() }
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Set { db, key, ref value, expiry, keep } => self.set(db, key, value, expiry, keep),
            Operation::Remove { db, key } => {
                let bytes = key_bytes(key);
                let hashed = self.keyspace.key(&bytes);
                let removed = self.keyspace.db_mut(db).remove(&hashed);
                assert_eq!(removed, self.model[db].remove(&bytes).is_some());
            }
            Operation::SetExpiry { db, key, expiry } => {
                let bytes = key_bytes(key);
                let hashed = self.keyspace.key(&bytes);
                let expiry = expiry.map(i64::from);
                let existed = self.keyspace.db_mut(db).set_expiry(&hashed, expiry);
                let known = self.model[db].get_mut(&bytes);
                assert_eq!(existed, known.is_some());
                if let Some(known) = known {
                    known.2 = expiry;
                }
            }
            Operation::Append { db, key, len } => {
                let offset = self.model[db].get(&key_bytes(key)).map_or(0, |known| known.0.len());
                self.write_range(db, key, offset, &payload(usize::from(len)), true);
            }
            Operation::WriteRange { db, key, offset, len } => {
                self.write_range(db, key, usize::from(offset), &payload(usize::from(len)), false);
            }
            Operation::SetInteger { db, key, number } => {
                let bytes = key_bytes(key);
                let hashed = self.keyspace.key(&bytes);
                let existed = self.keyspace.db_mut(db).set_integer(&hashed, number);
                let known = self.model[db].get_mut(&bytes);
                assert_eq!(existed, known.is_some());
                if let Some(known) = known {
                    (known.0, known.1) = (number.to_string().into_bytes(), Encoding::Int);
                }
            }
            Operation::Rename { db, from, to } => {
                let (from, to) = (key_bytes(from), key_bytes(to));
                let (from_key, to_key) = (self.keyspace.key(&from), self.keyspace.key(&to));
                let existed = self.keyspace.db_mut(db).rename(&from_key, &to_key);
                let moved = self.model[db].remove(&from);
                assert_eq!(existed, moved.is_some());
                if let Some(known) = moved {
                    self.model[db].insert(to, known);
                }
            }
            Operation::Move { from, to, key } => {
                let bytes = key_bytes(key);
                let hashed = self.keyspace.key(&bytes);
                let existed = self.keyspace.move_key(from, to, &hashed);
                let moved = self.model[from].remove(&bytes);
                assert_eq!(existed, moved.is_some());
                if let Some(known) = moved {
                    self.model[to].insert(bytes, known);
                }
            }
            Operation::Copy { from, key, to, target } => {
                let (source, target) = (key_bytes(key), key_bytes(target));
                let (source_key, target_key) = (self.keyspace.key(&source), self.keyspace.key(&target));
                let existed = self.keyspace.copy_key(from, &source_key, to, &target_key);
                let copied = self.model[from].get(&source).cloned();
                assert_eq!(existed, copied.is_some());
                if let Some(known) = copied {
                    self.model[to].insert(target, known);
                }
            }
            Operation::Swap { first, second } => {
                self.keyspace.swap_databases(first, second);
                self.model.swap(first, second);
            }
            Operation::Fill { db, first, count } => {
                for key in first..first + u32::from(count) {
                    self.set(db, key, &Kind::Short(20), None, false);
                }
            }
            Operation::Clear { db, first, count } => {
                for key in first..first + u32::from(count) {
                    self.apply(&Operation::Remove { db, key });
                }
            }
            Operation::Flush { db } => {
                assert_eq!(self.keyspace.flush(db), self.model[db].len() as u64);
                self.model[db].clear();
            }
            Operation::FlushAll => {
                let keys: usize = self.model.iter().map(BTreeMap::len).sum();
                assert_eq!(self.keyspace.flush_all(), keys as u64);
                self.model.iter_mut().for_each(BTreeMap::clear);
            }
            Operation::Cut => {
                if self.readings.len() < 3 {
                    self.readings.push(Reading {
                        snapshot: self.keyspace.snapshot(),
                        expected: self.model.clone(),
                        seen: vec![BTreeMap::new(); DATABASES],
                    });
                }
            }
            Operation::Read { which, steps } => {
                let count = self.readings.len();
                if count > 0 {
                    let reading = &mut self.readings[which % count];
                    for _ in 0..steps {
                        reading.step();
                    }
                }
            }
            Operation::Finish { which } => {
                if !self.readings.is_empty() {
                    let index = which % self.readings.len();
                    self.readings.remove(index).finish();
                }
            }
            Operation::Reap => self.keyspace.reap_snapshots(),
        }
    }

    fn set(&mut self, db: usize, key: u32, kind: &Kind, expiry: Option<u16>, keep: bool) {
        let bytes = key_bytes(key);
        let hashed = self.keyspace.key(&bytes);
        let known = self.model[db].get(&bytes);
        let (expiry, expires_at) = match (expiry, keep) {
            (_, true) => (Expiry::Keep, known.and_then(|known| known.2)),
            (Some(at), false) => (Expiry::At(i64::from(at)), Some(i64::from(at))),
            (None, false) => (Expiry::Clear, None),
        };
        let text = match *kind {
            Kind::Integer(number) => number.to_string().into_bytes(),
            Kind::Short(len) => payload(usize::from(len)),
            Kind::Long(len) | Kind::Shared(len) => payload(usize::from(len)),
        };
        let (value, encoding) = match kind {
            Kind::Integer(number) => (NewValue::Integer(*number), Encoding::Int),
            Kind::Short(_) | Kind::Long(_) => (NewValue::Bytes(&text), encoding_of(&text)),
            Kind::Shared(_) => (NewValue::Shared(Bytes::copy_from_slice(&text)), encoding_of(&text)),
        };
        let existed = self.keyspace.db_mut(db).set(&hashed, value, expiry);
        assert_eq!(existed, known.is_some());
        assert!(encoding == Encoding::Int || parse_canonical_integer(&text).is_none());
        self.model[db].insert(bytes, (text, encoding, expires_at));
    }

    fn write_range(&mut self, db: usize, key: u32, offset: usize, written: &[u8], append: bool) {
        let bytes = key_bytes(key);
        let hashed = self.keyspace.key(&bytes);
        let mut database = self.keyspace.db_mut(db);
        let len = if append {
            database.append(&hashed, written)
        } else {
            database.write_range(&hashed, offset, written)
        };
        let known = self.model[db].get_mut(&bytes);
        assert_eq!(len.is_some(), known.is_some());
        if let Some(known) = known {
            known.0.resize(known.0.len().max(offset + written.len()), 0);
            known.0[offset..offset + written.len()].copy_from_slice(written);
            known.1 = Encoding::Raw;
            assert_eq!(len, Some(known.0.len()));
        }
    }

    /// The keyspace holds what the model holds, and its own counters say so.
    pub(crate) fn check(&self) {
        assert!(contents(&self.keyspace) == self.model, "the keyspace differs from its model");
        for (db, model) in self.model.iter().enumerate() {
            let database = self.keyspace.db(db);
            assert_eq!(database.len(), model.len() as u64);
            let expiring = model.values().filter(|(_, _, expiry)| expiry.is_some()).count();
            assert_eq!(database.expires_len(), expiring as u64);
            let mut sampled = BTreeMap::new();
            let mut cursor = 0;
            for _ in 0..=expiring {
                database.sample_expiring(&mut cursor, 1000, |entry| {
                    let (key, known) = known(entry);
                    assert!(known.2.is_some(), "a key without expiry was sampled");
                    sampled.insert(key, known);
                });
            }
            assert_eq!(sampled.len(), expiring, "the sampling missed keys");
            for (key, expected) in model {
                let entry = database.get(&self.keyspace.key(key)).expect("the model has the key");
                assert_eq!(&known(entry).1, expected);
            }
        }
    }

    /// Ends everything; nothing may be left allocated.
    pub(crate) fn tear_down(mut self) {
        for reading in self.readings.drain(..) {
            reading.finish();
        }
        self.check();
        self.keyspace.reap_snapshots();
        self.keyspace.flush_all();
        self.keyspace.wait_for_reclaim();
        let memory = self.keyspace.memory();
        assert_eq!((memory.live_bytes, memory.retired_bytes, memory.live_snapshots), (0, 0, 0));
    }
}
