//! Which clients CLIENT LIST and CLIENT KILL mean.

use lastsave_resp::{Request, parse_integer};

use crate::client::Client;
use crate::handlers::texts;

/// The types of clients that exist, as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientType {
    /// Everybody.
    Normal,
    /// Our master.
    Master,
    /// Our replicas.
    Replica,
    /// Subscribers.
    PubSub,
}

impl ClientType {
    /// The type a word stands for.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("normal") {
            Some(Self::Normal)
        } else if is("master") {
            Some(Self::Master)
        } else if is("replica") || is("slave") {
            Some(Self::Replica)
        } else if is("pubsub") {
            Some(Self::PubSub)
        } else {
            None
        }
    }

    /// Whether a client is of this type.
    pub(super) fn includes(self, client: &Client) -> bool {
        match self {
            Self::Normal => !client.is_subscriber(),
            Self::PubSub => client.is_subscriber(),
            Self::Master | Self::Replica => false,
        }
    }

    /// The error for a word that is no type.
    pub(super) fn unknown(word: &[u8]) -> String {
        format!("ERR Unknown client type '{}'", String::from_utf8_lossy(word))
    }
}

/// Conditions that a client has to meet, all of them.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    pub(super) id: Option<u64>,
    pub(super) address: Option<&'a [u8]>,
    pub(super) local_address: Option<&'a [u8]>,
    pub(super) client_type: Option<ClientType>,
    pub(super) max_age_seconds: Option<u64>,
    pub(super) skip_me: bool,
}

impl<'a> Filter<'a> {
    /// Parses the options of CLIENT KILL.
    pub(super) fn parse_kill(request: Request<'a>) -> Result<Self, String> {
        let mut filter = Self {
            id: None,
            address: None,
            local_address: None,
            client_type: None,
            max_age_seconds: None,
            skip_me: true,
        };
        let mut at = 2;
        while at < request.len() {
            let word = request.arg(at);
            let Some(value) = request.get(at + 1) else { return Err(texts::SYNTAX.to_owned()) };
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("id") {
                let id = parse_integer(value).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
                filter.id = Some(id.ok_or("ERR client-id should be greater than 0")?);
            } else if is("maxage") {
                let age = parse_integer(value).ok_or(texts::NOT_AN_INTEGER)?;
                let age = u64::try_from(age).ok().filter(|age| *age > 0);
                filter.max_age_seconds = Some(age.ok_or("ERR maxage should be greater than 0")?);
            } else if is("type") {
                let client_type = ClientType::of(value).ok_or_else(|| ClientType::unknown(value))?;
                filter.client_type = Some(client_type);
            } else if is("addr") {
                filter.address = Some(value);
            } else if is("laddr") {
                filter.local_address = Some(value);
            } else if is("user") {
                if value != b"default" {
                    return Err(format!("ERR No such user '{}'", String::from_utf8_lossy(value)));
                }
                // Everybody is the default user.
            } else if is("skipme") {
                filter.skip_me = if value.eq_ignore_ascii_case(b"yes") {
                    true
                } else if value.eq_ignore_ascii_case(b"no") {
                    false
                } else {
                    return Err(texts::SYNTAX.to_owned());
                };
            } else {
                return Err(texts::SYNTAX.to_owned());
            }
            at += 2;
        }
        Ok(filter)
    }

    /// Whether a client is meant.
    pub(super) fn matches(&self, client: &Client, now_ms: u64) -> bool {
        self.id.is_none_or(|id| client.id == id)
            && self.address.is_none_or(|address| client.peer.as_bytes() == address)
            && self.local_address.is_none_or(|address| client.local.as_bytes() == address)
            && self.client_type.is_none_or(|client_type| client_type.includes(client))
            && self
                .max_age_seconds
                .is_none_or(|age| now_ms.saturating_sub(client.activity.connected_ms) / 1000 >= age)
    }
}
