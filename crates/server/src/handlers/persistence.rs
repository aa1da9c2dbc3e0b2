//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN, WAIT, WAITAOF and ROLE.

use lastsave_resp::{Request, parse_integer};

use super::texts;
use crate::client::{Blocked, Client};
use crate::persistence::{Answer, ShutdownOptions, ShutdownProgress};
use crate::server::Server;

/// The error of WAITAOF when it asks for a local copy and there is no log.
pub(crate) const WAITAOF_WITHOUT_LOG: &str =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

impl Server {
    /// SAVE
    pub(super) fn save(&mut self, client: &mut Client) {
        let answer = self.persistence.save(&mut self.dataset, self.clock.now_ms());
        self.give_answer(client, answer);
    }

    /// BGSAVE [SCHEDULE | CANCEL]
    pub(super) fn bgsave(&mut self, client: &mut Client, request: Request<'_>) {
        let schedule = match request.get(1) {
            None => false,
            Some(_) if request.len() != 2 => return client.reply.error(texts::SYNTAX),
            Some(word) if word.eq_ignore_ascii_case(b"schedule") => true,
            Some(word) if word.eq_ignore_ascii_case(b"cancel") => {
                let answer = self.persistence.bgsave_cancel();
                return self.give_answer(client, answer);
            }
            Some(_) => return client.reply.error(texts::SYNTAX),
        };
        let answer = self.persistence.bgsave(&mut self.dataset, schedule, self.clock.now_ms());
        self.give_answer(client, answer);
    }

    /// BGREWRITEAOF
    pub(super) fn bgrewriteaof(&mut self, client: &mut Client) {
        let answer =
            self.persistence.bgrewriteaof(&mut self.dataset, client.session.in_exec, self.clock.now_ms());
        self.give_answer(client, answer);
    }

    /// Replies an answer of the persistence layer, or lets the client wait for it.
    pub(super) fn give_answer(&mut self, client: &mut Client, answer: Answer) {
        match answer {
            Answer::Status(text) => client.reply.simple(&text),
            Answer::Error(text) => client.reply.error(&text),
            Answer::Bulks(lines) => reply_lines(client, &lines),
            Answer::Later(ticket) => self.block(client, Blocked::Job { ticket }),
        }
    }

    /// Lets a client wait.
    pub(crate) fn block(&mut self, client: &mut Client, blocked: Blocked) {
        client.blocked = Some(blocked);
        self.queues.blocked.push(client.key);
    }

    /// LASTSAVE
    pub(super) fn lastsave(&self, client: &mut Client) {
        client.reply.integer(self.persistence.last_save_seconds());
    }

    /// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
    pub(super) fn shutdown(&mut self, client: &mut Client, request: Request<'_>) {
        let Some((options, abort)) = parse_shutdown(request) else {
            client.reply.error(texts::SYNTAX);
            return;
        };
        if abort {
            if self.abort_shutdown() {
                client.reply.ok();
            } else {
                client.reply.error("ERR No shutdown in progress.");
            }
            return;
        }
        if client.session.in_exec && !options.now {
            client.reply.error("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client");
            return;
        }
        match self.begin_shutdown(options) {
            ShutdownProgress::Done { .. } => client.closing = crate::client::Closing::Now,
            ShutdownProgress::Pending => self.block(client, Blocked::Shutdown),
            ShutdownProgress::Refused => client.reply.error("ERR Errors trying to SHUTDOWN. Check logs."),
        }
    }

    /// WAIT numreplicas timeout
    pub(super) fn wait(&mut self, client: &mut Client, request: Request<'_>) {
        let Some(replicas) = parse_integer(request.arg(1)) else {
            client.reply.error(texts::NOT_AN_INTEGER);
            return;
        };
        let Some(deadline_ms) = self.parse_deadline(client, request.arg(2)) else { return };
        if replicas <= 0 || client.session.in_exec {
            client.reply.integer(0);
            return;
        }
        self.block(client, Blocked::Wait { deadline_ms });
    }

    /// WAITAOF numlocal numreplicas timeout
    pub(super) fn waitaof(&mut self, client: &mut Client, request: Request<'_>) {
        let local = match parse_integer(request.arg(1)) {
            Some(local @ 0..=1) => local == 1,
            Some(_) => {
                client.reply.error("ERR value is out of range, must be between 0 and 1");
                return;
            }
            None => {
                client.reply.error(texts::NOT_AN_INTEGER);
                return;
            }
        };
        let replicas = match parse_integer(request.arg(2)) {
            Some(replicas) if replicas >= 0 => replicas as u64,
            Some(_) => {
                client.reply.error("ERR value is out of range, must be positive");
                return;
            }
            None => {
                client.reply.error(texts::NOT_AN_INTEGER);
                return;
            }
        };
        let Some(deadline_ms) = self.parse_deadline(client, request.arg(3)) else { return };
        if local && !self.persistence.is_log_enabled() {
            client.reply.error(WAITAOF_WITHOUT_LOG);
            return;
        }
        let position = client.session.last_write;
        let is_durable = local && self.persistence.durable() >= position;
        if (is_durable || !local) && replicas == 0 || client.session.in_exec {
            client.reply.array(2);
            client.reply.integer(i64::from(is_durable));
            client.reply.integer(0);
            return;
        }
        self.block(client, Blocked::WaitAof { position, local, replicas, deadline_ms });
    }

    /// A timeout in milliseconds as a time on the monotonic clock; 0 = never. Answers the error itself.
    fn parse_deadline(&self, client: &mut Client, argument: &[u8]) -> Option<Option<u64>> {
        let Some(timeout_ms) = parse_integer(argument) else {
            client.reply.error(texts::TIMEOUT);
            return None;
        };
        match u64::try_from(timeout_ms) {
            Ok(0) => Some(None),
            Ok(timeout_ms) => Some(Some(self.clock.monotonic_ms().saturating_add(timeout_ms))),
            Err(_) => {
                client.reply.error(texts::NEGATIVE_TIMEOUT);
                None
            }
        }
    }

    /// ROLE
    pub(super) fn role(client: &mut Client) {
        client.reply.array(3);
        client.reply.bulk(b"master");
        client.reply.integer(0);
        client.reply.array(0);
    }
}

/// Replies an array of bulk strings.
pub(crate) fn reply_lines(client: &mut Client, lines: &[String]) {
    client.reply.array(lines.len());
    for line in lines {
        client.reply.bulk(line.as_bytes());
    }
}

/// The options, and whether ABORT was asked for.
fn parse_shutdown(request: Request<'_>) -> Option<(ShutdownOptions, bool)> {
    let mut options = ShutdownOptions::default();
    let mut abort = false;
    for word in request.args().skip(1) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("nosave") {
            options.nosave = true;
        } else if is("save") {
            options.save = true;
        } else if is("now") {
            options.now = true;
        } else if is("force") {
            options.force = true;
        } else if is("abort") {
            abort = true;
        } else {
            return None;
        }
    }
    let is_contradiction = options.save && options.nosave || abort && request.len() > 2;
    (!is_contradiction).then_some((options, abort))
}
