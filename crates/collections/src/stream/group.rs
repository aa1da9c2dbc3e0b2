//! Consumer groups: who was given which entry, and has not acknowledged it yet.

use std::borrow::Borrow;
use std::sync::Arc;

use super::id::StreamId;
use crate::ordered::{OrderedMap, Part};

/// The name of a group or consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(Arc<[u8]>);

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Part for Name {
    fn heap_bytes(&self) -> usize {
        // The counters of the reference count lie before the bytes.
        16 + self.0.len()
    }
}

/// Tells the consumers of a group apart, as long as they exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsumerNumber(u64);

impl Part for ConsumerNumber {}

/// What a group knows about an entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Who has it.
    pub consumer: ConsumerNumber,
    /// When it was delivered last, unix time in milliseconds.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
}

impl Part for Pending {}

/// A consumer of a group.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: Name,
    seen_ms: i64,
    active_ms: Option<i64>,
    /// The ids of the entries it has.
    pending: OrderedMap<StreamId, ()>,
}

impl Part for Consumer {
    fn heap_bytes(&self) -> usize {
        // The name is shared with the index of names, which counts it.
        self.pending.heap_bytes()
    }

    fn take_copied_bytes(&mut self) -> usize {
        self.pending.take_copied_bytes()
    }
}

impl Consumer {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name.0
    }

    /// When it asked for entries last, unix time in milliseconds.
    #[must_use]
    pub fn seen_ms(&self) -> i64 {
        self.seen_ms
    }

    /// When it got entries last, unix time in milliseconds; nothing if it never did.
    #[must_use]
    pub fn active_ms(&self) -> Option<i64> {
        self.active_ms
    }

    /// Number of entries that it has not acknowledged.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The ids, from `start` on, of entries that it has not acknowledged.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = StreamId> {
        self.pending.iter_from(&start).map(|(id, ())| *id)
    }
}

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    last_id: StreamId,
    entries_read: Option<u64>,
    pending: OrderedMap<StreamId, Pending>,
    consumers: OrderedMap<ConsumerNumber, Consumer>,
    /// The consumers by name.
    numbers: OrderedMap<Name, ConsumerNumber>,
    /// The number of the next consumer.
    next_number: u64,
}

impl Part for Group {
    fn heap_bytes(&self) -> usize {
        self.pending.heap_bytes() + self.consumers.heap_bytes() + self.numbers.heap_bytes()
    }

    fn take_copied_bytes(&mut self) -> usize {
        self.pending.take_copied_bytes()
            + self.consumers.take_copied_bytes()
            + self.numbers.take_copied_bytes()
    }
}

impl Group {
    pub(super) fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: OrderedMap::default(),
            consumers: OrderedMap::default(),
            numbers: OrderedMap::default(),
            next_number: 0,
        }
    }

    /// The id of the entry that was delivered last.
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries of all that were ever added come up to the last id; nothing when that is not known.
    #[must_use]
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Sets up to where entries were delivered.
    pub fn set_last_id(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        self.last_id = last_id;
        self.entries_read = entries_read;
    }

    /// Number of entries that were not acknowledged.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is known about an entry that was not acknowledged.
    #[must_use]
    pub fn pending(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// The entries that were not acknowledged, from `start` on.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = (StreamId, &Pending)> {
        self.pending.iter_from(&start).map(|(id, pending)| (*id, pending))
    }

    /// The greatest id of an entry that was not acknowledged.
    #[must_use]
    pub fn last_pending_id(&self) -> Option<StreamId> {
        self.pending.last().map(|(id, _)| *id)
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumers_len(&self) -> usize {
        self.numbers.len()
    }

    /// The consumers, ordered by name.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerNumber, &Consumer)> {
        self.numbers.iter().map(|(_, number)| (*number, self.consumer(*number)))
    }

    /// The number of the consumer with this name.
    #[must_use]
    pub fn number_of(&self, name: &[u8]) -> Option<ConsumerNumber> {
        self.numbers.get(name).copied()
    }

    /// The consumer with this number.
    ///
    /// # Panics
    /// When the number is not that of a consumer of this group.
    #[must_use]
    pub fn consumer(&self, number: ConsumerNumber) -> &Consumer {
        self.consumers.get(&number).expect("a number in use has its consumer")
    }

    /// Adds a consumer, unless there is one with this name. Gives its number, and whether it was added.
    pub fn create_consumer(
        &mut self,
        name: &[u8],
        seen_ms: i64,
        active_ms: Option<i64>,
    ) -> (ConsumerNumber, bool) {
        if let Some(number) = self.number_of(name) {
            return (number, false);
        }
        let (name, number) = (Name::from(name), ConsumerNumber(self.next_number));
        self.next_number += 1;
        self.numbers.insert(name.clone(), number);
        let consumer = Consumer { name, seen_ms, active_ms, pending: OrderedMap::default() };
        self.consumers.insert(number, consumer);
        (number, true)
    }

    /// Removes a consumer and what it has not acknowledged. Gives the number of these entries, or nothing when there is
    /// no such consumer.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let number = self.numbers.remove(name)?;
        let consumer = self.consumers.remove(&number)?;
        for (id, ()) in consumer.pending.iter() {
            self.pending.remove(id);
        }
        Some(consumer.pending.len())
    }

    /// Notes that a consumer asked for entries, and, if `is_active` is set, that it got some.
    pub fn note_seen(&mut self, number: ConsumerNumber, now_ms: i64, is_active: bool) {
        self.consumers.edit(&number, |consumer| {
            consumer.seen_ms = now_ms;
            if is_active {
                consumer.active_ms = Some(now_ms);
            }
        });
    }

    /// Sets what is known about a delivered entry; it is taken from the consumer that had it.
    pub fn set_pending(&mut self, id: StreamId, pending: Pending) {
        let before = self.pending.insert(id, pending);
        match before {
            Some(before) if before.consumer == pending.consumer => return,
            Some(before) => {
                self.consumers.edit(&before.consumer, |consumer| consumer.pending.remove(&id));
            }
            None => {}
        }
        self.consumers.edit(&pending.consumer, |consumer| consumer.pending.insert(id, ()));
    }

    /// Forgets a delivered entry. Gives whether it was not acknowledged.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        self.consumers.edit(&pending.consumer, |consumer| consumer.pending.remove(&id));
        true
    }
}
