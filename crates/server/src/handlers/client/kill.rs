//! CLIENT KILL.

use lastsave_resp::Request;

use super::filter::Filter;
use crate::client::{Client, Closing};
use crate::server::Server;

impl Server {
    /// CLIENT KILL address | option value ...
    pub(in crate::handlers) fn client_kill(&mut self, client: &mut Client, request: Request<'_>) {
        if request.len() == 3 {
            return self.client_kill_address(client, request.arg(2));
        }
        let filter = match Filter::parse_kill(request) {
            Ok(filter) => filter,
            Err(text) => return client.reply.error(&text),
        };
        let killed = self.kill_matching(client, &filter);
        client.reply.integer(killed);
    }

    /// The old form: one address, an error when nobody has it, and the caller may kill itself.
    fn client_kill_address(&mut self, client: &mut Client, address: &[u8]) {
        let filter = Filter {
            id: None,
            address: Some(address),
            local_address: None,
            client_type: None,
            max_age_seconds: None,
            skip_me: false,
        };
        if self.kill_matching(client, &filter) > 0 {
            client.reply.ok();
        } else {
            client.reply.error("ERR No such client");
        }
    }

    fn kill_matching(&mut self, client: &mut Client, filter: &Filter<'_>) -> i64 {
        let now_ms = self.clock.monotonic_ms();
        let mut killed = 0;
        for key in self.clients.keys() {
            let Some(other) = self.clients.get_mut(key) else { continue };
            if filter.matches(other, now_ms) {
                other.closing = Closing::Now;
                self.queues.queue_flush(other);
                killed += 1;
            }
        }
        if !filter.skip_me && filter.matches(client, now_ms) {
            // The caller still gets its reply.
            client.closing = Closing::AfterFlush;
            killed += 1;
        }
        killed
    }
}
