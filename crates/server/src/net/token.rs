//! Poll tokens: which listener or client an event is for.
//!
//! A client's token carries the generation of its slot, so that an event (or a stored key) of a connection that
//! is gone never reaches the next one in the same slot.

use mio::Token;

/// Names one client; stays unique when its slot is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    /// Index of the slot.
    pub(crate) slot: u32,
    /// How often the slot had been given away before.
    pub(crate) generation: u32,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Another thread called the waker.
    Waker,
    /// The listener with this index has connections to accept.
    Listener(usize),
    /// A client socket is ready.
    Client(ClientKey),
}

const WAKER_SLOT: u32 = u32::MAX;
const LISTENER_SLOT: u32 = u32::MAX - 1;

/// Highest number of client slots.
pub(crate) const SLOTS_MAX: u32 = u32::MAX - 2;

impl Source {
    /// The token to register with.
    pub(crate) fn token(self) -> Token {
        let (slot, generation) = match self {
            Self::Waker => (WAKER_SLOT, 0),
            Self::Listener(index) => (LISTENER_SLOT, u32::try_from(index).unwrap_or(u32::MAX)),
            Self::Client(key) => (key.slot, key.generation),
        };
        Token((generation as usize) << 32 | slot as usize)
    }

    /// What a token stands for.
    pub(crate) fn of(token: Token) -> Self {
        let slot = token.0 as u32;
        let generation = (token.0 >> 32) as u32;
        match slot {
            WAKER_SLOT => Self::Waker,
            LISTENER_SLOT => Self::Listener(generation as usize),
            _ => Self::Client(ClientKey { slot, generation }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientKey, SLOTS_MAX, Source};

    #[test]
    fn tokens_name_their_source() {
        let sources = [
            Source::Waker,
            Source::Listener(0),
            Source::Listener(7),
            Source::Client(ClientKey { slot: 0, generation: 0 }),
            Source::Client(ClientKey { slot: SLOTS_MAX, generation: u32::MAX }),
        ];
        for source in sources {
            assert_eq!(Source::of(source.token()), source);
        }
    }
}
