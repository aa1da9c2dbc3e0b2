//! CLIENT PAUSE, UNPAUSE and UNBLOCK.

use lastsave_resp::{Request, parse_integer};

use crate::client::Client;
use crate::handlers::texts;
use crate::pause::PausedCommands;
use crate::server::Server;

impl Server {
    /// CLIENT PAUSE milliseconds [WRITE | ALL]
    pub(in crate::handlers) fn client_pause(&mut self, client: &mut Client, request: Request<'_>) {
        let commands = match request.get(3) {
            None => PausedCommands::All,
            Some(word) if word.eq_ignore_ascii_case(b"all") => PausedCommands::All,
            Some(word) if word.eq_ignore_ascii_case(b"write") => PausedCommands::Writes,
            Some(_) => return client.reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL"),
        };
        let Some(timeout_ms) = parse_integer(request.arg(2)) else {
            return client.reply.error(texts::TIMEOUT);
        };
        let Ok(timeout_ms) = u64::try_from(timeout_ms) else {
            return client.reply.error(texts::NEGATIVE_TIMEOUT);
        };
        if timeout_ms > (i64::MAX - self.clock.now_ms()) as u64 {
            return client.reply.error("ERR timeout is out of range");
        }
        self.begin_pause(commands, self.clock.monotonic_ms().saturating_add(timeout_ms));
        client.reply.ok();
    }

    /// CLIENT UNPAUSE
    pub(in crate::handlers) fn client_unpause(&mut self, client: &mut Client) {
        if self.pause.end() {
            self.end_pause();
        }
        client.reply.ok();
    }

    /// CLIENT UNBLOCK id [TIMEOUT | ERROR]
    pub(in crate::handlers) fn client_unblock(&mut self, client: &mut Client, request: Request<'_>) {
        let with_error = match request.get(3) {
            None => false,
            Some(word) if word.eq_ignore_ascii_case(b"timeout") => false,
            Some(word) if word.eq_ignore_ascii_case(b"error") => true,
            Some(_) => {
                return client.reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            }
        };
        let Some(id) = parse_integer(request.arg(2)) else {
            return client.reply.error(texts::NOT_AN_INTEGER);
        };
        let key = u64::try_from(id).ok().and_then(|id| self.clients.key_of(id));
        let unblocked = key.is_some_and(|key| self.unblock_early(key, with_error));
        client.reply.integer(i64::from(unblocked));
    }
}
