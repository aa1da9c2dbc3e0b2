//! What a client waits for while its further commands stay unread.

use lastsave_commands::CommandSpec;
use lastsave_resp::OwnedRequest;

/// A client that has sent a command whose answer comes later.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// WAITAOF: until the log is durable up to a position.
    WaitAof {
        /// Log position that must be durable; 0 when the local copy was not asked for.
        position: u64,
        /// Whether the local copy was asked for.
        local: bool,
        /// Replicas asked for.
        replicas: u64,
        /// Monotonic time of the timeout; `None` = for ever.
        deadline_ms: Option<u64>,
    },
    /// WAIT: until that many replicas have acknowledged.
    Wait {
        /// Monotonic time of the timeout; `None` = for ever.
        deadline_ms: Option<u64>,
    },
    /// A job of the persistence layer that this client asked for and waits for (SAVE, DEBUG RELOAD ...).
    Job {
        /// The ticket that the completion names.
        ticket: u64,
    },
    /// BLPOP and its like: until a key can be taken from.
    Keys(KeyWait),
    /// SHUTDOWN, until the server exits or the shutdown is given up.
    Shutdown,
}

/// A command that waits for a key and is executed again when one is ready.
#[derive(Debug)]
pub(crate) struct KeyWait {
    /// The command.
    pub(crate) spec: &'static CommandSpec,
    /// What is executed again.
    pub(crate) request: OwnedRequest,
    /// Monotonic time of the timeout; `None` = for ever.
    pub(crate) deadline_ms: Option<u64>,
}

impl Blocked {
    /// The log position that has to become durable, if that is what the client waits for.
    pub(crate) fn awaited_position(&self) -> Option<u64> {
        match self {
            Self::WaitAof { position, local: true, .. } => Some(*position),
            _ => None,
        }
    }

    /// Whether CLIENT UNBLOCK may end it.
    pub(crate) fn can_be_given_up(&self) -> bool {
        matches!(self, Self::WaitAof { .. } | Self::Wait { .. })
    }

    /// Approximate bytes held for the time of the wait.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Keys(wait) => wait.request.memory_bytes(),
            _ => 0,
        }
    }

    /// Monotonic time at which the client stops waiting.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        match self {
            Self::WaitAof { deadline_ms, .. }
            | Self::Wait { deadline_ms }
            | Self::Keys(KeyWait { deadline_ms, .. }) => *deadline_ms,
            Self::Job { .. } | Self::Shutdown => None,
        }
    }
}
