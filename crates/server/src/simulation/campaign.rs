//! Seeds and lives: start, compare, work, crash, and again on what is left.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lastsave_storage::sim::{CrashProfile, SimulatedClock, SimulatedRandom, SimulatedStorage};
use parking_lot::Mutex;

use super::coverage::Coverage;
use super::life::{Life, World};
use super::machine::{Machine, Started};
use super::model::{History, State, fingerprint};
use super::promise::{Crash, Promises, Source};
use super::{log_lines, settings, weather};
use crate::persistence::LogState;

/// Attempts to start until one must succeed undisturbed.
const DISTURBED_STARTS_MAX: usize = 5;

/// Log lines and operations in a report.
const REPORT_LINES: usize = 80;

/// Seeds run one at a time: they share the collector of log lines.
static RUNNING: Mutex<()> = Mutex::new(());

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Replays it.
    pub seed: u64,
    /// Which life of the server, from 0.
    pub life: usize,
    /// State-changing operations of the disk in that life.
    pub operation: u64,
    /// What was broken.
    pub what: String,
    /// The last operations of the disk and lines of the log.
    pub details: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "VIOLATION: seed {}, life {}, operation {}: {}",
            self.seed, self.life, self.operation, self.what
        )?;
        for line in &self.details {
            writeln!(out, "  | {line}")?;
        }
        write!(
            out,
            "  replay: cargo run --release -p lastsave-server --example crash_campaign -- --seed {} --verbose",
            self.seed
        )
    }
}

/// How one seed went.
#[derive(Clone, Debug)]
pub struct SeedReport {
    /// Stands for everything that happened: equal for every run of the seed.
    pub trace_hash: u64,
    /// What was hit.
    pub coverage: Coverage,
    /// The first promise that was broken, if any.
    pub violation: Option<Violation>,
    /// What happened, for people; empty unless asked for.
    pub story: Vec<String>,
}

/// Lives the lives of one seed.
#[must_use]
pub fn run_seed(seed: u64, verbose: bool) -> SeedReport {
    let _one_at_a_time = RUNNING.lock();
    log_lines::install();
    log_lines::clear();
    let mut run = Run::new(seed, verbose);
    let outcome = catch_unwind(AssertUnwindSafe(|| run.live_all()));
    let what = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(what)) => Some(what),
        Err(panic) => Some(format!("panicked: {}", panic_text(&*panic))),
    };
    let violation = what.map(|what| run.violation(what));
    run.coverage.seeds = 1;
    SeedReport { trace_hash: run.trace_hash, coverage: run.coverage, violation, story: run.story }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// All lives of one seed.
struct Run {
    seed: u64,
    life: usize,
    random: SimulatedRandom,
    clock: SimulatedClock,
    storage: SimulatedStorage,
    history: History,
    promises: Promises,
    coverage: Coverage,
    /// What a start would read at present, if the operator's configuration is what the server was told last.
    source: Source,
    /// A file without frames may hold bytes that were never synced: by Redis' rules a torn one cannot be told.
    unframed: bool,
    /// The crashed disk on which a probe found something wrong.
    looked_at: Option<SimulatedStorage>,
    trace_hash: u64,
    verbose: bool,
    story: Vec<String>,
}

impl Run {
    fn new(seed: u64, verbose: bool) -> Self {
        let mut random = SimulatedRandom::new(seed);
        let clock = SimulatedClock::new();
        let storage = SimulatedStorage::with_clock(random.next_u64(), clock.clone());
        let source = if random.chance(3, 4) { Source::Log } else { Source::Dump };
        Self {
            seed,
            life: 0,
            random,
            clock,
            storage,
            history: History::new(),
            promises: Promises::new(),
            coverage: Coverage::default(),
            source,
            unframed: false,
            looked_at: None,
            trace_hash: 0,
            verbose,
            story: Vec::new(),
        }
    }

    fn live_all(&mut self) -> Result<(), String> {
        let lives = self.random.pick(3..7) as usize;
        for life in 0..lives {
            self.life = life;
            let machine = self.start()?;
            self.coverage.lives += 1;
            self.live(machine)?;
        }
        self.life = lives;
        let machine = self.start_undisturbed()?;
        drop(machine);
        self.note_end_of_machine();
        Ok(())
    }

    /// Starts a server, if need be after some attempts that are crashed or meet a failing disk.
    fn start(&mut self) -> Result<Box<Machine>, String> {
        for _ in 0..DISTURBED_STARTS_MAX {
            if !self.random.chance(1, 3) {
                break;
            }
            if self.random.chance(1, 3) {
                self.start_on_a_failing_disk()?;
            } else {
                self.crash_a_start()?;
            }
        }
        self.start_undisturbed()
    }

    fn next_configuration(&mut self) -> lastsave_config::Config {
        settings::configuration(&mut self.random, self.source)
    }

    /// The power goes, or the process is killed, while a server starts.
    fn crash_a_start(&mut self) -> Result<(), String> {
        let config = self.next_configuration();
        let frames = config.aof_frames;
        self.promises.begin_start(self.source);
        let operations = self.random.pick(0..40);
        self.storage.crash_after(operations);
        self.tell(|run| format!("start, to be crashed after {operations} operations ({:?})", run.source));
        let started = self.boot(config);
        if self.storage.is_crashed() {
            self.coverage.crashed_starts += 1;
            self.coverage.note_interruption(&self.storage);
            self.unframed |= !frames;
        } else {
            match started {
                Started::Yes(machine) => self.compare(&machine)?,
                Started::Refused(reason) => return Err(format!("refused to start: {reason}")),
            };
        }
        self.storage.crash_after(u64::MAX / 2);
        self.probe_variants()?;
        self.crash();
        Ok(())
    }

    /// A disk that fails may keep a server from starting, but not make it forget.
    fn start_on_a_failing_disk(&mut self) -> Result<(), String> {
        let config = self.next_configuration();
        self.promises.begin_start(self.source);
        self.tell(|_| "start on a failing disk".to_owned());
        self.storage.inject(weather::failure(&mut self.random));
        let started = self.boot(config);
        self.storage.clear_faults();
        if let Started::Yes(machine) = started {
            self.compare(&machine)?;
        }
        self.unframed = true;
        self.replace_storage(Crash::Kill);
        self.promises.crash(Crash::Kill, self.history.last());
        Ok(())
    }

    /// Nothing stands in the way: the server must start, and find what was promised.
    fn start_undisturbed(&mut self) -> Result<Box<Machine>, String> {
        if self.source == Source::Log && self.random.chance(1, 20) {
            self.start_strictly()?;
        }
        let config = self.next_configuration();
        let frames = config.aof_frames;
        self.promises.begin_start(self.source);
        self.tell(|run| format!("start ({:?}); {}", run.source, run.promises.describe()));
        match self.boot(config) {
            Started::Yes(machine) => {
                let found = self.compare(&machine)?;
                self.promises.started(self.source, found);
                self.unframed = !frames;
                self.coverage.note_load(machine.persistence.cut_rows());
                Ok(machine)
            }
            Started::Refused(reason) => Err(format!("refused to start: {reason}")),
        }
    }

    /// `aof-load-truncated no` refuses what is torn and changes nothing.
    fn start_strictly(&mut self) -> Result<(), String> {
        let mut config = self.next_configuration();
        config.aof_load_truncated = false;
        self.promises.begin_start(self.source);
        self.tell(|_| "start with aof-load-truncated no".to_owned());
        match self.boot(config) {
            Started::Yes(machine) => {
                self.compare(&machine)?;
            }
            Started::Refused(reason) => {
                let row = self.coverage.note_refusal(&log_lines::last(REPORT_LINES), self.unframed);
                if !matches!(row, Some("F9" | "R2")) {
                    return Err(format!("refused to start with aof-load-truncated no: {reason}"));
                }
                self.coverage.refused_starts += 1;
            }
        }
        self.unframed = true;
        self.replace_storage(Crash::Kill);
        self.promises.crash(Crash::Kill, self.history.last());
        Ok(())
    }

    fn boot(&mut self, config: lastsave_config::Config) -> Started {
        self.coverage.starts += 1;
        let seed = self.random.next_u64();
        Machine::start(&self.storage, config, seed)
    }

    /// Compares what a server has loaded with what was promised; the state found begins a life.
    fn compare(&mut self, machine: &Machine) -> Result<usize, String> {
        let state = State::of(&machine.dataset.keyspace);
        let index = self.promises.judge(self.source, &state, &self.history)?;
        let found = self.history.begin_life(state);
        self.tell(|run| format!("found unit {index} ({}), now {found}", run.history.unit(index).what));
        Ok(found)
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
        for _ in 0..turns {
            life.turn(&mut World {
                random: &mut self.random,
                history: &mut self.history,
                promises: &mut self.promises,
                coverage: &mut self.coverage,
            });
            if life.is_over() {
                break;
            }
            if self.random.chance(1, 12) {
                self.probe_between_turns(&life)?;
            }
        }
        life.settle_promises(&mut self.promises, self.history.last());
        let agrees = self.storage.is_crashed() || self.history.agrees_with(&life.machine.dataset.keyspace);
        let log_state = life.machine.observe().log_state;
        let exit_code = life.machine.exit_code;
        drop(life);
        if !agrees {
            return Err("the model of the simulation is not what the server holds: a bug of the simulation"
                .to_owned());
        }
        self.tell(|_| format!("the life ends: log {log_state:?}, exit code {exit_code:?}"));
        if self.storage.is_crashed() {
            self.coverage.note_interruption(&self.storage);
        }
        self.storage.clear_faults();
        self.storage.lift_space_limit();
        self.storage.crash_after(u64::MAX / 2);
        self.choose_source(log_state);
        self.probe_variants()?;
        self.crash();
        Ok(())
    }

    /// What the operator will have the next server read.
    fn choose_source(&mut self, log_state: LogState) {
        self.source = self.likely_source(log_state);
        if self.random.chance(1, 25) {
            self.source = if self.source == Source::Log { Source::Dump } else { Source::Log };
        }
    }

    fn likely_source(&mut self, log_state: LogState) -> Source {
        match log_state {
            LogState::On => Source::Log,
            LogState::Off => Source::Dump,
            LogState::Enabling | LogState::Disabling if self.random.chance(1, 2) => Source::Log,
            LogState::Enabling | LogState::Disabling => Source::Dump,
        }
    }

    /// The machine could crash at this moment, and goes on.
    fn probe_between_turns(&mut self, life: &Life) -> Result<(), String> {
        let mut promises = self.promises.clone();
        life.settle_promises(&mut promises, self.history.last());
        let source = self.likely_source(life.machine.observe().log_state);
        self.probe(&promises, source)
    }

    /// Crashes the machine in several ways, and looks at what a server finds after each.
    fn probe_variants(&mut self) -> Result<(), String> {
        let promises = self.promises.clone();
        for _ in 0..self.random.index(8) {
            self.probe(&promises, self.source)?;
        }
        Ok(())
    }

    /// Crashes a copy of the machine and starts a server on what is left of it.
    fn probe(&mut self, promises: &Promises, source: Source) -> Result<(), String> {
        let crash = self.pick_crash();
        let mut promises = promises.clone();
        promises.crash(crash, self.history.last());
        let disk = self.crashed_disk(crash);
        disk.clear_faults();
        disk.lift_space_limit();
        disk.make_short(0);
        let damage =
            if source == Source::Log && self.random.chance(1, 10) { self.damage(&disk) } else { None };
        promises.begin_start(source);
        let mut config = self.next_configuration();
        config.appendonly = source == Source::Log;
        self.coverage.crash_points += 1;
        self.coverage.starts += 1;
        let seed = self.random.next_u64();
        log_lines::push("-- a probe starts".to_owned());
        let outcome = match Machine::start(&disk, config, seed) {
            Started::Yes(machine) => {
                self.coverage.note_load(machine.persistence.cut_rows());
                let state = State::of(&machine.dataset.keyspace);
                match &damage {
                    None => promises.judge(source, &state, &self.history).map(|_| ()),
                    // What was damaged may be missing, but never changed.
                    Some(_) if self.history.find(&state, 0..=self.history.last()).is_some() => Ok(()),
                    Some(_) => Err("a state was found that never was".to_owned()),
                }
            }
            Started::Refused(_) if damage.is_some() => {
                self.coverage.note_refusal(&log_lines::last(20), self.unframed);
                self.coverage.refused_starts += 1;
                Ok(())
            }
            Started::Refused(reason) => Err(format!("refused to start: {reason}")),
        };
        self.coverage.note_disk(&disk);
        outcome.map_err(|text| {
            self.looked_at = Some(disk);
            let damage = damage.map_or(String::new(), |damage| format!(" and {damage}"));
            format!(
                "after a {crash:?}{damage} (probe of {source:?}) {text}  promised: {}",
                promises.describe()
            )
        })
    }

    /// Damages a file of the log that can tell: an RDB or an increment with frames. Gives what was done.
    fn damage(&mut self, disk: &SimulatedStorage) -> Option<String> {
        if self.unframed {
            return None;
        }
        let files: Vec<(std::path::PathBuf, u64)> = disk
            .files()
            .into_iter()
            .filter(|(path, bytes)| {
                let name = path.to_string_lossy();
                *bytes > 0 && (name.ends_with(".base.rdb") || name.ends_with(".incr.aof"))
            })
            .collect();
        if files.is_empty() {
            return None;
        }
        let (path, bytes) = files[self.random.index(files.len())].clone();
        let framed = disk
            .contents(&path)
            .is_some_and(|bytes| bytes.starts_with(b"#LASTSAVE") || bytes.starts_with(b"REDIS"));
        if !framed {
            return None;
        }
        let offset = self.random.pick(0..bytes);
        let what = match self.random.index(4) {
            0 | 1 => {
                let mask = 1 << self.random.index(8);
                disk.flip_bits(&path, offset, mask).ok()?;
                format!("the bits {mask:#x} inverted at {offset}")
            }
            2 => {
                let length = self.random.pick(1..600).min(bytes - offset) as usize;
                let mut noise = vec![0; length];
                if self.random.chance(1, 2) {
                    self.random.fill(&mut noise);
                }
                disk.overwrite(&path, offset as usize, &noise).ok()?;
                format!("{length} bytes overwritten at {offset}")
            }
            _ => {
                disk.cut(&path, offset as usize).ok()?;
                format!("cut to {offset} bytes")
            }
        };
        Some(format!("damage to {}: {what}", path.display()))
    }

    fn pick_crash(&mut self) -> Crash {
        if self.random.chance(1, 3) { Crash::Kill } else { Crash::PowerCut }
    }

    fn crashed_disk(&mut self, crash: Crash) -> SimulatedStorage {
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
    fn crash(&mut self) {
        let crash = self.pick_crash();
        self.promises.crash(crash, self.history.last());
        self.replace_storage(crash);
        self.coverage.crash_points += 1;
        if crash == Crash::PowerCut {
            self.unframed = false;
        }
        self.tell(|_| format!("{crash:?}"));
        let pause_ms = self.random.pick(0..5000);
        self.clock.advance(std::time::Duration::from_millis(pause_ms));
    }

    fn replace_storage(&mut self, crash: Crash) {
        self.note_end_of_machine();
        self.storage = self.crashed_disk(crash);
    }

    /// Adds what was done to the disk to the counts and to the hash of everything.
    fn note_end_of_machine(&mut self) {
        self.coverage.note_disk(&self.storage);
        let process = std::process::id().to_string();
        for entry in self.storage.trace() {
            let line = entry.to_string().replace(&process, "PID");
            self.trace_hash = self.trace_hash.rotate_left(5) ^ fingerprint(line.as_bytes());
        }
    }

    fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        let line = format!("== life {}, operation {}: {}", self.life, self.storage.operations(), line(self));
        log_lines::push(line.clone());
        if self.verbose {
            self.story.push(line);
        }
    }

    fn violation(&self, what: String) -> Violation {
        let trace = self.storage.trace();
        let mut details: Vec<String> = vec!["the last operations of the disk:".to_owned()];
        details.extend(trace.iter().rev().take(REPORT_LINES).rev().map(ToString::to_string));
        details.push("the last lines of the log:".to_owned());
        details.extend(log_lines::last(REPORT_LINES));
        details.push(format!("files: {:?}", self.storage.files()));
        if let Some(disk) = &self.looked_at {
            details.push("the last operations of the start after the crash:".to_owned());
            details.extend(disk.trace().iter().rev().take(REPORT_LINES).rev().map(ToString::to_string));
            details.push(format!("files after the crash: {:?}", disk.files()));
        }
        Violation { seed: self.seed, life: self.life, operation: self.storage.operations(), what, details }
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
