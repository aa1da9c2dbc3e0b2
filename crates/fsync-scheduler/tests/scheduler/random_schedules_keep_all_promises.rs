//! Random schedules of batches, delayed syncs, faults, switches and policy changes, against the disk's own account of
//! what it holds.

use lastsave_fsync_scheduler::{Event, LogError, Message, Options, Overload, Policy, RequestId, Switch};
use proptest::prelude::*;

use crate::support::{Bench, ms};

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    /// Several batches accepted before the core looks at the disk.
    Burst(Vec<u64>),
    Pass(u64),
    FinishWork,
    Policy(Policy),
    Overload(Overload),
    Switch(Switch),
    Complete,
    Abort,
    Flush,
    Retry,
    WantPreparation,
    Full(bool),
    FailWrite,
    FailSync,
    FailMark,
    FailPreparation,
    FailSwitch,
    FailCompletion,
    FailNewIncrements(u32),
    FailAdoption,
    WriteDelay(u64),
}

/// How a schedule ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The faults go away, everything is logged, and the log is closed.
    Healed,
    /// Closed in the middle of it all.
    Closed { clean: bool },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1_u64..60).prop_map(Step::Append),
        3 => prop::collection::vec(1_u64..60, 1..6).prop_map(Step::Burst),
        6 => prop_oneof![0_u64..50, 500_u64..1500, 5_000_u64..40_000].prop_map(Step::Pass),
        10 => Just(Step::FinishWork),
        2 => prop_oneof![Just(Policy::Always), Just(Policy::EverySecond), Just(Policy::No)].prop_map(Step::Policy),
        1 => prop_oneof![Just(Overload::SlowWriters), Just(Overload::Continue)].prop_map(Step::Overload),
        4 => prop_oneof![
            3 => Just(Switch::Rewrite),
            1 => Just(Switch::Backup),
            1 => Just(Switch::Disable),
            2 => Just(Switch::Enable),
            3 => Just(Switch::Rebase),
        ].prop_map(Step::Switch),
        3 => Just(Step::Complete),
        1 => Just(Step::Abort),
        2 => Just(Step::Flush),
        1 => Just(Step::Retry),
        1 => Just(Step::WantPreparation),
        2 => any::<bool>().prop_map(Step::Full),
        1 => Just(Step::FailWrite),
        2 => Just(Step::FailSync),
        1 => Just(Step::FailMark),
        1 => Just(Step::FailPreparation),
        1 => Just(Step::FailSwitch),
        1 => Just(Step::FailCompletion),
        1 => (1_u32..4).prop_map(Step::FailNewIncrements),
        1 => Just(Step::FailAdoption),
        1 => prop_oneof![Just(0_u64), 1_u64..100_000].prop_map(Step::WriteDelay),
    ]
}

/// The server's part of the protocol, and the checks.
struct Model {
    bench: Bench,
    /// Whether the log promises anything: not while it is off or its first base is awaited.
    logging: bool,
    /// Whether it promised something throughout the last step.
    was_logging: bool,
    needs_rebase: bool,
    rewrite: Option<(RequestId, Switch)>,
    rewrite_ready: bool,
    unanswered: Vec<RequestId>,
    /// Flushes that are not answered, and the position each has to make durable.
    flushes: Vec<(RequestId, u64)>,
    is_write_delayed: bool,
    closed: Option<Result<(), LogError>>,
    /// The policies that may have been in force during the last step.
    policies: Vec<Policy>,
    released_before: u64,
}

impl Model {
    fn new(policy: Policy, enabled: bool) -> Self {
        let options = Options {
            policy,
            enabled,
            unsynced_bytes_max: 300,
            retained_bytes_max: 600,
            group_bytes_max: 150,
            ..Options::default()
        };
        Self {
            bench: Bench::new(options),
            logging: enabled,
            was_logging: enabled,
            needs_rebase: false,
            rewrite: None,
            rewrite_ready: false,
            unanswered: Vec::new(),
            flushes: Vec::new(),
            is_write_delayed: false,
            closed: None,
            policies: vec![policy],
            released_before: 0,
        }
    }

    fn apply(&mut self, step: Step) {
        let bench = &mut self.bench;
        match step {
            Step::Append(bytes) => {
                bench.append(bytes);
            }
            Step::Burst(sizes) => {
                for bytes in sizes {
                    let from = bench.appended;
                    bench.appended += bytes;
                    let batch = crate::support::batch(from, bench.appended);
                    bench.core.accept(Message::Append { batch, end: bench.appended.into() }, bench.now);
                }
                bench.run();
            }
            Step::Pass(duration) => bench.pass(ms(duration)),
            Step::FinishWork => {
                if !bench.work.is_empty() {
                    bench.finish_work();
                }
            }
            Step::Policy(policy) => {
                self.policies.push(policy);
                bench.send(Message::SetPolicy(policy));
            }
            Step::Overload(overload) => bench.send(Message::SetOverload(overload)),
            Step::Switch(kind) => {
                let id = bench.switch(kind);
                self.unanswered.push(id);
            }
            Step::Complete => {
                if self.rewrite_ready {
                    let id = bench.complete();
                    self.unanswered.push(id);
                }
            }
            Step::Abort => {
                if self.rewrite_ready {
                    let id = bench.abort();
                    self.unanswered.push(id);
                }
            }
            Step::Flush => {
                let id = bench.flush();
                self.unanswered.push(id);
                self.flushes.push((id, bench.appended));
            }
            Step::Retry => bench.send(Message::Retry),
            Step::WantPreparation => bench.log.disk().wants_preparation = true,
            Step::Full(full) => bench.log.disk().faults.full = full,
            Step::FailWrite => bench.log.disk().faults.fail_writes = 1,
            Step::FailSync => bench.log.disk().faults.fail_syncs = 1,
            Step::FailMark => bench.log.disk().faults.fail_marks = 1,
            Step::FailPreparation => bench.log.disk().faults.fail_preparations = 1,
            Step::FailSwitch => bench.log.disk().faults.fail_switches = 1,
            Step::FailCompletion => bench.log.disk().faults.fail_completions = 1,
            Step::FailNewIncrements(count) => bench.log.disk().faults.fail_new_increments = count,
            Step::FailAdoption => bench.log.disk().faults.fail_adoptions = 1,
            Step::WriteDelay(us) => {
                self.is_write_delayed = us > 0;
                bench.core.set_write_delay_us(us);
                // What the handle does with a nudge: the old delay is no reason to wait any more.
                bench.run();
            }
        }
        self.take_events();
        self.check();
    }

    fn answered(&mut self, id: RequestId) {
        let before = self.unanswered.len();
        self.unanswered.retain(|other| *other != id);
        assert_eq!(self.unanswered.len() + 1, before, "{id:?} is answered once");
    }

    fn take_events(&mut self) {
        let was_logging = self.logging;
        let mut stopped = !was_logging;
        for event in self.bench.take_events() {
            match event {
                Event::SwitchDone { id, kind, result, .. } => {
                    self.answered(id);
                    if result.is_err() {
                        continue;
                    }
                    match kind {
                        Switch::Rewrite | Switch::Rebase | Switch::Enable => {
                            self.rewrite = Some((id, kind));
                            self.rewrite_ready = true;
                            self.needs_rebase = false;
                        }
                        Switch::Disable => {
                            self.logging = false;
                            stopped = true;
                            self.rewrite = None;
                            self.rewrite_ready = false;
                            self.needs_rebase = false;
                        }
                        _ => {}
                    }
                }
                Event::RewriteDone { id, result } => {
                    self.answered(id);
                    let aborted_or_done = result.is_ok();
                    let gone = matches!(result, Err(LogError::Misuse(_)));
                    if aborted_or_done || gone {
                        self.rewrite_ready = false;
                        self.rewrite = None;
                    }
                }
                Event::FlushDone { id, result } => {
                    self.answered(id);
                    let index = self.flushes.iter().position(|(other, _)| *other == id).expect("a flush");
                    let (_, wanted) = self.flushes.remove(index);
                    if let Ok(position) = result {
                        assert!(position.get() >= wanted, "a flush that stops short");
                        let power = self.bench.log.disk().survives_power_loss();
                        assert!(!self.logging || position.get() <= power, "a flush that is no flush");
                    }
                }
                Event::NeedsRebase(_) => self.needs_rebase = true,
                Event::SegmentReplaced { .. } => self.needs_rebase = false,
                Event::EnableFailed(_) => {
                    self.rewrite = None;
                    self.rewrite_ready = false;
                }
                Event::Closed { result } => self.closed = Some(result),
                Event::WriteFailing(_) | Event::WriteRecovered | Event::SlowSync { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
        // Logging begins when the first base has arrived; the core says so by publishing the position.
        let disk_follows = {
            let disk = self.bench.log.disk();
            disk.current.is_some_and(|current| disk.files[current].listed)
        };
        if !self.logging && disk_follows {
            self.logging = true;
        }
        self.was_logging = was_logging && !stopped;
    }

    fn check(&mut self) {
        let bench = &self.bench;
        assert!(bench.core.appended().get() == bench.appended);
        let released = bench.released();
        assert!(released <= bench.appended && released >= self.released_before);
        if self.logging {
            bench.check_promises();
        }
        if self.was_logging && self.logging && released > self.released_before {
            let disk = bench.log.disk();
            assert!(disk.survives_kill() >= released, "released and not written");
            if self.policies.iter().all(|policy| *policy == Policy::Always) {
                assert!(disk.survives_power_loss() >= released, "released under always and not durable");
            }
        }
        let statistics = bench.core.statistics(bench.now);
        assert!(statistics.retained_bytes <= 600 + 150 + 60 + self.bench.core.queued_bytes() + 2_000);
        // A change of policy takes its turn: it waits behind batches, behind a switch, and (with nothing before it) while
        // an increment that failed awaits the end of background work. Before its turn has come the core still names the
        // old policy, so only when none can be waiting does what the core says hold for the next step.
        let awaits_repair =
            !bench.work.is_empty() && bench.core.failure().is_some_and(|failure| failure.lost);
        if bench.core.queued_bytes() == 0 && self.unanswered.is_empty() && !awaits_repair {
            self.policies = vec![bench.core.policy()];
        }
        self.check_flushes_are_prompt();
        self.released_before = released;
    }

    /// A flush waits for background work, and for the first base of a log that is being enabled: for nothing else, least
    /// of all for a full disk.
    fn check_flushes_are_prompt(&self) {
        let bench = &self.bench;
        let is_anything_due = bench.core.next_deadline().is_some_and(|deadline| deadline <= bench.now);
        if self.logging && !self.is_write_delayed && bench.work.is_empty() && !is_anything_due {
            assert!(self.flushes.is_empty(), "flushes wait for nothing: {:?}", self.bench.core);
        }
    }

    /// The end with all faults in force: everybody is answered, and told no more than what is true.
    fn close(mut self, clean: bool) {
        self.bench.send(Message::Close { clean });
        for _ in 0..20 {
            self.bench.finish_all_work();
            self.bench.pass(ms(100));
        }
        self.take_events();
        self.check();
        assert!(self.unanswered.is_empty(), "never answered: {:?}", self.unanswered);
        let result = self.closed.clone().expect("a close waits for background work alone");
        if clean && self.logging && result.is_ok() {
            assert_eq!(self.bench.log.disk().survives_power_loss(), self.bench.appended, "closed, and lost");
        }
    }

    /// No more faults: everything appended is released and becomes durable.
    fn finish(mut self) {
        {
            let mut disk = self.bench.log.disk();
            disk.faults = crate::support::Faults::default();
        }
        for _ in 0..20 {
            self.apply(Step::Pass(61_000));
            for _ in 0..10 {
                self.apply(Step::FinishWork);
            }
            if self.rewrite_ready {
                self.apply(Step::Complete);
            } else if self.needs_rebase {
                self.apply(Step::Switch(Switch::Rebase));
            }
        }
        assert!(self.unanswered.is_empty(), "never answered: {:?}", self.unanswered);
        assert_eq!(
            self.bench.released(),
            self.bench.appended,
            "replies are held for ever: {:?}",
            self.bench.core
        );
        assert!(self.bench.core.failure().is_none(), "{:?}", self.bench.core.failure());
        if self.logging {
            assert_eq!(self.bench.durable(), self.bench.appended);
            assert_eq!(self.bench.log.disk().survives_power_loss(), self.bench.appended);
        }
        self.close(true);
    }
}

/// `PROPTEST_CASES` asks for more than the few hundred that fit into every test run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_promises_hold(
        policy in prop_oneof![Just(Policy::Always), Just(Policy::EverySecond), Just(Policy::No)],
        enabled in prop::bool::weighted(0.9),
        schedule in prop::collection::vec(steps(), 1..120),
        end in prop_oneof![3 => Just(End::Healed), 1 => any::<bool>().prop_map(|clean| End::Closed { clean })],
    ) {
        replay(policy, enabled, schedule, end);
    }
}

fn replay(policy: Policy, enabled: bool, schedule: impl IntoIterator<Item = Step>, end: End) {
    let mut model = Model::new(policy, enabled);
    for step in schedule {
        model.apply(step);
    }
    match end {
        End::Healed => model.finish(),
        End::Closed { clean } => model.close(clean),
    }
}

/// Found by 20 000 random schedules: the sync fails while space is still being prepared, so the new policy waits for the
/// repair with no batch before it, and is in force for the batches that follow it, which are released once written.
#[test]
fn a_policy_that_waits_for_a_repair_is_not_forgotten() {
    let schedule = [
        Step::WantPreparation,
        Step::Append(1),
        Step::FailSync,
        Step::FinishWork,
        Step::Policy(Policy::EverySecond),
        Step::Append(1),
        Step::Append(1),
    ];
    replay(Policy::Always, true, schedule, End::Healed);
}
