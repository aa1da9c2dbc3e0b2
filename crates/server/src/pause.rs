//! CLIENT PAUSE: commands that wait until a time.

use lastsave_commands::{CommandSpec, Flags};

use crate::client::Client;
use crate::server::Server;

/// Which commands wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PausedCommands {
    /// Those that may change data or that others see.
    Writes,
    /// All.
    All,
}

/// A pause of the clients, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    state: Option<(PausedCommands, u64)>,
}

impl Pause {
    /// Begins a pause until a monotonic time; one that lasts longer, or holds up more, goes on.
    pub(crate) fn begin(&mut self, commands: PausedCommands, end_ms: u64) {
        let (before, end_before_ms) = self.state.unwrap_or((commands, end_ms));
        self.state = Some((before.max(commands), end_before_ms.max(end_ms)));
    }

    /// Ends the pause; false when there is none.
    pub(crate) fn end(&mut self) -> bool {
        self.state.take().is_some()
    }

    /// Ends the pause if its time is over; false when there is nothing to end.
    pub(crate) fn end_if_due(&mut self, now_ms: u64) -> bool {
        self.state.is_some_and(|(_, end_ms)| now_ms >= end_ms) && self.end()
    }

    /// Whether there is a pause. Nothing expires and nothing is evicted meanwhile.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.state.is_some()
    }

    /// Which commands wait.
    #[inline]
    pub(crate) fn commands(&self) -> Option<PausedCommands> {
        self.state.map(|(commands, _)| commands)
    }

    /// Monotonic time of the end.
    pub(crate) fn end_ms(&self) -> Option<u64> {
        self.state.map(|(_, end_ms)| end_ms)
    }
}

impl Server {
    /// Whether a command has to wait for the end of a pause. The client is marked accordingly.
    pub(crate) fn waits_for_pause(&mut self, client: &mut Client, spec: &'static CommandSpec) -> bool {
        let is_held = match self.pause.commands() {
            None => false,
            Some(PausedCommands::All) => true,
            Some(PausedCommands::Writes) => {
                client.session.any_flag(spec, Flags::WRITE.and(Flags::MAY_REPLICATE))
            }
        };
        if !is_held || client.session.is_monitor {
            return false;
        }
        client.work.paused = true;
        self.queues.paused.push(client.key);
        true
    }

    /// Begins a pause.
    pub(crate) fn begin_pause(&mut self, commands: PausedCommands, end_ms: u64) {
        self.pause.begin(commands, end_ms);
        self.dataset.options.is_expiry_paused = true;
    }

    /// Lets everybody go on when a pause has just ended.
    pub(crate) fn end_pause(&mut self) {
        self.dataset.options.is_expiry_paused = false;
        for key in std::mem::take(&mut self.queues.paused) {
            if let Some(client) = self.clients.get_mut(key) {
                client.work.paused = false;
                client.work.parse |= !client.query.is_empty();
                self.queues.queue_ready(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pause, PausedCommands};

    #[test]
    fn the_longer_and_the_stricter_pause_wins() {
        let mut pause = Pause::default();
        pause.begin(PausedCommands::All, 100);
        pause.begin(PausedCommands::Writes, 50);
        assert_eq!((pause.commands(), pause.end_ms()), (Some(PausedCommands::All), Some(100)));
        pause.begin(PausedCommands::Writes, 200);
        assert!(!pause.end_if_due(199) && pause.is_on());
        assert!(pause.end_if_due(200) && !pause.is_on());
        assert!(!pause.end_if_due(300) && !pause.end());
    }
}
