//! INFO clients.

use super::line;
use crate::client::Client;
use crate::server::Server;

impl Server {
    pub(super) fn info_clients(&self, caller: &Client, text: &mut String) {
        let everybody = || self.clients.iter().chain(std::iter::once(caller));
        let input = everybody().map(|client| client.query.len()).max().unwrap_or(0);
        let output = everybody().map(|client| client.reply.pending()).max().unwrap_or(0);
        let blocked = self.clients.iter().filter(|client| client.blocked.is_some() || client.work.paused);
        let timed = self
            .clients
            .iter()
            .filter(|client| client.blocked.as_ref().is_some_and(|blocked| blocked.deadline_ms().is_some()));
        line(text, "connected_clients", self.clients.len());
        line(text, "cluster_connections", 0);
        line(text, "maxclients", self.settings.max_clients);
        line(text, "client_recent_max_input_buffer", input);
        line(text, "client_recent_max_output_buffer", output);
        line(text, "blocked_clients", blocked.count());
        line(text, "tracking_clients", self.tracking.client_count());
        line(text, "clients_in_timeout_table", timed.count());
        line(text, "total_blocking_keys", self.dataset.blocking.key_count());
        let without_key = self.dataset.blocking.key_count_without_key();
        line(text, "total_blocking_keys_on_nokey", without_key);
    }
}
