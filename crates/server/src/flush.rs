//! Sending replies at the end of a turn: those that the log lets go, to the clients that can take them.

use crate::client::{Client, Closing};
use crate::net::output::{self, Left};
use crate::net::token::ClientKey;
use crate::server::Server;

impl Server {
    /// Sends what may be sent to every client with output, and closes those that are done.
    pub(crate) fn flush_outputs(&mut self) {
        self.requeue_released();
        for key in std::mem::take(&mut self.queues.flush) {
            self.flush_client(key);
        }
        for key in std::mem::take(&mut self.queues.doomed) {
            self.close_client(key);
        }
    }

    /// Looks at the held replies again when the log has moved on.
    fn requeue_released(&mut self) {
        let released = self.persistence.released();
        if released == self.last_released {
            return;
        }
        self.last_released = released;
        for key in std::mem::take(&mut self.queues.gated) {
            let Some(client) = self.clients.get_mut(key) else { continue };
            let may_leave = |(durability, position)| position <= released.for_durability(durability);
            if client.gate.waits_for().is_none_or(may_leave) {
                client.work.gated = false;
                self.queues.queue_flush(client);
            } else {
                self.queues.gated.push(key);
            }
        }
    }

    /// While the log cannot be written: closes connections whose replies have waited too long. What they asked for was
    /// executed, so there is no error that would be true, and no answer that would be.
    pub(crate) fn give_up_held_replies(&mut self) {
        let timeout_ms = self.settings.held_reply_timeout_ms;
        if timeout_ms == 0 || self.queues.gated.is_empty() || !self.persistence.is_log_failing() {
            return;
        }
        let now_ms = self.clock.monotonic_ms();
        for key in &self.queues.gated {
            let Some(client) = self.clients.get_mut(*key) else { continue };
            if client.closing == Closing::Now
                || now_ms.saturating_sub(client.activity.held_since_ms) < timeout_ms
            {
                continue;
            }
            tracing::warn!(
                "Closing a client whose reply has waited {timeout_ms} ms for the append only file, unanswered: {}",
                client.describe(now_ms)
            );
            client.closing = Closing::Now;
            self.queues.doomed.push(*key);
        }
    }

    fn flush_client(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get_mut(key) else { return };
        client.work.flush_queued = false;
        if client.closing == Closing::Now {
            self.queues.doomed.push(key);
            return;
        }
        let produced = client.reply.produced();
        let limit = client.gate.limit(produced, &self.last_released);
        let flushed = output::flush(&mut client.socket, &mut client.reply, limit);
        self.statistics.writes_processed += flushed.writes;
        self.statistics.net_output_bytes += flushed.sent as u64;
        client.activity.output_bytes += flushed.sent as u64;
        if flushed.sent > 0 {
            client.activity.last_interaction_ms = self.clock.monotonic_ms();
        }
        if flushed.left == Left::Broken {
            self.queues.doomed.push(key);
            return;
        }
        client.account_memory(&mut self.eviction.clients);
        let socket_full = flushed.left == Left::SocketFull;
        if socket_full != client.work.awaits_writable {
            client.work.awaits_writable = socket_full;
            let token = crate::net::token::Source::Client(key).token();
            if client.socket.want_writable(&self.registry, token, socket_full).is_err() {
                self.queues.doomed.push(key);
                return;
            }
        }
        if flushed.left == Left::NextTurn {
            self.queues.queue_flush(client);
        } else if client.reply.pending() == 0 {
            if client.closing == Closing::AfterFlush {
                self.queues.doomed.push(key);
            }
        } else if !client.gate.is_open() && !client.work.gated {
            client.work.gated = true;
            client.activity.held_since_ms = self.clock.monotonic_ms();
            self.queues.gated.push(key);
        }
        self.check_output_limit(key);
    }

    /// Closes a client in the table whose output is over its limit.
    pub(crate) fn check_output_limit(&mut self, key: ClientKey) {
        let Some(mut client) = self.clients.take(key) else { return };
        self.limit_output(&mut client);
        if client.closing == Closing::Now {
            self.queues.doomed.push(key);
        }
        self.clients.put_back(client);
    }

    /// Marks a client for closing when its output is over its limit.
    pub(crate) fn limit_output(&mut self, client: &mut Client) {
        let now_ms = self.clock.monotonic_ms();
        let limit = self.settings.output_limit_of(client);
        let is_over = client.pressure.is_over(limit, client.limited_output_bytes(), now_ms);
        if !is_over || client.closing == Closing::Now {
            return;
        }
        tracing::warn!(
            "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
            client.describe(now_ms)
        );
        self.statistics.output_buffer_limit_disconnections += 1;
        client.closing = Closing::Now;
    }

    /// Closes a connection and forgets everything about it.
    pub(crate) fn close_client(&mut self, key: ClientKey) {
        let Some(mut client) = self.clients.take(key) else { return };
        self.dataset.watches.unwatch(client.id);
        client.unaccount_memory(&mut self.eviction.clients);
        self.unsubscribe_from_everything(&mut client);
        self.stop_monitoring(&mut client);
        self.stop_tracking(&mut client);
        self.forget_key_wait(&client);
        client.socket.deregister(&self.registry);
        self.clients.release(key, client.id);
    }
}
