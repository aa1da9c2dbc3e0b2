//! Keyspace events: what commands announce becomes messages.

use bytes::Bytes;
use lastsave_commands::{EventClass, Signal};
use lastsave_config::KeyspaceEvents;

use crate::client::Client;
use crate::server::Server;

/// The classes of events that `notify-keyspace-events` asks for; none when they would be published nowhere.
pub(crate) fn event_classes(events: KeyspaceEvents) -> impl Iterator<Item = EventClass> {
    const CLASSES: [(KeyspaceEvents, EventClass); 12] = [
        (KeyspaceEvents::GENERIC, EventClass::Generic),
        (KeyspaceEvents::STRING, EventClass::String),
        (KeyspaceEvents::LIST, EventClass::List),
        (KeyspaceEvents::SET, EventClass::Set),
        (KeyspaceEvents::HASH, EventClass::Hash),
        (KeyspaceEvents::ZSET, EventClass::SortedSet),
        (KeyspaceEvents::STREAM, EventClass::Stream),
        (KeyspaceEvents::EXPIRED, EventClass::Expired),
        (KeyspaceEvents::EVICTED, EventClass::Evicted),
        (KeyspaceEvents::KEY_MISS, EventClass::KeyMiss),
        (KeyspaceEvents::NEW, EventClass::New),
        (KeyspaceEvents::MODULE, EventClass::Module),
    ];
    let is_published = events.contains(KeyspaceEvents::KEYSPACE) || events.contains(KeyspaceEvents::KEYEVENT);
    CLASSES
        .into_iter()
        .filter(move |(flag, _)| is_published && events.contains(*flag))
        .map(|(_, class)| class)
}

impl Server {
    /// Turns what the command under way has announced into messages. `current` is the client being served, if one is.
    #[inline]
    pub(crate) fn follow_signals(&mut self, current: Option<&mut Client>) {
        if !self.dataset.signals.is_empty() {
            self.follow_all_signals(current);
        }
    }

    #[cold]
    fn follow_all_signals(&mut self, mut current: Option<&mut Client>) {
        let mut signals = std::mem::take(&mut self.dataset.signals);
        for signal in signals.iter() {
            match signal {
                Signal::Event { db, event, key, .. } => self.publish_event(db, event, key),
                Signal::Modified { key, .. } => self.invalidate(key, &mut current, true),
                Signal::Vanished { key, .. } => self.invalidate(key, &mut current, false),
                Signal::Flushed => self.invalidate_everything(&mut current),
            }
        }
        signals.clear();
        self.dataset.signals = signals;
    }

    fn publish_event(&mut self, db: usize, event: &'static str, key: &[u8]) {
        if self.pubsub.is_silent() {
            return;
        }
        let kinds = self.config.notify_keyspace_events;
        if kinds.contains(KeyspaceEvents::KEYSPACE) {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.publish(&channel.into(), &Bytes::from_static(event.as_bytes()));
        }
        if kinds.contains(KeyspaceEvents::KEYEVENT) {
            let channel = format!("__keyevent@{db}__:{event}");
            self.publish(&channel.into(), &Bytes::copy_from_slice(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_a_channel_are_not_recorded() {
        let classes = |letters: &str| {
            event_classes(KeyspaceEvents::from_letters(letters.as_bytes()).expect("known letters")).count()
        };
        assert_eq!(classes("A"), 0);
        assert_eq!(classes("KA"), 10);
        assert_eq!(classes("EAmn"), 12);
        assert_eq!(classes("Kg"), 1);
    }
}
