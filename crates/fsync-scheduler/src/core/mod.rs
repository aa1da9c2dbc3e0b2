//! The state machine: policies, positions, failures and switches, without threads and without real time.
//!
//! # States
//!
//! | health | meaning | leaves by |
//! |---|---|---|
//! | off | there is no log; batches pass | a switch that enables it |
//! | running | batches are written and synced as the policy says | |
//! | blocked | no room; batches wait in the queue | a write that succeeds, tried every second |
//! | latched | the increment failed; waits for background work to end | a repair |
//! | failed | the repair failed as well | a repair (with back-off) or a re-base |
//! | closed | the end | |
//!
//! Independent of these, a new increment can be *provisional*: written, but not part of the log until its base has
//! arrived. Positions are not published meanwhile.

mod control;
mod publish;
mod queue;
mod repair;
mod sync;
mod write;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use self::queue::{Control, Front, Pending, Queue, RetainedBatches};
use crate::published::Published;
use crate::{
    Batch, Event, Log, LogError, Message, Options, Overload, Policy, Position, RequestId, RewriteBase,
    Statistics, Switch, Work, WorkDone, WriteFailure,
};

/// Whether the log can be written. See the module's table.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Health {
    Off,
    Running,
    Blocked { retry_at: Duration },
    Latched { cause: LogError },
    Failed { retry_at: Duration, backoff: Duration },
    Closed,
}

/// A new increment that does not count before its base has arrived, and the positions that stay published meanwhile.
#[derive(Clone, Copy, Debug)]
struct Provisional {
    kind: Switch,
    written: Position,
    durable: Position,
}

#[derive(Clone, Copy, Debug)]
struct SyncUnderWay {
    target: Position,
    started_at: Duration,
    reported_slow: bool,
}

#[derive(Debug)]
enum Manifest {
    Complete { id: RequestId, base: RewriteBase },
    Abort { id: RequestId },
}

/// The scheduler as a deterministic state machine.
///
/// Time is a parameter of every step (a duration since any fixed origin, never decreasing), and work for other threads
/// comes out of [`Core::take_work`] and goes back through [`Core::work_done`], whenever the driver likes. The same
/// machine runs in production ([`Scheduler::spawn`](crate::Scheduler::spawn)) and under a simulator:
///
/// ```text
/// core.handle(message, now);                    // or accept() several, then run() once: they form one group
/// while let Some(work) = core.take_work() { ... core.work_done(work.run(), later); }
/// core.run(now)                                 // at core.next_deadline(), and after work_done()
/// while let Some(event) = core.next_event() { ... }
/// ```
#[derive(Debug)]
pub struct Core<L: Log> {
    log: L,
    options: Options,
    policy: Policy,
    overload: Overload,
    health: Health,
    provisional: Option<Provisional>,
    rewrite_under_way: Option<Switch>,

    queue: Queue,
    retained: RetainedBatches,
    manifest: VecDeque<Manifest>,
    flush_waiters: Vec<(Position, RequestId)>,

    /// End of the last batch accepted.
    accepted: Position,
    /// End of the last batch written to the current increment.
    logged: Position,
    /// Position up to which the current increment has been synced.
    synced: Position,

    sync: Option<SyncUnderWay>,
    last_sync_started_at: Option<Duration>,
    last_sync_took: Duration,
    preparing: bool,
    prepare_wanted: bool,
    prepare_retry_at: Duration,
    outbox: VecDeque<Work>,

    write_not_before: Option<Duration>,
    last_frame_long: bool,
    /// The current increment holds no batch yet, and a batch may rely on an increment before it.
    file_is_fresh: bool,
    marked: Position,
    last_activity_at: Duration,
    holding: bool,
    hold_ended_at: Duration,
    failure_announced: bool,

    events: VecDeque<Event>,
    published: Arc<Published>,
}

impl<L: Log> Core<L> {
    /// A scheduler around `log`, whose content ends, durable, at `start`. With `options.enabled` false the log must be
    /// one without a current increment.
    #[must_use]
    pub fn new(log: L, start: Position, options: Options) -> Self {
        let health = if options.enabled { Health::Running } else { Health::Off };
        let core = Self {
            policy: options.policy,
            overload: options.overload,
            health,
            provisional: None,
            rewrite_under_way: None,
            queue: Queue::default(),
            retained: RetainedBatches::default(),
            manifest: VecDeque::new(),
            flush_waiters: Vec::new(),
            accepted: start,
            logged: start,
            synced: start,
            sync: None,
            last_sync_started_at: None,
            last_sync_took: Duration::ZERO,
            preparing: false,
            prepare_wanted: true,
            prepare_retry_at: Duration::ZERO,
            outbox: VecDeque::new(),
            write_not_before: None,
            last_frame_long: true,
            file_is_fresh: true,
            marked: start,
            last_activity_at: Duration::ZERO,
            holding: false,
            hold_ended_at: Duration::ZERO,
            failure_announced: false,
            events: VecDeque::new(),
            published: Arc::new(Published::new(start)),
            log,
            options,
        };
        core.publish_sizes();
        core
    }

    /// Accepts a message and carries out what can be carried out.
    pub fn handle(&mut self, message: Message, now: Duration) {
        self.accept(message, now);
        self.run(now);
    }

    /// Accepts a message without acting on it: several batches accepted before one [`Core::run`] form one group.
    ///
    /// # Panics
    ///
    /// When a batch does not end behind the one before it.
    pub fn accept(&mut self, message: Message, now: Duration) {
        if self.health == Health::Closed {
            return;
        }
        match message {
            Message::Append { batch, end } => self.accept_batch(batch, end),
            Message::SetPolicy(policy) => self.queue.push_control(Control::Policy(policy)),
            Message::SetOverload(overload) => self.queue.push_control(Control::Overload(overload)),
            Message::Switch { id, kind, at } => {
                if self.health == Health::Off && self.queue.is_empty() && at > self.accepted {
                    // Nobody counts positions for a log that is off.
                    self.accepted = at;
                    self.published.note_appended(at);
                }
                if at == self.accepted {
                    self.queue.push_control(Control::Switch { id, kind, at });
                } else {
                    let result = Err(LogError::Misuse("a switch must be asked for at the end of the stream"));
                    self.events.push_back(Event::SwitchDone { id, kind, at, result });
                }
                self.retry_now(now);
            }
            Message::CompleteRewrite { id, base } => {
                self.manifest.push_back(Manifest::Complete { id, base });
            }
            Message::AbortRewrite { id } => self.manifest.push_back(Manifest::Abort { id }),
            Message::Flush { id } => {
                self.queue.push_control(Control::Flush { id });
                self.retry_now(now);
            }
            Message::Close { clean } => {
                self.queue.push_control(Control::Close { clean });
                self.retry_now(now);
            }
            Message::Retry => self.retry_now(now),
            Message::Nudge => {}
        }
    }

    fn accept_batch(&mut self, batch: Batch, end: Position) {
        let bytes = batch.len();
        if bytes == 0 {
            assert!(end == self.accepted, "an empty batch does not move the position");
            return;
        }
        assert!(end > self.accepted, "batches advance: {end} does not follow {}", self.accepted);
        self.accepted = end;
        self.published.note_appended(end);
        self.queue.push_batch(Pending { batch, end, bytes });
    }

    /// Carries out everything that is possible and due.
    pub fn run(&mut self, now: Duration) {
        while self.step(now) {
            self.publish(now);
        }
        self.start_work(now);
        self.publish(now);
    }

    /// One step; `false` when there is nothing to do now.
    fn step(&mut self, now: Duration) -> bool {
        let busy = self.is_busy();
        match self.health {
            // Batches that are left were not written: taking them out would publish them as if they had been.
            Health::Closed => return false,
            Health::Latched { .. } => {
                if !busy {
                    self.repair(now);
                }
                return !busy;
            }
            Health::Failed { retry_at, .. } if now >= retry_at && !busy => {
                self.repair(now);
                return true;
            }
            _ => {}
        }
        if !busy && let Some(request) = self.manifest.pop_front() {
            self.change_manifest(request, now);
            return true;
        }
        match self.health {
            Health::Failed { .. } => return self.answer_while_stuck(now),
            Health::Blocked { retry_at } if now < retry_at => return self.answer_while_stuck(now),
            _ => {}
        }
        match self.queue.front() {
            Front::Nothing => false,
            Front::Batch if self.health == Health::Off => {
                self.logged = self.queue.pop_batch().end;
                true
            }
            Front::Batch if self.is_full_until_rebased() => self.answer_while_stuck(now),
            Front::Batch => self.may_write(now) && self.write_group(now),
            Front::Control(control) => self.carry_out(control, now),
        }
    }

    /// Whether another thread is working on the log.
    fn is_busy(&self) -> bool {
        self.sync.is_some() || self.preparing
    }

    /// When [`Core::run`] has something to do that no message announces.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if matches!(self.health, Health::Off | Health::Closed) {
            return None;
        }
        if matches!(self.health, Health::Latched { .. }) {
            // Otherwise the end of the background work brings the next step.
            return (!self.is_busy()).then_some(Duration::ZERO);
        }
        // Without `always`, preparing is a courtesy to the log that waits for the next step there is anyway: it must not
        // make every inline write wake the log thread.
        let prepare_at = self.prepare_at().filter(|_| self.policy == Policy::Always);
        [self.write_at(), self.sync_at(), self.mark_at(), prepare_at, self.hold_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Work for another thread, to be started now. Each must come back through [`Core::work_done`].
    pub fn take_work(&mut self) -> Option<Work> {
        self.outbox.pop_front()
    }

    /// Takes a result back and publishes what follows from it; call [`Core::run`] afterwards.
    pub fn work_done(&mut self, done: WorkDone, now: Duration) {
        match done {
            WorkDone::Sync(result) => self.sync_done(result, now),
            WorkDone::Prepare(result) => self.prepare_done(result, now),
        }
        self.publish(now);
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next thing the executor should know.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether [`Event::Closed`] has been produced.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.health == Health::Closed
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// End of the last batch accepted.
    #[must_use]
    pub fn appended(&self) -> Position {
        self.accepted
    }

    /// Everything before it survives the death of the process.
    #[must_use]
    pub fn written(&self) -> Position {
        Position::new(self.published.written.value())
    }

    /// Everything before it survives power loss.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position::new(self.published.durable.value())
    }

    /// Replies that depend on no more than this may leave.
    #[must_use]
    pub fn released(&self) -> Position {
        Position::new(self.published.released.value())
    }

    /// Bytes accepted and not yet written.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.queue.bytes()
    }

    /// Why writes cannot be logged at present.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<WriteFailure>> {
        self.published.failure()
    }

    /// The numbers for operators.
    #[must_use]
    pub fn statistics(&self, now: Duration) -> Statistics {
        self.published.statistics(now)
    }

    /// The log it drives.
    #[must_use]
    pub fn log(&self) -> &L {
        &self.log
    }

    /// The log it drives, for faults and inspection between steps.
    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    /// Simulates a slow disk: writes wait this long (`DEBUG AOF-FLUSH-SLEEP`). 0 ends it.
    pub fn set_write_delay_us(&mut self, us: u64) {
        self.published.set_write_delay_us(us);
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }
}
