//! SUBSCRIBE, UNSUBSCRIBE, PUBLISH, PUBSUB and their relatives for patterns and shards.

use bytes::Bytes;
use lastsave_commands::ServerCommand;
use lastsave_resp::{ReplyBuffer, Request};

use crate::client::Client;
use crate::pubsub::Topic;
use crate::server::Server;

/// Whether a command answers with one push per argument instead of a reply: CLIENT REPLY has no say in that.
pub(crate) fn answers_with_pushes(command: ServerCommand) -> bool {
    use ServerCommand::{PSubscribe, PUnsubscribe, ShardSubscribe, ShardUnsubscribe, Subscribe, Unsubscribe};
    matches!(command, Subscribe | Unsubscribe | PSubscribe | PUnsubscribe | ShardSubscribe | ShardUnsubscribe)
}

impl Server {
    /// Executes a command about channels.
    pub(super) fn pubsub(&mut self, client: &mut Client, command: ServerCommand, request: Request<'_>) {
        use ServerCommand as Command;
        match command {
            Command::Subscribe => self.subscribe(client, Topic::Channel, request),
            Command::PSubscribe => self.subscribe(client, Topic::Pattern, request),
            Command::ShardSubscribe => self.subscribe(client, Topic::Shard, request),
            Command::Unsubscribe => self.unsubscribe(client, Topic::Channel, request),
            Command::PUnsubscribe => self.unsubscribe(client, Topic::Pattern, request),
            Command::ShardUnsubscribe => self.unsubscribe(client, Topic::Shard, request),
            Command::Publish => {
                let is_heard = !self.pubsub.is_silent();
                let count =
                    if is_heard { self.publish(&request.arg_shared(1), &request.arg_shared(2)) } else { 0 };
                client.reply.integer(count as i64);
            }
            Command::ShardPublish => {
                let count = self.publish_in_shard(&request.arg_shared(1), &request.arg_shared(2));
                client.reply.integer(count as i64);
            }
            Command::PubSubChannels => self.pubsub_channels(client, Topic::Channel, request),
            Command::PubSubShardChannels => self.pubsub_channels(client, Topic::Shard, request),
            Command::PubSubNumSub => self.pubsub_numsub(client, Topic::Channel, request),
            Command::PubSubShardNumSub => self.pubsub_numsub(client, Topic::Shard, request),
            _ => client.reply.integer(self.pubsub.pattern_count() as i64),
        }
    }

    fn subscribe(&mut self, client: &mut Client, topic: Topic, request: Request<'_>) {
        let word: &[u8] = match topic {
            Topic::Channel => b"subscribe",
            Topic::Pattern => b"psubscribe",
            Topic::Shard => b"ssubscribe",
        };
        for name in request.args().skip(1) {
            let name = Bytes::copy_from_slice(name);
            if client.subscriptions.add(topic, name.clone()) {
                self.pubsub.subscribe(topic, &name, client.id, client.key);
            }
            confirm(&mut client.reply, word, Some(&name), client.subscriptions.shown_count(topic));
        }
    }

    fn unsubscribe(&mut self, client: &mut Client, topic: Topic, request: Request<'_>) {
        let word: &[u8] = match topic {
            Topic::Channel => b"unsubscribe",
            Topic::Pattern => b"punsubscribe",
            Topic::Shard => b"sunsubscribe",
        };
        let names = if request.len() > 1 {
            request.args().skip(1).map(Bytes::copy_from_slice).collect()
        } else {
            client.subscriptions.names(topic)
        };
        for name in &names {
            if client.subscriptions.remove(topic, name) {
                self.pubsub.unsubscribe(topic, name, client.id);
            }
            confirm(&mut client.reply, word, Some(name), client.subscriptions.shown_count(topic));
        }
        if names.is_empty() {
            confirm(&mut client.reply, word, None, client.subscriptions.shown_count(topic));
        }
    }

    /// Ends all subscriptions of a client without telling it.
    pub(crate) fn unsubscribe_from_everything(&mut self, client: &mut Client) {
        for topic in [Topic::Channel, Topic::Pattern, Topic::Shard] {
            for name in client.subscriptions.names(topic) {
                client.subscriptions.remove(topic, &name);
                self.pubsub.unsubscribe(topic, &name, client.id);
            }
        }
    }

    /// PUBSUB CHANNELS and SHARDCHANNELS
    fn pubsub_channels(&self, client: &mut Client, topic: Topic, request: Request<'_>) {
        if request.len() > 3 {
            let name = String::from_utf8_lossy(request.arg(1));
            let text =
                format!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try PUBSUB HELP.");
            return client.reply.error(&text);
        }
        let names: Vec<&Bytes> = self.pubsub.names(topic, request.get(2)).collect();
        client.reply.array(names.len());
        for name in names {
            client.reply.bulk(name);
        }
    }

    /// PUBSUB NUMSUB and SHARDNUMSUB
    fn pubsub_numsub(&self, client: &mut Client, topic: Topic, request: Request<'_>) {
        client.reply.array((request.len() - 2) * 2);
        for name in request.args().skip(2) {
            client.reply.bulk(name);
            client.reply.integer(self.pubsub.listener_count(topic, name) as i64);
        }
    }
}

/// The answer to one name of SUBSCRIBE or UNSUBSCRIBE.
fn confirm(reply: &mut ReplyBuffer, word: &[u8], name: Option<&[u8]>, count: usize) {
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(count as i64);
}
