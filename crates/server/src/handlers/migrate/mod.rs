//! MIGRATE: keys move to another server. Everybody waits meanwhile, as in Redis: the keys are at any time in one place
//! that answers, never in none.

mod connection;
mod options;

pub(crate) use connection::MigrateConnections;
pub(crate) use options::is_secret_of_migrate;

use std::io::{self, ErrorKind};

use bytes::BytesMut;
use lastsave_commands::{Context, encode_restore, keys_to_migrate, remove_migrated};
use lastsave_resp::{Request, encode_command};

use crate::client::Client;
use crate::dispatch::Scope;
use crate::server::Server;
use connection::{Connection, is_timeout};
use options::MigrateOptions;

impl Server {
    /// MIGRATE host port key|"" db timeout [options]; gives the log position that the reply depends on.
    pub(super) fn migrate(&mut self, client: &mut Client, request: Request<'_>, scope: Scope) -> u64 {
        let options = match MigrateOptions::parse(request) {
            Ok(options) => options,
            Err(text) => {
                client.reply.error(text);
                return 0;
            }
        };
        let mut connections = std::mem::take(&mut self.migrate_connections);
        let now_ms = self.clock.monotonic_ms();
        let depends = self.run_with_data(client, request, scope, |context| {
            migrate(context, &options, &mut connections, now_ms);
        });
        self.migrate_connections = connections;
        if scope == Scope::Single {
            // It may have taken long; what comes next must not live in the past.
            self.clock.refresh();
        }
        depends
    }
}

/// Where talking to the target failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Writing,
    Reading,
}

impl Stage {
    fn text(self) -> &'static str {
        match self {
            Self::Writing => "IOERR error or timeout writing to target instance",
            Self::Reading => "IOERR error or timeout reading to target instance",
        }
    }
}

/// The connection to the target failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    stage: Stage,
    /// A new connection may do better: the target has said nothing, and it did not take too long.
    may_retry: bool,
}

impl Failure {
    fn new(stage: Stage, error: &io::Error) -> Self {
        let may_retry = !is_timeout(error) && error.kind() != ErrorKind::InvalidData;
        Self { stage, may_retry }
    }
}

/// What the target answered.
#[derive(Debug, Default)]
struct Answers {
    /// For each key that there was an answer for: whether the target has it now.
    taken: Vec<bool>,
    /// The first error it replied.
    refusal: Option<Vec<u8>>,
    /// Why there are not more answers.
    failure: Option<Failure>,
}

fn migrate(
    context: &mut Context<'_>,
    options: &MigrateOptions<'_>,
    connections: &mut MigrateConnections,
    now_ms: u64,
) {
    let keys = keys_to_migrate(context, options.keys.iter().copied());
    if keys.is_empty() {
        return context.reply.simple("NOKEY");
    }
    let mut restores = BytesMut::new();
    let mut is_retry = false;
    let answers = loop {
        let connected = connections.get(options.host, options.port, options.timeout, now_ms);
        let connection = match connected {
            Ok(connection) => connection,
            Err(error) => return context.reply.error(unconnected_text(&error)),
        };
        if restores.is_empty() {
            for key in &keys {
                if let Err(error) = encode_restore(context, key, options.replace, &mut restores) {
                    return context.reply.error(&format!("ERR {error}"));
                }
            }
        }
        let answers = exchange(connection, options, &restores, keys.len());
        if answers.failure.is_some() {
            connections.close(options.host, options.port);
        }
        if is_retry || !answers.failure.is_some_and(|failure| failure.may_retry) {
            break answers;
        }
        is_retry = true;
    };
    if !options.copy {
        let taken = keys.iter().zip(&answers.taken).filter(|(_, is_taken)| **is_taken);
        let taken: Vec<&[u8]> = taken.map(|(key, _)| *key).collect();
        remove_migrated(context, &taken);
    }
    match (answers.refusal, answers.failure) {
        (Some(text), _) => {
            let text = [&b"ERR Target instance replied with error: "[..], &text].concat();
            context.reply.error_bytes(&text);
        }
        (None, Some(failure)) => context.reply.error(failure.stage.text()),
        (None, None) => context.reply.ok(),
    }
}

/// Redis begins to write while it connects, and so tells a connection that is turned down as a failure to write.
fn unconnected_text(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::HostUnreachable => {
            Stage::Writing.text()
        }
        _ => "IOERR error or timeout connecting to the client",
    }
}

/// Sends everything in one go and reads the answers in order.
fn exchange(
    connection: &mut Connection,
    options: &MigrateOptions<'_>,
    restores: &[u8],
    count: usize,
) -> Answers {
    let mut answers = Answers::default();
    if let Err(failure) = converse(connection, options, restores, count, &mut answers) {
        answers.failure = Some(failure);
    }
    // After an error nobody knows what is selected.
    let is_fine = answers.refusal.is_none() && answers.failure.is_none();
    connection.db = is_fine.then_some(options.db);
    answers
}

fn converse(
    connection: &mut Connection,
    options: &MigrateOptions<'_>,
    restores: &[u8],
    count: usize,
    answers: &mut Answers,
) -> Result<(), Failure> {
    let (preamble, preamble_count) = preamble(options, connection.db);
    for bytes in [&preamble, restores] {
        let sent = connection.send(bytes, options.timeout);
        sent.map_err(|error| Failure::new(Stage::Writing, &error))?;
    }
    let mut receive =
        || connection.receive(options.timeout).map_err(|error| Failure::new(Stage::Reading, &error));
    let mut preamble_error = None;
    for _ in 0..preamble_count {
        if let Err(text) = receive()? {
            preamble_error.get_or_insert(text);
        }
    }
    for answered in 0..count {
        // Once the target has done something, sending it all again would do it twice.
        let answer = receive()
            .map_err(|failure| Failure { may_retry: failure.may_retry && answered == 0, ..failure })?;
        let refusal = preamble_error.clone().or(answer.err());
        answers.taken.push(refusal.is_none());
        if let Some(text) = refusal {
            answers.refusal.get_or_insert(text);
        }
    }
    Ok(())
}

/// AUTH and SELECT as far as they are needed, and how many commands that makes.
fn preamble(options: &MigrateOptions<'_>, selected: Option<i64>) -> (BytesMut, usize) {
    let mut commands = BytesMut::new();
    let mut count = 0;
    if let Some(credentials) = &options.credentials {
        let words = [Some(&b"AUTH"[..]), credentials.username, Some(credentials.password)];
        encode_command(&mut commands, &words.into_iter().flatten().collect::<Vec<_>>());
        count += 1;
    }
    if selected != Some(options.db) {
        let mut digits = itoa::Buffer::new();
        encode_command(&mut commands, &[b"SELECT", digits.format(options.db).as_bytes()]);
        count += 1;
    }
    (commands, count)
}
