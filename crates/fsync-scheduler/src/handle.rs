//! The executor's side: hands batches over without ever blocking, reads positions, declares what it waits for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use crate::atomics::Ordering;
use crate::published::Published;
use crate::{
    Batch, Clock, Event, LogError, Message, Overload, Policy, Position, RequestId, RewriteBase, Statistics,
    Switch, WriteFailure,
};

/// Batches up to this size may be written by the executor itself.
const INLINE_BYTES_MAX: u64 = 8 * 1024;

/// Lets the executor write by itself while the log thread is idle, without knowing the type of the log.
pub(crate) trait InlineWriter: Send + Sync {
    /// Writes unless anything stands in the way, which never includes waiting; `before` is called once it is certain.
    fn try_write(&self, batch: &Batch, appended: Position, end: Position, before: &dyn Fn())
    -> InlineOutcome;
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InlineOutcome {
    /// Not written; hand it over.
    Refused,
    /// Taken (and written, or kept by the core because the disk is full).
    Taken {
        /// The log thread has to look at its deadlines again.
        nudge: bool,
    },
}

/// The executor's end of the scheduler. One per scheduler; owned by one thread (it can be sent, not shared).
///
/// Dropping it ends the log cleanly: everything handed over is written and synced first.
pub struct LogHandle {
    messages: Sender<Message>,
    events: Receiver<Event>,
    set_aside: RefCell<VecDeque<Event>>,
    published: Arc<Published>,
    inline: Arc<dyn InlineWriter>,
    clock: Arc<dyn Clock>,
    queue_bytes_max: u64,
    /// What only this handle writes, so that it is read without an atomic.
    appended: Cell<Position>,
    sent_bytes: Cell<u64>,
    next_id: Cell<u64>,
}

impl LogHandle {
    pub(crate) fn new(
        messages: Sender<Message>,
        events: Receiver<Event>,
        published: Arc<Published>,
        inline: Arc<dyn InlineWriter>,
        clock: Arc<dyn Clock>,
        queue_bytes_max: u64,
    ) -> Self {
        let appended = Position::new(published.appended.load(Ordering::Acquire));
        Self {
            messages,
            events,
            set_aside: RefCell::new(VecDeque::new()),
            published,
            inline,
            clock,
            queue_bytes_max,
            appended: Cell::new(appended),
            sent_bytes: Cell::new(0),
            next_id: Cell::new(1),
        }
    }

    /// Hands whole units over, ending at position `end`. Never blocks and never fails; what bounds it is
    /// [`LogHandle::is_saturated`], at which the executor stops executing writes. An empty batch is nothing.
    ///
    /// # Panics
    ///
    /// When `end` is not beyond every earlier position.
    pub fn append(&self, batch: impl Into<Batch>, end: Position) {
        let batch = batch.into();
        if self.note_appended(&batch, end) {
            self.send(Message::Append { batch, end });
        }
    }

    /// Writes the batch from this very thread when that is possible without waiting: the log thread is idle, nothing
    /// is queued, no sync runs, and the policy is not `always`. `false`: nothing was done, use [`LogHandle::append`].
    ///
    /// Worth it for a lone client, whose reply then needs no other thread at all. A batch of more than 8 KiB comes from
    /// many clients or from bulk work; copying it takes long, and the log thread does that beside the executor.
    ///
    /// # Panics
    ///
    /// As [`LogHandle::append`].
    #[must_use]
    pub fn try_write_inline(&self, batch: &Batch, end: Position) -> bool {
        if batch.is_empty()
            || batch.len() > INLINE_BYTES_MAX
            || self.published.written.value() != self.appended.get().get()
        {
            return false;
        }
        let before = || {
            let _ = self.note_appended(batch, end);
        };
        match self.inline.try_write(batch, self.appended.get(), end, &before) {
            InlineOutcome::Refused => false,
            InlineOutcome::Taken { nudge } => {
                if nudge {
                    self.send(Message::Nudge);
                }
                true
            }
        }
    }

    /// Moves `appended` forward; `false` for a batch without bytes.
    fn note_appended(&self, batch: &Batch, end: Position) -> bool {
        let before = self.appended.get();
        let bytes = batch.len();
        if bytes == 0 {
            assert!(end == before, "an empty batch does not move the position");
            return false;
        }
        assert!(end > before, "batches advance: {end} does not follow {before}");
        self.sent_bytes.set(self.sent_bytes.get() + bytes);
        self.published.sent_bytes.store(self.sent_bytes.get(), Ordering::Release);
        self.appended.set(end);
        self.published.appended.store(end.get(), Ordering::Release);
        true
    }

    fn send(&self, message: Message) {
        // A log thread that is gone has said so through `failure()`, and nothing is released any more.
        let _ = self.messages.send(message);
    }

    /// End of the last batch handed over.
    #[must_use]
    pub fn appended(&self) -> Position {
        self.appended.get()
    }

    /// Everything before it survives the death of the process.
    #[must_use]
    pub fn written(&self) -> Position {
        Position::new(self.published.written.value())
    }

    /// Everything before it survives power loss: what WAITAOF asks for.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position::new(self.published.durable.value())
    }

    /// Replies that depend on no more than this may leave, as the policy has it.
    #[must_use]
    pub fn released(&self) -> Position {
        Position::new(self.published.released.value())
    }

    /// Bytes handed over and not yet written.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.published.queued_bytes()
    }

    /// Whether so much is queued that no more writes should be executed; see [`LogHandle::want_space`].
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.queued_bytes() >= self.queue_bytes_max
    }

    /// Declares that the executor sleeps until replies up to `position` may leave: the waker is called then, once.
    /// `false`: they already may, do not sleep. Each kind of wait has room for one declaration; the last one counts.
    #[must_use]
    pub fn want_wake(&self, position: Position) -> bool {
        self.published.released.want(position.get())
    }

    /// As [`LogHandle::want_wake`], for [`LogHandle::written`].
    #[must_use]
    pub fn want_written(&self, position: Position) -> bool {
        self.published.written.want(position.get())
    }

    /// As [`LogHandle::want_wake`], for [`LogHandle::durable`].
    #[must_use]
    pub fn want_durable(&self, position: Position) -> bool {
        self.published.durable.want(position.get())
    }

    /// As [`LogHandle::want_wake`], for the queue to be half empty. `false`: it already is.
    #[must_use]
    pub fn want_space(&self) -> bool {
        self.published.taken_bytes.want(self.sent_bytes.get().saturating_sub(self.queue_bytes_max / 2))
    }

    /// Takes declarations back: the executor is awake and looks by itself. Saves the log thread system calls.
    pub fn cancel_wake(&self) {
        self.published.released.cancel();
        self.published.written.cancel();
        self.published.durable.cancel();
        self.published.taken_bytes.cancel();
    }

    /// The next event. The waker is called after events have been sent.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        let aside = self.set_aside.borrow_mut().pop_front();
        aside.or_else(|| self.events.try_recv().ok())
    }

    /// Waits for the next event; `None` when `timeout` passes without one, or the log thread has ended.
    #[must_use]
    pub fn wait_event(&self, timeout: Duration) -> Option<Event> {
        let aside = self.set_aside.borrow_mut().pop_front();
        aside.or_else(|| self.events.recv_timeout(timeout).ok())
    }

    /// Why writes cannot be logged at present; `None` in good health. Cheap.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<WriteFailure>> {
        self.published.failure()
    }

    /// Changes the policy for what follows.
    pub fn set_policy(&self, policy: Policy) {
        self.send(Message::SetPolicy(policy));
    }

    /// Changes what everysec does when the disk cannot keep up.
    pub fn set_overload(&self, overload: Overload) {
        self.send(Message::SetOverload(overload));
    }

    /// Asks for a switch to another file at `at`, which is the present end of the stream (for a log that is off: at
    /// least that). Answered by [`Event::SwitchDone`].
    ///
    /// The switch syncs what is unsynced while later batches, and the replies that wait for them, collect. To keep that
    /// short, ask for a [`LogHandle::flush`] first and for the switch when it is done.
    #[must_use]
    pub fn request_switch(&self, kind: Switch, at: Position) -> RequestId {
        if at > self.appended.get() {
            self.appended.set(at);
            self.published.appended.store(at.get(), Ordering::Release);
        }
        let id = self.take_id();
        self.send(Message::Switch { id, kind, at });
        id
    }

    /// The base of the last switch is complete. Answered by [`Event::RewriteDone`].
    #[must_use]
    pub fn complete_rewrite(&self, base: RewriteBase) -> RequestId {
        let id = self.take_id();
        self.send(Message::CompleteRewrite { id, base });
        id
    }

    /// The base of the last switch will not come. Answered by [`Event::RewriteDone`].
    #[must_use]
    pub fn abort_rewrite(&self) -> RequestId {
        let id = self.take_id();
        self.send(Message::AbortRewrite { id });
        id
    }

    /// Writes and syncs everything handed over so far. Answered by [`Event::FlushDone`], and always soon: at once when
    /// all is durable already, with an error after one more attempt when the disk is full or failed. Only a log that is
    /// being enabled keeps it waiting, for its first base.
    #[must_use]
    pub fn flush(&self) -> RequestId {
        let id = self.take_id();
        self.send(Message::Flush { id });
        id
    }

    /// [`LogHandle::flush`] for callers that have nothing else to do (SHUTDOWN, DEBUG): waits for it. Other events that
    /// come meanwhile are kept for [`LogHandle::next_event`].
    ///
    /// # Errors
    ///
    /// What kept it from being written or synced; [`LogError::Poisoned`] also when `timeout` has passed.
    pub fn flush_and_wait(&self, timeout: Duration) -> Result<Position, LogError> {
        let wanted = self.flush();
        self.wait_for(timeout, |event| match event {
            Event::FlushDone { id, result } if *id == wanted => Some(result.clone()),
            _ => None,
        })
    }

    /// Ends the log; with `clean`, after writing and syncing everything. Answered by [`Event::Closed`]; the threads end
    /// after it.
    pub fn close(&self, clean: bool) {
        self.send(Message::Close { clean });
    }

    /// [`LogHandle::close`] and waits for it.
    ///
    /// # Errors
    ///
    /// As [`LogHandle::flush_and_wait`].
    pub fn close_and_wait(&self, clean: bool, timeout: Duration) -> Result<(), LogError> {
        self.close(clean);
        self.wait_for(timeout, |event| match event {
            Event::Closed { result } => Some(result.clone()),
            _ => None,
        })
    }

    fn wait_for<T>(
        &self,
        timeout: Duration,
        answer: impl Fn(&Event) -> Option<Result<T, LogError>>,
    ) -> Result<T, LogError> {
        let until = Instant::now() + timeout;
        let early = {
            let mut set_aside = self.set_aside.borrow_mut();
            let index = set_aside.iter().position(|event| answer(event).is_some());
            index.and_then(|index| set_aside.remove(index))
        };
        if let Some(result) = early.as_ref().and_then(&answer) {
            return result;
        }
        loop {
            let Ok(event) = self.events.recv_deadline(until) else {
                return Err(match self.failure() {
                    Some(failure) => failure.error.clone(),
                    None => LogError::Poisoned("no answer in time".to_owned()),
                });
            };
            if let Some(result) = answer(&event) {
                return result;
            }
            self.set_aside.borrow_mut().push_back(event);
        }
    }

    /// Tries again now what a full or failed disk keeps waiting.
    pub fn retry(&self) {
        self.send(Message::Retry);
    }

    /// Simulates a slow disk: writes wait this long (`DEBUG AOF-FLUSH-SLEEP`). 0 ends it.
    pub fn set_write_delay_us(&self, us: u64) {
        self.published.set_write_delay_us(us);
        self.send(Message::Nudge);
    }

    /// The numbers for operators.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.published.statistics(self.clock.now())
    }

    /// A reader for other threads (metrics).
    #[must_use]
    pub fn monitor(&self) -> LogMonitor {
        LogMonitor { published: Arc::clone(&self.published), clock: Arc::clone(&self.clock) }
    }

    fn take_id(&self) -> RequestId {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        RequestId(id)
    }
}

impl std::fmt::Debug for LogHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LogHandle")
            .field("appended", &self.appended)
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}

/// Reads positions, failure and statistics from any thread.
#[derive(Clone)]
pub struct LogMonitor {
    published: Arc<Published>,
    clock: Arc<dyn Clock>,
}

impl LogMonitor {
    /// The numbers for operators.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.published.statistics(self.clock.now())
    }

    /// Why writes cannot be logged at present.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<WriteFailure>> {
        self.published.failure()
    }
}

impl std::fmt::Debug for LogMonitor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LogMonitor").field("published", &self.published).finish_non_exhaustive()
    }
}
