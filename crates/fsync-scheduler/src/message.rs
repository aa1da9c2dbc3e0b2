//! What goes into the scheduler (batches and requests) and what comes out (events).

use bytes::Bytes;

use crate::{LogError, Overload, Policy, Position, RewriteBase, Switch};

/// The bytes of whole units, by reference: nothing is copied on the way to the log.
#[derive(Clone, Debug)]
pub enum Batch {
    /// One piece.
    One(Bytes),
    /// Several pieces, in order.
    Many(Vec<Bytes>),
    /// Several pieces, in order, that rely on what the log holds before them.
    Continued {
        /// What a reader needs to be told first, should a file of the log begin with them: after a failure they may be
        /// logged again in a new increment. Otherwise it is not written, and positions do not count it.
        preface: Bytes,
        /// The pieces.
        parts: Vec<Bytes>,
    },
}

impl Batch {
    /// The pieces, in order.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        match self {
            Batch::One(bytes) => std::slice::from_ref(bytes),
            Batch::Many(parts) | Batch::Continued { parts, .. } => parts,
        }
    }

    /// What must stand before the pieces where a file begins with them.
    #[must_use]
    pub fn preface(&self) -> Option<&Bytes> {
        match self {
            Batch::One(_) | Batch::Many(_) => None,
            Batch::Continued { preface, .. } => Some(preface),
        }
    }

    /// Bytes in all pieces together.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.parts().iter().map(|part| part.len() as u64).sum()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(Bytes::is_empty)
    }
}

impl From<Bytes> for Batch {
    fn from(bytes: Bytes) -> Self {
        Batch::One(bytes)
    }
}

impl From<Vec<Bytes>> for Batch {
    fn from(parts: Vec<Bytes>) -> Self {
        Batch::Many(parts)
    }
}

/// Names a request, so that its completion event can be told from others. Unique within one scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A message to the [`Core`](crate::Core). Messages take effect in the order in which they are sent, except that nothing
/// waits for batches that a full or failed disk keeps from being written: behind these, policies change at once, and
/// requests that need them written are answered with what is wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Message {
    /// Effects to be logged.
    Append {
        /// Whole units.
        batch: Batch,
        /// The position after them; more than every earlier one.
        end: Position,
    },
    /// Changes the policy for what follows.
    SetPolicy(Policy),
    /// Changes what everysec does when the disk cannot keep up.
    SetOverload(Overload),
    /// Moves the log to another file here; answered by [`Event::SwitchDone`].
    Switch {
        /// Comes back in the event.
        id: RequestId,
        /// What for.
        kind: Switch,
        /// The position of this message: the end of the last batch before it.
        at: Position,
    },
    /// The base of the last switch is ready; answered by [`Event::RewriteDone`].
    CompleteRewrite {
        /// Comes back in the event.
        id: RequestId,
        /// Handed through to the log.
        base: RewriteBase,
    },
    /// The base of the last switch will not come; answered by [`Event::RewriteDone`].
    AbortRewrite {
        /// Comes back in the event.
        id: RequestId,
    },
    /// Writes and syncs everything before it; answered by [`Event::FlushDone`]: at once when nothing is left to do,
    /// with an error after one more attempt when the disk is full or failed, otherwise when a sync has ended. It never
    /// waits for the disk to recover, nor for the base of a re-base; for the first base of a log that is being enabled
    /// it does wait, until that is completed or aborted.
    Flush {
        /// Comes back in the event.
        id: RequestId,
    },
    /// Tries again now what a full or failed disk keeps waiting.
    Retry,
    /// Ends the log; answered by [`Event::Closed`], the last event.
    Close {
        /// Whether to write and sync everything first.
        clean: bool,
    },
    /// Nothing: wakes the log thread, which then looks at its deadlines again.
    Nudge,
}

/// Why writes cannot be logged at present. While there is one, the server refuses new writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// What happened last.
    pub error: LogError,
    /// Whether the increment is lost (a new one, or a re-base, is needed), not merely without room.
    pub lost: bool,
}

impl WriteFailure {
    /// The operating system's words, as clients are told: `No space left on device`.
    #[must_use]
    pub fn text(&self) -> String {
        self.error.text()
    }
}

/// Something the executor or the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A switch was carried out, or not.
    SwitchDone {
        /// Of the request.
        id: RequestId,
        /// What was done: `Rebase` on a healthy log is carried out as `Rewrite`.
        kind: Switch,
        /// The boundary between the old and the new increment.
        at: Position,
        /// After an error the log stays as it was.
        result: Result<(), LogError>,
    },
    /// A rewrite was completed or aborted.
    RewriteDone {
        /// Of the request.
        id: RequestId,
        /// After a failed completion the rewrite is still under way: complete it again, or abort it.
        result: Result<(), LogError>,
    },
    /// A flush was carried out, or not.
    FlushDone {
        /// Of the request.
        id: RequestId,
        /// The position synced.
        result: Result<Position, LogError>,
    },
    /// The log is closed. What had not been written stays unpublished: replies that wait for it never leave.
    Closed {
        /// `Err` when something could not be written, synced or trimmed.
        result: Result<(), LogError>,
    },
    /// Writes cannot be logged from now on; replies that wait for them stay held.
    WriteFailing(WriteFailure),
    /// Everything held back has been logged; writes are welcome again.
    WriteRecovered,
    /// An increment failed and was replaced by a new one; nothing acknowledged was lost.
    SegmentReplaced {
        /// Where the old increment ends: the last position it had durable.
        cut_at: Position,
        /// Bytes written again, from memory.
        relogged_bytes: u64,
        /// What the old one failed with.
        cause: LogError,
    },
    /// An increment failed and could not be replaced: take a snapshot and ask for [`Switch::Rebase`] at its cut.
    /// Replacing the increment goes on being tried meanwhile.
    NeedsRebase(WriteFailure),
    /// The log was being enabled and failed; it is off again.
    EnableFailed(LogError),
    /// Data at risk has exceeded what the policy promises, because a sync takes too long.
    SlowSync {
        /// Age of the oldest acknowledged write that is not durable, in milliseconds.
        at_risk_ms: u64,
        /// Whether replies are held back because of it.
        holding: bool,
    },
    /// The log thread has died (a mistake of ours): nothing will be released any more.
    Poisoned(WriteFailure),
}
