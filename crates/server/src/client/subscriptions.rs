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
}

impl Subscriptions {
    /// Adds a name; false when it is there already.
    pub(crate) fn add(&mut self, topic: Topic, name: Bytes) -> bool {
        self.names_mut(topic).insert(name)
    }

    /// Removes a name; false when it is not there.
    pub(crate) fn remove(&mut self, topic: Topic, name: &[u8]) -> bool {
        self.names_mut(topic).remove(name)
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
        /// A name's share of the tree around it.
        const NODE_BYTES: usize = size_of::<Bytes>() * 2;
        let sets = [&self.channels, &self.patterns, &self.shards];
        sets.into_iter().flatten().map(|name| name.len() + NODE_BYTES).sum()
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
