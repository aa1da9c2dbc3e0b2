//! What commands announce while they run: keyspace events, and keys that were changed.
//!
//! A command calls `context.notify` at the place where Redis notifies. When nobody wants the
//! event's class that is one branch; otherwise it is recorded here, in the order of execution, and the server publishes
//! the records once the command's effects have their place in the log.

/// The kinds of keyspace events that `notify-keyspace-events` tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventClass {
    /// `g`: commands of no type, such as DEL, EXPIRE and RENAME.
    Generic,
    /// `$`: strings.
    String,
    /// `l`: lists.
    List,
    /// `s`: sets.
    Set,
    /// `h`: hashes.
    Hash,
    /// `z`: sorted sets.
    SortedSet,
    /// `t`: streams.
    Stream,
    /// `x`: a key's time has come.
    Expired,
    /// `e`: a key was given up because of `maxmemory`.
    Evicted,
    /// `m`: a key was asked for and is not there.
    KeyMiss,
    /// `n`: a key was created.
    New,
    /// `d`: events of modules.
    Module,
}

impl EventClass {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// One thing a command announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal<'a> {
    /// A keyspace event.
    Event {
        /// The key's database.
        db: usize,
        /// The event's class.
        class: EventClass,
        /// Its name, such as `set` or `rename_from`.
        event: &'static str,
        /// The key.
        key: &'a [u8],
    },
    /// A key was written or removed.
    Modified {
        /// The key's database.
        db: usize,
        /// The key.
        key: &'a [u8],
    },
    /// A key was removed by the server itself: its time had come, or its memory was needed.
    Vanished {
        /// The key's database.
        db: usize,
        /// The key.
        key: &'a [u8],
    },
    /// Keys vanished in numbers: FLUSHDB, FLUSHALL.
    Flushed,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Event(EventClass, &'static str),
    Modified,
    Vanished,
    Flushed,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    kind: Kind,
    db: usize,
    key_end: usize,
}

/// The announcements of one unit, in order, and which of them anybody wants.
///
/// The owner says what is wanted, reads the records after each command and clears them.
#[derive(Debug, Default)]
pub struct Signals {
    /// Bits of the wanted classes.
    wanted: u16,
    tracks_keys: bool,
    records: Vec<Record>,
    /// The keys of the records, one behind the other.
    keys: Vec<u8>,
}

impl Signals {
    /// No announcements, and nobody who wants any.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the classes of events to be recorded.
    pub fn want_events(&mut self, classes: impl IntoIterator<Item = EventClass>) {
        self.wanted = classes.into_iter().fold(0, |wanted, class| wanted | class.bit());
    }

    /// Sets whether every change of a key is to be recorded.
    pub fn want_modified_keys(&mut self, wanted: bool) {
        self.tracks_keys = wanted;
    }

    /// Whether events of this class are recorded.
    #[inline]
    #[must_use]
    pub fn wants(&self, class: EventClass) -> bool {
        self.wanted & class.bit() != 0
    }

    /// Whether any events are recorded.
    #[inline]
    #[must_use]
    pub fn wants_events(&self) -> bool {
        self.wanted != 0
    }

    /// Whether changes of keys are recorded.
    #[inline]
    #[must_use]
    pub fn wants_modified_keys(&self) -> bool {
        self.tracks_keys
    }

    /// Records an event, if its class is wanted.
    #[inline]
    pub fn event(&mut self, db: usize, class: EventClass, event: &'static str, key: &[u8]) {
        if self.wants(class) {
            self.record(Kind::Event(class, event), db, key);
        }
    }

    /// Records that a key was written or removed, if that is wanted.
    #[inline]
    pub fn modified(&mut self, db: usize, key: &[u8]) {
        if self.tracks_keys {
            self.record(Kind::Modified, db, key);
        }
    }

    /// Records that the server itself removed a key, if changes of keys are wanted.
    #[inline]
    pub fn vanished(&mut self, db: usize, key: &[u8]) {
        if self.tracks_keys {
            self.record(Kind::Vanished, db, key);
        }
    }

    /// Records that a database was emptied, if changes of keys are wanted.
    pub fn flushed(&mut self) {
        if self.tracks_keys {
            self.record(Kind::Flushed, 0, b"");
        }
    }

    #[cold]
    fn record(&mut self, kind: Kind, db: usize, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.records.push(Record { kind, db, key_end: self.keys.len() });
    }

    /// Whether nothing was announced.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The announcements in order.
    pub fn iter(&self) -> impl Iterator<Item = Signal<'_>> {
        let mut start = 0;
        self.records.iter().map(move |record| {
            let key = &self.keys[start..record.key_end];
            start = record.key_end;
            match record.kind {
                Kind::Event(class, event) => Signal::Event { db: record.db, class, event, key },
                Kind::Modified => Signal::Modified { db: record.db, key },
                Kind::Vanished => Signal::Vanished { db: record.db, key },
                Kind::Flushed => Signal::Flushed,
            }
        })
    }

    /// Forgets the announcements, keeping the memory unless it is unusually much.
    pub fn clear(&mut self) {
        const KEPT_BYTES_MAX: usize = 64 * 1024;
        self.records.clear();
        self.keys.clear();
        self.keys.shrink_to(KEPT_BYTES_MAX);
        self.records.shrink_to(KEPT_BYTES_MAX / size_of::<Record>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_recorded_in_order() {
        let mut signals = Signals::new();
        signals.event(0, EventClass::String, "set", b"unheard");
        signals.modified(0, b"unheard");
        signals.flushed();
        assert!(signals.is_empty());
        signals.want_events([EventClass::String, EventClass::Expired]);
        signals.want_modified_keys(true);
        signals.modified(1, b"a");
        signals.event(1, EventClass::String, "set", b"a");
        signals.event(1, EventClass::New, "new", b"a");
        signals.event(2, EventClass::Expired, "expired", b"bc");
        signals.vanished(2, b"bc");
        signals.flushed();
        let expected = [
            Signal::Modified { db: 1, key: b"a" },
            Signal::Event { db: 1, class: EventClass::String, event: "set", key: b"a" },
            Signal::Event { db: 2, class: EventClass::Expired, event: "expired", key: b"bc" },
            Signal::Vanished { db: 2, key: b"bc" },
            Signal::Flushed,
        ];
        assert_eq!(signals.iter().collect::<Vec<_>>(), expected);
        signals.clear();
        assert!(signals.is_empty() && signals.wants(EventClass::Expired));
    }
}
