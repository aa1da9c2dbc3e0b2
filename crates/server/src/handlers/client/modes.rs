//! CLIENT REPLY, NO-EVICT, NO-TOUCH and DURABILITY.

use lastsave_resp::Request;

use crate::client::{Client, ReplyMode};
use crate::durability::Durability;
use crate::handlers::texts;
use crate::server::Server;

impl Server {
    /// CLIENT REPLY ON | OFF | SKIP
    pub(in crate::handlers) fn client_reply(client: &mut Client, request: Request<'_>) {
        let word = request.arg(2);
        if word.eq_ignore_ascii_case(b"on") {
            client.session.reply_mode = ReplyMode::On;
            client.reply.ok();
        } else if word.eq_ignore_ascii_case(b"off") {
            client.session.reply_mode = ReplyMode::Off;
        } else if word.eq_ignore_ascii_case(b"skip") {
            if client.session.reply_mode != ReplyMode::Off {
                client.session.reply_mode = ReplyMode::SkipNext;
            }
        } else {
            client.reply.error(texts::SYNTAX);
        }
    }

    /// CLIENT NO-EVICT ON | OFF
    pub(in crate::handlers) fn client_no_evict(client: &mut Client, request: Request<'_>) {
        if let Some(is_on) = on_or_off(client, request.arg(2)) {
            client.session.no_evict = is_on;
            client.reply.ok();
        }
    }

    /// CLIENT NO-TOUCH ON | OFF
    pub(in crate::handlers) fn client_no_touch(client: &mut Client, request: Request<'_>) {
        if let Some(is_on) = on_or_off(client, request.arg(2)) {
            client.session.no_touch = is_on;
            client.reply.ok();
        }
    }

    /// CLIENT DURABILITY
    pub(in crate::handlers) fn client_durability(&mut self, client: &mut Client, request: Request<'_>) {
        if request.len() == 2 {
            return client.reply.bulk(client.session.durability.name().as_bytes());
        }
        if request.len() > 3 {
            return client.reply.error(texts::SYNTAX);
        }
        match Durability::parse(request.arg(2)) {
            None => client.reply.error(
                "ERR The durability of a connection is 'always', 'everysec' or 'default', see CLIENT HELP",
            ),
            Some(wanted) if wanted != Durability::Default && !self.persistence.is_log_enabled() => {
                client.reply.error("ERR CLIENT DURABILITY needs the append only file: set appendonly to yes");
            }
            Some(wanted) => {
                self.set_durability(client, wanted);
                client.reply.ok();
            }
        }
    }
}

fn on_or_off(client: &mut Client, word: &[u8]) -> Option<bool> {
    if word.eq_ignore_ascii_case(b"on") {
        Some(true)
    } else if word.eq_ignore_ascii_case(b"off") {
        Some(false)
    } else {
        client.reply.error(texts::SYNTAX);
        None
    }
}
