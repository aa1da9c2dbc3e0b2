//! Why a command is not executed: the checks before execution, in Redis' order, and their texts.

use lastsave_commands::{CommandSpec, Flags, Handler, Rejection, ServerCommand};
use lastsave_resp::Request;

use crate::client::{Client, Closing};
use crate::handlers::answers_with_pushes;
use crate::server::Server;

/// Bytes of a client's input quoted in an error.
const QUOTED_BYTES_MAX: usize = 128;

/// Why a command is refused before execution.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No such command; the text says what was sent.
    UnknownCommand(Vec<u8>),
    /// A container has no such subcommand.
    UnknownSubcommand(Vec<u8>),
    /// Wrong number of arguments.
    Arity(&'static CommandSpec),
    /// Needs a switch in the configuration.
    Protected(&'static CommandSpec),
    /// The client has to authenticate first.
    NoAuth,
    /// Must not be queued by MULTI.
    InTransaction,
    /// `maxmemory` is reached.
    OutOfMemory,
    /// Persistence fails; the text of MISCONF.
    Persistence(String),
    /// Not among the commands that a subscriber may call.
    Subscribed(&'static CommandSpec),
    /// Clients in MONITOR only watch.
    Monitoring,
    /// The dataset is being loaded.
    Loading,
}

impl Refusal {
    /// `-ERR unknown command 'x', with args beginning with: 'a' 'b' `.
    pub(crate) fn describe_unknown(request: Request<'_>) -> Vec<u8> {
        let mut preview = Vec::new();
        for arg in request.args().skip(1) {
            if preview.len() >= QUOTED_BYTES_MAX {
                break;
            }
            let left = QUOTED_BYTES_MAX - preview.len();
            preview.push(b'\'');
            preview.extend_from_slice(shorten(arg, left));
            preview.extend_from_slice(b"' ");
        }
        let mut text = b"ERR unknown command '".to_vec();
        text.extend_from_slice(shorten(request.arg(0), QUOTED_BYTES_MAX));
        text.extend_from_slice(b"', with args beginning with: ");
        text.extend_from_slice(&preview);
        text
    }

    /// The refusal of a subcommand that a container does not have.
    pub(crate) fn unknown_subcommand(container: &CommandSpec, name: &[u8]) -> Self {
        let mut text = b"ERR unknown subcommand '".to_vec();
        text.extend_from_slice(shorten(name, QUOTED_BYTES_MAX));
        text.extend_from_slice(b"'. Try ");
        text.extend_from_slice(container.name.to_ascii_uppercase().as_bytes());
        text.extend_from_slice(b" HELP.");
        Self::UnknownSubcommand(text)
    }

    /// The error reply, without its `-`.
    pub(crate) fn text(&self) -> Vec<u8> {
        match self {
            Self::UnknownCommand(text) | Self::UnknownSubcommand(text) => text.clone(),
            Self::Arity(spec) => Rejection::arity(spec).text().to_vec(),
            Self::Protected(spec) => {
                let directive = if container_of(spec) == "module" {
                    "enable-module-command"
                } else {
                    "enable-debug-command"
                };
                format!(
                    "ERR {} command not allowed. If the {directive} option is set to \"local\", you can run it from \
                     a local connection, otherwise you need to set this option in the configuration file, and then \
                     restart the server.",
                    container_of(spec).to_ascii_uppercase()
                )
                .into_bytes()
            }
            Self::NoAuth => b"NOAUTH Authentication required.".to_vec(),
            Self::InTransaction => b"ERR Command not allowed inside a transaction".to_vec(),
            Self::OutOfMemory => b"OOM command not allowed when used memory > 'maxmemory'.".to_vec(),
            Self::Persistence(text) => text.clone().into_bytes(),
            Self::Subscribed(spec) => format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                 this context",
                spec.full_name
            )
            .into_bytes(),
            Self::Monitoring => b"ERR Replica can't interact with the keyspace".to_vec(),
            Self::Loading => b"LOADING Redis is loading the dataset in memory".to_vec(),
        }
    }
}

/// Whether a command would be queued for EXEC, or is about the transaction that is open.
fn queues(client: &Client, spec: &CommandSpec) -> bool {
    client.session.transaction.is_some() && !matches!(spec.name, "exec" | "discard" | "quit" | "reset")
}

/// Whether a word begins what a browser sends, whom a page may have made send commands along.
pub(crate) fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// Whether a command is allowed while the client listens in the second protocol.
fn is_for_subscribers(spec: &CommandSpec) -> bool {
    match spec.handler {
        Handler::Server(ServerCommand::Ping | ServerCommand::Quit | ServerCommand::Reset) => true,
        Handler::Server(command) => answers_with_pushes(command),
        _ => false,
    }
}

/// The name of the container of a subcommand, or of the command itself.
fn container_of(spec: &CommandSpec) -> &'static str {
    spec.full_name.split('|').next().unwrap_or(spec.full_name)
}

fn shorten(bytes: &[u8], max: usize) -> &[u8] {
    &bytes[..bytes.len().min(max)]
}

impl Server {
    /// The checks that a known command has to pass, in Redis' order.
    pub(crate) fn refusal_of(
        &mut self,
        client: &mut Client,
        spec: &'static CommandSpec,
        _request: Request<'_>,
    ) -> Option<Refusal> {
        let flags = spec.flags;
        if !client.session.authenticated && !flags.has(Flags::NO_AUTH) {
            return Some(Refusal::NoAuth);
        }
        if client.session.transaction.is_some() && flags.has(Flags::NO_MULTI) {
            return Some(Refusal::InTransaction);
        }
        // Keys are given up whatever the command is; what queues commands for EXEC needs memory as well.
        if self.is_out_of_memory(Some(client)) && (client.session.would_grow(spec) || queues(client, spec)) {
            return Some(Refusal::OutOfMemory);
        }
        if (client.session.would_write(spec) || spec.name == "ping")
            && let Some(text) = self.persistence.write_refusal()
        {
            return Some(Refusal::Persistence(text));
        }
        if client.only_listens() && !is_for_subscribers(spec) {
            return Some(Refusal::Subscribed(spec));
        }
        if self.persistence.is_loading() && !client.session.runs_while_loading(spec) {
            return Some(Refusal::Loading);
        }
        if client.session.is_monitor && client.session.touches_data(spec) {
            return Some(Refusal::Monitoring);
        }
        None
    }

    /// Closes the connection of a client that speaks HTTP, and says so at most once a minute.
    pub(crate) fn drop_http_client(&mut self, client: &mut Client) {
        const SILENCE_SECONDS: u64 = 60;
        let now_ms = self.clock.monotonic_ms();
        if self.http_warned_ms.is_none_or(|then| now_ms.saturating_sub(then) >= SILENCE_SECONDS * 1000) {
            self.http_warned_ms = Some(now_ms);
            tracing::warn!(
                "Possible SECURITY ATTACK detected: {} sends POST or Host: as HTTP does. A web page may be used to reach \
                 this server; the connection is closed.",
                client.peer
            );
        }
        client.closing = Closing::Now;
    }

    /// Answers a refusal. A refused command spoils the transaction it was meant for.
    pub(crate) fn refuse(
        &mut self,
        client: &mut Client,
        spec: Option<&'static CommandSpec>,
        refusal: &Refusal,
    ) {
        let text = refusal.text();
        let counted = match refusal {
            Refusal::Arity(spec) | Refusal::Protected(spec) => Some(*spec),
            _ => spec,
        };
        if let Some(counted) = counted {
            self.statistics.commands.of(counted).rejected_calls += 1;
        }
        if spec.is_some_and(|spec| spec.name == "exec") {
            self.abort_transaction(client);
            let mut aborted = b"EXECABORT Transaction discarded because of: ".to_vec();
            aborted.extend_from_slice(text.strip_prefix(b"ERR ").unwrap_or(&text));
            client.reply.error_bytes(&aborted);
        } else {
            if let Some(transaction) = &mut client.session.transaction {
                transaction.aborted = true;
            }
            client.reply.error_bytes(&text);
        }
        self.statistics.note_errors(&client.reply, &mut client.counted_errors);
        // A refusal tells nothing about the data, but it must not overtake the replies before it.
        self.hold_reply(client, 0);
    }

    /// Whether the client may call a command that `enable-debug-command` and its like protect.
    pub(crate) fn allows_protected(&self, client: &Client, spec: &CommandSpec) -> bool {
        use lastsave_config::ProtectedAction;
        let action = if container_of(spec) == "module" {
            self.config.enable_module_command
        } else {
            self.config.enable_debug_command
        };
        match action {
            ProtectedAction::No => false,
            ProtectedAction::Yes => true,
            ProtectedAction::Local => client.socket.is_local(),
        }
    }
}
