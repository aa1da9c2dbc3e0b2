//! Every crash point of every short history: a few actions in every order, under every configuration, crashed at every
//! operation of the disk, in several ways each.
//!
//! What a history does is chosen by its number. The random campaign goes further and deeper; this one leaves nothing out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lastsave_config::{Config, parse_text};
use lastsave_storage::sim::{CrashProfile, SimulatedStorage};

use super::campaign::{Run, panic_text};
use super::coverage;
use super::life::{Life, World};
use super::log_lines;
use super::machine::Started;
use super::model::DATABASES;
use super::promise::{Crash, Source};
use super::report::SeedReport;
use super::workload::Command;

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A client writes, and what it wrote is handed to the log.
    Write,
    /// The log's thread works until it sleeps, and replies leave.
    Log,
    /// What is under way on the thread for syncs ends.
    Sync,
    /// A second passes, with the periodic work that it brings.
    Second,
    /// BGREWRITEAOF.
    Rewrite,
    /// A snapshot is written, and its end is noticed.
    Snapshot,
    /// `appendfsync` is changed.
    Policy,
    /// `appendonly` is switched off, or on again.
    Switch,
}

const ACTIONS: [Action; 8] = [
    Action::Write,
    Action::Log,
    Action::Sync,
    Action::Second,
    Action::Rewrite,
    Action::Snapshot,
    Action::Policy,
    Action::Switch,
];

/// Policy, frames, prepared space, RDB base.
const CONFIGURATIONS: [(&str, &str, &str, &str); 6] = [
    ("always", "yes", "yes", "yes"),
    ("always", "yes", "no", "no"),
    ("always", "no", "no", "yes"),
    ("everysec", "yes", "no", "yes"),
    ("everysec", "no", "no", "no"),
    ("no", "yes", "no", "yes"),
];

/// How a crash may go. Where nothing tells a torn file, only what syncs guarantee is looked at, or all of it.
const CRASHES: [(Crash, CrashProfile); 5] = [
    (Crash::Kill, CrashProfile::KeepUnsynced),
    (Crash::PowerCut, CrashProfile::LoseUnsynced),
    (Crash::PowerCut, CrashProfile::KeepUnsynced),
    (Crash::PowerCut, CrashProfile::Mixed { newest_percent: 50 }),
    (Crash::PowerCut, CrashProfile::Mixed { newest_percent: 90 }),
];

/// Crashes the history of that number, `length` actions long, at each of its points. `None` when there are not so many
/// histories.
#[must_use]
pub fn exhaust(length: usize, number: u64, verbose: bool) -> Option<SeedReport> {
    let histories = (ACTIONS.len() as u64).checked_pow(u32::try_from(length).ok()?)?;
    let (policy, frames, prepare, preamble) = *CONFIGURATIONS.get((number / histories) as usize)?;
    let text = format!(
        "databases {DATABASES}\nappendonly yes\nsave \"\"\nappendfsync {policy}\naof-frames {frames}\n\
         aof-prepare {prepare}\naof-use-rdb-preamble {preamble}\n"
    );
    let (config, _) = parse_text(text.as_bytes()).expect("the simulation writes valid configurations");
    let mut left = number % histories;
    let actions: Vec<Action> = (0..length)
        .map(|_| {
            let action = ACTIONS[(left % ACTIONS.len() as u64) as usize];
            left /= ACTIONS.len() as u64;
            action
        })
        .collect();
    // What a start does is the same in all histories of one configuration: it is crashed in the first.
    let first_point = if number.is_multiple_of(histories) { 0 } else { u64::MAX };
    Some(crash_everywhere(number, verbose, &config, &actions, first_point))
}

fn crash_everywhere(
    number: u64,
    verbose: bool,
    config: &Config,
    actions: &[Action],
    first_point: u64,
) -> SeedReport {
    let _one_at_a_time = super::campaign::RUNNING.lock();
    log_lines::install();
    let mut sum = SeedReport::empty();
    let mut point = first_point;
    // Without a crash first, to learn how many points there are.
    let mut last_point = 0;
    loop {
        log_lines::clear();
        let mut run = Run::new(number, verbose);
        run.source = Source::Log;
        run.tell(|_| format!("history {number}, crash point {point}: {actions:?}"));
        let is_survey = last_point == 0;
        let crash_at = if is_survey { u64::MAX / 2 } else { point };
        let mut points = 0..0;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            points = run.live_history(config.clone(), actions, crash_at)?;
            run.examine_all()
        }));
        let what = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(what)) => Some(what),
            Err(panic) => Some(format!("panicked: {}", panic_text(&*panic))),
        };
        run.coverage.note_disk(&run.storage);
        sum.coverage.add(&run.coverage);
        sum.violation =
            what.map(|what| run.violation(format!("history {number}, point {point}: {actions:?}\n  {what}")));
        sum.story.append(&mut run.story);
        if sum.violation.is_some() {
            break;
        }
        if is_survey {
            last_point = points.end.max(1);
            point = point.min(points.start);
        } else {
            point += 1;
        }
        if point >= last_point {
            break;
        }
    }
    sum.coverage.count_many(coverage::VIOLATIONS, u64::from(sum.violation.is_some()));
    sum.coverage.count(coverage::SEEDS);
    sum
}

impl Run {
    /// Lives one history, which is crashed at that operation of the disk. Gives the operations between its start and
    /// its end.
    fn live_history(
        &mut self,
        config: Config,
        actions: &[Action],
        crash_at: u64,
    ) -> Result<std::ops::Range<u64>, String> {
        self.unframed = !config.aof_frames;
        self.promises.begin_start(Source::Log);
        self.storage.crash_after(crash_at);
        let machine = match self.boot(config) {
            Started::Yes(machine) if !self.storage.is_crashed() => machine,
            _ if self.storage.is_crashed() => return Ok(0..self.storage.operations()),
            Started::Yes(_) => unreachable!("taken above"),
            Started::Refused(reason) => return Err(format!("refused to start: {reason}")),
        };
        let found = self.compare(&machine)?;
        self.promises.started(Source::Log, found);
        let begin = self.storage.operations();
        let mut life = Life::new(machine, self.storage.clone());
        let mut world = World {
            random: &mut self.random,
            history: &mut self.history,
            promises: &mut self.promises,
            backups: &mut self.backups,
            durability_is_chosen: false,
            coverage: &mut self.coverage,
        };
        for (index, action) in actions.iter().enumerate() {
            life.act(&mut world, *action, index);
            if life.is_over() {
                break;
            }
        }
        self.source = match life.machine.config.appendonly {
            true => Source::Log,
            false => Source::Dump,
        };
        Ok(begin..self.storage.operations())
    }

    /// Looks at what a server finds after each kind of crash.
    fn examine_all(&mut self) -> Result<(), String> {
        self.storage.crash_after(u64::MAX / 2);
        for (crash, profile) in CRASHES {
            if self.unframed && matches!(profile, CrashProfile::Mixed { .. }) {
                continue;
            }
            let disk: SimulatedStorage = match crash {
                Crash::Kill => self.storage.kill(&mut self.random),
                Crash::PowerCut => self.storage.crash_as(profile, &mut self.random),
            };
            let promises = self.promises.clone();
            self.examine(promises, self.source, crash, disk, None)?;
        }
        Ok(())
    }
}

impl Life {
    fn act(&mut self, world: &mut World<'_>, action: Action, index: usize) {
        match action {
            Action::Write => {
                self.execute(world, index % 3, &command_number(index));
                self.machine.persistence.hand_over();
            }
            Action::Log => self.machine.step_log(),
            Action::Sync => {
                self.machine.finish_work();
                self.machine.step_log();
            }
            Action::Second => {
                self.pass(Duration::from_millis(1001));
                self.cron(world);
                self.machine.persistence.hand_over();
                self.machine.step_log();
            }
            Action::Rewrite => {
                world.coverage.count(coverage::REWRITES);
                self.ask_for_rewrite(3);
                self.machine.step_log();
            }
            Action::Snapshot => self.machine.run_queued_job(),
            Action::Policy => {
                let is_always = self.machine.config.appendfsync == lastsave_config::AppendFsync::Always;
                self.change_policy(world, if is_always { "everysec" } else { "always" });
            }
            Action::Switch => {
                let is_on = self.machine.config.appendonly;
                self.set("appendonly", if is_on { "no" } else { "yes" });
            }
        }
        self.machine.poll();
        while self.machine.run_housekeeping(0) {}
        self.look(world);
        self.send_replies(world);
    }
}

/// Writes of three kinds: a value, an element, and a transaction.
fn command_number(index: usize) -> Vec<Command> {
    let value = format!("v{index}");
    match index % 3 {
        0 => vec![Command::plain(1, &[b"SET", b"key:1", value.as_bytes()])],
        1 => vec![Command::plain(12, &[b"RPUSH", b"list:1", value.as_bytes()])],
        _ => vec![
            Command::plain(4, &[b"INCR", b"counter"]),
            Command::plain(14, &[b"HSET", b"hash:1", b"f", value.as_bytes()]),
        ],
    }
}
