//! What a reply waits for: the policy of the log, or what its client asked for (CLIENT DURABILITY).

use crate::client::Client;
use crate::net::gate::ReplyGate;
use crate::persistence::Persistence;
use crate::server::Server;

/// What a client wants its replies to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Durability {
    /// What `appendfsync` says.
    #[default]
    Default,
    /// As under `everysec`: written, and synced within about a second.
    EverySecond,
    /// As under `always`: synced.
    Always,
}

impl Durability {
    /// As CLIENT DURABILITY has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::EverySecond => "everysec",
            Self::Always => "always",
        }
    }

    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        let all = [Self::Default, Self::EverySecond, Self::Always];
        all.into_iter().find(|durability| word.eq_ignore_ascii_case(durability.name().as_bytes()))
    }
}

/// The log positions up to which replies may leave, for each durability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) by_policy: u64,
    pub(crate) by_second: u64,
    pub(crate) by_sync: u64,
}

impl Released {
    /// Nothing is held: there is no log.
    pub(crate) const EVERYTHING: Self = Self { by_policy: u64::MAX, by_second: u64::MAX, by_sync: u64::MAX };

    #[inline]
    pub(crate) fn for_durability(&self, durability: Durability) -> u64 {
        match durability {
            Durability::Default => self.by_policy,
            Durability::EverySecond => self.by_second,
            Durability::Always => self.by_sync,
        }
    }
}

/// The lowest positions that somebody waits for, by the same three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Awaited {
    pub(crate) by_policy: Option<u64>,
    pub(crate) by_second: Option<u64>,
    pub(crate) by_sync: Option<u64>,
}

impl Awaited {
    pub(crate) fn add(&mut self, durability: Durability, position: u64) {
        let lowest = match durability {
            Durability::Default => &mut self.by_policy,
            Durability::EverySecond => &mut self.by_second,
            Durability::Always => &mut self.by_sync,
        };
        *lowest = Some(lowest.map_or(position, |before| before.min(position)));
    }
}

/// What clients with a durability of their own need beyond the policy.
#[derive(Debug, Default)]
pub(crate) struct OwnDurability {
    /// There has been such a client.
    is_used: bool,
    /// The newest position that has to be synced within a second.
    by_second: u64,
    /// When that was last asked for.
    asked_at_ms: u64,
}

/// How long what a client wants synced "every second" may wait.
const SYNC_INTERVAL_MS: u64 = 1000;

impl OwnDurability {
    /// A client has chosen this one.
    pub(crate) fn note_choice(&mut self, durability: Durability) {
        self.is_used |= durability != Durability::Default;
    }

    /// Notes what a reply waits for when its client has a durability of its own.
    pub(crate) fn note_reply(&mut self, durability: Durability, position: u64) {
        if durability == Durability::EverySecond {
            self.by_second = position.max(self.by_second);
        }
    }

    /// Has the log synced for the clients that wait for more than the policy gives; `gates` are those that hold something.
    /// All of them share one sync; who comes while it runs shares the next one.
    pub(crate) fn sync<'a>(
        &mut self,
        persistence: &mut Persistence,
        now_ms: u64,
        mut gates: impl Iterator<Item = &'a ReplyGate>,
    ) {
        if !self.is_used {
            return;
        }
        let durable = persistence.durable();
        let is_second_over = now_ms.saturating_sub(self.asked_at_ms) >= SYNC_INTERVAL_MS;
        let wanted =
            (self.by_second > durable && is_second_over) || gates.any(|gate| gate.waits_for_sync(durable));
        // One that is under way may have begun before what is waited for was written: asked again when it is over.
        if wanted && persistence.request_sync() {
            self.asked_at_ms = now_ms;
        }
    }
}

impl Server {
    /// CLIENT DURABILITY sets it for the replies that follow.
    pub(crate) fn set_durability(&mut self, client: &mut Client, durability: Durability) {
        client.session.durability = durability;
        self.own_durability.note_choice(durability);
    }

    /// Has the log synced for the clients that wait for more than the policy gives.
    pub(crate) fn sync_for_clients(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        let gated = self.queues.gated.iter().filter_map(|key| self.clients.get(*key));
        self.own_durability.sync(&mut self.persistence, now_ms, gated.map(|client| &client.gate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Durability::parse(b"ALWAYS"), Some(Durability::Always));
        assert_eq!(Durability::parse(b"everysec"), Some(Durability::EverySecond));
        assert_eq!(Durability::parse(b"Default"), Some(Durability::Default));
        assert_eq!(Durability::parse(b"no"), None);
    }

    #[test]
    fn the_lowest_position_of_each_kind_is_awaited() {
        let mut awaited = Awaited::default();
        awaited.add(Durability::Always, 7);
        awaited.add(Durability::Always, 9);
        awaited.add(Durability::Default, 3);
        assert_eq!(awaited, Awaited { by_policy: Some(3), by_second: None, by_sync: Some(7) });
    }
}
