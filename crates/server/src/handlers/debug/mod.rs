//! DEBUG: aids for tests and for looking inside.

mod help;
mod protocol;

use std::time::Duration;

use lastsave_commands::{
    Context, dataset_digest, debug_digest_value, debug_object, debug_populate, debug_structure, glob_matches,
};
use lastsave_config::parse_memory;
use lastsave_resp::{Request, parse_integer};

use super::texts;
use crate::client::Client;
use crate::crash;
use crate::dispatch::Scope;
use crate::persistence::{Answer, ReloadOptions};
use crate::server::Server;

impl Server {
    /// DEBUG subcommand ...; gives the log position that the reply depends on.
    pub(super) fn debug(&mut self, client: &mut Client, request: Request<'_>, scope: Scope) -> u64 {
        let name = request.arg(1).to_ascii_lowercase();
        match (name.as_slice(), request.len()) {
            (b"object", 3..) => return self.run_data(client, debug_object, request, scope),
            (b"digest-value", 2..) => return self.run_data(client, debug_digest_value, request, scope),
            (b"listpack", 3) | (b"quicklist", 3 | 4) => {
                return self.run_data(client, debug_structure_logged, request, scope);
            }
            (b"populate", 3..=5) => return self.run_data(client, debug_populate, request, scope),
            (b"digest", 2) => {
                let digest = dataset_digest(&self.dataset.keyspace);
                client.reply.simple(&digest.to_hex());
            }
            (b"reload", _) => self.debug_reload(client, request),
            (b"loadaof", 2) => self.debug_loadaof(client),
            _ => self.debug_switch(client, &name, request),
        }
        self.persistence.appended()
    }

    /// Subcommands that set something or make something happen.
    fn debug_switch(&mut self, client: &mut Client, name: &[u8], request: Request<'_>) {
        match (name, request.len()) {
            (b"set-active-expire", 3) => {
                self.cron.is_expiry_off = leading_number(request.arg(2)) == 0;
                client.reply.ok();
            }
            (b"pause-cron", 3) => {
                self.cron.is_paused = leading_number(request.arg(2)) != 0;
                client.reply.ok();
            }
            (b"aof-flush-sleep", 3) => {
                self.persistence.debug_flush_sleep(leading_number(request.arg(2)));
                client.reply.ok();
            }
            (b"set-skip-checksum-validation", 3) => {
                let is_skipped = leading_number(request.arg(2)) != 0;
                self.dataset.options.skip_dump_checksum = is_skipped;
                self.persistence.debug_skip_checksum(is_skipped);
                client.reply.ok();
            }
            (b"change-repl-id", 2) => {
                tracing::info!("Changing replication IDs after receiving change-repl-id");
                self.identity.change_replication_id();
                client.reply.ok();
            }
            (b"config-rewrite-force-all", 2) => match self.rewrite_config(true) {
                Ok(()) => client.reply.ok(),
                Err(text) => client.reply.error(&text),
            },
            (b"quicklist-packed-threshold", 3) => match packed_threshold(request.arg(2)) {
                Some(bytes) => {
                    self.dataset.options.list_plain_bytes_min = bytes;
                    client.reply.ok();
                }
                None => client
                    .reply
                    .error("ERR argument must be a memory value bigger than 1 and smaller than 4gb"),
            },
            // Settings of structures that this server does not have.
            (b"replybuffer", 4) | (b"stringmatch-test", 2) => {
                client.reply.ok();
            }
            _ => self.debug_plain(client, name, request),
        }
    }

    /// Subcommands that need nothing of the server.
    fn debug_plain(&mut self, client: &mut Client, name: &[u8], request: Request<'_>) {
        match (name, request.len()) {
            (b"help", 2) => help::reply(&mut client.reply),
            (b"sleep", 3) => {
                let seconds = std::str::from_utf8(request.arg(2)).ok().and_then(|text| text.parse().ok());
                let wait = Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default();
                // Whoever asks for this wants to see a server that does not answer.
                std::thread::sleep(wait);
                client.reply.ok();
            }
            (b"log", 3) => {
                tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(request.arg(2)));
                client.reply.ok();
            }
            (b"error", 3) => client.reply.error_bytes(request.arg(2)),
            (b"protocol", 3) => protocol::reply(&mut client.reply, request.arg(2)),
            (b"stringmatch-len", 4) => {
                let length = usize::try_from(leading_number(request.arg(2))).unwrap_or(0);
                let string = vec![b'a'; length.min(self.settings.max_bulk_bytes)];
                client.reply.integer(i64::from(glob_matches(request.arg(3), &string, false)));
            }
            (b"segfault" | b"panic" | b"assert" | b"oom", 2) => {
                crash::report(&format!("DEBUG {} was called", String::from_utf8_lossy(name).to_uppercase()));
                std::process::abort();
            }
            _ => {
                let name = String::from_utf8_lossy(request.arg(1)).into_owned();
                client.reply.error(&format!(
                    "ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
                ));
            }
        }
    }

    fn debug_reload(&mut self, client: &mut Client, request: Request<'_>) {
        let mut options = ReloadOptions { save: true, flush: true, merge: false };
        for word in request.args().skip(2) {
            if word.eq_ignore_ascii_case(b"merge") {
                options.merge = true;
            } else if word.eq_ignore_ascii_case(b"noflush") {
                options.flush = false;
            } else if word.eq_ignore_ascii_case(b"nosave") {
                options.save = false;
            } else {
                client.reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
                return;
            }
        }
        if client.session.in_exec {
            client.reply.error(texts::NOT_IN_TRANSACTION);
            return;
        }
        let answer = self.persistence.debug_reload(&mut self.dataset, options, self.clock.now_ms());
        self.give_answer(client, answer);
    }

    fn debug_loadaof(&mut self, client: &mut Client) {
        if client.session.in_exec {
            client.reply.error(texts::NOT_IN_TRANSACTION);
            return;
        }
        let answer: Answer = self.persistence.debug_loadaof(&mut self.dataset);
        self.give_answer(client, answer);
    }
}

/// DEBUG LISTPACK and DEBUG QUICKLIST.
fn debug_structure_logged(context: &mut Context<'_>, request: Request<'_>) {
    debug_structure(context, request, |entry| tracing::debug!("{:?}", entry.value()));
}

/// The argument of DEBUG QUICKLIST-PACKED-THRESHOLD.
fn packed_threshold(argument: &[u8]) -> Option<usize> {
    const THRESHOLD_MAX: u64 = (1 << 32) - (1 << 20);
    let bytes = parse_memory(argument)?;
    usize::try_from(bytes).ok().filter(|_| bytes <= THRESHOLD_MAX)
}

/// The number at the start of an argument, 0 without one, as C's `atoi` reads it.
fn leading_number(argument: &[u8]) -> u64 {
    parse_integer(argument).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}
