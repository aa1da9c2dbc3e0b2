//! A scheduler without threads: a simulation decides when the log works and when a sync ends.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::log_thread::{LogThread, Next};
use crate::scheduler::{Assembly, assemble};
use crate::{Clock, Core, Log, LogHandle, Work, WorkDone};

/// Runs the very code of the log thread and the sync thread, one step at a time, on the caller's thread.
pub struct Stepper<L: Log> {
    thread: LogThread<L>,
    work: Receiver<Work>,
    done: Sender<WorkDone>,
    /// Work of the sync thread that was begun and not finished, as far as the simulated time is concerned.
    under_way: VecDeque<Work>,
    /// The sync that the log thread itself is in; it does nothing else before that ends.
    inline: Option<Work>,
    has_ended: bool,
}

impl<L: Log> Stepper<L> {
    /// A scheduler around `core` that does nothing by itself.
    #[must_use]
    pub fn new(core: Core<L>, clock: Arc<dyn Clock>) -> (Self, LogHandle) {
        let Assembly { thread, work, done, handle } = assemble(core, clock, || ());
        (Self { thread, work, done, under_way: VecDeque::new(), inline: None, has_ended: false }, handle)
    }

    /// What the log thread does until it sleeps, or begins a sync of its own; nothing while it is in one.
    pub fn step(&mut self) {
        if self.inline.is_none() {
            self.go_on(None);
        }
    }

    fn go_on(&mut self, mut inline_done: Option<WorkDone>) {
        while !self.has_ended {
            match self.thread.round(inline_done.take()) {
                Next::SyncInline(work) => {
                    self.inline = Some(work);
                    break;
                }
                Next::Again => {}
                Next::Sleep(_) => break,
                Next::End => self.has_ended = true,
            }
        }
        self.under_way.extend(self.work.try_iter());
    }

    /// Finishes a sync or preparation, and lets the log thread take its result in: the sync that the log thread itself
    /// is in, else the oldest work of the sync thread. Gives whether there was one.
    pub fn finish_work(&mut self) -> bool {
        if let Some(work) = self.inline.take() {
            let done = work.run();
            self.go_on(Some(done));
            return true;
        }
        let Some(work) = self.under_way.pop_front() else { return false };
        // The log thread's half lives as long as this value.
        let _unheard = self.done.send(work.run());
        self.step();
        true
    }

    /// Syncs and preparations that were begun and not finished.
    #[must_use]
    pub fn work_under_way(&self) -> usize {
        self.under_way.len() + usize::from(self.inline.is_some())
    }

    /// When the log thread would look at the clock again by itself; it does not while it is in a sync of its own.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.inline.is_some() {
            return None;
        }
        self.thread.shared.seat.lock().core.next_deadline()
    }

    /// Whether the log has been closed, or died of a panic that was caught.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl<L: Log> fmt::Debug for Stepper<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stepper")
            .field("under_way", &self.under_way.len())
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
