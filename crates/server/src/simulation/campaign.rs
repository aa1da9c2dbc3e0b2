//! Seeds and lives: start, compare, work, crash, and again on what is left.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lastsave_storage::Operation;
use lastsave_storage::sim::{CrashProfile, SimulatedClock, SimulatedRandom, SimulatedStorage};
use parking_lot::Mutex;

use super::backups::Backups;
use super::content::{Precision, fingerprint};
use super::coverage::{self, Coverage};
use super::life::{Life, World};
use super::log_lines;
use super::machine::{GateFault, Machine};
use super::model::History;
use super::promise::{Crash, Promises, Source};
use super::report::SeedReport;

/// Seeds run one at a time: they share the collector of log lines.
pub(super) static RUNNING: Mutex<()> = Mutex::new(());

/// Faults on purpose, which last for a whole seed.
#[derive(Clone, Debug, Default)]
pub(super) struct Sabotage {
    /// Syncs that do nothing.
    pub(super) lies: Vec<(Operation, &'static str)>,
    /// Replies leave too early.
    pub(super) gate_fault: Option<GateFault>,
    /// Nobody makes backups, which might give away what the log itself has to.
    pub(super) without_backups: bool,
}

/// Lives the lives of one seed.
#[must_use]
pub fn run_seed(seed: u64, verbose: bool) -> SeedReport {
    run_seed_with(seed, verbose, Sabotage::default())
}

pub(super) fn run_seed_with(seed: u64, verbose: bool, sabotage: Sabotage) -> SeedReport {
    let _one_at_a_time = RUNNING.lock();
    log_lines::install();
    log_lines::clear();
    let mut run = Run::new(seed, verbose);
    for (operation, part) in &sabotage.lies {
        run.storage.lie_about(*operation, *part);
    }
    // They make for more syncs.
    run.backups.are_left_out = run.random.chance(1, 2) || sabotage.without_backups;
    run.sabotage = sabotage;
    let outcome = catch_unwind(AssertUnwindSafe(|| run.live_all()));
    let what = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(what)) => Some(what),
        Err(panic) => Some(format!("panicked: {}", panic_text(&*panic))),
    };
    let violation = what.map(|what| run.violation(what));
    run.coverage.count_many(coverage::VIOLATIONS, u64::from(violation.is_some()));
    run.coverage.count(coverage::SEEDS);
    SeedReport { trace_hash: run.trace_hash, coverage: run.coverage, violation, story: run.story }
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// All lives of one seed.
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) life: usize,
    pub(super) random: SimulatedRandom,
    pub(super) clock: SimulatedClock,
    pub(super) storage: SimulatedStorage,
    pub(super) history: History,
    pub(super) promises: Promises,
    pub(super) backups: Backups,
    /// Clients choose their durability in this seed.
    durability_is_chosen: bool,
    /// Versions of the RDB format that snapshots are written in.
    pub(super) versions: std::ops::Range<u64>,
    pub(super) coverage: Coverage,
    /// What a start would read at present, if the operator's configuration is what the server was told last.
    pub(super) source: Source,
    /// A file without frames may hold bytes that were never synced: by Redis' rules a torn one cannot be told.
    pub(super) unframed: bool,
    /// The disk of the machine before this one.
    pub(super) before: Option<SimulatedStorage>,
    /// The crashed disk on which a probe found something wrong.
    pub(super) looked_at: Option<SimulatedStorage>,
    pub(super) trace_hash: u64,
    pub(super) verbose: bool,
    pub(super) sabotage: Sabotage,
    pub(super) story: Vec<String>,
}

impl Run {
    pub(super) fn new(seed: u64, verbose: bool) -> Self {
        let mut random = SimulatedRandom::new(seed);
        let clock = SimulatedClock::new();
        let storage = SimulatedStorage::with_clock(random.next_u64(), clock.clone());
        let source = if random.chance(3, 4) { Source::Log } else { Source::Dump };
        // Fields that expire need version 12 as long as there may be some; what old versions leave out is not compared.
        let versions = [12..13, 12..13, 10..12, 9..12][random.index(4)].clone();
        let durability_is_chosen = random.chance(1, 2);
        Self {
            seed,
            life: 0,
            random,
            clock,
            storage,
            history: History::new(Precision { counters_of_streams: versions.start > 9, is_wordy: verbose }),
            promises: Promises::new(),
            backups: Backups::new(),
            durability_is_chosen,
            versions,
            coverage: Coverage::default(),
            source,
            unframed: false,
            before: None,
            looked_at: None,
            trace_hash: 0,
            verbose,
            sabotage: Sabotage::default(),
            story: Vec::new(),
        }
    }

    fn live_all(&mut self) -> Result<(), String> {
        let lives = self.random.pick(3..7) as usize;
        for life in 0..lives {
            self.life = life;
            let machine = self.start()?;
            self.coverage.count(coverage::LIVES);
            self.live(machine)?;
        }
        self.life = lives;
        let mut machine = self.start_undisturbed()?;
        self.back_up_undisturbed(&mut machine)?;
        drop(machine);
        self.note_end_of_machine();
        Ok(())
    }

    /// Works until the machine crashes or has had enough.
    fn live(&mut self, machine: Box<Machine>) -> Result<(), String> {
        if self.random.chance(3, 4) {
            let most = [30, 200, 1000, 3000][self.random.index(4)];
            let operations = self.random.pick(0..most);
            self.storage.crash_after(operations);
        }
        let turns = self.random.pick(1..150);
        let mut life = Life::new(machine, self.storage.clone());
        life.is_unframed |= self.unframed;
        for _ in 0..turns {
            life.turn(&mut World {
                random: &mut self.random,
                history: &mut self.history,
                promises: &mut self.promises,
                backups: &mut self.backups,
                durability_is_chosen: self.durability_is_chosen,
                coverage: &mut self.coverage,
            });
            self.unframed |= life.is_unframed;
            if let Some(what) = life.contradiction.take() {
                return Err(what);
            }
            if life.is_over() {
                break;
            }
            if self.random.chance(1, 12) {
                self.probe_between_turns(&life)?;
            }
        }
        life.settle_promises(&mut self.promises, self.history.last());
        let disagreement = (!self.storage.is_crashed())
            .then(|| self.history.disagreement(&life.machine.dataset.keyspace))
            .flatten();
        let log_state = life.machine.observe().log_state;
        let exit_code = life.machine.exit_code;
        drop(life);
        self.backups.end_life();
        if let Some(difference) = disagreement {
            return Err(format!(
                "a bug of the simulation: its model is not what the server holds:\n{difference}"
            ));
        }
        self.tell(|_| format!("the life ends: log {log_state:?}, exit code {exit_code:?}"));
        self.storage.clear_faults();
        self.storage.lift_space_limit();
        self.storage.crash_after(u64::MAX / 2);
        self.choose_source(log_state);
        self.probe_variants()?;
        self.crash();
        Ok(())
    }

    pub(super) fn pick_crash(&mut self) -> Crash {
        if self.random.chance(1, 3) { Crash::Kill } else { Crash::PowerCut }
    }

    pub(super) fn crashed_disk(&mut self, crash: Crash) -> SimulatedStorage {
        match crash {
            Crash::Kill => self.storage.kill(&mut self.random),
            Crash::PowerCut if self.unframed => {
                let lose = self.random.chance(1, 2);
                let profile = if lose { CrashProfile::LoseUnsynced } else { CrashProfile::KeepUnsynced };
                self.storage.crash_as(profile, &mut self.random)
            }
            Crash::PowerCut => self.storage.crash(&mut self.random),
        }
    }

    /// The end of this life of the machine.
    pub(super) fn crash(&mut self) {
        let crash = self.pick_crash();
        self.promises.crash(crash, self.history.last());
        self.replace_storage(crash);
        self.coverage.count(coverage::CRASH_POINTS);
        if crash == Crash::PowerCut {
            self.unframed = false;
        }
        self.tell(|_| format!("{crash:?}"));
        let pause_ms = self.random.pick(0..5000);
        self.clock.advance(std::time::Duration::from_millis(pause_ms));
    }

    pub(super) fn replace_storage(&mut self, crash: Crash) {
        self.note_end_of_machine();
        let after = self.crashed_disk(crash);
        self.before = Some(std::mem::replace(&mut self.storage, after));
    }

    /// Adds what was done to the disk to the counts and to the hash of everything.
    fn note_end_of_machine(&mut self) {
        self.coverage.note_disk(&self.storage);
        let process = format!("-{}", std::process::id());
        for mut entry in self.storage.trace() {
            let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("temp-") {
                entry.path = name.replace(&process, "").into();
            }
            self.trace_hash = self.trace_hash.rotate_left(5) ^ fingerprint(entry.to_string().as_bytes());
        }
    }

    pub(super) fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        let line = format!("== life {}, operation {}: {}", self.life, self.storage.operations(), line(self));
        log_lines::push(line.clone());
        if self.verbose {
            self.story.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_history_every_time() {
        for seed in 0..6 {
            let (one, other) = (run_seed(seed, true), run_seed(seed, true));
            assert_eq!(one.trace_hash, other.trace_hash, "seed {seed}");
            assert_eq!(one.story, other.story, "seed {seed}");
            assert_eq!(one.coverage, other.coverage, "seed {seed}");
        }
    }
}
