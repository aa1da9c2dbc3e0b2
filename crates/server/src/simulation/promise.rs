//! What must be there after a crash: the promises of the log and of the dump file, as clients and operators were told.

use std::ops::RangeInclusive;
use std::time::Duration;

use lastsave_fsync_scheduler::Policy;

use super::log_lines;
use super::model::{History, State};
use crate::durability::Durability;
use crate::persistence::{LogState, Observation};

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// The machine loses power.
    PowerCut,
    /// The process is killed; the kernel lives on.
    Kill,
}

/// Which file a start reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `appendonly yes`.
    Log,
    /// `appendonly no`.
    Dump,
}

/// Whether there is a log on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existence {
    No,
    /// Something was under way when the machine went.
    Maybe,
    Yes,
}

/// What the log promises.
#[derive(Clone, Debug)]
struct LogPromise {
    existence: Existence,
    /// States it may hold, besides those of the present life.
    allowed: Vec<RangeInclusive<usize>>,
    /// The first state of the present life that it may hold, while it is (being) switched on.
    live_from: Option<usize>,
    /// The oldest state that may be found after the process was killed, and after power was lost.
    kill_floor: usize,
    power_floor: usize,
    /// Policies set in this life, and the last unit executed before each.
    policies: Vec<(usize, Policy)>,
    /// Units acknowledged under everysec: when, and which.
    acknowledged: Vec<(Duration, usize)>,
    /// Units acknowledged to clients that had asked for `everysec` themselves, whatever the policy.
    acknowledged_apart: Vec<(Duration, usize)>,
    /// It could not be written when it was switched off: it was given up as it was.
    given_up: bool,
}

/// What the dump file promises: to be one of the snapshots that may have got its name.
#[derive(Clone, Debug)]
struct DumpPromise {
    allowed: Vec<usize>,
    /// The save under way, and its cut.
    running: Option<usize>,
}

/// Everything that was promised so far.
#[derive(Clone, Debug)]
pub(super) struct Promises {
    log: LogPromise,
    dump: DumpPromise,
    seen: Option<Observation>,
}

impl Promises {
    /// An empty machine: state 0 is what it holds.
    pub(super) fn new() -> Self {
        let log = LogPromise {
            existence: Existence::No,
            allowed: Vec::new(),
            live_from: None,
            kill_floor: 0,
            power_floor: 0,
            policies: Vec::new(),
            acknowledged: Vec::new(),
            acknowledged_apart: Vec::new(),
            given_up: false,
        };
        Self { log, dump: DumpPromise { allowed: vec![0], running: None }, seen: None }
    }

    /// A start is attempted: with `appendonly yes` and no log it makes one from the dump.
    pub(super) fn begin_start(&mut self, source: Source) {
        if source == Source::Log && self.log.existence != Existence::Yes {
            self.log.existence = Existence::Maybe;
            self.log.allowed.extend(self.dump.allowed.iter().map(|&index| index..=index));
        }
    }

    /// A start has come to its end with the state that now has this index.
    pub(super) fn started(&mut self, source: Source, found: usize) {
        self.seen = None;
        if source == Source::Log {
            // Everything is synced before the first reply.
            self.log.adopt(found);
        } else {
            self.dump.allowed.push(found);
        }
    }

    /// Looks at the server between two calls; `last` is the last unit executed.
    pub(super) fn observe(&mut self, now: Observation, last: usize) {
        let before = self.seen.replace(now);
        self.observe_save(before, now, last);
        self.log.observe(before, now, last);
    }

    fn observe_save(&mut self, before: Option<Observation>, now: Observation, last: usize) {
        let (job_before, succeeded_before) =
            before.map_or((None, 0), |seen| (seen.save, seen.saves_succeeded));
        if job_before == now.save {
            return;
        }
        if let Some(cut) = self.dump.running.take() {
            if now.saves_succeeded > succeeded_before {
                self.dump.allowed.clear();
            }
            self.dump.allowed.push(cut);
        }
        if now.save.is_some() {
            self.dump.running = Some(last);
        }
    }

    /// A reply has left that depends on this unit, which was logged under that policy (if it was). What a client has asked
    /// for itself counts instead of the policy.
    pub(super) fn acknowledge(
        &mut self,
        unit: usize,
        logged: Option<Policy>,
        durability: Durability,
        now: Duration,
    ) {
        let Some(logged) = logged.filter(|_| !self.log.given_up) else { return };
        // The reply may have been let go at any time since, and so under any of the policies since.
        let since = self.log.policies.iter().filter(|(last, _)| *last >= unit).map(|(_, policy)| *policy);
        let weakest = since.fold(logged, weaker);
        if unit > self.log.kill_floor {
            let asked = durability.name();
            log_lines::push(format!("  unit {unit} is acknowledged under {weakest:?} ({asked}) at {now:?}"));
            self.log.kill_floor = unit;
        }
        match (durability, weakest) {
            (Durability::Always, _) | (Durability::Default, Policy::Always) => {
                self.log.power_floor = self.log.power_floor.max(unit);
            }
            (Durability::EverySecond, _) => self.log.acknowledged_apart.push((now, unit)),
            (Durability::Default, Policy::EverySecond) => self.log.acknowledged.push((now, unit)),
            (Durability::Default, Policy::No) => {}
        }
    }

    /// `appendfsync` was set; `last` is the last unit executed. Under `no` nothing more is promised to what is not old
    /// enough to count under everysec.
    pub(super) fn set_policy(&mut self, policy: Policy, last: usize) {
        self.log.policies.push((last, policy));
        if policy == Policy::No {
            self.log.acknowledged.clear();
        }
    }

    /// The log says that this unit would survive a power cut.
    pub(super) fn durable(&mut self, unit: usize) {
        if unit > self.log.power_floor {
            log_lines::push(format!("  unit {unit} is durable"));
        }
        self.log.power_floor = self.log.power_floor.max(unit);
        self.log.kill_floor = self.log.kill_floor.max(unit);
    }

    /// What `everysec` promises at this moment, if more than `window` has passed since; and what it promises to those who
    /// have asked for it themselves, if more than `window_apart` has.
    pub(super) fn apply_windows(&mut self, now: Duration, window: Duration, window_apart: Duration) {
        let log = &mut self.log;
        for (acknowledged, window) in
            [(&mut log.acknowledged, window), (&mut log.acknowledged_apart, window_apart)]
        {
            let old_enough = acknowledged.partition_point(|(at, _)| *at + window < now);
            let newest = acknowledged.drain(..old_enough).map(|(_, unit)| unit).max();
            log_lines::push(format!(
                "  now it is {now:?}; everysec allows {window:?}, before that came {newest:?}"
            ));
            log.power_floor = log.power_floor.max(newest.unwrap_or(0));
        }
    }

    /// The log is switched off on a disk that fails: it is given up as it is, and its replies go.
    pub(super) fn give_up(&mut self) {
        self.log.given_up = true;
        self.log.forget_acknowledged();
    }

    /// The process has ended in order, with its log closed: everything is there.
    pub(super) fn closed(&mut self, last: usize) {
        if self.log.live_from.is_some() && self.seen.is_some_and(|seen| seen.log_state == LogState::On) {
            self.log.power_floor = last;
            self.log.kill_floor = last;
        }
    }

    /// The process is gone. What everysec promises must have been applied before.
    pub(super) fn crash(&mut self, crash: Crash, last: usize) {
        self.log.freeze(last);
        self.log.forget_acknowledged();
        self.log.policies.clear();
        self.dump.allowed.extend(self.dump.running.take());
        self.seen = None;
        if crash == Crash::PowerCut {
            self.log.kill_floor = self.log.power_floor;
        }
    }

    /// The unit whose state was found, or what should have been found instead.
    pub(super) fn judge(
        &self,
        source: Source,
        found: &State,
        history: &History,
        now_ms: i64,
    ) -> Result<usize, String> {
        let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
        let floor = self.floor(source);
        if source == Source::Log && self.log.existence != Existence::No {
            ranges.extend(self.log.allowed.iter().map(|range| (*range.start()).max(floor)..=*range.end()));
        }
        if source == Source::Dump || self.log.existence != Existence::Yes {
            ranges.extend(self.dump.allowed.iter().map(|&index| index..=index));
        }
        let match_in = |range: &RangeInclusive<usize>| history.find(found, range.clone(), now_ms);
        if let Some(index) = ranges.iter().filter_map(match_in).max() {
            return Ok(index);
        }
        let newest = ranges.iter().map(|range| *range.end()).max().unwrap_or(0);
        let mut text = format!("{} keys were found, the state of ", found.len());
        match history.find(found, 0..=history.last(), now_ms) {
            Some(index) => text.push_str(&format!("unit {index} ({})", history.unit(index).what)),
            None => text.push_str("no unit that was ever executed"),
        }
        text.push_str(&format!("; allowed are {ranges:?}\n"));
        let unit = history.unit(newest);
        text.push_str(&format!(
            "  found <> unit {newest} ({}):\n{}",
            unit.what,
            found.difference(&unit.state, now_ms)
        ));
        if floor != newest {
            let unit = history.unit(floor);
            text.push_str(&format!(
                "  found <> unit {floor} ({}):\n{}",
                unit.what,
                found.difference(&unit.state, now_ms)
            ));
        }
        Err(text)
    }

    /// The oldest state that may be found now.
    pub(super) fn floor(&self, source: Source) -> usize {
        match source {
            Source::Log if self.log.existence == Existence::Yes => self.log.kill_floor,
            _ => 0,
        }
    }

    /// What a start after this crash would have to find, for people.
    pub(super) fn describe(&self) -> String {
        let log = &self.log;
        format!(
            "log {:?}: {:?}, from {} (power cut: from {}); dump {:?}",
            log.existence, log.allowed, log.kill_floor, log.power_floor, self.dump.allowed
        )
    }
}

fn weaker(one: Policy, other: Policy) -> Policy {
    match (one, other) {
        (Policy::No, _) | (_, Policy::No) => Policy::No,
        (Policy::EverySecond, _) | (_, Policy::EverySecond) => Policy::EverySecond,
        _ => Policy::Always,
    }
}

impl LogPromise {
    /// The log holds exactly this state, durably, and goes on from there.
    fn adopt(&mut self, index: usize) {
        self.existence = Existence::Yes;
        self.allowed.clear();
        self.forget_acknowledged();
        self.given_up = false;
        self.live_from = Some(index);
        self.kill_floor = index;
        self.power_floor = index;
    }

    fn observe(&mut self, before: Option<Observation>, now: Observation, last: usize) {
        let state_before = before.map(|seen| seen.log_state);
        let rewrite_began = now.rewrite.is_some() && now.rewrite != before.and_then(|seen| seen.rewrite);
        match (state_before, now.log_state) {
            (Some(LogState::Enabling), LogState::On) => {
                let cut = self.live_from.unwrap_or(last);
                self.adopt(cut);
            }
            (Some(LogState::On | LogState::Enabling), LogState::Off | LogState::Disabling) => {
                self.freeze(last);
            }
            _ => {}
        }
        if rewrite_began && matches!(now.log_state, LogState::Enabling | LogState::Off | LogState::Disabling)
        {
            self.freeze(last);
            if self.existence == Existence::No {
                self.existence = Existence::Maybe;
            }
            self.live_from = Some(last);
            if now.log_state != LogState::Enabling {
                self.allowed.push(last..=last);
                self.live_from = None;
            }
        }
    }

    fn forget_acknowledged(&mut self) {
        self.acknowledged.clear();
        self.acknowledged_apart.clear();
    }

    /// The log stays as it is from here on, whatever is executed.
    fn freeze(&mut self, last: usize) {
        if let Some(first) = self.live_from.take() {
            self.allowed.push(first..=last);
        }
    }
}
