//! What a client has chosen with its commands: database, name, transaction and modes.

use lastsave_commands::{CommandSpec, Flags};
use lastsave_resp::{OwnedRequest, ReplyBuffer};

use super::tracking::Tracking;
use super::transaction::Transaction;
use crate::durability::Durability;

/// Which replies a client wants (CLIENT REPLY).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ReplyMode {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// All, once the reply of the CLIENT REPLY SKIP under way and the next one are dropped.
    SkipNext,
    /// All but the one of the command under way.
    Skip,
}

/// What a client has chosen with its commands.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices of the client")]
pub(crate) struct Session {
    /// Selected database.
    pub(crate) db: usize,
    /// CLIENT SETNAME.
    pub(crate) name: String,
    /// CLIENT SETINFO LIB-NAME.
    pub(crate) library_name: String,
    /// CLIENT SETINFO LIB-VER.
    pub(crate) library_version: String,
    /// Whether it may do more than authenticate.
    pub(crate) authenticated: bool,
    /// An open MULTI.
    pub(crate) transaction: Option<Transaction>,
    /// EXEC is running its commands.
    pub(crate) in_exec: bool,
    /// Memory of the keys it watches, about.
    pub(crate) watched_bytes: usize,
    /// CLIENT REPLY.
    pub(crate) reply_mode: ReplyMode,
    /// MONITOR.
    pub(crate) is_monitor: bool,
    /// CLIENT TRACKING, while it is on.
    pub(crate) tracking: Option<Box<Tracking>>,
    /// CLIENT NO-EVICT.
    pub(crate) no_evict: bool,
    /// CLIENT NO-TOUCH.
    pub(crate) no_touch: bool,
    /// CLIENT DURABILITY.
    pub(crate) durability: Durability,
    /// Log position of its last write, for WAITAOF.
    pub(crate) last_write: u64,
}

impl Session {
    /// Whether a command writes, or executes queued commands that do.
    pub(crate) fn would_write(&self, spec: &CommandSpec) -> bool {
        self.any_flag(spec, Flags::WRITE)
    }

    /// Whether a command reads or writes data, or may have effects that others see.
    pub(crate) fn touches_data(&self, spec: &CommandSpec) -> bool {
        self.any_flag(spec, Flags::WRITE.and(Flags::READONLY).and(Flags::MAY_REPLICATE))
    }

    /// Whether a command may need memory, or executes queued commands that may.
    pub(crate) fn would_grow(&self, spec: &CommandSpec) -> bool {
        self.any_flag(spec, Flags::DENYOOM)
    }

    /// Whether a command, and for EXEC every queued one, is allowed while the dataset is being loaded.
    pub(crate) fn runs_while_loading(&self, spec: &CommandSpec) -> bool {
        let queued = self.transaction.as_ref().filter(|_| spec.name == "exec");
        spec.flags.has(Flags::LOADING) && queued.is_none_or(|transaction| transaction.runs_while_loading)
    }

    /// Whether a command has one of these flags, or executes queued commands of which one has.
    pub(crate) fn any_flag(&self, spec: &CommandSpec, flag: Flags) -> bool {
        let queued = self.transaction.as_ref().filter(|_| spec.name == "exec");
        spec.flags.has(flag) || queued.is_some_and(|transaction| transaction.any_flags.has(flag))
    }

    /// The client that is told what this one tracks, as it is shown: 0 for itself, -1 when it does not track.
    pub(crate) fn shown_redirect(&self) -> i64 {
        self.tracking.as_ref().map_or(-1, |tracking| tracking.redirect.unwrap_or(0) as i64)
    }

    /// Queues a command for EXEC.
    pub(crate) fn enqueue(&mut self, spec: &'static CommandSpec, request: OwnedRequest) {
        if let Some(transaction) = &mut self.transaction {
            transaction.push(spec, request);
        }
    }

    /// Drops the reply that began at `mark` if the client does not want it.
    pub(crate) fn apply_reply_mode(&mut self, reply: &mut ReplyBuffer, mark: u64) {
        match self.reply_mode {
            ReplyMode::On => {}
            ReplyMode::Off => reply.truncate_to(mark),
            ReplyMode::SkipNext => {
                reply.truncate_to(mark);
                self.reply_mode = ReplyMode::Skip;
            }
            ReplyMode::Skip => {
                reply.truncate_to(mark);
                self.reply_mode = ReplyMode::On;
            }
        }
    }

    /// Approximate bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.transaction_bytes()
            + self.watched_bytes
            + self.tracking.as_ref().map_or(0, |tracking| tracking.memory_bytes())
            + self.name.capacity()
            + self.library_name.capacity()
            + self.library_version.capacity()
    }

    /// Bytes of the queued commands.
    pub(crate) fn transaction_bytes(&self) -> usize {
        self.transaction.as_ref().map_or(0, Transaction::memory_bytes)
    }
}
