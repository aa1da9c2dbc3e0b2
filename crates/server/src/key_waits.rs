//! Clients blocked on keys: how they come to wait, are served when a key is ready, and stop waiting.
//!
//! Which client waits for which key is in the table of crate commands. A client that is served has its command executed
//! again like any other: what that changes is a unit of the log of its own, behind the unit that made the key ready, and
//! the reply is held back until that unit is safe.

use std::collections::BTreeSet;

use lastsave_commands::{AwaitedType, BlockingRequest, CommandSpec, ReadyKey};
use lastsave_resp::{OwnedRequest, Request};

use crate::client::{Blocked, Client, KeyWait, ReplyMode};
use crate::dispatch::Scope;
use crate::net::token::ClientKey;
use crate::server::Server;

/// When clients that are blocked on keys stop waiting: monotonic times in milliseconds, with client ids.
#[derive(Debug, Default)]
pub(crate) struct KeyWaitDeadlines(BTreeSet<(u64, u64)>);

impl KeyWaitDeadlines {
    fn add(&mut self, deadline_ms: Option<u64>, client_id: u64) {
        self.0.extend(deadline_ms.map(|deadline_ms| (deadline_ms, client_id)));
    }

    fn remove(&mut self, deadline_ms: Option<u64>, client_id: u64) {
        if let Some(deadline_ms) = deadline_ms {
            self.0.remove(&(deadline_ms, client_id));
        }
    }

    /// When the loop has to turn for the next of them, in microseconds of the monotonic clock.
    pub(crate) fn next_us(&self) -> Option<u64> {
        // A deadline is over when its millisecond is.
        self.0.first().map(|(deadline_ms, _)| deadline_ms.saturating_add(1).saturating_mul(1000))
    }

    fn pop_over(&mut self, now_ms: u64) -> Option<u64> {
        let (deadline_ms, _) = self.0.first()?;
        if *deadline_ms >= now_ms {
            return None;
        }
        self.0.pop_first().map(|(_, client_id)| client_id)
    }
}

impl Server {
    /// Lets a client wait for keys, as the command that it has just executed asked.
    pub(crate) fn block_on_keys(
        &mut self,
        client: &mut Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
        asked: BlockingRequest,
    ) {
        let now_ms = self.clock.monotonic_ms();
        let deadline_ms = asked.timeout_ms.map(|timeout_ms| now_ms.saturating_add(timeout_ms));
        self.key_wait_deadlines.add(deadline_ms, client.id);
        let request = asked.replacement.unwrap_or_else(|| OwnedRequest::from(request));
        client.blocked = Some(Blocked::Keys(KeyWait { spec, request, deadline_ms }));
    }

    /// Serves the clients that wait for keys that have become ready.
    pub(crate) fn serve_ready_keys(&mut self) {
        if self.persistence.is_loading() || self.persistence.is_saturated() || self.pause.is_on() {
            return;
        }
        while let Some(ready) = self.dataset.blocking.next_ready() {
            let mut after = 0;
            while let Some(waiter) = {
                let present = self.awaited_type_at(&ready);
                self.dataset.blocking.next_waiter(&ready, after, present)
            } {
                after = waiter.order;
                self.serve_key_wait(waiter.client_id);
            }
        }
    }

    /// Whether keys are ready whose clients can only be served while nobody else is: what they write may have to be told
    /// to any client that tracks keys, the one being served included.
    #[inline]
    pub(crate) fn must_serve_apart(&self) -> bool {
        self.dataset.blocking.has_ready() && !self.tracking.is_idle()
    }

    fn awaited_type_at(&self, ready: &ReadyKey) -> Option<AwaitedType> {
        let keyspace = &self.dataset.keyspace;
        let entry = keyspace.db(ready.db).get(&keyspace.key(&ready.key))?;
        let is_past = entry.expires_at_ms().is_some_and(|at| self.clock.now_ms() > at);
        if is_past { None } else { AwaitedType::of(&entry.value()) }
    }

    /// Executes a blocked client's command again.
    fn serve_key_wait(&mut self, client_id: u64) {
        let Some(mut client) = self.clients.take_by_id(client_id) else { return };
        // Nothing is given to a client that is leaving.
        if !client.closing.is_pending()
            && let Some(Blocked::Keys(wait)) = client.blocked.take()
        {
            self.execute_again(&mut client, wait);
        }
        self.clients.put_back(client);
    }

    fn execute_again(&mut self, client: &mut Client, wait: KeyWait) {
        let KeyWait { spec, request, deadline_ms } = wait;
        let limit = self.settings.output_limit_of(client).hard_bytes;
        client.limit_replies(limit);
        client.reply_start = client.reply.produced();
        self.start_timing();
        let mut depends = 0;
        match self.refusal_of(client, spec, request.as_request()) {
            Some(refusal) => self.refuse(client, Some(spec), &refusal),
            None => {
                client.work.executed_again = true;
                depends = self.run_command(client, spec, request.as_request(), Scope::Single);
                client.work.executed_again = false;
            }
        }
        if let Some(asked) = self.dataset.blocking.take_asked() {
            let request = asked.replacement.unwrap_or(request);
            client.blocked = Some(Blocked::Keys(KeyWait { spec, request, deadline_ms }));
            return;
        }
        self.key_wait_deadlines.remove(deadline_ms, client.id);
        self.end_key_wait(client, depends);
        if limit > 0 {
            self.limit_output(client);
        }
    }

    /// A client has its answer and goes on with its next commands.
    fn end_key_wait(&mut self, client: &mut Client, depends: u64) {
        self.dataset.blocking.unblock(client.id);
        client.blocked = None;
        self.hold_reply(client, depends);
        if client.session.reply_mode != ReplyMode::On {
            client.session.apply_reply_mode(&mut client.reply, client.reply_start);
            client.gate.retract(client.reply.produced());
        }
        client.work.parse |= !client.query.is_empty();
        self.settle(client);
    }

    /// Lets those go on whose time is over.
    pub(crate) fn end_overdue_key_waits(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        while let Some(client_id) = self.key_wait_deadlines.pop_over(now_ms) {
            if let Some(key) = self.clients.key_of(client_id) {
                self.give_up_key_wait(key, false);
            }
        }
    }

    /// Ends the wait of a client as if its time were over, or with an error. Gives whether it waited for keys.
    pub(crate) fn give_up_key_wait(&mut self, key: ClientKey, with_error: bool) -> bool {
        let Some(mut client) = self.clients.take(key) else { return false };
        let waits = matches!(client.blocked, Some(Blocked::Keys(_))) && !client.closing.is_pending();
        if waits && let Some(Blocked::Keys(wait)) = client.blocked.take() {
            self.key_wait_deadlines.remove(wait.deadline_ms, client.id);
            client.reply_start = client.reply.produced();
            if with_error {
                client.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
            } else {
                client.reply.null_array();
            }
            let failed = self.statistics.note_errors(&client.reply, &mut client.counted_errors);
            self.statistics.commands_processed += 1;
            self.statistics.commands.count_call(wait.spec, 0, failed, self.settings.track_latency);
            // The nil tells that nobody has written to the keys.
            let position = self.persistence.appended();
            self.end_key_wait(&mut client, position);
        }
        self.clients.put_back(client);
        waits
    }

    /// A client that may have waited for keys is gone.
    pub(crate) fn forget_key_wait(&mut self, client: &Client) {
        if let Some(Blocked::Keys(wait)) = &client.blocked {
            self.key_wait_deadlines.remove(wait.deadline_ms, client.id);
            self.dataset.blocking.unblock(client.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyWaitDeadlines;

    #[test]
    fn deadlines_are_over_in_their_order_and_not_before_their_millisecond() {
        let mut deadlines = KeyWaitDeadlines::default();
        deadlines.add(Some(20), 1);
        deadlines.add(Some(10), 2);
        deadlines.add(None, 3);
        deadlines.add(Some(10), 4);
        assert_eq!(deadlines.next_us(), Some(11_000));
        assert_eq!(deadlines.pop_over(10), None);
        assert_eq!(deadlines.pop_over(11), Some(2));
        deadlines.remove(Some(10), 4);
        deadlines.remove(None, 3);
        assert_eq!(deadlines.pop_over(11), None);
        assert_eq!(deadlines.pop_over(u64::MAX), Some(1));
        assert_eq!(deadlines.next_us(), None);
    }
}
