//! Who listens to which channel or pattern.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use lastsave_commands::glob_matches;

use crate::net::token::ClientKey;

/// The three kinds of things one can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// A channel.
    Channel,
    /// All channels that match a pattern.
    Pattern,
    /// A channel of a cluster's shard; without a cluster, a channel in a space of its own.
    Shard,
}

/// Listeners by client id, so that each is found and removed quickly.
pub(crate) type Listeners = BTreeMap<u64, ClientKey>;

/// Every channel and pattern that somebody listens to.
#[derive(Debug, Default)]
pub(crate) struct PubSub {
    channels: HashMap<Bytes, Listeners>,
    patterns: BTreeMap<Bytes, Listeners>,
    shards: HashMap<Bytes, Listeners>,
}

/// Those who get one message: listeners of the channel itself, or of a pattern that matches it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Audience {
    /// The pattern; none for the channel itself.
    pub(crate) pattern: Option<Bytes>,
    /// Who listens.
    pub(crate) listeners: Vec<ClientKey>,
}

impl PubSub {
    /// Adds a listener.
    pub(crate) fn subscribe(&mut self, topic: Topic, name: &Bytes, id: u64, key: ClientKey) {
        let listeners = match topic {
            Topic::Channel => self.channels.entry(name.clone()).or_default(),
            Topic::Pattern => self.patterns.entry(name.clone()).or_default(),
            Topic::Shard => self.shards.entry(name.clone()).or_default(),
        };
        listeners.insert(id, key);
    }

    /// Removes a listener.
    pub(crate) fn unsubscribe(&mut self, topic: Topic, name: &[u8], id: u64) {
        let listeners = match topic {
            Topic::Channel => self.channels.get_mut(name),
            Topic::Pattern => self.patterns.get_mut(name),
            Topic::Shard => self.shards.get_mut(name),
        };
        let Some(listeners) = listeners else { return };
        listeners.remove(&id);
        if listeners.is_empty() {
            match topic {
                Topic::Channel => drop(self.channels.remove(name)),
                Topic::Pattern => drop(self.patterns.remove(name)),
                Topic::Shard => drop(self.shards.remove(name)),
            }
        }
    }

    /// Whether nobody listens to anything outside of shards.
    #[inline]
    pub(crate) fn is_silent(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty()
    }

    /// Who gets a message published in a channel, each audience once.
    pub(crate) fn audiences(&self, channel: &[u8]) -> Vec<Audience> {
        let all = |listeners: &Listeners| listeners.values().copied().collect();
        let direct = self.channels.get(channel);
        let direct = direct.map(|listeners| Audience { pattern: None, listeners: all(listeners) });
        let matching = self.patterns.iter().filter(|(pattern, _)| glob_matches(pattern, channel, false));
        let matching = matching.map(|(pattern, listeners)| Audience {
            pattern: Some(pattern.clone()),
            listeners: all(listeners),
        });
        direct.into_iter().chain(matching).collect()
    }

    /// Who gets a message published in a shard channel.
    pub(crate) fn shard_audience(&self, channel: &[u8]) -> Vec<ClientKey> {
        self.shards.get(channel).map(|listeners| listeners.values().copied().collect()).unwrap_or_default()
    }

    /// Channels or shard channels with listeners, those that match the pattern when there is one.
    pub(crate) fn names<'a>(
        &'a self,
        topic: Topic,
        pattern: Option<&'a [u8]>,
    ) -> impl Iterator<Item = &'a Bytes> {
        self.map(topic)
            .keys()
            .filter(move |name| pattern.is_none_or(|pattern| glob_matches(pattern, name, false)))
    }

    /// How many clients listen to a channel or shard channel.
    pub(crate) fn listener_count(&self, topic: Topic, name: &[u8]) -> usize {
        self.map(topic).get(name).map_or(0, BTreeMap::len)
    }

    /// Channels or shard channels with listeners.
    pub(crate) fn channel_count(&self, topic: Topic) -> usize {
        self.map(topic).len()
    }

    /// Patterns with listeners.
    pub(crate) fn pattern_count(&self) -> usize {
        self.patterns.len()
    }

    fn map(&self, topic: Topic) -> &HashMap<Bytes, Listeners> {
        match topic {
            Topic::Shard => &self.shards,
            Topic::Channel | Topic::Pattern => &self.channels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(slot: u32) -> ClientKey {
        ClientKey { slot, generation: 0 }
    }

    #[test]
    fn a_message_reaches_the_channel_and_every_matching_pattern() {
        let mut pubsub = PubSub::default();
        pubsub.subscribe(Topic::Channel, &Bytes::from("news"), 1, key(1));
        pubsub.subscribe(Topic::Channel, &Bytes::from("news"), 2, key(2));
        pubsub.subscribe(Topic::Pattern, &Bytes::from("n*"), 1, key(1));
        pubsub.subscribe(Topic::Pattern, &Bytes::from("x*"), 3, key(3));
        pubsub.subscribe(Topic::Shard, &Bytes::from("news"), 4, key(4));
        let audiences = pubsub.audiences(b"news");
        assert_eq!(audiences.len(), 2);
        assert_eq!(audiences[0], Audience { pattern: None, listeners: vec![key(1), key(2)] });
        assert_eq!(audiences[1], Audience { pattern: Some("n*".into()), listeners: vec![key(1)] });
        assert_eq!(pubsub.shard_audience(b"news"), [key(4)]);
    }

    #[test]
    fn what_nobody_listens_to_any_more_is_forgotten() {
        let mut pubsub = PubSub::default();
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            pubsub.subscribe(topic, &Bytes::from("a"), 1, key(1));
            pubsub.subscribe(topic, &Bytes::from("a"), 2, key(2));
            pubsub.unsubscribe(topic, b"a", 1);
            pubsub.unsubscribe(topic, b"a", 1);
        }
        assert_eq!(pubsub.channel_count(Topic::Channel), 1);
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            pubsub.unsubscribe(topic, b"a", 2);
        }
        assert!(pubsub.is_silent());
        assert_eq!((pubsub.channel_count(Topic::Shard), pubsub.pattern_count()), (0, 0));
    }
}
