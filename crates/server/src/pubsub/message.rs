//! What is sent to clients without their asking, in the protocol of each.

use bytes::Bytes;
use lastsave_resp::{Protocol, ReplyBuffer};

/// A message to one or more clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Published in a channel.
    Channel {
        /// The channel.
        channel: Bytes,
        /// What was published.
        payload: Bytes,
    },
    /// Published in a channel that matches a pattern.
    Pattern {
        /// The pattern subscribed to.
        pattern: Bytes,
        /// The channel.
        channel: Bytes,
        /// What was published.
        payload: Bytes,
    },
    /// Published in a shard channel.
    Shard {
        /// The channel.
        channel: Bytes,
        /// What was published.
        payload: Bytes,
    },
    /// Keys that a client may have cached have changed.
    Invalidate {
        /// The keys; none stands for all.
        keys: Option<Vec<Bytes>>,
    },
    /// The client that invalidations were redirected to is gone.
    RedirectionBroken {
        /// Its id.
        target: u64,
    },
    /// A line for clients in MONITOR, as it is sent.
    Line {
        /// The line with its end.
        line: Bytes,
    },
}

impl Message {
    /// The message as it is sent.
    pub(crate) fn encode(&self, protocol: Protocol) -> Bytes {
        let mut reply = ReplyBuffer::new(protocol);
        match self {
            Self::Channel { channel, payload } => words(&mut reply, &[b"message", channel, payload]),
            Self::Pattern { pattern, channel, payload } => {
                words(&mut reply, &[b"pmessage", pattern, channel, payload]);
            }
            Self::Shard { channel, payload } => words(&mut reply, &[b"smessage", channel, payload]),
            Self::Line { line } => return line.clone(),
            Self::Invalidate { keys } => invalidate(&mut reply, keys.as_deref()),
            Self::RedirectionBroken { target } => {
                reply.push(2);
                reply.bulk(b"tracking-redir-broken");
                reply.integer(*target as i64);
            }
        }
        reply.to_vec().into()
    }
}

fn words(reply: &mut ReplyBuffer, words: &[&[u8]]) {
    reply.push(words.len());
    for word in words {
        reply.bulk(word);
    }
}

/// The channel in which listeners in the second protocol get invalidations.
const INVALIDATION_CHANNEL: &[u8] = b"__redis__:invalidate";

fn invalidate(reply: &mut ReplyBuffer, keys: Option<&[Bytes]>) {
    if reply.protocol() == Protocol::Resp3 {
        reply.push(2);
        reply.bulk(b"invalidate");
    } else {
        reply.push(3);
        reply.bulk(b"message");
        reply.bulk(INVALIDATION_CHANNEL);
    }
    match keys {
        None => reply.null(),
        Some(keys) => {
            reply.array(keys.len());
            for key in keys {
                reply.bulk(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_arrays_or_pushes() {
        let message = Message::Channel { channel: "c".into(), payload: "hello".into() };
        let body = "\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n";
        assert_eq!(message.encode(Protocol::Resp2), format!("*3{body}"));
        assert_eq!(message.encode(Protocol::Resp3), format!(">3{body}"));
        let message = Message::Pattern { pattern: "*".into(), channel: "c".into(), payload: "".into() };
        assert_eq!(
            message.encode(Protocol::Resp2),
            "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$0\r\n\r\n"
        );
    }
}
