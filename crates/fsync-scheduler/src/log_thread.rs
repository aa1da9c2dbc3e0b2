//! What the log thread does, round by round.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError};

use crate::atomics::Ordering;
use crate::seat::{PoisonGuard, Seat, Shared, Sleep};
use crate::{Core, Event, Log, Message, Work, WorkDone};

/// Messages taken in between two looks at the disk, so that a busy executor cannot keep the log thread from writing.
const MESSAGES_PER_ROUND: usize = 4096;

pub(crate) struct LogThread<L: Log> {
    pub(crate) shared: Arc<Shared<L>>,
    pub(crate) messages: Receiver<Message>,
    pub(crate) done: Receiver<WorkDone>,
    pub(crate) work: Sender<Work>,
    pub(crate) events: Sender<Event>,
    pub(crate) handle_is_gone: bool,
}

/// What a round leaves to be done without the seat.
pub(crate) enum Next {
    /// Sync on this thread, then go on.
    SyncInline(Work),
    /// Go on at once.
    Again,
    Sleep(Option<Duration>),
    End,
}

impl<L: Log> LogThread<L> {
    pub(crate) fn run(mut self) {
        let mut inline_done = None;
        loop {
            match self.round(inline_done.take()) {
                Next::SyncInline(work) => inline_done = Some(work.run()),
                Next::Again => {}
                Next::Sleep(duration) => self.sleep(duration),
                Next::End => return,
            }
        }
    }

    /// Until something arrives or the time has passed. Nothing is taken out of a channel here: that is for the holder
    /// of the seat.
    fn sleep(&self, duration: Option<Duration>) {
        let mut select = Select::new();
        select.recv(&self.done);
        if !self.handle_is_gone {
            select.recv(&self.messages);
        }
        match duration {
            None => {
                select.ready();
            }
            Some(duration) => {
                let _ = select.ready_timeout(duration);
            }
        }
    }

    /// Takes in what has come, lets the core work, passes on what comes out.
    pub(crate) fn round(&mut self, inline_done: Option<WorkDone>) -> Next {
        let shared = Arc::clone(&self.shared);
        let mut seat = shared.seat.lock();
        if self.shared.published.poisoned.load(Ordering::Acquire) {
            // The executor's own write panicked.
            return Next::End;
        }
        let events = self.events.clone();
        let guard = PoisonGuard::new(&shared.published, Some(&events));
        let next = self.round_seated(&mut seat, inline_done);
        guard.disarm();
        next
    }

    fn round_seated(&mut self, seat: &mut Seat<L>, inline_done: Option<WorkDone>) -> Next {
        seat.sleeps_until = Sleep::Awake;
        let core = &mut seat.core;
        // Results first: what they release should not wait for the next group.
        for done in inline_done.into_iter().chain(self.done.try_iter()) {
            core.work_done(done, self.shared.clock.now());
        }
        let more = self.take_messages(core);
        core.run(self.shared.clock.now());
        let mut sync_inline = None;
        while let Some(work) = core.take_work() {
            if matches!(work, Work::Sync { inline: true, .. }) {
                sync_inline = Some(work);
            } else if let Err(refused) = self.work.send(work) {
                // Never while this thread holds the sending end; still, a sync that is skipped must not look done.
                core.work_done(refused.into_inner().run(), self.shared.clock.now());
            }
        }
        let mut any_event = false;
        while let Some(event) = core.next_event() {
            any_event = true;
            let _ = self.events.send(event);
        }
        if any_event {
            self.shared.published.wake();
        }
        if core.is_closed() {
            return Next::End;
        }
        if let Some(work) = sync_inline {
            return Next::SyncInline(work);
        }
        if more {
            return Next::Again;
        }
        let deadline = core.next_deadline();
        let now = self.shared.clock.now();
        match deadline {
            Some(deadline) if deadline <= now => Next::Again,
            _ => {
                seat.sleeps_until = Sleep::Until(deadline);
                Next::Sleep(deadline.map(|deadline| deadline.saturating_sub(now)))
            }
        }
    }

    /// Hands what has arrived to the core; `true` when there may be more.
    fn take_messages(&mut self, core: &mut Core<L>) -> bool {
        let now = self.shared.clock.now();
        for _ in 0..MESSAGES_PER_ROUND {
            match self.messages.try_recv() {
                Ok(message) => core.accept(message, now),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => {
                    // Nobody waits for anything any more but the data.
                    if !std::mem::replace(&mut self.handle_is_gone, true) {
                        core.accept(Message::Close { clean: true }, now);
                    }
                    return false;
                }
            }
        }
        true
    }
}
