//! Messages that wait for the command under way to end, and their delivery.

use bytes::Bytes;
use lastsave_resp::Protocol;

use super::Message;
use crate::client::Client;
use crate::net::token::ClientKey;
use crate::server::Server;

/// Messages with their receivers, in the order in which they were published.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    deliveries: Vec<Delivery>,
}

#[derive(Debug)]
struct Delivery {
    message: Message,
    receivers: Vec<ClientKey>,
}

impl Outbox {
    /// Adds a message; without receivers it is dropped.
    pub(crate) fn send(&mut self, message: Message, receivers: Vec<ClientKey>) {
        if !receivers.is_empty() {
            self.deliveries.push(Delivery { message, receivers });
        }
    }

    /// Whether nothing waits to be delivered.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Server {
    /// Publishes a message in a channel; gives how many clients get it.
    pub(crate) fn publish(&mut self, channel: &Bytes, payload: &Bytes) -> usize {
        let mut count = 0;
        for audience in self.pubsub.audiences(channel) {
            count += audience.listeners.len();
            let (channel, payload) = (channel.clone(), payload.clone());
            let message = match audience.pattern {
                None => Message::Channel { channel, payload },
                Some(pattern) => Message::Pattern { pattern, channel, payload },
            };
            self.outbox.send(message, audience.listeners);
        }
        count
    }

    /// Publishes a message in a shard channel; gives how many clients get it.
    pub(crate) fn publish_in_shard(&mut self, channel: &Bytes, payload: &Bytes) -> usize {
        let listeners = self.pubsub.shard_audience(channel);
        let count = listeners.len();
        self.outbox.send(Message::Shard { channel: channel.clone(), payload: payload.clone() }, listeners);
        count
    }

    /// Hands the waiting messages to their receivers, behind what each was answered so far. `current` is the client
    /// that is being served, if one is.
    #[inline]
    pub(crate) fn deliver(&mut self, current: Option<&mut Client>) {
        if !self.outbox.is_empty() {
            self.deliver_all(current);
        }
    }

    #[cold]
    fn deliver_all(&mut self, mut current: Option<&mut Client>) {
        for Delivery { message, receivers } in std::mem::take(&mut self.outbox.deliveries) {
            let mut encoded: [Option<Bytes>; 2] = [None, None];
            for key in receivers {
                let receiver = match &mut current {
                    Some(client) if client.key == key => Some(&mut **client),
                    _ => self.clients.get_mut(key),
                };
                let Some(receiver) = receiver.filter(|client| !client.closing.is_pending()) else { continue };
                let protocol = receiver.reply.protocol();
                let form = &mut encoded[usize::from(protocol == Protocol::Resp3)];
                receiver.reply.raw_shared(form.get_or_insert_with(|| message.encode(protocol)));
                // What comes before a reply is no part of it.
                receiver.reply_start = receiver.reply.produced();
                // What a message tells may be the newest write.
                let position = self.persistence.appended();
                let (produced, durability) = (receiver.reply.produced(), receiver.session.durability);
                self.persistence.hold(&mut receiver.gate, produced, position, durability);
                self.queues.queue_flush(receiver);
            }
        }
    }
}
