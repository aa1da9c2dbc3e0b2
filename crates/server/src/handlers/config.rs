//! CONFIG GET, SET, REWRITE and RESETSTAT.

use lastsave_config::SetContext;
use lastsave_resp::Request;

use crate::client::{Blocked, Client};
use crate::server::Server;

impl Server {
    /// CONFIG GET pattern ...
    pub(super) fn config_get(&self, client: &mut Client, request: Request<'_>) {
        let patterns: Vec<&[u8]> = request.args().skip(2).collect();
        let found = self.config.get(&patterns);
        client.reply.map(found.len());
        for (name, value) in found {
            client.reply.bulk(&name);
            client.reply.bulk(&value);
        }
    }

    /// CONFIG SET name value ...
    pub(super) fn config_set(&mut self, client: &mut Client, request: Request<'_>) {
        if !request.len().is_multiple_of(2) {
            client.reply.error("ERR wrong number of arguments for 'config|set' command");
            return;
        }
        let arguments: Vec<&[u8]> = request.args().skip(2).collect();
        let pairs: Vec<(&[u8], &[u8])> = arguments.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let context =
            SetContext { loading: self.persistence.is_loading(), local_client: client.socket.is_local() };
        let outcome = self
            .config
            .set(&pairs, context, &self.config_source.host)
            .and_then(|change| self.apply_config(change));
        match outcome {
            Ok(()) => {
                // The caller is not in the table while it is being served.
                client.session.authenticated |= self.settings.password_is_empty;
                // Whoever lets the history go may look at the directory next.
                let waits = !client.session.in_exec
                    && pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"aof-disable-auto-gc"));
                match waits.then(|| self.persistence.history_ticket()).flatten() {
                    Some(ticket) => self.block(client, Blocked::Job { ticket }),
                    None => client.reply.ok(),
                }
            }
            Err(error) => client.reply.error(&error.to_string()),
        }
    }

    /// CONFIG REWRITE
    pub(super) fn config_rewrite(&mut self, client: &mut Client) {
        match self.rewrite_config(false) {
            Ok(()) => client.reply.ok(),
            Err(text) => client.reply.error(&text),
        }
    }

    /// CONFIG RESETSTAT
    pub(super) fn config_resetstat(&mut self, client: &mut Client) {
        self.statistics.reset();
        self.statistics.lazyfreed_keys_before = self.dataset.keyspace.memory().lazyfreed_keys;
        self.dataset.stats = lastsave_commands::DataStats::default();
        self.eviction.reset_statistics();
        self.persistence.reset_statistics();
        client.reply.ok();
    }
}
