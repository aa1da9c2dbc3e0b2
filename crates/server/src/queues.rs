//! Which clients need what from the event loop.

use std::collections::VecDeque;

use crate::client::Client;
use crate::net::token::ClientKey;

/// Lists of clients; each client is at most once in each, as the marks in its `work` say.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// To be read from, or with commands left to execute.
    pub(crate) ready: VecDeque<ClientKey>,
    /// With output to send.
    pub(crate) flush: Vec<ClientKey>,
    /// With replies that wait for the log.
    pub(crate) gated: Vec<ClientKey>,
    /// With commands that wait for the log to catch up.
    pub(crate) parked: Vec<ClientKey>,
    /// With a command that waits for the end of a pause.
    pub(crate) paused: Vec<ClientKey>,
    /// With a command whose answer comes later.
    pub(crate) blocked: Vec<ClientKey>,
    /// To be closed at the end of the turn.
    pub(crate) doomed: Vec<ClientKey>,
    /// Listeners with connections left to accept.
    pub(crate) accept: Vec<usize>,
}

impl Queues {
    /// Whether there is something to do without waiting for an event.
    pub(crate) fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.flush.is_empty() || !self.accept.is_empty() || !self.doomed.is_empty()
    }

    /// Puts a client into the ready queue if it has work and may do it.
    pub(crate) fn queue_ready(&mut self, client: &mut Client) {
        let has_work = client.work.parse || client.work.readable;
        if has_work && client.accepts_commands() && !client.work.queued {
            client.work.queued = true;
            self.ready.push_back(client.key);
        }
    }

    /// As [`Queues::queue_ready`], ahead of all others.
    pub(crate) fn queue_ready_first(&mut self, client: &mut Client) {
        if client.accepts_commands() && !client.work.queued {
            client.work.queued = true;
            self.ready.push_front(client.key);
        }
    }

    /// Puts a client into the list of those with output, or to be closed.
    pub(crate) fn queue_flush(&mut self, client: &mut Client) {
        if !client.work.flush_queued {
            client.work.flush_queued = true;
            self.flush.push(client.key);
        }
    }
}
