//! Observing what the server executes: the slow log, the latency monitor, and clients in MONITOR.

use std::collections::BTreeMap;

use bytes::Bytes;
use lastsave_commands::{CommandSpec, Flags, Handler, ServerCommand};
use lastsave_config::Directive;
use lastsave_resp::Request;

use crate::client::Client;
use crate::handlers::is_secret_of_migrate;
use crate::net::token::ClientKey;
use crate::pubsub::Message;
use crate::server::Server;
use crate::statistics::{LatencyEvents, SlowCommand, SlowLog, shorten};

/// What is shown of an argument that is nobody's business.
const REDACTED: &[u8] = b"(redacted)";

/// What was observed, and who watches.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    /// SLOWLOG.
    pub(crate) slow_log: SlowLog,
    /// LATENCY.
    pub(crate) latency: LatencyEvents,
    /// Clients in MONITOR, by id.
    pub(crate) monitors: BTreeMap<u64, ClientKey>,
}

impl Server {
    /// Takes note of a command that was executed just now, if anything about it is notable.
    #[inline]
    pub(crate) fn observe(
        &mut self,
        client: &Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
        duration_ns: u64,
    ) {
        if duration_ns >= self.settings.notable_ns {
            self.note_slow_command(client, spec, request, duration_ns);
        }
        self.show_to_monitors(client, spec, request);
    }

    /// Shows a command to the clients in MONITOR, once, however often it is executed before it has its reply.
    #[inline]
    pub(crate) fn show_to_monitors(
        &mut self,
        client: &Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
    ) {
        if !self.observation.monitors.is_empty() && !client.work.executed_again {
            self.feed_monitors(client, spec, request);
        }
    }

    #[cold]
    fn note_slow_command(
        &mut self,
        client: &Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
        duration_ns: u64,
    ) {
        let event = if spec.flags.has(Flags::FAST) { "fast-command" } else { "command" };
        self.note_latency(event, duration_ns / 1_000_000);
        let duration_us = duration_ns / 1000;
        let is_slow = u64::try_from(self.config.slowlog_log_slower_than)
            .is_ok_and(|threshold_us| duration_us >= threshold_us);
        if !is_slow || client.blocked.is_some() || spec.flags.has(Flags::SKIP_SLOWLOG) {
            return;
        }
        let entry = SlowCommand {
            id: 0,
            unix_seconds: self.clock.now_seconds(),
            duration_us,
            arguments: shorten(request, |index| shown(spec, request, index)),
            peer: client.peer.clone(),
            client_name: client.session.name.clone(),
        };
        self.observation.slow_log.push(entry, self.config.slowlog_max_len);
    }

    /// Adds a sample to the latency monitor if it is on and the time is not below its threshold.
    pub(crate) fn note_latency(&mut self, event: &'static str, latency_ms: u64) {
        let threshold_ms = self.config.latency_monitor_threshold;
        if threshold_ms > 0 && latency_ms >= threshold_ms {
            self.observation.latency.add(event, self.clock.now_seconds(), latency_ms);
        }
    }

    #[cold]
    fn feed_monitors(&mut self, client: &Client, spec: &'static CommandSpec, request: Request<'_>) {
        if spec.flags.has(Flags::SKIP_MONITOR.and(Flags::ADMIN)) || self.persistence.is_loading() {
            return;
        }
        let now_us = self.clock.read_now_us();
        let origin = if client.socket.is_unix() {
            format!("unix:{}", self.listeners.unix_path())
        } else {
            client.peer.clone()
        };
        let mut line = format!(
            "+{}.{:06} [{} {origin}]",
            now_us.div_euclid(1_000_000),
            now_us.rem_euclid(1_000_000),
            client.session.db
        )
        .into_bytes();
        for index in 0..request.len() {
            line.push(b' ');
            quote(&mut line, shown(spec, request, index));
        }
        line.extend_from_slice(b"\r\n");
        let receivers = self.observation.monitors.values().copied().collect();
        self.outbox.send(Message::Line { line: Bytes::from(line) }, receivers);
    }
}

/// What may be shown of an argument: passwords and the like may not.
fn shown<'a>(spec: &CommandSpec, request: Request<'a>, index: usize) -> &'a [u8] {
    if is_secret(spec, request, index) { REDACTED } else { request.arg(index) }
}

fn is_secret(spec: &CommandSpec, request: Request<'_>, index: usize) -> bool {
    let is_word = |at: usize, word: &[u8]| request.arg(at).eq_ignore_ascii_case(word);
    match spec.handler {
        Handler::Server(ServerCommand::Auth) => (1..=2).contains(&index),
        // The name and the password behind each AUTH.
        Handler::Server(ServerCommand::Hello) => {
            index >= 3 && (is_word(index - 1, b"auth") || (index >= 4 && is_word(index - 2, b"auth")))
        }
        Handler::Server(ServerCommand::ConfigSet) => {
            index >= 3
                && index % 2 == 1
                && Directive::find(request.arg(index - 1)).is_some_and(Directive::is_sensitive)
        }
        Handler::Server(ServerCommand::Migrate) => is_secret_of_migrate(request, index),
        _ => spec.full_name == "acl|setuser" && index >= 2,
    }
}

/// Appends an argument in quotes, with what is not printable escaped.
fn quote(line: &mut Vec<u8>, argument: &[u8]) {
    line.push(b'"');
    for &byte in argument {
        let escaped = match byte {
            b'\\' | b'"' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x07 => b'a',
            0x08 => b'b',
            b' '..=b'~' => {
                line.push(byte);
                continue;
            }
            _ => {
                line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                continue;
            }
        };
        line.extend_from_slice(&[b'\\', escaped]);
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use lastsave_commands::resolve;
    use lastsave_resp::OwnedRequest;

    use super::*;

    fn shown_words(line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let owned = OwnedRequest::from_args(&words);
        let request = owned.as_request();
        let spec = resolve(request).expect("a known command");
        let shown = (0..request.len()).map(|index| String::from_utf8_lossy(shown(spec, request, index)));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn secrets_are_not_shown() {
        for (line, expected) in [
            ("AUTH secret", "AUTH (redacted)"),
            ("AUTH user secret", "AUTH (redacted) (redacted)"),
            ("HELLO 3 AUTH u p SETNAME n", "HELLO 3 AUTH (redacted) (redacted) SETNAME n"),
            (
                "CONFIG SET hz 10 requirepass p masterauth q",
                "CONFIG SET hz 10 requirepass (redacted) masterauth (redacted)",
            ),
            ("SET auth secret", "SET auth secret"),
            ("MIGRATE auth 1 key 0 10 AUTH p COPY", "MIGRATE auth 1 key 0 10 AUTH (redacted) COPY"),
            (
                "MIGRATE h 1 auth 0 auth AUTH2 u auth KEYS k",
                "MIGRATE h 1 auth 0 auth AUTH2 (redacted) (redacted) KEYS k",
            ),
            ("MIGRATE h 1 k 0 10 AUTH keys KEYS auth k", "MIGRATE h 1 k 0 10 AUTH (redacted) KEYS auth k"),
        ] {
            assert_eq!(shown_words(line), expected);
        }
    }

    #[test]
    fn arguments_are_quoted_as_redis_does() {
        let mut line = Vec::new();
        quote(&mut line, b"a \"b\" \\ \n\r\t\x07\x08\x00\xff'");
        assert_eq!(line, br#""a \"b\" \\ \n\r\t\a\b\x00\xff'""#);
    }
}
