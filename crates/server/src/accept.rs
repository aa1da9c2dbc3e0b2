//! New connections.

use crate::client::Client;
use crate::net::refusal;
use crate::net::socket::Socket;
use crate::net::token::Source;
use crate::server::Server;

/// Connections accepted per listener and turn at most.
const TURN_ACCEPTS_MAX: usize = 1000;

impl Server {
    /// Accepts what waits at the listeners that the poll has named.
    pub(crate) fn accept_connections(&mut self) {
        for index in std::mem::take(&mut self.queues.accept) {
            if self.accept_from(index) {
                self.queues.accept.push(index);
            }
        }
    }

    /// Whether there may be more to accept.
    fn accept_from(&mut self, index: usize) -> bool {
        for _ in 0..TURN_ACCEPTS_MAX {
            match self.listeners.accept(index) {
                Ok(Some(socket)) => self.welcome(socket),
                Ok(None) => return false,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!("Accepting client connection: {}", crate::errno::text(&error));
                    // Without file descriptors the connection stays in the queue; cron tries again.
                    self.retry_accept.push(index);
                    return false;
                }
            }
        }
        true
    }

    fn welcome(&mut self, mut socket: Socket) {
        if self.clients.len() >= self.settings.max_clients {
            self.statistics.connections_rejected += 1;
            socket.write_once(refusal::MAX_CLIENTS.as_bytes());
            socket.discard_input();
            return;
        }
        if self.settings.is_protected && !socket.is_local() {
            self.statistics.connections_rejected += 1;
            socket.write_once(refusal::PROTECTED_MODE.as_bytes());
            socket.discard_input();
            return;
        }
        let Some((key, id)) = self.clients.reserve() else {
            socket.write_once(refusal::MAX_CLIENTS.as_bytes());
            return;
        };
        socket.tune(self.settings.tcp_keepalive_seconds);
        if let Err(error) = socket.register(&self.registry, Source::Client(key).token()) {
            tracing::warn!("Error registering fd event for the new client: {}", crate::errno::text(&error));
            self.clients.release(key, id);
            return;
        }
        let now_ms = self.clock.monotonic_ms();
        let mut client = Client::new(key, id, socket, self.listeners.unix_path(), now_ms);
        client.session.authenticated = self.settings.password_is_empty;
        tracing::debug!("Accepted {}", client.peer);
        self.statistics.connections_received += 1;
        self.clients.put_back(Box::new(client));
    }
}
