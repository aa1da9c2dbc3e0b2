//! Group commit and fsync policies for an append-only log.
//!
//! This crate owns the *when* of a log: when batches are written, when the log is synced, which replies may leave, and
//! what happens when the disk is full, slow or broken. It does so on a thread of its own (`aof-log`, with `aof-sync`
//! beside it for syncs), so that the thread that executes commands never waits for a disk.
//!
//! It must not know what is in a batch, what files are called, how frames look, or what a command is: it drives a
//! [`Log`], and hands out [`Position`]s.
//!
//! # What a reply waits for
//!
//! `appended >= written >= durable`: handed over, in the page cache with a frame that closes it, on stable storage.
//!
//! | policy | a reply waits for | survives `kill -9` | survives power loss |
//! |---|---|---|---|
//! | [`Policy::Always`] | durable | every acknowledged write | every acknowledged write |
//! | [`Policy::EverySecond`] | written | every acknowledged write | all but max(1 s, one sync) plus one sync ([`Overload::SlowWriters`]; [`Overload::Continue`] goes on and says so) |
//! | [`Policy::No`] | written | every acknowledged write | what the kernel, or a sync every 64 MiB or 30 s, put on disk |
//!
//! [`LogHandle::released`] is the position up to which replies may leave, whatever the policy. "One sync" is what the
//! last one took, but no less than the interval.
//!
//! # Group commit
//!
//! While a sync runs under `always`, batches collect; all of them form the next group, with one write and one sync.
//! Under the other policies writes go on during a sync. Nothing is copied: batches are [`bytes::Bytes`].
//!
//! # Failures
//!
//! | what | then |
//! |---|---|
//! | no room ([`LogError::Full`]) | batches wait, [`LogHandle::failure`] says why, tried every second; clears by itself |
//! | a write or sync fails ([`LogError::Failed`]) | the increment is never trusted again, whatever it says later: what is not durable is still in memory and is logged again in a new increment, before anybody is told anything |
//! | that fails as well | [`Event::NeedsRebase`]: take a snapshot and ask for [`Switch::Rebase`]; tried again meanwhile, less and less often |
//! | a sync takes too long | under everysec replies are held back, [`Event::SlowSync`] |
//! | SHUTDOWN meanwhile | flushes and closes are answered after one more attempt, whatever the disk does; what is not written stays unacknowledged |
//! | the log thread panics | [`Event::Poisoned`]; nothing is released any more, nobody waits in vain without knowing why |
//!
//! # Parts
//!
//! [`Core`] is the state machine, without threads and without real time, for simulators and tests;
//! [`Scheduler::spawn`] puts it on its thread and returns the [`LogHandle`] of the executor; [`Stepper`] gives the same
//! handle without threads.
//!
//! # Example
//!
//! ```
//! use std::sync::{Arc, Mutex, mpsc};
//!
//! use bytes::Bytes;
//! use lastsave_fsync_scheduler::{
//!     Core, Log, LogBytes, LogError, MonotonicClock, Options, Policy, Position, RewriteBase, Scheduler, Switch,
//!     SyncHandle,
//! };
//!
//! /// A log in memory: what was written, and how much of it is durable.
//! #[derive(Default)]
//! struct Toy {
//!     content: Mutex<Vec<u8>>,
//!     durable: Mutex<usize>,
//! }
//!
//! impl SyncHandle for Toy {
//!     fn sync(&self) -> Result<(), LogError> {
//!         *self.durable.lock().unwrap() = self.content.lock().unwrap().len();
//!         Ok(())
//!     }
//! }
//!
//! struct ToyLog(Arc<Toy>);
//!
//! impl Log for ToyLog {
//!     fn write(&mut self, batch: &[Bytes], _: Position, _: Position, _: bool) -> Result<(), LogError> {
//!         batch.iter().for_each(|part| self.0.content.lock().unwrap().extend_from_slice(part));
//!         Ok(())
//!     }
//!     fn sync_handle(&self) -> Arc<dyn SyncHandle> {
//!         self.0.clone()
//!     }
//!     fn bytes(&self) -> LogBytes {
//!         LogBytes { current: self.0.content.lock().unwrap().len() as u64, base: 0 }
//!     }
//!     // A log of one piece: nothing to mark, nothing to switch.
//!     fn mark(&mut self, _: Position) -> Result<(), LogError> {
//!         Ok(())
//!     }
//!     fn switch(&mut self, _: Switch, _: Position, _: Position) -> Result<(), LogError> {
//!         Err(LogError::Misuse("a log of one piece"))
//!     }
//!     fn complete_rewrite(&mut self, _: &RewriteBase, _: Position) -> Result<(), LogError> {
//!         Err(LogError::Misuse("a log of one piece"))
//!     }
//!     fn abort_rewrite(&mut self) -> Result<(), LogError> {
//!         Ok(())
//!     }
//!     fn start_new_increment(&mut self, _: Position) -> Result<(), LogError> {
//!         Err(LogError::Misuse("a log of one piece"))
//!     }
//!     fn adopt_new_increment(&mut self, _: Position, _: Position) -> Result<(), LogError> {
//!         Err(LogError::Misuse("a log of one piece"))
//!     }
//!     fn close(&mut self, _: Position, _: Position, _: bool) -> Result<(), LogError> {
//!         Ok(())
//!     }
//! }
//!
//! let toy = Arc::new(Toy::default());
//! let options = Options { policy: Policy::Always, ..Options::default() };
//! let core = Core::new(ToyLog(toy.clone()), Position::ZERO, options);
//! let (bell, wakes) = mpsc::channel();
//! let (scheduler, log) = Scheduler::spawn(core, Arc::new(MonotonicClock::new()), move || {
//!     let _ = bell.send(());
//! })?;
//!
//! // The executor: hand over, go on, and let the reply leave when its position is released.
//! let end = Position::new(14);
//! log.append(Bytes::from_static(b"SET key value\n"), end);
//! while log.want_wake(end) {
//!     wakes.recv()?;
//! }
//! assert!(log.released() >= end);
//! assert_eq!(*toy.durable.lock().unwrap(), 14);
//!
//! drop(log);
//! assert!(scheduler.join());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomics;
mod clock;
mod core;
mod gate;
mod handle;
mod log;
mod log_thread;
mod message;
mod options;
mod position;
mod published;
mod scheduler;
mod seat;
mod statistics;
mod stepper;
mod work;

pub use self::clock::{Clock, MonotonicClock};
pub use self::core::Core;
pub use self::handle::{LogHandle, LogMonitor};
pub use self::log::{Cause, Log, LogBytes, LogError, PrepareJob, RewriteBase, Switch, SyncHandle};
pub use self::message::{Batch, Event, Message, RequestId, WriteFailure};
pub use self::options::{Options, Overload, Policy};
pub use self::position::Position;
pub use self::scheduler::Scheduler;
pub use self::statistics::{Counters, Statistics, SyncLatency};
pub use self::stepper::Stepper;
pub use self::work::{Work, WorkDone};
