//! What the data was after every unit that was executed.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use lastsave_fsync_scheduler::Policy;
use lastsave_keyspace::{Entry, IntegerBuffer, Keyspace, Value};

/// Databases of a simulated server.
pub(super) const DATABASES: usize = 3;

/// All keys that a workload uses.
pub(super) const KEYS: [&[u8]; 12] = [
    b"a",
    b"key:1",
    b"key:2",
    b"key:3",
    b"counter",
    b"#hash",
    b"with\r\nline end",
    b"*3\r\n",
    b"",
    b"\x00\xff binary",
    b"a key that is so long that it does not fit into what is set aside for short ones, and then some more of it",
    b"key:11",
];

/// Stands for every key that no workload uses.
const STRANGE: u8 = u8::MAX;

/// A key of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    database: u8,
    key: u8,
}

/// A value, by its fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    hash: u64,
    bytes: usize,
    expires_at_ms: Option<i64>,
}

/// Everything in all databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    entries: BTreeMap<Place, Content>,
}

/// What a command may have changed or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// These keys, by their index in [`KEYS`], in any database.
    Keys(Vec<u8>),
    /// Anything.
    Everything,
}

impl State {
    /// Reads all of a keyspace.
    pub(super) fn of(keyspace: &Keyspace) -> Self {
        let mut entries = BTreeMap::new();
        for database in 0..DATABASES {
            for entry in keyspace.db(database).iter() {
                let key =
                    KEYS.iter().position(|name| *name == entry.key()).map_or(STRANGE, |index| index as u8);
                entries.insert(Place { database: database as u8, key }, content(&entry));
            }
        }
        Self { entries }
    }

    /// Reads what may have changed; gives the places where something has.
    fn refresh(&mut self, keyspace: &Keyspace, touched: &Touched) -> Vec<Place> {
        let mut changed = Vec::new();
        let Touched::Keys(keys) = touched else {
            let now = Self::of(keyspace);
            let places = self.entries.keys().chain(now.entries.keys());
            changed.extend(places.filter(|place| self.entries.get(place) != now.entries.get(place)));
            *self = now;
            return changed;
        };
        for (database, key) in
            (0..DATABASES).flat_map(|database| keys.iter().map(move |key| (database, *key)))
        {
            let name = keyspace.key(KEYS[usize::from(key)]);
            let place = Place { database: database as u8, key };
            let now = keyspace.db(database).get(&name).map(|entry| content(&entry));
            let before = match now {
                Some(content) => self.entries.insert(place, content),
                None => self.entries.remove(&place),
            };
            if before != now {
                changed.push(place);
            }
        }
        changed
    }

    fn digest(&self) -> u64 {
        self.entries.iter().fold(0, |sum, (place, content)| {
            let mut hash = mix(u64::from(place.database) << 8 | u64::from(place.key));
            hash = mix(hash ^ content.hash);
            hash = mix(hash ^ content.expires_at_ms.map_or(0, |at| at as u64 | 1 << 63));
            sum ^ hash
        })
    }

    /// Where two states differ, for people.
    pub(super) fn difference(&self, other: &Self) -> String {
        let mut text = String::new();
        let mut places: Vec<&Place> = self.entries.keys().chain(other.entries.keys()).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            let (here, there) = (self.entries.get(place), other.entries.get(place));
            if here != there {
                text.push_str(&format!("    {place}: {} <> {}\n", show(here), show(there)));
            }
        }
        text
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn show(content: Option<&Content>) -> String {
    content.map_or("nothing".to_owned(), |content| {
        let expiry = content.expires_at_ms.map_or(String::new(), |at| format!(", expires at {at}"));
        format!("{} bytes ({:016x}{expiry})", content.bytes, content.hash)
    })
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KEYS.get(usize::from(self.key)).copied().unwrap_or(b"a key that nobody wrote");
        write!(out, "{}:'{}'", self.database, name[..name.len().min(20)].escape_ascii())
    }
}

fn content(entry: &Entry<'_>) -> Content {
    let Value::String(value) = entry.value() else { unreachable!("the workload writes strings only") };
    let mut buffer = IntegerBuffer::new();
    let bytes = value.to_text(&mut buffer);
    Content { hash: fingerprint(bytes), bytes: bytes.len(), expires_at_ms: entry.expires_at_ms() }
}

/// A hash that is fast on long values and the same in every run.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = mix(bytes.len() as u64);
    for word in words {
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// One executed unit and what it led to.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) state: Rc<State>,
    digest: u64,
    /// End of the unit in the effect stream of its life.
    pub(super) end: u64,
    /// The policy under which it was logged, if it was.
    pub(super) policy: Option<Policy>,
    pub(super) what: String,
}

/// All units of all lives, in the order of execution. A life begins with a unit that is the state it found.
#[derive(Debug)]
pub(super) struct History {
    units: Vec<Unit>,
    now: State,
    changed_by: BTreeMap<Place, usize>,
    life_began_with: usize,
}

impl History {
    /// Nothing has happened yet.
    pub(super) fn new() -> Self {
        let empty = State::default();
        let digest = empty.digest();
        let what = "an empty server".to_owned();
        let first = Unit { state: Rc::new(empty.clone()), digest, end: 0, policy: None, what };
        Self { units: vec![first], now: empty, changed_by: BTreeMap::new(), life_began_with: 0 }
    }

    /// The last unit.
    pub(super) fn last(&self) -> usize {
        self.units.len() - 1
    }

    pub(super) fn unit(&self, index: usize) -> &Unit {
        &self.units[index]
    }

    /// A life begins with this state.
    pub(super) fn begin_life(&mut self, state: State) -> usize {
        let digest = state.digest();
        self.changed_by.clear();
        self.now = state.clone();
        let what = "what was found at start".to_owned();
        self.units.push(Unit { state: Rc::new(state), digest, end: 0, policy: None, what });
        self.life_began_with = self.last();
        self.last()
    }

    /// Takes note of a unit that has been executed.
    pub(super) fn note_unit(
        &mut self,
        keyspace: &Keyspace,
        touched: &Touched,
        end: u64,
        policy: Option<Policy>,
        what: String,
    ) -> usize {
        let changed = self.now.refresh(keyspace, touched);
        let state = Rc::new(self.now.clone());
        self.units.push(Unit { digest: state.digest(), state, end, policy, what });
        let index = self.last();
        for place in changed {
            self.changed_by.insert(place, index);
        }
        index
    }

    /// The newest unit that somebody knows of who has certainly looked at this in a database: its first key, or how many
    /// keys it has.
    pub(super) fn revealed_by(&self, database: usize, touched: &Touched) -> usize {
        let known = match touched {
            Touched::Everything => {
                let seen =
                    self.changed_by.iter().filter(|(place, _)| usize::from(place.database) == database);
                seen.map(|(_, index)| index).max()
            }
            Touched::Keys(keys) => {
                keys.first().and_then(|&key| self.changed_by.get(&Place { database: database as u8, key }))
            }
        };
        known.copied().unwrap_or(self.life_began_with)
    }

    /// Whether what is known of the present state is what a keyspace holds.
    pub(super) fn agrees_with(&self, keyspace: &Keyspace) -> bool {
        State::of(keyspace) == self.now
    }

    /// The newest unit of this life that ended at `position` or before.
    pub(super) fn unit_at(&self, position: u64) -> usize {
        let count = self.units[self.life_began_with..].partition_point(|unit| unit.end <= position);
        self.life_began_with + count.saturating_sub(1)
    }

    /// The newest unit in `range` that led to this state.
    pub(super) fn find(&self, state: &State, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
        let digest = state.digest();
        let last = (*range.end()).min(self.last());
        (*range.start()..=last)
            .rev()
            .find(|&index| self.units[index].digest == digest && *self.units[index].state == *state)
    }
}

#[cfg(test)]
mod tests {
    use lastsave_keyspace::{Expiry, KeyspaceOptions, NewValue};

    use super::*;

    fn set(keyspace: &mut Keyspace, database: usize, key: usize, value: &[u8]) {
        let key = KEYS[key];
        let hashed = keyspace.key(key);
        keyspace.db_mut(database).set(&hashed, NewValue::encode(value), Expiry::Clear);
    }

    #[test]
    fn units_are_found_by_their_state_and_reads_know_who_wrote() {
        let mut keyspace = Keyspace::new(&KeyspaceOptions { databases: DATABASES, hash_seed: Some([1; 4]) });
        let mut history = History::new();
        let start = history.begin_life(State::of(&keyspace));
        set(&mut keyspace, 0, 1, b"one");
        let one = history.note_unit(&keyspace, &Touched::Keys(vec![1]), 10, None, String::new());
        set(&mut keyspace, 2, 3, b"7");
        let two = history.note_unit(&keyspace, &Touched::Everything, 20, None, String::new());
        assert_eq!(history.find(&State::of(&keyspace), 0..=two), Some(two));
        assert_eq!(history.find(&State::of(&keyspace), 0..=one), None);
        assert_eq!(history.revealed_by(0, &Touched::Keys(vec![1])), one);
        assert_eq!(history.revealed_by(1, &Touched::Keys(vec![1])), start);
        assert_eq!(history.revealed_by(2, &Touched::Everything), two);
        assert_eq!((history.unit_at(0), history.unit_at(19), history.unit_at(20)), (start, one, two));
        assert!(history.agrees_with(&keyspace));
    }
}
