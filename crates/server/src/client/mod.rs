//! One connected client: its socket, its session and its replies.

mod blocked;
mod close;
mod line;
mod session;
mod subscriptions;
mod table;
mod tracking;
mod transaction;

use std::num::NonZeroU64;

use lastsave_resp::{Parser, Protocol, ReplyBuffer};

pub(crate) use blocked::{Blocked, KeyWait};
pub(crate) use close::Closing;
pub(crate) use session::{ReplyMode, Session};
pub(crate) use table::ClientTable;
pub(crate) use transaction::Transaction;

use crate::client_eviction::AccountedBytes;
use subscriptions::Subscriptions;
pub(crate) use tracking::Tracking;

use crate::net::gate::ReplyGate;
use crate::net::output_limit::OutputPressure;
use crate::net::query_buffer::QueryBuffer;
use crate::net::socket::Socket;
use crate::net::token::ClientKey;

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its place in the table; also its poll token.
    pub(crate) key: ClientKey,
    /// The number clients see; never used twice.
    pub(crate) id: u64,
    /// The connection.
    pub(crate) socket: Socket,
    /// Peer address as text.
    pub(crate) peer: String,
    /// Own address as text.
    pub(crate) local: String,
    /// What arrived and is not executed.
    pub(crate) query: QueryBuffer,
    /// Where the parser is in it.
    pub(crate) parser: Parser,
    /// Bytes the command under way still misses; 0 = not known.
    pub(crate) wanted: usize,
    /// What was answered and is not sent.
    pub(crate) reply: ReplyBuffer,
    /// Where in the stream of replies the one to the command under way begins.
    pub(crate) reply_start: u64,
    /// How many of the errors in it are counted in the statistics.
    pub(crate) counted_errors: u64,
    /// Which answers may be sent.
    pub(crate) gate: ReplyGate,
    /// How long the output has been too long.
    pub(crate) pressure: OutputPressure,
    /// What the client has chosen with its commands.
    pub(crate) session: Session,
    /// What it listens to.
    pub(crate) subscriptions: Subscriptions,
    /// What it waits for, if anything.
    pub(crate) blocked: Option<Blocked>,
    /// Whether and how it is about to be closed.
    pub(crate) closing: Closing,
    /// What the loop has to do for it.
    pub(crate) work: Work,
    /// Bytes of it that are in the sums for all clients.
    pub(crate) accounted: AccountedBytes,
    /// When it connected and was last heard of, and how much it moved.
    pub(crate) activity: Activity,
}

/// What the event loop still has to do for a client.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of the event loop, not a state machine")]
pub(crate) struct Work {
    /// The socket may have more to read.
    pub(crate) readable: bool,
    /// The query buffer may hold a complete command.
    pub(crate) parse: bool,
    /// The peer has closed its end; there may be bytes to read before that.
    pub(crate) hung_up: bool,
    /// It is in the list of clients to serve.
    pub(crate) queued: bool,
    /// It is in the list of clients with output.
    pub(crate) flush_queued: bool,
    /// It is in the list of clients with held replies.
    pub(crate) gated: bool,
    /// The socket was full; the poll tells when it can be written.
    pub(crate) awaits_writable: bool,
    /// It is parked because the log cannot keep up.
    pub(crate) parked: bool,
    /// It waits for the end of a pause.
    pub(crate) paused: bool,
    /// Its command waited for a key and is executed again.
    pub(crate) executed_again: bool,
}

/// Times and amounts shown by CLIENT LIST.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Monotonic time of the connection.
    pub(crate) connected_ms: u64,
    /// Monotonic time of the last command or transfer.
    pub(crate) last_interaction_ms: u64,
    /// Name of the last command.
    pub(crate) last_command: Option<&'static lastsave_commands::CommandSpec>,
    /// Monotonic time since which the oldest held reply waits for the log; meaningful while there is one.
    pub(crate) held_since_ms: u64,
    /// Bytes read.
    pub(crate) input_bytes: u64,
    /// Bytes written.
    pub(crate) output_bytes: u64,
    /// Bytes of the arguments of the command under way, while CLIENT LIST or INFO shows them.
    pub(crate) argument_bytes: usize,
    /// Bytes of the query buffer that is being executed, and free bytes behind them.
    pub(crate) executing_bytes: (usize, usize),
}

impl Client {
    /// Output that Redis keeps in a buffer of the client itself, and does not count.
    pub(crate) const UNCOUNTED_OUTPUT_BYTES: usize = 1024;

    /// A client that has just connected.
    pub(crate) fn new(key: ClientKey, id: u64, socket: Socket, unix_path: &str, now_ms: u64) -> Self {
        let (peer, local) = (socket.peer_name(unix_path), socket.local_name(unix_path));
        Self {
            key,
            id,
            socket,
            peer,
            local,
            query: QueryBuffer::default(),
            parser: Parser::new(),
            wanted: 0,
            reply: ReplyBuffer::new(Protocol::Resp2),
            reply_start: 0,
            counted_errors: 0,
            gate: ReplyGate::default(),
            pressure: OutputPressure::default(),
            session: Session::default(),
            subscriptions: Subscriptions::default(),
            blocked: None,
            closing: Closing::default(),
            work: Work::default(),
            accounted: AccountedBytes::default(),
            activity: Activity { connected_ms: now_ms, last_interaction_ms: now_ms, ..Activity::default() },
        }
    }

    /// Whether its commands may be executed now.
    pub(crate) fn accepts_commands(&self) -> bool {
        self.blocked.is_none() && !self.work.parked && !self.work.paused && !self.closing.is_pending()
    }

    /// Lets long replies be given up once `client-output-buffer-limit` (0 for none) dooms the client.
    #[inline]
    pub(crate) fn limit_replies(&mut self, hard_bytes: u64) {
        let uncounted = if hard_bytes > 0 { Self::UNCOUNTED_OUTPUT_BYTES as u64 } else { 0 };
        self.reply.set_limit(NonZeroU64::new(hard_bytes.saturating_add(uncounted)));
    }

    /// Whether it listens to anything, which makes it a client of the type `pubsub`.
    #[inline]
    pub(crate) fn is_subscriber(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Whether it may do nothing but listen: messages in the second protocol cannot be told from replies.
    #[inline]
    pub(crate) fn only_listens(&self) -> bool {
        self.is_subscriber() && self.reply.protocol() == Protocol::Resp2
    }

    /// Bytes of output that count towards `client-output-buffer-limit`.
    pub(crate) fn limited_output_bytes(&self) -> u64 {
        self.reply.pending().saturating_sub(Self::UNCOUNTED_OUTPUT_BYTES) as u64
    }

    /// Approximate bytes this client costs.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.query.allocated_bytes()
            + self.reply.memory_bytes()
            + self.session.memory_bytes()
            + self.subscriptions.memory_bytes()
            + self.activity.executing_bytes.0
            + self.activity.executing_bytes.1
            + self.blocked.as_ref().map_or(0, Blocked::memory_bytes)
    }
}
