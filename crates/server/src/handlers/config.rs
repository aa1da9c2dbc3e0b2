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
                match self.settling_ticket(client, &pairs) {
                    Some(ticket) => self.block(client, Blocked::Job { ticket }),
                    None => client.reply.ok(),
                }
            }
            Err(error) => client.reply.error(&error.to_string()),
        }
    }

    /// What a client waits for that has switched the log off, or has let its history go: it may look at the files next.
    fn settling_ticket(&mut self, client: &Client, pairs: &[(&[u8], &[u8])]) -> Option<u64> {
        let has_set = |wanted: &[u8]| pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let waits = has_set(b"appendonly") && !self.config.appendonly || has_set(b"aof-disable-auto-gc");
        if !waits || client.session.in_exec {
            return None;
        }
        self.persistence.settling_ticket()
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
