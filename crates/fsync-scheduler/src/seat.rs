//! The seat at the core: held by the log thread while it works, tried by the executor for a single write.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use crate::atomics::Ordering;
use crate::handle::{InlineOutcome, InlineWriter};
use crate::published::Published;
use crate::{Batch, Clock, Core, Event, Log, Message, Position};

/// When the log thread looks at its deadlines again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    Awake,
    Until(Option<Duration>),
}

pub(crate) struct Seat<L: Log> {
    pub(crate) core: Core<L>,
    pub(crate) sleeps_until: Sleep,
}

/// What log thread and executor share. The seat is held by the log thread while it works and, for a single page-cache
/// write, by the executor, which only ever tries to take it.
pub(crate) struct Shared<L: Log> {
    pub(crate) seat: Mutex<Seat<L>>,
    /// Only to see whether anything is queued: messages are taken by the holder of the seat alone, so an empty queue
    /// seen by the holder means that the core has everything.
    pub(crate) messages: Receiver<Message>,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Poisons the published state unless disarmed: a step that panics leaves the core in a state that must not be stepped
/// again, and the executor must not wait for it. Declared after the lock guard, so that it acts before the lock opens.
pub(crate) struct PoisonGuard<'a> {
    published: &'a Published,
    events: Option<&'a Sender<Event>>,
    armed: bool,
}

impl<'a> PoisonGuard<'a> {
    pub(crate) fn new(published: &'a Published, events: Option<&'a Sender<Event>>) -> Self {
        Self { published, events, armed: true }
    }

    pub(crate) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for PoisonGuard<'_> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let failure = self.published.poison("a step of the log panicked");
        if let Some(events) = self.events {
            let _ = events.send(Event::Poisoned(failure));
        }
        self.published.wake();
    }
}

impl<L: Log> Shared<L> {
    pub(crate) fn new(core: Core<L>, messages: Receiver<Message>, clock: Arc<dyn Clock>) -> Self {
        let published = core.published();
        Self { seat: Mutex::new(Seat { core, sleeps_until: Sleep::Awake }), messages, published, clock }
    }
}

impl<L: Log> InlineWriter for Shared<L> {
    fn try_write(
        &self,
        batch: &Batch,
        appended: Position,
        end: Position,
        before: &dyn Fn(),
    ) -> InlineOutcome {
        let Some(mut seat) = self.seat.try_lock() else {
            return InlineOutcome::Refused;
        };
        // Three conditions make the order airtight: the only producer is the caller, so nothing is being sent; nothing
        // sent is waiting in the channel; and the core has written everything appended so far.
        if self.published.poisoned.load(Ordering::Acquire)
            || !self.messages.is_empty()
            || !seat.core.is_open_for_inline_write(appended)
        {
            return InlineOutcome::Refused;
        }
        before();
        let guard = PoisonGuard::new(&self.published, None);
        let now = self.clock.now();
        seat.core.write_inline(batch.clone(), end, now);
        let nudge = seat.core.has_events()
            || match (seat.sleeps_until, seat.core.next_deadline()) {
                (Sleep::Awake, _) | (_, None) => false,
                (Sleep::Until(None), Some(_)) => true,
                (Sleep::Until(Some(until)), Some(deadline)) => deadline < until,
            };
        guard.disarm();
        InlineOutcome::Taken { nudge }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use bytes::Bytes;
    use crossbeam_channel::unbounded;

    use super::*;
    use crate::{LogBytes, LogError, Options, Policy, RewriteBase, Switch, SyncHandle};

    /// Accepts everything.
    struct Sink;

    impl SyncHandle for Sink {
        fn sync(&self) -> Result<(), LogError> {
            Ok(())
        }
    }

    impl Log for Sink {
        fn write(&mut self, _: &[Bytes], _: Position, _: Position, _: bool) -> Result<(), LogError> {
            Ok(())
        }
        fn sync_handle(&self) -> Arc<dyn SyncHandle> {
            Arc::new(Sink)
        }
        fn mark(&mut self, _: Position) -> Result<(), LogError> {
            Ok(())
        }
        fn switch(&mut self, _: Switch, _: Position, _: Position) -> Result<(), LogError> {
            Ok(())
        }
        fn complete_rewrite(&mut self, _: &RewriteBase, _: Position) -> Result<(), LogError> {
            Ok(())
        }
        fn abort_rewrite(&mut self) -> Result<(), LogError> {
            Ok(())
        }
        fn start_new_increment(&mut self, _: Position) -> Result<(), LogError> {
            Ok(())
        }
        fn adopt_new_increment(&mut self, _: Position, _: Position) -> Result<(), LogError> {
            Ok(())
        }
        fn close(&mut self, _: Position, _: Position, _: bool) -> Result<(), LogError> {
            Ok(())
        }
        fn bytes(&self) -> LogBytes {
            LogBytes::default()
        }
    }

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Duration {
            Duration::from_secs(100)
        }
    }

    /// What log thread and executor share, with a log thread that sleeps as told and never wakes.
    fn asleep(policy: Policy, until: Option<Duration>) -> (Shared<Sink>, Sender<Message>) {
        let mut core = Core::new(Sink, Position::ZERO, Options { policy, ..Options::default() });
        core.run(StoppedClock.now());
        let (sender, messages) = unbounded();
        let shared = Shared::new(core, messages, Arc::new(StoppedClock));
        shared.seat.lock().sleeps_until = Sleep::Until(until);
        (shared, sender)
    }

    fn try_write(shared: &Shared<Sink>, from: u64, to: u64) -> InlineOutcome {
        let batch = Batch::One(Bytes::from_static(b"x"));
        shared.try_write(&batch, Position::new(from), Position::new(to), &|| {})
    }

    #[test]
    fn an_inline_write_wakes_a_log_thread_that_would_miss_the_sync() {
        let (shared, _sender) = asleep(Policy::EverySecond, None);
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Taken { nudge: true });
        assert_eq!(try_write(&shared, 1, 2), InlineOutcome::Taken { nudge: true });
        let (shared, _sender) = asleep(Policy::EverySecond, Some(Duration::ZERO));
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Taken { nudge: false }, "it wakes in time");
        let (shared, _sender) = asleep(Policy::No, Some(Duration::from_secs(110)));
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Taken { nudge: false });
    }

    #[test]
    fn nothing_is_written_inline_past_anything_that_waits() {
        let (shared, sender) = asleep(Policy::EverySecond, None);
        sender.send(Message::SetPolicy(Policy::Always)).expect("a receiver");
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Refused, "a message is on its way");

        let (shared, _sender) = asleep(Policy::EverySecond, None);
        assert_eq!(try_write(&shared, 5, 6), InlineOutcome::Refused, "a batch is missing");

        let (shared, _sender) = asleep(Policy::EverySecond, None);
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Taken { nudge: true });
        shared.seat.lock().core.run(StoppedClock.now());
        assert_eq!(try_write(&shared, 1, 2), InlineOutcome::Refused, "a sync is under way");

        let (shared, _sender) = asleep(Policy::Always, None);
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Refused, "under always a sync must come first");

        let (shared, _sender) = asleep(Policy::No, None);
        let held = shared.seat.lock();
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Refused, "the log thread is at work");
        drop(held);

        shared.published.poison("test");
        assert_eq!(try_write(&shared, 0, 1), InlineOutcome::Refused, "a dead log is not written");
    }
}
