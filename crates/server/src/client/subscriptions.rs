//! What a client has subscribed to.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::pubsub::Topic;

/// The names a client listens to, by kind.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    channels: BTreeSet<Bytes>,
    patterns: BTreeSet<Bytes>,
    shards: BTreeSet<Bytes>,
    /// Bytes of all names.
    name_bytes: usize,
}

/// A name's share of the tree around it.
const NODE_BYTES: usize = size_of::<Bytes>() * 2;

impl Subscriptions {
    /// Adds a name; false when it is there already.
    pub(crate) fn add(&mut self, topic: Topic, name: Bytes) -> bool {
        let bytes = name.len() + NODE_BYTES;
        let is_new = self.names_mut(topic).insert(name);
        self.name_bytes += if is_new { bytes } else { 0 };
        is_new
    }

    /// Removes a name; false when it is not there.
    pub(crate) fn remove(&mut self, topic: Topic, name: &[u8]) -> bool {
        let was_there = self.names_mut(topic).remove(name);
        self.name_bytes -= if was_there { name.len() + NODE_BYTES } else { 0 };
        was_there
    }

    /// The names of one kind, in order.
    pub(crate) fn names(&self, topic: Topic) -> Vec<Bytes> {
        self.set(topic).iter().cloned().collect()
    }

    /// How many names of one kind there are.
    pub(crate) fn len(&self, topic: Topic) -> usize {
        self.set(topic).len()
    }

    /// The number that replies about this kind show: channels and patterns are counted together.
    pub(crate) fn shown_count(&self, topic: Topic) -> usize {
        match topic {
            Topic::Channel | Topic::Pattern => self.channels.len() + self.patterns.len(),
            Topic::Shard => self.shards.len(),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shards.is_empty()
    }

    /// Approximate bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.name_bytes
    }

    fn set(&self, topic: Topic) -> &BTreeSet<Bytes> {
        match topic {
            Topic::Channel => &self.channels,
            Topic::Pattern => &self.patterns,
            Topic::Shard => &self.shards,
        }
    }

    fn names_mut(&mut self, topic: Topic) -> &mut BTreeSet<Bytes> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::Shard => &mut self.shards,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_once_and_memory_is_given_back() {
        let mut subscriptions = Subscriptions::default();
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            assert!(
                subscriptions.add(topic, Bytes::from("a")) && !subscriptions.add(topic, Bytes::from("a"))
            );
        }
        assert_eq!(subscriptions.shown_count(Topic::Pattern), 2);
        assert_eq!(subscriptions.shown_count(Topic::Shard), 1);
        assert!(subscriptions.memory_bytes() > 0);
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            assert!(subscriptions.remove(topic, b"a") && !subscriptions.remove(topic, b"a"));
        }
        assert!(subscriptions.is_empty() && subscriptions.memory_bytes() == 0);
    }
}
