//! The commands queued behind MULTI.

use lastsave_commands::{CommandSpec, Flags};
use lastsave_resp::OwnedRequest;

/// One queued command.
#[derive(Debug)]
pub(crate) struct Queued {
    /// What it is.
    pub(crate) spec: &'static CommandSpec,
    /// As it was sent.
    pub(crate) request: OwnedRequest,
}

/// An open MULTI.
#[derive(Debug)]
pub(crate) struct Transaction {
    queue: Vec<Queued>,
    /// Bytes of the queued requests.
    request_bytes: usize,
    /// A command was refused while queueing: EXEC aborts.
    pub(crate) aborted: bool,
    /// Flags that at least one queued command has.
    pub(crate) any_flags: Flags,
    /// Every queued command is allowed while the dataset is being loaded.
    pub(crate) runs_while_loading: bool,
}

impl Transaction {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self {
            queue: Vec::new(),
            request_bytes: 0,
            aborted: false,
            any_flags: Flags::NONE,
            runs_while_loading: true,
        }
    }

    /// Queues a command. After a refusal nothing is queued any more, since EXEC will not run it.
    pub(crate) fn push(&mut self, spec: &'static CommandSpec, request: OwnedRequest) {
        if self.aborted {
            return;
        }
        self.any_flags = self.any_flags.and(spec.flags);
        self.runs_while_loading &= spec.flags.has(Flags::LOADING);
        self.request_bytes += request.memory_bytes();
        self.queue.push(Queued { spec, request });
    }

    /// How many commands are queued.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The commands in order.
    pub(crate) fn into_queue(self) -> Vec<Queued> {
        self.queue
    }

    /// Bytes of the queued commands.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.request_bytes + self.queue.capacity() * size_of::<Queued>()
    }
}
