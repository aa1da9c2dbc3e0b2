//! The threads: `aof-log` steps the core, `aof-sync` does the syncs it must not wait for.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::log_thread::LogThread;
use crate::seat::Shared;
use crate::{Clock, Core, Log, LogHandle, Work, WorkDone};

/// The running threads. Dropping it lets them run on; they end when the log is closed or the [`LogHandle`] is dropped.
#[derive(Debug)]
pub struct Scheduler {
    log_thread: JoinHandle<()>,
    sync_thread: JoinHandle<()>,
}

impl Scheduler {
    /// Starts the threads around `core`. `waker` is called, from the log thread, when something the executor declared
    /// to wait for has come and after each event; it must be cheap and must not block.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn spawn<L: Log>(
        core: Core<L>,
        clock: Arc<dyn Clock>,
        waker: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<(Scheduler, LogHandle)> {
        let Assembly { thread, work, done, handle } = assemble(core, clock, waker);
        let sync_thread =
            thread::Builder::new().name("aof-sync".to_owned()).spawn(move || serve_work(&work, &done))?;
        let log_thread = thread::Builder::new().name("aof-log".to_owned()).spawn(move || thread.run())?;
        Ok((Scheduler { log_thread, sync_thread }, handle))
    }

    /// Waits until the threads have ended. `false` when one of them panicked.
    #[must_use]
    pub fn join(self) -> bool {
        let log = self.log_thread.join().is_ok();
        let sync = self.sync_thread.join().is_ok();
        log && sync
    }
}

/// A scheduler before it runs: the log thread's half, the sync thread's ends of its channels, and the handle.
pub(crate) struct Assembly<L: Log> {
    pub(crate) thread: LogThread<L>,
    pub(crate) work: Receiver<Work>,
    pub(crate) done: Sender<WorkDone>,
    pub(crate) handle: LogHandle,
}

pub(crate) fn assemble<L: Log>(
    core: Core<L>,
    clock: Arc<dyn Clock>,
    waker: impl Fn() + Send + Sync + 'static,
) -> Assembly<L> {
    let published = core.published();
    let queue_bytes_max = core.options().queue_bytes_max;
    assert!(published.waker.set(Box::new(waker)).is_ok(), "a core that was just moved here has no waker yet");
    let (message_sender, messages) = unbounded();
    let (event_sender, events) = unbounded();
    let (work_sender, work) = unbounded();
    let (done_sender, done) = unbounded();
    let shared = Arc::new(Shared::new(core, messages.clone(), Arc::clone(&clock)));
    let thread = LogThread {
        shared: Arc::clone(&shared),
        messages,
        done,
        work: work_sender,
        events: event_sender,
        handle_is_gone: false,
    };
    let handle = LogHandle::new(message_sender, events, published, shared, clock, queue_bytes_max);
    Assembly { thread, work, done: done_sender, handle }
}

/// The life of the sync thread.
fn serve_work(work: &Receiver<Work>, done: &Sender<WorkDone>) {
    while let Ok(work) = work.recv() {
        if done.send(work.run()).is_err() {
            return;
        }
    }
}
