//! What the data was after every unit that was executed.

use std::fmt;
use std::ops::RangeInclusive;
use std::rc::Rc;

use lastsave_fsync_scheduler::Policy;
use lastsave_keyspace::Keyspace;

use super::content::{Content, Precision, mix};

/// Databases of a simulated server.
pub(super) const DATABASES: usize = 3;

/// All keys that a workload uses.
pub(super) const KEYS: [&[u8]; 24] = [
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
    b"list:1",
    b"list:2",
    b"hash:1",
    b"hash:2",
    b"set:1",
    b"set:2",
    b"zset:1",
    b"zset:2",
    b"stream:1",
    b"stream:2",
    b"hll",
    b"bits",
];

/// The key that only somebody else writes, while no server of ours runs.
pub(super) const FOREIGN_KEY: &[u8] = b"foreign";

/// Stands for every key that no workload uses.
const STRANGE: usize = KEYS.len();
/// Places of one database.
const PLACES: usize = KEYS.len() + 1;

/// What a command may have changed or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// These keys, by their index in [`KEYS`], in any database.
    Keys(Vec<u8>),
    /// Anything.
    Everything,
}

/// Everything in all databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// By database and key.
    places: Vec<Option<Rc<Content>>>,
}

impl State {
    fn empty() -> Self {
        Self { places: vec![None; DATABASES * PLACES] }
    }

    /// Reads all of a keyspace.
    pub(super) fn of(keyspace: &Keyspace, precision: Precision) -> Self {
        let mut state = Self::empty();
        for database in 0..DATABASES {
            for entry in keyspace.db(database).iter() {
                let key = KEYS.iter().position(|name| *name == entry.key()).unwrap_or(STRANGE);
                state.places[database * PLACES + key] = Some(Rc::new(Content::of(&entry, precision)));
            }
        }
        state
    }

    /// Reads what may have changed; gives the places where something has.
    fn refresh(&mut self, keyspace: &Keyspace, touched: &Touched, precision: Precision) -> Vec<usize> {
        let mut changed = Vec::new();
        let Touched::Keys(keys) = touched else {
            let now = Self::of(keyspace, precision);
            changed.extend((0..now.places.len()).filter(|&place| self.places[place] != now.places[place]));
            *self = now;
            return changed;
        };
        for (database, key) in
            (0..DATABASES).flat_map(|database| keys.iter().map(move |key| (database, usize::from(*key))))
        {
            let name = keyspace.key(KEYS[key]);
            let place = database * PLACES + key;
            let now = keyspace.db(database).get(&name).map(|entry| Content::of(&entry, precision));
            if self.places[place].as_deref() != now.as_ref() {
                changed.push(place);
                self.places[place] = now.map(Rc::new);
            }
        }
        changed
    }

    /// Stands for all that is there at a moment.
    fn fingerprint_at(&self, now_ms: i64) -> u64 {
        let contents = self.places.iter().enumerate();
        contents.fold(0, |sum, (place, content)| {
            let print = content.as_ref().map_or(0, |content| content.fingerprint_at(now_ms));
            if print == 0 { sum } else { sum ^ mix(print ^ mix(place as u64 + 1)) }
        })
    }

    /// The first moment at which something goes.
    fn changes_at_ms(&self) -> i64 {
        let contents = self.places.iter().flatten();
        contents.map(|content| content.changes_at_ms()).min().unwrap_or(i64::MAX)
    }

    /// Where two states differ at a moment, for people.
    pub(super) fn difference(&self, other: &Self, now_ms: i64) -> String {
        let mut text = String::new();
        let print = |content: &Option<Rc<Content>>| {
            content.as_ref().map_or(0, |content| content.fingerprint_at(now_ms))
        };
        for (place, (here, there)) in self.places.iter().zip(&other.places).enumerate() {
            if print(here) != print(there) {
                text.push_str(&format!("    {}: {} <> {}\n", Place(place), show(here), show(there)));
            }
        }
        text
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

fn show(content: &Option<Rc<Content>>) -> String {
    content.as_ref().map_or("nothing".to_owned(), |content| content.describe())
}

struct Place(usize);

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KEYS.get(self.0 % PLACES).copied().unwrap_or(b"a key that nobody wrote");
        write!(out, "{}:'{}'", self.0 / PLACES, name[..name.len().min(20)].escape_ascii())
    }
}

/// One executed unit and what it led to.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) state: Rc<State>,
    fingerprint: u64,
    changes_at_ms: i64,
    /// End of the unit in the effect stream of its life.
    pub(super) end: u64,
    /// The policy under which it was logged, if it was.
    pub(super) policy: Option<Policy>,
    pub(super) what: String,
}

impl Unit {
    fn new(state: State, end: u64, policy: Option<Policy>, what: String) -> Self {
        let fingerprint = state.fingerprint_at(i64::MIN);
        let changes_at_ms = state.changes_at_ms();
        Self { state: Rc::new(state), fingerprint, changes_at_ms, end, policy, what }
    }

    fn fingerprint_at(&self, now_ms: i64) -> u64 {
        if now_ms < self.changes_at_ms { self.fingerprint } else { self.state.fingerprint_at(now_ms) }
    }
}

/// All units of all lives, in the order of execution. A life begins with a unit that is the state it found.
#[derive(Debug)]
pub(super) struct History {
    pub(super) precision: Precision,
    units: Vec<Unit>,
    now: State,
    /// The unit of this life that changed a place last.
    changed_by: Vec<Option<usize>>,
    life_began_with: usize,
}

impl History {
    /// Nothing has happened yet.
    pub(super) fn new(precision: Precision) -> Self {
        let first = Unit::new(State::empty(), 0, None, "an empty server".to_owned());
        let changed_by = vec![None; DATABASES * PLACES];
        Self { precision, units: vec![first], now: State::empty(), changed_by, life_began_with: 0 }
    }

    /// The last unit.
    pub(super) fn last(&self) -> usize {
        self.units.len() - 1
    }

    pub(super) fn unit(&self, index: usize) -> &Unit {
        &self.units[index]
    }

    /// Reads all of a keyspace.
    pub(super) fn read(&self, keyspace: &Keyspace) -> State {
        State::of(keyspace, self.precision)
    }

    /// A life begins with this state.
    pub(super) fn begin_life(&mut self, state: State) -> usize {
        self.changed_by.fill(None);
        self.now = state.clone();
        self.units.push(Unit::new(state, 0, None, "what was found at start".to_owned()));
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
        let changed = self.now.refresh(keyspace, touched, self.precision);
        self.units.push(Unit::new(self.now.clone(), end, policy, what));
        let index = self.last();
        for place in changed {
            self.changed_by[place] = Some(index);
        }
        index
    }

    /// The newest unit that somebody knows of who has certainly looked at this in a database: its first key, or how many
    /// keys it has.
    pub(super) fn revealed_by(&self, database: usize, touched: &Touched) -> usize {
        let places = &self.changed_by[database * PLACES..(database + 1) * PLACES];
        let known = match touched {
            Touched::Everything => places.iter().copied().max().flatten(),
            Touched::Keys(keys) => keys.first().and_then(|&key| places[usize::from(key)]),
        };
        known.unwrap_or(self.life_began_with)
    }

    /// Where what is known of the present state is not what a keyspace holds.
    pub(super) fn disagreement(&self, keyspace: &Keyspace) -> Option<String> {
        let held = self.read(keyspace);
        (held != self.now).then(|| held.difference(&self.now, i64::MIN))
    }

    /// The newest unit of this life that ended at `position` or before.
    pub(super) fn unit_at(&self, position: u64) -> usize {
        let count = self.units[self.life_began_with..].partition_point(|unit| unit.end <= position);
        self.life_began_with + count.saturating_sub(1)
    }

    /// The newest unit in `range` that led to this state, but for what time has taken since.
    pub(super) fn find(&self, state: &State, range: RangeInclusive<usize>, now_ms: i64) -> Option<usize> {
        let wanted = state.fingerprint_at(now_ms);
        let last = (*range.end()).min(self.last());
        (*range.start()..=last).rev().find(|&index| self.units[index].fingerprint_at(now_ms) == wanted)
    }
}

#[cfg(test)]
mod tests {
    use lastsave_keyspace::{Expiry, KeyspaceOptions, NewValue};

    use super::*;

    const ALL: Precision = Precision { counters_of_streams: true, is_wordy: false };

    fn keyspace() -> Keyspace {
        Keyspace::new(&KeyspaceOptions { databases: DATABASES, hash_seed: Some([1; 4]) })
    }

    fn set(keyspace: &mut Keyspace, database: usize, key: usize, value: &[u8], expiry: Expiry) {
        let key = KEYS[key];
        let hashed = keyspace.key(key);
        keyspace.db_mut(database).set(&hashed, NewValue::encode(value), expiry);
    }

    #[test]
    fn units_are_found_by_their_state_and_reads_know_who_wrote() {
        let mut keyspace = keyspace();
        let mut history = History::new(ALL);
        let start = history.begin_life(State::of(&keyspace, ALL));
        set(&mut keyspace, 0, 1, b"one", Expiry::Clear);
        let one = history.note_unit(&keyspace, &Touched::Keys(vec![1]), 10, None, String::new());
        set(&mut keyspace, 2, 3, b"7", Expiry::Clear);
        let two = history.note_unit(&keyspace, &Touched::Everything, 20, None, String::new());
        assert_eq!(history.find(&history.read(&keyspace), 0..=two, 0), Some(two));
        assert_eq!(history.find(&history.read(&keyspace), 0..=one, 0), None);
        assert_eq!(history.revealed_by(0, &Touched::Keys(vec![1])), one);
        assert_eq!(history.revealed_by(1, &Touched::Keys(vec![1])), start);
        assert_eq!(history.revealed_by(2, &Touched::Everything), two);
        assert_eq!((history.unit_at(0), history.unit_at(19), history.unit_at(20)), (start, one, two));
        assert_eq!(history.disagreement(&keyspace), None);
    }

    #[test]
    fn what_time_takes_may_be_there_or_not() {
        let (mut with, mut without) = (keyspace(), keyspace());
        set(&mut with, 0, 1, b"lasts", Expiry::Clear);
        set(&mut without, 0, 1, b"lasts", Expiry::Clear);
        set(&mut with, 0, 2, b"goes", Expiry::At(1000));
        let mut history = History::new(ALL);
        let unit = history.begin_life(State::of(&with, ALL));
        let found = history.read(&without);
        assert_eq!(history.find(&found, 1..=unit, 999), None);
        assert_eq!(history.find(&found, 1..=unit, 1000), Some(unit));
    }
}
