//! SLOWLOG.

use lastsave_resp::{Request, parse_integer};

use crate::client::Client;
use crate::server::Server;

/// Entries SLOWLOG GET shows when it is not told how many.
const SHOWN_ENTRIES: usize = 10;

impl Server {
    /// SLOWLOG GET [count]
    pub(super) fn slowlog_get(&self, client: &mut Client, request: Request<'_>) {
        let log = &self.observation.slow_log;
        let count = match request.get(2).map(parse_integer) {
            None => SHOWN_ENTRIES,
            Some(Some(-1)) => log.len(),
            Some(Some(count @ 0..)) => usize::try_from(count).unwrap_or(usize::MAX),
            Some(_) => return client.reply.error("ERR count should be greater than or equal to -1"),
        };
        if request.len() > 3 {
            return client
                .reply
                .error("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
        }
        let reply = &mut client.reply;
        reply.array(count.min(log.len()));
        for entry in log.iter().take(count) {
            reply.array(6);
            reply.integer(entry.id as i64);
            reply.integer(entry.unix_seconds);
            reply.integer(entry.duration_us as i64);
            reply.array(entry.arguments.len());
            for argument in &entry.arguments {
                reply.bulk(argument);
            }
            reply.bulk(entry.peer.as_bytes());
            reply.bulk(entry.client_name.as_bytes());
        }
    }

    /// SLOWLOG LEN
    pub(super) fn slowlog_len(&self, client: &mut Client) {
        client.reply.integer(self.observation.slow_log.len() as i64);
    }

    /// SLOWLOG RESET
    pub(super) fn slowlog_reset(&mut self, client: &mut Client) {
        self.observation.slow_log.clear();
        client.reply.ok();
    }
}
