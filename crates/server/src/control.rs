//! The control thread: what happens beside the data path.
//!
//! A tokio runtime on a thread of its own listens for signals and tells the executor through a channel, waking
//! it from its poll. Nothing between a client and its reply runs here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use mio::Waker;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// What the control thread tells the executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ControlMessage {
    /// SIGTERM was received.
    Terminate,
    /// SIGINT was received.
    Interrupt,
}

/// The running control thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Whether a shutdown is already under way; shared with the control thread, which ends the process on a second
/// SIGINT even when the executor does not answer.
pub(crate) type ShutdownFlag = Arc<AtomicBool>;

impl Control {
    /// Starts the thread. Signal handlers are in place when this returns.
    ///
    /// # Errors
    /// When the runtime or a signal handler cannot be set up.
    pub(crate) fn spawn(
        messages: Sender<ControlMessage>,
        waker: Arc<Waker>,
        shutting_down: ShutdownFlag,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let handlers = {
            let _context = runtime.enter();
            Handlers::install()?
        };
        let notifier = Notifier { messages, waker, shutting_down };
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || runtime.block_on(serve(handlers, notifier, stopped)))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended on its own.
            let _ended = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

#[derive(Debug)]
struct Handlers {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    abort: tokio::signal::unix::Signal,
}

impl Handlers {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            abort: signal(SignalKind::from_raw(rustix::process::Signal::ABORT.as_raw()))?,
        })
    }
}

#[derive(Debug)]
struct Notifier {
    messages: Sender<ControlMessage>,
    waker: Arc<Waker>,
    shutting_down: ShutdownFlag,
}

impl Notifier {
    fn send(&self, message: ControlMessage) {
        // Both fail only when the executor is gone, and with it the reason to tell it anything.
        let _executor_gone = self.messages.send(message);
        let _poll_gone = self.waker.wake();
    }
}

/// Removes what this process has begun to write into the working directory and will not finish.
fn remove_temporary_snapshots() {
    use rustix::fs::{Dir, Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = rustix::fs::open(".", flags, Mode::empty()) else { return };
    let Ok(entries) = Dir::read_from(&directory) else { return };
    let prefix = format!("temp-{}", std::process::id());
    for entry in entries.flatten() {
        let name = entry.file_name().to_bytes();
        if name.starts_with(prefix.as_bytes()) && name.ends_with(b".rdb") {
            let _gone_already = rustix::fs::unlink(entry.file_name());
        }
    }
}

async fn serve(mut handlers: Handlers, notifier: Notifier, mut stopped: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = handlers.terminate.recv() => {
                tracing::warn!("Received SIGTERM scheduling shutdown...");
                notifier.shutting_down.store(true, Ordering::Relaxed);
                notifier.send(ControlMessage::Terminate);
            }
            _ = handlers.interrupt.recv() => {
                if notifier.shutting_down.swap(true, Ordering::Relaxed) {
                    tracing::warn!("You insist... exiting now.");
                    remove_temporary_snapshots();
                    std::process::exit(1);
                }
                tracing::warn!("Received SIGINT scheduling shutdown...");
                notifier.send(ControlMessage::Interrupt);
            }
            // Ignored, as Redis does: a server started from a terminal outlives it.
            _ = handlers.hangup.recv() => {}
            _ = handlers.abort.recv() => crate::crash::die_of_abort_signal(),
        }
    }
}
